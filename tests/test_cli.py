"""The command: its arguments, its exit codes, its one line about what is wrong, and signals."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, NodeRun, node_command, node_environment, write_config

from host import __version__
from host.cli import main

RunNode = Callable[..., NodeRun]

NEED_CONFIG = "Need a config file. Please read skynet wiki : https://github.com/cloudwu/skynet/wiki/Config"

QUIT = """
local skynet = require "skynet"
require "skynet.manager"
skynet.start(function()
	print("KEY", skynet.getenv "key", skynet.getenv "thread")
	io.stdout:flush()
	skynet.abort()
end)
"""


def snhost(*args: str | Path, cwd: Path | None = None, code: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "host"]
    return subprocess.run(
        [*command, *map(str, args)], cwd=cwd, env=node_environment(), capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def quit_config(tmp_path: Path) -> Path:
    (tmp_path / "quit.lua").write_text(QUIT)
    return write_config(tmp_path, "quit", [tmp_path], {"key": "of the file"})


class Running:
    """A node that runs, read line by line."""

    def __init__(self, config: Path) -> None:
        self.process = subprocess.Popen(
            node_command(config), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=node_environment()
        )

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return
        raise AssertionError(f"the node has ended without {text!r}: {self.process.communicate()}")

    def end(self, number: int) -> tuple[int, str, float]:
        """Send a signal; returns exit code, stderr, and the time that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        _, stderr = self.process.communicate(timeout=20)
        return self.process.returncode, stderr, time.monotonic() - began


# arguments


def test_without_arguments_it_asks_for_a_config() -> None:
    result = snhost()

    assert result.returncode == 1
    assert result.stderr.splitlines() == [NEED_CONFIG, "usage: snhost configfilename"]
    assert result.stdout == ""


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["run", "--help"], ["run", "-h", "x"]])
def test_help_names_the_commands(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(args) == 0

    shown = capsys.readouterr()
    assert all(f"snhost {command}" in shown.out for command in ("CONFIG", "run", "compare", "bench", "--version"))
    assert shown.err == ""


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr().out == f"snhost {__version__}\n"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--nosuch"], "snhost: there is no option --nosuch; see snhost --help"),
        (["run", "--nosuch", "config"], "snhost run: there is no option --nosuch; see snhost --help"),
        (["run", "config", "--set", "thread"], "snhost run: --set wants KEY=VALUE, not 'thread'"),
        (["run", "config", "--set", "=1"], "snhost run: --set wants KEY=VALUE, not '=1'"),
        (["run", "config", "--set"], "snhost run: --set wants KEY=VALUE, not ''"),
        (["run", "one", "two"], "snhost run: one config file, please"),
        (["run"], NEED_CONFIG),
    ],
)
def test_a_wrong_argument_is_told_in_a_line(args: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(args) == 1

    assert capsys.readouterr().err.splitlines()[0] == text


@pytest.mark.parametrize("command", ["compare", "bench"])
def test_the_tools_have_their_own_help(command: str) -> None:
    result = snhost(command, "--help")

    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: snhost {command}")


def test_further_arguments_are_ignored_as_in_the_original(quit_config: Path) -> None:
    result = snhost(quit_config, "more", "--set", "thread=0")

    assert result.returncode == 0, result.stderr
    assert "KEY\tof the file\t2" in result.stdout


def test_set_replaces_keys_of_the_config(quit_config: Path) -> None:
    result = snhost("run", quit_config, "--set", "key=a=b c", "--set=thread=3")

    assert result.returncode == 0, result.stderr
    assert "KEY\ta=b c\t3" in result.stdout


def test_the_module_and_the_function_are_the_same_command(quit_config: Path) -> None:
    code = "import sys; from host.cli import main; sys.exit(main())"

    results = [snhost(quit_config), snhost(quit_config, code=code)]

    assert [r.returncode for r in results] == [0, 0]
    assert results[0].stdout.count("KEY") == results[1].stdout.count("KEY") == 1


# what is wrong


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (None, "[skynet config]:17: ./config: No such file or directory"),
        ("x = 1\ny = )", "[skynet config]:21: config:2: unexpected symbol near ')'"),
        ("x = os.time()", "config:1: attempt to index a nil value (global 'os')"),
        ("x = $SNHOST_UNSET", "[skynet config]:2: os.getenv() failed: SNHOST_UNSET"),
        ("x = {}", "Invalid config table key = x"),
        ("thread = 0", "Invalid thread 0 , should be in [1,1024]"),
        ('harbor = "99999999999"', "Invalid harbor 99999999999 , should be an integer of 32 bits"),
        ('cpath = "./cservice"', "Invalid C service path : './cservice' has no '?'"),
        ('lua = "5.1"', 'Invalid config key lua : there is no Lua 5.1, use "5.4" or "5.5"'),
        ("include()", "[skynet config]:7: include wants the path of a file, not nil"),
    ],
)
def test_a_wrong_config_is_one_line_and_exit_code_1(tmp_path: Path, source: str | None, text: str) -> None:
    if source is not None:
        (tmp_path / "config").write_text(source)

    result = snhost("config", cwd=tmp_path)

    assert result.stderr.splitlines() == [text]
    assert (result.returncode, result.stdout) == (1, "")


