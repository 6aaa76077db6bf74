# cython: language_level=3, cdivision=True
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdio cimport FILE, fclose
from libc.stdlib cimport calloc, free, malloc, strtoul
from libc.string cimport memcpy, strlen, strncpy

from host.core.debug cimport COUNT_CONTEXT, COUNT_MESSAGE, count
from host.core.handle cimport (
    handle_any, handle_find, handle_findname, handle_free, handle_init, handle_isremote, handle_read_begin,
    handle_read_end, handle_register, handle_retire,
)
from host.core.log cimport log_message
from host.core.message cimport (
    PTYPE_ERROR, PTYPE_HARBOR, PTYPE_RESPONSE, PTYPE_SOCKET, PTYPE_SYSTEM, PTYPE_TAG_ALLOCSESSION, PTYPE_TAG_DONTCOPY,
    PTYPE_TEXT, message_pack_size, message_size, message_type, skynet_message,
)
from host.core.mq cimport message_queue, mq_free, mq_init, mq_length, mq_overload, mq_pop, mq_push
from host.core.socket_slot cimport slots_forsake, socket_message_drop
from host.core.sync cimport (
    atomic_add, atomic_load, atomic_load_acquire, atomic_load_ptr_relaxed, atomic_load_relaxed, atomic_store,
    atomic_store_ptr_relaxed, atomic_store_relaxed, atomic_store_u32, clock_tick, spin_lock, spin_unlock,
)
from host.core.worker cimport (
    schedule, schedule_last, ticks_of_us, worker, worker_has_other, worker_share_next,
)

cdef extern from *:
    """
    #include <stdarg.h>
    #include <stdio.h>
    #define context_vformat(buffer, size, format, last) do { \
        va_list ap; va_start(ap, last); vsnprintf(buffer, size, format, ap); va_end(ap); } while (0)
    """
    void context_vformat(char *buffer, size_t size, const char *format, const char *last) noexcept nogil

cdef enum:
    TURN_US = 50            # a turn of short messages lasts this long, whatever the weight says

cdef const char *HEX = "0123456789abcdef"

cdef int total
cdef bint profiling
cdef uint64_t turn_ticks
cdef contexts_end on_end
cdef contexts_end on_abort
cdef uint32_t logger        # handle of the service named "logger", looked up once
cdef context *harbor        # where messages for other nodes go; holds a reference


cdef void contexts_init(int harbor_id, bint profile) noexcept nogil:
    global total, profiling, turn_ticks, on_end, on_abort, logger, harbor
    total = 0
    profiling = profile
    on_end = on_abort = NULL
    logger = 0
    harbor = NULL
    turn_ticks = ticks_of_us(TURN_US)
    handle_init(harbor_id)


cdef void contexts_free() noexcept nogil:
    global harbor, logger
    cdef context *ctx = harbor
    harbor = NULL
    logger = 0
    if ctx != NULL:
        context_release(ctx)
    handle_free()


cdef void contexts_on_end(contexts_end end) noexcept nogil:
    global on_end
    on_end = end


cdef void contexts_on_abort(contexts_end abort) noexcept nogil:
    global on_abort
    on_abort = abort


cdef int context_total() noexcept nogil:
    return atomic_load(&total)


cdef bint context_profile() noexcept nogil:
    return profiling


# -- life

cdef context *context_new() noexcept nogil:
    cdef context *ctx = <context *>calloc(1, sizeof(context))
    mq_init(&ctx.mq, ctx, True)
    ctx.refs = 3            # the creator, the handle table, the queue that counts as runnable
    atomic_add(&total, 1)
    count(COUNT_CONTEXT, 1)
    # Another thread may find the context before its handle is stored here, but it can only push to it.
    ctx.handle = handle_register(ctx)
    return ctx


cdef void context_started(context *ctx) noexcept nogil:
    schedule(&ctx.mq)
    context_release(ctx)


cdef void context_failed(context *ctx) noexcept nogil:
    context_retire(ctx.handle)
    drop_messages(ctx)
    context_release(ctx)


