# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""`skynet.netpack`: packets behind a two-byte big-endian length, cut out of what PTYPE_SOCKET messages bring.

What is left of a packet when the data ends is kept by socket id in the queue, a userdata; complete packets that came with
others wait there too. Memory of a fragment grows with what has arrived, not with what its header promises.
Source: lua-netpack.c.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uintptr_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset

from host.core cimport lua
from host.core.lua cimport lua_State
from host.core.socket_slot cimport (
    SOCKET_ACCEPT, SOCKET_CLOSE, SOCKET_CONNECT, SOCKET_DATA, SOCKET_ERROR, SOCKET_WARNING, socket_message,
)

cdef enum:
    HEADER = 2
    PACKET_MAX = 65535
    RING = 1024             # first size of the ring of packets, and its growth
    HASH = 256
    FRAGMENT_FIRST = 4096   # bytes a fragment's memory starts with, at most

cdef const char *QUEUE = "skynet.netpack.queue"

cdef struct packet:
    int id
    int size
    void *data              # malloc'ed, never NULL

cdef struct fragment:
    fragment *next
    int id
    int size                # of the packet; -1: only the first byte of the header has come, in `header`
    int got                 # bytes of the packet in data
    int cap
    uint8_t header
    char *data

cdef struct packet_queue:
    fragment *hash[HASH]
    packet *ring
    int cap
    int head
    int count


# -- fragments

cdef fragment *take_fragment(packet_queue *q, int id) noexcept nogil:
    """Remove and return the fragment of a socket, or NULL."""
    cdef fragment **link
    cdef fragment *f
    if q == NULL:
        return NULL
    link = &q.hash[<uint32_t>id % HASH]
    while link[0] != NULL:
        f = link[0]
        if f.id == id:
            link[0] = f.next
            return f
        link = &f.next
    return NULL


cdef void free_fragment(fragment *f) noexcept nogil:
    if f != NULL:
        free(f.data)
        free(f)


cdef void fill_fragment(fragment *f, const uint8_t *p, int sz) noexcept nogil:
    """Add sz bytes, which do not exceed the packet."""
    if f.got + sz > f.cap:
        f.cap = f.cap * 2 if f.cap > 0 else FRAGMENT_FIRST
        if f.cap < f.got + sz:
            f.cap = f.got + sz
        if f.cap > f.size:
            f.cap = f.size
        f.data = <char *>realloc(f.data, f.cap)
    memcpy(f.data + f.got, p, sz)
    f.got += sz


cdef void keep_fragment(packet_queue *q, int id, const uint8_t *p, int sz) noexcept nogil:
    """Keep the beginning of a packet: sz >= 1 bytes from its header on."""
    cdef fragment *f = <fragment *>malloc(sizeof(fragment))
    f.id = id
    f.data = NULL
    f.got = f.cap = 0
    f.header = p[0]
    f.size = -1
    if sz >= HEADER:
        f.size = p[0] << 8 | p[1]
        if sz > HEADER:
            fill_fragment(f, p + HEADER, sz - HEADER)
    put_fragment(q, f)


cdef inline void put_fragment(packet_queue *q, fragment *f) noexcept nogil:
    cdef fragment **link = &q.hash[<uint32_t>f.id % HASH]
    f.next = link[0]
    link[0] = f


# -- the ring of complete packets

cdef void push_packet(packet_queue *q, int id, void *data, int size) noexcept nogil:
    cdef packet *p
    cdef int old = q.cap
    if q.count == q.cap:
        q.cap += RING
        q.ring = <packet *>realloc(q.ring, q.cap * sizeof(packet))
        # the part before the head is the end of the queue: it moves behind what was the end of the ring
        if q.head > 0:
            if q.head <= RING:
                memcpy(q.ring + old, q.ring, q.head * sizeof(packet))
            else:
                memmove(q.ring + q.head + RING, q.ring + q.head, (old - q.head) * sizeof(packet))
                q.head += RING
    p = &q.ring[(q.head + q.count) % q.cap]
    p.id = id
    p.data = data
    p.size = size
    q.count += 1


cdef void push_copy(packet_queue *q, int id, const uint8_t *payload, int size) noexcept nogil:
    cdef void *data = malloc(size if size > 0 else 1)
    memcpy(data, payload, size)
    push_packet(q, id, data, size)


cdef bint pop_packet(packet_queue *q, packet *p) noexcept nogil:
    if q.count == 0:
        return False
    p[0] = q.ring[q.head]
    q.head = (q.head + 1) % q.cap
    q.count -= 1
    return True


cdef void clear_queue(packet_queue *q) noexcept nogil:
    cdef packet p
    cdef fragment *f
    cdef int i
    while pop_packet(q, &p):
        free(p.data)
    for i in range(HASH):
        while q.hash[i] != NULL:
            f = q.hash[i]
            q.hash[i] = f.next
            free_fragment(f)


