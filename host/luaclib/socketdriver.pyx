# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""`skynet.socketdriver`: the socket server as a Lua service sees it, and the buffer that collects what a socket receives.

A function raises only while it holds nothing that Lua does not know of; one that takes a block over checks its other arguments
first. The `pool` argument of the buffer functions is where the original recycles memory; it is accepted and not used.
Source: lua-socket.c.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcpy

from host.core cimport lua
from host.core.lua cimport lua_State
from host.core.net cimport addrinfo, freeaddrinfo, gai_strerror, sockaddr, sockaddr_storage
from host.core.socket cimport (
    socket_bind, socket_close, socket_info, socket_listen, socket_nodelay, socket_open, socket_pause, socket_query,
    socket_shutdown, socket_slots, socket_start, socket_udp, socket_udp_connect, socket_udp_dial, socket_udp_listen,
)
from host.core.socket_address cimport ADDRESS_TEXT_MAX, address_ip, address_resolve, token_address, token_size
from host.core.socket_send cimport SEND_HIGH, SEND_LOW, socket_send, socket_udp_send
from host.core.socket_slot cimport SOCKET_UDP, socket_message
from host.luaclib.received cimport (
    received, received_clear, received_find, received_init, received_peek, received_push, received_skip,
)
from host.luaclib.scratch cimport SCRATCH
from host.luaclib.snlua cimport snlua_of

cdef enum:
    BACKLOG = 32            # of listen
    HOST_ROOM = 256         # bytes of a host that was cut out of "host:port"
    RESOLVED_MAX = 64       # addresses

cdef const char *BUFFER = "skynet.socketdriver.buffer"


cdef inline uint32_t service_handle(lua_State *L) noexcept nogil:
    return snlua_of(L).ctx.handle


cdef inline int check_id(lua_State *L) noexcept nogil:
    return <int>lua.luaL_checkinteger(L, 1)


# -- the buffer

cdef received *to_buffer(lua_State *L) noexcept nogil:
    """The buffer at index 1, or NULL. Its metatable is upvalue 1 of every function."""
    cdef void *p = lua.lua_touserdata(L, 1)
    cdef bint equal
    if p == NULL or not lua.lua_getmetatable(L, 1):
        return NULL
    equal = lua.lua_rawequal(L, -1, lua.lua_upvalueindex(1))
    lua.lua_pop(L, 1)
    return <received *>p if equal else NULL


cdef received *check_buffer(lua_State *L) noexcept nogil:
    cdef received *r = to_buffer(L)
    if r == NULL:
        lua.luaL_error(L, "Need buffer object at param 1")
    return r


# driver.buffer() -> buffer
cdef int lbuffer(lua_State *L) noexcept nogil:
    received_init(<received *>lua.lua_newuserdatauv(L, sizeof(received), 0))
    lua.lua_pushvalue(L, lua.lua_upvalueindex(1))
    lua.lua_setmetatable(L, -2)
    return 1


# driver.push(buffer, pool, msg, size) -> bytes in the buffer
cdef int lpush(lua_State *L) noexcept nogil:
    """Takes msg over."""
    cdef received *r = to_buffer(L)
    cdef char *msg
    cdef lua.lua_Integer sz
    if r == NULL:
        return lua.luaL_error(L, "need buffer object at param 1")
    msg = <char *>lua.lua_touserdata(L, 3)
    if msg == NULL:
        return lua.luaL_error(L, "need message block at param 3")
    sz = lua.luaL_checkinteger(L, 4)
    if sz > 0:
        received_push(r, msg, sz)
    else:
        free(msg)
    lua.lua_pushinteger(L, r.size)
    return 1


# driver.pop(buffer, pool, n) -> string | nil, bytes left
cdef int lpop(lua_State *L) noexcept nogil:
    """nil when there are fewer than n bytes, and for n = 0."""
    cdef received *r = check_buffer(L)
    cdef lua.lua_Integer n = lua.luaL_checkinteger(L, 3)
    if n <= 0 or <size_t>n > r.size:
        lua.lua_pushnil(L)
    else:
        lua.lua_pushlstring(L, received_peek(r, n), n)
        received_skip(r, n)
    lua.lua_pushinteger(L, r.size)
    return 2


# driver.readall(buffer, pool) -> string
cdef int lreadall(lua_State *L) noexcept nogil:
    cdef received *r = check_buffer(L)
    lua.lua_pushlstring(L, received_peek(r, r.size), r.size)
    received_clear(r)
    return 1


