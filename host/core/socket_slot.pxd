"""The table of sockets: ids, states, locks, and the messages about them. Source: socket_server.c, skynet_socket.c.

There is no queue of requests as in the original: a request takes effect in the thread that makes it, under the locks of the
socket. The poller (socket_poll.pyx) takes the same locks for an event, so that it never sees half a change, and what was
requested before an event is handled holds for that event.

Two locks guard a socket:

    lock    an event or a request; held while the poller reads from the fd or writes to it
    wlock   the write queues and the direct write of a sender

Both are taken, lock first, to change the state, the interest in events, or to close the fd; so either of them is enough to
read these. A sender takes wlock alone and is never held up by a read. Messages are posted under the lock that ordered them.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from host.core.socket_address cimport TOKEN_MAX
from host.core.socket_buffer cimport socket_buffer_list
from host.core.sync cimport atomic_load_relaxed, atomic_store_relaxed, clock_ns, cpu_relax
from host.core.system cimport pthread_mutex_t

cdef enum:
    SOCKET_SLOTS = 65536
    SOCKET_TEXT_MAX = 128       # bytes of text in a message

# Types of a message. Source: skynet_socket.h.
cdef enum:
    SOCKET_DATA = 1             # buffer: ud bytes
    SOCKET_CONNECT = 2          # text
    SOCKET_CLOSE = 3
    SOCKET_ACCEPT = 4           # ud: the new id; text: "ip:port"
    SOCKET_ERROR = 5            # text
    SOCKET_UDP = 6              # buffer: ud bytes and the sender's token
    SOCKET_WARNING = 7          # ud: KiB that wait to be written, 0 = none any more

# Payload of a PTYPE_SOCKET message; a text follows the record and reaches to the end of the payload.
cdef struct socket_message:
    int32_t type
    int32_t id
    int32_t ud
    char *buffer                # malloc'ed, the receiver's; NULL when there is none

cdef enum:
    STATE_INVALID = 0           # free slot
    STATE_RESERVE = 1           # its host name is being resolved
    STATE_PLISTEN = 2           # listens, not started
    STATE_LISTEN = 3
    STATE_CONNECTING = 4
    STATE_CONNECTED = 5         # any UDP socket too
    STATE_PACCEPT = 6           # accepted, not started
    STATE_HALFCLOSE_READ = 7    # the peer has sent FIN, or it is closing
    STATE_HALFCLOSE_WRITE = 8   # a write has failed
    STATE_BIND = 9              # somebody else's fd

cdef enum:
    PROTOCOL_TCP = 0
    PROTOCOL_UDP = 1            # = TOKEN_IPV4
    PROTOCOL_UDPV6 = 2          # = TOKEN_IPV6

cdef struct socket_slot:
    pthread_mutex_t lock
    pthread_mutex_t wlock
    int id
    int state
    int fd
    uint32_t opaque             # handle of the owner
    uint32_t forsaken           # the owner that socket_sweep found gone, else 0; lock
    uint8_t protocol
    uint8_t token[TOKEN_MAX]    # UDP: default destination, token[0] == 0 when there is none; under wlock
    bint reading
    bint writing                # something is queued
    bint closing                # to be closed when the queues are empty
    bint flushing               # the poller writes what is at the head of the queues; wlock
    int sending                 # somebody is writing much; atomic, see direction_enter
    int receiving               # the poller is reading much; atomic
    uint32_t read_size          # bytes that the next read allocates; the poller's
    socket_buffer_list high     # wlock
    socket_buffer_list low      # wlock
    size_t queued               # counted bytes in both; wlock
    size_t warn_size            # next threshold of a warning, 0 = the first; wlock
    uint64_t read_bytes         # for a listener: accepted sockets; lock
    uint64_t write_bytes        # wlock
    uint64_t read_time          # 1/100 s of timer_now(), 0 = never; lock
    uint64_t write_time         # wlock

# Deliver a PTYPE_SOCKET message to a service. Nonzero: there is no such service, and data stays the caller's.
# sz has the type in its high 8 bits.
ctypedef int (*socket_post)(uint32_t handle, void *data, size_t sz) noexcept nogil
# One line for the logger.
ctypedef void (*socket_error)(const char *text, size_t sz) noexcept nogil

cdef struct socket_server:
    socket_slot *slots
    int epoll_fd
    int wake_fd                 # eventfd in the epoll set
    int spare_fd                # given up to accept and close when no other fd is left
    int last_id                 # atomic
    int highest                 # slots below it have been used; atomic
    int forsaken                # socket_sweep has something to look for; atomic
    socket_post post
    socket_error error

cdef socket_server server

# 0, or -1 with errno.
cdef int slots_init(socket_post post, socket_error error) noexcept nogil
# No other thread uses the table any more.
cdef void slots_free() noexcept nogil

# A free slot, with a new id, in state RESERVE and both locks held; NULL when all are taken.
cdef socket_slot *slot_reserve(uint32_t opaque) noexcept nogil
cdef void slot_unlock(socket_slot *s) noexcept nogil

# The live socket with this id and both locks held, or NULL.
cdef socket_slot *slot_lock(int id) noexcept nogil
# The same with one lock held.
cdef socket_slot *slot_lock_event(int id) noexcept nogil
cdef socket_slot *slot_lock_write(int id) noexcept nogil

# Both locks held. Readers without a lock see the old state or the new one (slot_reserve, socket_query).
cdef inline void slot_set(socket_slot *s, int state) noexcept nogil:
    atomic_store_relaxed(&s.state, state)

cdef inline bint slot_unsent(const socket_slot *s) noexcept nogil:
    return s.high.head != NULL or s.low.head != NULL

# Reading and writing one fd at a time, the two threads would sleep on the system's lock of the socket, and waking up takes
# longer than what they wait for. So with much data a thread looks a moment at whether the other is busy. Only a hint.
cdef enum:
    MUCH = 16 * 1024            # bytes
    DIRECTION_NS = 50000

cdef inline void direction_enter(int *own, int *other) noexcept nogil:
    cdef uint64_t start
    if atomic_load_relaxed(other):
        start = clock_ns()
        while atomic_load_relaxed(other) and clock_ns() - start < DIRECTION_NS:
            cpu_relax()
    atomic_store_relaxed(own, 1)

cdef inline void direction_leave(int *own) noexcept nogil:
    atomic_store_relaxed(own, 0)

# -- both locks held

# Start to poll the fd for what state, reading and writing say. 0, or -1.
cdef int slot_watch(socket_slot *s) noexcept nogil
# The same after a change of these.
cdef void slot_interest(socket_slot *s) noexcept nogil
# Drop what is queued, close the fd (not one of BIND), free the slot.
cdef void slot_close(socket_slot *s) noexcept nogil

# -- messages

# Post one; takes buffer in every case. text may be NULL. Nonzero: there is no owner.
cdef int post_event(
    uint32_t opaque, int type, int id, int ud, const char *text, void *buffer) noexcept nogil
cdef void log_error(const char *format, ...) noexcept nogil

# The payload of a PTYPE_SOCKET message that nobody will read: frees what it carries, closes what it announces.
# The payload itself stays the caller's.
cdef void socket_message_drop(const void *data, size_t sz) noexcept nogil

# A service has ended, and socket_sweep is to look for what it has left. Any thread.
cdef inline void slots_forsake() noexcept nogil:
    atomic_store_relaxed(&server.forsaken, 1)