def test_a_missing_start_service_is_named(run_node: RunNode, tmp_path: Path) -> None:
    result = run_node("nosuch", lua_dirs=[tmp_path])

    (line,) = result.stderr.splitlines()
    assert line.startswith("Can't start service nosuch: ")
    assert f"{tmp_path}/nosuch.lua" in line
    assert result.returncode == 1


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("local x = 1\nlocal y = = 2", "broken.lua:2: unexpected symbol near '='"),
        ("\n\nerror 'no database'", "broken.lua:3: no database"),
        ("require 'no.such.module'", "module 'no.such.module' not found"),
    ],
)
def test_a_start_service_that_does_not_run_is_named_with_its_line(
    run_node: RunNode, tmp_path: Path, source: str, what: str
) -> None:
    (tmp_path / "broken.lua").write_text(source)

    result = run_node("broken", lua_dirs=[tmp_path])

    (line,) = result.stderr.splitlines()
    assert line.startswith("Can't start service broken: ")
    assert line.endswith(what)
    assert result.returncode == 1


def test_a_start_function_that_fails_is_exit_code_1(run_node: RunNode, tmp_path: Path) -> None:
    (tmp_path / "broken.lua").write_text(
        'local skynet = require "skynet"\nskynet.start(function()\n\terror "no database"\nend)\n'
    )

    result = run_node("broken", lua_dirs=[tmp_path])

    (line,) = result.stderr.splitlines()
    assert line.startswith("Can't start service broken: ")
    assert "broken.lua:3: no database" in result.stdout
    assert result.returncode == 1


def test_a_missing_bootstrap_module_is_named(run_node: RunNode) -> None:
    result = run_node("x", bootstrap="nosuch a b")

    (line,) = result.stderr.splitlines()
    assert line.startswith("Bootstrap error : nosuch a b")
    assert "try open nosuch failed" in line
    assert result.returncode == 1


def test_a_missing_bootstrap_service_is_named(run_node: RunNode) -> None:
    result = run_node("x", bootstrap="snlua nosuch")

    (line,) = result.stderr.splitlines()
    assert "snlua nosuch" in line
    assert "nosuch.lua" in line
    assert result.returncode == 1


def test_a_missing_log_service_is_named(run_node: RunNode) -> None:
    result = run_node("x", logservice="nosuch")

    (line,) = result.stderr.splitlines()
    assert line.startswith("Can't launch nosuch service")
    assert "try open nosuch failed" in line
    assert result.returncode == 1


def test_a_log_file_that_cannot_be_opened_is_named(run_node: RunNode) -> None:
    result = run_node("x", logger="/nonexistent/directory/log")

    assert result.stderr.splitlines() == [
        "Can't open log file /nonexistent/directory/log : No such file or directory",
        "Can't launch logger service",
    ]
    assert result.returncode == 1


# a node that runs


IDLE = 'local skynet = require "skynet"\nskynet.start(function() %s print "READY" io.stdout:flush() %s end)\n'


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_idle_node_in_order(tmp_path: Path, number: int) -> None:
    (tmp_path / "idle.lua").write_text(
        IDLE % ('TRACE = setmetatable({}, { __gc = function() io.stderr:write "closed\\n" end })', "")
    )
    node = Running(write_config(tmp_path, "idle", [tmp_path], {}))
    node.wait_for("READY")

    code, stderr, seconds = node.end(number)

    assert code == 128 + number
    assert stderr == "closed\n"
    assert seconds < 2


def test_a_signal_ends_a_node_that_is_still_starting(tmp_path: Path) -> None:
    (tmp_path / "slow.lua").write_text(IDLE % ("", "skynet.sleep(100000)"))
    node = Running(write_config(tmp_path, "slow", [tmp_path], {}))
    node.wait_for("READY")

    code, stderr, _ = node.end(signal.SIGTERM)

    assert (code, stderr) == (143, "")


BLOCKED = """
import time


def init(instance, ctx, args):
    def callback(type, session, source, payload):
        print("BLOCKED", flush=True)
        time.sleep(100)

    ctx.callback(callback)
"""


