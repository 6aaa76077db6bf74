# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""Packing writes into one growing buffer that the thread keeps; the message gets a block of its exact size, or the buffer
itself when it has become large. Unpacking collects a table's parts on the Lua stack first, so that the table is made with
its final size: a small table that grows pair by pair is rehashed at 1, 2, 4, 8 ... pairs.
"""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t, uint8_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from host.core cimport lua
from host.core.lua cimport lua_State

cdef extern from "seri_tls.h" nogil:
    ctypedef struct seri_buffer:
        char *data
        size_t cap
    seri_buffer seri_take() noexcept
    void seri_give(seri_buffer b) noexcept

cdef enum:
    TYPE_NIL = 0
    TYPE_BOOLEAN = 1
    TYPE_NUMBER = 2             # cookie: bytes of the integer (0, 1, 2, 4, 6 = eight), or 8 = double
    TYPE_USERDATA = 3
    TYPE_SHORT_STRING = 4       # cookie: length
    TYPE_LONG_STRING = 5        # cookie: bytes of the length (2, 4)
    TYPE_TABLE = 6              # cookie: array length, 31 = an integer follows

    NUMBER_ZERO = 0
    NUMBER_BYTE = 1
    NUMBER_WORD = 2
    NUMBER_DWORD = 4
    NUMBER_QWORD = 6
    NUMBER_REAL = 8

    MAX_COOKIE = 32
    MAX_DEPTH = 32              # of what is packed
    MAX_READ_DEPTH = 25000      # of what is unpacked: the recursion is on the C stack
    FIRST_CAP = 1024
    HAND_OVER = 64 * 1024       # from here on the buffer itself becomes the message
    COLLECT_ARRAY = 16          # elements and pairs of a table that are collected before it is made; more would only
    COLLECT_PAIRS = 12          # make the stacks of coroutines grow

cdef enum pack_error:
    PACK_OK = 0
    PACK_DEPTH
    PACK_TYPE
    PACK_STACK
    PACK_RAISED                 # the error value is on top of the stack
    PACK_MEMORY

cdef struct writer:
    seri_buffer buffer
    size_t len
    int bad_type                # of PACK_TYPE


# -- writing

cdef char *reserve(writer *w, size_t n) noexcept nogil:
    """Room for n more bytes; NULL when there is no memory."""
    cdef size_t need = w.len + n
    cdef size_t cap
    cdef char *data
    if need > w.buffer.cap:
        cap = w.buffer.cap * 2
        if cap < FIRST_CAP:
            cap = FIRST_CAP
        if cap < need:
            cap = need + 64
        data = <char *>realloc(w.buffer.data, cap)
        if data == NULL:
            return NULL
        w.buffer.data = data
        w.buffer.cap = cap
    return w.buffer.data + w.len


cdef inline uint8_t tag(int type, int cookie) noexcept nogil:
    return <uint8_t>(type | cookie << 3)


cdef inline size_t put_integer(char *p, int64_t v) noexcept nogil:
    """Bytes written; at most 9. Negative numbers use 4 or 8 bytes."""
    cdef int32_t v32
    cdef uint16_t v16
    if v == 0:
        p[0] = tag(TYPE_NUMBER, NUMBER_ZERO)
        return 1
    if v != <int32_t>v:
        p[0] = tag(TYPE_NUMBER, NUMBER_QWORD)
        memcpy(p + 1, &v, 8)
        return 9
    if v < 0 or v >= 0x10000:
        v32 = <int32_t>v
        p[0] = tag(TYPE_NUMBER, NUMBER_DWORD)
        memcpy(p + 1, &v32, 4)
        return 5
    if v >= 0x100:
        v16 = <uint16_t>v
        p[0] = tag(TYPE_NUMBER, NUMBER_WORD)
        memcpy(p + 1, &v16, 2)
        return 3
    p[0] = tag(TYPE_NUMBER, NUMBER_BYTE)
    p[1] = <char><uint8_t>v
    return 2


cdef int put_string(writer *w, const char *s, size_t len) noexcept nogil:
    cdef char *p = reserve(w, len + 5)
    cdef uint16_t n16
    cdef uint32_t n32
    if p == NULL:
        return PACK_MEMORY
    if len < MAX_COOKIE:
        p[0] = tag(TYPE_SHORT_STRING, <int>len)
        p += 1
    elif len < 0x10000:
        p[0] = tag(TYPE_LONG_STRING, 2)
        n16 = <uint16_t>len
        memcpy(p + 1, &n16, 2)
        p += 3
    else:
        p[0] = tag(TYPE_LONG_STRING, 4)
        n32 = <uint32_t>len
        memcpy(p + 1, &n32, 4)
        p += 5
    memcpy(p, s, len)
    w.len = p + len - w.buffer.data
    return PACK_OK


cdef int put_value(lua_State *L, writer *w, int index, int depth) noexcept nogil:
    cdef int type = lua.lua_type(L, index)
    cdef char *p
    cdef const char *s
    cdef size_t len
    cdef double d
    cdef void *u
    if depth > MAX_DEPTH:
        return PACK_DEPTH
    if type == lua.LUA_TSTRING:
        s = lua.lua_tolstring(L, index, &len)
        return put_string(w, s, len)
    if type == lua.LUA_TTABLE:
        return put_table(L, w, lua.lua_absindex(L, index), depth)
    p = reserve(w, 16)
    if p == NULL:
        return PACK_MEMORY
    if type == lua.LUA_TNUMBER:
        if lua.lua_isinteger(L, index):
            w.len += put_integer(p, lua.lua_tointeger(L, index))
        else:
            d = lua.lua_tonumber(L, index)
            p[0] = tag(TYPE_NUMBER, NUMBER_REAL)
            memcpy(p + 1, &d, 8)
            w.len += 9
    elif type == lua.LUA_TNIL:
        p[0] = TYPE_NIL
        w.len += 1
    elif type == lua.LUA_TBOOLEAN:
        p[0] = tag(TYPE_BOOLEAN, lua.lua_toboolean(L, index))
        w.len += 1
    elif type == lua.LUA_TLIGHTUSERDATA:
        u = lua.lua_touserdata(L, index)
        p[0] = TYPE_USERDATA
        memcpy(p + 1, &u, sizeof(u))
        w.len += 1 + sizeof(u)
    else:
        w.bad_type = type
        return PACK_TYPE
    return PACK_OK


cdef inline int put_pair(lua_State *L, writer *w, int depth) noexcept nogil:
    """The key and the value on top of the stack; the value is popped."""
    cdef int error = put_value(L, w, -2, depth + 1)
    if not error:
        error = put_value(L, w, -1, depth + 1)
    if not error:
        lua.lua_pop(L, 1)
    return error


cdef inline int put_end(writer *w) noexcept nogil:
    """The nil behind the last pair."""
    cdef char *p = reserve(w, 1)
    if p == NULL:
        return PACK_MEMORY
    p[0] = TYPE_NIL
    w.len += 1
    return PACK_OK


cdef int put_table(lua_State *L, writer *w, int index, int depth) noexcept nogil:
    cdef lua.lua_Integer n, i, k
    cdef char *p
    cdef int error
    if not lua.lua_checkstack(L, lua.LUA_MINSTACK):
        return PACK_STACK
    if lua.lua_getmetatable(L, index):
        lua.lua_pushstring(L, "__pairs")                    # meta "__pairs"
        if lua.lua_rawget(L, -2) != lua.LUA_TNIL:           # meta __pairs
            lua.lua_remove(L, -2)                           # __pairs
            return put_pairs(L, w, index, depth)
        lua.lua_pop(L, 2)
    n = <lua.lua_Integer>lua.lua_rawlen(L, index)
    p = reserve(w, 16)
    if p == NULL:
        return PACK_MEMORY
    if n >= MAX_COOKIE - 1:
        p[0] = tag(TYPE_TABLE, MAX_COOKIE - 1)
        w.len += 1 + put_integer(p + 1, n)
    else:
        p[0] = tag(TYPE_TABLE, <int>n)
        w.len += 1
    for i in range(1, n + 1):
        lua.lua_rawgeti(L, index, i)
        error = put_value(L, w, -1, depth + 1)
        if error:
            return error
        lua.lua_pop(L, 1)
    lua.lua_pushnil(L)
    while lua.lua_next(L, index):                           # key value
        if lua.lua_type(L, -2) == lua.LUA_TNUMBER and lua.lua_isinteger(L, -2):
            k = lua.lua_tointeger(L, -2)
            if 1 <= k <= n:
                lua.lua_pop(L, 1)
                continue
        error = put_pair(L, w, depth)
        if error:
            return error
    return put_end(w)


cdef int put_pairs(lua_State *L, writer *w, int index, int depth) noexcept nogil:
    """The table through its __pairs, which is on top of the stack. Calls are protected, so that the buffer is freed."""
    cdef char *p = reserve(w, 1)
    cdef int error
    if p == NULL:
        return PACK_MEMORY
    p[0] = tag(TYPE_TABLE, 0)
    w.len += 1
    lua.lua_pushvalue(L, index)
    if lua.lua_pcall(L, 1, 3, 0) != lua.LUA_OK:             # next state key
        return PACK_RAISED
    while True:
        lua.lua_pushvalue(L, -2)
        lua.lua_pushvalue(L, -2)                            # next state key state key
        lua.lua_copy(L, -5, -3)                             # next state next state key
        if lua.lua_pcall(L, 2, 2, 0) != lua.LUA_OK:         # next state key value
            return PACK_RAISED
        if lua.lua_type(L, -2) == lua.LUA_TNIL:
            lua.lua_pop(L, 4)
            break
        error = put_pair(L, w, depth)
        if error:
            return error
    return put_end(w)


cdef void raise_pack_error(lua_State *L, int error, int bad_type) noexcept nogil:
    if error == PACK_DEPTH:
        lua.luaL_error(L, "serialize can't pack too depth table")
    elif error == PACK_TYPE:
        lua.luaL_error(L, "Unsupport type %s to serialize", lua.lua_typename(L, bad_type))
    elif error == PACK_RAISED:
        lua.lua_error(L)
    else:
        lua.luaL_error(L, "out of memory")


cdef void pack_values(lua_State *L, int from_, writer *w) noexcept nogil:
    """Fill a writer with from_..top, or raise with nothing left allocated."""
    cdef int top = lua.lua_gettop(L)
    cdef int error = PACK_OK
    cdef int i
    w.buffer = seri_take()
    w.len = 0
    w.bad_type = 0
    for i in range(from_, top + 1):
        error = put_value(L, w, i, 0)
        if error:
            seri_give(w.buffer)
            raise_pack_error(L, error, w.bad_type)
            return


cdef void seri_pack(lua_State *L, int from_, void **data, size_t *sz) noexcept nogil:
    cdef writer w
    cdef char *block
    pack_values(L, from_, &w)
    sz[0] = w.len
    if w.len >= HAND_OVER:
        data[0] = w.buffer.data
        return
    block = <char *>malloc(w.len + 1)
    memcpy(block, w.buffer.data, w.len) if w.len else NULL
    seri_give(w.buffer)
    data[0] = block


# -- reading

cdef struct reader:
    const char *p
    const char *end


cdef int invalid(lua_State *L, reader *r, int line) noexcept nogil:
    return lua.luaL_error(L, "Invalid serialize stream %d (line:%d)", <int>(r.end - r.p), line)


cdef inline const char *take(lua_State *L, reader *r, size_t n) noexcept nogil:
    cdef const char *p = r.p
    if <size_t>(r.end - p) < n:
        invalid(L, r, 1)
    r.p = p + n
    return p


cdef int64_t get_integer(lua_State *L, reader *r, int cookie) noexcept nogil:
    cdef uint16_t v16
    cdef int32_t v32
    cdef int64_t v64
    cdef const char *p
    if cookie == NUMBER_ZERO:
        return 0
    if cookie == NUMBER_BYTE:
        p = take(L, r, 1)
        return <uint8_t>p[0]
    if cookie == NUMBER_WORD:
        p = take(L, r, 2)
        memcpy(&v16, p, 2)
        return v16
    if cookie == NUMBER_DWORD:
        p = take(L, r, 4)
        memcpy(&v32, p, 4)
        return v32
    if cookie == NUMBER_QWORD:
        p = take(L, r, 8)
        memcpy(&v64, p, 8)
        return v64
    return invalid(L, r, 2)


cdef void get_long_string(lua_State *L, reader *r, int cookie) noexcept nogil:
    cdef uint16_t n16
    cdef uint32_t len = 0
    cdef const char *p
    if cookie == 2:
        p = take(L, r, 2)
        memcpy(&n16, p, 2)
        len = n16
    elif cookie == 4:
        p = take(L, r, 4)
        memcpy(&len, p, 4)
    else:
        invalid(L, r, 3)
    p = take(L, r, len)
    lua.lua_pushlstring(L, p, len)


cdef void get_value(lua_State *L, reader *r, int depth) noexcept nogil:
    """Push one value."""
    cdef uint8_t head = <uint8_t>take(L, r, 1)[0]
    cdef int type = head & 7
    cdef int cookie = head >> 3
    cdef double d
    cdef void *u
    cdef const char *p
    if type == TYPE_SHORT_STRING:
        p = take(L, r, cookie)
        lua.lua_pushlstring(L, p, cookie)
    elif type == TYPE_NUMBER:
        if cookie == NUMBER_REAL:
            p = take(L, r, 8)
            memcpy(&d, p, 8)
            lua.lua_pushnumber(L, d)
        else:
            lua.lua_pushinteger(L, get_integer(L, r, cookie))
    elif type == TYPE_TABLE:
        get_table(L, r, cookie, depth)
    elif type == TYPE_NIL:
        lua.lua_pushnil(L)
    elif type == TYPE_BOOLEAN:
        lua.lua_pushboolean(L, cookie)
    elif type == TYPE_LONG_STRING:
        get_long_string(L, r, cookie)
    elif type == TYPE_USERDATA:
        p = take(L, r, sizeof(u))
        memcpy(&u, p, sizeof(u))
        lua.lua_pushlightuserdata(L, u)
    else:
        invalid(L, r, 4)


cdef void get_table(lua_State *L, reader *r, int cookie, int depth) noexcept nogil:
    cdef int64_t n = cookie
    cdef int64_t i
    cdef uint8_t head
    cdef int index, pairs
    if cookie == MAX_COOKIE - 1:
        head = <uint8_t>take(L, r, 1)[0]
        if (head & 7) != TYPE_NUMBER or (head >> 3) == NUMBER_REAL:
            invalid(L, r, 5)
        n = get_integer(L, r, head >> 3)
        if n < 0:
            n = 0
    # every element takes a byte at least, so a larger count is a lie and nothing is allocated for it
    if n > r.end - r.p or depth > MAX_READ_DEPTH:
        invalid(L, r, 6)
    lua.luaL_checkstack(L, COLLECT_ARRAY + 2 * COLLECT_PAIRS + 4, NULL)
    if n > COLLECT_ARRAY:
        lua.lua_createtable(L, <int>n if n < 0x7fffffff else 0x7fffffff, 0)
        index = lua.lua_gettop(L)
        for i in range(1, n + 1):
            get_value(L, r, depth + 1)
            lua.lua_rawseti(L, index, i)
        get_pairs(L, r, index, depth)
        return
    lua.lua_pushnil(L)                                      # place of the table
    index = lua.lua_gettop(L)
    for i in range(n):
        get_value(L, r, depth + 1)
    pairs = 0
    while pairs < COLLECT_PAIRS:
        get_value(L, r, depth + 1)
        if lua.lua_type(L, -1) == lua.LUA_TNIL:
            lua.lua_pop(L, 1)
            break
        get_value(L, r, depth + 1)
        pairs += 1
    lua.lua_createtable(L, <int>n, pairs)
    lua.lua_replace(L, index)                               # table, elements, pairs
    # In their order: of a key that comes twice the last value counts.
    for i in range(1, n + 1):
        lua.lua_pushvalue(L, index + <int>i)
        lua.lua_rawseti(L, index, i)
    for i in range(pairs):
        lua.lua_pushvalue(L, index + <int>(n + 2 * i) + 1)
        lua.lua_pushvalue(L, index + <int>(n + 2 * i) + 2)
        lua.lua_rawset(L, index)
    lua.lua_settop(L, index)
    if pairs == COLLECT_PAIRS:
        get_pairs(L, r, index, depth)


cdef void get_pairs(lua_State *L, reader *r, int index, int depth) noexcept nogil:
    """The rest of a table's pairs, one by one."""
    while True:
        get_value(L, r, depth + 1)
        if lua.lua_type(L, -1) == lua.LUA_TNIL:
            lua.lua_pop(L, 1)
            return
        get_value(L, r, depth + 1)
        lua.lua_rawset(L, index)


