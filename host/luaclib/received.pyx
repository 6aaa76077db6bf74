# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset

cdef enum:
    FIRST_CAP = 4
    GATHER_AFTER = 8        # with so many blocks waiting, small ones are gathered: a slow trickle must not cost a block a byte
    GATHER_MAX = 1024       # bytes of a small block
    GATHER_ROOM = 4096


cdef void received_init(received *r) noexcept nogil:
    memset(r, 0, sizeof(r[0]))


cdef inline received_block *block_at(const received *r, int i) noexcept nogil:
    return &r.blocks[(r.head + i) & (r.cap - 1)]


cdef void received_clear(received *r) noexcept nogil:
    cdef int i
    for i in range(r.count):
        free(block_at(r, i).data)
    free(r.blocks)
    free(r.joined)
    received_init(r)


cdef void grow(received *r) noexcept nogil:
    cdef int cap = r.cap * 2 if r.cap > 0 else FIRST_CAP
    cdef received_block *blocks = <received_block *>malloc(cap * sizeof(received_block))
    cdef int i
    for i in range(r.count):
        blocks[i] = block_at(r, i)[0]
    free(r.blocks)
    r.blocks = blocks
    r.cap = cap
    r.head = 0


cdef void append(received *r, char *data, size_t sz) noexcept nogil:
    cdef received_block *block
    if r.count == r.cap:
        grow(r)
    block = block_at(r, r.count)
    block.data = data
    block.sz = sz
    r.count += 1


cdef void received_push(received *r, char *data, size_t sz) noexcept nogil:
    cdef char *gathered
    cdef received_block *last
    r.size += sz
    if r.count < GATHER_AFTER or sz > GATHER_MAX:
        append(r, data, sz)
        r.tail_room = 0
        return
    if r.tail_room < sz:
        gathered = <char *>malloc(GATHER_ROOM)
        append(r, gathered, 0)
        r.tail_room = GATHER_ROOM
    last = block_at(r, r.count - 1)
    memcpy(last.data + last.sz, data, sz)
    last.sz += sz
    r.tail_room -= sz
    free(data)


cdef void drop_first(received *r) noexcept nogil:
    free(r.blocks[r.head].data)
    r.head = (r.head + 1) & (r.cap - 1)
    r.count -= 1
    r.offset = 0
    if r.count == 0:
        r.tail_room = 0


cdef const char *received_peek(received *r, size_t n) noexcept nogil:
    cdef size_t done = 0
    cdef size_t at = r.offset
    cdef size_t part
    cdef received_block *block
    cdef int i = 0
    if n == 0:
        return ""
    block = block_at(r, 0)
    if block.sz - at >= n:
        return block.data + at
    free(r.joined)
    r.joined = <char *>malloc(n)
    while done < n:
        block = block_at(r, i)
        part = block.sz - at
        if part > n - done:
            part = n - done
        memcpy(r.joined + done, block.data + at, part)
        done += part
        at = 0
        i += 1
    return r.joined


cdef void received_skip(received *r, size_t n) noexcept nogil:
    cdef size_t part
    free(r.joined)
    r.joined = NULL
    r.size -= n
    r.scanned = r.scanned - n if r.scanned > n else 0
    while n > 0:
        part = block_at(r, 0).sz - r.offset
        if part > n:
            r.offset += n
            return
        n -= part
        drop_first(r)


cdef bint matches(const received *r, int i, size_t at, const char *text, size_t sz) noexcept nogil:
    """Is the text what begins at byte `at` of block i, blocks joined? Enough bytes follow."""
    cdef received_block *block
    cdef size_t part
    while True:
        block = block_at(r, i)
        part = block.sz - at
        if part > sz:
            part = sz
        if memcmp(block.data + at, text, part) != 0:
            return False
        sz -= part
        if sz == 0:
            return True
        text += part
        at = 0
        i += 1


cdef size_t scanned_for(received *r, const char *separator, size_t sz) noexcept nogil:
    """Where the search begins. Remembers the separator, so that the next search goes on where this one ends."""
    if sz == r.separator_sz and memcmp(separator, r.separator, sz) == 0:
        return r.scanned
    r.scanned = 0
    r.separator_sz = 0
    if sz <= SEPARATOR_MAX:
        memcpy(r.separator, separator, sz)
        r.separator_sz = sz
    return 0


cdef ssize_t received_find(received *r, const char *separator, size_t sz) noexcept nogil:
    cdef size_t start = scanned_for(r, separator, sz)
    cdef size_t base = 0        # place of the block's first unread byte in the stream
    cdef size_t end, length, at
    cdef char *data
    cdef const char *found
    cdef int i
    if sz > r.size:
        return -1
    end = r.size - sz           # the last place where it can begin
    for i in range(r.count):
        data = block_at(r, i).data + (r.offset if i == 0 else 0)
        length = block_at(r, i).sz - (r.offset if i == 0 else 0)
        at = start - base if start > base else 0
        while at < length and base + at <= end:
            found = <const char *>memchr(data + at, separator[0], length - at)
            if found == NULL:
                break
            at = found - data
            if base + at > end:
                break
            if matches(r, i, at + (r.offset if i == 0 else 0), separator, sz):
                return base + at
            at += 1
        base += length
    if r.separator_sz > 0:
        r.scanned = end + 1
    return -1
