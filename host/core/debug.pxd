"""Live counters of the debug build (SNHOST_DEBUG=1): after a node has stopped, all of them are back at zero."""

cdef extern from *:
    """
    #ifndef SNHOST_DEBUG
    #define SNHOST_DEBUG 0
    #endif
    """
    bint SNHOST_DEBUG

cdef enum:
    COUNT_CONTEXT = 0
    COUNT_MESSAGE = 1       # in queues, or being dispatched
    COUNT_VM = 2
    COUNT_TASK = 3          # coroutines of the native dispatcher
    COUNTERS = 4

cdef void debug_count(int which, int n) noexcept nogil

cdef inline void count(int which, int n) noexcept nogil:
    if SNHOST_DEBUG:
        debug_count(which, n)
