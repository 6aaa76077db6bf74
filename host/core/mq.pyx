# cython: language_level=3, cdivision=True
from libc.stdlib cimport free, realloc

from host.core.message cimport skynet_message
from host.core.sync cimport atomic_load_relaxed, atomic_store_relaxed, spin_lock, spin_unlock

cdef enum:
    FIRST_CAP = 8           # an idle service keeps at most two of these
    KEEP_CAP = 4096         # a larger vector is given back once it is empty: a flood must not cost memory for ever


cdef void mq_init(message_queue *q, void *owner, bint in_global) noexcept nogil:
    q.lock = 0
    q.in_global = in_global
    q.incoming.slots = NULL
    q.incoming.cap = q.incoming.n = 0
    q.batch.slots = NULL
    q.batch.cap = q.batch.n = 0
    q.batch_head = 0
    q.overload_threshold = MQ_OVERLOAD
    q.overload = 0
    q.next = NULL
    q.owner = owner


cdef void mq_free(message_queue *q) noexcept nogil:
    free(q.incoming.slots)
    free(q.batch.slots)
    q.incoming.slots = q.batch.slots = NULL


cdef int mq_push(message_queue *q, const skynet_message *message) noexcept nogil:
    cdef int idle
    spin_lock(&q.lock)
    if q.incoming.n == q.incoming.cap:
        q.incoming.cap = q.incoming.cap * 2 if q.incoming.cap else FIRST_CAP
        q.incoming.slots = <skynet_message *>realloc(q.incoming.slots, q.incoming.cap * sizeof(skynet_message))
    q.incoming.slots[q.incoming.n] = message[0]
    atomic_store_relaxed(&q.incoming.n, q.incoming.n + 1)
    idle = not q.in_global
    if idle:
        q.in_global = 1
    spin_unlock(&q.lock)
    return idle


cdef int take_incoming(message_queue *q) noexcept nogil:
    """Make the incoming messages the batch; 0 when there are none, and then in_global is cleared."""
    cdef message_vector spent = q.batch
    if spent.cap > KEEP_CAP:
        free(spent.slots)
        spent.slots = NULL
        spent.cap = 0
    spent.n = 0
    q.batch_head = 0
    spin_lock(&q.lock)
    if q.incoming.n == 0:
        q.batch = spent
        q.overload_threshold = MQ_OVERLOAD
        q.in_global = 0
        spin_unlock(&q.lock)
        return 0
    q.batch = q.incoming
    q.incoming = spent
    spin_unlock(&q.lock)
    cdef int remaining = q.batch.n - 1
    while remaining > q.overload_threshold:
        q.overload = remaining
        q.overload_threshold *= 2
    return 1


cdef int mq_pop(message_queue *q, skynet_message *message) noexcept nogil:
    if q.batch_head == q.batch.n and not take_incoming(q):
        return 0
    message[0] = q.batch.slots[q.batch_head]
    q.batch_head += 1
    return 1


cdef int mq_length(message_queue *q) noexcept nogil:
    return q.batch.n - q.batch_head + atomic_load_relaxed(&q.incoming.n)


cdef int mq_overload(message_queue *q) noexcept nogil:
    cdef int length = q.overload
    q.overload = 0
    return length


cdef class MessageQueue:
    """One queue, for tests and tools: the same code that the runtime calls."""
    cdef message_queue q

    def __cinit__(self):
        mq_init(&self.q, NULL, False)

    def __dealloc__(self):
        mq_free(&self.q)

    def push(self, session: int) -> bool:
        """Append a message without payload; True when the queue was idle and must be scheduled."""
        cdef skynet_message m
        m.source = 0
        m.session = session
        m.data = NULL
        m.sz = 0
        return bool(mq_push(&self.q, &m))

    def pop(self) -> int | None:
        """Take the next session; None when the queue is empty (it is idle then)."""
        cdef skynet_message m
        return m.session if mq_pop(&self.q, &m) else None

    def overload(self) -> int:
        """Return the length to report since the last call, or 0."""
        return mq_overload(&self.q)

    def __len__(self) -> int:
        return mq_length(&self.q)
