"""The seri format from Python. The byte samples are those that real skynet produces."""

import enum
import math
import random
import struct
import tracemalloc

import pytest
from host.core.pyseri import LightUserdata, pack, unpack
from hypothesis import given
from hypothesis import strategies as st

SAMPLES = [
    ((-1,), "22 ff ff ff ff"),
    ((0x80000000,), "32 00 00 00 80 00 00 00 00"),
    ((-2147483649,), "32 ff ff ff 7f ff ff ff ff"),
    ((1.5,), "42 00 00 00 00 00 00 f8 3f"),
    (("",), "04"),
    (("a",), "0c 61"),
    (([],), "06 00"),
    (([1, 2],), "16 0a 01 0a 02 00"),
    (({"a": 1},), "06 0c 61 0a 01 00"),
    (({0: 1},), "06 02 0a 01 00"),
    ((1, None, "x", None), "0a 01 00 0c 78 00"),
    ((False, True), "01 09"),
    (([[]],), "0e 06 00 00"),
    ((), ""),
]


@pytest.mark.parametrize(("values", "stream"), SAMPLES)
def test_values_pack_to_the_bytes_of_skynet_and_back(values, stream):
    assert pack(*values) == bytes.fromhex(stream)
    assert unpack(bytes.fromhex(stream)) == values


@pytest.mark.parametrize(
    ("value", "head"),
    [
        ([0] * 30, "f6"),
        ([0] * 31, "fe 0a 1f"),
        ([0] * 300, "fe 12 2c 01"),
        ([0] * 70000, "fe 22 70 11 01 00"),
        ("x" * 31, "fc"),
        ("x" * 32, "15 20 00"),
        ("x" * 65535, "15 ff ff"),
        ("x" * 65536, "25 00 00 01 00"),
    ],
)
def test_sizes_are_encoded_in_the_narrowest_form(value, head):
    stream = pack(value)

    assert stream.startswith(bytes.fromhex(head))
    assert unpack(stream) == (value,)


@pytest.mark.parametrize(
    ("value", "stream"),
    [
        (0, "02"),
        (1, "0a 01"),
        (255, "0a ff"),
        (256, "12 00 01"),
        (65535, "12 ff ff"),
        (65536, "22 00 00 01 00"),
        (2**31 - 1, "22 ff ff ff 7f"),
        (2**31, "32 00 00 00 80 00 00 00 00"),
        (2**63 - 1, "32 ff ff ff ff ff ff ff 7f"),
        (-(2**31), "22 00 00 00 80"),
        (-(2**31) - 1, "32 ff ff ff 7f ff ff ff ff"),
        (-(2**63), "32 00 00 00 00 00 00 00 80"),
    ],
)
def test_an_integer_takes_the_width_of_its_range(value, stream):
    assert pack(value) == bytes.fromhex(stream)
    assert unpack(bytes.fromhex(stream)) == (value,)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**40])
def test_an_integer_beyond_64_bits_is_an_error_that_names_it(value):
    with pytest.raises(OverflowError, match=str(value)):
        pack([value])


def test_an_integer_too_long_to_print_is_an_error_that_tells_its_length():
    with pytest.raises(OverflowError, match="of 100001 bits"):
        pack(1 << 100000)


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0, 1.0, 5e-324, math.nan])
def test_a_float_keeps_its_bits(value):
    (result,) = unpack(pack(value))

    assert isinstance(result, float)
    assert struct.pack("<d", result) == struct.pack("<d", value)


def test_text_is_utf8_and_bytes_that_are_not_stay_bytes():
    assert pack("å\0é") == bytes([4 | 5 << 3]) + "å\0é".encode()
    assert unpack(pack(b"plain", b"\xff\0\xfe", bytearray(b"a"), memoryview(b"b"))) == (
        "plain",
        b"\xff\0\xfe",
        "a",
        "b",
    )
    with pytest.raises(UnicodeEncodeError):
        pack("\ud800")


def test_subclasses_of_the_builtin_types_pack_as_these():
    class Colour(enum.IntEnum):
        RED = 3

    class Name(str):
        __slots__ = ()

    class Table(dict):
        pass

    assert pack(Colour.RED, Name("n"), Table(a=Colour.RED)) == pack(3, "n", {"a": 3})


