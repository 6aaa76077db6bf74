"""Gates: snax.gateserver and what is made of it, by services in tests/lua/net and by clients from here."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from netparts import DEADLINE, NET, assert_verdict, free_ports, serving_node


@pytest.mark.parametrize("lua", ["5.4", "5.5"])
@pytest.mark.parametrize("service", ["gateserver", "gate", "msgserver"])
def test_a_gate_passes_its_checks(run_node: Callable[..., Any], service: str, lua: str) -> None:
    assert_verdict(run_node(f"test_{service}", lua_dirs=NET, lua=lua))


@pytest.mark.parametrize("multi", ["false", "true"])
@pytest.mark.parametrize("lua", ["5.4", "5.5"])
def test_the_login_server_passes_its_checks(run_node: Callable[..., Any], lua: str, multi: str) -> None:
    port = free_ports(1)[0]
    result = run_node("test_loginserver", lua_dirs=NET, lua=lua, login_port=port, login_multi=multi)

    assert_verdict(result)
    slaves = re.findall(r"\[:(\w{8})\] connect from 127\.0\.0\.1:\d+ \(fd = \d+\)", result.stdout)
    assert len(set(slaves)) == 3
    assert slaves[:3] == slaves[3:6]
    assert f"login server listen at : 127.0.0.1 {port}" in result.stdout
    assert re.search(r"invalid client \(fd = \d+\) error = .*challenge failed$", result.stdout, re.MULTILINE)
    assert re.search(r"auth failed: socket \(fd = \d+\) closed$", result.stdout, re.MULTILINE)


def test_what_is_better_than_the_original(run_node: Callable[..., Any]) -> None:
    assert_verdict(run_node("test_login_better", lua_dirs=NET, login_port=free_ports(1)[0]))


def test_packages_that_are_no_requests_are_logged(run_node: Callable[..., Any]) -> None:
    log = run_node("test_msgserver", lua_dirs=NET).stdout

    assert re.search(r"Invalid package .*data string too short : abc$", log, re.MULTILINE)
    assert re.search(r"Conflict session 3131$", log, re.MULTILINE)
    assert re.search(r"Invalid package .*Conflict session 3131 : this is too much", log, re.MULTILINE)


def test_a_killed_gate_leaves_nothing_open(run_node: Callable[..., Any]) -> None:
    assert_verdict(run_node("test_gateserver_killed", lua_dirs=NET))


def test_packets_of_a_client_that_was_closed_are_logged(run_node: Callable[..., Any]) -> None:
    result = run_node("test_gateserver", lua_dirs=NET)

    dropped = re.findall(r"Drop message from fd \(\d+\) : (.*)", result.stdout)
    assert dropped == ["dropped 1", "dropped 2"]


def connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), DEADLINE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def packet(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[tuple[Any, int]]:
    """A gateserver that sends each packet back, and its port."""
    with serving_node(tmp_path, "gate_echo") as node:
        yield node, int(node.wait_for(r"^READY (\d+)$")[1])


def receive(client: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n:
        part = client.recv(n - len(data))
        assert part, data
        data += part
    return data


def clients(client: socket.socket) -> int:
    """Return how many clients the echo has."""
    client.sendall(packet(b"clients"))
    return int(receive(client, int.from_bytes(receive(client, 2), "big")))


def echoes(client: socket.socket, data: bytes) -> bool:
    client.sendall(packet(data))
    return receive(client, len(data) + 2) == packet(data)


def test_a_client_that_has_half_closed_still_gets_its_answers(echo: tuple[Any, int]) -> None:
    _, port = echo
    with connect(port) as client:
        client.sendall(packet(b"last words") * 3)
        client.shutdown(socket.SHUT_WR)
        assert receive(client, 36) == packet(b"last words") * 3
        assert client.recv(1) == b""


def test_clients_may_go_away_at_any_moment(echo: tuple[Any, int]) -> None:
    _, port = echo
    stream = packet(b"a") + packet(b"x" * 300)
    with connect(port) as witness:
        for cut in [0, 1, 2, 3, 4, 5, 100, len(stream)]:
            for reset in [False, True]:
                client = connect(port)
                client.sendall(stream[:cut])
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                assert echoes(witness, b"still here")
        deadline = time.monotonic() + DEADLINE
        while clients(witness) > 1:
            assert time.monotonic() < deadline


def tcp_options_of(port: int, option: int) -> list[int]:
    """Return a TCP option of each socket of this process whose own port that is, and which has a peer."""
    values = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(name))) as s:
            if s.getsockname()[1] == port and s.getpeername():
                values.append(s.getsockopt(socket.IPPROTO_TCP, option))
    return values


@pytest.mark.parametrize("nodelay", [False, True])
def test_nodelay_is_set_when_a_client_is_accepted(snhost_node: Any, nodelay: bool) -> None:
    node = snhost_node()
    gate = node.newservice("gate")
    _, port = node.call(gate, "open", {"address": "127.0.0.1", "port": 0, "nodelay": nodelay, "watchdog": gate})
    deadline = time.monotonic() + DEADLINE

    with connect(port):
        while tcp_options_of(port, socket.TCP_NODELAY) != [int(nodelay)]:
            assert time.monotonic() < deadline


# A watchdog that lets packets go a way that its first message tells.
SINK = """
    local skynet = require "skynet"
    local gate, way

    skynet.register_protocol {
        name = "client",
        id = skynet.PTYPE_CLIENT,
        unpack = skynet.tostring,
        dispatch = skynet.ignoreret,
    }

    local command = {}

    function command.open(which)
        gate, way = skynet.newservice "gate", which
        local _, port = skynet.call(gate, "lua", "open", { address = "127.0.0.1", port = 0 })
        return port
    end

    function command.socket(what, fd)
        if what == "open" and way == "watchdog" then
            skynet.call(gate, "lua", "accept", fd)
        elseif what == "open" then
            skynet.call(gate, "lua", "forward", fd, 0, way == "agent" and skynet.self() or 0xffff00)
        elseif what == "close" then
            skynet.call(gate, "lua", "kick", fd)
        end
    end

    skynet.start(function()
        skynet.dispatch("lua", function(session, _, cmd, ...)
            if session == 0 then
                command[cmd](...)
            else
                skynet.retpack(command[cmd](...))
            end
        end)
    end)
"""


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("way", ["watchdog", "agent", "dead agent"])
def test_the_memory_of_packets_is_freed_whatever_becomes_of_them(snhost_node: Any, way: str) -> None:
    node = snhost_node({"sink": SINK})
    port = node.call(node.newservice("sink"), "open", way)

    def pour(n: int) -> None:
        with connect(port) as client:
            for _ in range(n):
                client.sendall(packet(bytes(60000)) * 16)
            client.sendall(packet(bytes(60000))[:-1])
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""

    pour(32)
    before = resident()
    pour(160)
    assert resident() - before < 48 << 20
