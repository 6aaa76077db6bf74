# cython: language_level=3, cdivision=True
from libc.stdlib cimport calloc, free
from libc.stdint cimport uint64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from host.core.mq cimport message_queue
from host.core.sync cimport (
    atomic_add, atomic_exchange_ptr, atomic_load, atomic_load_ptr, atomic_load_ptr_relaxed, atomic_load_relaxed,
    atomic_load_u64, atomic_store, atomic_store_ptr_release, atomic_store_u64, clock_ns, clock_tick, spin_lock,
    spin_unlock, spinlock,
)
from host.core.system cimport (
    pthread_cond_destroy, pthread_cond_init, pthread_cond_signal, pthread_cond_timedwait, pthread_cond_wait,
    pthread_condattr_destroy, pthread_condattr_init, pthread_condattr_setclock, pthread_condattr_t, pthread_mutex_init,
    pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock, pthread_self,
)

cdef extern from "worker_tls.h" nogil:
    void *worker_tls_get() noexcept
    void worker_tls_set(void *w) noexcept

cdef enum:
    STALE_US = 20           # about ten times a wake-up's own cost: below it sharing loses
    WATCH_MS = 1
    NEXT_RUNS = 64          # then the global queue has its turn, whatever waits in `next`

cdef worker *workers
cdef int nworkers
cdef worker_dispatch dispatch_turn
cdef int quitting

# The global queue: runnable queues in order of arrival.
cdef spinlock global_lock
cdef message_queue *global_head
cdef message_queue *global_tail
cdef int global_count       # changed under global_lock, read without

# Sleepers, the last to fall asleep first: its caches are the warmest.
cdef pthread_mutex_t sleep_lock
cdef worker *sleepers
cdef int nsleeping          # changed under sleep_lock, read without
cdef int watching           # a worker is the watcher
cdef worker *poller         # under sleep_lock: counts as asleep, but waits in `poll_sockets`
cdef bint poller_called     # under sleep_lock: somebody has woken it already
cdef worker_poll poll_sockets
cdef worker_poll_end end_poll

# The pair of clocks at start: the rate of clock_tick() is measured over the life of the node.
cdef uint64_t start_tick
cdef uint64_t start_ns
cdef uint64_t stale_ticks
cdef uint64_t ticks_per_ms

cdef int worker_weight(int id) noexcept nogil:
    """Source: skynet_start.c, the table in start()."""
    if id < 4:
        return -1
    if id < 8:
        return 0
    if id < 32:
        return id // 8
    return 0


cdef int workers_init(int n, worker_dispatch dispatch) noexcept nogil:
    global workers, nworkers, dispatch_turn, quitting, start_tick, start_ns, stale_ticks, ticks_per_ms
    global global_lock, global_head, global_tail, global_count, sleepers, nsleeping, watching, poller, poll_sockets
    cdef pthread_condattr_t attr
    cdef int i
    workers = <worker *>calloc(n, sizeof(worker))
    if workers == NULL:
        return -1
    nworkers = n
    dispatch_turn = dispatch
    quitting = global_lock = global_count = nsleeping = watching = 0
    global_head = global_tail = NULL
    sleepers = poller = NULL
    poll_sockets = NULL
    pthread_mutex_init(&sleep_lock, NULL)
    pthread_condattr_init(&attr)
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC)
    for i in range(n):
        workers[i].id = i
        workers[i].weight = worker_weight(i)
        pthread_cond_init(&workers[i].wake, &attr)
    pthread_condattr_destroy(&attr)
    start_ns = clock_ns()
    start_tick = clock_tick()
    while clock_ns() - start_ns < 200000:
        pass
    ticks_per_ms = (clock_tick() - start_tick) * 1000000 // (clock_ns() - start_ns)
    stale_ticks = ticks_of_us(STALE_US)
    return 0


cdef void workers_set_poll(worker_poll poll, worker_poll_end end) noexcept nogil:
    global poll_sockets, end_poll
    poll_sockets = poll
    end_poll = end


cdef void workers_free() noexcept nogil:
    global workers, nworkers
    cdef int i
    for i in range(nworkers):
        pthread_cond_destroy(&workers[i].wake)
    free(workers)
    workers = NULL
    nworkers = 0


cdef int workers_count() noexcept nogil:
    return nworkers


cdef worker *worker_at(int id) noexcept nogil:
    return &workers[id]


