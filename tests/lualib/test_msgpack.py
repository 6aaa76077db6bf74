"""lualib/msgpack.lua against the msgpack of Python, in both versions of Lua.

A process can have one Lua whose symbols are global, and the other is then not usable in it: Lua 5.5 has its turn in a
process of its own.
"""

import math
import os
import pathlib
import subprocess
import sys

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import _lua
from host.protocol import PTYPE_MSGPACK, protocols

SOURCE = pathlib.Path(__file__).parents[2] / "lualib" / "msgpack.lua"


class LuaMsgpack:
    """The Lua module. Values cross as msgpack only, so that lupa's conversions do not take part."""

    def __init__(self, version):
        lua = _lua.load(version).LuaRuntime(unpack_returned_tuples=True, encoding=None)
        self.module = lua.execute(SOURCE.read_bytes())
        self.eval = lua.eval
        self.repack = lua.eval(b"function(m, s) return m.pack(m.unpack(s)) end")
        self.count = lua.eval(b"function(m, s) return select('#', m.unpack(s)) end")
        self.error = lua.eval(
            b"function(f, ...) local ok, err = pcall(f, ...); assert(not ok); return (err:gsub('^.-:%d+: ', '')) end"
        )

    def pack(self, expression):
        return self.eval(b"function(m) return m.pack(" + expression.encode() + b") end")(self.module)

    def again(self, *values):
        """Return what values are after Lua has unpacked and packed them."""
        return protocols["msgpack"].unpack(self.repack(self.module, protocols["msgpack"].pack(*values)))

    def unpack_error(self, data):
        return self.error(self.module[b"unpack"], data).decode()

    def pack_error(self, expression):
        f = self.eval(b"function(m) return function() return m.pack(" + expression.encode() + b") end end")
        return self.error(f(self.module)).decode()


VERSION = os.environ.get("SNHOST_TEST_LUA", "5.4")


@pytest.fixture(scope="module")
def lua():
    return LuaMsgpack(VERSION)


@pytest.mark.skipif(VERSION != "5.4", reason="this is the process for the other version")
def test_everything_holds_in_lua_55_too():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]

    result = subprocess.run(command, env={**os.environ, "SNHOST_TEST_LUA": "5.5"}, capture_output=True, text=True)

    assert result.returncode == 0, result.stdout


BOUNDARIES = sorted(
    {sign * (1 << bits) + d for bits in (0, 5, 7, 8, 15, 16, 31, 32, 62) for sign in (1, -1) for d in (-1, 0, 1)}
    | {-(1 << 63), (1 << 63) - 1, 0}
)


@pytest.mark.parametrize("value", BOUNDARIES)
def test_integers_are_packed_as_python_packs_them(lua, value):
    data = msgpack.packb(value)

    assert lua.repack(lua.module, data) == data


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 1.5, math.inf, -math.inf, math.nan, 5e-324])
def test_floats_keep_their_bits_and_stay_floats(lua, value):
    data = msgpack.packb(value)

    assert lua.repack(lua.module, data) == data


def test_single_floats_are_read(lua):
    assert lua.repack(lua.module, msgpack.packb(1.5, use_single_float=True)) == msgpack.packb(1.5)


@pytest.mark.parametrize("value", [(1 << 63), (1 << 63) + 1025, (1 << 64) - 1])
def test_an_unsigned_integer_that_lua_lacks_becomes_a_float(lua, value):
    assert lua.again(value) == (float(value),)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 255, 256, 65535, 65536])
def test_strings_are_packed_as_str_if_they_are_utf8_and_as_bin_if_not(lua, size):
    text = "x" * size
    data = b"\xff" * size
    assert lua.repack(lua.module, msgpack.packb(text)) == msgpack.packb(text)
    if size:
        assert lua.repack(lua.module, msgpack.packb(data)) == msgpack.packb(data)
    assert lua.again(text.encode()) == (text,)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 65535, 65536])
def test_tables_of_every_size_come_back(lua, size):
    array = list(range(size))
    assert lua.repack(lua.module, msgpack.packb(array)) == msgpack.packb(array)
    if size:
        assert lua.again({f"k{i}": i for i in array}) == ({f"k{i}": i for i in array},)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 8, 15, 16, 17, 255, 256, 65536])
def test_extension_values_come_back(lua, size):
    data = msgpack.packb(msgpack.ExtType(-5 % 128, b"e" * size))

    assert lua.repack(lua.module, data) == data


