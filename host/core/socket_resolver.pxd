"""Host names, resolved by threads of their own that come and go with the work: getaddrinfo may block for many seconds, and
neither the poller nor a worker must."""

from host.core.net cimport addrinfo

# On a resolver thread: code is 0 or one for gai_strerror; the list is freed afterwards.
ctypedef void (*resolver_done)(int id, addrinfo *list, int code) noexcept nogil

cdef void resolver_init() noexcept nogil

# No `done` is running or will run when this returns. Threads that are still inside getaddrinfo end on their own.
cdef void resolver_stop() noexcept nogil

# Any thread. 0, or -1 when no thread can be had.
cdef int resolver_submit(int id, const char *host, int port, resolver_done done) noexcept nogil