# -- the queue as a userdata

cdef packet_queue *to_queue(lua_State *L) noexcept nogil:
    """The queue at index 1, or NULL for anything else, nil first of all."""
    return <packet_queue *>lua.luaL_testudata(L, 1, QUEUE)


cdef packet_queue *need_queue(lua_State *L) noexcept nogil:
    """The queue at index 1, made when there is none."""
    cdef packet_queue *q = to_queue(L)
    if q == NULL:
        q = <packet_queue *>lua.lua_newuserdatauv(L, sizeof(packet_queue), 0)
        memset(q, 0, sizeof(q[0]))
        lua.luaL_setmetatable(L, QUEUE)
        lua.lua_replace(L, 1)
    return q


cdef int lgc(lua_State *L) noexcept nogil:
    cdef packet_queue *q = to_queue(L)
    if q != NULL:
        clear_queue(q)
        free(q.ring)
        q.ring = NULL
        q.cap = q.head = 0
    return 0


# -- filter

cdef int push_data(lua_State *L, int id, void *data, int size) noexcept nogil:
    """Results of one packet that came alone: queue "data" id data size"""
    lua.lua_pushvalue(L, lua.lua_upvalueindex(SOCKET_DATA))
    lua.lua_pushinteger(L, id)
    lua.lua_pushlightuserdata(L, data)
    lua.lua_pushinteger(L, size)
    return 5


cdef bint split(packet_queue *q, int id, const uint8_t *p, int sz) noexcept nogil:
    """Queue the packets in sz bytes and keep the rest. Returns whether there was a packet."""
    cdef bint found = False
    cdef int size
    while sz >= HEADER:
        size = p[0] << 8 | p[1]
        if sz - HEADER < size:
            break
        push_copy(q, id, p + HEADER, size)
        found = True
        p += HEADER + size
        sz -= HEADER + size
    if sz > 0:
        keep_fragment(q, id, p, sz)
    return found


cdef int filter_data(lua_State *L, int id, uint8_t *buffer, int sz) noexcept nogil:
    """Takes the buffer over. The Lua stack has room and the queue is made before it: nothing raises in between."""
    cdef packet_queue *q = to_queue(L)
    cdef fragment *f = take_fragment(q, id)
    cdef uint8_t *p = buffer
    cdef bint more = False
    cdef int need
    if f != NULL:
        if f.size < 0 and sz > 0:
            f.size = f.header << 8 | p[0]
            p += 1
            sz -= 1
        need = f.size - f.got
        if f.size < 0 or sz < need:
            if sz > 0:
                fill_fragment(f, p, sz)
            put_fragment(q, f)
            free(buffer)
            return 1
        if need > 0:
            fill_fragment(f, p, need)
        p += need
        sz -= need
        if f.data == NULL:
            f.data = <char *>malloc(1)
        if sz == 0:
            free(buffer)
            push_data(L, id, f.data, f.size)
            free(f)
            return 5
        push_packet(q, id, f.data, f.size)
        free(f)
        more = True
    elif sz >= HEADER and (p[0] << 8 | p[1]) == sz - HEADER:
        # the usual case: the block itself becomes the packet
        memmove(buffer, buffer + HEADER, sz - HEADER)
        return push_data(L, id, buffer, sz - HEADER)
    more |= split(q, id, p, sz)
    free(buffer)
    if not more:
        return 1
    lua.lua_pushvalue(L, lua.lua_upvalueindex(MORE))
    return 2


cdef enum:
    MORE = 8                # upvalue of filter; those below are numbered as the socket messages are


# netpack.filter(queue | nil, msg, sz) -> queue [, "data", id, ptr, size | "more" | "open", id, address
#     | "close", id | "error", id, text | "init", id, text, ud | "warning", id, kib]
cdef int lfilter(lua_State *L) noexcept nogil:
    """Frees the data of the message, or passes it on as the packet. The queue that is returned first must be kept."""
    cdef socket_message *m = <socket_message *>lua.lua_touserdata(L, 2)
    cdef size_t sz = <size_t>lua.luaL_checkinteger(L, 3)
    cdef char *buffer
    lua.lua_settop(L, 1)
    lua.luaL_checkstack(L, 8, NULL)
    if m == NULL or sz < sizeof(socket_message):
        return 1
    if m.type == SOCKET_DATA:
        if m.buffer == NULL or m.ud <= 0:
            free(m.buffer)
            m.buffer = NULL
            return 1
        # An error for lack of memory leaves the buffer with the message.
        need_queue(L)
        buffer = m.buffer
        m.buffer = NULL
        return filter_data(L, m.id, <uint8_t *>buffer, m.ud)
    if m.type == SOCKET_CLOSE or m.type == SOCKET_ERROR:
        free_fragment(take_fragment(to_queue(L), m.id))
    elif m.type != SOCKET_ACCEPT and m.type != SOCKET_CONNECT and m.type != SOCKET_WARNING:
        free(m.buffer)
        m.buffer = NULL
        return 1
    lua.lua_pushvalue(L, lua.lua_upvalueindex(m.type))
    lua.lua_pushinteger(L, m.ud if m.type == SOCKET_ACCEPT else m.id)
    if m.type == SOCKET_CLOSE:
        return 3
    if m.type == SOCKET_WARNING:
        lua.lua_pushinteger(L, m.ud)
        return 4
    lua.lua_pushlstring(L, <const char *>(m + 1), sz - sizeof(socket_message))
    if m.type != SOCKET_CONNECT:
        return 4
    lua.lua_pushinteger(L, m.ud)
    return 5


