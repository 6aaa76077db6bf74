"""skynet.debugchannel: both ends, and the hook that yields."""

import time

import pytest
from bare_vm import bare_vm, lupa


@pytest.fixture
def vm():
    return bare_vm("debugchannel")


def test_both_ends_share_one_queue(vm):
    assert vm.execute("""
        local channel = require "skynet.debugchannel"
        local a, p = channel.create()
        local b = channel.connect(p)
        a:write "one"
        a:write "two"
        local first, second, third = b:read(), b:read(), b:read()
        b:write "three"
        return first, second, third, a:read(0)
    """) == (b"one", b"two", None, b"three")


def test_a_channel_has_two_ends_and_no_more(vm):
    with pytest.raises(lupa.LuaError, match="new channel failed"):
        vm.execute("""
            local channel = require "skynet.debugchannel"
            local a, p = channel.create()
            local b = channel.connect(p)
            channel.connect(p)
        """)


@pytest.mark.parametrize("pointer", ["nil", "io.stdout"])
def test_what_is_no_channel_is_refused(vm, pointer):
    with pytest.raises(lupa.LuaError, match="Invalid channel pointer"):
        vm.execute(f'(require "skynet.debugchannel").connect({pointer})')


def test_a_channel_that_was_released_is_not_found_any_more(vm):
    with pytest.raises(lupa.LuaError, match="Invalid channel pointer"):
        vm.execute("""
            local channel = require "skynet.debugchannel"
            local a, p = channel.create()
            channel.release(a)
            channel.connect(p)
        """)


def test_texts_survive_the_end_that_wrote_them(vm):
    assert vm.execute("""
        local channel = require "skynet.debugchannel"
        local a, p = channel.create()
        local b = channel.connect(p)
        a:write "last words"
        a = nil
        collectgarbage()
        return b:read()
    """) == b"last words"


def test_read_waits_as_long_as_it_is_told(vm):
    channel = vm.execute("""
        local channel = require "skynet.debugchannel"
        local a, p = channel.create()
        local b = channel.connect(p)
        return { read = function(...) return b:read(...) end, write = function(s) a:write(s) end }
    """)
    before = time.monotonic()
    assert channel[b"read"](0.05) is None
    assert time.monotonic() - before >= 0.04

    channel[b"write"](b"here")
    before = time.monotonic()
    assert channel[b"read"](10) == b"here"
    assert time.monotonic() - before < 5


def test_a_hook_that_returns_true_yields_the_thread(vm):
    lines = vm.execute("""
        local sethook = require "skynet.debugchannel".sethook
        local co = coroutine.create(function()
            local a = 1
            local b = 2
            return a + b
        end)
        local lines = {}
        sethook(co, function(event, line)
            lines[#lines + 1] = event .. line
            return true
        end, "l")
        local resumed = 0
        local ok, result
        repeat
            ok, result = coroutine.resume(co)
            resumed = resumed + 1
        until coroutine.status(co) == "dead"
        return table.concat(lines, " "), resumed, ok, result
    """)

    assert lines == (b"line4 line5 line6", 4, True, 3)


def test_a_hook_that_returns_nothing_only_watches_and_can_be_taken_away(vm):
    assert vm.execute("""
        local sethook = require "skynet.debugchannel".sethook
        local n = 0
        sethook(function() n = n + 1 end, "", 10)
        for i = 1, 1000 do end
        local counted = n
        sethook()
        for i = 1, 1000 do end
        return counted > 10, n - counted < 5, debug.gethook()
    """)[:2] == (True, True)
