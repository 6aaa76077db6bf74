# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset, strerror
from posix.unistd cimport write

from host.core.net cimport (
    MSG_NOSIGNAL, SHUT_WR, iovec, msghdr, send, sendmsg, sendto, shutdown, sockaddr, sockaddr_storage, socklen_t, writev,
)
from host.core.socket_address cimport token_address, token_size
from host.core.socket_buffer cimport (
    buffer_append, buffer_consume, buffer_drop, buffer_free, buffer_new, buffer_parts, socket_buffer, socket_buffer_list,
)
from host.core.socket_slot cimport (
    MUCH, PROTOCOL_TCP, SOCKET_ERROR, SOCKET_WARNING, STATE_BIND, STATE_CONNECTED, STATE_CONNECTING, STATE_HALFCLOSE_READ,
    STATE_HALFCLOSE_WRITE, STATE_LISTEN, STATE_PACCEPT, STATE_PLISTEN, STATE_RESERVE, direction_enter, direction_leave, log_error, post_event, slot_close,
    slot_interest, slot_lock_write, slot_set, slot_unsent,
)
from host.core.system cimport pthread_mutex_lock, pthread_mutex_unlock
from host.core.timer cimport timer_now

cdef enum:
    FIRST_WARNING = 1024 * 1024
    FLUSH_PARTS = 64            # buffers per system call
    FLUSH_ROUNDS = 4            # system calls per event: others want to be served too


# -- the sender; wlock held

cdef void arm(socket_slot *s) noexcept nogil:
    """Something is queued: let the poller write it."""
    if not s.writing:
        s.writing = True
        if s.state != STATE_RESERVE and s.state != STATE_CONNECTING:
            slot_interest(s)