# driver.readline(buffer, pool | nil, sep) -> string without sep | nothing; without pool: true | nothing
cdef int lreadline(lua_State *L) noexcept nogil:
    cdef received *r = check_buffer(L)
    cdef size_t sz
    cdef const char *separator = lua.luaL_checklstring(L, 3, &sz)
    cdef ssize_t n = received_find(r, separator, sz) if sz > 0 else 0
    if n < 0:
        return 0
    if lua.lua_isnoneornil(L, 2):
        lua.lua_pushboolean(L, 1)
        return 1
    lua.lua_pushlstring(L, received_peek(r, n), n)
    received_skip(r, n + sz)
    return 1


# driver.clear(buffer | nil, pool)
cdef int lclear(lua_State *L) noexcept nogil:
    if not lua.lua_isnoneornil(L, 1):
        received_clear(check_buffer(L))
    return 0


cdef int lgc(lua_State *L) noexcept nogil:
    cdef received *r = <received *>lua.luaL_testudata(L, 1, BUFFER)
    if r != NULL:
        received_clear(r)
    return 0


# -- messages and blocks

# driver.unpack(msg, sz) -> type, id, ud, string | block [, token]
cdef int lunpack(lua_State *L) noexcept nogil:
    cdef socket_message *m = <socket_message *>lua.lua_touserdata(L, 1)
    cdef lua.lua_Integer sz = lua.luaL_checkinteger(L, 2)
    if m == NULL or sz < <lua.lua_Integer>sizeof(socket_message):
        return lua.luaL_error(L, "Invalid socket message")
    lua.lua_pushinteger(L, m.type)
    lua.lua_pushinteger(L, m.id)
    lua.lua_pushinteger(L, m.ud)
    if m.buffer == NULL:
        lua.lua_pushlstring(L, <const char *>(m + 1), sz - sizeof(socket_message))
    else:
        lua.lua_pushlightuserdata(L, m.buffer)
    if m.type != SOCKET_UDP or m.buffer == NULL:
        return 4
    lua.lua_pushlstring(L, m.buffer + m.ud, token_size(<const uint8_t *>m.buffer + m.ud))
    return 5


# driver.drop(block, size)
cdef int ldrop(lua_State *L) noexcept nogil:
    lua.luaL_checkinteger(L, 2)
    free(lua.lua_touserdata(L, 1))
    return 0


# driver.str2p(string) -> block, size
cdef int lstr2p(lua_State *L) noexcept nogil:
    cdef size_t sz
    cdef const char *s = lua.luaL_checklstring(L, 1, &sz)
    cdef void *block = malloc(sz if sz > 0 else 1)
    memcpy(block, s, sz)
    lua.lua_pushlightuserdata(L, block)
    lua.lua_pushinteger(L, sz)
    return 2


# driver.header(string of 1 to 4 bytes) -> integer, big-endian
cdef int lheader(lua_State *L) noexcept nogil:
    cdef size_t sz, i
    cdef const uint8_t *s = <const uint8_t *>lua.luaL_checklstring(L, 1, &sz)
    cdef lua.lua_Integer n = 0
    if sz < 1 or sz > 4:
        return lua.luaL_error(L, "Invalid read %s", s)
    for i in range(sz):
        n = n << 8 | s[i]
    lua.lua_pushinteger(L, n)
    return 1


# -- open, listen, close

cdef const char *check_address(lua_State *L, int index, char *room, int *port) noexcept nogil:
    """Host and port at index and index + 1; without the latter, out of "host:port" or "[v6]:port"."""
    cdef size_t sz
    cdef const char *address = lua.luaL_checklstring(L, index, &sz)
    cdef const char *host = address
    cdef const char *end
    cdef const char *digit
    if not lua.lua_isnoneornil(L, index + 1):
        port[0] = <int>lua.luaL_checkinteger(L, index + 1)
        return address
    if address[0] == c"[":
        host += 1
        end = <const char *>memchr(address, c"]", sz)
        if end == NULL or end[1] != c":":
            lua.luaL_error(L, "Invalid address %s.", address)
        digit = end + 2
    else:
        end = <const char *>memchr(address, c":", sz)
        if end == NULL:
            lua.luaL_error(L, "Invalid address %s.", address)
        digit = end + 1
    port[0] = 0
    if digit[0] == 0:
        lua.luaL_error(L, "Invalid port in address %s.", address)
    while digit[0] != 0:
        port[0] = port[0] * 10 + digit[0] - c"0"
        if digit[0] < c"0" or digit[0] > c"9" or port[0] > 65535:
            lua.luaL_error(L, "Invalid port in address %s.", address)
        digit += 1
    sz = end - host
    if sz >= HOST_ROOM:
        lua.luaL_error(L, "Invalid address %s.", address)
    memcpy(room, host, sz)
    room[sz] = 0
    return room


