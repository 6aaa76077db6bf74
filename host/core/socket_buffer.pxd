"""Data that waits to be written: lists of blocks in order of sending. Source: socket_server.c (write_buffer, wb_list)."""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t

from host.core.net cimport iovec
from host.core.socket_address cimport TOKEN_MAX

cdef struct socket_buffer:
    socket_buffer *next
    void *block             # malloc'ed, freed with the buffer; NULL when the data follows this record
    char *ptr               # first byte not yet written
    size_t sz               # bytes not yet written
    bint counted            # in the queued bytes of the socket; the rest of a direct write is not
    uint8_t token[TOKEN_MAX]    # UDP: where to; token[0] == 0 otherwise

cdef struct socket_buffer_list:
    socket_buffer *head
    socket_buffer *tail

# A buffer for sz bytes from data + offset. owned: it takes data, a malloc'ed block, over; else it copies. Never fails.
cdef socket_buffer *buffer_new(void *data, size_t offset, size_t sz, bint owned) noexcept nogil

cdef void buffer_append(socket_buffer_list *list, socket_buffer *b) noexcept nogil

# The first n parts at most, for one system call; returns how many.
cdef int buffer_parts(const socket_buffer_list *list, iovec *parts, int n) noexcept nogil

# n bytes of the list are written: free what is complete. Returns how many of them were counted.
cdef size_t buffer_consume(socket_buffer_list *list, size_t n) noexcept nogil

# Free the first buffer.
cdef void buffer_drop(socket_buffer_list *list) noexcept nogil

cdef void buffer_free(socket_buffer_list *list) noexcept nogil
