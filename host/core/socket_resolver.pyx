# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.stdlib cimport free, malloc
from libc.string cimport strcpy, strlen

from host.core.net cimport SOCK_STREAM, addrinfo, freeaddrinfo
from host.core.socket_address cimport address_resolve
from host.core.system cimport (
    pthread_cond_broadcast, pthread_cond_init, pthread_cond_t, pthread_cond_wait, pthread_mutex_init,
    pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock, pthread_t,
)

cdef extern from "pthread.h" nogil:
    int pthread_create(pthread_t *t, void *attr, void *(*body)(void *) noexcept nogil, void *arg) noexcept
    int pthread_detach(pthread_t t) noexcept

cdef extern from "signal.h" nogil:
    ctypedef struct sigset_t:
        pass
    int sigfillset(sigset_t *set) noexcept
    int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) noexcept
    const int SIG_SETMASK

cdef enum:
    MAX_THREADS = 8

cdef struct resolver_job:
    resolver_job *next
    resolver_done done
    int id
    int port
    char host[1]            # the text reaches beyond

# All under `lock`. They outlive a node, because a thread inside getaddrinfo does.
cdef pthread_mutex_t lock
cdef pthread_cond_t finished    # `delivering` has become 0
cdef resolver_job *head
cdef resolver_job *tail
cdef int threads
cdef int delivering         # threads inside a `done`
cdef int generation         # of the node; what was asked for by an earlier one is not delivered

pthread_mutex_init(&lock, NULL)
pthread_cond_init(&finished, NULL)


cdef void resolver_init() noexcept nogil:
    global generation
    pthread_mutex_lock(&lock)
    generation += 1
    pthread_mutex_unlock(&lock)


cdef void resolver_stop() noexcept nogil:
    global generation, head, tail
    cdef resolver_job *job
    pthread_mutex_lock(&lock)
    generation += 1
    while head != NULL:
        job = head
        head = job.next
        free(job)
    tail = NULL
    while delivering > 0:
        pthread_cond_wait(&finished, &lock)
    pthread_mutex_unlock(&lock)


cdef void *resolver_thread(void *arg) noexcept nogil:
    """Work until nothing is left to do."""
    global head, tail, threads, delivering
    cdef resolver_job *job
    cdef addrinfo *list
    cdef int code, asked_by
    pthread_mutex_lock(&lock)
    while head != NULL:
        job = head
        head = job.next
        if head == NULL:
            tail = NULL
        asked_by = generation
        pthread_mutex_unlock(&lock)
        code = address_resolve(job.host, job.port, SOCK_STREAM, False, &list)
        pthread_mutex_lock(&lock)
        if asked_by == generation:
            delivering += 1
            pthread_mutex_unlock(&lock)
            job.done(job.id, list, code)
            pthread_mutex_lock(&lock)
            delivering -= 1
            if delivering == 0:
                pthread_cond_broadcast(&finished)
        if list != NULL:
            freeaddrinfo(list)
        free(job)
    threads -= 1
    pthread_mutex_unlock(&lock)
    return NULL


cdef int start_thread() noexcept nogil:
    """With all signals blocked: they are for the threads of the node."""
    cdef pthread_t t
    cdef sigset_t all_signals, old
    cdef int failed
    sigfillset(&all_signals)
    pthread_sigmask(SIG_SETMASK, &all_signals, &old)
    failed = pthread_create(&t, NULL, resolver_thread, NULL)
    pthread_sigmask(SIG_SETMASK, &old, NULL)
    if failed:
        return -1
    pthread_detach(t)
    return 0


cdef int resolver_submit(int id, const char *host, int port, resolver_done done) noexcept nogil:
    global head, tail, threads
    cdef resolver_job *job = <resolver_job *>malloc(sizeof(resolver_job) + strlen(host))
    job.next = NULL
    job.done = done
    job.id = id
    job.port = port
    strcpy(job.host, host)
    pthread_mutex_lock(&lock)
    if tail != NULL:
        tail.next = job
    else:
        head = job
    tail = job
    if threads < MAX_THREADS:
        if start_thread() == 0:
            threads += 1
        elif threads == 0:
            head = tail = NULL
            free(job)
            pthread_mutex_unlock(&lock)
            return -1
    pthread_mutex_unlock(&lock)
    return 0