cdef inline int push_id(lua_State *L, int id, const char *error) noexcept nogil:
    if id < 0:
        return lua.luaL_error(L, error)
    lua.lua_pushinteger(L, id)
    return 1


# driver.connect(addr, port?) -> id, which may be -1
cdef int lconnect(lua_State *L) noexcept nogil:
    cdef char room[HOST_ROOM]
    cdef int port
    cdef const char *host = check_address(L, 1, room, &port)
    if port == 0:
        return lua.luaL_error(L, "Invalid port")
    lua.lua_pushinteger(L, socket_open(service_handle(L), host, port))
    return 1


# driver.listen(addr, port?, backlog?) -> id
cdef int llisten(lua_State *L) noexcept nogil:
    cdef char room[HOST_ROOM]
    cdef int port
    cdef const char *host = check_address(L, 1, room, &port)
    cdef int backlog = <int>lua.luaL_optinteger(L, 3, BACKLOG)
    return push_id(L, socket_listen(service_handle(L), host, port, backlog), "Listen error")


# driver.bind(fd) -> id
cdef int lbind(lua_State *L) noexcept nogil:
    lua.lua_pushinteger(L, socket_bind(service_handle(L), check_id(L)))
    return 1


# driver.start(id)
cdef int lstart(lua_State *L) noexcept nogil:
    socket_start(service_handle(L), check_id(L))
    return 0


# driver.pause(id)
cdef int lpause(lua_State *L) noexcept nogil:
    socket_pause(check_id(L))
    return 0


# driver.nodelay(id)
cdef int lnodelay(lua_State *L) noexcept nogil:
    socket_nodelay(check_id(L))
    return 0


# driver.close(id)
cdef int lclose(lua_State *L) noexcept nogil:
    socket_close(check_id(L))
    return 0


# driver.shutdown(id)
cdef int lshutdown(lua_State *L) noexcept nogil:
    socket_shutdown(check_id(L))
    return 0


# -- send

cdef size_t table_size(lua_State *L, int index) noexcept nogil:
    """Bytes of all strings of an array, up to its first nil."""
    cdef lua.lua_Integer i = 1
    cdef size_t total = 0
    cdef size_t sz
    while lua.lua_rawgeti(L, index, i) != lua.LUA_TNIL:
        lua.luaL_checklstring(L, -1, &sz)
        total += sz
        lua.lua_pop(L, 1)
        i += 1
    lua.lua_pop(L, 1)
    return total


cdef void join_table(lua_State *L, int index, char *to) noexcept nogil:
    """After table_size, which has checked all elements."""
    cdef lua.lua_Integer i = 1
    cdef size_t sz
    cdef const char *s
    while lua.lua_rawgeti(L, index, i) != lua.LUA_TNIL:
        s = lua.lua_tolstring(L, -1, &sz)
        memcpy(to, s, sz)
        to += sz
        lua.lua_pop(L, 1)
        i += 1
    lua.lua_pop(L, 1)


cdef void *check_data(lua_State *L, int index, char *small, size_t *sz, bint *owned) noexcept nogil:
    """What to send: a string, an array of strings, a block with its size (taken over), or a userdata with or without one.
    small has room for SCRATCH bytes."""
    cdef int type = lua.lua_type(L, index)
    cdef void *data
    owned[0] = False
    if type == lua.LUA_TLIGHTUSERDATA:
        sz[0] = <size_t>lua.luaL_checkinteger(L, index + 1)
        owned[0] = True
        return lua.lua_touserdata(L, index)
    if type == lua.LUA_TUSERDATA:
        sz[0] = lua.lua_rawlen(L, index)
        if not lua.lua_isnoneornil(L, index + 1):
            sz[0] = <size_t>lua.luaL_checkinteger(L, index + 1)
            if sz[0] > lua.lua_rawlen(L, index):
                lua.luaL_argerror(L, index + 1, "larger than the userdata")
        return lua.lua_touserdata(L, index)
    if type == lua.LUA_TTABLE:
        sz[0] = table_size(L, index)
        if sz[0] <= SCRATCH:
            data = small
        else:
            data = malloc(sz[0])
            owned[0] = True
        join_table(L, index, <char *>data)
        return data
    return <void *>lua.luaL_checklstring(L, index, sz)


cdef int send_data(lua_State *L, int priority) noexcept nogil:
    cdef int id = check_id(L)
    cdef char small[SCRATCH]
    cdef size_t sz
    cdef bint owned
    cdef void *data = check_data(L, 2, small, &sz, &owned)
    lua.lua_pushboolean(L, socket_send(id, data, sz, owned, priority) == 0)
    return 1


