"""Watches for messages that do not end. Source: skynet_monitor.c, skynet_start.c (thread_monitor)."""

cdef void monitor_init() noexcept nogil
cdef void monitor_free() noexcept nogil
# The body of the monitor thread: a look at every worker and at the memory each 5 s; returns after monitor_quit.
cdef void monitor_run() noexcept nogil
cdef void monitor_quit() noexcept nogil
# One look: a worker still in the message of the last look marks its service as endless and logs it.
cdef void monitor_check() noexcept nogil