cdef worker *worker_self() noexcept nogil:
    return <worker *>worker_tls_get()


cdef uint64_t ticks_of_us(int us) noexcept nogil:
    return ticks_per_ms * us // 1000


cdef double ticks_to_seconds(uint64_t ticks) noexcept nogil:
    cdef uint64_t ns = clock_ns() - start_ns
    cdef uint64_t passed = clock_tick() - start_tick
    if passed == 0:
        return 0.0
    return <double>ticks * (<double>ns / <double>passed) * 1e-9


# -- the global queue

cdef void global_push(message_queue *q) noexcept nogil:
    global global_head, global_tail
    q.next = NULL
    spin_lock(&global_lock)
    if global_tail != NULL:
        global_tail.next = q
    else:
        global_head = q
    global_tail = q
    # a full barrier: the sleeper's half is in worker_sleep
    atomic_add(&global_count, 1)
    spin_unlock(&global_lock)


cdef message_queue *global_pop() noexcept nogil:
    global global_head, global_tail
    cdef message_queue *q
    if atomic_load_relaxed(&global_count) == 0:
        return NULL
    spin_lock(&global_lock)
    q = global_head
    if q != NULL:
        global_head = q.next
        if global_head == NULL:
            global_tail = NULL
        q.next = NULL
        atomic_add(&global_count, -1)
    spin_unlock(&global_lock)
    return q


# -- sleep and wake-up

cdef void wake_one() noexcept nogil:
    global sleepers, poller_called
    cdef worker *w
    if atomic_load(&nsleeping) == 0:
        return
    pthread_mutex_lock(&sleep_lock)
    w = sleepers
    if poller != NULL and not poller_called and poller != worker_self():
        poller_called = True
        end_poll()
    elif w != NULL:
        sleepers = w.sleep_next
        w.sleeping = False
        atomic_add(&nsleeping, -1)
        pthread_cond_signal(&w.wake)
    pthread_mutex_unlock(&sleep_lock)


cdef void forget_sleeper(worker *w) noexcept nogil:
    """Under sleep_lock: a watcher leaves the list by itself."""
    global sleepers
    cdef worker **link = &sleepers
    while link[0] != NULL:
        if link[0] == w:
            link[0] = w.sleep_next
            w.sleeping = False
            atomic_add(&nsleeping, -1)
            return
        link = &link[0].sleep_next


cdef bint wait_for_sockets(worker *w) noexcept nogil:
    """The last worker awake waits for sockets. False when somebody else does, or there is work."""
    global poller, poller_called
    cdef int handled = -1
    pthread_mutex_lock(&sleep_lock)
    if nsleeping == nworkers - 1 and atomic_load(&watching) == 0 and not quitting:
        poller = w
        poller_called = False
        atomic_add(&nsleeping, 1)
        if atomic_load(&global_count) == 0:
            pthread_mutex_unlock(&sleep_lock)
            handled = poll_sockets(-1)
            pthread_mutex_lock(&sleep_lock)
        else:
            handled = 0
        atomic_add(&nsleeping, -1)
        poller = NULL
    pthread_mutex_unlock(&sleep_lock)
    return handled >= 0


cdef bint worker_sleep(worker *w, bint watcher) noexcept nogil:
    """Sleep until there may be work. Returns whether this worker is the watcher now."""
    global sleepers, watching
    cdef timespec until
    pthread_mutex_lock(&sleep_lock)
    atomic_add(&nsleeping, 1)
    if atomic_load(&global_count) > 0 or quitting:
        atomic_add(&nsleeping, -1)
        pthread_mutex_unlock(&sleep_lock)
        return watcher
    w.sleeping = True
    w.sleep_next = sleepers
    sleepers = w
    if nsleeping == nworkers:
        if watcher:
            watcher = False
            atomic_store(&watching, 0)
    elif atomic_load(&watching) == 0:
        watcher = True
        atomic_store(&watching, 1)
    if watcher:
        clock_gettime(CLOCK_MONOTONIC, &until)
        until.tv_nsec += WATCH_MS * 1000000
        if until.tv_nsec >= 1000000000:
            until.tv_nsec -= 1000000000
            until.tv_sec += 1
        while w.sleeping:
            if pthread_cond_timedwait(&w.wake, &sleep_lock, &until) != 0:
                if w.sleeping:
                    forget_sleeper(w)
                break
    else:
        while w.sleeping:
            pthread_cond_wait(&w.wake, &sleep_lock)
    pthread_mutex_unlock(&sleep_lock)
    return watcher


