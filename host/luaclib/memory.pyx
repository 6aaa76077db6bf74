# cython: language_level=3
"""skynet.memory without an accounting allocator: what the original answers when it is built without jemalloc."""

from libc.stdint cimport uintptr_t

from host.core cimport lua
from host.core.context cimport context_errorf
from host.core.lua cimport lua_State, set_function


# memory.total() -> bytes; memory.block() -> count; memory.current() -> bytes
cdef int lzero(lua_State *L) noexcept nogil:
    lua.lua_pushinteger(L, 0)
    return 1


# memory.info() -> { [handle] = bytes }
cdef int linfo(lua_State *L) noexcept nogil:
    lua.lua_newtable(L)
    return 1


# memory.dump(): statistics to the log
cdef int ldump(lua_State *L) noexcept nogil:
    context_errorf(NULL, "dump all service mem:")
    context_errorf(NULL, "+total: 0kb")
    return 0


# memory.dumpinfo(options?): statistics to the log
cdef int ldumpinfo(lua_State *L) noexcept nogil:
    context_errorf(NULL, "No jemalloc")
    return 0


# memory.jestat() -> { ["stats.allocated"] = bytes, ... }
cdef int ljestat(lua_State *L) noexcept nogil:
    cdef const char **name = statistics
    # The statistics of jemalloc stand still until its epoch is written.
    context_errorf(NULL, "No jemalloc : mallctl_int64 %s.", <const char *>"epoch")
    lua.lua_createtable(L, 0, 5)
    while name[0] != NULL:
        context_errorf(NULL, "No jemalloc : mallctl_int64 %s.", name[0])
        lua.lua_pushinteger(L, 0)
        lua.lua_setfield(L, -2, name[0])
        name += 1
    return 1


# memory.mallctl(name) -> integer
cdef int lmallctl(lua_State *L) noexcept nogil:
    context_errorf(NULL, "No jemalloc : mallctl_int64 %s.", lua.luaL_checklstring(L, 1, NULL))
    lua.lua_pushinteger(L, 0)
    return 1


# memory.dumpheap()
cdef int ldumpheap(lua_State *L) noexcept nogil:
    context_errorf(NULL, "No jemalloc : mallctl_cmd %s.", <const char *>"prof.dump")
    return 0


# memory.profactive(on?) -> boolean
cdef int lprofactive(lua_State *L) noexcept nogil:
    context_errorf(NULL, "No jemalloc : mallctl_bool %s.", <const char *>"prof.active")
    lua.lua_pushboolean(L, 0)
    return 1


cdef const char *statistics[6]
statistics[0] = "stats.allocated"
statistics[1] = "stats.resident"
statistics[2] = "stats.retained"
statistics[3] = "stats.mapped"
statistics[4] = "stats.active"
statistics[5] = NULL


# require "skynet.memory"
cdef int luaopen_skynet_memory(lua_State *L) noexcept nogil:
    lua.lua_createtable(L, 0, 10)
    set_function(L, "total", lzero)
    set_function(L, "block", lzero)
    set_function(L, "current", lzero)
    set_function(L, "info", linfo)
    set_function(L, "dump", ldump)
    set_function(L, "dumpinfo", ldumpinfo)
    set_function(L, "jestat", ljestat)
    set_function(L, "mallctl", lmallctl)
    set_function(L, "dumpheap", ldumpheap)
    set_function(L, "profactive", lprofactive)
    return 1


def openers() -> dict[str, int]:
    """Return the modules of this extension: name that Lua requires -> address of its opener."""
    return {"skynet.memory": <uintptr_t>luaopen_skynet_memory}
