"""What a wheel holds, and where an installed snhost finds it. The extensions are not compiled for this."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

if not (ROOT / "setup.py").exists():
    pytest.skip("there is no source tree beside these tests", allow_module_level=True)

# setup.py with the compiler taken away: prints what it would have compiled
SETUP = """
import json, runpy, sys
import Cython.Build

def cythonize(extensions, **options):
    print(json.dumps([
        [e.name, e.sources, e.define_macros, e.extra_compile_args, e.extra_link_args, options] for e in extensions
    ]))
    return []

Cython.Build.cythonize = cythonize
sys.argv[0] = "setup.py"
runpy.run_path("setup.py", run_name="__main__")
"""


def setup(*args: str, **environment: str) -> list[list[Any]]:
    """Run setup.py in the checkout and return the list of extensions."""
    for module in ("setuptools", "Cython"):
        pytest.importorskip(module)
    result = subprocess.run(
        [sys.executable, "-c", SETUP, *args],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    extensions: list[list[Any]] = json.loads(result.stdout.splitlines()[0])
    return extensions


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what a wheel would hold, without the extensions."""
    directory = tmp_path_factory.mktemp("wheel")
    library = directory / "library"
    base = str(directory)
    setup("-q", "egg_info", "--egg-base", base, "build", "--build-base", base, "--build-lib", str(library))
    return library


def files(directory: Path, pattern: str) -> set[str]:
    return {str(p.relative_to(directory)) for p in directory.rglob(pattern) if "__pycache__" not in p.parts}


@pytest.mark.parametrize(("folder", "pattern"), [("lualib", "*.lua"), ("service", "*.lua"), ("cservice_py", "*.py")])
def test_a_wheel_has_every_file_of_the_lua_side(installed: Path, folder: str, pattern: str) -> None:
    expected = files(ROOT / folder, pattern)

    assert expected
    assert files(installed / "host/_data" / folder, pattern) == expected


def test_a_wheel_has_every_python_module(installed: Path) -> None:
    assert files(installed, "*.py") - files(installed, "host/_data/**/*.py") == {
        f"host/{name}" for name in files(ROOT / "host", "*.py")
    }
    assert (installed / "host/py.typed").exists()


def test_a_wheel_has_nothing_else_at_its_top(installed: Path) -> None:
    assert {p.name for p in installed.iterdir()} == {"host"}


def test_the_installed_package_finds_its_own_lua_side(installed: Path, tmp_path: Path) -> None:
    code = (
        "from host import paths; from host.config import defaults\n"
        "print(paths.LUALIB, paths.SERVICE, paths.CSERVICE, defaults()['lualoader'], sep='\\n')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    found = [Path(line) for line in result.stdout.splitlines()]
    data = installed / "host/_data"
    assert found == [data / "lualib", data / "service", data / "cservice_py", data / "lualib/loader.lua"], result.stderr
    assert all(path.exists() for path in found)


def test_a_checkout_finds_its_own_lua_side() -> None:
    code = "from host import paths; print(paths.LUALIB, paths.SERVICE, paths.CSERVICE)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert result.stdout.split() == [str(ROOT / name) for name in ("lualib", "service", "cservice_py")], result.stderr


def test_each_pyx_is_one_extension() -> None:
    extensions = setup("--version")

    sources = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "host").rglob("*.pyx"))
    assert sorted(source for e in extensions for source in e[1]) == sources
    assert sorted(e[0] for e in extensions) == [s.removesuffix(".pyx").replace("/", ".") for s in sources]
    assert len(extensions) == len(sources)


@pytest.mark.parametrize(
    ("variables", "macro", "sanitizers", "forced"),
    [
        ({"SNHOST_DEBUG": "", "SNHOST_SANITIZE": ""}, "0", [], False),
        ({"SNHOST_DEBUG": "1", "SNHOST_SANITIZE": ""}, "1", [], True),
        ({"SNHOST_DEBUG": "0", "SNHOST_SANITIZE": "address"}, "0", ["-fsanitize=address"], True),
        ({"SNHOST_DEBUG": "0", "SNHOST_SANITIZE": "thread"}, "0", ["-fsanitize=thread"], True),
    ],
)
def test_variables_choose_the_kind_of_build(
    variables: dict[str, str], macro: str, sanitizers: list[str], forced: bool
) -> None:
    for _, _, macros, compile_args, link_args, options in setup("--version", **variables):
        assert ["SNHOST_DEBUG", macro] in macros
        assert {"-O2", "-fno-strict-aliasing"} <= set(compile_args)
        for args in (compile_args, link_args):
            assert [arg for arg in args if arg.startswith("-fsanitize")] == sanitizers
        assert bool(options["force"]) is forced


def test_the_versions_agree() -> None:
    from host import __version__

    result = subprocess.run(
        [sys.executable, "-c", SETUP, "--version"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert result.stdout.splitlines()[-1] == __version__, result.stderr
