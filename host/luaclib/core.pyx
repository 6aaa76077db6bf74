# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.stdint cimport int32_t, uint32_t, uintptr_t
from libc.stdio cimport snprintf
from libc.stdlib cimport free, strtoul
from libc.string cimport strlen

from host.core cimport lua
from host.core.command cimport command_result, command_timeout, skynet_command
from host.core.context cimport (
    context, context_error, context_newsession, context_send, context_sendname,
)
from host.core.handle cimport handle_isremote
from host.core.lua cimport lua_State, set_function
from host.core.message cimport PTYPE_TAG_ALLOCSESSION, PTYPE_TAG_DONTCOPY
from host.core.sync cimport atomic_store_relaxed, clock_ns
from host.core.timer cimport timer_now
from host.luaclib.seri cimport lpack, lpackstring, lunpack
from host.luaclib.snlua cimport ltraceback, snlua, snlua_of, snlua_report


# -- send

cdef int core_payload(lua_State *L, int index, void **data, size_t *sz) noexcept nogil:
    cdef int type = lua.lua_type(L, index)
    if type == lua.LUA_TSTRING:
        data[0] = <void *>lua.lua_tolstring(L, index, sz)
        if sz[0] == 0:
            data[0] = NULL
        return 0
    if type == lua.LUA_TLIGHTUSERDATA:
        data[0] = lua.lua_touserdata(L, index)
        sz[0] = <size_t>lua.luaL_checkinteger(L, index + 1)
        return PTYPE_TAG_DONTCOPY
    return lua.luaL_error(L, "invalid param %s", lua.lua_typename(L, type))


cdef uint32_t core_destination(lua_State *L, int index, const char **name) noexcept nogil:
    cdef int is_integer
    cdef uint32_t handle = <uint32_t>lua.lua_tointegerx(L, index, &is_integer)
    cdef int type
    name[0] = NULL
    if handle != 0:
        return handle
    type = lua.lua_type(L, index)
    if type == lua.LUA_TNUMBER:
        lua.luaL_error(L, "Invalid service address 0")
    if type != lua.LUA_TSTRING:
        lua.luaL_error(L, "dest address type (%s) must be a string or number.", lua.lua_typename(L, type))
    name[0] = lua.lua_tostring(L, index)
    return 0


cdef int core_push_sent(lua_State *L, int32_t session) noexcept nogil:
    if session >= 0:
        lua.lua_pushinteger(L, session)
        return 1
    if session == -2:
        lua.lua_pushboolean(L, 0)
        return 1
    return 0


cdef int send(lua_State *L, uint32_t source, int type_index) noexcept nogil:
    """type, session, msg, sz from type_index on; the destination is the first argument."""
    cdef context *ctx = snlua_of(L).ctx
    cdef const char *name
    cdef uint32_t destination = core_destination(L, 1, &name)
    cdef int type = <int>lua.luaL_checkinteger(L, type_index)
    cdef int32_t session = 0
    cdef bint allocate = lua.lua_type(L, type_index + 1) == lua.LUA_TNIL
    cdef void *data
    cdef size_t sz
    if not allocate:
        session = <int32_t>lua.luaL_checkinteger(L, type_index + 1)
    type |= core_payload(L, type_index + 2, &data, &sz)
    if allocate:
        type |= PTYPE_TAG_ALLOCSESSION
    if name != NULL:
        session = context_sendname(ctx, source, name, type, session, data, sz)
    else:
        session = context_send(ctx, source, destination, type, session, data, sz)
    return core_push_sent(L, session)


# skynet.core.send(dest, type, session | nil, msg, sz?) -> session | false | nothing
cdef int lsend(lua_State *L) noexcept nogil:
    return send(L, 0, 2)


# skynet.core.redirect(dest, source, type, session | nil, msg, sz?) -> session | false | nothing
cdef int lredirect(lua_State *L) noexcept nogil:
    return send(L, <uint32_t>lua.luaL_checkinteger(L, 2), 3)


# skynet.core.genid() -> session
cdef int lgenid(lua_State *L) noexcept nogil:
    lua.lua_pushinteger(L, context_newsession(snlua_of(L).ctx))
    return 1


# -- commands

cdef const char *run_command(lua_State *L, command_result *result, const char *param) noexcept nogil:
    cdef const char *cmd = lua.luaL_checklstring(L, 1, NULL)
    skynet_command(snlua_of(L).ctx, cmd, param, result)
    if result.error != NULL:
        lua.luaL_error(L, "%s", result.error)
    return result.text


