# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""The skynet table of a Lua service. It begins empty: a name becomes a field when it is first looked up, so that an idle
service pays only for the part of the API that it uses. Names that are not native are left to skynet.more.
"""

from libc.stdint cimport uintptr_t
from libc.string cimport strcmp

from host.core cimport lua
from host.core.env cimport env_get
from host.core.lua cimport lua_State, set_function
from host.luaclib cimport core, task
from host.luaclib.seri cimport lpack, lpackstring, lunpack
from host.luaclib.snlua cimport snlua_failed, snlua_of

cdef struct function_entry:
    const char *name
    lua.lua_CFunction function

cdef struct type_entry:
    const char *name
    int id

# Of the opener's table, kept in the registry.
cdef char HANDLERS_KEY          # also the table of protocols' key + 1
cdef char PROTO_KEY


cdef void push_proto(lua_State *L) noexcept nogil:
    lua.lua_rawgetp(L, lua.LUA_REGISTRYINDEX, &PROTO_KEY)


# -- protocols

cdef int assertion(lua_State *L, bint ok) noexcept nogil:
    if not ok:
        lua.luaL_error(L, "assertion failed!")
    return 0


# register_protocol { name = string, id = 0..255, pack?, unpack?, dispatch?, trace? }
cdef int lregister_protocol(lua_State *L) noexcept nogil:
    cdef lua.lua_Integer id
    cdef int is_integer
    lua.luaL_checktype(L, 1, lua.LUA_TTABLE)
    lua.lua_settop(L, 1)
    push_proto(L)                                           # class proto
    assertion(L, lua.lua_getfield(L, 1, "name") == lua.LUA_TSTRING)
    lua.lua_getfield(L, 1, "id")                            # class proto name id
    id = lua.lua_tointegerx(L, 4, &is_integer)
    assertion(L, is_integer and lua.lua_type(L, 4) == lua.LUA_TNUMBER and 0 <= id <= 255)
    lua.lua_pushvalue(L, 3)
    assertion(L, lua.lua_rawget(L, 2) == lua.LUA_TNIL)
    assertion(L, lua.lua_rawgeti(L, 2, id) == lua.LUA_TNIL)
    lua.lua_settop(L, 3)
    lua.lua_pushvalue(L, 1)
    lua.lua_rawset(L, 2)
    lua.lua_pushvalue(L, 1)
    lua.lua_rawseti(L, 2, id)
    if lua.lua_getfield(L, 1, "trace") != lua.LUA_TNIL:
        push_skynet(L)
        lua.lua_getfield(L, -1, "traceproto")
        lua.lua_pushinteger(L, id)
        lua.lua_getfield(L, 1, "trace")
        lua.lua_call(L, 2, 0)
    return 0


# dispatch(typename, function?) -> the function before, or the current one
cdef int ldispatch(lua_State *L) noexcept nogil:
    lua.lua_settop(L, 2)
    push_proto(L)
    lua.lua_pushvalue(L, 1)
    if lua.lua_type(L, 1) == lua.LUA_TNIL or lua.lua_rawget(L, 3) != lua.LUA_TTABLE:
        if lua.lua_isnil(L, 2):
            lua.lua_pushnil(L)
            return 1
        return lua.luaL_error(L, "attempt to index a nil value (local 'p')")
    lua.lua_getfield(L, 4, "dispatch")                      # typename f proto p before
    if not lua.lua_isnil(L, 2):
        lua.lua_pushvalue(L, 2)
        lua.lua_setfield(L, 4, "dispatch")
    return 1


# redirect(dest, source, typename, session | nil, msg, sz?) -> session | false | nothing
cdef int lredirect(lua_State *L) noexcept nogil:
    push_proto(L)
    lua.lua_pushvalue(L, 3)
    if lua.lua_type(L, 3) == lua.LUA_TNIL or lua.lua_rawget(L, -2) != lua.LUA_TTABLE:
        return lua.luaL_error(L, "attempt to index a nil value (field '?')")
    lua.lua_getfield(L, -1, "id")
    lua.lua_replace(L, 3)
    lua.lua_pop(L, 2)
    return core.lredirect(L)


# -- the service

# self() -> handle
cdef int lself(lua_State *L) noexcept nogil:
    lua.lua_pushinteger(L, snlua_of(L).ctx.handle)
    return 1


# address(handle | any) -> ":%08x" | text
cdef int laddress(lua_State *L) noexcept nogil:
    lua.lua_settop(L, 1)
    if lua.lua_type(L, 1) != lua.LUA_TNUMBER:
        lua.luaL_tolstring(L, 1, NULL)
        return 1
    lua.lua_getglobal(L, "string")
    lua.lua_getfield(L, -1, "format")
    lua.lua_pushstring(L, ":%08x")
    lua.lua_pushvalue(L, 1)
    lua.lua_call(L, 2, 1)
    return 1


# getenv(key) -> string | nil
cdef int lgetenv(lua_State *L) noexcept nogil:
    cdef const char *value = env_get(lua.luaL_checklstring(L, 1, NULL))
    if value == NULL:
        lua.lua_pushnil(L)
    else:
        lua.lua_pushstring(L, value)
    return 1


# newservice(name, ...) -> handle | nothing; yields
cdef int lnewservice(lua_State *L) noexcept nogil:
    lua.luaL_checkstack(L, 4, NULL)
    lua.lua_pushstring(L, ".launcher")
    lua.lua_pushstring(L, "lua")
    lua.lua_pushstring(L, "LAUNCH")
    lua.lua_pushstring(L, "snlua")
    lua.lua_rotate(L, 1, 4)
    return task.lcall(L)


# start(f): messages are dispatched from now on, and f runs in a coroutine of its own
cdef int lstart(lua_State *L) noexcept nogil:
    lua.lua_settop(L, 1)
    task.llisten(L)
    lua.lua_pushinteger(L, 0)
    push_skynet(L)
    lua.lua_getfield(L, -1, "init_service")                 # f 0 skynet init_service
    lua.lua_pushvalue(L, 1)
    lua.lua_pushcclosure(L, lstart_service, 2)
    lua.lua_remove(L, -2)
    lua.lua_remove(L, 1)                                    # 0 closure
    return task.ltimeout(L)


cdef int start_end(lua_State *L, int status, lua.lua_KContext ctx) noexcept nogil:
    return 0


cdef int lstart_service(lua_State *L) noexcept nogil:
    lua.lua_settop(L, 0)
    lua.lua_pushvalue(L, lua.lua_upvalueindex(1))
    lua.lua_pushvalue(L, lua.lua_upvalueindex(2))
    lua.lua_callk(L, 1, 0, 0, start_end)
    return 0


# exit(): never returns
cdef int lexit(lua_State *L) noexcept nogil:
    lua.lua_settop(L, 0)
    lua.lua_pushcfunction(L, task.lsend)
    lua.lua_pushstring(L, ".launcher")
    lua.lua_pushstring(L, "lua")
    lua.lua_pushstring(L, "REMOVE")
    lua.lua_pushinteger(L, snlua_of(L).ctx.handle)
    lua.lua_pushboolean(L, 0)
    lua.lua_call(L, 5, 0)
    return task.lexit(L)


# start_failed(text): for whoever started the node
cdef int lstart_failed(lua_State *L) noexcept nogil:
    snlua_failed(snlua_of(L), lua.luaL_checklstring(L, 1, NULL))
    return 0


# -- require and init

# Registry: coroutine -> list of the init functions of the chunk it is running.
cdef char INITS_KEY
cdef char REQUIRE_KEY           # Lua's own require


cdef int require_end(lua_State *L, int status, lua.lua_KContext ctx) noexcept nogil:
    return lua.lua_gettop(L)


# require(name) -> value, and on the main thread what the loader was told; in a coroutine it yields when the module blocks, or another coroutine loads it
cdef int lrequire(lua_State *L) noexcept nogil:
    cdef bint is_main
    lua.luaL_checklstring(L, 1, NULL)
    lua.lua_settop(L, 1)
    lua.lua_getfield(L, lua.LUA_REGISTRYINDEX, "_LOADED")
    lua.lua_pushvalue(L, 1)
    if lua.lua_gettable(L, 2) != lua.LUA_TNIL:
        return 1
    is_main = lua.lua_pushthread(L)
    lua.lua_settop(L, 1)
    if is_main:
        lua.lua_pushvalue(L, lua.lua_upvalueindex(1))
    else:
        # skynet.requireco, once it is loaded, is the function that may block
        lua.lua_pushvalue(L, lua.lua_upvalueindex(1))
        lua.lua_pushstring(L, "skynet.requireco")
        lua.lua_call(L, 1, 1)
    lua.lua_insert(L, 1)
    lua.lua_callk(L, 1, lua.LUA_MULTRET, 0, require_end)
    return require_end(L, lua.LUA_OK, 0)


cdef void push_inits(lua_State *L) noexcept nogil:
    """Push the registry's table of init functions."""
    if lua.lua_rawgetp(L, lua.LUA_REGISTRYINDEX, &INITS_KEY) == lua.LUA_TTABLE:
        return
    lua.lua_pop(L, 1)
    lua.lua_newtable(L)
    lua.lua_pushvalue(L, -1)
    lua.lua_rawsetp(L, lua.LUA_REGISTRYINDEX, &INITS_KEY)


