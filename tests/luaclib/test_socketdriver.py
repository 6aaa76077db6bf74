"""skynet.socketdriver outside of a service: the buffer, and what needs no owner. tests/lualib runs the rest."""

import random
import re
import struct

import pytest
from bare_vm import bare_vm, lupa


@pytest.fixture(scope="module")
def vm():
    return bare_vm("socketdriver")


@pytest.fixture(scope="module")
def driver(vm):
    return vm.execute('return (require "skynet.socketdriver")')


class Buffer:
    """A buffer with its pool; data goes in through str2p."""

    def __init__(self, vm):
        self._push, self.pop, self.readall, self.readline, self.test, self.clear = vm.execute("""
            local driver = require "skynet.socketdriver"
            local buffer, pool = driver.buffer(), {}
            return function(s)
                return driver.push(buffer, pool, driver.str2p(s))
            end, function(n)
                return driver.pop(buffer, pool, n)
            end, function()
                return driver.readall(buffer, pool)
            end, function(sep)
                return driver.readline(buffer, pool, sep)
            end, function(sep)
                return driver.readline(buffer, nil, sep)
            end, function()
                return driver.clear(buffer, pool)
            end
        """)

    def push(self, *parts):
        for part in parts:
            total = self._push(part)
        return total


@pytest.fixture
def buffer(vm):
    return Buffer(vm)


def test_the_module_has_the_names_of_the_original(driver):
    assert {key.decode() for key in driver} == {
        "connect", "listen", "bind", "start", "pause", "nodelay", "close", "shutdown", "send", "lsend", "udp",
        "udp_connect", "udp_dial", "udp_listen", "udp_send", "udp_address", "resolve", "info", "unpack", "buffer",
        "push", "pop", "readall", "readline", "clear", "drop", "str2p", "header",
    }


def test_push_tells_the_bytes_in_the_buffer(buffer):
    assert buffer.push(b"abc") == 3
    assert buffer.push(b"") == 3
    assert buffer.push(b"de") == 5


def test_pop_takes_exactly_n_bytes_or_none(buffer):
    buffer.push(b"abc", b"defg", b"h")

    assert buffer.pop(9) == (None, 8)
    assert buffer.pop(0) == (None, 8)
    assert buffer.pop(2) == (b"ab", 6)
    assert buffer.pop(4) == (b"cdef", 2)
    assert buffer.pop(2) == (b"gh", 0)
    assert buffer.pop(1) == (None, 0)


def test_readall_empties_the_buffer(buffer):
    buffer.push(b"abc", b"def")
    buffer.pop(1)

    assert buffer.readall() == b"bcdef"
    assert buffer.readall() == b""
    assert buffer.push(b"x") == 1


def test_a_line_ends_at_its_separator(buffer):
    buffer.push(b"one\ntw", b"o\n", b"three")

    assert buffer.readline(b"\n") == b"one"
    assert buffer.readline(b"\n") == b"two"
    assert buffer.readline(b"\n") is None
    assert buffer.readall() == b"three"


def test_a_separator_may_lie_across_blocks(buffer):
    buffer.push(b"a\r", b"\n", b"\r\nb\r", b"c\r\n\r", b"\n")

    assert buffer.readline(b"\r\n\r\n") == b"a"
    assert buffer.readline(b"\r\n\r\n") == b"b\rc"


def test_without_pool_readline_only_tests(buffer):
    buffer.push(b"a")
    assert buffer.test(b"\n") is None
    buffer.push(b"\n")

    assert buffer.test(b"\n") is True
    assert buffer.readline(b"\n") == b"a"


def test_another_separator_is_looked_for_from_the_start(buffer):
    buffer.push(b"a,b;c")
    assert buffer.test(b"\n") is None

    assert buffer.test(b";") is True
    assert buffer.readline(b",") == b"a"
    assert buffer.readline(b";") == b"b"


def test_clear_empties_the_buffer_and_accepts_nil(driver, buffer):
    buffer.push(b"abc")
    buffer.clear()

    assert buffer.pop(1) == (None, 0)
    driver[b"clear"](None, None)


