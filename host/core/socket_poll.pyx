# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.errno cimport EAGAIN, EINTR, EMFILE, ENFILE, errno
from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, strerror
from posix.fcntl cimport O_CLOEXEC, O_RDONLY, open
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec
from posix.unistd cimport close, read, usleep, write

from host.core.net cimport (
    EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, SO_ERROR, SOCK_CLOEXEC, SOCK_NONBLOCK, SOL_SOCKET, accept4, epoll_event,
    epoll_wait, getpeername, getsockopt, iovec, readv, recvfrom, sockaddr, sockaddr_storage, socklen_t,
)
from host.core.socket_address cimport ADDRESS_TEXT_MAX, TOKEN_MAX, address_ip, address_text, token_of
from host.core.socket_send cimport socket_flush
from host.core.socket_slot cimport (
    MUCH, PROTOCOL_TCP, SOCKET_ACCEPT, SOCKET_CLOSE, SOCKET_CONNECT, SOCKET_DATA, SOCKET_ERROR, SOCKET_UDP, STATE_BIND,
    STATE_CONNECTED, STATE_CONNECTING, STATE_HALFCLOSE_READ, STATE_HALFCLOSE_WRITE, STATE_INVALID, STATE_LISTEN,
    STATE_PACCEPT, STATE_RESERVE, direction_enter, direction_leave, post_event, server, slot_close, slot_interest, slot_lock_event,
    slot_reserve, slot_set, slot_unlock, slot_unsent, slot_watch, socket_slot,
)
from host.core.sync cimport (
    atomic_cas_int, atomic_exchange, atomic_load, atomic_load_relaxed, atomic_store, atomic_store_relaxed,
)
from host.core.system cimport (
    pthread_cond_destroy, pthread_cond_init, pthread_cond_signal, pthread_cond_t, pthread_cond_timedwait,
    pthread_cond_wait, pthread_condattr_destroy, pthread_condattr_init, pthread_condattr_setclock, pthread_condattr_t,
    pthread_mutex_destroy, pthread_mutex_init, pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock,
)
from host.core.timer cimport timer_now

cdef enum:
    EVENTS = 64                 # per system call
    ACCEPTS = 64                # per event
    DATAGRAMS = 64              # per event
    READ_MIN = 64               # bytes; the size of a socket's reads moves between these with what comes
    READ_MAX = 128 * 1024
    READ_TURN = 1024 * 1024     # bytes per event: others want to be served too
    SPILL = 65536               # bytes; what a read brings beyond the expected, or one datagram
    STAND_BY_MS = 1

cdef int polling                # a thread polls; atomic
cdef int rounds                 # polls begun; the poller's, read by the socket thread
cdef int wake_pending           # socket_wakeup was called, and no waiting poll has taken note; atomic
cdef epoll_event events[EVENTS]     # the poller's
cdef char *spill                    # the poller's

# The socket thread while it stands by.
cdef pthread_mutex_t stand_by_lock
cdef pthread_cond_t stand_by_wake
cdef int parked                 # it sleeps until the present poller has finished; atomic, set under the lock
cdef int quitting               # atomic, set under the lock


cdef int poll_init() noexcept nogil:
    global polling, rounds, wake_pending, spill, parked, quitting
    cdef pthread_condattr_t attr
    polling = rounds = wake_pending = parked = quitting = 0
    pthread_mutex_init(&stand_by_lock, NULL)
    pthread_condattr_init(&attr)
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC)
    pthread_cond_init(&stand_by_wake, &attr)
    pthread_condattr_destroy(&attr)
    spill = <char *>malloc(SPILL)
    return 0 if spill != NULL else -1


cdef void poll_free() noexcept nogil:
    global spill
    free(spill)
    spill = NULL
    pthread_cond_destroy(&stand_by_wake)
    pthread_mutex_destroy(&stand_by_lock)


cdef void socket_wakeup() noexcept nogil:
    cdef uint64_t one = 1
    atomic_store(&wake_pending, 1)
    write(server.wake_fd, &one, sizeof(one))


