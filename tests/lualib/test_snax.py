"""snax: services as objects, by services in tests/lua that check it from inside."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from conftest import LUA
from netparts import assert_verdict

SNAX = f"{LUA}/snax/?.lua"


@pytest.mark.parametrize("lua", ["5.4", "5.5"])
@pytest.mark.parametrize("service", ["snax", "snax_better"])
def test_snax_passes_its_checks(run_node: Callable[..., Any], service: str, lua: str) -> None:
    assert_verdict(run_node(f"test_{service}", lua=lua, snax=f"{LUA}/nowhere/?.lua;{SNAX}"))


def test_errors_of_methods_are_logged(run_node: Callable[..., Any]) -> None:
    log = run_node("test_snax", snax=SNAX).stdout

    for text in (
        "accept fails on purpose",
        "response fails on purpose",
        "exit fails on purpose",
        "init fails on purpose",
    ):
        assert text in log
    for text in ("Init first", "Never init", "Already init", "member has no method 1000"):
        assert text in log


PRINT = """
local skynet = require "skynet"
require "skynet.manager"
local snax = require "skynet.snax"

-- In one line, which a line of the log cannot tear.
local function say(...)
    local words = table.pack(...)
    for i = 1, words.n do
        words[i] = tostring(words[i]):gsub("\\n", " ")
    end
    io.stdout:write(table.concat(words, "\\t") .. "\\n")
    io.stdout:flush()
end

skynet.start(function()
    skynet.fork(function()
        BODY
        skynet.abort()
    end)
end)
"""


@pytest.fixture
def output(run_node: Callable[..., Any], tmp_path: Any) -> Callable[..., str]:
    """Run Lua code in a service and return what the node prints."""

    def run(body: str, **config: Any) -> str:
        (tmp_path / "body.lua").write_text(PRINT.replace("BODY", body))
        return str(run_node("body", lua_dirs=[tmp_path, LUA], **config).stdout)

    return run


def test_without_the_config_key_nothing_is_found(output: Callable[..., str]) -> None:
    text = output('say(pcall(snax.newservice, "member"))')

    assert re.search("false\t.*please set snax in config file", text)


def test_all_places_that_were_tried_are_told(output: Callable[..., str]) -> None:
    text = output('say(pcall(snax.interface, "x"))', snax="/nowhere/?.lua;/nowhere/?/?.lua")

    assert re.search(r"/nowhere/x\.lua.*/nowhere/x/x\.lua", text)


def test_printf_writes_a_line_of_the_log(output: Callable[..., str]) -> None:
    assert "] a and 5\n" in output('snax.printf("%s and %d", "a", 5) skynet.sleep(5)')


def test_a_source_may_be_read_with_globals_of_the_configs_choice(output: Callable[..., str], tmp_path: Any) -> None:
    (tmp_path / "known.lua").write_text("return { require = function() return { words = { 'one', 'two' } } end }")
    (tmp_path / "needy.lua").write_text(
        "local words = require 'wordlist'.words\nfunction response.word(i) return words[i] end"
    )
    (tmp_path / "wordlist.lua").write_text("return { words = { 'first', 'second' } }")

    body = 'say("is", pcall(function() return snax.newservice("needy").req.word(2) end))'
    assert "is\tfalse" in output(body, snax=f"{tmp_path}/?.lua")
    assert "is\ttrue\tsecond" in output(body, snax=f"{tmp_path}/?.lua", snax_interface_g="known")


def test_a_loader_of_the_configs_choice_finds_the_source(output: Callable[..., str], tmp_path: Any) -> None:
    (tmp_path / "virtual.lua").write_text("function response.self() end")

    text = output(
        'local v = snax.newservice "virtual" say("same", v.req.self() == v.handle) '
        'say("member", snax.newservice("member").req.environment())',
        snax=f"{SNAX};{tmp_path}/?.lua",
        snax_loader=str(LUA / "snax/loader.lua"),
    )

    assert "same\ttrue" in text
    assert re.search(r"member\tmember\t\S+/snax/member/\t", text)