cdef void warn(socket_slot *s) noexcept nogil:
    if s.queued >= FIRST_WARNING and s.queued >= s.warn_size:
        s.warn_size = s.warn_size * 2 if s.warn_size else 2 * FIRST_WARNING
        post_event(s.opaque, SOCKET_WARNING, s.id, <int>((s.queued + 1023) // 1024), NULL, NULL)


cdef void enqueue(socket_slot *s, socket_buffer *b, int priority) noexcept nogil:
    if priority == SEND_LOW and slot_unsent(s):
        buffer_append(&s.low, b)
    else:
        buffer_append(&s.high, b)
    if b.counted:
        s.queued += b.sz
        warn(s)
    arm(s)


cdef size_t write_now(socket_slot *s, const char *data, size_t sz) noexcept nogil:
    """Bytes that the system took. What goes wrong is left to the poller, who will meet the same error."""
    cdef ssize_t n
    while True:
        if s.state == STATE_BIND:
            n = write(s.fd, data, sz)
        elif sz < MUCH:
            n = send(s.fd, data, sz, MSG_NOSIGNAL)
        else:
            direction_enter(&s.sending, &s.receiving)
            n = send(s.fd, data, sz, MSG_NOSIGNAL)
            direction_leave(&s.sending)
        if n >= 0:
            s.write_bytes += n
            s.write_time = timer_now()
            return n
        if errno != EINTR:
            return 0


cdef int send_stream(socket_slot *s, void *data, size_t sz, bint owned, int priority) noexcept nogil:
    """Returns whether data was taken over."""
    cdef socket_buffer *b
    cdef size_t done = 0
    cdef bint direct = (
        (s.state == STATE_CONNECTED or s.state == STATE_BIND) and not s.flushing and not slot_unsent(s))
    if direct:
        done = write_now(s, <const char *>data, sz)
        if done == sz:
            return False
    b = buffer_new(data, done, sz - done, owned)
    # The rest of a direct write has never counted for the warnings.
    b.counted = not direct
    enqueue(s, b, priority)
    return owned


cdef int send_datagram(
        socket_slot *s, const uint8_t *token, void *data, size_t sz, bint owned, bint direct, int *result) noexcept nogil:
    """Returns whether data was taken over."""
    cdef sockaddr_storage addr
    cdef socklen_t length
    cdef socket_buffer *b
    if token[0] == 0 and direct:
        log_error("socket-server : set udp (%d) error: address first.", s.id)
        result[0] = -1
        return False
    if token[0] != s.protocol:
        log_error("socket-server: udp socket (%d) error: type mismatch.", s.id)
        return False
    if direct:
        length = token_address(token, &addr)
        if sendto(s.fd, data, sz, MSG_NOSIGNAL, <sockaddr *>&addr, length) >= 0:
            s.write_bytes += sz
            s.write_time = timer_now()
            return False
        if errno != EAGAIN and errno != EINTR:
            # An oversized datagram, or an address without a route: lost, as it might be on its way.
            return False
    b = buffer_new(data, 0, sz, owned)
    memcpy(b.token, token, token_size(token))
    enqueue(s, b, SEND_HIGH)
    return owned


cdef bint sends_nothing(socket_slot *s, int priority, int *result) noexcept nogil:
    """States in which the data is dropped."""
    if s.closing:
        if priority == SEND_HIGH:
            result[0] = -1
        return True
    if s.state == STATE_PLISTEN or s.state == STATE_LISTEN:
        log_error("socket-server error: write to listen fd %d.", s.id)
        return True
    return s.state == STATE_PACCEPT or s.state == STATE_HALFCLOSE_WRITE


cdef int socket_send(int id, void *data, size_t sz, bint owned, int priority) noexcept nogil:
    cdef socket_slot *s = slot_lock_write(id)
    cdef bint taken = False
    cdef int result = 0
    if s == NULL:
        if owned:
            free(data)
        return -1
    if not sends_nothing(s, priority, &result):
        if s.protocol != PROTOCOL_TCP:
            taken = send_datagram(
                s, s.token, data, sz, owned, priority == SEND_HIGH and not slot_unsent(s) and not s.flushing, &result)
        elif sz > 0:
            taken = send_stream(s, data, sz, owned, priority)
    pthread_mutex_unlock(&s.wlock)
    if owned and not taken:
        free(data)
    return result


cdef int socket_udp_send(int id, const uint8_t *token, void *data, size_t sz, bint owned) noexcept nogil:
    cdef socket_slot *s = slot_lock_write(id)
    cdef bint taken = False
    cdef int result = -1
    if s != NULL:
        if not s.closing and token_size(token) > 0 and token[0] == s.protocol:
            result = 0
            taken = send_datagram(
                s, token, data, sz, owned, not slot_unsent(s) and not s.flushing, &result)
        pthread_mutex_unlock(&s.wlock)
    if owned and not taken:
        free(data)
    return result


# -- the poller; lock held

cdef ssize_t write_parts(socket_slot *s, iovec *parts, int n) noexcept nogil:
    cdef msghdr message
    if s.state == STATE_BIND:
        return writev(s.fd, parts, n)
    memset(&message, 0, sizeof(message))
    message.msg_iov = parts
    message.msg_iovlen = n
    return sendmsg(s.fd, &message, MSG_NOSIGNAL)


cdef void write_failed(socket_slot *s, int error) noexcept nogil:
    """Both locks held."""
    if s.closing or s.state == STATE_HALFCLOSE_READ:
        slot_close(s)
        return
    buffer_free(&s.high)
    buffer_free(&s.low)
    s.queued = 0
    s.writing = False
    if s.state != STATE_HALFCLOSE_WRITE:
        shutdown(s.fd, SHUT_WR)
        slot_set(s, STATE_HALFCLOSE_WRITE)
        post_event(s.opaque, SOCKET_ERROR, s.id, 0, strerror(error), NULL)
    slot_interest(s)


cdef bint flush_stream(socket_slot *s, int *error) noexcept nogil:
    """Write as long as the fd takes it; wlock held, but not while the system writes. Returns False when it takes no more."""
    cdef iovec parts[FLUSH_PARTS]
    cdef socket_buffer_list *list
    cdef ssize_t n
    cdef int count, i
    for i in range(FLUSH_ROUNDS):
        list = &s.high if s.high.head != NULL else &s.low
        count = buffer_parts(list, parts, FLUSH_PARTS)
        if count == 0:
            return True
        # Senders append behind these buffers meanwhile; only the poller removes any.
        pthread_mutex_unlock(&s.wlock)
        n = write_parts(s, parts, count)
        if n < 0:
            error[0] = errno
        pthread_mutex_lock(&s.wlock)
        if n < 0:
            if error[0] == EAGAIN or error[0] == EINTR:
                error[0] = 0
            return False
        s.write_bytes += n
        s.queued -= buffer_consume(list, n)
        if list == &s.low and s.low.head != NULL and n > 0 and partly_written(parts, count, n):
            keep_low_whole(s)
    return not slot_unsent(s)


cdef bint partly_written(const iovec *parts, int count, ssize_t n) noexcept nogil:
    """Do n bytes end inside one of the parts?"""
    cdef int i
    for i in range(count):
        if n < <ssize_t>parts[i].iov_len:
            return n > 0
        n -= parts[i].iov_len
    return False


cdef void keep_low_whole(socket_slot *s) noexcept nogil:
    """The first low buffer is partly written: what has come into the high queue since must not split it."""
    cdef socket_buffer *b = s.low.head
    s.low.head = b.next
    if b.next == NULL:
        s.low.tail = NULL
    b.next = s.high.head
    s.high.head = b
    if s.high.tail == NULL:
        s.high.tail = b


cdef bint flush_datagrams(socket_slot *s) noexcept nogil:
    """wlock held. A datagram that the system refuses for another reason than lack of room is lost."""
    cdef sockaddr_storage addr
    cdef socket_buffer_list *list
    cdef socket_buffer *b
    cdef int i
    for i in range(FLUSH_PARTS):
        list = &s.high if s.high.head != NULL else &s.low
        b = list.head
        if b == NULL:
            return True
        if sendto(s.fd, b.ptr, b.sz, MSG_NOSIGNAL, <sockaddr *>&addr, token_address(b.token, &addr)) < 0:
            if errno == EAGAIN or errno == EINTR:
                return False
        else:
            s.write_bytes += b.sz
        s.queued -= b.sz
        buffer_drop(list)
    return not slot_unsent(s)


cdef void socket_flush(socket_slot *s) noexcept nogil:
    cdef int error = 0
    cdef bint empty
    pthread_mutex_lock(&s.wlock)
    if not s.writing:
        pthread_mutex_unlock(&s.wlock)
        return
    s.flushing = True
    empty = flush_stream(s, &error) if s.protocol == PROTOCOL_TCP else flush_datagrams(s)
    s.flushing = False
    s.write_time = timer_now()
    if error != 0:
        write_failed(s, error)
    elif empty:
        if s.closing:
            slot_close(s)
        else:
            s.writing = False
            slot_interest(s)
            if s.warn_size > 0:
                s.warn_size = 0
                post_event(s.opaque, SOCKET_WARNING, s.id, 0, NULL, NULL)
    pthread_mutex_unlock(&s.wlock)
