"""The exceptions of snhost.

    SnhostError
      ConfigError       a config file or key is wrong
      ModuleError       a native service module is missing or is none
      LaunchError       a service was refused or failed while it started
      NodeError         the node is not running, is stopping, or cannot start
      CallError         a service failed to answer a request; the text is the service's
"""

from __future__ import annotations

__all__ = ["CallError", "ConfigError", "LaunchError", "ModuleError", "NodeError", "SnhostError"]


class SnhostError(Exception):
    """Base class of everything that snhost raises for a user to catch."""


class ConfigError(SnhostError):
    """A config file or one of its keys is wrong; the text names file, line or key."""


class ModuleError(SnhostError):
    """A native service module was not found, or lacks what a module needs."""


class LaunchError(SnhostError):
    """A service was refused by its module's init, or failed in its start function."""


class NodeError(SnhostError):
    """The node is not running, is stopping, or cannot start."""


class CallError(SnhostError):
    """A request got no answer but an error: the callee's text, `call failed` if it gave none."""
