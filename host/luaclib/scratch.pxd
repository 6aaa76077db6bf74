"""Room for a result that is pushed as a string when it is complete."""

from libc.stddef cimport size_t

from host.core cimport lua
from host.core.lua cimport lua_State

cdef enum:
    SCRATCH = 1024          # bytes that a caller has on its own stack

# n bytes: `small` (SCRATCH bytes) when they fit, else a userdata that is left on the Lua stack and that an error frees.
# Raises on lack of memory.
cdef inline char *scratch(lua_State *L, char *small, size_t n) noexcept nogil:
    return small if n <= SCRATCH else <char *>lua.lua_newuserdatauv(L, n, 0)
