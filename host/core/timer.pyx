# cython: language_level=3, cdivision=True
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec

from host.core.sync cimport clock_ns
from host.core.system cimport (
    pthread_cond_destroy, pthread_cond_init, pthread_cond_signal, pthread_cond_t, pthread_cond_timedwait,
    pthread_cond_wait, pthread_condattr_destroy, pthread_condattr_init, pthread_condattr_setclock, pthread_condattr_t,
    pthread_mutex_destroy, pthread_mutex_init, pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock,
)

cdef enum:
    NEAR_BITS = 8
    NEAR = 256
    LEVEL_BITS = 6
    LEVEL = 64
    LEVELS = 4
    TICK_NS = 10000000
    NODES_PER_BLOCK = 256

cdef struct timer_node:
    timer_node *next
    uint32_t expire         # tick
    uint32_t handle
    int32_t session

cdef struct timer_list:     # in order of creation
    timer_node *head
    timer_node *tail

# All under `lock`, except what timer_init sets once.
cdef pthread_mutex_t lock
cdef pthread_cond_t wake
cdef timer_list near_wheel[256]
cdef timer_list level_wheel[4][64]
cdef uint32_t current       # tick that the wheel has reached; wraps around
cdef int pending
cdef uint64_t sleeping_until    # tick at which the timer thread wakes by itself; ~0 while it has no reason to
cdef bint quitting
cdef timer_node *spare      # free nodes
cdef void *blocks           # what the nodes were carved from; the first word links the blocks
cdef timer_post post_timeout

cdef uint64_t start_ns      # monotonic clock, of tick 0
cdef uint32_t start_time


cdef void timer_init(timer_post post) noexcept nogil:
    global current, pending, sleeping_until, quitting, spare, blocks, post_timeout, start_ns, start_time
    cdef timespec wall
    cdef pthread_condattr_t attr
    pthread_mutex_init(&lock, NULL)
    pthread_condattr_init(&attr)
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC)
    pthread_cond_init(&wake, &attr)
    pthread_condattr_destroy(&attr)
    memset(near_wheel, 0, sizeof(near_wheel))
    memset(level_wheel, 0, sizeof(level_wheel))
    clock_gettime(CLOCK_REALTIME, &wall)
    start_time = <uint32_t>wall.tv_sec
    start_ns = clock_ns() - <uint64_t>wall.tv_nsec
    pending = 0
    quitting = False
    spare = NULL
    blocks = NULL
    sleeping_until = ~<uint64_t>0
    post_timeout = post
    current = <uint32_t>timer_now()


cdef void timer_free() noexcept nogil:
    global blocks, spare
    cdef void *block
    while blocks != NULL:
        block = blocks
        blocks = (<void **>block)[0]
        free(block)
    spare = NULL
    pthread_cond_destroy(&wake)
    pthread_mutex_destroy(&lock)


cdef uint64_t timer_now() noexcept nogil:
    return (clock_ns() - start_ns) // TICK_NS


cdef uint32_t timer_starttime() noexcept nogil:
    return start_time


cdef int timer_pending() noexcept nogil:
    return pending


# -- the wheel; all under `lock`

cdef timer_node *node_new() noexcept nogil:
    global spare, blocks
    cdef timer_node *node
    cdef char *block
    cdef int i
    if spare == NULL:
        block = <char *>malloc(sizeof(void *) + NODES_PER_BLOCK * sizeof(timer_node))
        (<void **>block)[0] = blocks
        blocks = block
        for i in range(NODES_PER_BLOCK):
            node = <timer_node *>(block + sizeof(void *)) + i
            node.next = spare
            spare = node
    node = spare
    spare = node.next
    return node


cdef inline void append(timer_list *l, timer_node *node) noexcept nogil:
    node.next = NULL
    if l.tail != NULL:
        l.tail.next = node
    else:
        l.head = node
    l.tail = node


cdef inline timer_node *take_all(timer_list *l) noexcept nogil:
    cdef timer_node *node = l.head
    l.head = l.tail = NULL
    return node


