"""Daemon mode: the process that goes on, its pid file, and a second start."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import node_command, node_environment, write_config

IDLE = """
local skynet = require "skynet"
require "skynet.manager"
skynet.start(function()
	print "not seen"
	io.stderr:write "not seen"
	skynet.error("daemon", skynet.getenv "daemon")
	if skynet.getenv "ends" then skynet.sleep(10) skynet.abort() end
end)
"""


class Daemon:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.pidfile = directory / "node.pid"
        self.log = directory / "node.log"
        (directory / "idle.lua").write_text(IDLE)

    def start(self, **config: object) -> subprocess.CompletedProcess[str]:
        keys = {"daemon": "./node.pid", "logger": "./node.log", **config}
        file = write_config(self.directory, "idle", [self.directory], keys)
        return subprocess.run(
            node_command(file), cwd=self.directory, env=node_environment(), capture_output=True, text=True, timeout=60
        )

    def pid(self) -> int:
        """The pid in the file, once it is there."""
        wait_until(lambda: self.pidfile.exists() and self.pidfile.read_text().endswith("\n"))
        return int(self.pidfile.read_text())

    def logged(self, text: str) -> bool:
        return self.log.exists() and text in self.log.read_text()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether it has ended; a zombie, whose parent is not us, has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    yield daemon
    with suppress(OSError, ValueError):
        pid = int(daemon.pidfile.read_text())
        if str(tmp_path) in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)


def test_the_command_returns_and_the_node_goes_on(daemon: Daemon) -> None:
    result = daemon.start()

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    pid = daemon.pid()
    wait_until(lambda: daemon.logged("daemon ./node.pid"))
    assert not gone(pid)
    assert os.readlink(f"/proc/{pid}/cwd") == str(daemon.directory)
    assert os.getsid(pid) == pid
    assert [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_removes_the_pid_file(daemon: Daemon, number: int) -> None:
    daemon.start()
    pid = daemon.pid()
    wait_until(lambda: daemon.logged("daemon"))

    os.kill(pid, number)

    wait_until(lambda: gone(pid))
    assert not daemon.pidfile.exists()


def test_the_pid_file_goes_when_the_node_ends_by_itself(daemon: Daemon) -> None:
    daemon.start(ends=True)

    wait_until(lambda: daemon.logged("daemon") and not daemon.pidfile.exists())


def test_the_pid_file_goes_when_the_start_service_fails(daemon: Daemon) -> None:
    result = daemon.start(start="nosuch")

    assert result.returncode == 0
    wait_until(lambda: daemon.logged("nosuch.lua") and not daemon.pidfile.exists())


def test_a_second_start_is_refused(daemon: Daemon) -> None:
    daemon.start()
    pid = daemon.pid()

    result = daemon.start()

    assert result.stderr == f"Skynet is already running, pid = {pid}.\n"
    assert result.returncode == 1
    assert not gone(pid)
    assert daemon.pid() == pid


@pytest.mark.parametrize("stale", ["", "no number\n", "999999999\n", "0\n", "-1\n", "9" * 30 + "\n"])
def test_a_stale_pid_file_is_used_again(daemon: Daemon, stale: str) -> None:
    daemon.pidfile.write_text(stale)

    result = daemon.start()

    assert (result.returncode, result.stderr) == (0, "")
    wait_until(lambda: daemon.pidfile.read_text() not in ("", stale))
    assert not gone(daemon.pid())


def test_a_pid_file_that_cannot_be_made_is_told_by_the_child(daemon: Daemon) -> None:
    result = daemon.start(daemon="/nonexistent/directory/pid")

    assert result.stderr.startswith("Can't create pidfile [/nonexistent/directory/pid].")
    assert result.returncode == 0


def test_a_pid_file_that_another_process_has_locked_is_told_by_the_child(daemon: Daemon) -> None:
    with daemon.pidfile.open("w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)

        result = daemon.start()

    assert result.stderr.startswith("Can't lock pidfile, lock is held by pid ")
    assert result.returncode == 0
    assert daemon.pidfile.exists()


def test_sighup_reopens_its_log(daemon: Daemon) -> None:
    daemon.start()
    pid = daemon.pid()
    wait_until(lambda: daemon.logged("daemon"))

    daemon.log.rename(daemon.directory / "old.log")
    os.kill(pid, signal.SIGHUP)

    wait_until(daemon.log.exists)
    assert not gone(pid)
