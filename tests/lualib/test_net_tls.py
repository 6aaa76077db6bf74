"""HTTP and WebSocket over TLS, with a certificate made by the test: our servers with other clients, and our clients."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from netparts import NET, curl, exchange, serving_node
from websockets.asyncio.client import connect


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


def config_of(certificate: tuple[Path, Path], **more: Any) -> dict[str, Any]:
    cert, key = certificate
    return {"certfile": cert, "keyfile": key, "enablessl": True, **more}


def test_https_with_curl_and_with_a_wrong_certificate(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, _ = certificate
    with serving_node(tmp_path, "web_server", **config_of(certificate, tls="true")) as node:
        port = int(node.wait_for(r"^READY (\d+)$")[1])
        trusted = ("--cacert", str(cert))

        assert curl(*trusted, f"https://localhost:{port}/") == b"hello"
        assert curl(*trusted, f"https://localhost:{port}/big") == b"0123456789abcdef" * 65536
        assert curl(*trusted, "--data", "a=b", f"https://localhost:{port}/echo") == b"a=b"
        with pytest.raises(subprocess.CalledProcessError):
            curl(f"https://localhost:{port}/")
        assert exchange(port, b"GET / HTTP/1.1\r\n\r\n")[:4] != b"HTTP"


def test_https_whose_request_comes_with_the_end_of_the_handshake(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, _ = certificate
    with serving_node(tmp_path, "web_server", **config_of(certificate, tls="true")) as node:
        port = int(node.wait_for(r"^READY (\d+)$")[1])
        context = ssl.create_default_context(cafile=str(cert))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        engine = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            while True:
                try:
                    engine.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    s.sendall(outgoing.read())
                    incoming.write(s.recv(65536))
            engine.write(b"GET / HTTP/1.1\r\n\r\n")
            s.sendall(outgoing.read())
            answer = b""
            while not answer.endswith(b"hello"):
                data = s.recv(65536)
                assert data, answer
                incoming.write(data)
                while incoming.pending:
                    try:
                        answer += engine.read(65536)
                    except ssl.SSLWantReadError:
                        break


def test_our_https_client(run_node: Callable[..., Any], tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    with (
        serving_node(tmp_path / "tls", "web_server", **config_of(certificate, tls="true")) as secure,
        serving_node(tmp_path / "plain", "web_server") as plain,
    ):
        port = secure.wait_for(r"^READY (\d+)$")[1]
        plain_port = plain.wait_for(r"^READY (\d+)$")[1]
        config = config_of(certificate, https=f"127.0.0.1:{port}", plain=f"127.0.0.1:{plain_port}")
        result = run_node("tls_client", lua_dirs=NET, **config)

    assert re.search(r"^VERDICT ok \d+$", result.stdout, re.MULTILINE), result.stdout


async def echo_over(url: str, context: ssl.SSLContext) -> None:
    # Not the library's threads: two of them in one TLS connection at a time may block for ever.
    async with connect(url, ssl=context, proxy=None, max_size=None) as client:
        for size in (0, 1, 126, 65536, 200_000):
            await client.send("x" * size)
            assert await asyncio.wait_for(client.recv(), 10) == "x" * size


def test_wss_with_another_client_and_with_ours(
    run_node: Callable[..., Any], tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    with serving_node(tmp_path, "ws_server", **config_of(certificate, protocol="wss")) as node:
        port = node.wait_for(r"^READY (\d+)$")[1]
        context = ssl.create_default_context(cafile=str(certificate[0]))
        asyncio.run(echo_over(f"wss://localhost:{port}/", context))
        result = run_node("tls_client", lua_dirs=NET, **config_of(certificate, wss=f"wss://127.0.0.1:{port}/"))

    assert re.search(r"^VERDICT ok \d+$", result.stdout, re.MULTILINE), result.stdout