cdef void place(timer_node *node) noexcept nogil:
    """Put a node where its distance says. The mask of a level covers all bits up to and including it."""
    cdef uint32_t expire = node.expire
    cdef uint32_t mask = NEAR << LEVEL_BITS
    cdef int i
    if (expire | (NEAR - 1)) == (current | (NEAR - 1)):
        append(&near_wheel[expire & (NEAR - 1)], node)
        return
    for i in range(LEVELS - 1):
        if (expire | (mask - 1)) == (current | (mask - 1)):
            break
        mask <<= LEVEL_BITS
    else:
        i = LEVELS - 1
    append(&level_wheel[i][(expire >> (NEAR_BITS + i * LEVEL_BITS)) & (LEVEL - 1)], node)


cdef void replace(timer_list *l) noexcept nogil:
    cdef timer_node *node = take_all(l)
    cdef timer_node *next
    while node != NULL:
        next = node.next
        place(node)
        node = next


cdef void cascade() noexcept nogil:
    """The near wheel has turned once: bring down the slots that start here."""
    cdef uint32_t t = current >> NEAR_BITS
    cdef uint32_t slot
    cdef int i
    for i in range(LEVELS):
        slot = t & (LEVEL - 1)
        # the highest level's slot 0 holds what lies beyond the wrap of the 32-bit tick
        if slot != 0 or i == LEVELS - 1:
            replace(&level_wheel[i][slot])
            return
        t >>= LEVEL_BITS


cdef void advance(uint64_t now, timer_list *expired) noexcept nogil:
    """Move the wheel to `now` and collect what expires on the way."""
    global current, pending
    cdef uint32_t until = <uint32_t>now
    cdef timer_list *slot
    if pending == 0:
        current = until
        return
    while current != until:
        current += 1
        if current & (NEAR - 1) == 0:
            cascade()
        slot = &near_wheel[current & (NEAR - 1)]
        if slot.head != NULL:
            if expired.tail != NULL:
                expired.tail.next = slot.head
            else:
                expired.head = slot.head
            expired.tail = slot.tail
            slot.head = slot.tail = NULL


cdef uint64_t next_event(uint64_t now) noexcept nogil:
    """Tick of the next near timer, or of the next turn of the near wheel; now is `current`, unwrapped."""
    cdef uint64_t t = now + 1
    if pending == 0:
        return ~<uint64_t>0
    while t & (NEAR - 1):
        if near_wheel[t & (NEAR - 1)].head != NULL:
            return t
        t += 1
    return t


# -- the thread

cdef void timer_add(uint32_t handle, int32_t session, int32_t ti) noexcept nogil:
    global pending
    cdef timer_node *node
    cdef uint64_t now, expire
    pthread_mutex_lock(&lock)
    now = timer_now()
    if pending == 0:
        advance(now, NULL)
    expire = now + <uint64_t>ti
    node = node_new()
    node.expire = <uint32_t>expire
    node.handle = handle
    node.session = session
    place(node)
    pending += 1
    if expire < sleeping_until:
        pthread_cond_signal(&wake)
    pthread_mutex_unlock(&lock)


cdef void timer_run() noexcept nogil:
    global pending, sleeping_until, spare
    cdef timespec until
    cdef timer_list expired
    cdef timer_node *node
    cdef uint64_t ns, now
    cdef int n
    pthread_mutex_lock(&lock)
    while not quitting:
        expired.head = expired.tail = NULL
        now = timer_now()
        advance(now, &expired)
        if expired.head != NULL:
            sleeping_until = 0
            pthread_mutex_unlock(&lock)
            n = 0
            node = expired.head
            while node != NULL:
                post_timeout(node.handle, node.session)
                n += 1
                node = node.next
            pthread_mutex_lock(&lock)
            pending -= n
            expired.tail.next = spare
            spare = expired.head
            continue
        sleeping_until = next_event(now)
        if sleeping_until == ~<uint64_t>0:
            pthread_cond_wait(&wake, &lock)
        else:
            ns = start_ns + sleeping_until * TICK_NS
            until.tv_sec = ns // 1000000000
            until.tv_nsec = ns % 1000000000
            pthread_cond_timedwait(&wake, &lock, &until)
    pthread_mutex_unlock(&lock)


cdef void timer_quit() noexcept nogil:
    global quitting
    pthread_mutex_lock(&lock)
    quitting = True
    pthread_cond_signal(&wake)
    pthread_mutex_unlock(&lock)