cdef bint become_poller() noexcept nogil:
    return spill != NULL and atomic_cas_int(&polling, 0, 1)


cdef int poll_round(int timeout_ms) noexcept nogil:
    """The poller. Afterwards somebody else may be."""
    cdef uint64_t count
    cdef int n, i
    cdef int handled = 0
    atomic_store_relaxed(&rounds, rounds + 1)
    n = epoll_wait(server.epoll_fd, events, EVENTS, timeout_ms)
    for i in range(n):
        if events[i].data.u64 == 0:
            read(server.wake_fd, &count, sizeof(count))
        else:
            handle_event(<int>events[i].data.u64, events[i].events)
            handled += 1
    atomic_store(&polling, 0)
    # The other half is in park: one of the two sees what the other has written.
    if atomic_load(&parked):
        pthread_mutex_lock(&stand_by_lock)
        pthread_cond_signal(&stand_by_wake)
        pthread_mutex_unlock(&stand_by_lock)
    return handled


cdef int socket_poll(int timeout_ms) noexcept nogil:
    if not become_poller():
        return -1
    # A wake-up may have come before this thread was the poller, and ended another one's round.
    if timeout_ms != 0 and atomic_exchange(&wake_pending, 0):
        timeout_ms = 0
    return poll_round(timeout_ms)


# -- the socket thread

cdef void nap() noexcept nogil:
    cdef timespec until
    clock_gettime(CLOCK_MONOTONIC, &until)
    until.tv_nsec += STAND_BY_MS * 1000000
    if until.tv_nsec >= 1000000000:
        until.tv_nsec -= 1000000000
        until.tv_sec += 1
    pthread_mutex_lock(&stand_by_lock)
    while not quitting and pthread_cond_timedwait(&stand_by_wake, &stand_by_lock, &until) == 0:
        pass
    pthread_mutex_unlock(&stand_by_lock)


cdef void park(int seen) noexcept nogil:
    """Sleep as long as the poll that began as round `seen` lasts."""
    pthread_mutex_lock(&stand_by_lock)
    atomic_store(&parked, 1)
    while not quitting and atomic_load(&polling) and atomic_load_relaxed(&rounds) == seen:
        pthread_cond_wait(&stand_by_wake, &stand_by_lock)
    atomic_store(&parked, 0)
    pthread_mutex_unlock(&stand_by_lock)


cdef void poll_stand_by() noexcept nogil:
    cdef int seen
    while not atomic_load(&quitting):
        seen = atomic_load_relaxed(&rounds)
        nap()
        if atomic_load_relaxed(&rounds) != seen:
            continue
        if atomic_load(&polling):
            park(seen)
        elif become_poller():
            # From here on a wake-up ends this thread's round.
            poll_round(0 if atomic_load(&quitting) else -1)
            while socket_poll(0) > 0:
                pass


cdef void poll_quit() noexcept nogil:
    pthread_mutex_lock(&stand_by_lock)
    atomic_store(&quitting, 1)
    pthread_cond_signal(&stand_by_wake)
    pthread_mutex_unlock(&stand_by_lock)
    socket_wakeup()


# -- events

cdef void handle_event(int id, uint32_t happened) noexcept nogil:
    """The socket may have been closed, and its slot given away, since the system reported the event."""
    cdef socket_slot *s = slot_lock_event(id)
    if s == NULL:
        return
    if s.state == STATE_CONNECTING:
        finish_connect(s)
    elif s.state == STATE_LISTEN:
        accept_all(s)
    elif s.state != STATE_RESERVE:
        handle_io(s, happened)
    pthread_mutex_unlock(&s.lock)


# -- lock held in all that follows

cdef void close_socket(socket_slot *s) noexcept nogil:
    pthread_mutex_lock(&s.wlock)
    slot_close(s)
    pthread_mutex_unlock(&s.wlock)


cdef int pending_error(int fd) noexcept nogil:
    cdef int error = 0
    cdef socklen_t length = sizeof(error)
    if getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0:
        return errno
    return error


