"""The poller: waits for events of all sockets and handles them. Source: socket_server.c (socket_server_poll).

One thread polls at a time. Usually that is a worker that has nothing else to do: what it reads it can dispatch at once,
without waking anybody. The socket thread is there for the time when all workers are busy.
"""

# Handle what has happened, or happens within timeout_ms (-1: wait until something does, or socket_wakeup).
# The number of sockets that were handled; -1 when another thread polls.
cdef int socket_poll(int timeout_ms) noexcept nogil

# Any thread: make the present poller return, or the next one not wait.
cdef void socket_wakeup() noexcept nogil

cdef int poll_init() noexcept nogil
cdef void poll_free() noexcept nogil
