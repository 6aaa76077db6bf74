# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""A started thread has its total in a weak table, and the stamp of its last resume in another, both in the registry and
keyed by thread. Nothing is looked up while no thread of the VM is started.
"""

from posix.time cimport clock_gettime, timespec

from host.core cimport lua
from host.core.lua cimport lua_State
from host.luaclib.snlua cimport snlua, snlua_of

cdef extern from "time.h" nogil:
    int CLOCK_THREAD_CPUTIME_ID

cdef char START_KEY, TOTAL_KEY


cdef double thread_seconds() noexcept nogil:
    """CPU seconds of the OS thread, modulo 65536 as in the original."""
    cdef timespec ts
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts)
    return <double>(ts.tv_sec & 0xffff) + <double>ts.tv_nsec * 1e-9


cdef double since(double start) noexcept nogil:
    cdef double passed = thread_seconds() - start
    return passed + 0x10000 if passed < 0 else passed


cdef void weak_table(lua_State *L, char *key) noexcept nogil:
    """Push the registry's table of this key, which is made when it is missing."""
    if lua.lua_rawgetp(L, lua.LUA_REGISTRYINDEX, key) == lua.LUA_TTABLE:
        return
    lua.lua_pop(L, 1)
    lua.lua_newtable(L)
    lua.lua_createtable(L, 0, 1)
    lua.lua_pushstring(L, "k")
    lua.lua_setfield(L, -2, "__mode")
    lua.lua_setmetatable(L, -2)
    lua.lua_pushvalue(L, -1)
    lua.lua_rawsetp(L, lua.LUA_REGISTRYINDEX, key)


cdef bint get_number(lua_State *L, char *key, lua_State *co, double *value) noexcept nogil:
    cdef bint found
    weak_table(L, key)
    push_thread(L, co)
    found = lua.lua_rawget(L, -2) == lua.LUA_TNUMBER
    if found:
        value[0] = lua.lua_tonumber(L, -1)
    lua.lua_pop(L, 2)
    return found


cdef void set_number(lua_State *L, char *key, lua_State *co, double value) noexcept nogil:
    weak_table(L, key)
    push_thread(L, co)
    lua.lua_pushnumber(L, value)
    lua.lua_rawset(L, -3)
    lua.lua_pop(L, 1)


cdef void push_thread(lua_State *L, lua_State *co) noexcept nogil:
    lua.lua_pushthread(co)
    if co != L:
        lua.lua_xmove(co, L, 1)


cdef void profile_enter(lua_State *L, lua_State *co) noexcept nogil:
    cdef double total
    if get_number(L, &TOTAL_KEY, co, &total):
        set_number(L, &START_KEY, co, thread_seconds())


cdef void profile_leave(lua_State *L, lua_State *co) noexcept nogil:
    cdef double total, start
    if get_number(L, &TOTAL_KEY, co, &total) and get_number(L, &START_KEY, co, &start):
        set_number(L, &TOTAL_KEY, co, total + since(start))


cdef lua_State *thread_arg(lua_State *L) noexcept nogil:
    cdef lua_State *co
    if lua.lua_type(L, 1) == lua.LUA_TNONE or lua.lua_type(L, 1) == lua.LUA_TNIL:
        return L
    co = lua.lua_tothread(L, 1)
    if co == NULL:
        lua.luaL_typeerror(L, 1, "thread")
    return co


# profile.start(thread?)
cdef int lstart(lua_State *L) noexcept nogil:
    cdef lua_State *co = thread_arg(L)
    cdef double total
    if get_number(L, &TOTAL_KEY, co, &total):
        push_thread(L, co)
        return lua.luaL_error(L, "Thread %p start profile more than once", lua.lua_topointer(L, -1))
    set_number(L, &TOTAL_KEY, co, 0.0)
    set_number(L, &START_KEY, co, thread_seconds())
    snlua_of(L).profiled += 1
    return 0