cdef context *context_grab(uint32_t handle) noexcept nogil:
    cdef context *ctx
    handle_read_begin()
    ctx = <context *>handle_find(handle)
    if ctx != NULL:
        atomic_add(&ctx.refs, 1)
    handle_read_end()
    return ctx


cdef bint context_lives(uint32_t handle) noexcept nogil:
    cdef bint found
    handle_read_begin()
    found = handle_find(handle) != NULL
    handle_read_end()
    return found


cdef void context_release(context *ctx) noexcept nogil:
    if atomic_add(&ctx.refs, -1) == 0:
        destroy(ctx)


cdef void destroy(context *ctx) noexcept nogil:
    cdef bint reserved = ctx.reserved
    if ctx.logfile != NULL:
        fclose(ctx.logfile)
    if ctx.release != NULL:
        ctx.release(ctx, ctx.instance)
    slots_forsake()
    mq_free(&ctx.mq)
    free(ctx)
    count(COUNT_CONTEXT, -1)
    if not reserved and atomic_add(&total, -1) == 0 and on_end != NULL:
        on_end()


cdef void context_retire(uint32_t handle) noexcept nogil:
    cdef context *ctx = <context *>handle_retire(handle)
    if ctx != NULL:
        ctx.drains = handle == logger
        atomic_store(&ctx.retired, 1)
        context_release(ctx)


cdef void context_retireall() noexcept nogil:
    cdef uint32_t handle
    if on_abort != NULL:
        on_abort()
    # the logger last: the others may have something to say on their way out
    handle = handle_any(logger)
    while handle != 0:
        context_retire(handle)
        handle = handle_any(logger)
    context_retire(logger)


cdef void context_reserve(context *ctx) noexcept nogil:
    """Keep the context for the node's sake, without the node being kept alive by it. Source: skynet_context_reserve."""
    atomic_add(&ctx.refs, 1)
    if not ctx.reserved:
        ctx.reserved = True
        atomic_add(&total, -1)


# -- messages

cdef inline void push(context *ctx, const skynet_message *message) noexcept nogil:
    count(COUNT_MESSAGE, 1)
    if mq_push(&ctx.mq, message):
        atomic_add(&ctx.refs, 1)
        schedule(&ctx.mq)


cdef int context_push(uint32_t handle, const skynet_message *message) noexcept nogil:
    cdef context *ctx
    handle_read_begin()
    ctx = <context *>handle_find(handle)
    if ctx != NULL:
        push(ctx, message)
    handle_read_end()
    return -1 if ctx == NULL else 0


cdef void context_push_self(context *ctx, const skynet_message *message) noexcept nogil:
    push(ctx, message)


cdef int32_t context_newsession(context *ctx) noexcept nogil:
    if ctx.session >= 0x7fffffff:
        ctx.session = 0
    ctx.session += 1
    return ctx.session


cdef bint payload_ready(context *ctx, int *type, int32_t *session, void **data, size_t sz) noexcept nogil:
    """Apply the flags: afterwards *data is the message's own and *type is a plain type."""
    cdef char *copy
    if type[0] & PTYPE_TAG_ALLOCSESSION:
        session[0] = context_newsession(ctx)
    if not type[0] & PTYPE_TAG_DONTCOPY and data[0] != NULL:
        copy = <char *>malloc(sz + 1)
        memcpy(copy, data[0], sz)
        copy[sz] = 0
        data[0] = copy
    type[0] &= 0xff
    return True


cdef bint too_large(context *ctx, const char *destination, int type, void *data, size_t sz) noexcept nogil:
    if message_size(sz) == sz:
        return False
    context_errorf(ctx, "error: The message to %s is too large", destination)
    if type & PTYPE_TAG_DONTCOPY:
        free(data)
    return True


