"""The socket server, driven without a node; the other ends are Python's own sockets on the loopback."""

import contextlib
import errno
import os
import resource
import select
import socket
import struct
import threading
import time

import pytest
from host.core.socket_probe import SocketProbe

DATA, CONNECT, CLOSE, ACCEPT, ERROR, UDP, WARNING = range(1, 8)
DEAD = 0xDEAD
OWNER = 7
MIB = 1024 * 1024


@pytest.fixture
def server():
    with SocketProbe(dead=DEAD) as probe:
        yield probe


@pytest.fixture
def unpolled():
    with SocketProbe(dead=DEAD, thread=False) as probe:
        yield probe


def record(event):
    return (event.type, event.id, event.ud, event.data)


def listening(server, opaque=1):
    """A started listener: its id and port."""
    listener = server.listen("127.0.0.1", 0, opaque=opaque)
    port = server.wait().ud
    server.start(listener, opaque)
    assert record(server.wait()) == (CONNECT, listener, 0, b"start")
    return listener, port


def accepted(server, opaque=1, started=True):
    """An accepted connection: its id and Python's end of it."""
    listener, port = listening(server, opaque)
    peer = socket.create_connection(("127.0.0.1", port))
    peer.settimeout(5)
    event = server.wait()
    assert (event.type, event.id) == (ACCEPT, listener)
    if started:
        server.start(event.ud, opaque)
        assert record(server.wait()) == (CONNECT, event.ud, 0, b"start")
    return event.ud, peer


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def received(server, id, n):
    """n bytes of DATA of one socket, joined."""
    parts = []
    while n > 0:
        event = server.wait()
        assert (event.type, event.id) == (DATA, id)
        assert event.ud == len(event.data)
        parts.append(event.data)
        n -= len(event.data)
    assert n == 0
    return b"".join(parts)


