"""What the network of a node must survive, seen from outside: a server in Lua, clients that misbehave, and then no
socket, descriptor or memory that was not there before."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import node_command, write_config
from netparts import NET, ServingNode

DEADLINE = 60.0
KIB = 1024
MIB = 1024 * 1024


class Survivor:
    """A node with the service `survivor`.

    Attributes:
        port: where it listens.
    """

    def __init__(self, node: ServingNode) -> None:
        self._pid = node._process.pid
        self.port = int(node.wait_for(r"^READY (\d+)$")[1])

    def connect(self) -> socket.socket:
        s = socket.create_connection(("127.0.0.1", self.port), DEADLINE)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def ask(self, line: str) -> str:
        with self.connect() as s:
            s.sendall(line.encode() + b"\n")
            return s.makefile().readline().rstrip("\n")

    def sockets(self) -> int:
        return int(self.ask("state").split()[0])

    def vm_kb(self) -> int:
        return int(self.ask("state").split()[1])

    def fds(self) -> int:
        return len(os.listdir(f"/proc/{self._pid}/fd"))

    def rss(self) -> int:
        """Bytes of memory."""
        with open(f"/proc/{self._pid}/statm") as f:
            return int(f.read().split()[1]) * resource.getpagesize()

    def settled(self, sockets: int, fds: int) -> None:
        """Wait until there are no more sockets and descriptors than these."""
        deadline = time.monotonic() + DEADLINE
        # The connection that asked may still be open.
        while (now := (self.sockets(), self.fds())) > (sockets, fds + 1):
            assert time.monotonic() < deadline, f"{now} sockets and descriptors, wanted {sockets, fds}"
            time.sleep(0.02)


@contextlib.contextmanager
def survivor(path: Path, nofile: int | None = None) -> Iterator[Survivor]:
    """Run the node, with a limit of its own on open files."""
    command = node_command(write_config(path, "survivor", NET, {}))
    if nofile is not None:
        limit = f"import resource, os, sys; resource.setrlimit(resource.RLIMIT_NOFILE, ({nofile}, {nofile}))"
        command = [sys.executable, "-c", limit + "; os.execv(sys.argv[1], sys.argv[1:])", *command]
    node = ServingNode(command)
    try:
        yield Survivor(node)
    finally:
        node.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survivor]:
    with survivor(tmp_path_factory.mktemp("survivor")) as server:
        # The first of everything leaves something loaded.
        server.ask("echo x")
        server.ask("state")
        yield server


def reset(s: socket.socket) -> None:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def test_peers_may_reset_at_any_moment(server: Survivor) -> None:
    rng = random.Random(1)
    sockets, fds = server.sockets(), server.fds()
    request = b"echo hello\nbig 300\necho there\n"
    for _ in range(500):
        s = server.connect()
        s.sendall(request[: rng.randrange(len(request) + 1)])
        if rng.random() < 0.5:
            # Something is on its way back, most of the time.
            select.select([s], [], [], 0.001 * rng.random())
        if rng.random() < 0.3:
            s.recv(rng.choice((1, 100, 65536)), socket.MSG_DONTWAIT) if select.select([s], [], [], 0)[0] else None
        if rng.random() < 0.8:
            reset(s)
        else:
            s.close()

    server.settled(sockets, fds)
    assert server.ask("echo alive") == "alive"


def test_a_peer_that_has_sent_its_end_still_gets_all_of_the_answer(server: Survivor) -> None:
    with server.connect() as s:
        s.sendall(b"big 2000\n")
        s.shutdown(socket.SHUT_WR)
        received = 0
        while data := s.recv(65536):
            received += len(data)

    assert received == 2000 * KIB


def test_input_that_is_not_read_stays_outside(server: Survivor) -> None:
    before = server.rss()
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(server.connect()) for _ in range(4)]
        for s in peers:
            s.sendall(b"deaf\n")
            assert s.recv(100) == b"deaf\n"
            s.setblocking(False)
        sent = 0
        block = b"x" * MIB
        # Until the kernel takes no more for a while; a node that read on would take it all.
        while sent < 400 * MIB and (writable := select.select([], peers, [], 0.5)[1]):
            for s in writable:
                with contextlib.suppress(BlockingIOError):
                    sent += s.send(block)

        assert sent < 100 * MIB
        assert server.rss() - before < 32 * MIB
        assert server.ask("echo alive") == "alive"


def test_a_line_without_end_is_cut_off_at_the_limit(server: Survivor) -> None:
    before = server.rss()
    with server.connect() as s, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        for _ in range(200):
            s.sendall(b"x" * MIB)

    assert server.rss() - before < 32 * MIB


def test_output_that_is_not_fetched_is_dropped_with_its_reader(server: Survivor) -> None:
    sockets, fds, before = server.sockets(), server.fds(), server.rss()
    for _ in range(10):
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                s = stack.enter_context(server.connect())
                s.sendall(b"big 100000\n")
            # The warning comes when the buffers of the system are full.
            while server.sockets() > sockets:
                time.sleep(0.01)

    server.settled(sockets, fds)
    assert server.rss() - before < 100 * MIB


def test_more_connections_than_descriptors_leave_the_listener_alive(tmp_path: Path) -> None:
    with survivor(tmp_path, nofile=100) as server, contextlib.ExitStack() as stack:
        server.ask("echo x")
        sockets, fds = server.sockets(), server.fds()
        for _ in range(3):
            peers = []
            for _ in range(300):
                s = stack.enter_context(server.connect())
                with contextlib.suppress(OSError):
                    s.sendall(b"echo hello\n")
                peers.append(s)
            served = refused = 0
            for s in peers:
                try:
                    data = s.recv(100)
                except ConnectionResetError:
                    data = b""
                served += data == b"hello\n"
                refused += data == b""
            assert served + refused == 300
            assert 10 <= served < 100 and fds < 100
            for s in peers:
                s.close()

            deadline = time.monotonic() + DEADLINE
            while True:
                with contextlib.suppress(OSError, ValueError, IndexError):
                    if server.ask("echo again") == "again":
                        break
                assert time.monotonic() < deadline, "the listener does not serve again"
            server.settled(sockets, fds)


def test_the_sockets_of_a_service_that_is_killed_are_closed(server: Survivor) -> None:
    sockets, fds = server.sockets(), server.fds()
    for _ in range(10):
        address = server.ask("holder")
        assert server.sockets() > sockets + 8
        assert server.ask("kill " + address) == "killed"

    server.settled(sockets, fds)


def test_thousands_of_connections_come_and_go(server: Survivor) -> None:
    sockets, fds = server.sockets(), server.fds()
    kb, before = server.vm_kb(), server.rss()
    for i in range(3000):
        with server.connect() as s:
            if i % 3 == 0:
                s.sendall(b"echo hello\n")
                assert s.recv(100) == b"hello\n"

    server.settled(sockets, fds)
    assert server.vm_kb() < kb + 100
    assert server.rss() - before < 16 * MIB
