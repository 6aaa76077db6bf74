"""The HTTP server of http.httpd with curl and with bare sockets, and over TLS."""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netparts import serving_node


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving_node(tmp_path_factory.mktemp("web"), "web_server") as node:
        yield int(node.wait_for(r"^READY (\d+)$")[1])


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    directory = tmp_path_factory.mktemp("certificate")
    cert, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


def curl(*arguments: str, data: bytes | None = None) -> bytes:
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
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, id="two framings"
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


def test_https_with_curl_and_with_a_wrong_certificate(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    config = {"tls": "true", "certfile": cert, "keyfile": key, "enablessl": True}
    with serving_node(tmp_path, "web_server", **config) as node:
        port = int(node.wait_for(r"^READY (\d+)$")[1])
        trusted = ("--cacert", str(cert))

        assert curl(*trusted, f"https://localhost:{port}/") == b"hello"
        assert curl(*trusted, f"https://localhost:{port}/big") == b"0123456789abcdef" * 65536
        assert curl(*trusted, "--data", "a=b", f"https://localhost:{port}/echo") == b"a=b"
        with pytest.raises(subprocess.CalledProcessError):
            curl(f"https://localhost:{port}/")
        assert exchange(port, b"GET / HTTP/1.1\r\n\r\n")[:4] != b"HTTP"

        context = ssl.create_default_context(cafile=str(cert))
        with (
            socket.create_connection(("127.0.0.1", port), 10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as s,
        ):
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert s.recv(4096).startswith(b"HTTP/1.1 200 OK")