def drained(peer, n):
    parts = []
    while n > 0:
        part = peer.recv(min(n, 1 << 20))
        assert part
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def until(condition, timeout=5.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def state_of(server, id):
    return next((entry for entry in server.info() if entry["id"] == id), None)


# -- ids


def test_first_id_of_a_server_is_one_and_ids_count_up(server):
    assert [server.udp(), server.udp(), server.udp()] == [1, 2, 3]


def test_a_closed_id_is_not_used_again_soon(server):
    first = server.udp()
    server.close(first)

    assert server.udp() == first + 1


def test_a_busy_slot_is_skipped_when_the_ids_come_round(server):
    kept = server.udp()
    for _ in range(65535):
        server.close(server.udp())

    assert server.udp() == kept + 65536 + 1
    assert state_of(server, kept)["type"] == "UDP"


def test_requests_about_an_old_id_do_not_touch_the_new_socket_in_its_slot(server):
    old = server.udp()
    server.close(old)
    for _ in range(65535):
        server.close(server.udp())
    new = server.udp()
    assert new % 65536 == old % 65536

    server.close(old)
    server.pause(old)

    assert not server.send(old, b"x")
    assert state_of(server, new)["reading"]


# -- listen and accept


def test_listen_tells_the_real_address_and_port(server):
    listener = server.listen("127.0.0.1", 0)

    event = server.wait()

    assert (event.type, event.id, event.data) == (CONNECT, listener, b"127.0.0.1")
    assert event.ud > 0


@pytest.mark.parametrize("host", [None, ""])
def test_listen_without_host_means_all_ipv4_addresses(server, host):
    server.listen(host, 0)

    assert server.wait().data == b"0.0.0.0"


def test_listen_on_a_taken_port_fails_in_the_caller(server):
    _, port = listening(server)

    assert server.listen("127.0.0.1", port) == -1
    assert server.event() is None


def test_nothing_is_accepted_before_start(server):
    server.listen("127.0.0.1", 0)
    port = server.wait().ud
    socket.create_connection(("127.0.0.1", port)).close()

    with pytest.raises(TimeoutError):
        server.wait(0.1)


def test_accept_tells_the_new_id_and_the_peer(server):
    listener, port = listening(server)

    with socket.create_connection(("127.0.0.1", port)) as peer:
        event = server.wait()

        assert (event.type, event.id) == (ACCEPT, listener)
        assert event.ud > listener
        assert event.data.decode() == f"127.0.0.1:{peer.getsockname()[1]}"


def test_an_accepted_socket_is_not_read_before_start(server):
    id, peer = accepted(server, started=False)
    with peer:
        peer.sendall(b"early")
        with pytest.raises(TimeoutError):
            server.wait(0.1)

        server.start(id)

        assert record(server.wait()) == (CONNECT, id, 0, b"start")
        assert record(server.wait()) == (DATA, id, 5, b"early")


def test_ipv6_addresses_are_told_without_brackets(server):
    listener = server.listen("::1", 0)
    event = server.wait()
    assert event.data == b"::1"
    server.start(listener)
    server.wait()

    client = server.open("::1", event.ud)

    told = [server.wait(), server.wait()]
    assert {(e.type, e.id) for e in told} == {(CONNECT, client), (ACCEPT, listener)}
    accept = next(e for e in told if e.type == ACCEPT)
    assert accept.data.startswith(b"::1:")
    assert next(e for e in told if e.type == CONNECT).data == b"::1"


def test_an_accept_that_nobody_owns_closes_the_connection_and_the_listener(server):
    listener, port = listening(server)
    server.start(listener, DEAD)

    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.settimeout(5)
        assert peer.recv(1) == b""
    until(lambda: state_of(server, listener) is None)


def test_connections_beyond_the_fd_limit_are_refused_and_told(server):
    listener, port = listening(server)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    peers = [socket.socket() for _ in range(40)]
    used = max(peer.fileno() for peer in peers) + 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 10, hard))
    try:
        for peer in peers:
            peer.settimeout(5)
            peer.connect(("127.0.0.1", port))
        seen = [server.wait() for _ in peers]
        alive = [e for e in seen if e.type == ACCEPT]
        refused = [e for e in seen if e.type == ERROR]
        assert len(alive) + len(refused) == len(peers)
        assert 1 <= len(alive) <= 10
        assert {(e.id, e.data) for e in refused} == {(listener, os.strerror(errno.EMFILE).encode())}

        for event in alive:
            server.close(event.ud)
            assert record(server.wait())[:2] == (CLOSE, event.ud)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for peer in peers:
            peer.close()

    with socket.create_connection(("127.0.0.1", port)):
        assert server.wait().type == ACCEPT


# -- open


def test_open_tells_the_peers_address(server):
    listener, port = listening(server)

    id = server.open("127.0.0.1", port)

    told = {(e.type, e.id): e for e in (server.wait(), server.wait())}
    assert record(told[CONNECT, id]) == (CONNECT, id, 0, b"127.0.0.1")
    assert (ACCEPT, listener) in told


def test_open_of_a_closed_port_is_an_error_and_frees_the_id(server):
    id = server.open("127.0.0.1", closed_port())

    assert record(server.wait()) == (ERROR, id, 0, b"Connection refused")
    assert not server.send(id, b"x")


def test_open_resolves_names_without_the_callers_thread(server):
    with socket.create_server(("127.0.0.1", 0)) as s:
        id = server.open("localhost", s.getsockname()[1])

        event = server.wait()

        assert (event.type, event.id) == (CONNECT, id)


def test_open_of_an_unknown_name_is_an_error(server):
    id = server.open("no-such-host.invalid", 80)

    event = server.wait(30)

    assert (event.type, event.id) == (ERROR, id)
    assert event.data.decode() in (
        "Name or service not known", "Temporary failure in name resolution", "No address associated with hostname")


def test_close_while_the_name_is_being_resolved_closes_once(server):
    id = server.open("no-such-host.invalid", 80)
    server.close(id)

    kinds = [server.wait().type]
    with contextlib.suppress(TimeoutError):
        kinds.append(server.wait(0.3).type)
    assert kinds in ([CLOSE], [ERROR])


def test_open_of_a_host_text_that_is_too_long_fails_at_once(server):
    host = "h" * 232

    assert server.open(host, 80) == -1
    assert server.lines() == [f"socket-server error: Invalid addr {host}."]