def test_integer_keys_from_one_on_form_the_array_part_whatever_their_order():
    assert pack({2: "b", "k": True, 1: "a"}) == bytes.fromhex("16 0c 61 0c 62 0c 6b 09 00")
    assert pack({1: "a", 3: "c"}) == bytes.fromhex("0e 0c 61 0a 03 0c 63 00")
    assert unpack(pack({1: "a", 2: "b"})) == (["a", "b"],)
    assert unpack(pack({1: "a", "k": 2})) == ({1: "a", "k": 2},)


def test_a_float_key_with_an_integral_value_is_that_integer_as_in_lua():
    assert pack({1.0: "a"}) == pack({1: "a"})
    assert pack({7.0: "a"}) == pack({7: "a"})
    assert pack({1.5: "a"}) == bytes.fromhex("06 42 00 00 00 00 00 00 f8 3f 0c 61 00")
    assert unpack(bytes.fromhex("06 42 00 00 00 00 00 00 1c 40 0c 61 00")) == ({7: "a"},)


def test_a_boolean_key_is_no_integer():
    assert pack({True: "a"}) == bytes.fromhex("06 09 0c 61 00")
    ((key, _),) = unpack(pack({True: "a"}))[0].items()
    assert key is True


def test_a_key_without_value_is_not_there():
    assert pack({"a": None, 1: None}) == pack({})
    assert unpack(bytes.fromhex("06 0c 61 00 0c 62 09 00")) == ({"b": True},)
    assert unpack(bytes.fromhex("06 0c 61 09 0c 61 00 00")) == ([],)


def test_holes_of_an_array_are_kept_in_a_list_and_left_out_of_a_dict():
    assert unpack(pack([1, None, 3])) == ([1, None, 3],)
    assert unpack(bytes.fromhex("1e 09 00 09 0c 6b 01 00")) == ({1: True, 3: True, "k": False},)


def test_light_userdata_passes_through_unchanged():
    stream = bytes.fromhex("03 08 07 06 05 04 03 02 01")

    (pointer,) = unpack(stream)

    assert isinstance(pointer, LightUserdata)
    assert pack(pointer) == stream
    assert repr(pointer) == "LightUserdata(0x102030405060708)"
    assert pack({LightUserdata(1): 2}) == bytes.fromhex("06 03 01 00 00 00 00 00 00 00 0a 02 00")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({1, 2}, "Unsupport type set to serialize"),
        ([object()], "Unsupport type object to serialize"),
        ({"f": len}, "Unsupport type builtin_function_or_method to serialize"),
        (1j, "Unsupport type complex to serialize"),
        ({(1, 2): 3}, "Unsupport type tuple to serialize"),
    ],
)
def test_what_lua_has_no_type_for_cannot_be_packed(value, text):
    with pytest.raises(TypeError, match=text):
        pack(value)


@pytest.mark.parametrize(("key", "text"), [(math.nan, "table index is NaN"), (None, "table index is nil")])
def test_what_cannot_index_a_lua_table_cannot_be_packed_as_a_key(key, text):
    with pytest.raises(ValueError, match=text):
        pack({key: 1})


def nested(levels, leaf, wrap):
    for _ in range(levels):
        leaf = wrap(leaf)
    return leaf


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"k": v}, lambda v: (v,)])
def test_tables_nest_32_deep_and_a_33rd_only_if_it_is_empty(wrap):
    for value in (nested(32, 1, wrap), nested(32, [], wrap)):
        assert pack(unpack(pack(value))[0]) == pack(value)

    for value in (nested(33, 1, wrap), nested(33, [], wrap)):
        with pytest.raises(ValueError, match="serialize can't pack too depth table"):
            pack(value)


def test_a_cycle_is_too_deep():
    array = []
    array.append(array)
    table = {}
    table["t"] = table

    for value in (array, table):
        with pytest.raises(ValueError, match="serialize can't pack too depth table"):
            pack(value)


def test_unpacking_nests_no_deeper_than_200():
    assert unpack(b"\x0e" * 200 + b"\0" * 201)

    with pytest.raises(ValueError, match="Invalid serialize stream"):
        unpack(b"\x0e" * 20000 + b"\0" * 20001)


