"""The command: what it prints, and its exit codes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from host import __version__, cli
from tests.conftest import node_command, node_environment, write_config

SERVICE = """
local skynet = require "skynet"
require "skynet.manager"
skynet.start(function()
	print("first line", skynet.getenv "answer")
	io.stdout:flush()
	%s
end)
"""


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "host", *args], capture_output=True, text=True, env=node_environment(), timeout=60
    )


def test_without_a_config_it_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 1
    assert capsys.readouterr().err == (
        "Need a config file. Please read skynet wiki : https://github.com/cloudwu/skynet/wiki/Config\n"
        "usage: snhost configfilename\n"
    )


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"snhost {__version__}\nusage: snhost CONFIG")


def test_a_node_that_ends_by_itself_exits_with_0(tmp_path: Path) -> None:
    (tmp_path / "main.lua").write_text(SERVICE % "skynet.abort()")
    config = write_config(tmp_path, "main", [tmp_path], {"answer": 42})

    result = run(str(config))

    assert result.returncode == 0 and "first line\t42" in result.stdout and result.stderr == ""


def test_set_replaces_keys(tmp_path: Path) -> None:
    (tmp_path / "main.lua").write_text(SERVICE % "skynet.abort()")
    config = write_config(tmp_path, "main", [tmp_path], {"answer": 42})

    assert "first line\t43" in run("run", str(config), "--set", "answer=43").stdout


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "cannot open"),
        ("local = 1\n", "main.lua:1: "),
        ("error 'in the chunk'\n", "main.lua:1: in the chunk"),
        (SERVICE % "error 'in start'", "main.lua:7: in start"),
    ],
    ids=["missing", "syntax", "chunk", "start"],
)
def test_a_start_service_that_fails_is_one_clear_line_and_exit_1(
    tmp_path: Path, source: str | None, message: str
) -> None:
    if source is not None:
        (tmp_path / "main.lua").write_text(source)
    config = write_config(tmp_path, "main", [tmp_path], {})

    result = run(str(config))

    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("Can't start service main: ") and message in result.stderr


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"logservice": "nosuch"}, "Can't launch nosuch service"),
        ({"logger": "/nonexistent/dir/log"}, "Can't launch logger service"),
        ({"bootstrap": "nosuch x"}, "Bootstrap error : nosuch x"),
        ({"bootstrap": "snlua nosuch"}, "Can't start service snlua nosuch"),
        ({"thread": 0}, "Invalid thread 0"),
    ],
    ids=["no log service", "log file", "no bootstrap module", "no bootstrap script", "threads"],
)
def test_a_node_that_cannot_boot_says_why(tmp_path: Path, keys: dict[str, object], message: str) -> None:
    config = write_config(tmp_path, "main", [tmp_path], keys)

    result = run(str(config))

    assert result.returncode == 1
    assert result.stderr.startswith(message) and "Traceback" not in result.stderr


def test_hup_reopens_the_log_file(tmp_path: Path) -> None:
    (tmp_path / "main.lua").write_text(
        SERVICE % "skynet.timeout(0, function() while true do skynet.error 'line' skynet.sleep(1) end end)"
    )
    log = tmp_path / "node.log"
    config = write_config(tmp_path, "main", [tmp_path], {"logger": str(log)})
    process = subprocess.Popen(node_command(config), stdout=subprocess.PIPE, text=True, env=node_environment())
    assert process.stdout is not None and process.stdout.readline().startswith("first line")
    log.rename(tmp_path / "old.log")

    process.send_signal(signal.SIGHUP)
    while not (log.exists() and b"line" in log.read_bytes()):
        assert process.poll() is None
    process.terminate()
    process.communicate(timeout=10)

    assert process.returncode == 143
