# cython: language_level=3, cdivision=True
from libc.stdint cimport uint64_t, uintptr_t
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
    #define ARENA_RANGE ((size_t)64 << 30)  /* address space only; beyond it VMs use malloc */
    """
    size_t ARENA_RANGE

cdef enum:
    # What a VM takes at a time: a page as long as it is small, since with huge pages a page counts as soon as its chunk
    # is handed out; more once it has taken SMALL_CHUNKS.
    SMALL_CHUNK = 4096
    LARGE_CHUNK = 65536
    SMALL_CHUNKS = 32
    TRIM_AFTER = 32 * 1024 * 1024   # bytes of closed VMs

# Chunks of one size that were given back, their pages to the system.
cdef struct chunk_pool:
    void **spare
    size_t n
    size_t cap

cdef spinlock lock
cdef char *base                 # of the range; NULL before the first chunk, and when it cannot be had
cdef bint refused               # the system gives no such range
cdef char *fresh                # first byte of the range that was never used
cdef chunk_pool pools[2]
cdef size_t closed_bytes        # of VMs closed since the last trim


cdef inline size_t chunk_size(int kind) noexcept nogil:
    return LARGE_CHUNK if kind else SMALL_CHUNK


cdef void *chunk_new(int kind) noexcept nogil:
    global base, refused, fresh
    cdef chunk_pool *pool = &pools[kind]
    cdef void *chunk = NULL
    spin_lock(&lock)
    if base == NULL and not refused:
        chunk = mmap(NULL, ARENA_RANGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        if chunk == MAP_FAILED:
            refused = True
        else:
            base = fresh = <char *>chunk
        chunk = NULL
    if pool.n > 0:
        pool.n -= 1
        chunk = pool.spare[pool.n]
    elif base != NULL and fresh + chunk_size(kind) <= base + ARENA_RANGE:
        chunk = fresh
        fresh += chunk_size(kind)
    spin_unlock(&lock)
    return chunk


cdef void chunk_free(void *chunk, int kind) noexcept nogil:
    cdef chunk_pool *pool = &pools[kind]
    madvise(chunk, chunk_size(kind), MADV_DONTNEED)
    spin_lock(&lock)
    if pool.n == pool.cap:
        pool.cap = pool.cap * 2 if pool.cap else 1024
        pool.spare = <void **>realloc(pool.spare, pool.cap * sizeof(void *))
    pool.spare[pool.n] = chunk
    pool.n += 1
    spin_unlock(&lock)


cdef inline bint is_ours(void *p) noexcept nogil:
    return <uintptr_t>p - <uintptr_t>base < ARENA_RANGE and base != NULL


cdef void arena_init(arena *a) noexcept nogil:
    memset(a, 0, sizeof(arena))


cdef void arena_close(arena *a, size_t used) noexcept nogil:
    global closed_bytes
    cdef void *chunk
    cdef void *next
    cdef int kind
    for kind in range(2):
        chunk = a.chunks[kind]
        while chunk != NULL:
            next = (<void **>chunk)[0]
            chunk_free(chunk, kind)
            chunk = next
    memset(a, 0, sizeof(arena))
    spin_lock(&lock)
    closed_bytes += used
    spin_unlock(&lock)


cdef void arena_trim() noexcept nogil:
    global closed_bytes
    cdef bint much
    spin_lock(&lock)
    much = closed_bytes >= TRIM_AFTER
    if much:
        closed_bytes = 0
    spin_unlock(&lock)
    if much:
        heap_trim_all()


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
    cdef int kind = a.nchunks >= SMALL_CHUNKS
    cdef void *chunk
    cdef void *p
    if <size_t>(a.bump_end - a.bump) < size:
        chunk = chunk_new(kind)
        if chunk == NULL:
            return NULL
        retire_bump(a)
        (<void **>chunk)[0] = a.chunks[kind]
        a.chunks[kind] = chunk
        a.nchunks += 1 - kind
        a.bump = <char *>chunk + sizeof(void *)
        a.bump_end = <char *>chunk + chunk_size(kind)
    p = a.bump
    a.bump += size
    return p


cdef extern from *:
    int __builtin_ctzll(uint64_t x) noexcept nogil


cdef void *split(arena *a, size_t n) noexcept nogil:
    """A block of n grains from the smallest free block that leaves something over; NULL when there is none."""
    cdef uint64_t candidates = a.nonempty & (~<uint64_t>0 << n) if n < ARENA_CLASSES else 0
    cdef char *p
    cdef int grains
    while candidates:
        grains = __builtin_ctzll(candidates) + 1
        p = <char *>a.free_list[grains]
        if p != NULL:
            a.free_list[grains] = (<void **>p)[0]
            arena_free(a, p + n * ARENA_GRAIN, (grains - n) * ARENA_GRAIN)
            return p
        a.nonempty &= ~(<uint64_t>1 << (grains - 1))
        candidates &= candidates - 1
    return NULL


cdef inline void *small_new(arena *a, size_t n) noexcept nogil:
    cdef size_t size = (n + ARENA_GRAIN - 1) & ~<size_t>(ARENA_GRAIN - 1)
    cdef void **list = &a.free_list[size // ARENA_GRAIN]
    cdef void *p = list[0]
    if p != NULL:
        list[0] = (<void **>p)[0]
        return p
    p = split(a, size // ARENA_GRAIN)
    if p == NULL:
        p = carve(a, size)
    return p if p != NULL else malloc(n)


cdef void arena_free(arena *a, void *p, size_t size) noexcept nogil:
    cdef size_t grains
    if size <= ARENA_SMALL and is_ours(p):
        grains = (size + ARENA_GRAIN - 1) // ARENA_GRAIN
        (<void **>p)[0] = a.free_list[grains]
        a.free_list[grains] = p
        a.nonempty |= <uint64_t>1 << (grains - 1)
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


def statistics() -> dict[str, int]:
    """Return what the arenas of all VMs have taken: bytes reserved from the range so far, and bytes given back."""
    return {
        "taken": fresh - base,
        "spare": pools[0].n * SMALL_CHUNK + pools[1].n * LARGE_CHUNK,
    }
