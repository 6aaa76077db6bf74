"""skynet.codecache: every file is compiled once per node. Source: the modified lauxlib.c of skynet.

Stock Lua cannot share function prototypes between VMs, so what is shared is the dumped bytecode, debug information
included: loading it is several times cheaper than parsing.
"""

from host.core.lua cimport lua_State
from host.luaclib.snlua cimport snlua

# As luaL_loadfile, through the cache: pushes the function and returns LUA_OK, or pushes a message.
cdef int codecache_loadfile(lua_State *L, snlua *s, const char *filename) noexcept nogil

# Put the module in package.loaded and let loadfile, dofile and require use the cache.
cdef void codecache_install(lua_State *L) noexcept nogil
