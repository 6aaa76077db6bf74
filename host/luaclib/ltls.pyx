# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""`ltls.c` and `ltls.init.c`: TLS for Lua services. The work is done by tls_engine.py, under the GIL.

An entry point calls Python in a function of its own, which leaves its result, or an error text, in the userdata; only
then, without the GIL, does it push or raise. Source: ltls.c.
"""

from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stddef cimport size_t
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset, strcmp

from host.core cimport lua
from host.core.lua cimport lua_State
from host.core.sync cimport atomic_load, atomic_store

from host.luaclib.tls_engine import TlsContext, TlsEngine, TlsError

cdef const char *CONTEXT = "ltls.sslctx"
cdef const char *TLS = "ltls.tls"

# What Python has returned.
cdef enum:
    RESULT_NONE = 0
    RESULT_TEXT = 1
    RESULT_ERROR = 2        # the text says what is wrong

# The payload of both userdata.
cdef struct tls_object:
    PyObject *object        # owned; NULL when closed
    char *text              # the last result, until the next; malloc'ed
    size_t sz

cdef enum method:
    METHOD_HANDSHAKE
    METHOD_READ
    METHOD_WRITE

cdef int initialized        # by ltls.init.c


# -- with the GIL

cdef void keep_text(tls_object *o, bytes text) noexcept:
    free(o.text)
    o.sz = len(text)
    o.text = <char *>malloc(o.sz + 1)
    memcpy(o.text, <const char *>text, o.sz)
    o.text[o.sz] = 0


cdef int keep_error(tls_object *o, object error) noexcept:
    keep_text(o, str(error).encode("utf-8", "replace"))
    return RESULT_ERROR


cdef void keep_object(tls_object *o, object value) noexcept:
    Py_INCREF(value)
    o.object = <PyObject *>value


cdef void drop_object(tls_object *o) noexcept with gil:
    Py_DECREF(<object>o.object)
    o.object = NULL


cdef int new_context(tls_object *o) noexcept with gil:
    try:
        keep_object(o, TlsContext())
    except Exception as error:
        return keep_error(o, error)
    return RESULT_NONE


cdef int new_engine(tls_object *o, tls_object *context, bint server, const char *hostname) noexcept with gil:
    try:
        keep_object(o, TlsEngine(
            <object>context.object, server, None if hostname == NULL else hostname.decode("utf-8", "replace")))
    except Exception as error:
        return keep_error(o, error)
    return RESULT_NONE


cdef int context_set(tls_object *o, const char *first, const char *second) noexcept with gil:
    """set_cert, or set_ciphers when second is NULL."""
    try:
        if second != NULL:
            (<object>o.object).set_cert(first.decode("utf-8", "surrogateescape"), second.decode("utf-8", "surrogateescape"))
        else:
            (<object>o.object).set_ciphers(first.decode("utf-8", "replace"))
    except Exception as error:
        return keep_error(o, error)
    return RESULT_NONE


cdef int engine_set_hostname(tls_object *o, const char *hostname) noexcept with gil:
    return 1 if (<object>o.object).set_hostname(hostname.decode("utf-8", "replace")) else 0


cdef int engine_finished(tls_object *o) noexcept with gil:
    return 1 if (<object>o.object).finished else 0


cdef int engine_run(tls_object *o, method which, const char *data, size_t sz) noexcept with gil:
    cdef object engine = <object>o.object
    try:
        argument = None if data == NULL else data[:sz]
        if which == METHOD_HANDSHAKE:
            result = engine.handshake(argument)
        elif which == METHOD_READ:
            result = engine.read(argument)
        else:
            result = engine.write(argument)
        if result is None:
            return RESULT_NONE
        keep_text(o, result)
    except Exception as error:
        return keep_error(o, error)
    return RESULT_TEXT


# -- without

cdef tls_object *new_object(lua_State *L, const char *name) noexcept nogil:
    cdef tls_object *o = <tls_object *>lua.lua_newuserdatauv(L, sizeof(tls_object), 0)
    memset(o, 0, sizeof(o[0]))
    lua.luaL_setmetatable(L, name)
    return o


cdef void free_object(tls_object *o) noexcept nogil:
    if o.object != NULL:
        drop_object(o)
    free(o.text)
    o.text = NULL


cdef tls_object *check_context(lua_State *L, int arg) noexcept nogil:
    return <tls_object *>lua.luaL_checkudata(L, arg, CONTEXT)


cdef tls_object *check_tls(lua_State *L) noexcept nogil:
    cdef tls_object *o = <tls_object *>lua.luaL_checkudata(L, 1, TLS)
    if o.object == NULL:
        lua.luaL_error(L, "context is closed")
    return o


cdef int push_result(lua_State *L, tls_object *o, int result) noexcept nogil:
    if result == RESULT_ERROR:
        return lua.luaL_error(L, "%s", o.text)
    if result == RESULT_NONE:
        return 0
    lua.lua_pushlstring(L, o.text, o.sz)
    free(o.text)
    o.text = NULL
    return 1


# ltls.newctx() -> sslctx
cdef int lnewctx(lua_State *L) noexcept nogil:
    cdef tls_object *o = new_object(L, CONTEXT)
    if new_context(o) == RESULT_ERROR:
        return lua.luaL_error(L, "%s", o.text)
    return 1


# ltls.newtls("client" | "server", sslctx, hostname?) -> tls
cdef int lnewtls(lua_State *L) noexcept nogil:
    cdef const char *role = lua.luaL_checklstring(L, 1, NULL)
    cdef tls_object *context = check_context(L, 2)
    cdef const char *hostname = NULL
    cdef bint server = strcmp(role, "server") == 0
    cdef tls_object *o
    if not server:
        if strcmp(role, "client") != 0:
            return lua.luaL_error(L, "invalid method:%s e.g[server, client]", role)
        hostname = lua.luaL_optlstring(L, 3, NULL, NULL)
    o = new_object(L, TLS)
    if new_engine(o, context, server, hostname) == RESULT_ERROR:
        return lua.luaL_error(L, "%s", o.text)
    return 1


# sslctx:set_cert(certfile, keyfile)
cdef int lset_cert(lua_State *L) noexcept nogil:
    cdef tls_object *o = check_context(L, 1)
    cdef const char *certfile = lua.lua_tolstring(L, 2, NULL)
    cdef const char *keyfile = lua.lua_tolstring(L, 3, NULL)
    if certfile == NULL:
        return lua.luaL_error(L, "need certfile")
    if keyfile == NULL:
        return lua.luaL_error(L, "need private key")
    return push_result(L, o, context_set(o, certfile, keyfile))


# sslctx:set_ciphers(list)
cdef int lset_ciphers(lua_State *L) noexcept nogil:
    cdef tls_object *o = check_context(L, 1)
    return push_result(L, o, context_set(o, lua.luaL_checklstring(L, 2, NULL), NULL))


cdef int run(lua_State *L, method which) noexcept nogil:
    cdef tls_object *o = check_tls(L)
    cdef size_t sz = 0
    cdef const char *data = lua.luaL_optlstring(L, 2, NULL, &sz)
    return push_result(L, o, engine_run(o, which, data, sz))


# tls:handshake(incoming?) -> outgoing | nothing
cdef int lhandshake(lua_State *L) noexcept nogil:
    return run(L, METHOD_HANDSHAKE)


# tls:read(incoming?) -> plain text, "" when there is none
cdef int lread(lua_State *L) noexcept nogil:
    return run(L, METHOD_READ)


# tls:write(plain?) -> everything that is to be sent
cdef int lwrite(lua_State *L) noexcept nogil:
    return run(L, METHOD_WRITE)


# tls:finished() -> boolean
cdef int lfinished(lua_State *L) noexcept nogil:
    lua.lua_pushboolean(L, engine_finished(check_tls(L)))
    return 1


# tls:set_ext_host_name(hostname) -> 1, or 0 when it is too late
cdef int lset_ext_host_name(lua_State *L) noexcept nogil:
    cdef tls_object *o = check_tls(L)
    lua.lua_pushinteger(L, engine_set_hostname(o, lua.luaL_checklstring(L, 2, NULL)))
    return 1


# tls:close(), also the finalizer
cdef int lclose(lua_State *L) noexcept nogil:
    free_object(<tls_object *>lua.luaL_checkudata(L, 1, TLS))
    return 0


cdef int lfree_context(lua_State *L) noexcept nogil:
    free_object(check_context(L, 1))
    return 0


# ltls.init.constructor(), once in a node, before ltls.c is required
cdef int lconstructor(lua_State *L) noexcept nogil:
    atomic_store(&initialized, 1)
    return 0


# ltls.init.destructor()
cdef int ldestructor(lua_State *L) noexcept nogil:
    atomic_store(&initialized, 0)
    return 0


cdef lua.luaL_Reg[3] functions
functions[0] = lua.luaL_Reg("newctx", lnewctx)
functions[1] = lua.luaL_Reg("newtls", lnewtls)
functions[2] = lua.luaL_Reg(NULL, NULL)

cdef lua.luaL_Reg[3] context_methods
context_methods[0] = lua.luaL_Reg("set_cert", lset_cert)
context_methods[1] = lua.luaL_Reg("set_ciphers", lset_ciphers)
context_methods[2] = lua.luaL_Reg(NULL, NULL)

cdef lua.luaL_Reg[7] tls_methods
tls_methods[0] = lua.luaL_Reg("handshake", lhandshake)
tls_methods[1] = lua.luaL_Reg("finished", lfinished)
tls_methods[2] = lua.luaL_Reg("read", lread)
tls_methods[3] = lua.luaL_Reg("write", lwrite)
tls_methods[4] = lua.luaL_Reg("set_ext_host_name", lset_ext_host_name)
tls_methods[5] = lua.luaL_Reg("close", lclose)
tls_methods[6] = lua.luaL_Reg(NULL, NULL)

cdef lua.luaL_Reg[3] init_functions
init_functions[0] = lua.luaL_Reg("constructor", lconstructor)
init_functions[1] = lua.luaL_Reg("destructor", ldestructor)
init_functions[2] = lua.luaL_Reg(NULL, NULL)


cdef void new_class(
        lua_State *L, const char *name, const lua.luaL_Reg *methods, lua.lua_CFunction finalizer) noexcept nogil:
    if lua.luaL_newmetatable(L, name):
        lua.lua_createtable(L, 0, 6)
        lua.luaL_setfuncs(L, methods, 0)
        lua.lua_setfield(L, -2, "__index")
        lua.lua_pushcfunction(L, finalizer)
        lua.lua_setfield(L, -2, "__gc")
    lua.lua_pop(L, 1)


cdef public int luaopen_ltls_c(lua_State *L) noexcept nogil:
    if not atomic_load(&initialized):
        return lua.luaL_error(L, "ltls need init, Put enablessl = true in you config file.")
    new_class(L, CONTEXT, context_methods, lfree_context)
    new_class(L, TLS, tls_methods, lclose)
    lua.lua_createtable(L, 0, 2)
    lua.luaL_setfuncs(L, functions, 0)
    return 1


cdef public int luaopen_ltls_init_c(lua_State *L) noexcept nogil:
    lua.lua_createtable(L, 0, 2)
    lua.luaL_setfuncs(L, init_functions, 0)
    return 1


def openers() -> dict[str, int]:
    """Return the address of the opener of each Lua module in here, by the name that Lua requires it with."""
    return {"ltls.c": <uintptr_t>&luaopen_ltls_c, "ltls.init.c": <uintptr_t>&luaopen_ltls_init_c}
