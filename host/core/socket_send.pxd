"""Writing: directly by the sender as long as nothing is queued, else by the poller from two queues.

Everything in the high queue goes before anything in the low one. A low buffer that is partly written moves to the high
queue, so a message is never split by another one. Source: socket_server.c (socket_server_send, send_buffer_).
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t

from host.core.socket_slot cimport socket_slot

cdef enum:
    SEND_HIGH = 0
    SEND_LOW = 1

# Any thread. owned: data is malloc'ed and taken over in every case; else it is copied as far as it cannot be written at once.
# 0: accepted, which promises nothing about the arrival. -1: no such socket, or (SEND_HIGH) it is closing.
cdef int socket_send(int id, void *data, size_t sz, bint owned, int priority) noexcept nogil

# A datagram to the address of a token (socket_address.pxd). -1 also: the token is not one, or of another family.
cdef int socket_udp_send(int id, const uint8_t *token, void *data, size_t sz, bint owned) noexcept nogil

# The poller, lock held and wlock not: the fd can be written to. The socket may be closed afterwards.
cdef void socket_flush(socket_slot *s) noexcept nogil
