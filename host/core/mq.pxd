"""Message queue of one service. Source: skynet_mq.c.

Senders append to `incoming` under the lock. The worker that holds the queue takes all of `incoming` at once by swapping it
with its private, empty `batch`, so that a busy queue is locked once per batch and not once per message.
"""

from libc.stdint cimport uint32_t

from host.core.message cimport skynet_message
from host.core.sync cimport spinlock

cdef enum:
    MQ_OVERLOAD = 1024      # pending messages of the first overload mark; doubles each time it is passed

cdef struct message_vector:
    skynet_message *slots
    int cap
    int n

cdef struct message_queue:
    spinlock lock
    int in_global               # under lock: on a run queue, or held by a worker; that one owns `batch`
    message_vector incoming     # under lock
    message_vector batch        # of the holder
    int batch_head              # of the holder: next slot of batch to pop
    int overload_threshold      # of the holder
    int overload                # of the holder: length to report, 0 = none
    message_queue *next         # link of the run queue (worker.pyx)
    void *owner                 # the context; never changes

cdef void mq_init(message_queue *q, void *owner, bint in_global) noexcept nogil

# Frees the slots; the queue must be empty.
cdef void mq_free(message_queue *q) noexcept nogil

# Any thread that keeps the owner alive. message.data belongs to the queue from here on.
# 1: the queue was idle and in_global is now set: the caller must schedule it. 0: it is scheduled already.
cdef int mq_push(message_queue *q, const skynet_message *message) noexcept nogil

# The holder. 1: *message is filled and its data is the caller's; 0: empty, in_global was cleared and the queue is no
# longer the caller's.
cdef int mq_pop(message_queue *q, skynet_message *message) noexcept nogil

# Pending messages, without the one being dispatched. Exact for the holder, a recent value for others.
cdef int mq_length(message_queue *q) noexcept nogil

# The holder. The length to report when the overload mark was passed since the last call, else 0.
cdef int mq_overload(message_queue *q) noexcept nogil
