"""The list of extensions; everything else is in pyproject.toml.

SNHOST_DEBUG=1 counts live objects (host/core/debug.pxd), SNHOST_SANITIZE=address or thread builds with that sanitizer.
"""

import os
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("SNHOST_DEBUG") == "1"
SANITIZER = os.environ.get("SNHOST_SANITIZE")
SANITIZE = [f"-fsanitize={SANITIZER}", "-fno-omit-frame-pointer", "-g"] if SANITIZER else []

extensions = [
    Extension(
        path.removesuffix(".pyx").replace(os.sep, "."),
        [path],
        include_dirs=["host/core", "host/luaclib"],
        define_macros=[("SNHOST_DEBUG", str(int(DEBUG)))],
        extra_compile_args=["-O2", "-fno-strict-aliasing", "-Wno-unused-function", *SANITIZE],
        extra_link_args=SANITIZE,
    )
    for path in sorted(glob("host/core/*.pyx") + glob("host/luaclib/*.pyx"))
]

setup(
    # cythonize works in parallel by itself, the C compiler only when told
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
    ext_modules=cythonize(
        extensions,
        nthreads=os.cpu_count() or 1,
        language_level=3,
        build_dir="build/cython",
        force=DEBUG or bool(SANITIZE),
    ),
    # the Lua side travels inside the package; host/paths.py finds it
    packages=[
        "host", "host.core", "host.luaclib", "host._data.lualib", "host._data.service", "host._data.cservice_py",
    ],
    package_dir={
        "host": "host",
        "host._data.lualib": "lualib",
        "host._data.service": "service",
        "host._data.cservice_py": "cservice_py",
    },
    package_data={
        "host": ["py.typed", "core/*.pxd", "core/*.h", "luaclib/*.pxd", "luaclib/*.h"],
        "host._data.lualib": ["**/*.lua"],
        "host._data.service": ["**/*.lua"],
        "host._data.cservice_py": ["*.py"],
    },
)
