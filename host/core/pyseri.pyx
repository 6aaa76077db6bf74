# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""The `lua` protocol for Python objects: what `skynet.pack` and `skynet.unpack` are for Lua values.

    Python                    wire (and Lua)                  back in Python
    None                      nil                             None
    bool                      boolean                         bool
    int, -2**63 .. 2**63-1    integer                         int
    float                     float                           float
    str                       string, UTF-8                   str
    bytes, bytearray,         string                          str if the bytes are valid UTF-8, else bytes
    memoryview
    list, tuple               table, array part 1..n          list
    dict                      table                           dict; list if only 1..n is used; [] if empty
    LightUserdata             light userdata                  LightUserdata

A table does not say whether it was a list: an empty one, `{}` or `[]`, comes back as `[]`, which is as false, as
empty and as iterable as the other. A table with an array part and other keys comes back as a dict whose integer
keys start at 1. In Python `True == 1`, so a Lua table that uses both as keys loses one of the two.

A dict may use str, bytes, int, float and bool as keys. As in Lua, a key with value None is not there, a float key
with an integral value is the integer, and the keys 1..n form the array part.

No Lua and no runtime is involved: this module needs nothing but Python.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1


__all__ = ["LightUserdata", "pack", "unpack"]


cdef enum:
    # Low three bits of a tag byte.
    TYPE_NIL = 0
    TYPE_BOOLEAN = 1
    TYPE_NUMBER = 2
    TYPE_USERDATA = 3
    TYPE_SHORT_STRING = 4
    TYPE_LONG_STRING = 5
    TYPE_TABLE = 6

    # High five bits of a number's tag.
    NUMBER_ZERO = 0
    NUMBER_BYTE = 1
    NUMBER_WORD = 2
    NUMBER_DWORD = 4
    NUMBER_QWORD = 6
    NUMBER_REAL = 8

    MAX_COOKIE = 32
    # Tables around a value. lua-seri.c, MAX_DEPTH.
    MAX_PACK_DEPTH = 32
    # No stream made by pack() is deeper than 33. The rest is tolerance; what bounds it is the C stack.
    MAX_UNPACK_DEPTH = 200
    # A count is only a claim until its values have been read: allocate no more than this many slots ahead.
    MAX_PREALLOCATED = 4096
    INLINE_SIZE = 1024


# skynet measures in C ints.
cdef Py_ssize_t MAX_SIZE = 0x7fffffff