cdef int seri_unpack(lua_State *L, const void *data, size_t sz) noexcept nogil:
    cdef reader r
    cdef int top = lua.lua_gettop(L)
    cdef int n = 0
    if sz == 0:
        return 0
    if data == NULL:
        return lua.luaL_error(L, "deserialize null pointer")
    r.p = <const char *>data
    r.end = r.p + sz
    while r.p < r.end:
        if n & 15 == 15:
            lua.luaL_checkstack(L, lua.LUA_MINSTACK, NULL)
        n += 1
        get_value(L, &r, 0)
    return lua.lua_gettop(L) - top


# -- the functions of skynet.core

cdef int lpack(lua_State *L) noexcept nogil:
    cdef void *data
    cdef size_t sz
    seri_pack(L, 1, &data, &sz)
    lua.lua_pushlightuserdata(L, data)
    lua.lua_pushinteger(L, <lua.lua_Integer>sz)
    return 2


cdef int lpackstring(lua_State *L) noexcept nogil:
    cdef writer w
    pack_values(L, 1, &w)
    lua.lua_pushlstring(L, w.buffer.data, w.len)
    seri_give(w.buffer)
    return 1


cdef int lunpack(lua_State *L) noexcept nogil:
    cdef const char *data
    cdef size_t sz
    if lua.lua_isnoneornil(L, 1):
        return 0
    if lua.lua_type(L, 1) == lua.LUA_TSTRING:
        data = lua.lua_tolstring(L, 1, &sz)
    else:
        data = <const char *>lua.lua_touserdata(L, 1)
        sz = <size_t>lua.luaL_checkinteger(L, 2)
    # a string stays at the bottom of the stack while it is read
    lua.lua_settop(L, 1)
    return seri_unpack(L, data, sz)
