"""What a socket has received and nobody has read yet: blocks in order, read as one stream of bytes."""

from libc.stddef cimport size_t

cdef enum:
    SEPARATOR_MAX = 16      # bytes; a longer separator is looked for from the start every time

cdef struct received_block:
    char *data              # malloc'ed
    size_t sz

cdef struct received:
    received_block *blocks  # ring
    int cap                 # slots, a power of two or 0
    int head
    int count
    size_t offset           # bytes of the first block that are read already
    size_t size             # bytes not read
    size_t tail_room        # bytes free behind those of the last block
    size_t scanned          # no `separator` begins in this many bytes
    char separator[SEPARATOR_MAX]
    size_t separator_sz
    char *joined            # bytes of several blocks, from peek to skip; or NULL

cdef void received_init(received *r) noexcept nogil
# Drop everything.
cdef void received_clear(received *r) noexcept nogil

# Takes data, a malloc'ed block of sz > 0 bytes.
cdef void received_push(received *r, char *data, size_t sz) noexcept nogil

# The first n <= size bytes in one piece; valid until the next peek or change. They stay unread.
cdef const char *received_peek(received *r, size_t n) noexcept nogil

# n <= size bytes are read.
cdef void received_skip(received *r, size_t n) noexcept nogil

# Bytes before the first separator, or -1. It may lie across blocks; sz > 0.
cdef ssize_t received_find(received *r, const char *separator, size_t sz) noexcept nogil
