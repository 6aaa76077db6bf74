"""The harbor of a single node: global names, messages for nodes that are not there, and what else it gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import NodeRun

Script = Callable[[str], NodeRun]

# handles of a node with harbor = 0, as its log shows them
HARBOR = 5
STARTED = 8

FRAME = """
local skynet = require "skynet"
local core = require "skynet.core"
local harbor = require "skynet.harbor"
require "skynet.manager"

local function show(...)
	print("SHOW", ...)
	io.stdout:flush()
end

skynet.start(function()
	skynet.dispatch("lua", function(session, source, ...)
		show("got", session > 0, ...)
		if session > 0 then
			skynet.retpack(...)
		end
	end)
	skynet.fork(function()
		%s
		skynet.sleep(10)	-- for the logger
		skynet.abort()
	end)
end)
"""


@pytest.fixture
def script(run_node: Callable[..., NodeRun], tmp_path: Path) -> Script:
    def run(body: str) -> NodeRun:
        (tmp_path / "script.lua").write_text(FRAME % body)
        result = run_node("script", lua_dirs=[tmp_path])
        assert (result.returncode, result.stderr) == (0, ""), result.stdout
        return result

    return run


def shown(result: NodeRun) -> list[list[str]]:
    return [line.split("\t")[1:] for line in result.lines() if line.startswith("SHOW")]


@pytest.mark.parametrize("handle", [0x05000001, 0xFF000008, 0x01000008])
def test_a_call_to_another_node_fails_and_is_logged(script: Script, handle: int) -> None:
    result = script(f'show(pcall(skynet.call, {handle}, "lua", "abc"))')

    ((ok, *_),) = shown(result)
    assert ok == "false"
    assert (
        f"[:{HARBOR:08x}] Drop message to harbor {handle >> 24} from {STARTED:x} to {handle:x} (session = "
        in result.stdout
    )


def test_a_send_to_another_node_is_logged_with_its_size(script: Script) -> None:
    result = script('core.send(0x05000001, skynet.PTYPE_LUA, 0, "four") show "goes on"')

    assert f"[:{HARBOR:08x}] Drop message to harbor 5 from 8 to 5000001 (session = 0, msgsz = 4)" in result.lines()
    assert shown(result) == [["goes on"]]


def test_a_global_name_leads_to_its_service(script: Script) -> None:
    result = script('harbor.globalname "HERE" show(skynet.call("HERE", "lua", 1, "two"))')

    assert shown(result) == [["got", "true", "1", "two"], ["1", "two"]]


def test_messages_to_an_unknown_global_name_wait_for_it_in_order(script: Script) -> None:
    result = script(
        """
        for i = 1, 3 do skynet.send("LATER", "lua", i) end
        show "nothing came"
        harbor.globalname "LATER"
        show(skynet.call("LATER", "lua", "after"))
        """
    )

    assert shown(result) == [
        ["nothing came"],
        ["got", "false", "1"],
        ["got", "false", "2"],
        ["got", "false", "3"],
        ["got", "true", "after"],
        ["after"],
    ]


def test_a_global_name_of_a_dead_service_is_an_error(script: Script) -> None:
    result = script(
        """
        harbor.globalname("GONE", 0x123)
        show(pcall(skynet.call, "GONE", "lua"))
        """
    )

    assert shown(result)[0][0] == "false"


@pytest.mark.parametrize("type", [0, 2, 3, 6, 8, 9, 10, 11, 13, 255])
def test_an_unwanted_request_is_logged_and_answered_by_an_error(script: Script, type: int) -> None:
    result = script(
        f"""
        skynet.register_protocol {{ name = "odd", id = 199 }}
        local session = core.send({HARBOR}, {type} | 0x20000, nil, "x")
        show(pcall(skynet.call, {HARBOR}, "lua", "x"))
        """
    )

    assert f"[:{HARBOR:08x}] recv invalid message from {STARTED:x},  type = {type}" in result.lines()
    assert shown(result)[0][0] == "false"


def test_an_unwanted_error_is_not_answered(script: Script) -> None:
    result = script(f'core.send({HARBOR}, skynet.PTYPE_ERROR, 5, "x") show "goes on"')

    assert f"[:{HARBOR:08x}] recv invalid message from {STARTED:x},  type = 7" in result.lines()
    assert shown(result) == [["goes on"]]


@pytest.mark.parametrize("args", ["", "0", "0 x", "a b", "0 1 2"])
def test_wrong_arguments_are_refused(script: Script, args: str) -> None:
    result = script(f'show(skynet.launch("harbor", "{args}"))')

    assert shown(result) == [[]]
    assert f"harbor wants '<id> <handle of the slave>', not '{args}'" in result.stdout
    assert "error: launch harbor FAILED" in result.stdout


def test_the_harbor_does_not_keep_the_node_alive(run_node: Callable[..., NodeRun], tmp_path: Path) -> None:
    (tmp_path / "killer.lua").write_text(
        """
        local skynet = require "skynet"
        require "skynet.manager"
        skynet.start(function() end)
        skynet.fork(function()
            -- the bootstrap has a failed start to report as long as it waits for this one
            while skynet.call(".launcher", "lua", "LIST")[":00000002"] do skynet.sleep(1) end
            for _, handle in ipairs { 7, 6, 4, 3, 1 } do skynet.kill(handle) end
            skynet.exit()
        end)
        """
    )

    assert run_node("killer", lua_dirs=[tmp_path], timeout=20).returncode == 0