cdef const char *command_param(lua_State *L) noexcept nogil:
    return lua.luaL_checklstring(L, 2, NULL) if lua.lua_gettop(L) == 2 else NULL


# skynet.core.command(cmd, param?) -> string | nothing
cdef int lcommand(lua_State *L) noexcept nogil:
    cdef command_result result
    cdef const char *text = run_command(L, &result, command_param(L))
    if text == NULL:
        return 0
    lua.lua_pushstring(L, text)
    return 1


# skynet.core.addresscommand(cmd, param?) -> handle | nothing
cdef int laddresscommand(lua_State *L) noexcept nogil:
    cdef command_result result
    cdef const char *text = run_command(L, &result, command_param(L))
    if text == NULL or text[0] != c":":
        return 0
    lua.lua_pushinteger(L, <uint32_t>strtoul(text + 1, NULL, 16))
    return 1


# skynet.core.intcommand(cmd, param?) -> number | nothing
cdef int lintcommand(lua_State *L) noexcept nogil:
    cdef command_result result
    cdef const char *param = NULL
    cdef const char *text
    cdef char number[32]
    cdef lua.lua_Integer n
    cdef double d
    cdef char *end
    if lua.lua_gettop(L) == 2:
        if lua.lua_isnumber(L, 2):
            n = lua.luaL_checkinteger(L, 2)
            snprintf(number, sizeof(number), "%d", <int32_t>n)
            param = number
        else:
            param = lua.luaL_checklstring(L, 2, NULL)
    text = run_command(L, &result, param)
    if text == NULL:
        return 0
    n = strtoll(text, &end, 0)
    if end[0] == 0:
        lua.lua_pushinteger(L, n)
        return 1
    d = strtod(text, &end)
    if end[0] != 0:
        return lua.luaL_error(L, "Invalid result %s", text)
    lua.lua_pushnumber(L, d)
    return 1


cdef extern from "stdlib.h" nogil:
    long long strtoll(const char *s, char **end, int base) noexcept
    double strtod(const char *s, char **end) noexcept


# -- log lines

# skynet.core.error(...)
cdef int lerror(lua_State *L) noexcept nogil:
    cdef int n = lua.lua_gettop(L)
    cdef const char *text
    cdef size_t sz
    cdef int i
    if n == 0:
        lua.lua_pushnil(L)
        n = 1
    if n > 1:
        lua.luaL_checkstack(L, 2 * n, NULL)
    for i in range(1, n + 1):
        if i > 1:
            lua.lua_pushstring(L, " ")
        lua.luaL_tolstring(L, i, NULL)
    if n > 1:
        lua.lua_concat(L, 2 * n - 1)
    text = lua.lua_tolstring(L, -1, &sz)
    context_error(snlua_of(L).ctx, text, sz)
    return 0


# skynet.core.trace(tag, text, co?, level?)
cdef int ltrace(lua_State *L) noexcept nogil:
    cdef const char *tag = lua.luaL_checklstring(L, 1, NULL)
    cdef const char *text = lua.luaL_checklstring(L, 2, NULL)
    cdef lua_State *co = L
    cdef lua.lua_Debug ar
    cdef int level = 1
    cdef int found = 0
    cdef bint frames = not lua.lua_isnoneornil(L, 3)
    cdef const char *line
    cdef size_t sz
    if lua.lua_type(L, 3) == lua.LUA_TTHREAD:
        co = lua.lua_tothread(L, 3)
        level = <int>lua.luaL_optinteger(L, 4, 1)
    elif frames:
        level = <int>lua.luaL_optinteger(L, 3, 1)
    lua.lua_settop(L, 2)
    lua.lua_pushfstring(L, "<TRACE %s> %I %s", tag, <lua.lua_Integer>clock_ns(), text)
    while frames and found < 3 and lua.lua_getstack(co, level, &ar):
        lua.lua_getinfo(co, "Sl", &ar)
        if ar.currentline >= 0:
            lua.lua_pushfstring(L, "%s%s:%d", <const char *>" : " if found == 0 else <const char *>" ",
                                ar.source, ar.currentline)
            found += 1
        level += 1
    lua.lua_concat(L, found + 1)
    line = lua.lua_tolstring(L, -1, &sz)
    context_error(snlua_of(L).ctx, line, sz)
    return 0


# -- messages in hand

# skynet.core.tostring(ptr, sz) -> string | nothing
cdef int ltostring(lua_State *L) noexcept nogil:
    if lua.lua_isnoneornil(L, 1):
        return 0
    cdef const char *data = <const char *>lua.lua_touserdata(L, 1)
    cdef size_t sz = <size_t>lua.luaL_checkinteger(L, 2)
    if data == NULL:
        lua.lua_pushstring(L, "")
    else:
        lua.lua_pushlstring(L, data, sz)
    return 1


