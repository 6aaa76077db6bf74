"""What a node must survive: services of tests/lua/survive check it from inside, the rest is seen from outside."""

from __future__ import annotations

import ctypes
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import LUA, node_command, node_environment, write_config

SURVIVE = [LUA / "survive", LUA]

LOAD = """
local skynet = require "skynet"
if ... == "peer" then
	skynet.start(function() skynet.dispatch("lua", function(_, _, ...) skynet.retpack(...) end) end)
	return
end
skynet.start(function()
	for _ = 1, 4 do
		skynet.fork(function()
			local peer = skynet.newservice("load", "peer")
			while true do skynet.call(peer, "lua", "x") end
		end)
	end
	skynet.fork(function() print "READY" io.stdout:flush() %s end)
end)
"""


@pytest.mark.parametrize("lua", ["5.4", "5.5"])
@pytest.mark.parametrize("what", ["errors", "dead_calls", "answers", "values", "names", "memory", "endless"])
def test_services_survive(run_node: Callable[..., Any], what: str, lua: str) -> None:
    result = run_node(what, lua_dirs=SURVIVE, lua=lua)

    verdict = re.findall(r"^VERDICT (.*)$", result.stdout, re.MULTILINE)
    assert verdict and re.fullmatch(r"ok \d+", verdict[0]), result.stdout + result.stderr
    assert result.returncode == 0


@pytest.mark.parametrize("thread", [1, 2, 8])
def test_a_million_messages_to_a_slow_service_arrive_in_order(run_node: Callable[..., Any], thread: int) -> None:
    result = run_node("flood", lua_dirs=SURVIVE, thread=thread)

    assert "VERDICT ok" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("thread", [3, 8])
def test_what_a_stuck_service_has_sent_is_dispatched_by_idle_workers(run_node: Callable[..., Any], thread: int) -> None:
    result = run_node("stuck", lua_dirs=SURVIVE, thread=thread)

    assert "VERDICT ok" in result.stdout, result.stdout + result.stderr


def test_thousands_of_services_come_and_go_and_their_memory_returns(run_node: Callable[..., Any]) -> None:
    result = run_node("many", lua_dirs=SURVIVE, many=3000)

    assert "VERDICT ok" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_seri_streams_end_in_values_or_errors(run_node: Callable[..., Any], seed: int) -> None:
    result = run_node("fuzz_seri", fuzz_rounds=50000, fuzz_seed=seed)

    assert "VERDICT ok 50000" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "more",
    ["", "while true do end", "while true do pcall(function() while true do end end) end"],
    ids=["load", "endless loop", "guarded loop"],
)
def test_a_signal_ends_a_busy_node_with_its_exit_code(tmp_path: Path, number: int, more: str) -> None:
    (tmp_path / "load.lua").write_text(LOAD % more)
    config = write_config(tmp_path, "load", [tmp_path], {})
    process = subprocess.Popen(
        node_command(config), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=node_environment()
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("READY"):
            break

    process.send_signal(number)
    try:
        _, stderr = process.communicate(timeout=20)
    finally:
        process.kill()

    assert process.returncode == 128 + number, stderr
    assert "Traceback" not in stderr


def test_a_signal_that_another_thread_gets_ends_the_node(tmp_path: Path) -> None:
    """Like one that comes when the main thread is just about to wait: the wait is not interrupted."""
    (tmp_path / "load.lua").write_text(LOAD % "")
    process = subprocess.Popen(
        node_command(write_config(tmp_path, "load", [tmp_path], {})),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=node_environment(),
    )
    try:
        assert process.stdout is not None
        # The bootstrap has gone: the main thread has nothing left to do but to wait.
        for line in process.stdout:
            if "KILL self" in line:
                break
        main = Path(f"/proc/{process.pid}/task/{process.pid}/stat")
        calm = 0
        while calm < 20:
            calm = calm + 1 if main.read_text().rsplit(")", 1)[1].split()[0] == "S" else 0
            time.sleep(0.005)
        other = max(int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir())
        assert ctypes.CDLL(None).tgkill(process.pid, other, signal.SIGTERM) == 0

        process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()

    assert process.returncode == 128 + signal.SIGTERM


def test_a_hundred_threads_of_a_program_call_into_a_node(snhost_node: Any) -> None:
    node = snhost_node(
        {
            "echo": """
            local skynet = require "skynet"
            skynet.start(function() skynet.dispatch("lua", function(_, _, ...) skynet.retpack(...) end) end)
            """
        }
    )
    echo = node.newservice("echo")
    wrong: list[Any] = []

    def work(n: int) -> None:
        for i in range(50):
            if node.call(echo, n, i) != (n, i):
                wrong.append((n, i))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_an_endless_loop_is_reported(run_node: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "spin.lua").write_text(
        """
        local skynet = require "skynet"
        if ... == "peer" then
            skynet.start(function() skynet.dispatch("lua", function() while true do end end) end)
            return
        end
        skynet.start(function()
            local peer = skynet.newservice("spin", "peer")
            skynet.send(peer, "lua")
            skynet.sleep(1100)
            skynet.abort()
        end)
        require "skynet.manager"
        """
    )

    result = run_node("spin", lua_dirs=[tmp_path])

    assert re.search(r"A message from \[ :00000008 \] to \[ :00000009 \] maybe in an endless loop", result.stdout)
    assert result.returncode == 0
