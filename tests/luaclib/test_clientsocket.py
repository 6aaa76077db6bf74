"""client.socket, in a process of its own: it reads that process's stdin, and ends it when stdin ends."""

import pathlib
import socket
import subprocess
import sys
import threading

import pytest

HERE = pathlib.Path(__file__).parent

PROGRAM = """
import sys
sys.path.insert(0, {here!r})
from bare_vm import bare_vm
bare_vm("clientsocket").execute({lua!r})
"""


def client(lua, **options):
    program = PROGRAM.format(here=str(HERE), lua='local socket = require "client.socket"\n' + lua)
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, cwd=HERE.parents[1], **options)


def output(process):
    """All that the client prints; its stdin must stay open until then."""
    with process:
        return process.stdout.read()


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as s:
        s.settimeout(20)
        yield s


def test_send_writes_everything_and_recv_tells_nothing_from_the_end(server):
    size = 8 * 1024 * 1024
    process = client(f"""
        local fd = socket.connect("127.0.0.1", {server.getsockname()[1]})
        assert(socket.recv(fd) == nil)
        socket.send(fd, ("x"):rep({size}))
        local got = ""
        repeat
            local s = socket.recv(fd)
            if s == nil then socket.usleep(1000) else got = got .. s end
        until s == ""
        print(got)
        socket.close(fd)
        os.exit(true)
    """)
    peer, _ = server.accept()
    with peer:
        peer.settimeout(20)
        received = 0
        while received < size:
            received += len(peer.recv(1 << 20))
        peer.sendall(b"answer")
    out = output(process)

    assert received == size
    assert out == "answer\n"


def test_shutdown_ends_one_direction(server):
    process = client(f"""
        local fd = socket.connect("127.0.0.1", {server.getsockname()[1]})
        socket.shutdown(fd, "w")
        print(pcall(socket.shutdown, fd, "x"))
        print(pcall(socket.shutdown, fd, ""))
        io.stdout:flush()
        os.exit(true)
    """)
    peer, _ = server.accept()
    with peer:
        peer.settimeout(20)
        assert peer.recv(1) == b""
    out = output(process)

    assert "SHUTDOWN" in out
    assert "Invalid mode x" in out
    assert "mode should be r or/and w" in out


def test_connect_takes_numeric_addresses_only_and_names_what_failed():
    process = client("""
        print(pcall(socket.connect, "localhost", 1))
        print(pcall(socket.connect, "127.0.0.1", 1))
        os.exit(true)
    """)
    out = output(process)

    assert "Connect localhost 1 failed" in out
    assert "Connect 127.0.0.1 1 failed" in out


def test_lines_of_stdin_come_one_by_one_and_its_end_ends_the_process():
    process = client("""
        while true do
            local line = socket.readstdin()
            if line then
                print("<" .. line .. ">")
                io.stdout:flush()
            else
                socket.usleep(1000)
            end
        end
    """)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout.readline() for _ in range(2)))
    reader.start()
    process.stdin.write("one\ntwo words\n")
    process.stdin.flush()
    reader.join(20)
    process.stdin.close()

    assert lines == ["<one>\n", "<two words>\n"]
    assert process.wait(20) == 0
    process.stdout.close()
