# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""`skynet.debugchannel`: a queue of texts between the debug agent and the service it debugs, and a hook that can yield.

A channel has two ends, each a userdata in a VM of its own, and is freed with the second. Source: lua-debugchannel.c.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, strchr
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from host.core cimport lua
from host.core.lua cimport lua_State
from host.core.sync cimport spin_lock, spin_unlock, spinlock
from host.core.system cimport (
    pthread_cond_destroy, pthread_cond_init, pthread_cond_signal, pthread_cond_t, pthread_cond_timedwait,
    pthread_condattr_destroy, pthread_condattr_init, pthread_condattr_setclock, pthread_condattr_t, pthread_mutex_destroy,
    pthread_mutex_init, pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock,
)

cdef const char *CHANNEL = "debugchannel"
cdef const char *HOOKS = "skynet.debugchannel.hooks"

# Bits of a hook's mask, by the events of lua_Debug: call, return, line, count, tail call. Source: lua.h.
cdef enum:
    MASK_CALL = 1
    MASK_RETURN = 2
    MASK_LINE = 4
    MASK_COUNT = 8

cdef const char *event_names[5]
event_names[:] = ["call", "return", "line", "count", "tail call"]

cdef struct text:
    text *next
    size_t sz
    char data[1]            # reaches beyond

cdef struct channel:
    channel *next           # under channels_lock, as is ends
    int ends                # userdata that refer to it; 2 at most
    bint connected          # there has been a second end
    pthread_mutex_t lock    # of what follows
    pthread_cond_t filled
    text *head
    text *tail

# All live channels, so that a pointer that is none is recognized.
cdef spinlock channels_lock
cdef channel *channels


cdef channel *channel_new() noexcept nogil:
    global channels
    cdef channel *c = <channel *>calloc(1, sizeof(channel))
    cdef pthread_condattr_t attr
    c.ends = 1
    pthread_mutex_init(&c.lock, NULL)
    pthread_condattr_init(&attr)
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC)
    pthread_cond_init(&c.filled, &attr)
    pthread_condattr_destroy(&attr)
    spin_lock(&channels_lock)
    c.next = channels
    channels = c
    spin_unlock(&channels_lock)
    return c


cdef channel *channel_connect(void *pointer, bint *known) noexcept nogil:
    """The channel, with one end more; NULL when it has had two, or is not known."""
    cdef channel *c
    spin_lock(&channels_lock)
    c = channels
    while c != NULL and c != pointer:
        c = c.next
    known[0] = c != NULL
    if c != NULL:
        if c.connected:
            c = NULL
        else:
            c.connected = True
            c.ends += 1
    spin_unlock(&channels_lock)
    return c


cdef void channel_release(channel *c) noexcept nogil:
    cdef channel **link
    cdef text *t
    cdef bint last
    spin_lock(&channels_lock)
    c.ends -= 1
    last = c.ends == 0
    if last:
        link = &channels
        while link[0] != c:
            link = &link[0].next
        link[0] = c.next
    spin_unlock(&channels_lock)
    if not last:
        return
    while c.head != NULL:
        t = c.head
        c.head = t.next
        free(t)
    pthread_cond_destroy(&c.filled)
    pthread_mutex_destroy(&c.lock)
    free(c)


cdef void channel_write(channel *c, const char *s, size_t sz) noexcept nogil:
    cdef text *t = <text *>malloc(sizeof(text) + sz)
    t.next = NULL
    t.sz = sz
    memcpy(t.data, s, sz)
    pthread_mutex_lock(&c.lock)
    if c.tail != NULL:
        c.tail.next = t
    else:
        c.head = t
    c.tail = t
    pthread_cond_signal(&c.filled)
    pthread_mutex_unlock(&c.lock)


cdef text *channel_read(channel *c, double seconds) noexcept nogil:
    """The oldest text, which is the caller's to free; NULL when none comes in time."""
    cdef timespec until
    cdef long long ns
    cdef text *t
    clock_gettime(CLOCK_MONOTONIC, &until)
    ns = until.tv_nsec + <long long>(seconds * 1e9)
    until.tv_sec += ns // 1000000000
    until.tv_nsec = ns % 1000000000
    pthread_mutex_lock(&c.lock)
    if seconds > 0:
        while c.head == NULL and pthread_cond_timedwait(&c.filled, &c.lock, &until) == 0:
            pass
    t = c.head
    if t != NULL:
        c.head = t.next
        if c.head == NULL:
            c.tail = NULL
    pthread_mutex_unlock(&c.lock)
    return t


# -- the two ends

cdef channel **check_end(lua_State *L) noexcept nogil:
    return <channel **>lua.luaL_checkudata(L, 1, CHANNEL)


cdef channel **new_end(lua_State *L) noexcept nogil:
    """An end without a channel, on top of the stack."""
    cdef channel **end = <channel **>lua.lua_newuserdatauv(L, sizeof(channel *), 0)
    end[0] = NULL
    lua.luaL_setmetatable(L, CHANNEL)
    return end


# debugchannel.create() -> channel, pointer
cdef int lcreate(lua_State *L) noexcept nogil:
    cdef channel **end = new_end(L)
    end[0] = channel_new()
    lua.lua_pushlightuserdata(L, end[0])
    return 2


# debugchannel.connect(pointer) -> channel
cdef int lconnect(lua_State *L) noexcept nogil:
    cdef void *pointer = lua.lua_touserdata(L, 1)
    cdef channel **end
    cdef bint known
    if pointer == NULL:
        return lua.luaL_error(L, "Invalid channel pointer")
    end = new_end(L)
    end[0] = channel_connect(pointer, &known)
    if end[0] == NULL:
        return lua.luaL_error(L, "new channel failed" if known else "Invalid channel pointer")
    return 1