# netpack.pop(queue) -> id, ptr, size | nothing
cdef int lpop(lua_State *L) noexcept nogil:
    cdef packet_queue *q = to_queue(L)
    cdef packet p
    if q == NULL or not pop_packet(q, &p):
        return 0
    lua.lua_pushinteger(L, p.id)
    lua.lua_pushlightuserdata(L, p.data)
    lua.lua_pushinteger(L, p.size)
    return 3


# netpack.clear(queue | nil)
cdef int lclear(lua_State *L) noexcept nogil:
    cdef packet_queue *q = to_queue(L)
    if q != NULL:
        clear_queue(q)
    return 0


# -- pack

# netpack.pack(string | ptr, size?) -> ptr, size + 2
cdef int lpack(lua_State *L) noexcept nogil:
    """The result is malloc'ed, for socketdriver.send. A pointer that was given is not freed."""
    cdef size_t sz
    cdef const char *data
    cdef uint8_t *result
    if lua.lua_type(L, 1) == lua.LUA_TLIGHTUSERDATA:
        data = <const char *>lua.lua_touserdata(L, 1)
        sz = <size_t>lua.luaL_checkinteger(L, 2)
    else:
        data = lua.luaL_checklstring(L, 1, &sz)
    if sz > PACKET_MAX:
        return lua.luaL_error(L, "Invalid size (too long) of data : %d", <int>sz)
    result = <uint8_t *>malloc(HEADER + sz)
    result[0] = <uint8_t>(sz >> 8)
    result[1] = <uint8_t>sz
    memcpy(result + HEADER, data, sz)
    lua.lua_pushlightuserdata(L, result)
    lua.lua_pushinteger(L, HEADER + sz)
    return 2


# netpack.tostring(ptr, size) -> string
cdef int ltostring(lua_State *L) noexcept nogil:
    """Frees the packet."""
    cdef void *data = lua.lua_touserdata(L, 1)
    cdef lua.lua_Integer size = lua.luaL_checkinteger(L, 2)
    if data == NULL:
        lua.lua_pushlstring(L, "", 0)
    else:
        lua.lua_pushlstring(L, <const char *>data, size)
        free(data)
    return 1


cdef lua.luaL_Reg[5] functions
functions[0] = lua.luaL_Reg("pack", lpack)
functions[1] = lua.luaL_Reg("tostring", ltostring)
functions[2] = lua.luaL_Reg("pop", lpop)
functions[3] = lua.luaL_Reg("clear", lclear)
functions[4] = lua.luaL_Reg(NULL, NULL)


cdef public int luaopen_skynet_netpack(lua_State *L) noexcept nogil:
    lua.lua_createtable(L, 0, 5)
    lua.luaL_setfuncs(L, functions, 0)
    if lua.luaL_newmetatable(L, QUEUE):
        lua.lua_pushcfunction(L, lgc)
        lua.lua_setfield(L, -2, "__gc")
    lua.lua_pop(L, 1)
    # upvalues by message type: 1 data, 2 init, 3 close, 4 open, 5 error, 6 (UDP) none, 7 warning, 8 more
    lua.lua_pushstring(L, "data")
    lua.lua_pushstring(L, "init")
    lua.lua_pushstring(L, "close")
    lua.lua_pushstring(L, "open")
    lua.lua_pushstring(L, "error")
    lua.lua_pushnil(L)
    lua.lua_pushstring(L, "warning")
    lua.lua_pushstring(L, "more")
    lua.lua_pushcclosure(L, lfilter, 8)
    lua.lua_setfield(L, -2, "filter")
    return 1


def openers() -> dict[str, int]:
    """Return the address of the opener of each Lua module in here, by the name that Lua requires it with."""
    return {"skynet.netpack": <uintptr_t>&luaopen_skynet_netpack}