def test_what_is_sent_while_connecting_is_written_once_connected(server):
    with socket.create_server(("127.0.0.1", 0)) as s:
        id = server.open("127.0.0.1", s.getsockname()[1])
        assert server.send(id, b"early ")
        assert server.send(id, b"bird")
        peer, _ = s.accept()
        with peer:
            peer.settimeout(5)
            assert drained(peer, 10) == b"early bird"
        assert record(server.wait()) == (CONNECT, id, 0, b"127.0.0.1")


def test_close_while_connecting_closes(server):
    # a full backlog keeps the next connection waiting
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        waiting = [server.open("127.0.0.1", s.getsockname()[1]) for _ in range(3)]
        last = waiting[-1]

        server.close(last)

        events = [server.wait()]
        while events[-1].id != last:
            events.append(server.wait())
        assert events[-1].type in (CLOSE, CONNECT)


def test_the_system_probes_connections_whose_peer_has_vanished(server):
    _, port = listening(server)
    server.open("127.0.0.1", port)
    server.wait()
    server.wait()

    probed = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(fd))) as s:
            if port in (s.getsockname()[1], s.getpeername()[1]):
                probed.append(s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
    assert probed == [1, 1]


# -- reading


@pytest.mark.parametrize("size", [1, 63, 64, 65, 4096, 65536, 65537, 131072, 131073, 3 * MIB + 1])
def test_data_arrives_complete_and_in_order(server, size):
    id, peer = accepted(server)
    body = os.urandom(size)
    with peer:
        sender = threading.Thread(target=peer.sendall, args=(body,))
        sender.start()

        assert received(server, id, size) == body
        sender.join()


def test_pause_stops_reading_and_start_resumes_it(server):
    id, peer = accepted(server)
    with peer:
        server.pause(id)
        peer.sendall(b"later")
        with pytest.raises(TimeoutError):
            server.wait(0.1)
        assert not state_of(server, id)["reading"]

        server.start(id)

        assert record(server.wait()) == (CONNECT, id, 0, b"transfer")
        assert record(server.wait()) == (DATA, id, 5, b"later")


def test_start_moves_the_socket_to_another_owner(server):
    id, peer = accepted(server, opaque=1)
    with peer:
        server.start(id, 2)
        assert server.wait()[:2] == (2, CONNECT)

        peer.sendall(b"x")

        assert server.wait()[:2] == (2, DATA)


def test_start_of_an_unknown_id_is_an_error(server):
    server.start(12345)

    assert record(server.wait()) == (ERROR, 12345, 0, b"invalid socket")


def test_data_for_an_owner_that_is_gone_closes_the_socket(server):
    id, peer = accepted(server)
    with peer:
        server.start(id, DEAD)
        peer.sendall(b"x")
        peer.settimeout(5)

        assert peer.recv(1) == b""
    until(lambda: state_of(server, id) is None)


def forsaken(server, **how):
    """A silent connection whose owner has ended: its id and Python's end of it."""
    id, peer = accepted(server, OWNER, **how)
    server.forsake(OWNER)
    return id, peer


def test_a_silent_socket_is_closed_some_time_after_its_owner_has_ended(server):
    id, peer = forsaken(server)
    with peer:
        server.sweep()
        assert state_of(server, id) is not None
        server.sweep()

        assert state_of(server, id) is None
        assert peer.recv(1) == b""


def test_a_socket_that_a_live_service_has_started_meanwhile_is_left_alone(server):
    id, peer = forsaken(server)
    with peer:
        server.sweep()
        server.start(id)
        server.sweep()
        server.sweep()

        assert server.send(id, b"x")
        assert peer.recv(1) == b"x"


def test_what_was_accepted_and_never_started_is_closed_too(server):
    _, peer = forsaken(server, started=False)
    with peer:
        server.sweep()
        server.sweep()

        assert peer.recv(1) == b""


def test_a_socket_without_owner_is_closed_when_its_data_is_sent(server):
    id, peer = forsaken(server)
    with peer:
        sent = 8 * MIB
        assert server.send(id, b"x" * sent)
        server.sweep()
        server.sweep()

        assert len(drained(peer, sent)) == sent
        assert peer.recv(1) == b""
    until(lambda: state_of(server, id) is None)


# -- writing


def test_what_is_sent_arrives(server):
    id, peer = accepted(server)
    with peer:
        assert server.send(id, b"copied ")
        assert server.send(id, b"owned", owned=True)

        assert drained(peer, 12) == b"copied owned"


def test_send_to_an_unknown_id_fails(server):
    assert not server.send(999, b"x")
    assert not server.send(999, b"x", owned=True)
    assert not server.send(999, b"x", low=True)


def test_nothing_is_lost_or_reordered_when_the_reader_is_slow(server):
    id, peer = accepted(server)
    body = os.urandom(20 * MIB)
    with peer:
        for i in range(0, len(body), 100000):
            assert server.send(id, body[i:i + 100000], owned=bool(i & 1))

        assert drained(peer, len(body)) == body
    until(lambda: server.wait().type == CLOSE)


def test_high_priority_overtakes_low_but_splits_no_message(server):
    id, peer = accepted(server)
    block = 256 * 1024
    with peer:
        sent = 0
        while state_of(server, id)["wbuffer"] == 0:
            server.send(id, b"f" * block)
            sent += 1
        for i in range(8):
            server.send(id, bytes([ord("a") + i]) * block, low=True)
        server.send(id, b"H" * block)

        got = drained(peer, (sent + 9) * block).lstrip(b"f")

        order = "".join(chr(got[i]) for i in range(0, len(got), block))
        assert sorted(order) == sorted("Habcdefgh")
        assert order.replace("H", "") == "abcdefgh"
        assert order.index("H") < 2
        for i in range(0, len(got), block):
            assert len(set(got[i:i + block])) == 1


def test_a_slow_reader_is_warned_of_at_each_doubling_and_when_drained(server):
    id, peer = accepted(server)
    block = 512 * 1024
    with peer:
        for _ in range(64):
            server.send(id, b"w" * block)
        kib = [event.ud for event in iter(server.event, None)]
        assert kib == [1024, 2048, 4096, 8192, 16384]

        drained(peer, 64 * block)

        assert record(server.wait()) == (WARNING, id, 0, b"")


def test_writes_to_an_accepted_but_unstarted_socket_are_dropped(server):
    id, peer = accepted(server, started=False)
    with peer:
        assert server.send(id, b"lost")
        server.start(id)
        assert server.send(id, b"kept")

        assert drained(peer, 4) == b"kept"


def test_writes_to_a_listener_are_logged_and_dropped(server):
    listener, _ = listening(server)

    assert server.send(listener, b"x")

    assert server.lines() == [f"socket-server error: write to listen fd {listener}."]


def test_senders_in_many_threads_do_not_mix_their_messages(server):
    id, peer = accepted(server)
    n, size = 200, 5000
    with peer:
        def send(mark):
            for _ in range(n):
                assert server.send(id, mark * size)

        threads = [threading.Thread(target=send, args=(mark,)) for mark in (b"a", b"b", b"c")]
        for t in threads:
            t.start()
        got = drained(peer, 3 * n * size)
        for t in threads:
            t.join()

    for i in range(0, len(got), size):
        assert len(set(got[i:i + size])) == 1


# -- closing


def test_the_peers_end_is_told_once_and_the_socket_stays_writable(server):
    id, peer = accepted(server)
    with peer:
        peer.shutdown(socket.SHUT_WR)
        assert record(server.wait()) == (CLOSE, id, 0, b"")
        assert state_of(server, id)["type"] == "CLOSING"

        assert server.send(id, b"still here")
        assert drained(peer, 10) == b"still here"

        server.close(id)
        assert peer.recv(1) == b""
    assert server.event() is None


def test_data_before_the_peers_end_comes_first(server):
    id, peer = accepted(server)
    peer.sendall(b"last words")
    peer.close()

    assert received(server, id, 10) == b"last words"
    assert record(server.wait()) == (CLOSE, id, 0, b"")


def test_a_reset_is_an_error_and_then_a_close(server):
    id, peer = accepted(server)
    reset(peer)

    assert record(server.wait()) == (ERROR, id, 0, b"Connection reset by peer")
    server.shutdown(id)
    assert record(server.wait()) == (CLOSE, id, 0, b"")
    with pytest.raises(TimeoutError):
        server.wait(0.1)


def test_a_reset_before_start_frees_the_socket(server):
    id, peer = accepted(server, started=False)
    reset(peer)

    assert server.wait()[1:3] == (ERROR, id)
    assert server.wait()[1:3] == (CLOSE, id)
    server.start(id)
    assert server.wait().data == b"invalid socket"


def test_close_without_unsent_data_closes_at_once(server):
    id, peer = accepted(server)
    with peer:
        server.close(id)

        assert record(server.wait()) == (CLOSE, id, 0, b"")
        assert peer.recv(1) == b""
        assert not server.send(id, b"x")


def test_close_with_unsent_data_tells_at_once_and_writes_the_rest(server):
    id, peer = accepted(server)
    body = os.urandom(12 * MIB)
    with peer:
        for i in range(0, len(body), MIB):
            server.send(id, body[i:i + MIB])
        server.close(id)

        events = [server.wait()]
        while events[-1].type == WARNING:
            events.append(server.wait())
        assert record(events[-1]) == (CLOSE, id, 0, b"")
        assert not server.send(id, b"too late")
        assert state_of(server, id)["type"] == "CLOSING"
        server.start(id)
        assert record(server.wait()) == (ERROR, id, 0, b"socket closed")

        assert drained(peer, len(body)) == body
        assert peer.recv(1) == b""
    until(lambda: state_of(server, id) is None)
    assert server.event() is None


def test_shutdown_drops_unsent_data(server):
    id, peer = accepted(server)
    with peer:
        for _ in range(12):
            server.send(id, b"x" * MIB)
        server.shutdown(id)

        events = [server.wait()]
        while events[-1].type == WARNING:
            events.append(server.wait())
        assert record(events[-1]) == (CLOSE, id, 0, b"")
        got = 0
        while part := peer.recv(MIB):
            got += len(part)
        assert got < 12 * MIB


def test_closing_twice_tells_once(server):
    id, peer = accepted(server)
    with peer:
        server.close(id)
        server.close(id)
        server.shutdown(id)

        assert server.wait().type == CLOSE
        assert server.event() is None


def test_write_after_the_peer_has_gone_ends_the_socket(server):
    id, peer = accepted(server)
    peer.close()
    assert server.wait().type == CLOSE

    assert server.send(id, b"first")
    until(lambda: not server.send(id, b"next"))


def test_a_failed_write_leaves_the_reading_half_open(server):
    id, peer = accepted(server)
    with peer:
        server.pause(id)
        peer.sendall(b"before")
        while state_of(server, id)["wbuffer"] == 0:
            server.send(id, b"f" * MIB)
        # the write half of this end goes away under the server's feet
        for fd in os.listdir("/proc/self/fd"):
            try:
                with socket.socket(fileno=os.dup(int(fd))) as s:
                    if s.getpeername() == peer.getsockname():
                        s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        drained(peer, 1)

        events = [server.wait()]
        while events[-1].type == WARNING:
            events.append(server.wait())
        assert record(events[-1]) == (ERROR, id, 0, b"Broken pipe")
        server.start(id)
        assert received(server, id, 6) == b"before"
        while peer.recv(MIB):
            pass
    assert record(server.wait()) == (CLOSE, id, 0, b"")
    until(lambda: state_of(server, id) is None)


# -- BIND


def test_an_adopted_fd_is_read_and_written_and_not_closed(server):
    here, there = socket.socketpair()
    with here, there:
        id = server.bind(here.fileno())
        assert record(server.wait()) == (CONNECT, id, 0, b"binding")
        assert state_of(server, id)["type"] == "BIND"

        there.sendall(b"in")
        assert received(server, id, 2) == b"in"
        server.send(id, b"out")
        assert drained(there, 3) == b"out"

        server.close(id)
        assert server.wait().type == CLOSE
        here.send(b"still open")
        assert drained(there, 10) == b"still open"


def test_an_adopted_pipe_is_read_to_its_end(server):
    r, w = os.pipe()
    body = os.urandom(60000)
    id = server.bind(r)
    server.wait()
    os.write(w, body)
    os.close(w)

    assert received(server, id, len(body)) == body
    assert record(server.wait()) == (CLOSE, id, 0, b"")
    os.close(r)


def test_an_fd_that_cannot_be_polled_is_refused(server, tmp_path):
    with open(tmp_path / "plain", "wb") as f:
        id = server.bind(f.fileno())

        assert record(server.wait()) == (ERROR, id, 0, b"reach skynet socket number limit")


# -- UDP


def test_datagrams_carry_the_senders_token(server):
    id = server.udp_listen("127.0.0.1", free_udp_port())
    port = int(udp_port(server, id))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        peer.sendto(b"question", ("127.0.0.1", port))

        event = server.wait()

        assert record(event) == (UDP, id, 8, b"question")
        assert event.token == b"\1" + struct.pack("!H", peer.getsockname()[1]) + b"\x7f\0\0\1"
        assert server.udp_send(id, event.token, b"answer")
        assert peer.recvfrom(100) == (b"answer", ("127.0.0.1", port))


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def udp_port(server, id):
    """Ask a datagram for it: netstat tells no own address of UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        server.udp_send(id, b"\1" + struct.pack("!H", peer.getsockname()[1]) + b"\x7f\0\0\1", b"?")
        return peer.recvfrom(10)[1][1]


def test_a_dialled_socket_sends_to_its_default_destination(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        id = server.udp_dial("127.0.0.1", peer.getsockname()[1])

        assert server.send(id, b"hello")

        data, source = peer.recvfrom(100)
        assert data == b"hello"
        peer.sendto(b"back", source)
        assert server.wait().data == b"back"
        assert state_of(server, id)["name"] == f"127.0.0.1:{peer.getsockname()[1]}"


def test_a_default_destination_can_be_set_later(server):
    id = server.udp()
    assert not server.send(id, b"nowhere")
    assert server.lines() == [f"socket-server : set udp ({id}) error: address first."]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)

        assert server.udp_connect(id, "127.0.0.1", peer.getsockname()[1])
        assert server.send(id, b"hello")

        assert peer.recv(100) == b"hello"


def test_a_destination_of_another_family_is_refused(server):
    id = server.udp()

    assert server.udp_connect(id, "::1", 5000)

    assert record(server.wait()) == (ERROR, id, 0, b"protocol mismatch")
    assert not server.udp_send(id, b"\2" + bytes(18), b"x")
    assert not server.udp_send(id, b"\7" + bytes(18), b"x")
    assert state_of(server, id)["type"] == "UDP"


def test_low_priority_without_destination_is_dropped_and_logged(server):
    id = server.udp()

    assert server.send(id, b"x", low=True)

    assert server.lines() == [f"socket-server: udp socket ({id}) error: type mismatch."]


def test_udp_connect_of_an_unknown_id_or_host_fails(server):
    assert not server.udp_connect(77, "127.0.0.1", 1)
    assert not server.udp_connect(server.udp(), "not an address", 1)


def test_an_oversized_datagram_is_lost_without_an_error(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        id = server.udp_dial("127.0.0.1", peer.getsockname()[1])

        assert server.send(id, b"x" * 65508)
        assert server.send(id, b"y" * 60000)

        assert peer.recv(65536) == b"y" * 60000


def test_udp_listen_needs_a_port(server):
    assert server.udp_listen("127.0.0.1", 0) == -1


def test_two_udp_sockets_may_share_a_port(server):
    port = free_udp_port()

    assert server.udp("127.0.0.1", port) > 0
    assert server.udp("127.0.0.1", port) > 0


# -- counters


def test_info_tells_traffic_and_addresses(server):
    listener, port = listening(server)
    peer = socket.create_connection(("127.0.0.1", port))
    with peer:
        id = server.wait().ud
        assert state_of(server, id) is None
        server.start(id)
        server.wait()
        peer.sendall(b"12345")
        server.wait()
        server.send(id, b"123")

        entry = state_of(server, id)

        assert entry["type"] == "TCP"
        assert (entry["read"], entry["write"], entry["wbuffer"]) == (5, 3, 0)
        assert (entry["reading"], entry["writing"]) == (True, False)
        assert entry["name"] == f"127.0.0.1:{peer.getsockname()[1]}"
        assert entry["opaque"] == 1
        assert state_of(server, listener)["read"] == 1
        assert state_of(server, listener)["name"] == f"127.0.0.1:{port}"


def test_a_listener_that_was_not_started_is_not_listed(server):
    server.listen("127.0.0.1", 0)

    assert server.info() == []


# -- the poller


def test_only_one_thread_polls_at_a_time(server):
    until(lambda: server.poll(0) == -1)


def test_a_wakeup_ends_a_wait_and_is_not_lost_before_it(unpolled):
    unpolled.wakeup()
    assert unpolled.poll(-1) == 0

    waiter = threading.Thread(target=unpolled.poll, args=(-1,))
    waiter.start()
    unpolled.wakeup()
    waiter.join(5)
    assert not waiter.is_alive()


def test_a_waiting_thread_misses_no_wakeup_although_others_poll(server):
    stop, go, back = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)

    def wait():
        while True:
            go.acquire()
            if stop.is_set():
                return
            server.poll(-1)
            back.release()

    def disturb():
        while not stop.is_set():
            server.poll(0)
            time.sleep(0)

    threads = [threading.Thread(target=wait), threading.Thread(target=disturb)]
    for t in threads:
        t.start()
    try:
        for _ in range(1000):
            go.release()
            server.wakeup()
            assert back.acquire(timeout=5)
    finally:
        stop.set()
        go.release()
        server.wakeup()
        for t in threads:
            t.join()


def test_a_request_made_before_an_event_is_handled_holds_for_it(unpolled):
    listener = unpolled.listen("127.0.0.1", 0)
    port = unpolled.wait().ud
    unpolled.start(listener)
    with socket.create_connection(("127.0.0.1", port)) as peer:
        assert unpolled.poll(1000) == 1
        id = [unpolled.wait() for _ in range(2)][-1].ud
        unpolled.start(id)
        unpolled.wait()
        peer.sendall(b"x")
        select.select([], [], [], 0.01)
        unpolled.pause(id)

        assert unpolled.poll(0) == 0
        unpolled.start(id)
        assert unpolled.poll(1000) == 1


def test_stopping_frees_sockets_with_unsent_data():
    before = len(os.listdir("/proc/self/fd"))
    with SocketProbe() as server:
        id, peer = accepted(server)
        for _ in range(10):
            server.send(id, b"x" * MIB, owned=True)
        server.open("localhost", 1)
        server.listen("127.0.0.1", 0)
    peer.close()

    until(lambda: len(os.listdir("/proc/self/fd")) == before)


def test_requests_from_many_threads_leave_no_socket_behind(server):
    listener, port = listening(server)
    stop = threading.Event()

    def churn(seed):
        n = seed
        while not stop.is_set():
            id = server.open("127.0.0.1", port)
            n = n * 1103515245 + 12345 & 0x7FFFFFFF
            if n & 64:
                server.send(id, b"x" * (n % 70000))
            if n & 128:
                server.start(id)
            if n & 256:
                server.pause(id)
            (server.close if n & 512 else server.shutdown)(id)

    threads = [threading.Thread(target=churn, args=(seed,)) for seed in (1, 2)]
    for t in threads:
        t.start()
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        event = server.event()
        if event is None:
            time.sleep(0.0005)
        elif event.type == ACCEPT:
            server.start(event.ud)
        elif event.type in (CLOSE, ERROR) and event.id != listener:
            server.shutdown(event.id)
    stop.set()
    for t in threads:
        t.join()
    while (event := server.event()) is not None or len(server.info()) > 1:
        if event is None:
            time.sleep(0.001)
        elif event.type == ACCEPT:
            server.shutdown(event.ud)
        elif event.type in (CLOSE, ERROR) and event.id != listener:
            server.shutdown(event.id)
    assert [entry["id"] for entry in server.info()] == [listener]
