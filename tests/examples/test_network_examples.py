"""The examples of the network run and print what their READMEs say."""

from __future__ import annotations

from pathlib import Path

import pytest
from netparts import curl, redis_server
from shown import EXAMPLES, of_services, sessions, start
from websockets.sync.client import connect

pytestmark = pytest.mark.usefixtures("in_the_checkout")


@pytest.mark.parametrize("name", ["web", "websocket", "redis"])
def test_the_readme_shows_the_file_itself(name: str) -> None:
    readme = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")

    assert (EXAMPLES / name / "main.lua").read_text(encoding="utf-8") in readme


def test_the_web_server_answers_as_its_readme_shows() -> None:
    shown = sessions("web")
    node = start("web", port=0)
    try:
        address = node.wait_for(r"http://(127\.0\.0\.1:\d+) is open")[1]
        for command, lines in shown.items():
            if command.startswith("curl "):
                arguments = command.replace("127.0.0.1:8001", address).split()[1:]
                assert curl(*arguments).decode().splitlines() == lines
    finally:
        node.stop()

    assert of_services(node.output) == of_services(shown["snhost examples/web/config"])


def test_the_web_server_refuses_a_large_body() -> None:
    node = start("web", port=0)
    try:
        address = node.wait_for(r"http://(127\.0\.0\.1:\d+) is open")[1]
        assert curl("-d", "x" * 65536, f"http://{address}/echo") == b"x" * 65536
        arguments = ("-H", "Content-Length: 65537", "-w", "%{http_code}", "-d", "x", f"http://{address}/echo")
        assert curl(*arguments) == b"413"
    finally:
        node.stop()


def test_the_websocket_echo_prints_what_its_readme_shows_and_serves_others() -> None:
    shown = sessions("websocket")["snhost examples/websocket/config"]
    node = start("websocket", port=0)
    try:
        port = node.wait_for(r"ws://127\.0\.0\.1:(\d+) is open")[1]
        node.wait_for("closed with 1000 that was all")
        assert of_services(node.output) == of_services(shown)
        with connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
            client.send("hello")
            assert client.recv(10) == "hello"
    finally:
        node.stop()


def test_the_redis_user_prints_what_its_readme_shows(tmp_path: Path) -> None:
    shown = sessions("redis")["snhost examples/redis/config"]
    with redis_server(tmp_path) as server:
        node = start("redis", redis_port=server.port)
        try:
            node.wait_for("from example:news comes")
        finally:
            node.stop()

    assert of_services(node.output) == of_services(shown)