# profile.stop(thread?) -> seconds
cdef int lstop(lua_State *L) noexcept nogil:
    cdef lua_State *co = thread_arg(L)
    cdef double total
    cdef double start = 0
    if not get_number(L, &TOTAL_KEY, co, &total):
        return lua.luaL_error(L, "Call profile.start() before profile.stop()")
    if get_number(L, &START_KEY, co, &start):
        total += since(start)
    weak_table(L, &TOTAL_KEY)
    push_thread(L, co)
    lua.lua_pushnil(L)
    lua.lua_rawset(L, -3)
    weak_table(L, &START_KEY)
    push_thread(L, co)
    lua.lua_pushnil(L)
    lua.lua_rawset(L, -3)
    snlua_of(L).profiled -= 1
    lua.lua_pushnumber(L, total)
    return 1


cdef int resume(lua_State *L, lua_State *co, int narg) noexcept nogil:
    """Move narg values to co, run it, and move its results back: their number, or -1 with a message on top."""
    cdef snlua *s = snlua_of(L)
    cdef lua_State *before = s.active
    cdef int nres, status
    if not lua.lua_checkstack(co, narg):
        lua.lua_pushstring(L, "too many arguments to resume")
        return -1
    lua.lua_xmove(L, co, narg)
    if s.profiled > 0:
        profile_enter(L, co)
    s.active = co
    status = lua.lua_resume(co, L, narg, &nres)
    s.active = before
    if s.profiled > 0:
        profile_leave(L, co)
    if status == lua.LUA_OK or status == lua.LUA_YIELD:
        if not lua.lua_checkstack(L, nres + 1):
            lua.lua_pop(co, nres)
            lua.lua_pushstring(L, "too many results to resume")
            return -1
        lua.lua_xmove(co, L, nres)
        return nres
    lua.lua_xmove(co, L, 1)
    return -1


# coroutine.resume(co, ...) -> true, ... | false, message
cdef int lresume(lua_State *L) noexcept nogil:
    cdef lua_State *co = lua.lua_tothread(L, 1)
    cdef int n
    if co == NULL:
        return lua.luaL_typeerror(L, 1, "thread")
    n = resume(L, co, lua.lua_gettop(L) - 1)
    lua.lua_pushboolean(L, n >= 0)
    if n < 0:
        n = 1
    lua.lua_insert(L, -(n + 1))
    return n + 1


cdef int lwrapped(lua_State *L) noexcept nogil:
    cdef lua_State *co = lua.lua_tothread(L, lua.lua_upvalueindex(1))
    cdef int n = resume(L, co, lua.lua_gettop(L))
    cdef int status
    if n >= 0:
        return n
    status = lua.lua_status(co)
    if status != lua.LUA_OK and status != lua.LUA_YIELD:
        # the coroutine has failed: close its variables, and let their error replace this one
        lua.lua_closethread(co, L)
        lua.lua_xmove(co, L, 1)
    if status != lua.LUA_ERRMEM and lua.lua_type(L, -1) == lua.LUA_TSTRING:
        lua.luaL_where(L, 1)
        lua.lua_insert(L, -2)
        lua.lua_concat(L, 2)
    return lua.lua_error(L)


# coroutine.wrap(f) -> function
cdef int lwrap(lua_State *L) noexcept nogil:
    cdef lua_State *co
    lua.luaL_checktype(L, 1, lua.LUA_TFUNCTION)
    co = lua.lua_newthread(L)
    lua.lua_pushvalue(L, 1)
    lua.lua_xmove(L, co, 1)
    lua.lua_pushcclosure(L, lwrapped, 1)
    return 1


cdef void profile_install(lua_State *L) noexcept nogil:
    lua.lua_getglobal(L, "coroutine")                       # coroutine
    lua.lua_pushcfunction(L, lresume)
    lua.lua_setfield(L, -2, "resume")
    lua.lua_pushcfunction(L, lwrap)
    lua.lua_setfield(L, -2, "wrap")
    lua.lua_getglobal(L, "package")
    lua.lua_getfield(L, -1, "loaded")                       # coroutine package loaded
    lua.lua_createtable(L, 0, 4)
    lua.lua_pushcfunction(L, lstart)
    lua.lua_setfield(L, -2, "start")
    lua.lua_pushcfunction(L, lstop)
    lua.lua_setfield(L, -2, "stop")
    lua.lua_pushcfunction(L, lresume)
    lua.lua_setfield(L, -2, "resume")
    lua.lua_pushcfunction(L, lwrap)
    lua.lua_setfield(L, -2, "wrap")
    lua.lua_setfield(L, -2, "skynet.profile")
    lua.lua_pop(L, 3)
