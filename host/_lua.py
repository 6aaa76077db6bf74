"""Loads the Lua that lupa carries, so that the native modules find its C API."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType

from host.errors import NodeError

_MODULES = {"5.4": "lupa.lua54", "5.5": "lupa.lua55"}
_loaded: str | None = None


def load(version: str = "5.4") -> ModuleType:
    """Load Lua 5.4 or 5.5 with its symbols global, and return lupa's module for it.

    The extensions of host.core and host.luaclib bind to whichever is loaded when they are first imported, so a process
    keeps the version it has begun with.

    Raises:
        NodeError: the version is unknown, or the process has the other one already.
    """
    global _loaded
    if version not in _MODULES:
        raise NodeError(f"there is no Lua {version!r}: use '5.4' or '5.5'")
    if _loaded is not None and _loaded != version:
        raise NodeError(f"this process runs Lua {_loaded}; start another process for Lua {version}")
    before = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_GLOBAL | os.RTLD_NOW)
    try:
        module = importlib.import_module(_MODULES[version])
    finally:
        sys.setdlopenflags(before)
    if _loaded is None:
        # lupa's own __init__ may have imported the module without making its symbols global
        import ctypes

        ctypes.CDLL(module.__file__, mode=os.RTLD_GLOBAL | os.RTLD_NOW)
    _loaded = version
    return module


def evaluator() -> ModuleType:
    """Return a lupa module for a throwaway runtime, without deciding which Lua the node will use."""
    return importlib.import_module(_MODULES[_loaded or "5.4"])
