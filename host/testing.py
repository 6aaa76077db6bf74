"""A pytest plugin: the fixture `snhost_node` runs a node with the given services for one test.

    def test_counter_counts(snhost_node):
        node = snhost_node({"counter": Path("service/counter.lua")})
        counter = node.newservice("counter", 10)
        assert node.call(counter, "add", 5) == 15

It is active wherever snhost is installed. One node at a time can run in a process, so tests in threads of one process
cannot share it; pytest-xdist's processes can.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest


if TYPE_CHECKING:
    # Importing the runtime is left to the tests that use it: pytest loads this plugin for every project.
    from host.node import Node

__all__ = ["NodeFactory", "snhost_node"]

_LOG = pytest.StashKey[Path]()

# The service that a node starts first, when a test has none of its own.
_IDLE = 'local skynet = require "skynet"\nskynet.start(function() end)\n'


class NodeFactory:
    """What the fixture `snhost_node` is: call it to start the node.

    Attributes:
        log_path: the node's log.
        path: directory of the sources and the log.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log_path = path / "node.log"
        self._node: Node | None = None

    def __call__(self, services: Mapping[str, str | Path] | None = None, **config: Any) -> Node:
        """Start a node and return it. It stops when the test ends.

        Args:
            services: name -> source text, or the path of a source file. Lua sources are for `newservice`; a path that
                ends in `.py` is a module for `launch`. A name such as `a/b` makes a file in a directory.
            config: keys of the node's configuration. `luaservice`, `cpath` and `lua_path` are searched after `services`.

        Raises:
            RuntimeError: the test started a node already; stop that first.
            host.NodeError: a node is running that is not this fixture's.
        """
        from host.config import defaults
        from host.node import Node

        if self._node is not None:
            raise RuntimeError("this test has started its node already")
        self.path.mkdir(parents=True, exist_ok=True)
        self._write("snhost_idle.lua", _IDLE)
        for name, source in (services or {}).items():
            if isinstance(source, Path):
                self._write(name + source.suffix, source.read_text(encoding="utf-8"))
            else:
                self._write(name + ".lua", textwrap.dedent(source))
        return Node