# driver.send(id, string | strings | block, size | userdata, size?) -> boolean
cdef int lsend(lua_State *L) noexcept nogil:
    return send_data(L, SEND_HIGH)


# driver.lsend(id, ...) -> boolean; as send, behind everything that send has sent or will
cdef int llsend(lua_State *L) noexcept nogil:
    return send_data(L, SEND_LOW)


# -- UDP

# driver.udp(addr?, port?) -> id
cdef int ludp(lua_State *L) noexcept nogil:
    cdef char room[HOST_ROOM]
    cdef const char *host = NULL
    cdef int port = 0
    if not lua.lua_isnoneornil(L, 1):
        host = check_address(L, 1, room, &port)
    elif not lua.lua_isnoneornil(L, 2):
        port = <int>lua.luaL_checkinteger(L, 2)
    return push_id(L, socket_udp(service_handle(L), host, port), "udp init failed")


# driver.udp_listen(addr, port?) -> id
cdef int ludp_listen(lua_State *L) noexcept nogil:
    cdef char room[HOST_ROOM]
    cdef int port
    cdef const char *host = check_address(L, 1, room, &port)
    return push_id(L, socket_udp_listen(service_handle(L), host, port), "udp listen host failed")


# driver.udp_dial(addr, port?) -> id
cdef int ludp_dial(lua_State *L) noexcept nogil:
    cdef char room[HOST_ROOM]
    cdef int port
    cdef const char *host = check_address(L, 1, room, &port)
    return push_id(L, socket_udp_dial(service_handle(L), host, port), "udp dial host failed")


# driver.udp_connect(id, addr, port?)
cdef int ludp_connect(lua_State *L) noexcept nogil:
    cdef int id = check_id(L)
    cdef char room[HOST_ROOM]
    cdef int port
    cdef const char *host = check_address(L, 2, room, &port)
    if socket_udp_connect(id, host, port) != 0:
        return lua.luaL_error(L, "udp connect failed")
    return 0


# driver.udp_send(id, token, string | strings | block, size | userdata, size?) -> boolean
cdef int ludp_send(lua_State *L) noexcept nogil:
    cdef int id = check_id(L)
    cdef size_t token_sz, sz
    cdef const uint8_t *token = <const uint8_t *>lua.luaL_checklstring(L, 2, &token_sz)
    cdef char small[SCRATCH]
    cdef bint owned
    cdef void *data = check_data(L, 3, small, &sz, &owned)
    if token_sz == 0 or <int>token_sz != token_size(token):
        if owned:
            free(data)
        lua.lua_pushboolean(L, 0)
        return 1
    lua.lua_pushboolean(L, socket_udp_send(id, token, data, sz, owned) == 0)
    return 1


# driver.udp_address(token) -> ip, port
cdef int ludp_address(lua_State *L) noexcept nogil:
    cdef size_t sz
    cdef const uint8_t *token = <const uint8_t *>lua.luaL_checklstring(L, 1, &sz)
    cdef sockaddr_storage addr
    cdef char ip[ADDRESS_TEXT_MAX]
    if sz == 0 or <int>sz != token_size(token):
        return lua.luaL_error(L, "Invalid udp address")
    token_address(token, &addr)
    sz = address_ip(<sockaddr *>&addr, ip)
    lua.lua_pushstring(L, ip)
    lua.lua_pushinteger(L, sz)
    return 2


# -- the rest

# driver.resolve(host) -> { ip, ... }; blocks
cdef int lresolve(lua_State *L) noexcept nogil:
    """As many times as getaddrinfo names an address: once for each kind of socket."""
    cdef const char *host = lua.luaL_checklstring(L, 1, NULL)
    # Pushing a string may raise, and the list must be freed before: the texts wait here.
    cdef char *texts = <char *>lua.lua_newuserdatauv(L, RESOLVED_MAX * ADDRESS_TEXT_MAX, 0)
    cdef addrinfo *list
    cdef addrinfo *ai
    cdef int n = 0
    cdef int code, i
    code = address_resolve(host, 0, 0, False, &list)
    if code != 0:
        return lua.luaL_error(L, "%s", gai_strerror(code))
    ai = list
    while ai != NULL and n < RESOLVED_MAX:
        if address_ip(ai.ai_addr, texts + n * ADDRESS_TEXT_MAX) >= 0:
            n += 1
        ai = ai.ai_next
    freeaddrinfo(list)
    lua.lua_createtable(L, n, 0)
    for i in range(n):
        lua.lua_pushstring(L, texts + i * ADDRESS_TEXT_MAX)
        lua.lua_rawseti(L, -2, i + 1)
    return 1


