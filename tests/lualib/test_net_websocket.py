"""http.websocket with the clients and the server of Python's websockets."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from netparts import NET, ServingNode, serving_node
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[ServingNode, str]]:
    with serving_node(tmp_path, "ws_server") as node:
        port = node.wait_for(r"^READY (\d+)$")[1]
        yield node, f"ws://127.0.0.1:{port}"


def test_messages_of_all_sizes_come_back(server: tuple[ServingNode, str]) -> None:
    node, url = server
    with connect(url + "/path?q=1", proxy=None, max_size=None) as client:
        node.wait_for(r"^EVENT handshake /path\?q=1$")
        for size in (0, 1, 125, 126, 127, 65535, 65536, 262144):
            client.send("x" * size)
            assert client.recv(10) == "x" * size
            client.send(b"\xff" * size)
            assert client.recv(10) == b"\xff" * size
    node.wait_for(r"^EVENT close nil nil$|^EVENT close$")
    node.wait_for(r"^EVENT accept true nil$")


def test_fragments_make_one_message(server: tuple[ServingNode, str]) -> None:
    _, url = server
    with connect(url, proxy=None) as client:
        client.send(f"part {i} " for i in range(10))
        assert client.recv(10) == "".join(f"part {i} " for i in range(10))


def test_pings_go_both_ways(server: tuple[ServingNode, str]) -> None:
    node, url = server
    with connect(url, proxy=None) as client:
        assert client.ping(b"payload").wait(10)
        node.wait_for("^EVENT ping$")
        client.send("ping me")
        node.wait_for("^EVENT pong$")


def test_the_client_closes_with_code_and_reason(server: tuple[ServingNode, str]) -> None:
    node, url = server
    with connect(url, proxy=None) as client:
        client.close(4000, "done here")

    node.wait_for("^EVENT close 4000 done here$")
    node.wait_for("^EVENT accept true nil$")


def test_the_server_closes_with_code_and_reason(server: tuple[ServingNode, str]) -> None:
    node, url = server
    with connect(url, proxy=None) as client:
        client.send("close me")
        with pytest.raises(ConnectionClosedError) as caught:
            client.recv(10)
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4001, "as you wish")
    node.wait_for("^EVENT accept true nil$")


@pytest.mark.parametrize("parts", [["x" * 262145], ["x" * 200_000, "y" * 200_000]])
def test_what_is_too_large_is_refused_with_1009(server: tuple[ServingNode, str], parts: list[str]) -> None:
    node, url = server
    with connect(url, proxy=None) as client:
        # The server may close while the client is still sending.
        with pytest.raises(ConnectionClosedError) as caught:
            client.send(parts[0] if len(parts) == 1 else parts)
            client.recv(10)
        assert caught.value.rcvd is None or caught.value.rcvd.code == 1009
    node.wait_for("^EVENT accept false .*payload_len is too large")


def test_a_client_that_is_gone_is_an_error_and_no_leak(server: tuple[ServingNode, str]) -> None:
    node, url = server
    with connect(url, proxy=None) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close_socket()

    node.wait_for("^EVENT error .*Socket Error")
    node.wait_for("^EVENT accept true nil$")


def test_a_subprotocol_that_is_not_chat_is_refused(server: tuple[ServingNode, str]) -> None:
    _, url = server
    with pytest.raises(InvalidStatus):
        connect(url, proxy=None, subprotocols=["mqtt"])  # type: ignore[list-item]
    with connect(url, proxy=None, subprotocols=["mqtt", "chat"]) as client:  # type: ignore[list-item]
        assert client.subprotocol == "chat"


def test_our_client_talks_to_another_server(run_node: Callable[..., Any]) -> None:
    requests = []

    def echo(connection: ServerConnection) -> None:
        assert connection.request is not None
        requests.append(connection.request.headers["x-test"])
        for message in connection:
            if message == "ping":
                assert connection.ping(b"x").wait(10) is not None
                connection.send("pinged")
            elif message == "bye":
                connection.close(4002, "the end")
            else:
                connection.send(message)

    with serve(echo, "127.0.0.1", 0, compression=None, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            port = server.socket.getsockname()[1]
            result = run_node("ws_client", lua_dirs=NET, url=f"ws://127.0.0.1:{port}/echo")
        finally:
            server.shutdown()
            thread.join()

    assert re.search(r"^VERDICT ok \d+$", result.stdout, re.MULTILINE), result.stdout
    assert requests == ["yes"]


def test_a_connection_ends_well(server: tuple[ServingNode, str]) -> None:
    _, url = server
    with connect(url, proxy=None) as client:
        client.close()
        with pytest.raises(ConnectionClosedOK):
            client.recv(10)
