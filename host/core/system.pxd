"""POSIX threads as the core uses them. Nothing but declarations."""

from posix.time cimport timespec


cdef extern from "pthread.h" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    ctypedef struct pthread_condattr_t:
        pass
    ctypedef unsigned long pthread_t

    int pthread_mutex_init(pthread_mutex_t *m, void *attr) noexcept
    int pthread_mutex_destroy(pthread_mutex_t *m) noexcept
    int pthread_mutex_lock(pthread_mutex_t *m) noexcept
    int pthread_mutex_unlock(pthread_mutex_t *m) noexcept
    int pthread_condattr_init(pthread_condattr_t *a) noexcept
    int pthread_condattr_setclock(pthread_condattr_t *a, int clock) noexcept
    int pthread_condattr_destroy(pthread_condattr_t *a) noexcept
    int pthread_cond_init(pthread_cond_t *c, pthread_condattr_t *a) noexcept
    int pthread_cond_destroy(pthread_cond_t *c) noexcept
    int pthread_cond_signal(pthread_cond_t *c) noexcept
    int pthread_cond_broadcast(pthread_cond_t *c) noexcept
    int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m) noexcept
    int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const timespec *until) noexcept
    pthread_t pthread_self() noexcept
    int pthread_kill(pthread_t t, int sig) noexcept
