# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.errno cimport EINPROGRESS, errno
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, strerror, strlen
from posix.fcntl cimport F_GETFL, F_SETFL, O_NONBLOCK, fcntl
from posix.unistd cimport close

from host.core.net cimport (
    AF_INET, IPPROTO_TCP, IPPROTO_UDP, SO_KEEPALIVE, SO_REUSEADDR, SOCK_CLOEXEC, SOCK_DGRAM,
    SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY, addrinfo, bind, connect, freeaddrinfo, gai_strerror,
    getpeername, getsockname, listen, setsockopt, sockaddr, sockaddr_storage, socket_create, socklen_t,
)
from host.core.socket_address cimport (
    ADDRESS_TEXT_MAX, TOKEN_IPV4, TOKEN_IPV6, TOKEN_MAX, address_ip, address_resolve, address_text, token_address,
    token_of,
)
from host.core.socket_poll cimport poll_free, poll_init, poll_quit, poll_stand_by
from host.core.socket_resolver cimport resolver_init, resolver_stop, resolver_submit
from host.core.socket_slot cimport (
    PROTOCOL_TCP, SOCKET_CLOSE, SOCKET_CONNECT, SOCKET_ERROR, STATE_BIND, STATE_CONNECTED,
    STATE_CONNECTING, STATE_HALFCLOSE_READ, STATE_HALFCLOSE_WRITE, STATE_INVALID, STATE_LISTEN, STATE_PACCEPT,
    STATE_PLISTEN, STATE_RESERVE, log_error, post_event, server, slot_close, slot_interest, slot_lock,
    slot_lock_write, slot_reserve, slot_set, slot_unlock, slot_unsent, slot_watch, slots_forsake, slots_free,
    slots_init, socket_slot,
)
from host.core.sync cimport atomic_exchange, atomic_load_relaxed
from host.core.system cimport pthread_mutex_lock, pthread_mutex_unlock

cdef enum:
    HOST_MAX = 231          # what the original's request record can carry

cdef const char *LIMIT_TEXT = "reach skynet socket number limit"


cdef int socket_init(socket_post post, socket_error error) noexcept nogil:
    if slots_init(post, error) != 0:
        return -1
    if poll_init() != 0:
        slots_free()
        return -1
    resolver_init()
    return 0


cdef void socket_thread_run() noexcept nogil:
    poll_stand_by()


cdef void socket_stop() noexcept nogil:
    resolver_stop()
    poll_quit()


cdef void socket_free() noexcept nogil:
    slots_free()
    poll_free()


# -- open

cdef int socket_open(uint32_t opaque, const char *host, int port) noexcept nogil:
    cdef socket_slot *s
    cdef addrinfo *list
    cdef int id
    if strlen(host) > HOST_MAX:
        log_error("socket-server error: Invalid addr %s.", host)
        return -1
    s = slot_reserve(opaque)
    if s == NULL:
        return -1
    id = s.id
    if address_resolve(host, port, SOCK_STREAM, True, &list) == 0:
        connect_any(s, list)
        freeaddrinfo(list)
        slot_unlock(s)
        return id
    slot_unlock(s)
    if resolver_submit(id, host, port, connect_resolved) != 0:
        s = slot_lock(id)
        if s != NULL:
            connect_failed(s, strerror(errno))
            slot_unlock(s)
    return id


cdef void connect_resolved(int id, addrinfo *list, int code) noexcept nogil:
    """On a resolver thread. The socket may have been closed meanwhile."""
    cdef socket_slot *s = slot_lock(id)
    if s == NULL:
        return
    if s.state == STATE_RESERVE:
        if code == 0:
            connect_any(s, list)
        else:
            connect_failed(s, gai_strerror(code))
    slot_unlock(s)


cdef void connect_failed(socket_slot *s, const char *reason) noexcept nogil:
    """Both locks held, as in connect_any."""
    slot_close(s)
    post_event(s.opaque, SOCKET_ERROR, s.id, 0, reason, NULL)