def test_arrays_have_exactly_the_keys_from_one_to_n(lua):
    unpack = protocols["msgpack"].unpack

    assert unpack(lua.pack("{}")) == ([],)
    assert unpack(lua.pack("{1,2,3}")) == ([1, 2, 3],)
    assert unpack(lua.pack("{1,nil,3}")) == ({1: 1, 3: 3},)
    assert unpack(lua.pack("{1,2,x=3}")) == ({1: 1, 2: 2, "x": 3},)
    assert unpack(lua.pack("{1,nil,3,x=3}")) == ({1: 1, 3: 3, "x": 3},)
    assert unpack(lua.pack("{[0]=1}")) == ({0: 1},)
    assert unpack(lua.pack("{[1.5]=1}")) == ({1.5: 1},)


def test_values_are_concatenated_and_nils_counted(lua):
    assert lua.pack("nil, 1, nil") == b"\xc0\x01\xc0"
    assert lua.pack("") == b""
    assert lua.count(lua.module, b"\xc0\x01\xc0") == 3
    assert lua.count(lua.module, b"") == 0
    assert lua.count(lua.module, None) == 0


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("print", "Unsupport type function to serialize"),
        ("{coroutine.create(print)}", "Unsupport type thread to serialize"),
        ("(function() local t = {} t[1] = t return t end)()", "serialize can't pack too depth table"),
        ("(function() local t = {} t.t = t return t end)()", "serialize can't pack too depth table"),
    ],
)
def test_what_cannot_be_packed_is_an_error(lua, expression, text):
    assert lua.pack_error(expression) == text


def test_the_depth_limits_are_those_of_seri(lua):
    nest = "(function(n, v) for _ = 1, n do v = {v} end return v end)"
    assert lua.pack(f"{nest}(32, 1)") == b"\x91" * 32 + b"\x01"
    assert lua.pack_error(f"{nest}(33, 1)") == "serialize can't pack too depth table"
    assert lua.count(lua.module, b"\x91" * 200 + b"\x01") == 1
    assert "too many tables" in lua.unpack_error(b"\x91" * 201 + b"\x01")
    assert "too many tables" in lua.unpack_error(b"\x91" * 100_000)


@pytest.mark.parametrize(
    "data",
    [
        b"\xc1",
        b"\xa1",
        b"\xd9",
        b"\xd9\x01",
        b"\xda\x01",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xcc",
        b"\xcf\x01",
        b"\xcb\x01",
        b"\x91",
        b"\x81\x01",
        b"\x81\xc0\x01",
        b"\x81" + msgpack.packb(math.nan) + b"\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff\x01\x01",
        b"\xd4\x01",
        b"\xc9\xff\xff\xff\xff\x01",
    ],
)
def test_a_broken_stream_is_an_error(lua, data):
    assert lua.unpack_error(data).startswith("Invalid msgpack stream ")


def test_the_protocol_table_fits_that_of_python(lua):
    protocol = lua.module[b"protocol"]

    assert protocol[b"name"] == b"msgpack"
    assert protocol[b"id"] == PTYPE_MSGPACK == protocols["msgpack"].id
    assert protocol[b"pack"](1, b"a") == b"\x01\xa1a"
    assert protocol[b"unpack"](b"\x01\xa1a") == (1, b"a")


scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
keys = st.text() | st.integers(-(2**63), 2**63 - 1)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=30)


def as_lua_has_it(value):
    """What a Python value becomes by passing through Lua."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    if isinstance(value, list):
        return [as_lua_has_it(v) for v in value]
    if isinstance(value, dict):
        table = {k: as_lua_has_it(v) for k, v in value.items()}
        if all(k in table for k in range(1, len(table) + 1)):
            return [table[k] for k in range(1, len(table) + 1)]
        return table
    return value


@given(st.lists(values | st.none()))
def test_whatever_python_packs_comes_back_from_lua(lua, arguments):
    assert lua.again(*arguments) == tuple(as_lua_has_it(v) for v in arguments)


@given(st.binary())
def test_random_bytes_are_unpacked_or_refused(lua, data):
    ok = lua.eval(b"function(f, s) local ok, err = pcall(f, s) return ok or err end")(lua.module[b"unpack"], data)
    assert ok is True or b"Invalid msgpack stream" in ok