# debugchannel.release(channel), also its finalizer: the end is of no use any more
cdef int lrelease(lua_State *L) noexcept nogil:
    cdef channel **end = check_end(L)
    if end[0] != NULL:
        channel_release(end[0])
        end[0] = NULL
    return 0


cdef channel *check_channel(lua_State *L) noexcept nogil:
    cdef channel **end = check_end(L)
    if end[0] == NULL:
        lua.luaL_error(L, "Invalid channel")
    return end[0]


# channel:write(text)
cdef int lwrite(lua_State *L) noexcept nogil:
    cdef channel *c = check_channel(L)
    cdef size_t sz
    cdef const char *s = lua.luaL_checklstring(L, 2, &sz)
    channel_write(c, s, sz)
    return 0


# channel:read(seconds?) -> text | nothing; waits that long, and blocks the worker meanwhile
cdef int lread(lua_State *L) noexcept nogil:
    cdef channel *c = check_channel(L)
    cdef double seconds = lua.luaL_optnumber(L, 2, 0)
    cdef text *t = channel_read(c, seconds)
    if t == NULL:
        return 0
    lua.lua_pushlstring(L, t.data, t.sz)
    free(t)
    return 1


# -- hooks

cdef void hook(lua_State *L, lua.lua_Debug *ar) noexcept nogil:
    """Call the function of this thread with the event's name and line; yield when it returns true."""
    cdef bint wants_yield
    if lua.luaL_getsubtable(L, lua.LUA_REGISTRYINDEX, HOOKS):
        lua.lua_pushthread(L)
        lua.lua_rawget(L, -2)
        if lua.lua_isfunction(L, -1):
            lua.lua_pushstring(L, event_names[ar.event])
            if ar.currentline >= 0:
                lua.lua_pushinteger(L, ar.currentline)
            else:
                lua.lua_pushnil(L)
            lua.lua_call(L, 2, 1)
            wants_yield = lua.lua_toboolean(L, -1)
            lua.lua_pop(L, 2)
            if wants_yield and lua.lua_isyieldable(L):
                # A hook may yield only without values, and as the last thing it does.
                lua.lua_yieldk(L, 0, 0, NULL)
            return
        lua.lua_pop(L, 1)
    lua.lua_pop(L, 1)


# debugchannel.sethook([thread,] f, mask, count?); without f: no hook
cdef int lsethook(lua_State *L) noexcept nogil:
    """As debug.sethook, except that the thread yields after a line or count event for which f returns true."""
    cdef lua_State *thread = L
    cdef const char *mask
    cdef int arg = 0
    cdef int bits = 0
    cdef int count = 0
    if lua.lua_type(L, 1) == lua.LUA_TTHREAD:
        thread = lua.lua_tothread(L, 1)
        arg = 1
    if lua.lua_isnoneornil(L, arg + 1):
        lua.lua_settop(L, arg + 1)
    else:
        lua.luaL_checktype(L, arg + 1, lua.LUA_TFUNCTION)
        mask = lua.luaL_checklstring(L, arg + 2, NULL)
        count = <int>lua.luaL_optinteger(L, arg + 3, 0)
        if strchr(mask, c"c") != NULL:
            bits |= MASK_CALL
        if strchr(mask, c"r") != NULL:
            bits |= MASK_RETURN
        if strchr(mask, c"l") != NULL:
            bits |= MASK_LINE
        if count > 0:
            bits |= MASK_COUNT
    if not lua.luaL_getsubtable(L, lua.LUA_REGISTRYINDEX, HOOKS):
        # keyed by threads, which it must not keep alive
        lua.lua_pushstring(L, "k")
        lua.lua_setfield(L, -2, "__mode")
        lua.lua_pushvalue(L, -1)
        lua.lua_setmetatable(L, -2)
    if not lua.lua_checkstack(thread, 1):
        return lua.luaL_error(L, "stack overflow")
    lua.lua_pushthread(thread)
    lua.lua_xmove(thread, L, 1)
    lua.lua_pushvalue(L, arg + 1)
    lua.lua_rawset(L, -3)
    # a mask of 0 takes the hook away
    lua.lua_sethook(thread, hook, bits, count)
    return 0


cdef lua.luaL_Reg[5] functions
functions[0] = lua.luaL_Reg("create", lcreate)
functions[1] = lua.luaL_Reg("connect", lconnect)
functions[2] = lua.luaL_Reg("release", lrelease)
functions[3] = lua.luaL_Reg("sethook", lsethook)
functions[4] = lua.luaL_Reg(NULL, NULL)

cdef lua.luaL_Reg[3] methods
methods[0] = lua.luaL_Reg("write", lwrite)
methods[1] = lua.luaL_Reg("read", lread)
methods[2] = lua.luaL_Reg(NULL, NULL)


cdef public int luaopen_skynet_debugchannel(lua_State *L) noexcept nogil:
    if lua.luaL_newmetatable(L, CHANNEL):
        lua.lua_createtable(L, 0, 2)
        lua.luaL_setfuncs(L, methods, 0)
        lua.lua_setfield(L, -2, "__index")
        lua.lua_pushcfunction(L, lrelease)
        lua.lua_setfield(L, -2, "__gc")
    lua.lua_createtable(L, 0, 4)
    lua.luaL_setfuncs(L, functions, 0)
    return 1


def openers() -> dict[str, int]:
    """Return the address of the opener of each Lua module in here, by the name that Lua requires it with."""
    return {"skynet.debugchannel": <uintptr_t>&luaopen_skynet_debugchannel}