cdef void connect_any(socket_slot *s, addrinfo *list) noexcept nogil:
    """Take the first address that accepts the attempt; how the attempt ends is not asked before the choice."""
    cdef addrinfo *ai = list
    cdef char ip[ADDRESS_TEXT_MAX]
    cdef int one = 1
    cdef int done = -1
    while ai != NULL:
        s.fd = socket_create(ai.ai_family, ai.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai.ai_protocol)
        if s.fd >= 0:
            setsockopt(s.fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one))
            done = connect(s.fd, ai.ai_addr, ai.ai_addrlen)
            if done == 0 or errno == EINPROGRESS:
                break
            close(s.fd)
            s.fd = -1
        ai = ai.ai_next
    if ai == NULL:
        connect_failed(s, strerror(errno))
        return
    s.writing = slot_unsent(s)
    slot_set(s, STATE_CONNECTED if done == 0 else STATE_CONNECTING)
    if slot_watch(s) != 0:
        connect_failed(s, LIMIT_TEXT)
    elif done == 0:
        address_ip(ai.ai_addr, ip)
        post_event(s.opaque, SOCKET_CONNECT, s.id, 0, ip, NULL)


# -- listen, bind

cdef int open_bound(const char *host, int port, int socktype, int *family) noexcept nogil:
    """A new fd bound to the first address of the host, or -1."""
    cdef addrinfo *list
    cdef int one = 1
    cdef int fd
    if host == NULL or host[0] == 0:
        host = "0.0.0.0"
    if address_resolve(host, port, socktype, False, &list) != 0:
        return -1
    family[0] = list.ai_family
    fd = socket_create(list.ai_family, socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, list.ai_protocol)
    if fd >= 0:
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one))
        if bind(fd, list.ai_addr, list.ai_addrlen) != 0:
            close(fd)
            fd = -1
    freeaddrinfo(list)
    return fd


cdef int socket_listen(uint32_t opaque, const char *host, int port, int backlog) noexcept nogil:
    cdef sockaddr_storage addr
    cdef socklen_t length = sizeof(addr)
    cdef char ip[ADDRESS_TEXT_MAX]
    cdef socket_slot *s
    cdef int one = 1
    cdef int family, id
    cdef int fd = open_bound(host, port, SOCK_STREAM, &family)
    if fd < 0:
        return -1
    # what is accepted inherits it
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one))
    if listen(fd, backlog) != 0 or getsockname(fd, <sockaddr *>&addr, &length) != 0:
        close(fd)
        return -1
    s = slot_reserve(opaque)
    if s == NULL:
        close(fd)
        return -1
    id = s.id
    s.fd = fd
    slot_set(s, STATE_PLISTEN)
    if slot_watch(s) != 0:
        slot_close(s)
        slot_unlock(s)
        return -1
    port = address_ip(<sockaddr *>&addr, ip)
    post_event(opaque, SOCKET_CONNECT, id, port, ip, NULL)
    slot_unlock(s)
    return id


cdef int socket_bind(uint32_t opaque, int fd) noexcept nogil:
    cdef socket_slot *s = slot_reserve(opaque)
    cdef int id, flags
    if s == NULL:
        return -1
    id = s.id
    s.fd = fd
    slot_set(s, STATE_BIND)
    if slot_watch(s) != 0:
        s.fd = -1
        slot_close(s)
        post_event(opaque, SOCKET_ERROR, id, 0, LIMIT_TEXT, NULL)
    else:
        flags = fcntl(fd, F_GETFL, 0)
        if flags >= 0:
            fcntl(fd, F_SETFL, flags | O_NONBLOCK)
        post_event(opaque, SOCKET_CONNECT, id, 0, "binding", NULL)
    slot_unlock(s)
    return id


# -- start, pause, close