# skynet.core.trash(msg, sz?)
cdef int ltrash(lua_State *L) noexcept nogil:
    cdef int type = lua.lua_type(L, 1)
    if type == lua.LUA_TSTRING:
        return 0
    if type == lua.LUA_TLIGHTUSERDATA:
        lua.luaL_checkinteger(L, 2)
        free(lua.lua_touserdata(L, 1))
        return 0
    return lua.luaL_error(L, "skynet.trash invalid param %s", lua.lua_typename(L, type))


# -- the callback of a lualib that brings its own dispatcher

cdef int callback(
        context *ctx, void *ud, int type, int32_t session, uint32_t source, void *data, size_t sz) noexcept nogil:
    cdef snlua *s = <snlua *>ud
    cdef lua_State *L = s.cb
    cdef bint forward = s.forward
    cdef int status
    s.active = L
    lua.lua_settop(L, 2)                                    # traceback function
    lua.lua_pushvalue(L, 2)
    lua.lua_pushinteger(L, type)
    lua.lua_pushlightuserdata(L, data)
    lua.lua_pushinteger(L, <lua.lua_Integer>sz)
    lua.lua_pushinteger(L, session)
    lua.lua_pushinteger(L, source)
    status = lua.lua_pcall(L, 5, 0, 1)
    if status != lua.LUA_OK:
        snlua_report(s, L, status, source, session, sz)
        lua.lua_pop(L, 1)
    s.active = NULL
    atomic_store_relaxed(&s.interrupt, 0)
    return forward


# skynet.core.callback(function(type, msg, sz, session, source), forward?)
cdef int lcallback(lua_State *L) noexcept nogil:
    cdef snlua *s = snlua_of(L)
    cdef lua_State *cb
    lua.luaL_checktype(L, 1, lua.LUA_TFUNCTION)
    s.forward = lua.lua_toboolean(L, 2)
    lua.lua_settop(L, 1)
    # a new thread each time: the old one may be running
    cb = lua.lua_newthread(L)
    lua.lua_setfield(L, lua.LUA_REGISTRYINDEX, "callback_context")
    lua.lua_pushcfunction(cb, ltraceback)
    lua.lua_xmove(L, cb, 1)
    s.cb = cb
    s.ctx.ud = s
    s.ctx.callback = callback
    return 0


# -- the rest

# skynet.core.harbor(handle) -> id, is_remote
cdef int lharbor(lua_State *L) noexcept nogil:
    cdef uint32_t handle = <uint32_t>lua.luaL_checkinteger(L, 1)
    cdef int harbor = 0
    cdef bint remote = handle_isremote(handle, &harbor)
    lua.lua_pushinteger(L, harbor)
    lua.lua_pushboolean(L, remote)
    return 2


# skynet.core.now() -> 1/100 s
cdef int lnow(lua_State *L) noexcept nogil:
    lua.lua_pushinteger(L, <lua.lua_Integer>timer_now())
    return 1


# skynet.core.hpc() -> ns
cdef int lhpc(lua_State *L) noexcept nogil:
    lua.lua_pushinteger(L, <lua.lua_Integer>clock_ns())
    return 1


# require "skynet.core"
cdef int luaopen_skynet_core(lua_State *L) noexcept nogil:
    if lua.lua_getfield(L, lua.LUA_REGISTRYINDEX, "skynet_context") != lua.LUA_TLIGHTUSERDATA:
        return lua.luaL_error(L, "Init skynet context first")
    lua.lua_createtable(L, 0, 17)
    set_function(L, "send", lsend)
    set_function(L, "redirect", lredirect)
    set_function(L, "genid", lgenid)
    set_function(L, "command", lcommand)
    set_function(L, "intcommand", lintcommand)
    set_function(L, "addresscommand", laddresscommand)
    set_function(L, "error", lerror)
    set_function(L, "trace", ltrace)
    set_function(L, "callback", lcallback)
    set_function(L, "harbor", lharbor)
    set_function(L, "pack", lpack)
    set_function(L, "packstring", lpackstring)
    set_function(L, "unpack", lunpack)
    set_function(L, "tostring", ltostring)
    set_function(L, "trash", ltrash)
    set_function(L, "now", lnow)
    set_function(L, "hpc", lhpc)
    return 1


def openers() -> dict[str, int]:
    """Return the modules of this extension: name that Lua requires -> address of its opener."""
    return {"skynet.core": <uintptr_t>luaopen_skynet_core}