cdef int32_t context_send(
        context *ctx, uint32_t source, uint32_t destination, int type, int32_t session, void *data,
        size_t sz) noexcept nogil:
    cdef skynet_message m
    cdef char hex_text[16]
    if message_size(sz) != sz:
        format_hex(hex_text, destination)
        too_large(ctx, hex_text, type, data, sz)
        return -2
    payload_ready(ctx, &type, &session, &data, sz)
    if source == 0:
        source = ctx.handle
    if destination == 0:
        if data != NULL:
            context_errorf(ctx, "error: Destination address can't be 0")
            free(data)
            return -1
        return session
    if handle_isremote(destination, NULL):
        return send_remote(source, destination, NULL, type, session, data, sz)
    m.source = source
    m.session = session
    m.data = data
    m.sz = message_pack_size(sz, type)
    if context_push(destination, &m) != 0:
        free(data)
        return -1
    return session


cdef void format_hex(char *text, uint32_t handle) noexcept nogil:
    cdef int digits = 1
    while digits < 8 and handle >> (4 * digits):
        digits += 1
    text[digits] = 0
    while digits > 0:
        digits -= 1
        text[digits] = HEX[handle & 15]
        handle >>= 4


cdef int32_t context_sendname(
        context *ctx, uint32_t source, const char *address, int type, int32_t session, void *data,
        size_t sz) noexcept nogil:
    cdef uint32_t destination
    if address[0] == c":":
        destination = <uint32_t>strtoul(address + 1, NULL, 16)
        return context_send(ctx, source, destination, type, session, data, sz)
    if address[0] == c".":
        destination = handle_findname(address + 1)
        if destination == 0:
            if type & PTYPE_TAG_DONTCOPY:
                free(data)
            return -1
        return context_send(ctx, source, destination, type, session, data, sz)
    if too_large(ctx, address, type, data, sz):
        return -2
    payload_ready(ctx, &type, &session, &data, sz)
    return send_remote(source if source != 0 else ctx.handle, 0, address, type, session, data, sz)


cdef uint32_t context_queryname(context *ctx, const char *name) noexcept nogil:
    if name[0] == c":":
        return <uint32_t>strtoul(name + 1, NULL, 16)
    if name[0] == c".":
        return handle_findname(name + 1)
    context_errorf(ctx, "error: Can't convert %s to handle", name)
    return 0


cdef int32_t send_remote(
        uint32_t source, uint32_t handle, const char *name, int type, int32_t session, void *data,
        size_t sz) noexcept nogil:
    """Hand a message to the harbor service. SYSTEM and HARBOR never leave a node (the original aborts)."""
    cdef remote_message *remote
    cdef skynet_message m
    if harbor == NULL or type == PTYPE_SYSTEM or type == PTYPE_HARBOR:
        free(data)
        return -1
    remote = <remote_message *>calloc(1, sizeof(remote_message))
    if name != NULL:
        strncpy(remote.name, name, sizeof(remote.name))
    remote.handle = handle
    remote.type = type
    remote.data = data
    remote.sz = sz
    m.source = source
    m.session = session
    m.data = remote
    m.sz = message_pack_size(sizeof(remote_message), PTYPE_SYSTEM)
    push(harbor, &m)
    return session


cdef void harbor_start(context *ctx) noexcept nogil:
    """Make ctx the way out of this node. Source: skynet_harbor_start."""
    global harbor
    context_reserve(ctx)
    harbor = ctx


# -- log lines

cdef void context_error(context *ctx, const char *text, size_t sz) noexcept nogil:
    global logger
    cdef skynet_message m
    if logger == 0:
        logger = handle_findname("logger")
        if logger == 0:
            return
    m.source = 0 if ctx == NULL else ctx.handle
    m.session = 0
    m.data = malloc(sz + 1)
    memcpy(m.data, text, sz)
    (<char *>m.data)[sz] = 0
    m.sz = message_pack_size(sz, PTYPE_TEXT)
    if context_push(logger, &m) != 0:
        free(m.data)


cdef void context_errorf(context *ctx, const char *format, ...) noexcept nogil:
    cdef char buffer[1024]
    context_vformat(buffer, sizeof(buffer), format, format)
    context_error(ctx, buffer, strlen(buffer))


# -- dispatch

