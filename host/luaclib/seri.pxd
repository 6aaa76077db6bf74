"""The wire format of protocol `lua`, byte for byte that of lua-seri.c (snlua.md section 10 of the reference)."""

from host.core.lua cimport lua_State

# Pack the values from..top of the stack. *data is malloc'ed and the caller's, never NULL. May raise a Lua error, and then
# nothing is left allocated. May run Lua code (__pairs).
cdef void seri_pack(lua_State *L, int from_, void **data, size_t *sz) noexcept nogil

# Push the values of the buffer and return their number. Raises a Lua error for bytes that are no such stream.
cdef int seri_unpack(lua_State *L, const void *data, size_t sz) noexcept nogil

# skynet.core.pack(...) -> lightuserdata, sz
cdef int lpack(lua_State *L) noexcept nogil
# skynet.core.packstring(...) -> string
cdef int lpackstring(lua_State *L) noexcept nogil
# skynet.core.unpack(string | lightuserdata, sz?) -> ...
cdef int lunpack(lua_State *L) noexcept nogil
