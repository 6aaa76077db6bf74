# cython: language_level=3, cdivision=True
from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memmove, strcmp, strdup

from host.core.sync cimport atomic_add, atomic_exchange, atomic_load, atomic_store_release, cpu_relax
from host.core.system cimport pthread_mutex_init, pthread_mutex_lock, pthread_mutex_t, pthread_mutex_unlock
from host.core.worker cimport worker, worker_at, worker_self, workers_count

cdef extern from "sched.h" nogil:
    int sched_yield() noexcept

cdef struct slot:
    uint32_t handle         # 0: free
    void *context

cdef struct name_entry:
    char *name
    uint32_t handle

cdef enum:
    FIRST_SIZE = 4

cdef pthread_mutex_t writer_lock
cdef int writing            # a writer waits for readers, or is at work
cdef int guests             # readers on threads that are no workers
cdef uint32_t harbor_id     # in the high byte
cdef slot *slots            # indexed by handle & (size - 1)
cdef uint32_t size
cdef uint32_t next_index    # number of the next handle to try
cdef name_entry *names      # sorted
cdef int nnames
cdef int names_cap


cdef void handle_init(int harbor) noexcept nogil:
    global writing, guests, harbor_id, slots, size, next_index, names, nnames, names_cap
    pthread_mutex_init(&writer_lock, NULL)
    writing = guests = 0
    harbor_id = <uint32_t>(harbor & 0xff) << HANDLE_REMOTE_SHIFT
    size = FIRST_SIZE
    slots = <slot *>calloc(size, sizeof(slot))
    next_index = 1
    names = NULL
    nnames = names_cap = 0


cdef void handle_free() noexcept nogil:
    global slots, names, size, nnames, names_cap
    cdef int i
    for i in range(nnames):
        free(names[i].name)
    free(names)
    free(slots)
    names = NULL
    slots = NULL
    size = 0
    nnames = names_cap = 0


# -- readers

cdef void handle_read_begin() noexcept nogil:
    cdef worker *w = worker_self()
    while True:
        # an exchange is a full barrier: the flag is seen before `writing` is read
        if w != NULL:
            atomic_exchange(&w.reading, 1)
        else:
            atomic_add(&guests, 1)
        if not atomic_load(&writing):
            return
        handle_read_end()
        while atomic_load(&writing):
            sched_yield()


cdef void handle_read_end() noexcept nogil:
    cdef worker *w = worker_self()
    if w != NULL:
        atomic_store_release(&w.reading, 0)
    else:
        atomic_add(&guests, -1)


cdef void *handle_find(uint32_t handle) noexcept nogil:
    cdef slot *s
    if slots == NULL:
        return NULL
    s = &slots[handle & (size - 1)]
    return s.context if s.handle == handle and handle != 0 else NULL


# -- writers

cdef int pause(int spins) noexcept nogil:
    if spins < 1000:
        cpu_relax()
    else:
        sched_yield()
    return spins + 1


cdef void write_begin() noexcept nogil:
    cdef int i
    cdef int spins = 0
    pthread_mutex_lock(&writer_lock)
    atomic_exchange(&writing, 1)
    for i in range(workers_count()):
        while atomic_load(&worker_at(i).reading):
            spins = pause(spins)
    while atomic_load(&guests):
        spins = pause(spins)


cdef void write_end() noexcept nogil:
    atomic_store_release(&writing, 0)
    pthread_mutex_unlock(&writer_lock)


cdef void grow() noexcept nogil:
    global slots, size
    cdef uint32_t new_size = size * 2
    cdef slot *new_slots = <slot *>calloc(new_size, sizeof(slot))
    cdef uint32_t i
    for i in range(size):
        if slots[i].handle != 0:
            new_slots[slots[i].handle & (new_size - 1)] = slots[i]
    free(slots)
    slots = new_slots
    size = new_size


cdef uint32_t handle_register(void *context) noexcept nogil:
    global next_index
    cdef uint32_t number, i
    cdef slot *s
    write_begin()
    while True:
        number = next_index
        for i in range(size):
            if number > HANDLE_MASK:
                number = 1
            s = &slots[number & (size - 1)]
            if s.handle == 0:
                s.handle = number | harbor_id
                s.context = context
                next_index = number + 1
                number |= harbor_id
                write_end()
                return number
            number += 1
        grow()


cdef void *handle_retire(uint32_t handle) noexcept nogil:
    global nnames
    cdef void *context = NULL
    cdef slot *s
    cdef int i, kept
    write_begin()
    s = &slots[handle & (size - 1)]
    if handle != 0 and s.handle == handle:
        context = s.context
        s.handle = 0
        s.context = NULL
        kept = 0
        for i in range(nnames):
            if names[i].handle == handle:
                free(names[i].name)
            else:
                names[kept] = names[i]
                kept += 1
        nnames = kept
    write_end()
    return context


cdef uint32_t sweep             # where handle_any has stopped: a hint


cdef uint32_t handle_any(uint32_t except_) noexcept nogil:
    global sweep
    cdef uint32_t handle = 0
    cdef uint32_t i
    cdef slot *s
    handle_read_begin()
    for i in range(size):
        s = &slots[(sweep + i) & (size - 1)]
        if s.handle != 0 and s.handle != except_:
            handle = s.handle
            sweep += i
            break
    handle_read_end()
    return handle


# -- names

cdef int search(const char *name, bint *found) noexcept nogil:
    """Index of the name, or the index where it belongs."""
    cdef int low = 0
    cdef int high = nnames
    cdef int middle, order
    found[0] = False
    while low < high:
        middle = (low + high) // 2
        order = strcmp(names[middle].name, name)
        if order == 0:
            found[0] = True
            return middle
        if order < 0:
            low = middle + 1
        else:
            high = middle
    return low


cdef uint32_t handle_findname(const char *name) noexcept nogil:
    cdef uint32_t handle = 0
    cdef bint found
    cdef int i
    handle_read_begin()
    i = search(name, &found)
    if found:
        handle = names[i].handle
    handle_read_end()
    return handle


cdef int handle_namehandle(uint32_t handle, const char *name) noexcept nogil:
    global names, nnames, names_cap
    cdef bint found
    cdef int i
    write_begin()
    i = search(name, &found)
    if not found:
        if nnames == names_cap:
            names_cap = names_cap * 2 if names_cap else 16
            names = <name_entry *>realloc(names, names_cap * sizeof(name_entry))
        memmove(&names[i + 1], &names[i], (nnames - i) * sizeof(name_entry))
        names[i].name = strdup(name)
        names[i].handle = handle
        nnames += 1
    write_end()
    return -1 if found else 0


cdef bint handle_isremote(uint32_t handle, int *harbor) noexcept nogil:
    cdef uint32_t high = handle & ~<uint32_t>HANDLE_MASK
    if harbor != NULL:
        harbor[0] = <int>(high >> HANDLE_REMOTE_SHIFT)
    return high != 0 and high != harbor_id
