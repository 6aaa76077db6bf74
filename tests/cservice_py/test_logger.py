"""The log service: its lines, byte for byte, on stdout and in a file, and the reopening of the file."""

from __future__ import annotations

import calendar
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import NodeRun, node_command, node_environment, write_config

from host import _lua
from host.module import ModuleLoader

RunNode = Callable[..., NodeRun]

LINE = re.compile(rb"(\d\d)/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)\.(\d\d) \[:([0-9a-f]{8})\] (.*)")

SAY = """
local skynet = require "skynet"
require "skynet.manager"
skynet.start(function()
	%s
	skynet.sleep(10)	-- for the logger
	skynet.abort()
end)
"""


def run(tmp_path: Path, body: str, environment: dict[str, str] | None = None, **config: Any) -> bytes:
    (tmp_path / "say.lua").write_text(SAY % body)
    file = write_config(tmp_path, "say", [tmp_path], config)
    result = subprocess.run(
        node_command(file), env={**node_environment(), **(environment or {})}, capture_output=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, b"")
    return result.stdout


@pytest.fixture
def names() -> dict[str, Any]:
    """The globals of the module."""
    _lua.load()
    return ModuleLoader("").query("logger").init.__globals__


class Clock:
    """A context whose time stands still."""

    def __init__(self, starttime: int, now: int) -> None:
        self.times = starttime, now
        self.errors: list[str] = []

    def starttime(self) -> int:
        return self.times[0]

    def now(self) -> int:
        return self.times[1]

    def error(self, text: str) -> None:
        self.errors.append(text)


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# lines


def test_a_line_on_stdout_has_its_source_and_no_time(tmp_path: Path) -> None:
    out = run(tmp_path, 'skynet.error("one", 2, true, nil, "x")')

    assert b"[:00000008] one 2 true nil x\n" in out
    assert b"[:00000008] LAUNCH snlua say\n" in out


def test_the_logger_itself_has_no_launch_line(tmp_path: Path) -> None:
    out = run(tmp_path, "")

    assert b"[:00000001]" not in out
    assert out.startswith(b"[:00000002] LAUNCH snlua bootstrap\n")


def test_bytes_are_written_unchanged(tmp_path: Path) -> None:
    out = run(tmp_path, r'skynet.error("\xff\xfe", "nul\0nul", "two\nlines", "\u{e9}\27[31m")')

    assert b"[:00000008] \xff\xfe nul\0nul two\nlines \xc3\xa9\x1b[31m\n" in out


def test_an_empty_and_a_long_line_are_written_whole(tmp_path: Path) -> None:
    out = run(tmp_path, 'skynet.error "" skynet.error(("x"):rep(300000))')

    assert b"[:00000008] \n[:00000008] " + b"x" * 300000 + b"\n" in out


def test_the_file_has_local_time_and_source(tmp_path: Path) -> None:
    began = int(time.time())
    path = tmp_path / "node.log"

    out = run(tmp_path, 'skynet.error "now"', {"TZ": "XYZ-9"}, logger=str(path))

    assert out == b""
    matches = [LINE.fullmatch(line) for line in path.read_bytes().splitlines()]
    assert all(matches)
    (now,) = [m for m in matches if m and m[9] == b"now"]
    day, month, year, hour, minute, second, _ = (int(now[i]) for i in range(1, 8))
    written = time.strptime(f"20{year:02d}-{month}-{day} {hour}:{minute}:{second}", "%Y-%m-%d %H:%M:%S")
    assert began - 1 <= calendar.timegm(written) - 9 * 3600 <= int(time.time()) + 1
    assert now[8] == b"00000008"


def test_times_never_go_back_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "node.log"

    run(tmp_path, "for i = 1, 30 do skynet.error(i) skynet.sleep(1) end", logger=str(path))

    stamps = [line[:20] for line in path.read_bytes().splitlines()]
    assert stamps == sorted(stamps)
    assert len(set(stamps)) > 10


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize(
    ("starttime", "now", "stamp"),
    [
        (0, 0, b"01/01/70 00:00:00.00 "),
        (951782399, 99, b"28/02/00 23:59:59.99 "),
        (951782399, 100, b"29/02/00 00:00:00.00 "),
        (1700000000, 305, b"14/11/23 22:13:23.05 "),
        (4102444799, 1, b"31/12/99 23:59:59.01 "),
    ],
)
def test_the_time_is_start_time_and_node_time(names: dict[str, Any], starttime: int, now: int, stamp: bytes) -> None:
    logger = names["Logger"]()
    logger.ctx = Clock(starttime, now)

    assert logger.stamp() == stamp
    assert logger.stamp() == stamp


def test_an_existing_file_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "node.log"
    path.write_bytes(b"before\n")

    run(tmp_path, 'skynet.error "after"', logger=str(path))

    lines = path.read_bytes().splitlines()
    assert lines[0] == b"before"
    assert any(line.endswith(b"[:00000008] after") for line in lines)


def test_a_relative_file_is_beside_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    run(tmp_path, 'skynet.error "here"', logger="node.log")

    assert b"here" in (tmp_path / "node.log").read_bytes()


