"""Sockets, channels, DNS, HTTP, WebSocket and Redis, by services in tests/lua/net that check them from inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from netparts import NET, assert_verdict, redis_cluster, redis_server, serving_node


@pytest.mark.parametrize("lua", ["5.4", "5.5"])
@pytest.mark.parametrize("service", ["socket", "socketchannel", "dns", "http", "websocket"])
def test_a_network_library_passes_its_checks(run_node: Callable[..., Any], service: str, lua: str) -> None:
    assert_verdict(run_node(f"test_{service}", lua_dirs=NET, lua=lua))


def test_redis_passes_its_checks_against_a_real_server(run_node: Callable[..., Any], tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis", "--requirepass", "secret") as server:
        assert_verdict(run_node("test_redis", lua_dirs=NET, redis_port=server.port))


def test_a_redis_cluster_passes_its_checks_with_two_real_nodes(run_node: Callable[..., Any], tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as nodes:
        assert_verdict(run_node("test_redis_cluster", lua_dirs=NET, redis_ports=",".join(str(n.port) for n in nodes)))


def test_a_redis_server_may_go_away_and_come_back(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path / "redis") as server,
        serving_node(tmp_path, "redis_away", redis_port=server.port) as node,
    ):
        node.wait_for("^READY$")
        server.stop()
        node.wait_for("^GONE$")
        server.start()
        node.wait_for("^BACK$")
        node.wait_for(r"^VERDICT ok \d+$")


def test_short_module_names_lead_to_the_same_modules(run_node: Callable[..., Any]) -> None:
    lualib = ROOT / "lualib"
    path = f"{lualib}/compat10/?.lua;{lualib}/?.lua;{lualib}/?/init.lua"

    assert_verdict(run_node("test_compat10", lua_dirs=NET, lua_path=path))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("parser", ["http", "websocket", "redis", "dns"])
def test_a_parser_takes_a_hundred_thousand_mutated_inputs(run_node: Callable[..., Any], parser: str) -> None:
    assert_verdict(run_node(f"fuzz_{parser}", lua_dirs=NET, timeout=240, fuzz_count=100000))
