"""Finds, loads and keeps the modules of native services. Source: skynet_module.c."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from host import paths
from host.errors import ConfigError, ModuleError

__all__ = ["Module", "ModuleLoader"]


@dataclass(frozen=True)
class Module:
    """The four hooks of a native service.

    Attributes:
        name: as LAUNCH names it.
        init: init(instance, ctx, args) -> 0 or None for success, anything else for failure.
        create: create() -> instance; None returned means that the launch fails.
        release: release(instance), once, when the service is gone.
        signal: signal(instance, n), from any thread.
    """

    name: str
    init: Callable[[Any, Any, str | None], int | None]
    create: Callable[[], Any] | None = None
    release: Callable[[Any], None] | None = None
    signal: Callable[[Any, int], None] | None = None


class ModuleLoader:
    """Modules by name: a user's along `cpath`, then the built-in ones of cservice_py.

    Args:
        cpath: patterns separated by `;`, in each of which the first `?` stands for the name. Patterns of shared objects
            of the original (`.so`) are passed over.

    Raises:
        ConfigError: a pattern has no `?`.
    """

    def __init__(self, cpath: str) -> None:
        patterns = [p for p in cpath.split(";") if p]
        for pattern in patterns:
            if "?" not in pattern:
                raise ConfigError(f"Invalid C service path: {pattern!r} has no '?'")
        self._patterns = [*patterns, str(paths.CSERVICE / "?.py")]
        self._modules: dict[str, Module] = {}

    def query(self, name: str) -> Module:
        """Return the module of a name, loading it when it is first asked for.

        Raises:
            ModuleError: no file was found, it does not run, or it has no init.
        """
        module = self._modules.get(name)
        if module is None:
            module = self._modules[name] = self._load(name)
        return module

    def _load(self, name: str) -> Module:
        tried = []
        for pattern in self._patterns:
            file = pattern.replace("?", name, 1)
            if file.endswith(".so"):
                tried.append(f"'{file}' is not Python")
            elif os.path.isfile(file):
                return _hooks(name, file, _run(name, file))
            else:
                tried.append(f"no file '{file}'")
        raise ModuleError(f"try open {name} failed : " + ", ".join(tried))


def _run(name: str, path: str) -> ModuleType:
    # a dot would make it a part of a package, for instance for what pickles its classes
    spec = importlib.util.spec_from_file_location("snhost_module:" + name.replace(".", ":"), path)
    if spec is None or spec.loader is None:
        raise ModuleError(f"try open {name} failed : '{path}' is no Python file")
    source = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = source
    try:
        spec.loader.exec_module(source)
    except KeyboardInterrupt:
        raise
    except BaseException as e:
        # SystemExit as well: a module is no reason to end the node
        del sys.modules[spec.name]
        frames = [f for f in traceback.extract_tb(e.__traceback__) if f.filename == path]
        line = getattr(e, "lineno", None) or (frames[-1].lineno if frames else 0)
        text = e.msg if isinstance(e, SyntaxError) else e
        raise ModuleError(f"try open {name} failed : {path}:{line}: {type(e).__name__}: {text}") from e
    return source


def _hooks(name: str, path: str, source: ModuleType) -> Module:
    """Take the hooks from the module, or from an object in it that is called `service`."""
    owner = source if hasattr(source, "init") else getattr(source, "service", source)
    init = getattr(owner, "init", None)
    if init is None:
        raise ModuleError(f"try open {name} failed : '{path}' has no function init(instance, ctx, args)")
    return Module(
        name, init, getattr(owner, "create", None), getattr(owner, "release", None), getattr(owner, "signal", None)
    )