# init(f): run f before the start function, or, in a module that a coroutine loads, after its chunk
cdef int linit(lua_State *L) noexcept nogil:
    cdef bint is_main
    assertion(L, lua.lua_type(L, 1) == lua.LUA_TFUNCTION)
    lua.lua_settop(L, 1)
    push_inits(L)                                           # f inits
    is_main = lua.lua_pushthread(L)
    if lua.lua_rawget(L, 2) != lua.LUA_TTABLE:              # f inits list
        if not is_main or lua.lua_getfield(L, lua.LUA_REGISTRYINDEX, "skynet_started") != lua.LUA_TNIL:
            return lua.luaL_error(L, "bad argument #1 to 'insert' (table expected, got nil)")
        lua.lua_settop(L, 2)
        lua.lua_newtable(L)
        lua.lua_pushthread(L)
        lua.lua_pushvalue(L, 3)
        lua.lua_rawset(L, 2)
    lua.lua_pushvalue(L, 1)
    lua.lua_rawseti(L, 3, <lua.lua_Integer>lua.lua_rawlen(L, 3) + 1)
    return 0


# _inits() -> { [coroutine] = { f, ... } }, for skynet.requireco
cdef int linits(lua_State *L) noexcept nogil:
    push_inits(L)
    return 1


# _plain_require() -> Lua's own require
cdef int lplain_require(lua_State *L) noexcept nogil:
    lua.lua_rawgetp(L, lua.LUA_REGISTRYINDEX, &REQUIRE_KEY)
    return 1


