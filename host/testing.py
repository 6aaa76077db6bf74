"""A pytest plugin: the fixture `snhost_node` runs a node with the given services for one test.

    def test_a_counter_counts(snhost_node):
        node = snhost_node({"counter": Path("service/counter.lua")})
        counter = node.newservice("counter", 10)
        assert node.call(counter, "add", 5) == 15

It is active wherever snhost is installed. One node at a time runs in a process: processes, as pytest-xdist has them,
can run tests side by side, threads cannot.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    # pytest loads this plugin for every project: the runtime is imported by the tests that use it.
    from host.node import Node

__all__ = ["NodeFactory", "snhost_node"]

_FACTORY = pytest.StashKey["NodeFactory"]()

# What the node starts first, when a test names nothing else.
_IDLE = 'local skynet = require "skynet"\nskynet.start(function() end)\n'


class NodeFactory:
    """What the fixture `snhost_node` is: call it to start the node of a test.

    Attributes:
        path: directory of the services and the log.
        log_path: what the node logs; it is shown when the test fails.
        node: the node that was started last, None before.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log_path = path / "node.log"
        self.node: Node | None = None

    def __call__(self, services: Mapping[str, str | Path] | None = None, **config: Any) -> Node:
        """Start a node and return it. It is stopped when the test ends, or by `node.stop()`; then another can start.

        Args:
            services: name -> Lua source, or path of a source file. Lua files are for `newservice` and `require`, files
                that end in `.py` for `launch`. A name such as `a/b` makes a file in a directory.
            config: keys of the node's configuration; `thread` is 2 here by default. What `luaservice`, `lua_path` and
                `cpath` name is searched after `services`.

        Raises:
            ConfigError, LaunchError, ModuleError, NodeError: as `Node` and `Node.start`.
        """
        from host.node import Node
        from host.paths import LUALIB, SERVICE

        self.path.mkdir(parents=True, exist_ok=True)
        self._write("snhost_idle.lua", _IDLE)
        for name, source in (services or {}).items():
            if isinstance(source, Path):
                self._copy(name + source.suffix, source)
            else:
                self._write(name + ".lua", textwrap.dedent(source))
        node = Node(
            {
                "thread": 2,
                "harbor": 0,
                "start": "snhost_idle",
                "logger": str(self.log_path),
                **config,
                "luaservice": self._search(config.get("luaservice"), "?.lua", SERVICE / "?.lua"),
                "lua_path": self._search(config.get("lua_path"), "?.lua", LUALIB / "?.lua", LUALIB / "?/init.lua"),
                "cpath": self._search(config.get("cpath"), "?.py"),
            }
        )
        node.start()
        self.node = node
        return node

    def log(self) -> str:
        """Return what the node has logged so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def stop(self) -> None:
        """Stop the node, if one runs."""
        if self.node is not None:
            self.node.stop()

    def _write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _copy(self, name: str, source: Path) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)

    def _search(self, configured: str | None, own: str, *builtin: Path) -> str:
        return ";".join([str(self.path / own), *([configured] if configured else []), *map(str, builtin)])


@pytest.fixture
def snhost_node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NodeFactory]:
    """Start a node with services of your own: `node = snhost_node({"name": source_or_path}, thread=4)`."""
    factory = NodeFactory(tmp_path / "snhost")
    request.node.stash[_FACTORY] = factory
    try:
        yield factory
    finally:
        factory.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the node's log with a test that failed."""
    report = yield
    factory = item.stash.get(_FACTORY, None)
    if factory is not None and report.failed and factory.log():
        report.sections.append(("snhost log", factory.log()))
    return report
