"""The choice of the Lua that the native modules bind to. A process keeps its choice, so each test has its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import node_environment


def python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", "from host import _lua\n" + code],
        env=node_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(("version", "module"), [("5.4", "lupa.lua54"), ("5.5", "lupa.lua55")])
def test_the_api_of_the_chosen_lua_is_visible_to_extensions(version: str, module: str) -> None:
    code = f"""
import ctypes
lua = _lua.load("{version}")
here = ctypes.CDLL(None)
here.lua_version.restype = ctypes.c_double
print(lua.__name__, here.lua_version(None) / 100)
"""

    assert python(code) == f"{module} {float(version):.2f}".replace("5.40", "5.04").replace("5.50", "5.05")


def test_54_is_the_default_and_can_be_loaded_again() -> None:
    assert python("print(_lua.load() is _lua.load('5.4'))") == "True"


@pytest.mark.parametrize(("first", "second"), [("5.4", "5.5"), ("5.5", "5.4")])
def test_another_version_in_the_same_process_is_refused(first: str, second: str) -> None:
    code = f"""
from host.errors import NodeError
_lua.load("{first}")
try:
    _lua.load("{second}")
except NodeError as e:
    print(e)
_lua.load("{first}")
"""

    assert python(code) == f"this process runs Lua {first}; start another process for Lua {second}"


def test_an_unknown_version_is_refused_and_another_can_follow() -> None:
    code = """
from host.errors import NodeError
try:
    _lua.load("5.3")
except NodeError as e:
    print(e)
print(_lua.load("5.5").__name__)
"""

    assert python(code) == "there is no Lua '5.3': use '5.4' or '5.5'\nlupa.lua55"


@pytest.mark.parametrize("version", ["5.4", "5.5"])
def test_a_program_that_has_imported_lupa_before_can_load_it(version: str) -> None:
    code = f"""
import lupa
lupa.LuaRuntime()
import lupa.lua54, lupa.lua55
import ctypes
_lua.load("{version}")
print(hasattr(ctypes.CDLL(None), "lua_newstate"))
"""

    assert python(code) == "True"


def test_a_config_can_be_read_before_the_version_is_chosen() -> None:
    code = """
from host.config import Config
config = Config.load("/dev/null", {"lua": "5.5"})
print(_lua.load(config.lua).__name__)
"""

    assert python(code) == "lupa.lua55"


def test_the_flags_of_later_imports_are_left_alone() -> None:
    code = "import sys\nbefore = sys.getdlopenflags()\n_lua.load()\nprint(sys.getdlopenflags() == before)"

    assert python(code) == "True"


@pytest.mark.parametrize("first", ["5.4", "5.5"])
def test_a_node_of_another_version_is_refused_after_the_first_and_of_the_same_is_not(
    tmp_path: Path, first: str
) -> None:
    (tmp_path / "idle.lua").write_text('local skynet = require "skynet"\nskynet.start(function() end)\n')
    second = {"5.4": "5.5", "5.5": "5.4"}[first]
    code = f"""
from host import Node, NodeError
config = dict(harbor=0, thread=1, logger="/dev/null", start="idle", luaservice="{tmp_path}/?.lua")
with Node(config, lua="{first}"):
    pass
try:
    Node(config, lua="{second}").start()
except NodeError as e:
    print(e)
with Node(config, lua="{first}") as node:
    print(node.stat().workers)
"""

    assert python(code) == f"this process runs Lua {first}; start another process for Lua {second}\n1"