def test_a_decoder_tolerates_what_skynet_tolerates():
    assert unpack(bytes.fromhex("f8")) == (None,)
    assert unpack(bytes.fromhex("f9")) == (True,)
    assert unpack(bytes.fromhex("15 01 00 61")) == ("a",)
    assert unpack(bytes.fromhex("25 01 00 00 00 61")) == ("a",)
    assert unpack(bytes.fromhex("fe 32 01 00 00 00 00 00 00 00 09 00")) == ([True],)
    assert unpack(bytes.fromhex("fe 22 ff ff ff ff 00")) == ([],)
    assert unpack(None) == unpack(b"") == unpack(bytearray()) == ()


@pytest.mark.parametrize(
    ("stream", "left"),
    [
        ("0a", 0),
        ("12 01", 1),
        ("22 01 02 03", 3),
        ("32 01 02 03 04 05 06 07", 7),
        ("42 01", 1),
        ("03 01", 1),
        ("0c", 0),
        ("15 05", 1),
        ("15 05 00 61", 1),
        ("25 ff ff ff ff 61", 1),
        ("1a", 0),
        ("4a", 0),
        ("1d 00", 1),
        ("07", 0),
        ("06", 0),
        ("0e 09", 1),
        ("06 09", 0),
        ("06 09 09", 0),
        ("fe 09 00", 1),
        ("fe 42 00 00 00 00 00 00 00 00 00", 9),
        ("fe 22 ff ff ff 7f", 0),
        ("fe 32 ff ff ff ff ff ff ff 7f 00", 1),
    ],
)
def test_a_broken_stream_is_an_error_that_tells_the_bytes_left(stream, left):
    with pytest.raises(ValueError, match=rf"Invalid serialize stream {left} "):
        unpack(bytes.fromhex(stream))


def test_a_nan_or_a_table_as_key_of_a_stream_is_an_error():
    with pytest.raises(ValueError, match="table index is NaN"):
        unpack(b"\x06\x42" + struct.pack("<d", math.nan) + b"\x09\x00")
    with pytest.raises(ValueError, match="a table as index"):
        unpack(bytes.fromhex("06 06 00 09 00"))


def test_an_absurd_count_reserves_no_memory():
    stream = b"\xfe\x22" + struct.pack("<i", 2**31 - 1) + b"\0" * 1000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="table size exceeds the data"):
            unpack(stream)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 100_000


def test_any_buffer_can_be_unpacked():
    stream = pack(1, "x", [2.5])

    assert unpack(bytearray(stream)) == unpack(memoryview(stream)) == (1, "x", [2.5])
    with pytest.raises(TypeError):
        unpack("text")


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
keys = st.text() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=30)


def as_lua_has_it(value):
    """What a Python value becomes by passing through a Lua table."""
    if isinstance(value, list):
        return [as_lua_has_it(v) for v in value]
    if isinstance(value, dict):
        table = {k: as_lua_has_it(v) for k, v in value.items() if v is not None}
        if all(k in table for k in range(1, len(table) + 1)):
            return [table[k] for k in range(1, len(table) + 1)]
        return table
    return value


@given(st.lists(values))
def test_whatever_can_be_packed_comes_back(arguments):
    assert unpack(pack(*arguments)) == tuple(as_lua_has_it(v) for v in arguments)


@given(st.binary())
def test_random_bytes_are_unpacked_or_refused(data):
    try:
        result = unpack(data)
    except ValueError:
        return
    assert isinstance(result, tuple)


def test_100_000_mutated_streams_are_unpacked_or_refused():
    dice = random.Random(2)
    seeds = [
        pack(1, -1, 2**40, 1.5, True, None, "short", "l" * 300, {"a": [1, 2, {"b": "c"}], 7: b"\xff"}),
        pack(list(range(400)), {str(i): [i] for i in range(40)}),
        pack(nested(32, "leaf", lambda v: [v])),
        pack("x" * 70000)[:90],
    ]
    refused = 0
    for _ in range(100_000):
        stream = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 4)):
            stream[dice.randrange(len(stream))] = dice.randrange(256)
        if dice.random() < 0.3:
            del stream[dice.randrange(len(stream)) :]
        try:
            unpack(bytes(stream))
        except ValueError:
            refused += 1

    assert 0 < refused < 100_000