# _main_inits() -> list | nil: what the main chunk has registered, once
cdef int lmain_inits(lua_State *L) noexcept nogil:
    push_inits(L)
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, lua.LUA_RIDX_MAINTHREAD)
    lua.lua_pushvalue(L, -1)
    lua.lua_rawget(L, -3)                                   # inits main list
    lua.lua_insert(L, -3)
    lua.lua_pushnil(L)
    lua.lua_rawset(L, -3)
    lua.lua_pop(L, 1)
    lua.lua_pushboolean(L, 1)
    lua.lua_setfield(L, lua.LUA_REGISTRYINDEX, "skynet_started")
    return 1


# require "skynet.coroutine_require": the function that replaces the global require
cdef int luaopen_skynet_coroutine_require(lua_State *L) noexcept nogil:
    lua.lua_getglobal(L, "require")
    lua.lua_pushvalue(L, -1)
    lua.lua_rawsetp(L, lua.LUA_REGISTRYINDEX, &REQUIRE_KEY)
    lua.lua_pushcclosure(L, lrequire, 1)
    # the module skynet.require, as the original's loader leaves it
    lua.lua_getfield(L, lua.LUA_REGISTRYINDEX, "_LOADED")
    lua.lua_createtable(L, 0, 2)
    lua.lua_pushvalue(L, -3)
    lua.lua_setfield(L, -2, "require")
    set_function(L, "init", linit)
    lua.lua_setfield(L, -2, "skynet.require")
    lua.lua_pop(L, 1)
    return 1


# -- the table

