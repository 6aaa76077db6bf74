"""The examples of gates run and print what their READMEs say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from netparts import DEADLINE, ServingNode, free_ports
from shown import EXAMPLES, of_services, sessions, start

pytestmark = pytest.mark.usefixtures("in_the_checkout")


@pytest.mark.parametrize(
    ("name", "files"), [("chat", ["watchdog.lua", "agent.lua"]), ("login", ["logind.lua", "gamed.lua", "client.lua"])]
)
def test_the_readme_shows_the_files_themselves(name: str, files: list[str]) -> None:
    readme = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")

    for file in files:
        assert (EXAMPLES / name / file).read_text(encoding="utf-8") in readme


def run(name: str, **ports: int) -> tuple[list[str], list[str]]:
    """Run an example to its end; return its lines and those of its README, other ports in the config left out."""
    settings = [word for key, port in ports.items() for word in ("--set", f"{key}={port}")]
    command = [sys.executable, "-m", "host", "run", f"examples/{name}/config", *settings]
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = of_services(result.stdout.splitlines())
    for key, port in ports.items():
        usual = re.search(rf"^{key} = (\d+)", (EXAMPLES / name / "config").read_text(encoding="utf-8"), re.MULTILINE)
        assert usual
        lines = [re.sub(rf"\b{port}\b", usual[1], line) for line in lines]
    return lines, of_services(sessions(name)[f"snhost examples/{name}/config"])


def test_the_chat_prints_what_its_readme_shows() -> None:
    lines, shown = run("chat", port=free_ports(1)[0])

    assert lines == shown


def test_the_login_prints_what_its_readme_shows() -> None:
    login_port, game_port = free_ports(2)
    lines, shown = run("login", login_port=login_port, game_port=game_port)

    assert lines == shown


def client(port: str, name: str) -> subprocess.Popen[str]:
    program = Path("examples/chat/client.py")
    return subprocess.Popen(
        [sys.executable, str(program), name, "127.0.0.1", port],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def expect(who: subprocess.Popen[str], line: str) -> None:
    assert who.stdout
    assert who.stdout.readline() == line + "\n"


def say(who: subprocess.Popen[str], line: str) -> None:
    assert who.stdin
    who.stdin.write(line + "\n")
    who.stdin.flush()


def test_clients_on_terminals_talk_to_each_other() -> None:
    node: ServingNode = start("chat", port=0, guests="false")
    try:
        port = node.wait_for(r"the chat is open at 127\.0\.0\.1:(\d+)")[1]
        with client(port, "carol") as carol:
            expect(carol, "carol has come")
            with client(port, "dave") as dave:
                expect(dave, "dave has come")
                expect(carol, "dave has come")
                say(carol, "hello")
                for who in (carol, dave):
                    expect(who, "carol: hello")
                assert carol.stdin and dave.stdin
                carol.stdin.close()
                expect(dave, "carol has gone")
                dave.stdin.close()
                assert carol.wait(DEADLINE) == 0 and dave.wait(DEADLINE) == 0
    finally:
        node.stop()
