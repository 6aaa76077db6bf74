"""skynet.profile: CPU time of Lua threads, and the coroutine.resume and wrap that measure it.
Source: service_snlua.c (the functions around timing_resume)."""

from host.core.lua cimport lua_State
from host.luaclib.snlua cimport snlua

# Put the module in package.loaded and replace coroutine.resume and coroutine.wrap.
cdef void profile_install(lua_State *L) noexcept nogil

# Around a resume of co that the native dispatcher does itself, while s.profiled > 0. May raise a Lua error.
cdef void profile_enter(lua_State *L, lua_State *co) noexcept nogil
cdef void profile_leave(lua_State *L, lua_State *co) noexcept nogil
