"""Python services and Lua services in one real node."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from host.errors import CallError, NodeError

SERVICES = Path(__file__).parent / "pyservices"

LUA_WORKER = """
    local skynet = require "skynet"
    local msgpack = require "msgpack"
    require "skynet.manager"

    local name = ...
    local command = {}

    function command.echo(...)
        return ...
    end

    function command.call(...)
        return skynet.call(...)
    end

    function command.catch(...)
        local ok, err = pcall(skynet.call, ...)
        return not ok and "failed"
    end

    function command.launch(...)
        return skynet.call(".launcher", "lua", "LAUNCH", ...)
    end

    function command.shape(t)
        local keys = {}
        for k in pairs(t) do
            keys[#keys + 1] = math.type(k) or type(k)
        end
        table.sort(keys)
        return #t, table.concat(keys, " ")
    end

    function command.raise(text)
        error(text, 0)
    end

    function command.keep()
        skynet.response()
        return skynet.ignoreret()
    end

    function command.abort()
        skynet.abort()
    end

    skynet.register_protocol(msgpack.protocol)

    skynet.start(function()
        skynet.dispatch("lua", function(_, _, cmd, ...)
            if cmd == "keep" then
                skynet.response()
            else
                skynet.retpack(command[cmd](...))
            end
        end)
        skynet.dispatch("msgpack", function(_, _, cmd, ...)
            skynet.ret(msgpack.pack(command[cmd](...)))
        end)
        if name then
            skynet.register(name)
        end
    end)
"""


@pytest.fixture
def node(snhost_node):
    return snhost_node(
        {"luaworker": LUA_WORKER, "worker": SERVICES / "worker.py", "raw": SERVICES / "raw.py"}, thread=4
    )


@pytest.fixture
def lua(node):
    return node.newservice("luaworker", ".lua")


def launch(node, module, *args):
    return node.call(".launcher", "LAUNCH", module, *args, timeout=20)


@pytest.fixture
def worker(node):
    return launch(node, "worker", ".worker")


VALUES = [
    None,
    True,
    False,
    0,
    *(sign * (1 << bits) + d for bits in (8, 16, 31, 32, 62) for sign in (1, -1) for d in (-1, 0, 1)),
    2**63 - 1,
    -(2**63),
    1.5,
    -0.0,
    math.inf,
    -math.inf,
    "",
    "text",
    "é\0€",
    "x" * 40,
    "x" * 70_000,
    b"\xff\xfe",
    [],
    [1, 2, 3],
    list(range(100)),
    {"a": 1},
    {"a": {"b": {"c": [1, [2, [3]]]}}},
    {1: "a", 3: "c"},
    {0: 1, -1: 2, 1.5: 3},
    [None, 2],
]


def same(value):
    """What a value is after Lua has had it."""
    return {i: v for i, v in enumerate(value, 1) if v is not None} if value == [None, 2] else value


@pytest.mark.parametrize("protocol", ["lua", "msgpack"])
def test_values_pass_through_a_lua_service_unchanged(node, lua, protocol):
    for value in VALUES:
        result = node.call(lua, "echo", value, "end", protocol=protocol)
        assert result in ((value, "end"), (same(value), "end"))
        assert type(result[0]) in (type(value), type(same(value)))
        if isinstance(value, float):
            assert math.copysign(1, result[0]) == math.copysign(1, value)


def test_nan_stays_nan(node, lua):
    assert math.isnan(node.call(lua, "echo", math.nan))
    assert math.isnan(node.call(lua, "echo", math.nan, protocol="msgpack"))


@pytest.mark.parametrize("protocol", ["lua", "msgpack"])
def test_a_list_is_an_array_and_a_dict_from_one_on_too(node, lua, protocol):
    assert node.call(lua, "shape", ["a", "b"], protocol=protocol) == (2, "integer integer")
    assert node.call(lua, "shape", {2: "b", 1: "a"}, protocol=protocol) == (2, "integer integer")
    assert node.call(lua, "shape", {1: "a", "k": 1, 2.5: 1}, protocol=protocol) == (1, "float integer string")


def test_a_lua_service_launches_and_calls_a_python_service(node, lua):
    worker = node.call(lua, "launch", "worker", ".worker")

    assert node.query(".worker") == worker
    assert node.call(lua, "call", ".worker", "lua", "echo", 1, "a", [2]) == (1, "a", [2])
    assert node.call(lua, "call", worker, "msgpack", "echo", 1, "a", [2]) == (1, "a", [2])
    assert node.call(lua, "catch", worker, "lua", "raise", "x") == "failed"


@pytest.mark.parametrize("protocol", ["lua", "msgpack"])
def test_a_python_service_calls_a_lua_service(node, lua, worker, protocol):
    assert node.call(worker, "call", ".lua", protocol, "echo", 1, {"k": [True]}) == (1, {"k": [True]})
    assert node.call(worker, "call", lua, protocol, "call", worker, "lua", "echo", "round") == "round"


def test_the_error_of_a_lua_service_reaches_python_as_text(node, lua, worker):
    with pytest.raises(CallError, match="boom"):
        node.call(lua, "raise", "boom")
    assert "boom" in node.call(worker, "catch", lua, "lua", "raise", "boom")


def test_a_python_service_launches_services(node, worker):
    lua = node.call(worker, "newservice", "luaworker", ".fromworker")
    assert node.query(".fromworker") == lua
    other = node.call(worker, "launch", "worker", ".other")
    assert node.query(".other") == other
    unique = node.call(worker, "uniqueservice", "luaworker")
    assert node.call(worker, "uniqueservice", "luaworker") == unique
    assert node.call(worker, "newservice", "luaworker") != unique


def test_launching_what_cannot_start_is_an_error(node, worker, snhost_node):
    for args in (("worker", "raise"), ("nosuchmodule",), ("raw", "refuse"), ("raw", "raise")):
        with pytest.raises(CallError):
            launch(node, *args)
    with pytest.raises(CallError):
        node.call(worker, "uniqueservice", "nosuchservice")
    assert launch(node, "worker", "exit") is None
    assert launch(node, "worker", ".worker") is not None
    assert "init service failed: Traceback" in snhost_node.log()
    assert "LookupError: cannot start" in snhost_node.log()


def test_what_goes_wrong_in_a_python_service_is_logged_and_answered(node, worker, snhost_node):
    with pytest.raises(CallError, match="^ValueError: boom$"):
        node.call(worker, "raise", "boom")
    with pytest.raises(CallError, match="^TypeError: Unsupport type object to serialize$"):
        node.call(worker, "unpackable")
    with pytest.raises(CallError, match="^unknown command 'nosuch'$"):
        node.call(worker, "nosuch")

    assert node.call(worker, "echo", 1) == 1
    assert f"[:{worker:08x}] lua message from :" in snhost_node.log()


def test_calls_to_nobody_fail(node, worker):
    for address in (".nosuch", 0xFFFFFF, ":ffffff"):
        with pytest.raises(CallError, match="call to invalid address"):
            node.call(address, "x")
        assert "call to invalid address" in node.call(worker, "catch", address, "lua", "x")


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_the_end_of_a_python_service_fails_the_requests_it_holds(node, worker, how):
    with ThreadPoolExecutor(1) as pool:
        kept = pool.submit(node.call, worker, "keep", timeout=20)
        wait_until(lambda: node._gateway._pending)
        assert node.call(worker, "echo") is None
        if how == "exit":
            with pytest.raises(CallError):
                node.call(worker, "exit")
        else:
            node.kill(worker)
        with pytest.raises(CallError):
            kept.result(20)
    with pytest.raises(CallError, match="call to invalid address"):
        node.call(".worker", "echo")


def test_a_blocked_python_service_holds_up_only_itself(node, worker, lua):
    with ThreadPoolExecutor(2) as pool:
        before = time.monotonic()
        blocked = pool.submit(node.call, worker, "block", 0.5)
        threaded = pool.submit(node.call, launch(node, "worker"), "thread", 0.5)
        for i in range(100):
            assert node.call(lua, "echo", i) == i
        assert time.monotonic() - before < 0.5
        assert (blocked.result(20), threaded.result(20)) == ("blocked", "done")


def test_a_python_service_sleeps_as_long_as_it_says(node, worker):
    assert 10 <= node.call(worker, "sleep", 10) < 100


def test_a_hundred_threads_call_a_node_at_once(node, worker, lua):
    def client(i):
        return [node.call((lua, worker)[i % 2], "echo", i, n, timeout=60) for n in range(50)]

    with ThreadPoolExecutor(100) as pool:
        results = list(pool.map(client, range(100)))

    assert results == [[(i, n) for n in range(50)] for i in range(100)]
    assert node._gateway._pending == {}


def test_services_call_each_other_from_several_workers(node, lua):
    workers = [launch(node, "worker") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(node.call, w, "flood", workers[i - 1], 500, timeout=60) for i, w in enumerate(workers)]
        assert [f.result(60) for f in futures] == [500] * 4


def test_stopping_the_node_fails_the_calls_that_wait(node, lua):
    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(node.call, lua, "keep") for _ in range(10)]
        wait_until(lambda: node._gateway and len(node._gateway._pending) == 10)
        node.stop()
        for future in futures:
            with pytest.raises((NodeError, CallError)):
                future.result(20)
    with pytest.raises(NodeError):
        node.call(lua, "echo")


def test_a_node_that_ends_by_itself_fails_the_calls_that_wait(node, lua):
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(node.call, lua, "keep", timeout=20)
        wait_until(lambda: node._gateway and node._gateway._pending)
        node.send(lua, "abort")
        with pytest.raises((NodeError, CallError)):
            future.result(20)
        assert node.wait() == 0


def test_the_raw_hooks_see_messages_and_signals(node, snhost_node, lua):
    raw = node.launch("raw")

    assert node.call(raw, "abc", protocol="text") == "ABC"
    node._gateway._ctx.command("SIGNAL", f":{raw:x} 3")
    with pytest.raises(TimeoutError):
        node.call(raw, "raise", protocol="text", timeout=0.05)
    assert node.call(raw, "still there", protocol="text") == "STILL THERE"

    wait_until(lambda: "ValueError: raw boom" in snhost_node.log())
    assert f"[:{raw:08x}] raw signal 3" in snhost_node.log()


def test_the_debug_protocol_reaches_a_python_service(node, worker):
    stat = node.call(".launcher", "STAT", 300, timeout=20)[f":{worker:08x}"]
    memory = node.call(".launcher", "MEM", 300, timeout=20)[f":{worker:08x}"]

    assert stat["task"] == 0
    assert stat["message"] >= 1
    assert memory == "0.00 Kb (worker .worker)"


def wait_until(condition):
    deadline = time.monotonic() + 20
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.002)
