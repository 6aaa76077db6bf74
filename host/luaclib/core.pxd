"""skynet.core: what a Lua service can ask of the node. Source: lua-skynet.c."""

from libc.stdint cimport int32_t, uint32_t

from host.core.lua cimport lua_State
from host.luaclib.snlua cimport snlua

# Payload arguments at index and index + 1: a string is copied later, light userdata is handed over.
# Returns the flags to add to the type; raises for anything else.
cdef int core_payload(lua_State *L, int index, void **data, size_t *sz) noexcept nogil

# The destination at `index`: a handle, or 0 and *name, an address text.
cdef uint32_t core_destination(lua_State *L, int index, const char **name) noexcept nogil

# Push what send returns for a result of context_send: the session, false, or nothing. Returns the number of values.
cdef int core_push_sent(lua_State *L, int32_t session) noexcept nogil

# The functions that the skynet table has under the same name.
cdef int lerror(lua_State *L) noexcept nogil
cdef int ltrace(lua_State *L) noexcept nogil
cdef int lharbor(lua_State *L) noexcept nogil
cdef int ltostring(lua_State *L) noexcept nogil
cdef int ltrash(lua_State *L) noexcept nogil
cdef int lnow(lua_State *L) noexcept nogil
cdef int lhpc(lua_State *L) noexcept nogil
cdef int lgenid(lua_State *L) noexcept nogil
cdef int lredirect(lua_State *L) noexcept nogil
