"""Handle registry and local names. Source: skynet_handle.c.

Look-ups are on the path of every message, changes are rare. A reader announces itself in a flag of its own worker (other
threads share one counter), so two workers never write the same cache line; a writer raises its flag and waits until every
reader has left. What a look-up finds stays alive until handle_read_end.
"""

from libc.stdint cimport uint32_t

cdef enum:
    HANDLE_MASK = 0xffffff
    HANDLE_REMOTE_SHIFT = 24

cdef void handle_init(int harbor) noexcept nogil
cdef void handle_free() noexcept nogil

# Register a context; never fails. The table owns a reference of the caller's from here on.
cdef uint32_t handle_register(void *context) noexcept nogil

# Remove the handle and its names. Returns the context, whose reference is the caller's again; NULL when it was not there.
# No reader can find it, nor is using what it found, when this returns.
cdef void *handle_retire(uint32_t handle) noexcept nogil

# Some live handle other than `except_`, or 0 when there is none; for context_retireall.
cdef uint32_t handle_any(uint32_t except_) noexcept nogil

# Bracket of look-ups; short, without locks taken inside that a writer may hold, not nested.
cdef void handle_read_begin() noexcept nogil
cdef void handle_read_end() noexcept nogil

# Between begin and end.
cdef void *handle_find(uint32_t handle) noexcept nogil

# The handle of a local name, without its leading dot; 0 when there is none.
cdef uint32_t handle_findname(const char *name) noexcept nogil

# Bind a name: 0; -1 when the name exists (the old binding stays).
cdef int handle_namehandle(uint32_t handle, const char *name) noexcept nogil

# Is the handle one of another node?
cdef bint handle_isremote(uint32_t handle, int *harbor) noexcept nogil
