"""Memory of one Lua VM. A VM is only ever used by one thread at a time, so its arena needs no lock.

Small blocks (up to ARENA_SMALL bytes) are carved from chunks and, once freed, kept in a list of their size; there is no
header in front of a block, because Lua tells the size when it frees. Before a chunk is touched further, a larger free block
is split: what a service needed while it started is worth more than untouched pages. Larger blocks are malloc's. All
chunks of all VMs lie in one reserved range of addresses, so that a block of another origin, made before the arena took
over, is told apart by its address. Closing a VM gives its chunks back, and their pages to the system; malloc keeps what
lies between blocks in use, until arena_trim.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t

cdef enum:
    ARENA_SMALL = 512
    ARENA_GRAIN = 8             # Lua needs no stricter alignment
    ARENA_CLASSES = 64

cdef struct arena:
    void *free_list[65]         # by size / ARENA_GRAIN
    uint64_t nonempty           # bit n: free_list[n + 1] may have blocks
    char *bump                  # next unused byte of the newest chunk
    char *bump_end
    void *chunks[2]             # small and large ones; the first word of a chunk links it
    int nchunks                 # small ones

cdef void arena_init(arena *a) noexcept nogil

# Give everything back; no block may be used any more.
# `used` is what the VM had in use before it was closed, in bytes.
cdef void arena_close(arena *a, size_t used) noexcept nogil

# Any thread. Give the system what malloc holds unused, if much has been freed by closed VMs since the last time.
cdef void arena_trim() noexcept nogil

# As realloc with the old size known; NULL when there is no memory. nsize > 0.
cdef void *arena_realloc(arena *a, void *p, size_t osize, size_t nsize) noexcept nogil
cdef void arena_free(arena *a, void *p, size_t size) noexcept nogil

# Allocate and free a block of malloc's in the calling thread, for what it leaves behind: room, and thresholds.
cdef extern from "arena.h" nogil:
    void heap_touch(size_t bytes) noexcept
    # Give back what malloc holds unused; nothing where it cannot be told to.
    void heap_trim_all() noexcept
