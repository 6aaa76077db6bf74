"""Declarations of the Lua C API, valid for Lua 5.4 and 5.5; grouped as luaapi.h is. Nothing but declarations."""

from libc.stdint cimport intptr_t


cdef extern from "luaapi.h" nogil:
    ctypedef struct lua_State:
        pass
    ctypedef long long lua_Integer
    ctypedef unsigned long long lua_Unsigned
    ctypedef double lua_Number
    ctypedef intptr_t lua_KContext
    ctypedef int (*lua_CFunction)(lua_State *L) noexcept nogil
    ctypedef int (*lua_KFunction)(lua_State *L, int status, lua_KContext ctx) noexcept nogil
    ctypedef const char *(*lua_Reader)(lua_State *L, void *ud, size_t *sz) noexcept nogil
    ctypedef int (*lua_Writer)(lua_State *L, const void *p, size_t sz, void *ud) noexcept nogil
    ctypedef void *(*lua_Alloc)(void *ud, void *ptr, size_t osize, size_t nsize) noexcept nogil
    ctypedef struct lua_Debug:
        int event
        const char *name
        const char *namewhat
        const char *what
        const char *source
        size_t srclen
        int currentline
        int linedefined
        int lastlinedefined
    ctypedef void (*lua_Hook)(lua_State *L, lua_Debug *ar) noexcept nogil
    ctypedef struct luaL_Reg:
        const char *name
        lua_CFunction func

    bint lua_is55       # the loaded Lua is 5.5
    const int LUA_OK
    const int LUA_YIELD
    const int LUA_ERRRUN
    const int LUA_ERRSYNTAX
    const int LUA_ERRMEM
    const int LUA_ERRERR
    const int LUA_MULTRET
    const int LUA_TNONE
    const int LUA_TNIL
    const int LUA_TBOOLEAN
    const int LUA_TLIGHTUSERDATA
    const int LUA_TNUMBER
    const int LUA_TSTRING
    const int LUA_TTABLE
    const int LUA_TFUNCTION
    const int LUA_TUSERDATA
    const int LUA_TTHREAD
    const int LUA_MINSTACK
    const int LUA_RIDX_GLOBALS
    const int LUA_MASKCOUNT
    const int LUA_GCSTOP
    const int LUA_GCRESTART
    const int LUA_GCCOLLECT
    const int LUA_GCCOUNT
    const int LUA_GCCOUNTB
    const int LUA_GCSTEP
    const int LUA_OPEQ
    const int LUA_REGISTRYINDEX
    const int LUA_RIDX_MAINTHREAD
    const int LUA_GCGEN
    const int LUA_GCINC

    lua_State *lua_newthread(lua_State *L) noexcept
    int lua_closethread(lua_State *L, lua_State *src) noexcept
    lua_CFunction lua_atpanic(lua_State *L, lua_CFunction f) noexcept
    int lua_absindex(lua_State *L, int idx) noexcept
    int lua_gettop(lua_State *L) noexcept
    void lua_settop(lua_State *L, int idx) noexcept
    void lua_pushvalue(lua_State *L, int idx) noexcept
    void lua_rotate(lua_State *L, int idx, int n) noexcept
    void lua_copy(lua_State *L, int src, int dst) noexcept
    int lua_checkstack(lua_State *L, int n) noexcept
    void lua_xmove(lua_State *src, lua_State *dst, int n) noexcept
    int lua_isnumber(lua_State *L, int idx) noexcept
    int lua_isstring(lua_State *L, int idx) noexcept
    int lua_iscfunction(lua_State *L, int idx) noexcept
    int lua_isinteger(lua_State *L, int idx) noexcept
    int lua_isuserdata(lua_State *L, int idx) noexcept
    int lua_type(lua_State *L, int idx) noexcept
    const char *lua_typename(lua_State *L, int tp) noexcept
    lua_Number lua_tonumberx(lua_State *L, int idx, int *isnum) noexcept
    lua_Integer lua_tointegerx(lua_State *L, int idx, int *isnum) noexcept
    int lua_toboolean(lua_State *L, int idx) noexcept
    const char *lua_tolstring(lua_State *L, int idx, size_t *len) noexcept
    lua_Unsigned lua_rawlen(lua_State *L, int idx) noexcept
    lua_CFunction lua_tocfunction(lua_State *L, int idx) noexcept
    void *lua_touserdata(lua_State *L, int idx) noexcept
    lua_State *lua_tothread(lua_State *L, int idx) noexcept
    const void *lua_topointer(lua_State *L, int idx) noexcept
    int lua_rawequal(lua_State *L, int a, int b) noexcept
    int lua_compare(lua_State *L, int a, int b, int op) noexcept
    void lua_pushnil(lua_State *L) noexcept
    void lua_pushnumber(lua_State *L, lua_Number n) noexcept
    void lua_pushinteger(lua_State *L, lua_Integer n) noexcept
    const char *lua_pushlstring(lua_State *L, const char *s, size_t len) noexcept
    const char *lua_pushstring(lua_State *L, const char *s) noexcept
    const char *lua_pushfstring(lua_State *L, const char *fmt, ...) noexcept
    void lua_pushcclosure(lua_State *L, lua_CFunction fn, int n) noexcept
    void lua_pushboolean(lua_State *L, int b) noexcept
    void lua_pushlightuserdata(lua_State *L, void *p) noexcept
    int lua_pushthread(lua_State *L) noexcept
    int lua_getglobal(lua_State *L, const char *name) noexcept
    int lua_gettable(lua_State *L, int idx) noexcept
    int lua_getfield(lua_State *L, int idx, const char *k) noexcept
    int lua_geti(lua_State *L, int idx, lua_Integer n) noexcept
    int lua_rawget(lua_State *L, int idx) noexcept
    int lua_rawgeti(lua_State *L, int idx, lua_Integer n) noexcept
    int lua_rawgetp(lua_State *L, int idx, const void *p) noexcept
    void lua_createtable(lua_State *L, int narr, int nrec) noexcept
    void *lua_newuserdatauv(lua_State *L, size_t sz, int nuvalue) noexcept
    int lua_getmetatable(lua_State *L, int idx) noexcept
    int lua_getiuservalue(lua_State *L, int idx, int n) noexcept
    void lua_setglobal(lua_State *L, const char *name) noexcept
    void lua_settable(lua_State *L, int idx) noexcept
    void lua_setfield(lua_State *L, int idx, const char *k) noexcept
    void lua_seti(lua_State *L, int idx, lua_Integer n) noexcept
    void lua_rawset(lua_State *L, int idx) noexcept
    void lua_rawseti(lua_State *L, int idx, lua_Integer n) noexcept
    void lua_rawsetp(lua_State *L, int idx, const void *p) noexcept
    int lua_setmetatable(lua_State *L, int idx) noexcept
    int lua_setiuservalue(lua_State *L, int idx, int n) noexcept
    void lua_callk(lua_State *L, int nargs, int nresults, lua_KContext ctx, lua_KFunction k) noexcept
    int lua_pcallk(lua_State *L, int nargs, int nresults, int errfunc, lua_KContext ctx, lua_KFunction k) noexcept
    int lua_load(lua_State *L, lua_Reader reader, void *data, const char *chunkname, const char *mode) noexcept
    int lua_dump(lua_State *L, lua_Writer writer, void *data, int strip) noexcept
    int lua_yieldk(lua_State *L, int nresults, lua_KContext ctx, lua_KFunction k) noexcept
    int lua_resume(lua_State *L, lua_State *src, int narg, int *nres) noexcept
    int lua_status(lua_State *L) noexcept
    int lua_isyieldable(lua_State *L) noexcept
    int lua_gc(lua_State *L, int what, ...) noexcept
    int lua_error(lua_State *L) noexcept
    int lua_next(lua_State *L, int idx) noexcept
    void lua_concat(lua_State *L, int n) noexcept
    lua_Alloc lua_getallocf(lua_State *L, void **ud) noexcept
    void lua_setallocf(lua_State *L, lua_Alloc f, void *ud) noexcept
    int lua_getstack(lua_State *L, int level, lua_Debug *ar) noexcept
    int lua_getinfo(lua_State *L, const char *what, lua_Debug *ar) noexcept
    const char *lua_getupvalue(lua_State *L, int funcindex, int n) noexcept
    const char *lua_setupvalue(lua_State *L, int funcindex, int n) noexcept
    void lua_sethook(lua_State *L, lua_Hook func, int mask, int count) noexcept
    lua_Hook lua_gethook(lua_State *L) noexcept
    const char *luaL_tolstring(lua_State *L, int idx, size_t *len) noexcept
    int luaL_argerror(lua_State *L, int arg, const char *extramsg) noexcept
    int luaL_typeerror(lua_State *L, int arg, const char *tname) noexcept
    const char *luaL_checklstring(lua_State *L, int arg, size_t *l) noexcept
    const char *luaL_optlstring(lua_State *L, int arg, const char *fallback, size_t *l) noexcept
    lua_Number luaL_checknumber(lua_State *L, int arg) noexcept
    lua_Number luaL_optnumber(lua_State *L, int arg, lua_Number fallback) noexcept
    lua_Integer luaL_checkinteger(lua_State *L, int arg) noexcept
    lua_Integer luaL_optinteger(lua_State *L, int arg, lua_Integer fallback) noexcept
    void luaL_checkstack(lua_State *L, int sz, const char *msg) noexcept
    void luaL_checktype(lua_State *L, int arg, int t) noexcept
    void luaL_checkany(lua_State *L, int arg) noexcept
    int luaL_newmetatable(lua_State *L, const char *tname) noexcept
    void luaL_setmetatable(lua_State *L, const char *tname) noexcept
    void *luaL_testudata(lua_State *L, int ud, const char *tname) noexcept
    void *luaL_checkudata(lua_State *L, int ud, const char *tname) noexcept
    void luaL_where(lua_State *L, int lvl) noexcept
    int luaL_error(lua_State *L, const char *fmt, ...) noexcept
    int luaL_checkoption(lua_State *L, int arg, const char *fallback, const char **lst) noexcept
    int luaL_ref(lua_State *L, int t) noexcept
    void luaL_unref(lua_State *L, int t, int ref) noexcept
    int luaL_loadfilex(lua_State *L, const char *filename, const char *mode) noexcept
    int luaL_loadbufferx(lua_State *L, const char *buff, size_t sz, const char *name, const char *mode) noexcept
    void luaL_traceback(lua_State *L, lua_State *L1, const char *msg, int level) noexcept
    void luaL_setfuncs(lua_State *L, const luaL_Reg *l, int nup) noexcept
    int luaL_getsubtable(lua_State *L, int idx, const char *fname) noexcept
    void luaL_requiref(lua_State *L, const char *modname, lua_CFunction openf, int glb) noexcept

    int lua_upvalueindex(int i) noexcept
    void *lua_getextraspace(lua_State *L) noexcept
    void lua_pop(lua_State *L, int n) noexcept
    lua_Number lua_tonumber(lua_State *L, int i) noexcept
    lua_Integer lua_tointeger(lua_State *L, int i) noexcept
    const char *lua_tostring(lua_State *L, int i) noexcept
    void lua_pushcfunction(lua_State *L, lua_CFunction f) noexcept
    bint lua_isfunction(lua_State *L, int n) noexcept
    bint lua_istable(lua_State *L, int n) noexcept
    bint lua_isnil(lua_State *L, int n) noexcept
    bint lua_isnoneornil(lua_State *L, int n) noexcept
    void lua_insert(lua_State *L, int idx) noexcept
    void lua_remove(lua_State *L, int idx) noexcept
    void lua_replace(lua_State *L, int idx) noexcept
    void lua_call(lua_State *L, int n, int r) noexcept
    int lua_pcall(lua_State *L, int n, int r, int f) noexcept
    void lua_newtable(lua_State *L) noexcept


# The table on top of the stack gets a function.
cdef inline void set_function(lua_State *L, const char *name, lua_CFunction f) noexcept nogil:
    lua_pushcclosure(L, f, 0)
    lua_setfield(L, -2, name)