cdef type_entry types[13]
types[0] = type_entry("PTYPE_TEXT", 0)
types[1] = type_entry("PTYPE_RESPONSE", 1)
types[2] = type_entry("PTYPE_MULTICAST", 2)
types[3] = type_entry("PTYPE_CLIENT", 3)
types[4] = type_entry("PTYPE_SYSTEM", 4)
types[5] = type_entry("PTYPE_HARBOR", 5)
types[6] = type_entry("PTYPE_SOCKET", 6)
types[7] = type_entry("PTYPE_ERROR", 7)
types[8] = type_entry("PTYPE_QUEUE", 8)
types[9] = type_entry("PTYPE_DEBUG", 9)
types[10] = type_entry("PTYPE_LUA", 10)
types[11] = type_entry("PTYPE_SNAX", 11)
types[12] = type_entry("PTYPE_TRACE", 12)

cdef function_entry functions[44]
cdef int nfunctions


cdef void add(const char *name, lua.lua_CFunction function):
    global nfunctions
    functions[nfunctions] = function_entry(name, function)
    nfunctions += 1


add("send", task.lsend)
add("rawsend", task.lrawsend)
add("call", task.lcall)
add("rawcall", task.lrawcall)
add("ret", task.lret)
add("retpack", task.lretpack)
add("ignoreret", task.lignoreret)
add("context", task.lcontext)
add("response", task.lresponse)
add("sleep", task.lsleep)
add("yield", task.lyield)
add("wait", task.lwait)
add("wakeup", task.lwakeup)
add("fork", task.lfork)
add("timeout", task.ltimeout)
add("dispatch_message", task.ldispatch_message)
add("redirect", lredirect)
add("register_protocol", lregister_protocol)
add("dispatch", ldispatch)
add("pack", lpack)
add("packstring", lpackstring)
add("unpack", lunpack)
add("genid", core.lgenid)
add("tostring", core.ltostring)
add("trash", core.ltrash)
add("error", core.lerror)
add("now", core.lnow)
add("hpc", core.lhpc)
add("harbor", core.lharbor)
add("tracelog", core.ltrace)
add("self", lself)
add("address", laddress)
add("getenv", lgetenv)
add("newservice", lnewservice)
add("start", lstart)
add("exit", lexit)
add("init", linit)
add("_inits", linits)
add("_plain_require", lplain_require)
add("_main_inits", lmain_inits)
add("_start_failed", lstart_failed)


cdef void push_skynet(lua_State *L) noexcept nogil:
    lua.lua_rawgetp(L, lua.LUA_REGISTRYINDEX, &HANDLERS_KEY)
    lua.lua_getfield(L, -1, "skynet")
    lua.lua_remove(L, -2)


cdef bint push_native(lua_State *L, const char *key) noexcept nogil:
    cdef int i
    for i in range(nfunctions):
        if strcmp(functions[i].name, key) == 0:
            lua.lua_pushcfunction(L, functions[i].function)
            return True
    for i in range(13):
        if strcmp(types[i].name, key) == 0:
            lua.lua_pushinteger(L, types[i].id)
            return True
    return False


# __index of the skynet table: (skynet, key) -> value
cdef int lindex(lua_State *L) noexcept nogil:
    if lua.lua_type(L, 2) == lua.LUA_TSTRING and push_native(L, lua.lua_tostring(L, 2)):
        lua.lua_pushvalue(L, 2)
        lua.lua_pushvalue(L, 3)
        lua.lua_rawset(L, 1)
        return 1
    load_more(L)
    lua.lua_settop(L, 2)
    lua.lua_rawget(L, 1)
    return 1


cdef void load_more(lua_State *L) noexcept nogil:
    """Let skynet.more complete the table, unless it has done so."""
    lua.lua_rawgetp(L, lua.LUA_REGISTRYINDEX, &HANDLERS_KEY)
    if lua.lua_getfield(L, -1, "load_more") == lua.LUA_TFUNCTION:
        lua.lua_pushnil(L)
        lua.lua_setfield(L, -3, "load_more")
        lua.lua_call(L, 0, 0)


