# cython: language_level=3, cdivision=True
from libc.stdint cimport uint32_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from host.core.arena cimport arena_trim
from host.core.context cimport context, context_errorf, context_grab, context_lives, context_release
from host.core.socket cimport socket_sweep
from host.core.sync cimport atomic_load_relaxed, atomic_load_u32, atomic_store_relaxed
from host.core.system cimport (
    pthread_cond_destroy, pthread_cond_init, pthread_cond_signal, pthread_cond_t, pthread_cond_timedwait,
    pthread_condattr_destroy, pthread_condattr_init, pthread_condattr_setclock, pthread_condattr_t,
    pthread_mutex_destroy, pthread_mutex_init, pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock,
)
from host.core.worker cimport worker, worker_at, workers_count, workers_look_after

cdef enum:
    PERIOD_S = 5

cdef pthread_mutex_t lock
cdef pthread_cond_t wake
cdef bint quitting


cdef void monitor_init() noexcept nogil:
    global quitting
    cdef pthread_condattr_t attr
    quitting = False
    pthread_mutex_init(&lock, NULL)
    pthread_condattr_init(&attr)
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC)
    pthread_cond_init(&wake, &attr)
    pthread_condattr_destroy(&attr)


cdef void monitor_free() noexcept nogil:
    pthread_cond_destroy(&wake)
    pthread_mutex_destroy(&lock)


cdef void monitor_check() noexcept nogil:
    cdef worker *w
    cdef context *ctx
    cdef uint32_t destination
    cdef int version, i
    for i in range(workers_count()):
        w = worker_at(i)
        version = atomic_load_relaxed(&w.version)
        destination = atomic_load_u32(&w.destination)
        if version == w.checked_version and destination != 0:
            ctx = context_grab(destination)
            if ctx != NULL:
                atomic_store_relaxed(&ctx.endless, 1)
                context_release(ctx)
            context_errorf(
                NULL, "error: A message from [ :%08x ] to [ :%08x ] maybe in an endless loop (version = %d)",
                atomic_load_u32(&w.source), destination, version)
        else:
            w.checked_version = version


cdef void monitor_run() noexcept nogil:
    cdef timespec until
    pthread_mutex_lock(&lock)
    clock_gettime(CLOCK_MONOTONIC, &until)
    until.tv_sec += PERIOD_S
    while not quitting:
        if pthread_cond_timedwait(&wake, &lock, &until) == 0:
            continue
        pthread_mutex_unlock(&lock)
        monitor_check()
        workers_look_after()
        socket_sweep(context_lives)
        arena_trim()
        pthread_mutex_lock(&lock)
        until.tv_sec += PERIOD_S
    pthread_mutex_unlock(&lock)


cdef void monitor_quit() noexcept nogil:
    global quitting
    pthread_mutex_lock(&lock)
    quitting = True
    pthread_cond_signal(&wake)
    pthread_mutex_unlock(&lock)
