# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.stdlib cimport calloc, free, malloc
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset, strlen
from posix.fcntl cimport O_CLOEXEC, O_RDONLY, open
from posix.unistd cimport close

from host.core.message cimport PTYPE_SOCKET, message_pack_size
from host.core.net cimport (
    EFD_CLOEXEC, EFD_NONBLOCK, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLOUT,
    epoll_create1, epoll_ctl, epoll_event, eventfd,
)
from host.core.socket_buffer cimport buffer_free
from host.core.sync cimport atomic_add, atomic_cas_int, atomic_load_relaxed
from host.core.system cimport pthread_mutex_lock, pthread_mutex_unlock

cdef extern from *:
    """
    #include <stdarg.h>
    #include <stdio.h>
    #define socket_vformat(buffer, size, format, last) do { \
        va_list ap; va_start(ap, last); vsnprintf(buffer, size, format, ap); va_end(ap); } while (0)
    """
    void socket_vformat(char *buffer, size_t size, const char *format, const char *last) noexcept nogil

cdef enum:
    ID_MASK = 0x7fffffff


cdef int slots_init(socket_post post, socket_error error) noexcept nogil:
    cdef epoll_event event
    memset(&server, 0, sizeof(server))
    server.post = post
    server.error = error
    # zeroed mutexes are initialized mutexes, and untouched slots cost no memory
    server.slots = <socket_slot *>calloc(SOCKET_SLOTS, sizeof(socket_slot))
    server.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
    server.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
    server.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC)
    event.events = EPOLLIN
    event.data.u64 = 0
    if (server.slots == NULL or server.epoll_fd < 0 or server.wake_fd < 0
            or epoll_ctl(server.epoll_fd, EPOLL_CTL_ADD, server.wake_fd, &event) != 0):
        slots_free()
        return -1
    return 0


cdef void close_fd(int *fd) noexcept nogil:
    if fd[0] >= 0:
        close(fd[0])
    fd[0] = -1


cdef void slots_free() noexcept nogil:
    cdef int i
    cdef socket_slot *s
    if server.slots != NULL:
        for i in range(server.highest):
            s = &server.slots[i]
            if s.state != STATE_INVALID:
                slot_close(s)
        free(server.slots)
        server.slots = NULL
    close_fd(&server.epoll_fd)
    close_fd(&server.wake_fd)
    close_fd(&server.spare_fd)


cdef void raise_highest(int n) noexcept nogil:
    cdef int seen = atomic_load_relaxed(&server.highest)
    while seen < n and not atomic_cas_int(&server.highest, seen, n):
        seen = atomic_load_relaxed(&server.highest)


cdef socket_slot *slot_reserve(uint32_t opaque) noexcept nogil:
    cdef socket_slot *s
    cdef int id, i
    for i in range(SOCKET_SLOTS):
        id = atomic_add(&server.last_id, 1) & ID_MASK
        s = &server.slots[id % SOCKET_SLOTS]
        if atomic_load_relaxed(&s.state) != STATE_INVALID:
            continue
        pthread_mutex_lock(&s.lock)
        pthread_mutex_lock(&s.wlock)
        # the id 0 would be the mark of the eventfd in the epoll set
        if s.state == STATE_INVALID and id != 0:
            slot_set(s, STATE_RESERVE)
            s.id = id
            s.opaque = opaque
            s.forsaken = 0
            s.fd = -1
            s.protocol = PROTOCOL_TCP
            s.token[0] = 0
            s.reading = True
            s.writing = s.closing = s.flushing = False
            s.sending = s.receiving = 0
            s.read_size = 0
            s.queued = s.warn_size = 0
            s.read_bytes = s.write_bytes = s.read_time = s.write_time = 0
            raise_highest(id % SOCKET_SLOTS + 1)
            return s
        slot_unlock(s)
    return NULL