@pytest.mark.parametrize("name", ["", "/nonexistent/directory/log", "/"])
def test_a_file_that_cannot_be_opened_ends_the_node(run_node: RunNode, name: str) -> None:
    result = run_node("x", logger=name)

    first, last = result.stderr.splitlines()
    assert first.startswith(f"Can't open log file {name} : ")
    assert last == "Can't launch logger service"
    assert (result.returncode, result.stdout) == (1, "")


def test_other_messages_are_ignored(tmp_path: Path) -> None:
    out = run(
        tmp_path,
        """
        local core = require "skynet.core"
        for _, type in ipairs { 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 255 } do
            core.send(".logger", type, 0, "not for the log")
        end
        skynet.error "still here"
        """,
    )

    assert b"not for the log" not in out
    assert b"[:00000008] still here\n" in out


def test_a_second_log_service_writes_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "second.log"
    body = f"""
        local core = require "skynet.core"
        local second = skynet.launch("logger", "{path}")
        core.send(second, skynet.PTYPE_TEXT, 0, "to the second")
        skynet.error "to the first"
    """

    out = run(tmp_path, body)

    assert b"to the first" in out and b"to the second" not in out
    (line,) = path.read_bytes().splitlines()
    match = LINE.fullmatch(line)
    assert match and (match[8], match[9]) == (b"00000008", b"to the second")


# many lines


def test_no_line_is_lost_and_each_service_keeps_its_order(tmp_path: Path) -> None:
    path = tmp_path / "node.log"
    (tmp_path / "flood.lua").write_text(
        """
        local skynet = require "skynet"
        local who = ...
        if who then
            skynet.start(function()
                skynet.fork(function() for i = 1, 25000 do skynet.error(who, i) end end)
            end)
            return
        end
        skynet.start(function() for i = 1, 4 do skynet.newservice("flood", "s" .. i) end end)
        """
    )
    config = write_config(tmp_path, "flood", [tmp_path], {"logger": str(path)})
    process = subprocess.Popen(node_command(config), env=node_environment())
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b" 25000\n") < 4:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=20) == 143
    written = path.read_bytes()
    for i in range(1, 5):
        numbers = re.findall(rb"\] s%d (\d+)\n" % i, written)
        assert numbers == [b"%d" % n for n in range(1, 25001)]


def test_a_slow_reader_gets_everything(names: dict[str, Any]) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data = bytes(range(256)) * 4096
    got = bytearray()

    def read() -> None:
        while chunk := os.read(reader, 5000):
            got.extend(chunk)

    thread = threading.Thread(target=read)
    thread.start()
    names["write"](writer, data)
    os.close(writer)
    thread.join()
    os.close(reader)

    assert got == data


# reopening


TICK = """
local skynet = require "skynet"
skynet.start(function()
	skynet.fork(function()
		for i = 1, math.maxinteger do
			skynet.error("tick", i)
			skynet.sleep(1)
		end
	end)
end)
"""


@pytest.fixture
def ticking(tmp_path: Path) -> Iterator[Callable[[Path], subprocess.Popen[bytes]]]:
    """Start a node that logs a line every 1/100 s."""
    processes = []

    def start(log: Path) -> subprocess.Popen[bytes]:
        (tmp_path / "tick.lua").write_text(TICK)
        config = write_config(tmp_path, "tick", [tmp_path], {"logger": str(log)})
        process = subprocess.Popen(node_command(config), env=node_environment())
        processes.append(process)
        wait_until(lambda: log.exists() and b"tick" in log.read_bytes())
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ticks(path: Path) -> list[int]:
    return [int(n) for n in re.findall(rb"\] tick (\d+)\n", path.read_bytes())]


def test_sighup_reopens_the_file_and_no_line_is_lost(tmp_path: Path, ticking: Callable[[Path], Any]) -> None:
    log, old = tmp_path / "node.log", tmp_path / "node.log.1"
    process = ticking(log)

    log.rename(old)
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: log.exists() and len(ticks(log)) > 3)
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=20) == 143
    numbers = ticks(old) + ticks(log)
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_old_file_stays_in_use_when_it_cannot_be_reopened(tmp_path: Path, ticking: Callable[[Path], Any]) -> None:
    directory, moved = tmp_path / "logs", tmp_path / "moved"
    directory.mkdir()
    process = ticking(directory / "node.log")

    directory.rename(moved)
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: b"Can't reopen log file" in (moved / "node.log").read_bytes())
    before = len(ticks(moved / "node.log"))
    wait_until(lambda: len(ticks(moved / "node.log")) > before)

    assert process.poll() is None
    assert f"[:00000001] Can't reopen log file {directory}/node.log : No such file or directory".encode() in (
        moved / "node.log"
    ).read_bytes()


def test_sighup_does_nothing_to_a_log_on_stdout(tmp_path: Path) -> None:
    (tmp_path / "tick.lua").write_text(TICK)
    config = write_config(tmp_path, "tick", [tmp_path], {})
    process = subprocess.Popen(node_command(config), env=node_environment(), stdout=subprocess.PIPE)
    assert process.stdout is not None
    while b"tick 2" not in process.stdout.readline():
        pass

    process.send_signal(signal.SIGHUP)
    while b"tick 20" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)

    assert process.returncode == 143
