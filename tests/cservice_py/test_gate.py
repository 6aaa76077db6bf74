"""The native gate, and sockets of Python services in general."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from netparts import DEADLINE, NET, free_ports

from host import _lua

LAUNCH = """
    local skynet = require "skynet"
    require "skynet.manager"

    skynet.register_protocol { name = "text", id = skynet.PTYPE_TEXT, pack = function(text) return text end }

    skynet.start(function()
        skynet.dispatch("lua", function(_, _, cmd, ...)
            skynet.retpack(skynet[cmd](...))
        end)
    end)
"""


# Sends a gate (its argument) a string as if the socket server did.
FORGER = """
    local skynet = require "skynet"
    local c = require "skynet.core"
    local gate = math.tointeger(...)

    skynet.start(function()
        skynet.dispatch("lua", function(_, _, text)
            skynet.retpack(c.send(gate, skynet.PTYPE_SOCKET, 0, text))
        end)
    end)
"""


@pytest.mark.parametrize("lua", ["5.4", "5.5"])
def test_the_native_gate_passes_its_checks(run_node: Callable[..., Any], lua: str) -> None:
    result = run_node("test_native_gate", lua_dirs=NET, lua=lua, gate_port=free_ports(1)[0])

    assert re.search(r"^VERDICT ok \d+$", result.stdout, re.MULTILINE), result.stdout[-5000:] + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert "Recv socket message > 16M" in result.stdout
    assert "[gate] Unknown command : unknown 1" in result.stdout
    assert re.search(r"Invalid client message from 8$", result.stdout, re.MULTILINE)
    assert re.search(r"Invalid client id 123456 from 8$", result.stdout, re.MULTILINE)


class Gate:
    """A node with one native gate."""

    def __init__(self, snhost_node: Any, args: str) -> None:
        self.port = free_ports(1)[0]
        self.log = snhost_node.log
        self.node = snhost_node({"launch": LAUNCH, "forger": FORGER})
        self.launcher = self.node.newservice("launch")
        self.handle = self.node.call(self.launcher, "launch", "gate", args.format(address=f"127.0.0.1:{self.port}"))

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until a line of the log has the pattern."""
        deadline = time.monotonic() + DEADLINE
        while True:
            match = re.search(pattern, self.log(), re.MULTILINE)
            if match:
                return match
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def connect(self) -> tuple[socket.socket, int]:
        """Return a client that is read, and its id."""
        before = len(re.findall("socket open: ", self.log()))
        client = socket.create_connection(("127.0.0.1", self.port), DEADLINE)
        deadline = time.monotonic() + DEADLINE
        while len(opened := re.findall("socket open: ([0-9a-f]+)", self.log())) == before:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)
        id = int(opened[-1], 16)
        self.tell(f"start {id}")
        return client, id

    def tell(self, line: str) -> None:
        self.node.call(self.launcher, "send", self.handle, "text", line)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ("", "Invalid gate parm "),
        ("S ! {address}", "Invalid gate parm S ! {address}"),
        ("S ! {address} x 5", "Invalid gate parm S ! {address} x 5"),
        ("S ! {address} 0", "Need max connection"),
        ("S ! {address} 0 0", "Need max connection"),
        ("S ! {address} 0 x", "Need max connection"),
        ("M ! {address} 0 5", "Invalid data header style"),
        ("S .none {address} 0 5", "Invalid watchdog .none"),
        ("S :0 {address} 0 5", "Invalid watchdog :0"),
        ("S :xyz {address} 0 5", "Invalid watchdog :xyz"),
        ("S ! 0 0 5", "Invalid gate address 0"),
        ("S ! 127.0.0.1: 0 5", "Invalid gate address 127.0.0.1:"),
        ("S ! 127.0.0.1:70000 0 5", "Invalid gate address 127.0.0.1:70000"),
        ("S ! 127.0.0.1 0 5", "Invalid gate address 127.0.0.1"),
        ("S ! 192.0.2.1:9 0 5", "Can't listen on 192.0.2.1:9"),
    ],
)
def test_a_launch_that_fails_says_why(snhost_node: Any, args: str, reason: str) -> None:
    gate = Gate(snhost_node, args)

    assert gate.handle is None
    gate.wait_for(re.escape(reason.format(address=f"127.0.0.1:{gate.port}")) + "$")


def test_a_port_alone_listens_on_all_addresses(snhost_node: Any) -> None:
    # Free on loopback is not enough: connections of other tests that have just ended may hold the port elsewhere.
    with socket.socket() as s:
        s.bind(("0.0.0.0", 0))
        port = s.getsockname()[1]
    gate = Gate(snhost_node, f"S ! {port} 0 5")

    assert gate.handle
    socket.create_connection(("127.0.0.1", port), DEADLINE).close()


def test_a_packet_is_refused_by_its_header(snhost_node: Any) -> None:
    gate = Gate(snhost_node, "L ! {address} 0 5")
    client, _ = gate.connect()

    with client:
        client.sendall(b"\x00\xff\xff\xff")
        client.sendall(b"x")
        other, _ = gate.connect()
        with other:
            other.sendall(b"\x01\x00\x00\x00")
            assert other.recv(1) == b""
        gate.wait_for("Recv socket message > 16M")


def test_a_message_with_the_type_of_socket_events_is_ignored(snhost_node: Any) -> None:
    gate = Gate(snhost_node, "S ! {address} 0 5")
    forged = struct.pack("iiiiQ", 1, 1, 64, 0, 0xDEAD0000)

    service = gate.node.newservice("forger", gate.handle)
    gate.node.call(service, forged)

    client, _ = gate.connect()
    client.close()


def test_packets_and_clients_leave_no_memory_behind(snhost_node: Any) -> None:
    gate = Gate(snhost_node, "S ! {address} 0 5")

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def pour(n: int) -> None:
        client, _ = gate.connect()
        block = (struct.pack(">H", 65000) + bytes(65000)) * 16
        with client:
            for _ in range(n):
                client.sendall(block)
            client.sendall(b"\xff\xff" + bytes(60000))
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""

    pour(16)
    before = resident()
    pour(128)
    assert resident() - before < 32 << 20


class Sink:
    """Stands for the context and the sockets of a gate: keeps what is sent and closed."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.closed: list[int] = []

    def send(self, destination: int, type: int, session: int, payload: bytes) -> None:
        if type == 0 and session != 0:
            self.packets.append(payload.removeprefix(b"%d data " % session))

    def close(self, id: int) -> None:
        self.closed.append(id)

    def error(self, text: str) -> None:
        pass


@pytest.mark.parametrize("header", ["S", "L"])
def test_packets_are_the_same_wherever_the_stream_is_cut(header: str) -> None:
    _lua.load()
    from host.core.pysocket import ACCEPT, DATA

    from host.module import ModuleLoader

    random = Random(header)
    for _ in range(300):
        sink = Sink()
        gate = ModuleLoader("").query("gate").create()
        gate.ctx = gate.sockets = sink
        gate.watchdog, gate.max, gate.header = 1, 10, 2 if header == "S" else 4
        packets = [random.randbytes(random.choice([0, 1, 2, 3, 100, 1000])) for _ in range(random.randrange(20))]
        stream = b"".join(len(p).to_bytes(gate.header, "big") + p for p in packets)
        gate.event(ACCEPT, 1, 7, b"127.0.0.1:1")
        while stream:
            n = random.choice([1, 2, 3, 50, 500, 5000])
            gate.event(DATA, 7, n, stream[:n])
            stream = stream[n:]

        assert sink.packets == [p for p in packets if p]
        assert not gate.clients[7].pending
        assert not sink.closed