cdef void socket_start(uint32_t opaque, int id) noexcept nogil:
    cdef socket_slot *s = slot_lock(id)
    if s == NULL:
        post_event(opaque, SOCKET_ERROR, id, 0, "invalid socket", NULL)
        return
    if s.state == STATE_HALFCLOSE_READ:
        post_event(opaque, SOCKET_ERROR, id, 0, "socket closed", NULL)
    elif s.state != STATE_RESERVE and s.state != STATE_CONNECTING:
        s.opaque = opaque
        if s.state == STATE_PACCEPT or s.state == STATE_PLISTEN:
            slot_set(s, STATE_CONNECTED if s.state == STATE_PACCEPT else STATE_LISTEN)
            post_event(opaque, SOCKET_CONNECT, id, 0, "start", NULL)
        elif s.state == STATE_CONNECTED:
            post_event(opaque, SOCKET_CONNECT, id, 0, "transfer", NULL)
        s.reading = True
        slot_interest(s)
    slot_unlock(s)


cdef void socket_pause(int id) noexcept nogil:
    cdef socket_slot *s = slot_lock(id)
    if s == NULL:
        return
    if s.reading:
        s.reading = False
        slot_interest(s)
    slot_unlock(s)


cdef void finish_locked(socket_slot *s, bint forced) noexcept nogil:
    cdef bint told = s.state == STATE_HALFCLOSE_READ
    cdef int id = s.id
    if forced or not slot_unsent(s) or s.state == STATE_RESERVE or s.state == STATE_CONNECTING:
        slot_close(s)
    else:
        s.closing = True
        if not told:
            slot_set(s, STATE_HALFCLOSE_READ)
            s.reading = False
            slot_interest(s)
    if not told:
        post_event(s.opaque, SOCKET_CLOSE, id, 0, NULL, NULL)


cdef void finish(int id, bint forced) noexcept nogil:
    cdef socket_slot *s = slot_lock(id)
    if s != NULL:
        finish_locked(s, forced)
        slot_unlock(s)


cdef void socket_close(int id) noexcept nogil:
    finish(id, False)


cdef void socket_shutdown(int id) noexcept nogil:
    finish(id, True)


cdef void socket_sweep(socket_lives lives) noexcept nogil:
    cdef socket_slot *s
    cdef uint32_t opaque
    cdef bint gone
    cdef int i
    if not atomic_exchange(&server.forsaken, 0):
        return
    for i in range(socket_slots()):
        s = &server.slots[i]
        if atomic_load_relaxed(&s.state) == STATE_INVALID:
            continue
        pthread_mutex_lock(&s.lock)
        opaque = s.opaque
        gone = s.state != STATE_INVALID and not lives(opaque)
        if gone and s.forsaken == opaque:
            pthread_mutex_lock(&s.wlock)
            finish_locked(s, False)
            pthread_mutex_unlock(&s.wlock)
        elif gone:
            s.forsaken = opaque
        pthread_mutex_unlock(&s.lock)
        if gone:
            slots_forsake()