# __pairs of the skynet table: everything is in it afterwards
cdef int lpairs(lua_State *L) noexcept nogil:
    cdef int i
    load_more(L)
    for i in range(nfunctions):
        lua.lua_getfield(L, 1, functions[i].name)
    for i in range(13):
        lua.lua_getfield(L, 1, types[i].name)
    lua.lua_settop(L, 1)
    lua.lua_getglobal(L, "next")
    lua.lua_insert(L, 1)
    lua.lua_pushnil(L)
    return 3


# __index of the handlers: (handlers, key) -> function
cdef int lhandler(lua_State *L) noexcept nogil:
    lua.lua_rawgetp(L, lua.LUA_REGISTRYINDEX, &HANDLERS_KEY)
    lua.lua_pushstring(L, "load_more")
    if lua.lua_rawget(L, -2) == lua.LUA_TNIL:
        return 0
    load_more(L)
    lua.lua_settop(L, 2)
    lua.lua_rawget(L, 1)
    return 1


cdef int ldebug_end(lua_State *L, int status, lua.lua_KContext ctx) noexcept nogil:
    return 0


# dispatch function of protocol debug: (session, source, cmd, ...)
cdef int ldebug(lua_State *L) noexcept nogil:
    lua.luaL_checkstack(L, 4, NULL)
    lua.lua_getglobal(L, "require")
    lua.lua_pushstring(L, "skynet.debug")
    lua.lua_call(L, 1, 1)
    lua.lua_getfield(L, -1, "dispatch")
    lua.lua_insert(L, 1)
    lua.lua_pop(L, 1)
    lua.lua_callk(L, lua.lua_gettop(L) - 1, 0, 0, ldebug_end)
    return 0


cdef void add_protocol(lua_State *L, const char *name, int id, bint packs) noexcept nogil:
    """A predefined protocol, for the table of protocols at index 2; left on the stack."""
    lua.lua_createtable(L, 0, 5 if packs else 2)
    lua.lua_pushstring(L, name)
    lua.lua_setfield(L, -2, "name")
    lua.lua_pushinteger(L, id)
    lua.lua_setfield(L, -2, "id")
    if packs:
        set_function(L, "pack", lpack)
        set_function(L, "unpack", lunpack)
    lua.lua_pushvalue(L, -1)
    lua.lua_setfield(L, 2, name)
    lua.lua_pushvalue(L, -1)
    lua.lua_rawseti(L, 2, id)


# the function that require "skynet.api" gives: (skynet, protocols, handlers)
cdef int lopen(lua_State *L) noexcept nogil:
    lua.lua_settop(L, 3)
    lua.lua_createtable(L, 0, 2)
    set_function(L, "__index", lindex)
    set_function(L, "__pairs", lpairs)
    lua.lua_setmetatable(L, 1)
    lua.lua_createtable(L, 0, 1)
    set_function(L, "__index", lhandler)
    lua.lua_setmetatable(L, 3)
    lua.lua_pushvalue(L, 1)
    lua.lua_setfield(L, 3, "skynet")
    lua.lua_pushvalue(L, 2)
    lua.lua_rawsetp(L, lua.LUA_REGISTRYINDEX, &PROTO_KEY)
    lua.lua_pushvalue(L, 3)
    lua.lua_rawsetp(L, lua.LUA_REGISTRYINDEX, &HANDLERS_KEY)
    lua.lua_pushcfunction(L, task.linit)
    lua.lua_pushvalue(L, 2)
    lua.lua_pushvalue(L, 3)
    lua.lua_call(L, 2, 0)
    add_protocol(L, "lua", 10, True)
    add_protocol(L, "debug", 9, True)
    set_function(L, "dispatch", ldebug)
    add_protocol(L, "response", 1, False)
    add_protocol(L, "error", 7, False)
    return 0


# require "skynet.api" -> function(skynet, protocols, handlers)
cdef int luaopen_skynet_api(lua_State *L) noexcept nogil:
    lua.lua_pushcfunction(L, lopen)
    return 1


def openers() -> dict[str, int]:
    """Return the modules of this extension: name that Lua requires -> address of its opener."""
    return {
        "skynet.api": <uintptr_t>luaopen_skynet_api,
        "skynet.coroutine_require": <uintptr_t>luaopen_skynet_coroutine_require,
    }