def test_a_service_that_blocks_does_not_keep_the_process(tmp_path: Path) -> None:
    (tmp_path / "blocked.py").write_text(BLOCKED)
    (tmp_path / "idle.lua").write_text(
        'local skynet = require "skynet" require "skynet.manager"\n'
        'skynet.start(function() skynet.send(skynet.launch "blocked", "lua") end)\n'
    )
    node = Running(write_config(tmp_path, "idle", [tmp_path], {"cpath": f"{tmp_path}/?.py"}))
    node.wait_for("BLOCKED")

    code, stderr, seconds = node.end(signal.SIGTERM)

    assert (code, stderr) == (143, "")
    assert seconds < 5


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    (tmp_path / "blocked.py").write_text(BLOCKED)
    (tmp_path / "idle.lua").write_text(
        'local skynet = require "skynet" require "skynet.manager"\n'
        'skynet.start(function() skynet.send(skynet.launch "blocked", "lua") end)\n'
    )
    config = write_config(tmp_path, "idle", [tmp_path], {"cpath": f"{tmp_path}/?.py"})
    code = (
        "import sys, host.cli; host.cli._LAST_RESORT = 1000; sys.exit(host.cli.main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(config)], stdout=subprocess.PIPE, text=True, env=node_environment()
    )
    assert process.stdout is not None
    while "BLOCKED" not in process.stdout.readline():
        pass

    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 20
    # two signals that arrive together may run their handlers in any order
    while process.poll() is None and time.monotonic() < deadline:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)

    assert process.wait(timeout=1) in (130, 143)
    process.stdout.close()


def test_an_abort_is_exit_code_0(quit_config: Path) -> None:
    result = snhost(quit_config)

    assert (result.returncode, result.stderr) == (0, "")


def test_a_reader_that_leaves_does_not_end_the_node(tmp_path: Path) -> None:
    (tmp_path / "talk.lua").write_text(
        """
        local skynet = require "skynet"
        require "skynet.manager"
        skynet.start(function()
            skynet.error "READY"
            skynet.fork(function()
                for i = 1, 200 do
                    skynet.error(("x"):rep(1000))
                    skynet.sleep(0)
                end
                local f <close> = io.open(skynet.getenv "done", "w")
                f:write "done"
                f:close()
                skynet.abort()
            end)
        end)
        """
    )
    node = Running(write_config(tmp_path, "talk", [tmp_path], {"done": str(tmp_path / "done")}))
    node.wait_for("READY")

    assert node.process.stdout is not None
    node.process.stdout.close()

    assert node.process.wait(timeout=20) == 0
    assert (tmp_path / "done").read_text() == "done"
    assert node.process.stderr is not None
    assert node.process.stderr.read() == ""
    node.process.stderr.close()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_lines_of_print_and_of_the_log_are_whole(tmp_path: Path, unbuffered: str) -> None:
    (tmp_path / "talk.lua").write_text(
        """
        local skynet = require "skynet"
        require "skynet.manager"
        if ... == "log" then
            for i = 1, 2000 do skynet.error("l", "o", "g", i) end
            skynet.start(function() end)
            return
        end
        skynet.start(function()
            skynet.fork(skynet.newservice, "talk", "log")
            for i = 1, 2000 do
                print("p", "r", "i", "n", "t", i)
                if i % 100 == 0 then skynet.yield() end
            end
            skynet.sleep(20)	-- for the logger
            skynet.abort()
        end)
        """
    )
    config = write_config(tmp_path, "talk", [tmp_path], {})

    result = subprocess.run(
        node_command(config),
        env={**node_environment(), "PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert re.findall(r"^p\tr\ti\tn\tt\t(\d+)$", result.stdout, re.MULTILINE) == [str(i) for i in range(1, 2001)]
    assert re.findall(r"^\[:\w{8}\] l o g (\d+)$", result.stdout, re.MULTILINE) == [str(i) for i in range(1, 2001)]


# start-up


def test_what_a_node_does_not_need_is_not_imported(quit_config: Path) -> None:
    code = (
        "import sys; from host.cli import main; main()\n"
        "unwanted = {'argparse', 'asyncio', 'subprocess', 'json', 'host.service', 'host.gateway'}\n"
        "print('IMPORTED', unwanted & set(sys.modules))"
    )

    result = snhost(quit_config, code=code)

    assert "IMPORTED set()" in result.stdout, result.stdout + result.stderr


def test_the_package_is_imported_without_the_core() -> None:
    code = "import sys, host; print([m for m in sys.modules if m.startswith(('host.core', 'host.luaclib', 'lupa'))])"

    assert snhost(code=code).stdout == "[]\n"


def test_the_first_line_of_the_start_service_comes_soon(quit_config: Path) -> None:
    def seconds() -> float:
        began = time.monotonic()
        node = Running(quit_config)
        node.wait_for("KEY")
        took = time.monotonic() - began
        node.process.communicate(timeout=20)
        return took

    # the best of some: other tests may be running on this machine
    assert min(seconds() for _ in range(5)) < 0.3


def test_a_checkout_that_is_not_built_says_so(tmp_path: Path, quit_config: Path) -> None:
    shutil.copytree(ROOT / "host", tmp_path / "host", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    result = subprocess.run(
        [sys.executable, "-m", "host", quit_config],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    (line,) = result.stderr.splitlines()
    assert line.startswith("snhost is not built here, do pip install -e . in the checkout: ")
    assert result.returncode == 1