class LightUserdata(int):
    """A pointer that a Lua service sent: good for nothing here but to be sent on."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"LightUserdata({int(self):#x})"


cdef object light_userdata_type = LightUserdata


cdef struct writer:
    unsigned char *data         # `first` until that is full, then malloc'ed
    Py_ssize_t used
    Py_ssize_t size
    unsigned char[INLINE_SIZE] first


cdef int writer_grow(writer *w, Py_ssize_t sz) except -1:
    cdef Py_ssize_t wanted = w.used + sz
    cdef Py_ssize_t size = w.size
    cdef unsigned char *data
    if wanted > MAX_SIZE:
        raise ValueError("the packed values are too large: 2 GiB is the limit of a message")
    while size < wanted:
        size *= 2
    if w.data == w.first:
        data = <unsigned char *>malloc(size)
        if data != NULL:
            memcpy(data, w.first, w.used)
    else:
        data = <unsigned char *>realloc(w.data, size)
    if data == NULL:
        raise MemoryError()
    w.data = data
    w.size = size
    return 0


cdef inline unsigned char *writer_reserve(writer *w, Py_ssize_t sz) except NULL:
    cdef unsigned char *at
    if w.used + sz > w.size:
        writer_grow(w, sz)
    at = w.data + w.used
    w.used += sz
    return at


cdef inline int write_tag(writer *w, int type, int cookie) except -1:
    writer_reserve(w, 1)[0] = <unsigned char>(type | cookie << 3)
    return 0


cdef int write_integer(writer *w, int64_t value) except -1:
    cdef unsigned char *at
    cdef uint16_t word
    cdef int32_t dword
    if value == 0:
        write_tag(w, TYPE_NUMBER, NUMBER_ZERO)
    elif value != <int32_t>value:
        at = writer_reserve(w, 9)
        at[0] = TYPE_NUMBER | NUMBER_QWORD << 3
        memcpy(at + 1, &value, 8)
    elif value < 0 or value > 0xffff:
        at = writer_reserve(w, 5)
        at[0] = TYPE_NUMBER | NUMBER_DWORD << 3
        dword = <int32_t>value
        memcpy(at + 1, &dword, 4)
    elif value > 0xff:
        at = writer_reserve(w, 3)
        at[0] = TYPE_NUMBER | NUMBER_WORD << 3
        word = <uint16_t>value
        memcpy(at + 1, &word, 2)
    else:
        at = writer_reserve(w, 2)
        at[0] = TYPE_NUMBER | NUMBER_BYTE << 3
        at[1] = <unsigned char>value
    return 0


cdef int write_real(writer *w, double value) except -1:
    cdef unsigned char *at = writer_reserve(w, 9)
    at[0] = TYPE_NUMBER | NUMBER_REAL << 3
    memcpy(at + 1, &value, 8)
    return 0


cdef int write_string(writer *w, const char *text, Py_ssize_t sz) except -1:
    cdef unsigned char *at
    cdef uint16_t word
    cdef uint32_t dword
    if sz < MAX_COOKIE:
        at = writer_reserve(w, 1 + sz)
        at[0] = <unsigned char>(TYPE_SHORT_STRING | sz << 3)
        at += 1
    elif sz < 0x10000:
        at = writer_reserve(w, 3 + sz)
        at[0] = TYPE_LONG_STRING | 2 << 3
        word = <uint16_t>sz
        memcpy(at + 1, &word, 2)
        at += 3
    else:
        at = writer_reserve(w, 5 + sz)
        at[0] = TYPE_LONG_STRING | 4 << 3
        dword = <uint32_t>sz
        memcpy(at + 1, &dword, 4)
        at += 5
    memcpy(at, text, sz)
    return 0


cdef int64_t to_integer(object value) except? -1:
    cdef int overflow
    cdef long long result = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        # Decimal conversion of a very long int is refused by Python itself.
        text = str(value) if value.bit_length() <= 256 else f"of {value.bit_length()} bits"
        raise OverflowError(f"integer {text} does not fit 64 bits")
    return result


cdef int pack_integer(writer *w, object value) except -1:
    return write_integer(w, to_integer(value))


cdef int pack_text(writer *w, object text) except -1:
    cdef Py_ssize_t sz
    cdef const char *utf8 = PyUnicode_AsUTF8AndSize(text, &sz)
    return write_string(w, utf8, sz)


cdef int pack_bytes(writer *w, bytes data) except -1:
    return write_string(w, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef int check_depth(int depth) except -1:
    if depth > MAX_PACK_DEPTH:
        raise ValueError("serialize can't pack too depth table")
    return 0


cdef int unsupported(object value) except -1:
    raise TypeError(f"Unsupport type {type(value).__name__} to serialize")


cdef int write_table_head(writer *w, Py_ssize_t n) except -1:
    if n < MAX_COOKIE - 1:
        write_tag(w, TYPE_TABLE, <int>n)
    else:
        write_tag(w, TYPE_TABLE, MAX_COOKIE - 1)
        write_integer(w, n)
    return 0


cdef int pack_list(writer *w, object values, int depth) except -1:
    write_table_head(w, len(values))
    for value in values:
        pack_value(w, value, depth + 1)
    return write_tag(w, TYPE_NIL, 0)


cdef inline bint real_is_integer(double value) noexcept:
    # The casts are defined only inside the range, hence the order.
    return -9223372036854775808.0 <= value < 9223372036854775808.0 and <double><int64_t>value == value


cdef int pack_key(writer *w, object key, int depth) except -1:
    cdef double real
    check_depth(depth)
    if isinstance(key, str):
        return pack_text(w, key)
    if isinstance(key, bool):
        return write_tag(w, TYPE_BOOLEAN, 1 if key else 0)
    if isinstance(key, int):
        return pack_value(w, key, depth)
    if isinstance(key, float):
        real = key
        if real != real:
            raise ValueError("table index is NaN")
        if real_is_integer(real):
            return write_integer(w, <int64_t>real)
        return write_real(w, real)
    if isinstance(key, bytes):
        return pack_bytes(w, key)
    if key is None:
        raise ValueError("table index is nil")
    raise TypeError(f"Unsupport type {type(key).__name__} to serialize as a table index")


cdef Py_ssize_t array_size(dict table) except -1:
    """Largest n such that the keys 1..n are all there and mean integers."""
    cdef Py_ssize_t n = 0
    if table.get(1) is None:
        return 0
    for key in table:
        # True == 1 finds the same entry, but is another key on the wire.
        if isinstance(key, (bool, light_userdata_type)):
            return 0
    while table.get(n + 1) is not None:
        n += 1
    return n


cdef int pack_dict(writer *w, dict table, int depth) except -1:
    cdef Py_ssize_t n = array_size(table)
    cdef Py_ssize_t i
    write_table_head(w, n)
    for i in range(1, n + 1):
        pack_value(w, table[i], depth + 1)
    for key, value in table.items():
        if value is None or (n > 0 and isinstance(key, (int, float)) and 1 <= key <= n and key == int(key)):
            continue
        pack_key(w, key, depth + 1)
        pack_value(w, value, depth + 1)
    return write_tag(w, TYPE_NIL, 0)


cdef int pack_value(writer *w, object value, int depth) except -1:
    cdef uint64_t pointer
    cdef unsigned char *at
    check_depth(depth)
    cdef object kind = type(value)
    # The exact types first: they are nearly all there is, and a subclass (IntEnum, a named tuple) can wait.
    if kind is str:
        return pack_text(w, value)
    if kind is int:
        return pack_integer(w, value)
    if value is None:
        return write_tag(w, TYPE_NIL, 0)
    if kind is dict:
        return pack_dict(w, <dict>value, depth)
    if kind is list or kind is tuple:
        return pack_list(w, value, depth)
    if kind is bool:
        return write_tag(w, TYPE_BOOLEAN, 1 if value else 0)
    if kind is float:
        return write_real(w, value)
    if kind is bytes:
        return pack_bytes(w, <bytes>value)
    if isinstance(value, str):
        return pack_text(w, value)
    if isinstance(value, light_userdata_type):
        pointer = value
        at = writer_reserve(w, 9)
        at[0] = TYPE_USERDATA
        memcpy(at + 1, &pointer, 8)
        return 0
    if isinstance(value, int):
        return pack_integer(w, value)
    if isinstance(value, float):
        return write_real(w, value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return pack_bytes(w, bytes(value))
    if isinstance(value, dict):
        return pack_dict(w, dict(value), depth)
    if isinstance(value, (list, tuple)):
        return pack_list(w, tuple(value), depth)
    return unsupported(value)


def pack(*values) -> bytes:
    """Pack values as `skynet.pack` does.

    Returns:
        The bytes; empty if there are no values.

    Raises:
        TypeError: `Unsupport type <name> to serialize`, for what has no counterpart in Lua.
        OverflowError: an int outside the signed 64-bit range; the message names it.
        ValueError: `serialize can't pack too depth table` for more than 32 tables in each other, cycles included;
            `table index is NaN`, `table index is nil`; a str with lone surrogates; more than 2 GiB.

    Source: lua-seri.c, luaseri_pack.
    """
    cdef writer w
    w.data = w.first
    w.used = 0
    w.size = INLINE_SIZE
    try:
        for value in values:
            pack_value(&w, value, 0)
        return PyBytes_FromStringAndSize(<char *>w.data, w.used)
    finally:
        if w.data != w.first:
            free(w.data)


cdef struct reader:
    const unsigned char *at
    Py_ssize_t left


cdef int invalid_stream(reader *r, reason) except -1:
    raise ValueError(f"Invalid serialize stream {r.left} ({reason})")


cdef inline const unsigned char *reader_take(reader *r, Py_ssize_t sz) except NULL:
    cdef const unsigned char *at = r.at
    if sz > r.left:
        invalid_stream(r, "truncated value")
    r.at += sz
    r.left -= sz
    return at


cdef int64_t read_integer(reader *r, int cookie) except? -1:
    cdef uint16_t word
    cdef int32_t dword
    cdef int64_t qword
    if cookie == NUMBER_ZERO:
        return 0
    if cookie == NUMBER_BYTE:
        return reader_take(r, 1)[0]
    if cookie == NUMBER_WORD:
        memcpy(&word, reader_take(r, 2), 2)
        return word
    if cookie == NUMBER_DWORD:
        memcpy(&dword, reader_take(r, 4), 4)
        return dword
    if cookie == NUMBER_QWORD:
        memcpy(&qword, reader_take(r, 8), 8)
        return qword
    invalid_stream(r, "unknown number format")


cdef object read_string(reader *r, Py_ssize_t sz):
    cdef const char *text = <const char *>reader_take(r, sz)
    try:
        return PyUnicode_DecodeUTF8(text, sz, NULL)
    except UnicodeDecodeError:
        return PyBytes_FromStringAndSize(text, sz)


cdef object read_table(reader *r, int cookie, int depth):
    cdef int64_t n = cookie
    cdef int64_t i
    cdef int tag
    cdef list array
    cdef dict table = None
    if depth > MAX_UNPACK_DEPTH:
        invalid_stream(r, "too many tables in each other")
    if cookie == MAX_COOKIE - 1:
        tag = reader_take(r, 1)[0]
        if tag & 7 != TYPE_NUMBER or tag >> 3 == NUMBER_REAL:
            invalid_stream(r, "table size is not an integer")
        n = read_integer(r, tag >> 3)
        if n < 0:
            n = 0
    # Every value takes a byte at least, and a terminator follows.
    if n >= r.left:
        invalid_stream(r, "table size exceeds the data")
    if n <= MAX_PREALLOCATED:
        array = [None] * n
        for i in range(n):
            array[i] = read_value(r, depth)
    else:
        array = []
        for i in range(n):
            array.append(read_value(r, depth))
    while True:
        tag = reader_take(r, 1)[0]
        if tag & 7 == TYPE_NIL:
            break
        key = read_tagged(r, tag, depth)
        value = read_value(r, depth)
        if isinstance(key, (list, dict)):
            raise ValueError("a table as index of a table has no counterpart in Python")
        if isinstance(key, float):
            if key != key:
                raise ValueError("table index is NaN")
            if real_is_integer(key):
                key = int(key)
        if table is None:
            table = {}
            for i in range(n):
                if array[i] is not None:
                    table[i + 1] = array[i]
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    # An empty dict was filled by nothing but nils.
    return table if table else array


cdef object read_tagged(reader *r, int tag, int depth):
    cdef int kind = tag & 7
    cdef int cookie = tag >> 3
    cdef uint16_t word
    cdef uint32_t dword
    cdef uint64_t pointer
    cdef double real
    if kind == TYPE_SHORT_STRING:
        return read_string(r, cookie)
    if kind == TYPE_NUMBER:
        if cookie == NUMBER_REAL:
            memcpy(&real, reader_take(r, 8), 8)
            return real
        return read_integer(r, cookie)
    if kind == TYPE_TABLE:
        return read_table(r, cookie, depth + 1)
    if kind == TYPE_NIL:
        return None
    if kind == TYPE_BOOLEAN:
        return cookie != 0
    if kind == TYPE_LONG_STRING:
        if cookie == 2:
            memcpy(&word, reader_take(r, 2), 2)
            return read_string(r, word)
        if cookie == 4:
            memcpy(&dword, reader_take(r, 4), 4)
            return read_string(r, dword)
        invalid_stream(r, "unknown string format")
    if kind == TYPE_USERDATA:
        memcpy(&pointer, reader_take(r, 8), 8)
        return light_userdata_type(pointer)
    invalid_stream(r, "unknown type")


cdef object read_value(reader *r, int depth):
    return read_tagged(r, reader_take(r, 1)[0], depth)


def unpack(data) -> tuple:
    """Unpack what `pack` or `skynet.pack` made.

    Args:
        data: bytes or any other contiguous buffer; None is no data.

    Returns:
        The values; the empty tuple for no data.

    Raises:
        ValueError: `Invalid serialize stream <bytes left> (<reason>)` for bytes that are not a valid stream, or nest more than
            200 tables; `table index is NaN`; a table used as index of a table. Nothing past the end of `data` is read.

    Source: lua-seri.c, luaseri_unpack. Stricter than it: sizes are checked before memory is allocated for them.
    """
    cdef reader r
    cdef const unsigned char[::1] view
    cdef list values = []
    if data is None:
        return ()
    if type(data) is bytes:
        r.at = <const unsigned char *>PyBytes_AS_STRING(data)
        r.left = PyBytes_GET_SIZE(data)
    else:
        view = data
        r.left = view.shape[0]
        r.at = &view[0] if r.left > 0 else NULL
    while r.left > 0:
        values.append(read_value(&r, 0))
    return tuple(values)