cdef void slot_unlock(socket_slot *s) noexcept nogil:
    pthread_mutex_unlock(&s.wlock)
    pthread_mutex_unlock(&s.lock)


cdef socket_slot *slot_lock_event(int id) noexcept nogil:
    cdef socket_slot *s = &server.slots[<uint32_t>id % SOCKET_SLOTS]
    pthread_mutex_lock(&s.lock)
    if s.id == id and s.state != STATE_INVALID:
        return s
    pthread_mutex_unlock(&s.lock)
    return NULL


cdef socket_slot *slot_lock_write(int id) noexcept nogil:
    cdef socket_slot *s = &server.slots[<uint32_t>id % SOCKET_SLOTS]
    pthread_mutex_lock(&s.wlock)
    if s.id == id and s.state != STATE_INVALID:
        return s
    pthread_mutex_unlock(&s.wlock)
    return NULL


cdef socket_slot *slot_lock(int id) noexcept nogil:
    cdef socket_slot *s = slot_lock_event(id)
    if s != NULL:
        pthread_mutex_lock(&s.wlock)
    return s


cdef inline void fill_event(const socket_slot *s, epoll_event *event) noexcept nogil:
    event.data.u64 = <uint32_t>s.id
    if s.state == STATE_CONNECTING:
        event.events = EPOLLOUT
        return
    event.events = 0
    if s.reading and s.state != STATE_PLISTEN and s.state != STATE_PACCEPT:
        event.events |= EPOLLIN
    if s.writing:
        event.events |= EPOLLOUT


cdef int slot_watch(socket_slot *s) noexcept nogil:
    cdef epoll_event event
    fill_event(s, &event)
    return epoll_ctl(server.epoll_fd, EPOLL_CTL_ADD, s.fd, &event)


cdef void slot_interest(socket_slot *s) noexcept nogil:
    cdef epoll_event event
    if s.fd >= 0:
        fill_event(s, &event)
        epoll_ctl(server.epoll_fd, EPOLL_CTL_MOD, s.fd, &event)


cdef void slot_close(socket_slot *s) noexcept nogil:
    cdef epoll_event event
    buffer_free(&s.high)
    buffer_free(&s.low)
    s.queued = 0
    if s.fd >= 0:
        # Closing alone does not end the watch when a child process has inherited the fd.
        epoll_ctl(server.epoll_fd, EPOLL_CTL_DEL, s.fd, &event)
        if s.state != STATE_BIND:
            close(s.fd)
    s.fd = -1
    slot_set(s, STATE_INVALID)


# -- messages

cdef int post_event(
        uint32_t opaque, int type, int id, int ud, const char *text, void *buffer) noexcept nogil:
    cdef size_t length = 0 if text == NULL else strlen(text)
    cdef socket_message *m
    if length > SOCKET_TEXT_MAX:
        length = SOCKET_TEXT_MAX
    m = <socket_message *>malloc(sizeof(socket_message) + length)
    m.type = type
    m.id = id
    m.ud = ud
    m.buffer = <char *>buffer
    if length > 0:
        memcpy(m + 1, text, length)
    if server.post(opaque, m, message_pack_size(sizeof(socket_message) + length, PTYPE_SOCKET)) != 0:
        free(buffer)
        free(m)
        return -1
    return 0


cdef void log_error(const char *format, ...) noexcept nogil:
    cdef char line[512]
    if server.error != NULL:
        socket_vformat(line, sizeof(line), format, format)
        server.error(line, strlen(line))


cdef void socket_message_drop(const void *data, size_t sz) noexcept nogil:
    cdef const socket_message *m = <const socket_message *>data
    cdef socket_slot *s
    if data == NULL or sz < sizeof(socket_message):
        return
    free(m.buffer)
    if m.type == SOCKET_ACCEPT and server.slots != NULL:
        s = slot_lock(m.ud)
        if s != NULL:
            if s.state == STATE_PACCEPT:
                slot_close(s)
            slot_unlock(s)
