"""The message record, the message types and the flags of send. Source: skynet.h, skynet_mq.h."""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint32_t


cdef struct skynet_message:
    uint32_t source         # handle of the sender; 0 = the runtime (timer, socket, SIGHUP)
    int32_t session         # 0: no answer is wanted
    void *data              # malloc'ed, owned by the message; NULL when there is no payload
    size_t sz               # bytes of data in the low 56 bits, PTYPE_* in the high 8

cdef enum:
    PTYPE_TEXT = 0
    PTYPE_RESPONSE = 1
    PTYPE_MULTICAST = 2
    PTYPE_CLIENT = 3
    PTYPE_SYSTEM = 4
    PTYPE_HARBOR = 5
    PTYPE_SOCKET = 6
    PTYPE_ERROR = 7
    PTYPE_QUEUE = 8
    PTYPE_DEBUG = 9
    PTYPE_LUA = 10
    PTYPE_SNAX = 11
    PTYPE_TRACE = 12

    PTYPE_TAG_DONTCOPY = 0x10000        # the payload's ownership passes to send
    PTYPE_TAG_ALLOCSESSION = 0x20000    # send allocates the session

cdef enum:
    MESSAGE_TYPE_SHIFT = 56

cdef inline size_t message_size(size_t sz) noexcept nogil:
    return sz & ((<size_t>1 << MESSAGE_TYPE_SHIFT) - 1)

cdef inline int message_type(size_t sz) noexcept nogil:
    return <int>(sz >> MESSAGE_TYPE_SHIFT)

cdef inline size_t message_pack_size(size_t sz, int type) noexcept nogil:
    return sz | (<size_t>type << MESSAGE_TYPE_SHIFT)
