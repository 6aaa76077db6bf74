"""Real parts for the tests of the network: a node that serves while the test talks to it, and Redis servers."""

from __future__ import annotations

import contextlib
import queue
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from conftest import LUA, NodeRun, node_command, node_environment, write_config

NET = [LUA / "net", LUA]
DEADLINE = 30.0


class ServingNode:
    """A node in a process of its own, whose output is read while it runs.

    Attributes:
        output: the lines so far.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.output: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=node_environment(),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_for(self, pattern: str, timeout: float = DEADLINE) -> re.Match[str]:
        """Read lines up to one in which the pattern is found."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line with {pattern!r} in:\n" + "\n".join(self.output))
            self.output.append(line)
            match = re.search(pattern, line)
            if match:
                return match

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextlib.contextmanager
def serving_node(path: Path, start: str, **config: Any) -> Iterator[ServingNode]:
    """Run a service of tests/lua/net until the block ends."""
    path.mkdir(parents=True, exist_ok=True)
    node = ServingNode(node_command(write_config(path, start, NET, config)))
    try:
        yield node
    finally:
        node.stop()


def assert_verdict(result: NodeRun) -> None:
    """Fail unless the services of a node said that all their checks hold."""
    verdict = re.findall(r"^VERDICT (.*)$", result.stdout, re.MULTILINE)
    assert verdict and re.fullmatch(r"ok \d+", verdict[-1]), result.stdout[-5000:] + result.stderr
    assert result.returncode == 0


def free_ports(n: int) -> list[int]:
    """Return ports of loopback that are free now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


class RedisServer:
    """A redis-server on loopback that keeps nothing; start() and stop() may be called in turn."""

    def __init__(self, path: Path, port: int, *options: str) -> None:
        self.port = port
        self._path = path
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        path.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "these tests need Debian's package redis-server"
        self._process = subprocess.Popen(
            [
                program,
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                str(self._path),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + DEADLINE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None and time.monotonic() < deadline, "redis-server does not start"
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def command(self, *words: object) -> str:
        """Send one command and return what came for it within one read; for replies of a few lines."""
        text = f"*{len(words)}\r\n" + "".join(f"${len(str(w))}\r\n{w}\r\n" for w in words)
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as s:
            s.sendall(text.encode())
            return s.recv(65536).decode()


@contextlib.contextmanager
def redis_server(path: Path, *options: str) -> Iterator[RedisServer]:
    server = RedisServer(path, free_ports(1)[0], *options)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def redis_cluster(path: Path) -> Iterator[list[RedisServer]]:
    """Run two nodes that have half of the slots each."""
    ports = free_ports(4)
    nodes = [
        RedisServer(path / str(i), ports[i], "--cluster-enabled", "yes", "--cluster-port", str(ports[i + 2]))
        for i in (0, 1)
    ]
    try:
        for node, slots in zip(nodes, [(0, 8191), (8192, 16383)], strict=True):
            node.start()
            assert node.command("cluster", "addslotsrange", *slots) == "+OK\r\n"
        assert nodes[0].command("cluster", "meet", "127.0.0.1", ports[1], ports[3]) == "+OK\r\n"
        deadline = time.monotonic() + DEADLINE
        while not all("cluster_state:ok" in n.command("cluster", "info") for n in nodes):
            assert time.monotonic() < deadline, "the cluster does not come up"
            time.sleep(0.05)
        yield nodes
    finally:
        for node in nodes:
            node.stop()


def curl(*arguments: str, data: bytes | None = None) -> bytes:
    """Run curl and return what it prints. Raises CalledProcessError when it fails."""
    program = shutil.which("curl")
    assert program, "these tests need curl"
    command = [program, "--silent", "--show-error", "--max-time", "30", "--noproxy", "*", *arguments]
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def exchange(port: int, *parts: bytes, end: bool = False) -> bytes:
    """Send parts and return all that comes until the server closes; end = say that nothing more is sent."""
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        try:
            for part in parts:
                s.sendall(part)
            if end:
                s.shutdown(socket.SHUT_WR)
            while data := s.recv(65536):
                received += data
        except (ConnectionResetError, BrokenPipeError):
            # A server that refuses does not read what follows.
            pass
        return received
