"""skynet.netpack, fed with messages as the socket server makes them."""

import random

import pytest
from bare_vm import bare_vm, lupa

HELPERS = """
    local driver = require "skynet.socketdriver"
    local netpack = require "skynet.netpack"
    local queue

    local function filtered(msg, sz, q, ...)
        driver.drop(msg, sz)
        queue = q
        local what, id, p, n = ...
        if what == "data" then
            return what, id, netpack.tostring(p, n)
        end
        return ...
    end

    -- one PTYPE_SOCKET message: a record, and a text or a block of its own
    local function feed(type, id, ud, data)
        local record, sz
        if type == 1 or type == 6 then
            local block = driver.str2p(data)
            record = string.pack("i4i4i4i4I8", type, id, ud, 0, tonumber((string.format("%p", block))))
        else
            record = string.pack("i4i4i4i4I8", type, id, ud, 0, 0) .. data
        end
        local msg, size = driver.str2p(record)
        return filtered(msg, size, netpack.filter(queue, msg, size))
    end

    local function pop()
        local id, p, n = netpack.pop(queue)
        if id then
            return id, netpack.tostring(p, n)
        end
    end

    local function clear()
        netpack.clear(queue)
    end

    local function forget()
        queue = nil
        collectgarbage()
    end

    local function pack(s)
        return netpack.tostring(netpack.pack(s))
    end

    return feed, pop, clear, forget, pack, netpack
"""


class Netpack:
    def __init__(self):
        vm = bare_vm("netpack", "socketdriver")
        self._feed, self._pop, self.clear, self.forget, self.pack, self.module = vm.execute(HELPERS)

    def feed(self, type, id, ud, data):
        result = self._feed(type, id, ud, data)
        return result if isinstance(result, tuple) else None if result is None else (result,)

    def data(self, id, data):
        return self.feed(1, id, len(data), data)

    def pop(self):
        return self._pop()

    def popped(self):
        return list(iter(self._pop, None))


@pytest.fixture
def netpack():
    return Netpack()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65535])
def test_pack_puts_the_length_in_front(netpack, size):
    assert netpack.pack(b"x" * size) == size.to_bytes(2, "big") + b"x" * size


def test_pack_refuses_what_two_bytes_cannot_count(netpack):
    with pytest.raises(lupa.LuaError, match=r"Invalid size \(too long\) of data : 65536"):
        netpack.pack(b"x" * 65536)


def test_the_recorded_trace(netpack):
    assert netpack.data(7, b"\x00") is None
    assert netpack.data(7, b"\x03a") is None
    assert netpack.data(7, b"bc") == (b"data", 7, b"abc")
    assert netpack.data(7, b"\x00\x01A\x00\x02BC\x00\x00\x00\x01") == (b"more",)
    assert netpack.popped() == [(7, b"A"), (7, b"BC"), (7, b"")]
    assert netpack.data(7, b"D") == (b"data", 7, b"D")


def test_one_whole_packet_comes_at_once(netpack):
    assert netpack.data(1, b"\x00\x05hello") == (b"data", 1, b"hello")
    assert netpack.data(1, b"\x00\x00") == (b"data", 1, b"")


def test_a_packet_and_a_fragment_are_more(netpack):
    assert netpack.data(1, b"\x00\x01A\x00") == (b"more",)
    assert netpack.popped() == [(1, b"A")]
    assert netpack.data(1, b"\x01B") == (b"data", 1, b"B")


def test_fragments_of_sockets_do_not_mix(netpack):
    assert netpack.data(1, b"\x00\x04ab") is None
    assert netpack.data(257, b"\x00\x04AB") is None
    assert netpack.data(1, b"cd") == (b"data", 1, b"abcd")
    assert netpack.data(257, b"CD") == (b"data", 257, b"ABCD")


def test_a_packet_may_come_byte_by_byte(netpack):
    body = bytes(range(256)) * 20
    frame = netpack.pack(body)
    for byte in frame[:-1]:
        assert netpack.data(3, bytes([byte])) is None

    assert netpack.data(3, frame[-1:]) == (b"data", 3, body)


