"""Sockets of native services in Python, by the service in relay.py."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from netparts import DEADLINE

from host import _lua

_lua.load()

SEND = """
    local skynet = require "skynet"
    local c = require "skynet.core"

    skynet.start(function()
        skynet.dispatch("lua", function(_, _, address, text)
            skynet.retpack(c.send(address, skynet.PTYPE_TEXT, 0, text))
        end)
    end)
"""


class Relayed:
    """A relay, and the socket that it has connected to."""

    def __init__(self, snhost_node: Any) -> None:
        self.log = snhost_node.log
        self.node = snhost_node({"relay": Path(__file__).with_name("relay.py"), "send": SEND})
        self.sender = self.node.newservice("send")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.handle = self.node.launch("relay", f"127.0.0.1 {listener.getsockname()[1]}")
            self.peer, _ = listener.accept()
        self.peer.settimeout(DEADLINE)
        self.expect("connect 0 127.0.0.1")

    def tell(self, text: str) -> None:
        self.node.call(self.sender, self.handle, text)

    def expect(self, line: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not re.search(rf"\] {re.escape(line)}$", self.log(), re.MULTILINE):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)


@pytest.fixture
def relayed(snhost_node: Any) -> Iterator[Relayed]:
    relay = Relayed(snhost_node)
    with relay.peer:
        yield relay


def test_what_is_sent_arrives_and_what_arrives_is_read(relayed: Relayed) -> None:
    relayed.tell("send hello")
    assert relayed.peer.recv(5) == b"hello"
    relayed.expect("send: True")

    relayed.peer.sendall(b"world")
    relayed.expect("data 5 world")


def test_a_peer_that_closes_is_an_event_and_close_is_for_the_service(relayed: Relayed) -> None:
    relayed.peer.shutdown(socket.SHUT_WR)
    relayed.expect("close 0 ")

    relayed.tell("send late")
    assert relayed.peer.recv(4) == b"late"
    relayed.tell("close")
    assert relayed.peer.recv(1) == b""
    relayed.tell("send never")
    relayed.expect("send: False")


@pytest.mark.parametrize("how", ["close", "shutdown"])
def test_a_service_may_close(relayed: Relayed, how: str) -> None:
    relayed.tell("nodelay")
    relayed.tell(how)

    relayed.expect("close 0 ")
    assert relayed.peer.recv(1) == b""


def test_with_the_service_goes_what_it_closes_in_its_release(relayed: Relayed) -> None:
    relayed.node.kill(relayed.handle)

    assert relayed.peer.recv(1) == b""


def test_a_host_that_refuses_is_an_error_event(snhost_node: Any) -> None:
    node = snhost_node({"relay": Path(__file__).with_name("relay.py")})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    node.launch("relay", f"127.0.0.1 {port}")

    deadline = time.monotonic() + DEADLINE
    while "error 0 Connection refused" not in snhost_node.log():
        assert time.monotonic() < deadline, snhost_node.log()
        time.sleep(0.01)


def test_bad_arguments_are_exceptions(snhost_node: Any) -> None:
    from host.core.module import create_context
    from host.core.pysocket import Sockets

    node = snhost_node()
    sockets = Sockets(context := create_context())

    with pytest.raises(OSError, match=r"can't listen on 192\.0\.2\.1:1"):
        sockets.listen("192.0.2.1", 1)
    with pytest.raises(OSError, match="can't connect to x+:1"):
        sockets.open("x" * 300, 1)
    with pytest.raises(ValueError, match="not a socket message: 3 bytes"):
        sockets.read_message(b"abc")
    assert not sockets.send(123456, b"data")
    with pytest.raises(TypeError):
        sockets.send(123456, "text")
    with pytest.raises(TypeError):
        Sockets(None)
    context.retire()
    node.stop()
    for call in (lambda: sockets.listen("127.0.0.1", 0), lambda: sockets.close(1), lambda: sockets.send(1, b"x")):
        with pytest.raises(RuntimeError, match="released"):
            call()