cdef void finish_connect(socket_slot *s) noexcept nogil:
    cdef int error = pending_error(s.fd)
    cdef sockaddr_storage addr
    cdef socklen_t length = sizeof(addr)
    cdef char ip[ADDRESS_TEXT_MAX]
    if error != 0:
        close_socket(s)
        post_event(s.opaque, SOCKET_ERROR, s.id, 0, strerror(error), NULL)
        return
    pthread_mutex_lock(&s.wlock)
    slot_set(s, STATE_CONNECTED)
    s.writing = slot_unsent(s)
    slot_interest(s)
    pthread_mutex_unlock(&s.wlock)
    ip[0] = 0
    if getpeername(s.fd, <sockaddr *>&addr, &length) == 0:
        address_ip(<sockaddr *>&addr, ip)
    post_event(s.opaque, SOCKET_CONNECT, s.id, 0, ip, NULL)


cdef void accept_all(socket_slot *listener) noexcept nogil:
    cdef sockaddr_storage addr
    cdef socklen_t length
    cdef int fd, error, i
    for i in range(ACCEPTS):
        length = sizeof(addr)
        fd = accept4(listener.fd, <sockaddr *>&addr, &length, SOCK_NONBLOCK | SOCK_CLOEXEC)
        if fd < 0:
            error = errno
            if error == EMFILE or error == ENFILE:
                refuse_one(listener, error)
            return
        if announce(listener, fd, <sockaddr *>&addr) != 0:
            return


cdef void refuse_one(socket_slot *listener, int error) noexcept nogil:
    """No fd is left: accept and close one connection with the spare fd, so that the client learns of it."""
    cdef int fd
    post_event(listener.opaque, SOCKET_ERROR, listener.id, 0, strerror(error), NULL)
    if server.spare_fd >= 0:
        close(server.spare_fd)
        fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC)
        if fd >= 0:
            close(fd)
    else:
        # Somebody took the spare fd's number; the listener stays readable, so this would be a busy loop.
        usleep(1000)
    server.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC)


cdef int announce(socket_slot *listener, int fd, const sockaddr *addr) noexcept nogil:
    """A slot for an accepted fd. The new socket is locked until its owner has been told, so no event overtakes that.
    Nonzero: the listener has no owner any more, and is closed."""
    cdef socket_slot *s = slot_reserve(listener.opaque)
    cdef char peer[ADDRESS_TEXT_MAX]
    cdef int orphan
    if s == NULL:
        close(fd)
        return 0
    s.fd = fd
    slot_set(s, STATE_PACCEPT)
    if slot_watch(s) != 0:
        slot_close(s)
        slot_unlock(s)
        return 0
    listener.read_bytes += 1
    listener.read_time = timer_now()
    address_text(addr, peer)
    orphan = post_event(listener.opaque, SOCKET_ACCEPT, listener.id, s.id, peer, NULL)
    if orphan:
        slot_close(s)
    slot_unlock(s)
    if orphan:
        close_socket(listener)
    return orphan


cdef void handle_io(socket_slot *s, uint32_t happened) noexcept nogil:
    cdef bint more = False
    if happened & EPOLLIN and s.reading:
        if s.protocol == PROTOCOL_TCP:
            more = read_stream(s)
        else:
            read_datagrams(s)
    if happened & EPOLLOUT and s.state != STATE_INVALID:
        socket_flush(s)
    # What is left to read comes first: the next round reports the error or the end again.
    if s.state == STATE_INVALID or more:
        return
    if happened & EPOLLERR:
        report_error(s)
    if happened & EPOLLHUP and s.state != STATE_INVALID:
        hang_up(s)


cdef void report_error(socket_slot *s) noexcept nogil:
    cdef int error = pending_error(s.fd)
    cdef const char *text = "Unknown error"
    if error != 0 and s.state != STATE_BIND:
        text = strerror(error)
    post_event(s.opaque, SOCKET_ERROR, s.id, 0, text, NULL)
    if s.state == STATE_BIND:
        # Asking does not clear the error of something else than a socket: it would be reported for ever.
        close_socket(s)


