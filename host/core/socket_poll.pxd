"""The poller: waits for events of all sockets and handles them. Source: socket_server.c (socket_server_poll).

One thread polls at a time, and whoever has nothing else to do may: a worker that polls before it goes to sleep dispatches
what it has read at once, on the same core, without a wake-up in between. As long as a worker is awake nobody waits inside
epoll, because each event would wake him; the last worker to run out of work waits there. The socket thread stands by: when
nobody has polled for STAND_BY_MS, since all workers are busy, it takes over until they come back. When all are idle it
sleeps, too.
"""

# Handle what has happened, or happens within timeout_ms (-1: wait until something does, or socket_wakeup).
# The number of sockets that were handled; -1 when another thread polls, or there is no server.
cdef int socket_poll(int timeout_ms) noexcept nogil

# Any thread: make the worker who waits in socket_poll return, or the next one not wait.
cdef void socket_wakeup() noexcept nogil

# The body of the socket thread; returns after poll_quit.
cdef void poll_stand_by() noexcept nogil
cdef void poll_quit() noexcept nogil

cdef int poll_init() noexcept nogil
cdef void poll_free() noexcept nogil
