"""The HTTP server of http.httpd with curl and with bare sockets, and over TLS."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator

import pytest
from netparts import curl, exchange, serving_node


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving_node(tmp_path_factory.mktemp("web"), "web_server") as node:
        yield int(node.wait_for(r"^READY (\d+)$")[1])


def status(response: bytes) -> int:
    assert response.startswith(b"HTTP/1.1 "), response[:100]
    return int(response[9:12])


def test_curl_gets_a_page(port: int) -> None:
    assert curl(f"http://127.0.0.1:{port}/") == b"hello"


def test_curl_gets_a_page_in_chunks(port: int) -> None:
    expected = b"".join(b"part %d " % i for i in range(1, 101))

    assert curl(f"http://127.0.0.1:{port}/chunked") == expected


def test_curl_gets_a_megabyte(port: int) -> None:
    assert curl(f"http://127.0.0.1:{port}/big") == b"0123456789abcdef" * 65536


def test_curl_posts_a_body(port: int) -> None:
    assert curl("--data", "a=b c&d", f"http://127.0.0.1:{port}/echo") == b"a=b c&d"


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 1024 * 1024])
def test_curl_uploads_in_chunks(port: int, size: int) -> None:
    body = bytes(i * 7 % 256 for i in range(256)) * (size // 256 + 1)
    arguments = ("--header", "Transfer-Encoding: chunked", "--header", "Expect:", "--data-binary", "@-")

    assert curl(*arguments, f"http://127.0.0.1:{port}/echo", data=body[:size]) == body[:size]


def test_curl_is_told_what_is_too_large(port: int) -> None:
    body = b"x" * (1024 * 1024 + 1)
    arguments = ("--header", "Expect:", "--output", "/dev/null", "--write-out", "%{http_code}", "--data-binary", "@-")
    program = shutil.which("curl")
    assert program
    # The server answers and closes while curl is still sending: whether curl reads the answer first is a race.
    result = subprocess.run(
        [program, "--silent", "--max-time", "30", "--noproxy", "*", *arguments, f"http://127.0.0.1:{port}/echo"],
        input=body,
        capture_output=True,
    )

    assert result.stdout in (b"413", b"000")


def test_curl_asks_with_a_query(port: int) -> None:
    assert curl(f"http://127.0.0.1:{port}/query?b=2&a=x+y&b=%33") == b"a=x y;b=2,3"


def test_a_request_may_come_byte_by_byte(port: int) -> None:
    request = b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"

    response = exchange(port, *(request[i : i + 1] for i in range(len(request))))

    assert status(response) == 200
    assert response.endswith(b"\r\n\r\nhello")


def test_what_follows_a_request_is_not_taken_for_another(port: int) -> None:
    response = exchange(port, b"POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\r\n\r\n")

    assert response.count(b"HTTP/1.1") == 1
    assert response.endswith(b"\r\n\r\nab")


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        pytest.param(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", 413, id="huge URL"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100_000, 413, id="header bomb"),
        pytest.param(b"GET / HTTP/1.1\r\na: " + b"b" * 1_000_000, 413, id="one huge field"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413, id="huge length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, id="negative length"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            id="two framings",
        ),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, id="two lengths"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501, id="unknown encoding"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 413, id="bad chunk size"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413, id="huge chunk"),
        pytest.param(b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, id="bad field"),
        pytest.param(b"GET / HTTP/3.0\r\n\r\n", 505, id="unknown version"),
    ],
)
def test_malformed_requests_get_their_status(port: int, request_bytes: bytes, expected: int) -> None:
    response = exchange(port, request_bytes)

    # A server that closes with unread input resets the connection, which may overtake the answer.
    assert response == b"" or status(response) == expected


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00", b"\r\n\r\n", b"\0" * 9000, b"GET\r\n\r\n"])
def test_what_is_no_http_is_closed_or_refused(port: int, junk: bytes) -> None:
    response = exchange(port, junk, end=True)

    assert response == b"" or status(response) in (400, 413)


@pytest.mark.parametrize(
    "request_bytes",
    [b"", b"GET / HT", b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", b"POST /echo HTTP/1.1\r\nTransfer-"],
)
def test_clients_that_go_away_leave_no_socket(port: int, request_bytes: bytes) -> None:
    for reset in (False, True):
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            s.sendall(request_bytes)
            if reset:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    deadline = time.monotonic() + 10
    # The listener, and the connection that asks.
    while curl(f"http://127.0.0.1:{port}/netstat") != b"2":
        assert time.monotonic() < deadline, "sockets are left"
        time.sleep(0.02)


def test_a_client_that_has_said_all_still_gets_its_answer(port: int) -> None:
    response = exchange(port, b"GET / HTTP/1.1\r\n\r\n", end=True)

    assert response.endswith(b"hello")