cdef inline void set_integer(lua_State *L, const char *name, lua.lua_Integer value) noexcept nogil:
    lua.lua_pushinteger(L, value)
    lua.lua_setfield(L, -2, name)


cdef inline void set_boolean(lua_State *L, const char *name, bint value) noexcept nogil:
    lua.lua_pushboolean(L, value)
    lua.lua_setfield(L, -2, name)


cdef void push_info(lua_State *L, const socket_info *info) noexcept nogil:
    cdef bint listens = info.type[0] == c"L"
    lua.lua_createtable(L, 0, 11)
    set_integer(L, "id", info.id)
    set_integer(L, "address", info.opaque)
    lua.lua_pushstring(L, info.type)
    lua.lua_setfield(L, -2, "type")
    set_integer(L, "rtime", info.rtime)
    if listens:
        set_integer(L, "accept", info.read)
    else:
        set_integer(L, "read", info.read)
        set_integer(L, "write", info.write)
        set_integer(L, "wbuffer", info.wbuffer)
        set_integer(L, "wtime", info.wtime)
        set_boolean(L, "reading", info.reading)
        set_boolean(L, "writing", info.writing)
    if info.name[0] != 0:
        lua.lua_pushstring(L, info.name)
        lua.lua_setfield(L, -2, "sock" if listens else "peer")


# driver.info() -> { { id =, type =, ... }, ... }; the newest come first, unless ids have come round
cdef int linfo(lua_State *L) noexcept nogil:
    cdef socket_info info
    cdef int n = 0
    cdef int slot
    lua.lua_newtable(L)
    for slot in range(socket_slots() - 1, -1, -1):
        if socket_query(slot, &info):
            push_info(L, &info)
            n += 1
            lua.lua_rawseti(L, -2, n)
    return 1


cdef lua.luaL_Reg[29] functions
functions[0] = lua.luaL_Reg("buffer", lbuffer)
functions[1] = lua.luaL_Reg("push", lpush)
functions[2] = lua.luaL_Reg("pop", lpop)
functions[3] = lua.luaL_Reg("readall", lreadall)
functions[4] = lua.luaL_Reg("readline", lreadline)
functions[5] = lua.luaL_Reg("clear", lclear)
functions[6] = lua.luaL_Reg("unpack", lunpack)
functions[7] = lua.luaL_Reg("drop", ldrop)
functions[8] = lua.luaL_Reg("str2p", lstr2p)
functions[9] = lua.luaL_Reg("header", lheader)
functions[10] = lua.luaL_Reg("connect", lconnect)
functions[11] = lua.luaL_Reg("listen", llisten)
functions[12] = lua.luaL_Reg("bind", lbind)
functions[13] = lua.luaL_Reg("start", lstart)
functions[14] = lua.luaL_Reg("pause", lpause)
functions[15] = lua.luaL_Reg("nodelay", lnodelay)
functions[16] = lua.luaL_Reg("close", lclose)
functions[17] = lua.luaL_Reg("shutdown", lshutdown)
functions[18] = lua.luaL_Reg("send", lsend)
functions[19] = lua.luaL_Reg("lsend", llsend)
functions[20] = lua.luaL_Reg("udp", ludp)
functions[21] = lua.luaL_Reg("udp_listen", ludp_listen)
functions[22] = lua.luaL_Reg("udp_dial", ludp_dial)
functions[23] = lua.luaL_Reg("udp_connect", ludp_connect)
functions[24] = lua.luaL_Reg("udp_send", ludp_send)
functions[25] = lua.luaL_Reg("udp_address", ludp_address)
functions[26] = lua.luaL_Reg("resolve", lresolve)
functions[27] = lua.luaL_Reg("info", linfo)
functions[28] = lua.luaL_Reg(NULL, NULL)


cdef public int luaopen_skynet_socketdriver(lua_State *L) noexcept nogil:
    lua.lua_createtable(L, 0, 28)
    if lua.luaL_newmetatable(L, BUFFER):
        lua.lua_pushcfunction(L, lgc)
        lua.lua_setfield(L, -2, "__gc")
    lua.luaL_setfuncs(L, functions, 1)
    return 1


def openers() -> dict[str, int]:
    """Return the address of the opener of each Lua module in here, by the name that Lua requires it with."""
    return {"skynet.socketdriver": <uintptr_t>&luaopen_skynet_socketdriver}