cdef void free_payload(skynet_message *m, int type) noexcept nogil:
    """Of a message that nobody has read. That of the socket server owns a block, or a socket that nobody else knows of; that
    of a service, which may have the same type, is only its word."""
    if type == PTYPE_SOCKET and m.source == 0:
        socket_message_drop(m.data, message_size(m.sz))
    free(m.data)


cdef void drop_message(context *ctx, skynet_message *m) noexcept nogil:
    """Tell the sender that nobody will read this. Not for answers: their session is not the reader's, and an error under
    the same number could break a call of his to somebody else."""
    cdef int type = message_type(m.sz)
    cdef skynet_message reply
    count(COUNT_MESSAGE, -1)
    free_payload(m, type)
    if m.source != 0 and type != PTYPE_RESPONSE and type != PTYPE_ERROR:
        reply.source = ctx.handle
        reply.session = m.session
        reply.data = NULL
        reply.sz = message_pack_size(0, PTYPE_ERROR)
        context_push(m.source, &reply)


cdef void drop_messages(context *ctx) noexcept nogil:
    """Holder of the queue of a retired context: drain it, and give up the queue's reference."""
    cdef skynet_message m
    while mq_pop(&ctx.mq, &m):
        drop_message(ctx, &m)
    context_release(ctx)


cdef void dispatch(worker *w, context *ctx, skynet_message *m) noexcept nogil:
    cdef int type = message_type(m.sz)
    cdef size_t sz = message_size(m.sz)
    cdef uint64_t end
    atomic_store_u32(&w.source, m.source)
    atomic_store_u32(&w.destination, ctx.handle)
    atomic_store_relaxed(&w.version, w.version + 1)
    atomic_store_ptr_relaxed(&w.current, ctx)
    if atomic_load_ptr_relaxed(<void **>&ctx.logfile) != NULL:
        spin_lock(&ctx.log_lock)
        if ctx.logfile != NULL:
            log_message(ctx.logfile, m.source, type, m.session, m.data, sz)
        spin_unlock(&ctx.log_lock)
    ctx.message_count += 1
    if ctx.callback == NULL:
        free_payload(m, type)
    elif not ctx.callback(ctx, ctx.ud, type, m.session, m.source, m.data, sz):
        free(m.data)
    count(COUNT_MESSAGE, -1)
    atomic_store_ptr_relaxed(&w.current, NULL)
    atomic_store_u32(&w.destination, 0)
    atomic_store_relaxed(&w.version, w.version + 1)
    # One reading serves as the end of this message and the start of the next.
    end = clock_tick()
    if profiling:
        ctx.cpu_ticks += end - w.tick
    w.tick = end


cdef int turn_share(worker *w, context *ctx) noexcept nogil:
    """Messages of one turn. Source: skynet_server.c, skynet_context_message_dispatch."""
    cdef int n
    if w.weight < 0:
        return 1
    n = mq_length(&ctx.mq) >> w.weight
    return n if n > 0 else 1


cdef message_queue *context_turn(worker *w, message_queue *q) noexcept nogil:
    """One turn: what the weight says, and more as long as messages are short, for the sake of the caches."""
    cdef context *ctx = <context *>q.owner
    cdef skynet_message m
    cdef int share = 0
    cdef int done = 0
    cdef int length
    cdef uint64_t start
    w.tick = start = clock_tick()
    while True:
        if atomic_load_acquire(&ctx.retired) and not ctx.drains:
            drop_messages(ctx)
            return NULL
        if not mq_pop(q, &m):
            context_release(ctx)
            return NULL
        if done == 0:
            share = turn_share(w, ctx)
        elif atomic_load_ptr_relaxed(<void **>&w.next) != NULL:
            # this worker goes on with the same service: what waits for it may be somebody else's
            worker_share_next(w)
        if q.overload:
            length = mq_overload(q)
            context_errorf(ctx, "error: May overload, message queue length = %d", length)
        dispatch(w, ctx, &m)
        done += 1
        if done >= share and w.tick - start > turn_ticks:
            break
    if worker_has_other(w):
        schedule_last(q)
        return NULL
    return q
