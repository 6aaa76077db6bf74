# cython: language_level=3, cdivision=True
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from host.core.sync cimport spin_lock, spin_unlock, spinlock

cdef extern from "sys/mman.h" nogil:
    void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset) noexcept
    int madvise(void *addr, size_t length, int advice) noexcept
    int PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE, MADV_DONTNEED
    void *MAP_FAILED

cdef extern from *:
    """
    #define ARENA_CHUNK ((size_t)16 << 10)  /* what a VM takes at a time; its untouched pages cost nothing */
    #define ARENA_RANGE ((size_t)64 << 30)  /* address space only; beyond it VMs use malloc */
    #define ARENA_PAGE ((size_t)4096)
    """
    size_t ARENA_CHUNK, ARENA_RANGE, ARENA_PAGE

cdef spinlock lock
cdef char *base                 # of the range; NULL before the first chunk, and when it cannot be had
cdef bint refused               # the system gives no such range
cdef char *fresh                # first byte of the range that was never used
cdef void *spare                # chunks given back, linked by their first word


cdef void *chunk_new() noexcept nogil:
    global base, refused, fresh, spare
    cdef void *chunk = NULL
    spin_lock(&lock)
    if base == NULL and not refused:
        chunk = mmap(NULL, ARENA_RANGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        if chunk == MAP_FAILED:
            refused = True
        else:
            base = fresh = <char *>chunk
        chunk = NULL
    if spare != NULL:
        chunk = spare
        spare = (<void **>chunk)[0]
    elif base != NULL and fresh + ARENA_CHUNK <= base + ARENA_RANGE:
        chunk = fresh
        fresh += ARENA_CHUNK
    spin_unlock(&lock)
    return chunk


cdef inline bint is_ours(void *p) noexcept nogil:
    return <uintptr_t>p - <uintptr_t>base < ARENA_RANGE and base != NULL


cdef void arena_init(arena *a) noexcept nogil:
    memset(a, 0, sizeof(arena))


cdef void arena_close(arena *a) noexcept nogil:
    global spare
    cdef void *chunk = a.chunks
    cdef void *next
    while chunk != NULL:
        next = (<void **>chunk)[0]
        # all but the page with the link goes back to the system
        madvise(<char *>chunk + ARENA_PAGE, ARENA_CHUNK - ARENA_PAGE, MADV_DONTNEED)
        spin_lock(&lock)
        (<void **>chunk)[0] = spare
        spare = chunk
        spin_unlock(&lock)
        chunk = next
    memset(a, 0, sizeof(arena))


cdef void retire_bump(arena *a) noexcept nogil:
    """What is left of the chunk becomes one free block, if it is worth a list."""
    cdef size_t left = a.bump_end - a.bump
    cdef size_t size = left if left < ARENA_SMALL else ARENA_SMALL
    while left >= ARENA_GRAIN:
        size = left if left < ARENA_SMALL else ARENA_SMALL
        arena_free(a, a.bump, size)
        a.bump += size
        left -= size


cdef void *carve(arena *a, size_t size) noexcept nogil:
    """A block of `size` (a multiple of the grain) from the chunk; NULL when no chunk can be had."""
    cdef void *chunk
    cdef void *p
    if <size_t>(a.bump_end - a.bump) < size:
        chunk = chunk_new()
        if chunk == NULL:
            return NULL
        retire_bump(a)
        (<void **>chunk)[0] = a.chunks
        a.chunks = chunk
        a.bump = <char *>chunk + sizeof(void *)
        a.bump_end = <char *>chunk + ARENA_CHUNK
    p = a.bump
    a.bump += size
    return p


cdef inline void *small_new(arena *a, size_t n) noexcept nogil:
    cdef size_t size = (n + ARENA_GRAIN - 1) & ~<size_t>(ARENA_GRAIN - 1)
    cdef void **list = &a.free_list[size // ARENA_GRAIN]
    cdef void *p = list[0]
    if p != NULL:
        list[0] = (<void **>p)[0]
        return p
    p = carve(a, size)
    return p if p != NULL else malloc(n)


cdef void arena_free(arena *a, void *p, size_t size) noexcept nogil:
    cdef void **list
    if size <= ARENA_SMALL and is_ours(p):
        list = &a.free_list[(size + ARENA_GRAIN - 1) // ARENA_GRAIN]
        (<void **>p)[0] = list[0]
        list[0] = p
    else:
        free(p)


cdef void *arena_realloc(arena *a, void *p, size_t osize, size_t nsize) noexcept nogil:
    cdef void *q
    if p == NULL:
        return small_new(a, nsize) if nsize <= ARENA_SMALL else malloc(nsize)
    if nsize > ARENA_SMALL and not (osize <= ARENA_SMALL and is_ours(p)):
        return realloc(p, nsize)
    if (osize <= ARENA_SMALL and nsize <= ARENA_SMALL and is_ours(p)
            and (osize + ARENA_GRAIN - 1) // ARENA_GRAIN == (nsize + ARENA_GRAIN - 1) // ARENA_GRAIN):
        return p
    q = small_new(a, nsize) if nsize <= ARENA_SMALL else malloc(nsize)
    if q == NULL:
        return NULL
    memcpy(q, p, osize if osize < nsize else nsize)
    arena_free(a, p, osize)
    return q