cdef void workers_quit() noexcept nogil:
    global quitting, sleepers
    cdef worker *w
    pthread_mutex_lock(&sleep_lock)
    atomic_store(&quitting, 1)
    while sleepers != NULL:
        w = sleepers
        sleepers = w.sleep_next
        w.sleeping = False
        atomic_add(&nsleeping, -1)
        pthread_cond_signal(&w.wake)
    if poller != NULL:
        end_poll()
    pthread_mutex_unlock(&sleep_lock)


cdef bint workers_quitting() noexcept nogil:
    return atomic_load_relaxed(&quitting)


# -- who runs what

cdef void schedule(message_queue *q) noexcept nogil:
    cdef worker *w = worker_self()
    if w != NULL and atomic_load_ptr_relaxed(<void **>&w.next) == NULL:
        atomic_store_u64(&w.next_tick, clock_tick())
        atomic_store_ptr_release(<void **>&w.next, q)
        # Without a watcher nobody would look after it, should this message take long. Between messages it does not wait.
        if nworkers > 1 and w.current != NULL and not atomic_load_relaxed(&watching):
            wake_one()
        return
    global_push(q)
    wake_one()


cdef void schedule_last(message_queue *q) noexcept nogil:
    global_push(q)


cdef bint worker_has_other(worker *w) noexcept nogil:
    return atomic_load_ptr_relaxed(<void **>&w.next) != NULL or atomic_load_relaxed(&global_count) > 0


cdef void worker_share_next(worker *w) noexcept nogil:
    cdef message_queue *q
    if atomic_load_relaxed(&nsleeping) == 0 or <long long>(w.tick - w.next_tick) < <long long>stale_ticks:
        return
    q = <message_queue *>atomic_exchange_ptr(<void **>&w.next, NULL)
    if q != NULL:
        global_push(q)
        wake_one()


cdef message_queue *steal(worker *thief) noexcept nogil:
    """Take a queue that has waited too long in the `next` of a busy worker."""
    cdef uint64_t now = clock_tick()
    cdef worker *w
    cdef message_queue *q
    cdef int i
    for i in range(nworkers):
        w = &workers[i]
        if w == thief or atomic_load_ptr(<void **>&w.next) == NULL:
            continue
        if <long long>(now - atomic_load_u64(&w.next_tick)) < <long long>stale_ticks:
            continue
        q = <message_queue *>atomic_exchange_ptr(<void **>&w.next, NULL)
        if q != NULL:
            return q
    return NULL


cdef message_queue *take(worker *w) noexcept nogil:
    cdef message_queue *q
    if atomic_load_ptr_relaxed(<void **>&w.next) != NULL:
        q = <message_queue *>atomic_exchange_ptr(<void **>&w.next, NULL)
        if q != NULL:
            if w.next_runs < NEXT_RUNS or atomic_load_relaxed(&global_count) == 0:
                w.next_runs += 1
                return q
            global_push(q)
    w.next_runs = 0
    q = global_pop()
    if q == NULL and nworkers > 1:
        q = steal(w)
    return q


cdef void workers_look_after() noexcept nogil:
    cdef bint waits = atomic_load(&global_count) > 0
    cdef int i
    for i in range(nworkers):
        waits = waits or atomic_load_ptr(<void **>&workers[i].next) != NULL
    if waits and atomic_load(&watching) == 0:
        wake_one()


cdef void worker_run(int id) noexcept nogil:
    global watching
    cdef worker *w = &workers[id]
    cdef message_queue *q = NULL
    cdef bint watcher = False
    cdef bint rested = False
    w.thread = pthread_self()
    worker_tls_set(w)
    while not atomic_load_relaxed(&quitting):
        if q == NULL:
            q = take(w)
            if q == NULL:
                rested = True
                if poll_sockets != NULL and (poll_sockets(0) > 0 or (not watcher and wait_for_sockets(w))):
                    continue
                watcher = worker_sleep(w, watcher)
                continue
            if watcher:
                watcher = False
                atomic_store(&watching, 0)
                workers_look_after()
                rested = False
            elif rested:
                # Several wake-ups may have met in this worker while it polled: it passes on what it cannot do.
                rested = False
                if atomic_load_relaxed(&global_count) > 0:
                    wake_one()
        q = dispatch_turn(w, q)
    worker_tls_set(NULL)