def test_more_than_a_ring_of_packets_wait_in_order(netpack):
    for base in range(0, 5000, 1000):
        frames = b"".join(netpack.pack(b"%d" % i) for i in range(base, base + 1000))
        assert netpack.data(1, frames) == (b"more",)
        if base:
            assert netpack.pop() == (1, b"%d" % (base // 1000 - 1))

    assert [int(text) for _, text in netpack.popped()] == list(range(4, 5000))


@pytest.mark.parametrize(("type", "ud", "text", "result"), [
    (2, 8888, b"127.0.0.1", (b"init", 5, b"127.0.0.1", 8888)),
    (2, 0, b"start", (b"init", 5, b"start", 0)),
    (3, 0, b"", (b"close", 5)),
    (4, 9, b"127.0.0.1:1234", (b"open", 9, b"127.0.0.1:1234")),
    (5, 0, b"Connection reset by peer", (b"error", 5, b"Connection reset by peer")),
    (7, 1024, b"", (b"warning", 5, 1024)),
    (7, 0, b"", (b"warning", 5, 0)),
    (6, 4, b"data", None),
    (99, 0, b"", None),
])
def test_events_are_told(netpack, type, ud, text, result):
    assert netpack.feed(type, 5, ud, text) == result


@pytest.mark.parametrize("type", [3, 5])
def test_the_end_of_a_socket_drops_its_fragment(netpack, type):
    netpack.data(5, b"\x00\x04ab")
    netpack.feed(type, 5, 0, b"")

    assert netpack.data(5, b"\x00\x01x") == (b"data", 5, b"x")


def test_clear_drops_packets_and_fragments(netpack):
    netpack.data(1, b"\x00\x01A\x00\x01B\x00")
    netpack.clear()

    assert netpack.popped() == []
    assert netpack.data(1, b"\x00\x01C") == (b"data", 1, b"C")


def test_pop_and_clear_take_no_queue_for_an_empty_one(netpack):
    assert netpack.pop() is None
    netpack.clear()


def test_a_queue_is_collected_with_what_is_in_it(netpack):
    netpack.data(1, b"\x00\x01A\x00\x01B\x00\x07abc")
    netpack.forget()

    assert netpack.pop() is None


def test_tostring_of_a_null_pointer_is_empty(netpack):
    vm = bare_vm("netpack")

    assert vm.execute('return (require "skynet.netpack").tostring(nil, 0)') == b""


class Model:
    """What netpack promises, said with byte strings."""

    def __init__(self):
        self.rest = {}

    def feed(self, id, data):
        data = self.rest.pop(id, b"") + data
        packets = []
        while len(data) >= 2 and len(data) - 2 >= (n := int.from_bytes(data[:2], "big")):
            packets.append(data[2:2 + n])
            data = data[2 + n:]
        if data:
            self.rest[id] = data
        return packets, bool(data)


def test_mutated_streams_are_cut_as_the_model_cuts_them(netpack):
    rng = random.Random(20)
    model = Model()
    for _ in range(100000):
        id = rng.choice((1, 2, 257, 258, 70000))
        chance = rng.random()
        if chance < 0.02:
            netpack.feed(rng.choice((3, 5)), id, 0, b"")
            model.rest.pop(id, None)
            continue
        if chance < 0.03:
            netpack.feed(rng.choice((2, 4, 7, 8)), id, rng.randrange(3), rng.randbytes(rng.randrange(9)))
            continue
        data = bytearray()
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            n = rng.choice((0, 1, 2, 7, 60, 300))
            data += n.to_bytes(2, "big") + rng.randbytes(n)
        if rng.random() < 0.5:
            del data[rng.randrange(len(data)):]
        if data and rng.random() < 0.2:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        if not data:
            continue

        packets, rest = model.feed(id, bytes(data))
        result = netpack.data(id, bytes(data))

        if not packets:
            assert result is None
        elif result[0] == b"data":
            assert result == (b"data", id, packets[0]) and len(packets) == 1 and not rest
        else:
            assert result == (b"more",)
            assert netpack.popped() == [(id, packet) for packet in packets]