cdef void socket_nodelay(int id) noexcept nogil:
    cdef socket_slot *s = slot_lock_write(id)
    cdef int one = 1
    if s != NULL:
        if s.fd >= 0 and s.protocol == PROTOCOL_TCP:
            setsockopt(s.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
        pthread_mutex_unlock(&s.wlock)


# -- UDP

cdef int add_udp(uint32_t opaque, int fd, int family, const sockaddr *destination) noexcept nogil:
    """A slot for a datagram fd, which is closed when there is none."""
    cdef socket_slot *s
    cdef int id
    if fd < 0:
        return -1
    s = slot_reserve(opaque)
    if s == NULL:
        close(fd)
        return -1
    id = s.id
    s.fd = fd
    s.protocol = TOKEN_IPV4 if family == AF_INET else TOKEN_IPV6
    slot_set(s, STATE_CONNECTED)
    if destination != NULL:
        token_of(destination, s.token)
    if slot_watch(s) != 0:
        slot_close(s)
        id = -1
    slot_unlock(s)
    return id


cdef int socket_udp(uint32_t opaque, const char *host, int port) noexcept nogil:
    cdef int family = AF_INET
    cdef int fd
    if host != NULL or port != 0:
        fd = open_bound(host, port, SOCK_DGRAM, &family)
    else:
        fd = socket_create(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP)
    return add_udp(opaque, fd, family, NULL)


cdef int socket_udp_listen(uint32_t opaque, const char *host, int port) noexcept nogil:
    if port == 0:
        return -1
    return socket_udp(opaque, host, port)


cdef int socket_udp_dial(uint32_t opaque, const char *host, int port) noexcept nogil:
    cdef addrinfo *list
    cdef int fd, id
    if address_resolve(host, port, SOCK_DGRAM, False, &list) != 0:
        return -1
    fd = socket_create(list.ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP)
    id = add_udp(opaque, fd, list.ai_family, list.ai_addr)
    freeaddrinfo(list)
    return id


cdef int socket_udp_connect(int id, const char *host, int port) noexcept nogil:
    cdef addrinfo *list
    cdef socket_slot *s
    cdef int result = -1
    cdef uint8_t token[TOKEN_MAX]
    if address_resolve(host, port, SOCK_DGRAM, False, &list) != 0:
        return -1
    token_of(list.ai_addr, token)
    freeaddrinfo(list)
    s = slot_lock_write(id)
    if s == NULL:
        return -1
    if s.protocol != PROTOCOL_TCP:
        result = 0
        if token[0] == s.protocol:
            memcpy(s.token, token, TOKEN_MAX)
        else:
            post_event(s.opaque, SOCKET_ERROR, id, 0, "protocol mismatch", NULL)
    pthread_mutex_unlock(&s.wlock)
    return result


# -- counters

cdef int socket_slots() noexcept nogil:
    return atomic_load_relaxed(&server.highest)


cdef const char *type_text(const socket_slot *s) noexcept nogil:
    """NULL: not listed."""
    if s.state == STATE_LISTEN:
        return "LISTEN"
    if s.state == STATE_CONNECTED:
        return "TCP" if s.protocol == PROTOCOL_TCP else "UDP"
    if s.state == STATE_HALFCLOSE_READ or s.state == STATE_HALFCLOSE_WRITE:
        return "CLOSING"
    if s.state == STATE_BIND:
        return "BIND"
    return NULL


cdef void fill_info(const socket_slot *s, socket_info *info) noexcept nogil:
    cdef sockaddr_storage addr
    cdef socklen_t length = sizeof(addr)
    cdef int failed
    info.id = s.id
    info.opaque = s.opaque
    info.read = s.read_bytes
    info.write = s.write_bytes
    info.wbuffer = s.queued
    info.rtime = s.read_time
    info.wtime = s.write_time
    info.reading = s.reading
    info.writing = s.writing
    info.name[0] = 0
    if s.protocol != PROTOCOL_TCP:
        if s.token[0] != 0:
            token_address(s.token, &addr)
            address_text(<sockaddr *>&addr, info.name)
        return
    if s.state == STATE_LISTEN:
        failed = getsockname(s.fd, <sockaddr *>&addr, &length)
    else:
        failed = getpeername(s.fd, <sockaddr *>&addr, &length)
    if not failed:
        address_text(<sockaddr *>&addr, info.name)


cdef int socket_query(int slot, socket_info *info) noexcept nogil:
    cdef socket_slot *s = &server.slots[slot]
    if atomic_load_relaxed(&s.state) == STATE_INVALID:
        return 0
    pthread_mutex_lock(&s.lock)
    pthread_mutex_lock(&s.wlock)
    info.type = type_text(s)
    if info.type != NULL:
        fill_info(s, info)
    slot_unlock(s)
    return 0 if info.type == NULL else 1
