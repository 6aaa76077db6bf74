"""Worker threads and the run queue. Source: skynet_start.c (thread_worker), skynet_mq.c (the global queue).

A service's queue is runnable from the push that found it idle until a worker finds it empty. A runnable queue is in one of
three places: the global queue, the `next` slot of a worker, or the hands of a worker that dispatches it.

`next` is what makes a call cheap: a worker that sends to an idle service keeps that service for itself and runs it when it
is done with the sender, without waking anybody. It must not delay work that another worker could do, so it holds one
queue only, and one that has waited longer than STALE_US goes to whoever is free: at the owner's next message, or, when
the owner is stuck in a long message, by the watcher. The watcher is a sleeping worker that looks around every WATCH_MS as
long as others are busy; when it finds work it wakes another one to take its place, if anything is left in a `next`. When all
workers sleep nobody wakes up by himself.

A worker that finds nothing looks at the sockets before it sleeps, and the last one to fall asleep waits for them instead:
what comes in is then dispatched on the same core without a wake-up.
"""

from libc.stdint cimport uint32_t, uint64_t

from host.core.mq cimport message_queue
from host.core.system cimport pthread_cond_t, pthread_t

cdef struct worker:
    int id
    int weight                  # -1: one message a turn; else length >> weight messages (see turn_share in context.pyx)
    message_queue *next         # written by the owner, taken by anybody with an exchange
    uint64_t next_tick          # when `next` was filled
    int next_runs               # queues taken from `next` since the last one from the global queue
    uint64_t tick               # clock_tick() at the start of the current message
    int reading                 # inside handle_read_begin/end
    void *current               # context whose message is being dispatched; NULL between messages
    int version                 # monitor: bumped at the start and the end of each message
    uint32_t source             # monitor: of the current message
    uint32_t destination        # monitor: 0 between messages
    int checked_version         # monitor: version at the last look
    int breaking                # its next interrupt breaks whatever service runs
    pthread_t thread
    pthread_cond_t wake
    bint sleeping               # under the sleep lock
    worker *sleep_next          # under the sleep lock

# One turn with a queue that the worker holds. Returns the queue when it is still held and has messages, else NULL.
ctypedef message_queue *(*worker_dispatch)(worker *w, message_queue *q) noexcept nogil

# What a worker without work may do besides sleeping: handle what has happened outside (sockets), or happens within
# timeout_ms (-1: wait). The number of things handled; -1 when somebody else does it. The second makes a waiting one return.
ctypedef int (*worker_poll)(int timeout_ms) noexcept nogil
ctypedef void (*worker_poll_end)() noexcept nogil

cdef int workers_init(int n, worker_dispatch dispatch) noexcept nogil
# Before the threads are started.
cdef void workers_set_poll(worker_poll poll, worker_poll_end end) noexcept nogil
cdef void workers_free() noexcept nogil
cdef int workers_count() noexcept nogil
cdef worker *worker_at(int id) noexcept nogil

# The body of worker thread `id`; returns after workers_quit.
cdef void worker_run(int id) noexcept nogil

# Any thread. Wakes everybody; each leaves after its current message.
cdef void workers_quit() noexcept nogil
cdef bint workers_quitting() noexcept nogil

# Any thread. Wake a worker when something waits for one and nobody watches. The monitor calls it as well, for a `next` that is
# filled while the watcher leaves: neither of the two sees the other's store in time.
cdef void workers_look_after() noexcept nogil

# The worker of the calling thread, or NULL. Also valid in a signal handler.
cdef worker *worker_self() noexcept nogil

# Any thread; q became runnable and nobody else has it.
cdef void schedule(message_queue *q) noexcept nogil

# Put q behind all others, because its turn is over.
cdef void schedule_last(message_queue *q) noexcept nogil

# Owner: is anything else waiting for a worker?
cdef bint worker_has_other(worker *w) noexcept nogil

# Owner, between two messages: give away a `next` that has waited too long while somebody sleeps.
cdef void worker_share_next(worker *w) noexcept nogil

# clock_tick() units to seconds.
cdef double ticks_to_seconds(uint64_t ticks) noexcept nogil

# Microseconds in clock_tick() units, by the rate measured at workers_init.
cdef uint64_t ticks_of_us(int us) noexcept nogil
