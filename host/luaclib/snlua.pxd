"""A Lua service: one VM made by lupa, run through the Lua C API. Source: service_snlua.c.

`struct snlua` is found from any thread of the VM without a look-up: it is in the extra space that Lua keeps before each
lua_State and copies from the main thread to new ones. The coroutines of the native dispatcher (task.pyx) have their
`struct task` there instead, marked by the lowest bit.
"""

from libc.stdint cimport int32_t, uint32_t, uint64_t

from host.core.context cimport context
from host.core.lua cimport lua_State, lua_getextraspace
from host.core.arena cimport arena


cdef struct snlua:
    context *ctx
    lua_State *L                # main thread
    lua_State *active           # thread that runs now, NULL while no message is dispatched; for signal 0
    int interrupt               # signal 0 was asked for
    arena memory
    size_t mem                  # bytes in use
    size_t mem_report           # warn above
    size_t mem_limit            # 0 = none
    void *ref                   # Python object that keeps the VM (Snlua)
    bint forward                # callback(f, true): payloads are the callee's
    lua_State *cb               # thread of skynet.core.callback, NULL before
    int codecache_mode
    int profiled                # threads under skynet.profile accounting
    void *dispatcher            # struct dispatcher of task.pyx, NULL while our skynet.lua is not in use
    void (*dispatcher_close)(snlua *s) noexcept nogil   # before the VM is closed
    void (*dispatcher_free)(snlua *s) noexcept nogil    # after

cdef inline snlua *snlua_of(lua_State *L) noexcept nogil:
    cdef size_t p = (<size_t *>lua_getextraspace(L))[0]
    if p & 1:
        # the first member of struct task
        return (<snlua **>(p - 1))[0]
    return <snlua *>p

# Report a failed call in the service's name. Source: lua-skynet.c, _cb. The message is on top of L's stack.
cdef void snlua_report(
    snlua *s, lua_State *L, int status, uint32_t source, int32_t session, size_t sz) noexcept nogil

# Message handler that appends a traceback.
cdef int ltraceback(lua_State *L) noexcept nogil

# Remember why a service could not be started, for snlua.last_failure().
cdef void snlua_failed(snlua *s, const char *text) noexcept nogil