@pytest.mark.parametrize(("call", "error"), [
    ("push(nil, {}, driver.str2p 'x')", "need buffer object at param 1"),
    ("push(driver.buffer(), {}, nil, 1)", "need message block at param 3"),
    ("pop({}, {}, 1)", "Need buffer object at param 1"),
    ("readall(io.stdout, {})", "Need buffer object at param 1"),
    ("readline('x', {}, '\\n')", "Need buffer object at param 1"),
    ("clear(1, {})", "Need buffer object at param 1"),
    ("header ''", "Invalid read "),
    ("header '12345'", "Invalid read 12345"),
    ("udp_address 'abc'", "Invalid udp address"),
    ("udp_address ''", "Invalid udp address"),
    ("connect 'nowhere'", "Invalid address nowhere."),
    ("connect '[::1'", "Invalid address [::1."),
    ("connect 'host:'", "Invalid port in address host:."),
    ("connect 'host:x'", "Invalid port in address host:x."),
    ("connect 'host:65536'", "Invalid port in address host:65536."),
    ("connect 'host:99999999999999999999'", "Invalid port in address host:99999999999999999999."),
    ("connect('host', 0)", "Invalid port"),
    ("connect 'host:0'", "Invalid port"),
    ("connect(('h'):rep(300) .. ':1')", "Invalid address " + "h" * 300 + ":1."),
    ("unpack('x', 1)", "Invalid socket message"),
    ("resolve 'not an address'", "Name or service not known"),
])
def test_errors(vm, call, error):
    with pytest.raises(lupa.LuaError, match=re.escape(error)):
        vm.execute(f'local driver = require "skynet.socketdriver" driver.{call}')


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_resolve_names_an_address_for_each_kind_of_socket(driver, host):
    found = driver[b"resolve"](host.encode())

    assert set(found.values()) == {host.encode()}


@pytest.mark.parametrize(("text", "number"), [
    (b"\x00", 0), (b"\xff", 255), (b"\x01\x02", 258), (b"\x01\x02\x03", 66051), (b"\xff\xff\xff\xff", 2 ** 32 - 1)])
def test_header_is_big_endian(driver, text, number):
    assert driver[b"header"](text) == number


def test_udp_addresses_of_both_families(driver):
    assert driver[b"udp_address"](bytes.fromhex("0187907f000001")) == (b"127.0.0.1", 34704)
    assert driver[b"udp_address"](b"\2\0\x50" + bytes(15) + b"\1") == (b"::1", 80)


def test_unpack_gives_texts_and_blocks(vm):
    unpack = vm.execute("""
        local driver = require "skynet.socketdriver"
        return function(record, block)
            if block then
                local p = driver.str2p(block)
                record = record:sub(1, 16) .. string.pack("I8", tonumber((string.format("%p", p))))
            end
            local msg, sz = driver.str2p(record)
            local type, id, ud, payload, token = driver.unpack(msg, sz)
            driver.drop(msg, sz)
            if block then
                assert(math.type(payload) == nil and type ~= 2)
                driver.drop(payload, #block)
                payload = "a block"
            end
            return type, id, ud, payload, token
        end
    """)

    def record(type, id, ud):
        return struct.pack("iiiiQ", type, id, ud, 0, 0)

    assert unpack(record(2, 5, 80) + b"127.0.0.1")[:4] == (2, 5, 80, b"127.0.0.1")
    assert unpack(record(3, 5, 0))[:4] == (3, 5, 0, b"")
    assert unpack(record(1, 5, 3), b"abc")[:4] == (1, 5, 3, b"a block")
    token = bytes.fromhex("0187907f000001")
    assert unpack(record(6, 5, 3), b"abc" + token) == (6, 5, 3, b"a block", token)


def test_the_buffer_does_what_a_byte_string_would(vm):
    rng = random.Random(3)
    buffer = Buffer(vm)
    model = b""
    for _ in range(60000):
        act = rng.random()
        if act < 0.5:
            part = bytes(rng.choice(b"ab\r\n") for _ in range(rng.choice((1, 1, 2, 5, 40, 1500))))
            model += part
            assert buffer.push(part) == len(model)
        elif act < 0.7:
            n = rng.choice((0, 1, 3, 10, 100, 3000))
            expected = model[:n] if 0 < n <= len(model) else None
            if expected is not None:
                model = model[n:]
            assert buffer.pop(n) == (expected, len(model))
        elif act < 0.98:
            separator = rng.choice((b"\n", b"\r\n", b"\r\n\r\n", b"aaaaab", b"abababababababababab"))
            at = model.find(separator)
            if rng.random() < 0.5:
                assert buffer.test(separator) is (True if at >= 0 else None)
            else:
                expected = model[:at] if at >= 0 else None
                if at >= 0:
                    model = model[at + len(separator):]
                assert buffer.readline(separator) == expected
        else:
            assert buffer.readall() == model
            model = b""


def test_a_line_that_trickles_in_is_found_without_looking_again_from_the_start(vm):
    buffer = Buffer(vm)
    for _ in range(200000):
        buffer.push(b"x")
        buffer.test(b"\n")
    buffer.push(b"\n")

    assert buffer.readline(b"\n") == b"x" * 200000
