"""What the tests of nodes share: a node in a process of its own, with a config that the test gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LUA = Path(__file__).parent / "lua"


@dataclass(frozen=True)
class NodeRun:
    """A node that has ended.

    Attributes:
        stdout: the log and what services printed.
        returncode: as of the command; negative when it was killed because its time was up.
    """

    stdout: str
    stderr: str
    returncode: int

    def lines(self) -> list[str]:
        """Return the lines of stdout."""
        return self.stdout.splitlines()


def write_config(path: Path, start: str, lua_dirs: Sequence[Path], config: dict[str, Any]) -> Path:
    """Write a config file into the directory `path` and return it."""
    patterns = [f"{d}/?.lua" for d in lua_dirs]
    keys = {
        "thread": 2,
        "harbor": 0,
        "start": start,
        "luaservice": ";".join([*patterns, str(ROOT / "service/?.lua")]),
        "lua_path": ";".join([*patterns, str(ROOT / "lualib/?.lua"), str(ROOT / "lualib/?/init.lua")]),
        **config,
    }
    file = path / "config"
    file.write_text("".join(f"{key} = {_literal(value)}\n" for key, value in keys.items() if value is not None))
    return file


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def node_command(config: Path) -> list[str]:
    """Return the command that runs a node."""
    return [sys.executable, "-m", "host", str(config)]


def node_environment() -> dict[str, str]:
    """Return the environment of such a command: the package is found wherever the test was started."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


@pytest.fixture
def run_node(tmp_path: Path) -> Callable[..., NodeRun]:
    """Run a node to its end: run_node(start, lua_dirs=[...], timeout=seconds, key=value, ...)."""

    def run(start: str, lua_dirs: Sequence[Path] = (LUA,), timeout: float = 120, **config: Any) -> NodeRun:
        file = write_config(tmp_path, start, lua_dirs, config)
        process = subprocess.Popen(
            node_command(file),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=node_environment(),
        )
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            stdout, stderr = process.communicate()
        return NodeRun(stdout, stderr, process.returncode)

    return run


@pytest.fixture
def in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the checkout's root, as the READMEs of the examples say."""
    monkeypatch.chdir(ROOT)
