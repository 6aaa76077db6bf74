# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from host.core.net cimport iovec


cdef socket_buffer *buffer_new(void *data, size_t offset, size_t sz, bint owned) noexcept nogil:
    cdef socket_buffer *b = <socket_buffer *>malloc(sizeof(socket_buffer) + (0 if owned else sz))
    b.next = NULL
    b.counted = True
    b.token[0] = 0
    b.sz = sz
    if owned:
        b.block = data
        b.ptr = <char *>data + offset
    else:
        b.block = NULL
        b.ptr = <char *>(b + 1)
        memcpy(b.ptr, <char *>data + offset, sz)
    return b


cdef void buffer_append(socket_buffer_list *list, socket_buffer *b) noexcept nogil:
    if list.tail != NULL:
        list.tail.next = b
    else:
        list.head = b
    list.tail = b


cdef int buffer_parts(const socket_buffer_list *list, iovec *parts, int n) noexcept nogil:
    cdef socket_buffer *b = list.head
    cdef int i = 0
    while b != NULL and i < n:
        parts[i].iov_base = b.ptr
        parts[i].iov_len = b.sz
        b = b.next
        i += 1
    return i


cdef size_t buffer_consume(socket_buffer_list *list, size_t n) noexcept nogil:
    cdef size_t counted = 0
    cdef size_t part
    cdef socket_buffer *b
    while n > 0:
        b = list.head
        part = n if n < b.sz else b.sz
        if b.counted:
            counted += part
        b.ptr += part
        b.sz -= part
        n -= part
        if b.sz == 0:
            buffer_drop(list)
    return counted


cdef void buffer_drop(socket_buffer_list *list) noexcept nogil:
    cdef socket_buffer *b = list.head
    list.head = b.next
    if b.next == NULL:
        list.tail = NULL
    free(b.block)
    free(b)


cdef void buffer_free(socket_buffer_list *list) noexcept nogil:
    while list.head != NULL:
        buffer_drop(list)
