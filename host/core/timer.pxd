"""Timer wheel and the clocks of a node; unit 1/100 s. Source: skynet_timer.c.

One near wheel of 256 ticks and four levels of 64 slots, as in the original. The timer thread sleeps until the next tick
that has something to do, so a node without timers costs nothing; the clock itself is read when somebody asks for it.
"""

from libc.stdint cimport int32_t, uint32_t, uint64_t

# Called by the timer thread, without a lock, for each expired timer in order of expiry, then of creation.
ctypedef void (*timer_post)(uint32_t handle, int32_t session) noexcept nogil

cdef void timer_init(timer_post post) noexcept nogil
cdef void timer_free() noexcept nogil

# The body of the timer thread; returns after timer_quit.
cdef void timer_run() noexcept nogil
cdef void timer_quit() noexcept nogil

# Any thread. ti >= 1: fires at the ti-th tick after the current one.
cdef void timer_add(uint32_t handle, int32_t session, int32_t ti) noexcept nogil

# 1/100 s; starts at the centisecond part of the wall clock, 0..99, and follows the monotonic clock.
cdef uint64_t timer_now() noexcept nogil

# UTC seconds when the node was started; timer_starttime() + timer_now() / 100 is the wall clock.
cdef uint32_t timer_starttime() noexcept nogil

# Timers that have not fired.
cdef int timer_pending() noexcept nogil