cdef void hang_up(socket_slot *s) noexcept nogil:
    cdef bint told = s.state == STATE_HALFCLOSE_READ
    close_socket(s)
    if not told:
        post_event(s.opaque, SOCKET_CLOSE, s.id, 0, NULL, NULL)


cdef void end_of_stream(socket_slot *s) noexcept nogil:
    if s.state == STATE_HALFCLOSE_WRITE:
        close_socket(s)
    else:
        pthread_mutex_lock(&s.wlock)
        slot_set(s, STATE_HALFCLOSE_READ)
        s.reading = False
        slot_interest(s)
        pthread_mutex_unlock(&s.wlock)
    post_event(s.opaque, SOCKET_CLOSE, s.id, 0, NULL, NULL)


cdef inline uint32_t next_read_size(uint32_t size, size_t got) noexcept nogil:
    if got < size // 2:
        return size // 2 if size > READ_MIN else READ_MIN
    while size < got and size < READ_MAX:
        size *= 2
    return size


cdef bint read_stream(socket_slot *s) noexcept nogil:
    """One system call in most cases: into a block of the expected size, and what exceeds it into the spill.
    Returns True when there may be more, or an error was reported that the next round must not repeat."""
    cdef iovec parts[2]
    cdef uint32_t size
    cdef char *block
    cdef ssize_t n
    cdef size_t turn = 0
    cdef size_t room
    cdef int error
    parts[1].iov_base = spill
    parts[1].iov_len = SPILL
    while turn < READ_TURN:
        size = s.read_size if s.read_size > READ_MIN else READ_MIN
        block = <char *>malloc(size)
        parts[0].iov_base = block
        parts[0].iov_len = size
        # A large block needs no spill: what exceeds it is worth a call of its own.
        room = size + SPILL if size < READ_MAX else size
        if size >= MUCH:
            direction_enter(&s.receiving, &s.sending)
            n = readv(s.fd, parts, 2 if size < READ_MAX else 1)
            direction_leave(&s.receiving)
        else:
            n = readv(s.fd, parts, 2)
        if n <= 0:
            error = errno
            free(block)
            if n == 0:
                end_of_stream(s)
                return False
            if error == EINTR:
                continue
            if error == EAGAIN:
                return False
            post_event(s.opaque, SOCKET_ERROR, s.id, 0, strerror(error), NULL)
            if s.state == STATE_BIND:
                close_socket(s)
            return True
        if n > size:
            block = <char *>realloc(block, n)
            memcpy(block + size, spill, n - size)
        elif n * 4 < size and size > 4096:
            block = <char *>realloc(block, n)
        s.read_size = next_read_size(size, n)
        s.read_bytes += n
        s.read_time = timer_now()
        turn += n
        if post_event(s.opaque, SOCKET_DATA, s.id, <int>n, NULL, block) != 0:
            # Nobody owns it any more, and the stream has a hole now.
            close_socket(s)
            return False
        if <size_t>n < room:
            return False
    return True


cdef void read_datagrams(socket_slot *s) noexcept nogil:
    cdef sockaddr_storage addr
    cdef socklen_t length
    cdef uint8_t token[TOKEN_MAX]
    cdef char *block
    cdef ssize_t n
    cdef int token_sz, error, i
    for i in range(DATAGRAMS):
        length = sizeof(addr)
        n = recvfrom(s.fd, spill, SPILL, 0, <sockaddr *>&addr, &length)
        if n < 0:
            error = errno
            if error != EAGAIN and error != EINTR:
                close_socket(s)
                post_event(s.opaque, SOCKET_ERROR, s.id, 0, strerror(error), NULL)
            return
        token_sz = token_of(<sockaddr *>&addr, token)
        if token_sz == 0:
            continue
        block = <char *>malloc(n + token_sz)
        memcpy(block, spill, n)
        memcpy(block + n, token, token_sz)
        s.read_bytes += n
        s.read_time = timer_now()
        if post_event(s.opaque, SOCKET_UDP, s.id, <int>n, NULL, block) != 0:
            close_socket(s)
            return
