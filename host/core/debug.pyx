# cython: language_level=3
from host.core.sync cimport atomic_add, atomic_load

cdef int counters[COUNTERS]


cdef void debug_count(int which, int n) noexcept nogil:
    atomic_add(&counters[which], n)


def live() -> dict[str, int] | None:
    """Return the live objects by kind, or None when this is not a debug build."""
    if not SNHOST_DEBUG:
        return None
    return {
        "context": atomic_load(&counters[COUNT_CONTEXT]),
        "message": atomic_load(&counters[COUNT_MESSAGE]),
        "vm": atomic_load(&counters[COUNT_VM]),
        "task": atomic_load(&counters[COUNT_TASK]),
    }
