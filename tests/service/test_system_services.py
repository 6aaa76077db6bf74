"""The services that every node starts, and those that a user may: what they do, log and print."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunNode = Callable[..., Any]


@pytest.mark.parametrize("service", ["launcher", "service_mgr"])
def test_service_passes_its_checks(run_node: RunNode, service: str) -> None:
    result = run_node(f"test_{service}")

    assert re.search(r"VERDICT ok \d+$", result.stdout, re.MULTILINE), result.stdout
    assert result.returncode == 0


@pytest.fixture
def run_script(run_node: RunNode, tmp_path: Path) -> RunNode:
    """Run Lua source text as the start service `main`; it must end the node itself."""

    def run(source: str, **config: object) -> Any:
        (tmp_path / "main.lua").write_text(source, encoding="utf-8")
        return run_node("main", lua_dirs=[tmp_path], **config)

    return run


END = 'require "skynet.manager"\nlocal skynet = require "skynet"\n'


def test_a_single_node_boots_its_services_in_order(run_script: RunNode) -> None:
    result = run_script(END + "skynet.start(function() skynet.timeout(5, skynet.abort) end)")

    launched = re.findall(r"^\[(:\w+)\] LAUNCH (.*)$", result.stdout, re.MULTILINE)
    assert launched == [
        (":00000002", "snlua bootstrap"),
        (":00000003", "snlua launcher"),
        (":00000004", "snlua cdummy"),
        (":00000005", "harbor 0 4"),
        (":00000006", "snlua datacenterd"),
        (":00000007", "snlua service_mgr"),
        (":00000008", "snlua main"),
    ]
    assert "[:00000002] KILL self" in result.stdout


def test_bootstrap_leaves_only_after_the_start_service_has_started(run_script: RunNode) -> None:
    result = run_script(
        END
        + """
        skynet.start(function()
            skynet.sleep(5)
            skynet.error "start function ends"
            skynet.timeout(5, skynet.abort)
        end)
        """
    )

    assert result.stdout.index("start function ends") < result.stdout.index("[:00000002] KILL self")


def test_the_start_key_may_carry_arguments(run_node: RunNode, tmp_path: Path) -> None:
    (tmp_path / "args.lua").write_text(
        END + 'io.stdout:write("ARGS " .. table.concat({ ... }, " ") .. "\\n") skynet.start(skynet.abort)',
        encoding="utf-8",
    )

    result = run_node("args one two", lua_dirs=[tmp_path])

    assert "ARGS one two\n" in result.stdout


def test_dbg_prints_the_answer_of_the_launcher_sorted(run_script: RunNode) -> None:
    result = run_script(
        END
        + """
        skynet.start(function()
            skynet.fork(function()
                skynet.newservice("dbg", "list")
                io.stdout:flush()
                skynet.abort()
            end)
        end)
        """
    )

    printed = re.findall(r"^(:\w{8})\t(.*)$", result.stdout, re.MULTILINE)
    assert printed == sorted(printed)
    assert (":00000004", "snlua cdummy") in printed
    assert (":00000008", "snlua main") in printed


def test_dbg_prints_the_fields_of_an_entry_on_its_line(run_script: RunNode) -> None:
    result = run_script(
        END
        + """
        skynet.start(function()
            skynet.fork(function()
                skynet.newservice("dbg", "stat")
                io.stdout:flush()
                skynet.abort()
            end)
        end)
        """
    )

    assert re.search(
        r"^:00000004\tcpu:[\d.e-]+\tmessage:\d+\tmqlen:\d+\ttask:\d+$", result.stdout, re.MULTILINE
    ), result.stdout


def test_cmemory_prints_its_totals_and_exits(run_script: RunNode) -> None:
    result = run_script(
        END
        + """
        skynet.start(function()
            skynet.fork(function()
                skynet.newservice "cmemory"
                io.stdout:flush()
                skynet.abort()
            end)
        end)
        """
    )

    assert re.search(r"Total memory:\t\d+$", result.stdout, re.MULTILINE)
    assert re.search(r"Total block:\t\d+$", result.stdout, re.MULTILINE)


def test_a_service_that_logs_its_launch_has_its_messages_on_file(run_script: RunNode, tmp_path: Path) -> None:
    result = run_script(
        END
        + """
        if ... == "peer" then
            skynet.start(function() skynet.dispatch("lua", function() skynet.ret() end) end)
            return
        end
        skynet.start(function()
            skynet.fork(function()
                local peer = skynet.call(".launcher", "lua", "LOGLAUNCH", "snlua", "main", "peer")
                skynet.call(peer, "lua", "hello")
                io.stdout:write("PEER " .. skynet.address(peer) .. "\\n")
                io.stdout:flush()
                skynet.abort()
            end)
        end)
        """,
        logpath=str(tmp_path),
    )

    address = re.search(r"PEER :(\w{8})$", result.stdout, re.MULTILINE)
    assert address
    log = (tmp_path / f"{address[1]}.log").read_text(encoding="utf-8", errors="replace")
    assert log.startswith("open time: ")
    assert "2c68656c6c6f" in log


def test_a_single_node_with_a_standalone_key_does_not_start(run_script: RunNode) -> None:
    result = run_script('print "unreachable"', standalone="127.0.0.1:2013")

    assert result.returncode == 1
    assert "unreachable" not in result.stdout


def test_a_start_service_that_fails_ends_the_node(run_script: RunNode) -> None:
    result = run_script('error "expected in the log: the main chunk fails"')

    assert result.returncode == 1


def test_datacenterd_and_service_mgr_have_global_names(run_script: RunNode) -> None:
    result = run_script(
        END
        + """
        skynet.start(function()
            skynet.fork(function()
                local harbor = require "skynet.harbor"
                io.stdout:write("NAMES " .. harbor.queryname "DATACENTER" .. " " .. harbor.queryname "SERVICE" .. "\\n")
                io.stdout:flush()
                skynet.abort()
            end)
        end)
        """
    )

    assert "NAMES 6 7\n" in result.stdout
