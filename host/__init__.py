"""snhost: a runtime that hosts skynet-style Lua services from Python."""

# Only names: host.core and host.luaclib bind to a Lua that host._lua loads first, so nothing here imports them.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.errors import CallError, ConfigError, LaunchError, ModuleError, NodeError, SnhostError

if TYPE_CHECKING:
    from host.config import Config
    from host.node import Node, NodeStatistics

__all__ = [
    "CallError", "Config", "ConfigError", "LaunchError", "ModuleError", "Node", "NodeError", "NodeStatistics",
    "SnhostError",
]
__version__ = "0.1.0"

_LAZY = {"Config": "host.config", "Node": "host.node", "NodeStatistics": "host.node"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'host' has no attribute {name!r}")
