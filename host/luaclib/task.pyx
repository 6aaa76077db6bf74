# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.stdint cimport int32_t, uint32_t, uint8_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset, strlen

from host.core cimport lua
from host.core.command cimport command_result, skynet_command
from host.core.context cimport (
    context, context_errorf, context_newsession, context_push_self, context_send, context_sendname,
)
from host.core.debug cimport COUNT_TASK, count
from host.core.lua cimport lua_State, set_function
from host.core.message cimport (
    PTYPE_ERROR, PTYPE_RESPONSE, PTYPE_TAG_DONTCOPY, PTYPE_TRACE, message_pack_size, skynet_message,
)
from host.core.sync cimport atomic_store_relaxed
from host.core.timer cimport timer_add
from host.luaclib.core cimport core_destination, core_payload, core_push_sent
from host.luaclib.profile cimport profile_enter, profile_leave
from host.luaclib.seri cimport lpack, lunpack, seri_pack, seri_unpack
from host.luaclib.snlua cimport ltraceback, snlua, snlua_of, snlua_report

cdef struct response:
    dispatcher *d
    response *prev
    response *next
    int32_t session
    uint32_t source
    bint pending            # in the list: neither answered nor known to be useless
    bint used

# Constants on the stack of X.
cdef enum:
    X_PROTO = 1             # protocols by id and by name
    X_DISPATCH = 2          # the strings
    X_UNPACK = 3
    X_PACK = 4
    X_ID = 5
    X_ANCHOR = 6            # coroutine -> true
    X_TOKEN = 7             # token -> session
    X_TOP = 7

cdef enum:
    POOL_MAX = 1024         # idle coroutines kept, about 1 KB each
    TRIM_EVERY = 1024       # messages; then half of those that were never needed go


cdef task *EMPTY_FORK = <task *>1   # in the fork queue: nothing to run, only wake-ups


# -- rings

cdef void *ring_push(ring *r, size_t size) noexcept nogil:
    """A new slot at the tail."""
    cdef unsigned int n = r.tail - r.head
    cdef unsigned int cap, i
    cdef char *slots
    if n == r.cap:
        cap = r.cap * 2 if r.cap else 8
        slots = <char *>malloc(cap * size)
        for i in range(n):
            memcpy(slots + i * size, <char *>r.slots + ((r.head + i) & (r.cap - 1)) * size, size)
        free(r.slots)
        r.slots = slots
        r.cap = cap
        r.head = 0
        r.tail = n
    r.tail += 1
    return <char *>r.slots + ((r.tail - 1) & (r.cap - 1)) * size


cdef inline void *ring_pop(ring *r, size_t size) noexcept nogil:
    """The slot at the head, valid until the next push; NULL when empty."""
    if r.head == r.tail:
        return NULL
    r.head += 1
    return <char *>r.slots + ((r.head - 1) & (r.cap - 1)) * size


# -- sessions

cdef inline unsigned int home(dispatcher *d, int32_t session) noexcept nogil:
    """Where a session belongs. Scattered: numbers in a row would make one run of slots that removal has to walk."""
    return (<uint32_t>session * <uint32_t>0x9e3779b1) >> d.sessions_shift


cdef session_slot *session_find(dispatcher *d, int32_t session) noexcept nogil:
    """The slot of a session, or NULL."""
    cdef unsigned int mask = d.sessions_cap - 1
    cdef unsigned int i
    cdef session_slot *slot
    if d.nsessions == 0 or session <= 0:
        return NULL
    i = home(d, session)
    while True:
        slot = &d.sessions[i]
        if slot.session == session:
            return slot
        if slot.session == 0:
            return NULL
        i = (i + 1) & mask


cdef void session_insert(dispatcher *d, int32_t session, task *t) noexcept nogil:
    """Add a session that is not there."""
    cdef session_slot *old = d.sessions
    cdef unsigned int old_cap = d.sessions_cap
    cdef unsigned int i
    if (d.nsessions + 1) * 2 > d.sessions_cap:
        d.sessions_cap = old_cap * 2 if old_cap else 8
        d.sessions_shift = d.sessions_shift - 1 if old_cap else 29
        d.sessions = <session_slot *>calloc(d.sessions_cap, sizeof(session_slot))
        d.nsessions = 0
        for i in range(old_cap):
            if old[i].session != 0:
                session_insert(d, old[i].session, old[i].t)
        free(old)
    i = home(d, session)
    while d.sessions[i].session != 0:
        i = (i + 1) & (d.sessions_cap - 1)
    d.sessions[i].session = session
    d.sessions[i].t = t
    d.nsessions += 1


cdef void session_remove(dispatcher *d, session_slot *slot) noexcept nogil:
    """Empty a slot and move up what would not be found behind the gap."""
    cdef unsigned int mask = d.sessions_cap - 1
    cdef unsigned int gap = <unsigned int>(slot - d.sessions)
    cdef unsigned int i = gap
    d.nsessions -= 1
    while True:
        i = (i + 1) & mask
        if d.sessions[i].session == 0:
            break
        if ((i - home(d, d.sessions[i].session)) & mask) >= ((i - gap) & mask):
            d.sessions[gap] = d.sessions[i]
            gap = i
    d.sessions[gap].session = 0
    d.sessions[gap].t = NULL


cdef int32_t session_new(dispatcher *d) noexcept nogil:
    """A number that is not in use: after 2^31 of them a service starts over, with old calls perhaps still open."""
    cdef int32_t session = context_newsession(d.s.ctx)
    while d.nsessions and session_find(d, session) != NULL:
        session = context_newsession(d.s.ctx)
    return session


cdef void block(dispatcher *d, task *t, int32_t session, int wait) noexcept nogil:
    session_insert(d, session, t)
    t.blocked = session
    t.wait = wait


# -- tasks

cdef inline task *task_of(lua_State *co) noexcept nogil:
    """The task of a coroutine, NULL for other threads."""
    cdef size_t p = (<size_t *>lua.lua_getextraspace(co))[0]
    return <task *>(p - 1) if p & 1 else NULL


cdef inline dispatcher *dispatcher_of(lua_State *L) noexcept nogil:
    return <dispatcher *>snlua_of(L).dispatcher


cdef task *task_make(dispatcher *d, lua_State *L) noexcept nogil:
    """A new task; raises a memory error."""
    cdef lua_State *co
    cdef task *t
    if not lua.lua_checkstack(L, 6):
        lua.luaL_error(L, "out of memory")
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.anchor_ref) # anchors
    co = lua.lua_newthread(L)                               # anchors co
    lua.lua_pushboolean(L, 1)
    lua.lua_rawset(L, -3)
    lua.lua_pop(L, 1)
    t = <task *>calloc(1, sizeof(task))
    t.service = d.s
    t.d = d
    t.co = co
    t.session = NO_SESSION
    t.next = d.tasks
    if d.tasks != NULL:
        d.tasks.prev = t
    d.tasks = t
    (<size_t *>lua.lua_getextraspace(co))[0] = <size_t>t | 1
    count(COUNT_TASK, 1)
    return t


cdef inline task *task_new(dispatcher *d, lua_State *L) noexcept nogil:
    """A task from the pool, or a new one; raises a memory error."""
    if d.npool > 0:
        d.npool -= 1
        if d.npool < d.pool_low:
            d.pool_low = d.npool
        return d.pool[d.npool]
    return task_make(d, L)


cdef void task_drop(dispatcher *d, task *t) noexcept nogil:
    """Forget a task; its coroutine is left to the collector, as a plain thread."""
    (<size_t *>lua.lua_getextraspace(t.co))[0] = <size_t>d.s
    lua.lua_pushthread(t.co)
    lua.lua_xmove(t.co, d.X, 1)
    lua.lua_pushnil(d.X)
    lua.lua_rawset(d.X, X_ANCHOR)
    if t.prev != NULL:
        t.prev.next = t.next
    else:
        d.tasks = t.next
    if t.next != NULL:
        t.next.prev = t.prev
    count(COUNT_TASK, -1)
    free(t)


cdef void task_recycle(dispatcher *d, task *t) noexcept nogil:
    """The coroutine has ended, or was closed."""
    lua.lua_settop(t.co, 0)
    t.session = NO_SESSION
    t.source = 0
    t.serving = 0
    t.blocked = 0
    t.wait = WAIT_NONE
    t.callee = 0
    t.token = NULL
    t.trace = TRACE_NONE
    if d.npool == POOL_MAX:
        # somebody may still wait with this coroutine as token
        if t.waiter == 0:
            task_drop(d, t)
            return
    if d.npool == d.pool_cap:
        d.pool_cap = d.pool_cap * 2 if d.pool_cap else 8
        d.pool = <task **>realloc(d.pool, d.pool_cap * sizeof(task *))
    d.pool[d.npool] = t
    d.npool += 1


cdef void pool_trim(dispatcher *d) noexcept nogil:
    cdef int surplus = d.pool_low // 2
    cdef task *t
    d.untrimmed = 0
    while surplus > 0 and d.npool > 0:
        t = d.pool[d.npool - 1]
        if t.waiter != 0 or is_wakeup_token(d, t):
            break
        d.npool -= 1
        surplus -= 1
        task_drop(d, t)
    d.pool_low = d.npool


cdef bint is_wakeup_token(dispatcher *d, task *t) noexcept nogil:
    cdef unsigned int i
    for i in range(d.wakeups.head, d.wakeups.tail):
        if (<wakeup *>d.wakeups.slots)[i & (d.wakeups.cap - 1)].t == t:
            return True
    return False


# -- what may raise, on the way of what may not

cdef bint protect(dispatcher *d, lua.lua_CFunction f, task *t, int arg) noexcept nogil:
    """Run f(task, arg) on the main thread, which is idle once the service has started. A failure is an error of the
    message."""
    cdef lua_State *L = d.s.L
    cdef int top = lua.lua_gettop(L)
    cdef bint ok
    if not lua.lua_checkstack(L, 8):
        return False
    lua.lua_pushcfunction(L, ltraceback)
    lua.lua_pushcfunction(L, f)
    lua.lua_pushlightuserdata(L, t)
    lua.lua_pushinteger(L, arg)
    ok = lua.lua_pcall(L, 2, 0, top + 1) == lua.LUA_OK
    if not ok:
        add_error(d, L)
    lua.lua_settop(L, top)
    return ok


cdef int padd(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.error_ref)
    lua.lua_pushvalue(L, 1)
    lua.lua_rawseti(L, -2, d.nerrors + 1)
    d.nerrors += 1
    return 0


cdef void add_error(dispatcher *d, lua_State *L) noexcept nogil:
    """Keep the text on top of L, which is popped, for the report at the end of the message."""
    if lua.lua_checkstack(L, 2):
        lua.lua_pushcfunction(L, padd)
        lua.lua_insert(L, -2)
        if lua.lua_pcall(L, 1, 0, 0) != lua.LUA_OK:
            lua.lua_pop(L, 1)
            context_errorf(d.s.ctx, "lua memory error : error text lost")


cdef int push_errors(dispatcher *d, lua_State *L) noexcept nogil:
    """Push all error texts of this message, joined by newlines; may raise."""
    cdef int i
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.error_ref)
    lua.luaL_checkstack(L, 2 * d.nerrors, NULL)
    for i in range(1, d.nerrors + 1):
        if i > 1:
            lua.lua_pushstring(L, "\n")
        lua.lua_rawgeti(L, -(2 * i - 1) if i > 1 else -1, i)
    return 1


cdef void push_handler(dispatcher *d, lua_State *L, const char *name) noexcept nogil:
    """Push a function of skynet.lua; may raise."""
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.handler_ref)
    lua.lua_getfield(L, -1, name)
    lua.lua_remove(L, -2)


cdef void trace_event(lua_State *L, dispatcher *d, task *t, const char *what, int address) noexcept nogil:
    """handlers.trace(what, coroutine, address?); may raise."""
    lua.luaL_checkstack(L, 6, NULL)
    push_handler(d, L, "trace")
    lua.lua_pushstring(L, what)
    lua.lua_pushthread(t.co)
    if t.co != L:
        lua.lua_xmove(t.co, L, 1)
    if address:
        lua.lua_pushvalue(L, address)
        lua.lua_call(L, 3, 0)
    else:
        lua.lua_call(L, 2, 0)


cdef int ptrace_resume(lua_State *L) noexcept nogil:
    trace_event(L, dispatcher_of(L), <task *>lua.lua_touserdata(L, 1), "resume", 0)
    return 0


cdef int ptrace_end(lua_State *L) noexcept nogil:
    trace_event(L, dispatcher_of(L), <task *>lua.lua_touserdata(L, 1), "end", 0)
    return 0


# -- answers of the dispatcher itself

cdef void send_error(dispatcher *d, uint32_t destination, int32_t session, const char *text, size_t sz) noexcept nogil:
    context_send(d.s.ctx, 0, destination, PTYPE_ERROR, session, <void *>text if sz else NULL, sz)


cdef void owe(task *t, const char *text, size_t sz) noexcept nogil:
    """The task will not answer its request: its caller gets an error."""
    if t.serving and t.session != NO_SESSION and t.session != 0:
        send_error(t.d, t.source, t.session, text, sz)
    t.session = NO_SESSION


# -- running a task

cdef void resume(dispatcher *d, lua_State *src, task *t, int nargs) noexcept nogil:
    """Run a task, whose arguments are on its stack, until it blocks or ends."""
    cdef snlua *s = d.s
    cdef lua_State *active = s.active
    cdef task *running = d.running
    cdef int nres, status
    if s.profiled > 0:
        protect(d, pprofile_enter, t, 0)
    d.running = t
    s.active = t.co
    status = lua.lua_resume(t.co, src, nargs, &nres)
    s.active = active
    d.running = running
    if s.profiled > 0:
        protect(d, pprofile_leave, t, 0)
    if status == lua.LUA_YIELD:
        if nres != 0:
            protect(d, pyielded, t, nres)
    elif status == lua.LUA_OK:
        if t.trace == TRACE_TAG:
            protect(d, ptrace_end, t, 0)
        task_recycle(d, t)
    else:
        d.failed = True
        (<task **>ring_push(&d.forks, sizeof(task *)))[0] = EMPTY_FORK
        if not protect(d, pfailed, t, 0):
            # not even the error could be reported (its __tostring raises, there is no memory)
            owe(t, "call failed", 11)
            close_coroutine(s.L, t)
            task_recycle(d, t)


cdef int pprofile_enter(lua_State *L) noexcept nogil:
    profile_enter(L, (<task *>lua.lua_touserdata(L, 1)).co)
    return 0


cdef int pprofile_leave(lua_State *L) noexcept nogil:
    profile_leave(L, (<task *>lua.lua_touserdata(L, 1)).co)
    return 0


cdef int pfailed(lua_State *L) noexcept nogil:
    """The task has raised: tell its caller, report, close it."""
    cdef task *t = <task *>lua.lua_touserdata(L, 1)
    cdef dispatcher *d = t.d
    cdef const char *text
    cdef size_t sz
    cdef bint answered = not t.serving or t.session == NO_SESSION or t.session == 0
    if not lua.lua_checkstack(t.co, 4):
        return lua.luaL_error(L, "stack overflow in a failed coroutine")
    lua.lua_pushvalue(t.co, -1)
    lua.lua_xmove(t.co, L, 1)                               # ... error
    text = lua.luaL_tolstring(L, -1, &sz)                   # ... error text
    if not answered:
        owe(t, text, sz)
        if t.trace == TRACE_TAG:
            trace_event(L, d, t, "error", 0)
    lua.luaL_traceback(L, t.co, text, 0)                    # ... error text traceback
    close_coroutine(L, t)
    task_recycle(d, t)
    add_error(d, L)
    return 0


cdef void close_coroutine(lua_State *L, task *t) noexcept nogil:
    """Run the to-be-closed variables; afterwards the thread may be started again."""
    lua.lua_closethread(t.co, L)
    lua.lua_settop(t.co, 0)


cdef int pyielded(lua_State *L) noexcept nogil:
    """A task has yielded values, which only skynet.exit and mistakes do."""
    cdef task *t = <task *>lua.lua_touserdata(L, 1)
    cdef int nres = <int>lua.lua_tointeger(L, 2)
    cdef dispatcher *d = t.d
    cdef const char *command = NULL
    if lua.lua_type(t.co, -nres) == lua.LUA_TSTRING:
        command = lua.lua_tostring(t.co, -nres)
    if command != NULL and strcmp(command, "QUIT") == 0:
        lua.lua_pop(t.co, nres)
        close_coroutine(L, t)
        task_recycle(d, t)
        return 0
    lua.lua_pushvalue(t.co, -nres)
    lua.lua_xmove(t.co, L, 1)
    lua.lua_pop(t.co, nres)
    if command != NULL and strcmp(command, "USER") == 0:
        lua.lua_pushstring(L, "Call skynet.coroutine.yield out of skynet.coroutine.resume")
    else:
        lua.lua_pushfstring(L, "Unknown command : %s", lua.luaL_tolstring(L, -1, NULL))
    lua.luaL_traceback(L, t.co, lua.lua_tostring(L, -1), 0)
    # nothing can ever continue it: whoever waits for its answer must not
    owe(t, lua.lua_tostring(L, -1), strlen(lua.lua_tostring(L, -1)))
    close_coroutine(L, t)
    task_recycle(d, t)
    add_error(d, L)
    return 0


cdef extern from "string.h" nogil:
    int strcmp(const char *a, const char *b) noexcept

cdef char X_KEY                 # of X in the registry


cdef inline void resume_with(
        dispatcher *d, lua_State *src, task *t, bint ok, void *msg, size_t sz, int32_t session) noexcept nogil:
    """Continue a blocked task with (ok, msg, sz, session)."""
    t.blocked = 0
    t.wait = WAIT_NONE
    if t.trace == TRACE_TAG:
        protect(d, ptrace_resume, t, 0)
    lua.lua_checkstack(t.co, lua.LUA_MINSTACK)
    lua.lua_pushboolean(t.co, ok)
    if not ok:
        resume(d, src, t, 1)
        return
    lua.lua_pushlightuserdata(t.co, msg)
    lua.lua_pushinteger(t.co, <lua.lua_Integer>sz)
    lua.lua_pushinteger(t.co, session)
    resume(d, src, t, 4)


# -- one message

cdef void on_response(
        dispatcher *d, lua_State *src, int32_t session, uint32_t source, void *msg, size_t sz) noexcept nogil:
    cdef session_slot *slot = session_find(d, session)
    cdef task *t
    if slot == NULL:
        run_unknown(d, "unknown_response", PTYPE_RESPONSE, session, source, msg, sz)
        return
    t = slot.t
    session_remove(d, slot)
    if t != NULL:
        resume_with(d, src, t, True, msg, sz, session)


cdef void on_error(dispatcher *d, int32_t session, uint32_t source) noexcept nogil:
    """An error for one call, or (session 0) the news that a service is gone."""
    cdef session_slot *slot
    cdef task *t
    cdef response *r
    cdef response *next
    if session != 0:
        slot = session_find(d, session)
        if slot != NULL and slot.t != NULL and slot.t.wait == WAIT_CALL:
            (<int32_t *>ring_push(&d.errors, sizeof(int32_t)))[0] = session
        return
    t = d.tasks
    while t != NULL:
        if t.wait == WAIT_CALL and t.callee == source:
            (<int32_t *>ring_push(&d.errors, sizeof(int32_t)))[0] = t.blocked
        t = t.next
    r = d.responses
    while r != NULL:
        next = r.next
        if r.source == source:
            response_unlink(r)
        r = next


cdef void on_request(
        dispatcher *d, lua_State *src, int type, int32_t session, uint32_t source, void *msg,
        size_t sz) noexcept nogil:
    cdef lua_State *X = d.X
    cdef task *t
    if lua.lua_rawgeti(X, X_PROTO, type) != lua.LUA_TTABLE:
        lua.lua_settop(X, X_TOP)
        if type == PTYPE_TRACE:
            run_unknown(d, "trace_message", type, session, source, msg, sz)
        else:
            refuse(d, type, session, source, msg, sz)
        return
    lua.lua_pushvalue(X, X_DISPATCH)                        # p "dispatch"
    if lua.lua_rawget(X, -2) == lua.LUA_TNIL:               # p dispatch
        lua.lua_settop(X, X_TOP)
        refuse(d, type, session, source, msg, sz)
        return
    if d.npool == 0 and not protect(d, pfill_pool, NULL, 0):
        lua.lua_settop(X, X_TOP)
        if session != 0:
            send_error(d, source, session, "not enough memory", 17)
        return
    t = task_new(d, d.s.L)
    t.session = session
    t.source = source
    t.serving = 1
    t.msg = msg
    t.sz = sz
    lua.lua_checkstack(t.co, lua.LUA_MINSTACK)
    lua.lua_pushcfunction(t.co, lrequest)
    lua.lua_pushvalue(X, X_UNPACK)
    lua.lua_rawget(X, -3)                                   # p dispatch unpack
    lua.lua_xmove(X, t.co, 2)
    lua.lua_settop(X, X_TOP)
    if d.tracing:
        protect(d, ptrace_request, t, type)
    resume(d, src, t, 2)


cdef int pfill_pool(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    task_recycle(d, task_make(d, L))
    return 0


cdef int ptrace_request(lua_State *L) noexcept nogil:
    """handlers.trace_request(coroutine, type, source) decides whether the request is traced."""
    cdef task *t = <task *>lua.lua_touserdata(L, 1)
    push_handler(t.d, L, "trace_request")
    lua.lua_pushthread(t.co)
    lua.lua_xmove(t.co, L, 1)
    lua.lua_pushvalue(L, 2)
    lua.lua_pushinteger(L, t.source)
    lua.lua_call(L, 3, 0)
    return 0


cdef void refuse(
        dispatcher *d, int type, int32_t session, uint32_t source, void *msg, size_t sz) noexcept nogil:
    """A request that nobody has a handler for."""
    if session != 0:
        send_error(d, source, session, "no dispatch function for this type", 34)
        if d.tracing:
            run_unknown(d, "trace_drop", type, session, source, NULL, 0)
    else:
        run_unknown(d, "unknown_request", type, session, source, msg, sz)


cdef int punknown(lua_State *L) noexcept nogil:
    """handlers[name](session, source, msg, sz, type)"""
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, dispatcher_of(L).handler_ref)
    lua.lua_pushvalue(L, 1)
    lua.lua_gettable(L, -2)
    lua.lua_replace(L, 1)
    lua.lua_pop(L, 1)
    lua.lua_call(L, 5, 0)
    return 0


cdef int punknown_start(lua_State *L) noexcept nogil:
    cdef unknown *u = <unknown *>lua.lua_touserdata(L, 1)
    lua.lua_settop(L, 0)
    lua.lua_pushstring(L, u.name)
    lua.lua_pushinteger(L, u.session)
    lua.lua_pushinteger(L, u.source)
    lua.lua_pushlightuserdata(L, u.msg)
    lua.lua_pushinteger(L, <lua.lua_Integer>u.sz)
    lua.lua_pushinteger(L, u.type)
    return punknown(L)


cdef struct unknown:
    const char *name
    int type
    int32_t session
    uint32_t source
    void *msg
    size_t sz


cdef void run_unknown(
        dispatcher *d, const char *name, int type, int32_t session, uint32_t source, void *msg,
        size_t sz) noexcept nogil:
    cdef unknown u
    u.name = name
    u.type = type
    u.session = session
    u.source = source
    u.msg = msg
    u.sz = sz
    protect(d, punknown_start, <task *>&u, 0)


cdef void run_wakeup(dispatcher *d, lua_State *src, wakeup *w) noexcept nogil:
    cdef session_slot *slot
    cdef task *t
    cdef int32_t session
    if w.t != NULL:
        session = w.t.waiter
    else:
        # the token's entry says who waits now: it may be somebody else than at the time of the wake-up
        lua.lua_rawgeti(d.X, lua.LUA_REGISTRYINDEX, d.wake_ref)
        lua.lua_rawgeti(d.X, -1, w.index)
        lua.lua_pushnil(d.X)
        lua.lua_rawseti(d.X, -3, w.index)
        lua.lua_rawget(d.X, X_TOKEN)
        session = <int32_t>lua.lua_tointeger(d.X, -1)
        lua.lua_settop(d.X, X_TOP)
    slot = session_find(d, session)
    if slot == NULL or slot.t == NULL:
        return
    t = slot.t
    if t.wait == WAIT_SLEEP:
        slot.t = NULL               # its timer is still to come
    else:
        session_remove(d, slot)
    resume_with(d, src, t, False, NULL, 0, 0)


cdef void run_wakeups(dispatcher *d, lua_State *src) noexcept nogil:
    """Wake-ups first, in order, with those they cause; then one failed call; and so on. A failing coroutine ends this: the
    rest waits for an empty fork that its failure has queued, which is the original's order."""
    cdef wakeup w
    cdef void *entry
    cdef session_slot *slot
    cdef task *t
    while not d.failed:
        entry = ring_pop(&d.wakeups, sizeof(wakeup))
        if entry != NULL:
            w = (<wakeup *>entry)[0]
            run_wakeup(d, src, &w)
            continue
        entry = ring_pop(&d.errors, sizeof(int32_t))
        if entry == NULL:
            return
        slot = session_find(d, (<int32_t *>entry)[0])
        if slot != NULL and slot.t != NULL:
            t = slot.t
            session_remove(d, slot)
            resume_with(d, src, t, False, NULL, 0, 0)


cdef void run_forks(dispatcher *d, lua_State *src) noexcept nogil:
    cdef void *entry = ring_pop(&d.forks, sizeof(task *))
    cdef task *t
    while entry != NULL:
        t = (<task **>entry)[0]
        d.failed = False
        if t == EMPTY_FORK:
            run_wakeups(d, src)
        elif t != NULL:             # NULL: killed before it started
            t.forked = 0
            resume(d, src, t, t.nargs)
            run_wakeups(d, src)
        entry = ring_pop(&d.forks, sizeof(task *))


cdef void dispatch(
        dispatcher *d, lua_State *src, int type, int32_t session, uint32_t source, void *msg,
        size_t sz) noexcept nogil:
    if d.exiting:
        if session != 0 and source != 0:
            send_error(d, source, session, "the service is exiting", 22)
        return
    if d.hooked:
        run_unknown(d, "hook", type, session, source, msg, sz)
    if type == PTYPE_RESPONSE:
        on_response(d, src, session, source, msg, sz)
    elif type == PTYPE_ERROR:
        on_error(d, session, source)
    else:
        on_request(d, src, type, session, source, msg, sz)
    run_wakeups(d, src)
    run_forks(d, src)
    d.failed = False
    d.untrimmed += 1
    if d.untrimmed >= TRIM_EVERY:
        pool_trim(d)


cdef int callback(
        context *ctx, void *ud, int type, int32_t session, uint32_t source, void *data, size_t sz) noexcept nogil:
    cdef snlua *s = <snlua *>ud
    cdef dispatcher *d = <dispatcher *>s.dispatcher
    s.active = s.L
    dispatch(d, s.L, type, session, source, data, sz)
    if d.nerrors:
        report(d, source, session, sz)
    s.active = NULL
    atomic_store_relaxed(&s.interrupt, 0)
    return 0


cdef int preport(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    cdef int top = lua.lua_gettop(L)
    push_errors(d, L)                                       # errors text "\n" text ...
    lua.lua_concat(L, lua.lua_gettop(L) - top - 1)
    return 1


cdef void report(dispatcher *d, uint32_t source, int32_t session, size_t sz) noexcept nogil:
    cdef lua_State *L = d.s.L
    cdef int status
    lua.lua_pushcfunction(L, preport)
    status = lua.lua_pcall(L, 0, 1, 0)
    snlua_report(d.s, L, lua.LUA_ERRRUN if status == lua.LUA_OK else status, source, session, sz)
    lua.lua_pop(L, 1)
    d.nerrors = 0


# -- what a request runs

cdef int request_end(lua_State *L, int status, lua.lua_KContext ctx) noexcept nogil:
    cdef task *t = task_of(L)
    cdef lua.lua_Debug ar
    if t.session != NO_SESSION and t.session != 0:
        lua.lua_pushvalue(L, 1)
        lua.lua_getinfo(L, ">S", &ar)
        context_errorf(t.service.ctx, "Maybe forgot response session %d from :%08x : %s:%d",
                       t.session, t.source, ar.source, ar.linedefined)
    return 0


# the body of a request's coroutine: (dispatch, unpack)
cdef int lrequest(lua_State *L) noexcept nogil:
    cdef task *t = task_of(L)
    lua.lua_pushvalue(L, 1)
    lua.lua_pushinteger(L, t.session)
    lua.lua_pushinteger(L, t.source)                        # dispatch unpack dispatch session source
    if lua.lua_tocfunction(L, 2) == lunpack:
        seri_unpack(L, t.msg, t.sz)
    else:
        lua.lua_pushvalue(L, 2)
        lua.lua_pushlightuserdata(L, t.msg)
        lua.lua_pushinteger(L, <lua.lua_Integer>t.sz)
        lua.lua_call(L, 2, lua.LUA_MULTRET)
    lua.lua_callk(L, lua.lua_gettop(L) - 3, 0, 0, request_end)
    return request_end(L, lua.LUA_OK, 0)


# -- helpers of the functions below

cdef dispatcher *check_dispatcher(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    if d == NULL:
        lua.luaL_error(L, "skynet.task is not initialised")
    return d


cdef task *check_blockable(lua_State *L) noexcept nogil:
    """The running task, which is about to block."""
    cdef task *t = dispatcher_of(L).running
    if t == NULL or not lua.lua_isyieldable(L):
        lua.luaL_error(L, "attempt to yield from outside a coroutine")
    return t


cdef void push_thread(lua_State *L, task *t) noexcept nogil:
    lua.lua_pushthread(t.co)
    if t.co != L:
        lua.lua_xmove(t.co, L, 1)


cdef int find_protocol(lua_State *L, dispatcher *d, int index) noexcept nogil:
    """The id of the protocol named at index; the protocol is left on top of X. Raises when there is none."""
    cdef lua_State *X = d.X
    lua.lua_settop(X, X_TOP)
    lua.lua_pushvalue(L, index)
    lua.lua_xmove(L, X, 1)
    if lua.lua_type(X, -1) == lua.LUA_TNIL or lua.lua_rawget(X, X_PROTO) != lua.LUA_TTABLE:
        lua.lua_settop(X, X_TOP)
        return lua.luaL_error(L, "attempt to index a nil value (local 'p')")
    lua.lua_pushvalue(X, X_ID)
    lua.lua_rawget(X, -2)
    cdef int id = <int>lua.lua_tointeger(X, -1)
    lua.lua_pop(X, 1)
    return id


cdef void pack_with(lua_State *L, dispatcher *d, int index, void **data, size_t *sz, int *flags) noexcept nogil:
    """Pack index..top with the protocol on top of X, which is popped."""
    cdef lua_State *X = d.X
    cdef int type
    lua.lua_pushvalue(X, X_PACK)
    type = lua.lua_rawget(X, -2)
    if lua.lua_tocfunction(X, -1) == lpack:
        lua.lua_settop(X, X_TOP)
        seri_pack(L, index, data, sz)
        flags[0] = PTYPE_TAG_DONTCOPY
        return
    lua.luaL_checkstack(L, 2, NULL)
    lua.lua_xmove(X, L, 1)
    lua.lua_settop(X, X_TOP)
    if type == lua.LUA_TNIL:
        lua.luaL_error(L, "attempt to call a nil value (field 'pack')")
    lua.lua_insert(L, index)
    lua.lua_call(L, lua.lua_gettop(L) - index, 2)
    flags[0] = core_payload(L, index, data, sz)


cdef inline int32_t send_to(
        dispatcher *d, uint32_t destination, const char *name, int type, int32_t session, void *data,
        size_t sz) noexcept nogil:
    if name != NULL:
        return context_sendname(d.s.ctx, 0, name, type, session, data, sz)
    return context_send(d.s.ctx, 0, destination, type, session, data, sz)


cdef int invalid_address(lua_State *L, bint raw) noexcept nogil:
    if raw:
        return lua.luaL_error(L, "call to invalid address")
    if lua.lua_type(L, 1) == lua.LUA_TNUMBER:
        return lua.luaL_error(L, "call to invalid address :%s", hex8(L, <uint32_t>lua.lua_tointeger(L, 1)))
    return lua.luaL_error(L, "call to invalid address %s", lua.luaL_tolstring(L, 1, NULL))


cdef const char *hex8(lua_State *L, uint32_t handle) noexcept nogil:
    cdef char text[16]
    cdef const char *digits = "0123456789abcdef"
    cdef int i
    for i in range(8):
        text[7 - i] = digits[handle & 15]
        handle >>= 4
    return lua.lua_pushlstring(L, text, 8)


# -- send and call

# send(addr, typename, ...) -> 0 | false | nothing
cdef int lsend(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    cdef const char *name
    cdef uint32_t destination = core_destination(L, 1, &name)
    cdef int type = find_protocol(L, d, 2)
    cdef int flags
    cdef void *data
    cdef size_t sz
    pack_with(L, d, 3, &data, &sz, &flags)
    return core_push_sent(L, send_to(d, destination, name, type | flags, 0, data, sz))


# rawsend(addr, typename, msg, sz?) -> 0 | false | nothing
cdef int lrawsend(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    cdef const char *name
    cdef uint32_t destination = core_destination(L, 1, &name)
    cdef int type = find_protocol(L, d, 2)
    cdef void *data
    cdef size_t sz
    lua.lua_settop(d.X, X_TOP)
    type |= core_payload(L, 3, &data, &sz)
    return core_push_sent(L, send_to(d, destination, name, type, 0, data, sz))


cdef void wait_answer(
        lua_State *L, dispatcher *d, task *t, uint32_t destination, const char *name, int type, void *data, size_t sz,
        bint raw) noexcept nogil:
    """Send the request and note who waits for its answer. The trace message goes first."""
    cdef int32_t session = session_new(d)
    if send_to(d, destination, name, type, session, data, sz) < 0:
        invalid_address(L, raw)
    block(d, t, session, WAIT_CALL)
    t.callee = destination
    if name != NULL:
        # for skynet.exit, which tells everybody it has called
        lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.name_ref)
        push_thread(L, t)
        lua.lua_pushvalue(L, 1)
        lua.lua_rawset(L, -3)


cdef void call_failed(lua_State *L) noexcept nogil:
    lua.luaL_error(L, "call failed")


cdef int call_end(lua_State *L, int status, lua.lua_KContext ctx) noexcept nogil:
    """addr typename ok msg sz session -> what the answer unpacks to"""
    cdef dispatcher *d = dispatcher_of(L)
    cdef lua_State *X = d.X
    cdef void *msg
    cdef size_t sz
    if not lua.lua_toboolean(L, 3):
        call_failed(L)
    find_protocol(L, d, 2)
    lua.lua_pushvalue(X, X_UNPACK)
    lua.lua_rawget(X, -2)                                   # p unpack
    if lua.lua_tocfunction(X, -1) == lunpack:
        lua.lua_settop(X, X_TOP)
        msg = lua.lua_touserdata(L, 4)
        sz = <size_t>lua.lua_tointeger(L, 5)
        return seri_unpack(L, msg, sz)
    lua.lua_xmove(X, L, 1)
    lua.lua_settop(X, X_TOP)
    lua.lua_insert(L, 4)                                    # ... unpack msg sz session
    lua.lua_settop(L, 6)
    lua.lua_call(L, 2, lua.LUA_MULTRET)
    return lua.lua_gettop(L) - 3


# call(addr, typename, ...) -> ...; yields
cdef int lcall(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    cdef task *t = check_blockable(L)
    cdef const char *name
    cdef uint32_t destination = core_destination(L, 1, &name)
    cdef int type, flags
    cdef void *data
    cdef size_t sz
    if t.trace == TRACE_TAG:
        trace_event(L, d, t, "call", 1)
    type = find_protocol(L, d, 2)
    pack_with(L, d, 3, &data, &sz, &flags)
    wait_answer(L, d, t, destination, name, type | flags, data, sz, False)
    lua.lua_settop(L, 2)
    return lua.lua_yieldk(L, 0, 0, call_end)


# await(addr, typename, session) -> ...; yields. The answer of a request that was sent with a session of genid().
cdef int lawait(lua_State *L) noexcept nogil:
    cdef task *t = check_blockable(L)
    cdef int32_t session = <int32_t>lua.luaL_checkinteger(L, 3)
    block(t.d, t, session, WAIT_CALL)
    t.callee = <uint32_t>lua.lua_tointeger(L, 1)
    lua.lua_settop(L, 2)
    return lua.lua_yieldk(L, 0, 0, call_end)


# genid() -> session that is not in use
cdef int lgenid(lua_State *L) noexcept nogil:
    lua.lua_pushinteger(L, session_new(dispatcher_of(L)))
    return 1


cdef int rawcall_end(lua_State *L, int status, lua.lua_KContext ctx) noexcept nogil:
    if not lua.lua_toboolean(L, 3):
        call_failed(L)
    lua.lua_settop(L, 5)
    return 2


# rawcall(addr, typename, msg, sz?) -> msg, sz; yields
cdef int lrawcall(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    cdef task *t = check_blockable(L)
    cdef const char *name
    cdef uint32_t destination = core_destination(L, 1, &name)
    cdef int type
    cdef void *data
    cdef size_t sz
    if t.trace == TRACE_TAG:
        trace_event(L, d, t, "call", 1)
    type = find_protocol(L, d, 2)
    lua.lua_settop(d.X, X_TOP)
    type |= core_payload(L, 3, &data, &sz)
    wait_answer(L, d, t, destination, name, type, data, sz, True)
    lua.lua_settop(L, 2)
    return lua.lua_yieldk(L, 0, 0, rawcall_end)


# -- answers

cdef int answer(lua_State *L, task *t, int flags, void *data, size_t sz) noexcept nogil:
    """Send the one answer of a request; pushes whether it was delivered."""
    cdef dispatcher *d = t.d
    cdef int32_t session = t.session
    cdef int32_t result
    t.session = NO_SESSION
    if session == 0:
        # a send: nobody waits
        if flags:
            free(data)
        lua.lua_pushboolean(L, 0)
        return 1
    if t.trace == TRACE_TAG:
        trace_event(L, d, t, "response", 0)
    result = context_send(d.s.ctx, 0, t.source, PTYPE_RESPONSE | flags, session, data, sz)
    if result == -2:
        send_error(d, t.source, session, "the answer is too large", 23)
    lua.lua_pushboolean(L, result >= 0 or (result == session and result < -2))
    return 1


cdef task *check_session(lua_State *L, const char *missing) noexcept nogil:
    cdef task *t = dispatcher_of(L).running
    if t == NULL or t.session == NO_SESSION:
        lua.luaL_error(L, missing)
    return t


# ret(msg?, sz?) -> delivered
cdef int lret(lua_State *L) noexcept nogil:
    cdef task *t = check_session(L, "No session")
    cdef void *data = NULL
    cdef size_t sz = 0
    cdef int flags = 0
    if not lua.lua_isnoneornil(L, 1):
        flags = core_payload(L, 1, &data, &sz)
    return answer(L, t, flags, data, sz)


# retpack(...) -> delivered
cdef int lretpack(lua_State *L) noexcept nogil:
    cdef task *t = check_session(L, "No session")
    cdef void *data
    cdef size_t sz
    seri_pack(L, 1, &data, &sz)
    return answer(L, t, PTYPE_TAG_DONTCOPY, data, sz)


# ignoreret()
cdef int lignoreret(lua_State *L) noexcept nogil:
    cdef task *t = dispatcher_of(L).running
    if t != NULL:
        t.session = NO_SESSION
    return 0


# context() -> session | nil, source | nil
cdef int lcontext(lua_State *L) noexcept nogil:
    cdef task *t = dispatcher_of(L).running
    if t == NULL or not t.serving:
        lua.lua_pushnil(L)
        lua.lua_pushnil(L)
        return 2
    if t.session == NO_SESSION:
        lua.lua_pushnil(L)
    else:
        lua.lua_pushinteger(L, t.session)
    lua.lua_pushinteger(L, t.source)
    return 2


cdef void response_unlink(response *r) noexcept nogil:
    """No answer is expected any more. Only looks things up and clears, so it may run anywhere."""
    cdef dispatcher *d = r.d
    if not r.pending:
        return
    r.pending = False
    if r.prev != NULL:
        r.prev.next = r.next
    else:
        d.responses = r.next
    if r.next != NULL:
        r.next.prev = r.prev
    lua.lua_rawgeti(d.X, lua.LUA_REGISTRYINDEX, d.response_ref)
    lua.lua_pushnil(d.X)
    lua.lua_rawsetp(d.X, -2, r)
    lua.lua_settop(d.X, X_TOP)


# the closure of response(): ("TEST") -> pending, (true, ...) -> sent, (false) -> sent
cdef int lrespond(lua_State *L) noexcept nogil:
    cdef response *r = <response *>lua.lua_touserdata(L, lua.lua_upvalueindex(1))
    cdef dispatcher *d = r.d
    cdef void *data
    cdef size_t sz
    cdef int flags = PTYPE_TAG_DONTCOPY
    cdef int32_t result
    cdef bint alive
    if r.session == 0:
        return 0
    if lua.lua_type(L, 1) == lua.LUA_TSTRING and strcmp(lua.lua_tostring(L, 1), "TEST") == 0:
        lua.lua_pushboolean(L, r.pending)
        return 1
    if r.used:
        return lua.luaL_error(L, "Can't response more than once")
    if lua.lua_toboolean(L, 1):
        if lua.lua_tocfunction(L, lua.lua_upvalueindex(2)) == lpack:
            seri_pack(L, 2, &data, &sz)
        else:
            lua.lua_pushvalue(L, lua.lua_upvalueindex(2))
            lua.lua_replace(L, 1)
            lua.lua_call(L, lua.lua_gettop(L) - 1, 2)
            flags = 0
            data = NULL
            sz = 0
            if not lua.lua_isnil(L, 1):
                flags = core_payload(L, 1, &data, &sz)
        alive = r.pending
        r.used = True
        response_unlink(r)
        if not alive:
            if flags:
                free(data)
            lua.lua_pushboolean(L, 0)
            return 1
        result = context_send(d.s.ctx, 0, r.source, PTYPE_RESPONSE | flags, r.session, data, sz)
        if result == -2:
            send_error(d, r.source, r.session, "the answer is too large", 23)
            result = 0
    else:
        alive = r.pending
        r.used = True
        response_unlink(r)
        if not alive:
            lua.lua_pushboolean(L, 0)
            return 1
        result = context_send(d.s.ctx, 0, r.source, PTYPE_ERROR, r.session, NULL, 0)
    lua.lua_pushboolean(L, result >= 0)
    return 1


# response(pack?) -> function; takes the session of the running request over
cdef int lresponse(lua_State *L) noexcept nogil:
    cdef task *t = check_session(L, "no session")
    cdef dispatcher *d = t.d
    cdef response *r
    lua.lua_settop(L, 1)
    if lua.lua_isnil(L, 1):
        lua.lua_pushcfunction(L, lpack)
        lua.lua_replace(L, 1)
    r = <response *>lua.lua_newuserdatauv(L, sizeof(response), 0)   # pack r
    memset(r, 0, sizeof(response))
    r.d = d
    r.session = t.session
    r.source = t.source
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.response_ref)
    lua.lua_pushvalue(L, 2)
    lua.lua_rawsetp(L, -2, r)                               # stays reachable until it is answered
    lua.lua_pop(L, 1)
    lua.lua_insert(L, 1)
    lua.lua_pushcclosure(L, lrespond, 2)
    t.session = NO_SESSION
    if r.session != 0:
        r.pending = True
        r.next = d.responses
        if r.next != NULL:
            r.next.prev = r
        d.responses = r
    else:
        lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.response_ref)
        lua.lua_pushnil(L)
        lua.lua_rawsetp(L, -2, r)
        lua.lua_pop(L, 1)
    return 1


# -- time and wake-ups

cdef task *token_task(lua_State *L, int index) noexcept nogil:
    """The task whose coroutine is the token at index; without token the running thread is the token."""
    cdef int type = lua.lua_type(L, index)
    if type <= lua.LUA_TNIL:
        return task_of(L)
    return task_of(lua.lua_tothread(L, index)) if type == lua.LUA_TTHREAD else NULL


cdef void take_token(lua_State *L, dispatcher *d, task *t, int32_t session) noexcept nogil:
    """Wait on the token at index 1, under this session. Raises when somebody waits on it already."""
    cdef task *token = token_task(L, 1)
    if token != NULL:
        if token.waiter != 0:
            lua.luaL_error(L, "token duplicative")
        token.waiter = session
        t.token = token
        return
    if lua.lua_isnil(L, 1):
        lua.lua_pushthread(L)
        lua.lua_replace(L, 1)
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.token_ref)  # token tokens
    lua.lua_pushvalue(L, 1)
    if lua.lua_rawget(L, -2) != lua.LUA_TNIL:
        lua.luaL_error(L, "token duplicative")
    lua.lua_pop(L, 1)
    lua.lua_pushvalue(L, 1)
    lua.lua_pushinteger(L, session)
    lua.lua_rawset(L, -3)
    lua.lua_pop(L, 1)
    t.token = NULL


cdef int sleep_end(lua_State *L, int status, lua.lua_KContext sleeping) noexcept nogil:
    """token ok ... -> "BREAK" when a sleep was woken"""
    cdef dispatcher *d = dispatcher_of(L)
    cdef task *t = d.running
    if t.token != NULL:
        t.token.waiter = 0
        t.token = NULL
    else:
        lua.lua_pushvalue(L, 1)
        lua.lua_xmove(L, d.X, 1)
        lua.lua_pushnil(d.X)
        lua.lua_rawset(d.X, X_TOKEN)
    if sleeping and not lua.lua_toboolean(L, 2):
        lua.lua_pushstring(L, "BREAK")
        return 1
    return 0


cdef int sleep(lua_State *L, dispatcher *d, task *t, lua.lua_Integer ti) noexcept nogil:
    """Sleep with the token at index 1, which is the top."""
    cdef int32_t session
    if t.trace == TRACE_TAG:
        trace_event(L, d, t, "sleep", 0)
    # the token first: a duplicate must not leave a timer behind
    session = session_new(d)
    take_token(L, d, t, session)
    block(d, t, session, WAIT_SLEEP)
    arm(d, session, ti)
    return lua.lua_yieldk(L, 0, 1, sleep_end)


cdef void arm(dispatcher *d, int32_t session, lua.lua_Integer ti) noexcept nogil:
    cdef skynet_message m
    if <int32_t>ti <= 0:
        m.source = 0
        m.session = session
        m.data = NULL
        m.sz = message_pack_size(0, PTYPE_RESPONSE)
        context_push_self(d.s.ctx, &m)
    else:
        timer_add(d.s.ctx.handle, session, <int32_t>ti)


# sleep(ti, token?) -> "BREAK" | nothing; yields
cdef int lsleep(lua_State *L) noexcept nogil:
    cdef task *t = check_blockable(L)
    cdef lua.lua_Integer ti = lua.luaL_checkinteger(L, 1)
    lua.lua_settop(L, 2)
    lua.lua_remove(L, 1)
    return sleep(L, t.d, t, ti)


# yield(); yields
cdef int lyield(lua_State *L) noexcept nogil:
    cdef task *t = check_blockable(L)
    lua.lua_settop(L, 0)
    lua.lua_pushnil(L)
    return sleep(L, t.d, t, 0)


# wait(token?); yields
cdef int lwait(lua_State *L) noexcept nogil:
    cdef task *t = check_blockable(L)
    cdef dispatcher *d = t.d
    cdef int32_t session
    lua.lua_settop(L, 1)
    if t.trace == TRACE_TAG:
        trace_event(L, d, t, "sleep", 0)
    session = session_new(d)
    take_token(L, d, t, session)
    block(d, t, session, WAIT_WAKEUP)
    return lua.lua_yieldk(L, 0, 0, sleep_end)


# wakeup(token) -> true | nothing
cdef int lwakeup(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    cdef task *token = NULL
    cdef wakeup *w
    cdef int index
    if lua.lua_type(L, 1) == lua.LUA_TTHREAD:
        token = task_of(lua.lua_tothread(L, 1))
    if token != NULL:
        if token.waiter == 0:
            return 0
        w = <wakeup *>ring_push(&d.wakeups, sizeof(wakeup))
        w.t = token
    else:
        if lua.lua_isnoneornil(L, 1):
            return 0
        lua.lua_settop(L, 1)
        lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.token_ref)
        lua.lua_pushvalue(L, 1)
        if lua.lua_rawget(L, -2) == lua.LUA_TNIL:
            return 0
        lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.wake_ref)
        index = <int>(d.wakeups.tail & 0x3fffffff) + 1
        lua.lua_pushvalue(L, 1)
        lua.lua_rawseti(L, -2, index)
        w = <wakeup *>ring_push(&d.wakeups, sizeof(wakeup))
        w.t = NULL
        w.index = index
    lua.lua_pushboolean(L, 1)
    return 1


# fork(f, ...) -> coroutine
cdef int lfork(lua_State *L) noexcept nogil:
    cdef dispatcher *d = check_dispatcher(L)
    cdef int n = lua.lua_gettop(L)
    cdef task *t
    if n == 0:
        # fails when it runs, as calling nil does
        lua.lua_pushnil(L)
        n = 1
    t = task_new(d, L)
    if not lua.lua_checkstack(t.co, n + lua.LUA_MINSTACK):
        task_recycle(d, t)
        return lua.luaL_error(L, "too many arguments to fork")
    lua.lua_xmove(L, t.co, n)
    t.nargs = n - 1
    t.forked = 1
    (<task **>ring_push(&d.forks, sizeof(task *)))[0] = t
    push_thread(L, t)
    return 1


# timeout(ti, f) -> coroutine
cdef int ltimeout(lua_State *L) noexcept nogil:
    cdef dispatcher *d = check_dispatcher(L)
    cdef lua.lua_Integer ti = lua.luaL_checkinteger(L, 1)
    cdef task *t
    cdef int32_t session
    lua.luaL_checkany(L, 2)
    lua.lua_settop(L, 2)
    t = task_new(d, L)
    lua.lua_xmove(L, t.co, 1)
    session = session_new(d)
    block(d, t, session, WAIT_TIMEOUT)
    arm(d, session, ti)
    push_thread(L, t)
    return 1


# -- looking at tasks, ending them

# running() -> coroutine | nil
cdef int lrunning(lua_State *L) noexcept nogil:
    cdef task *t = dispatcher_of(L).running
    if t == NULL:
        return 0
    push_thread(L, t)
    return 1


# session_of(coroutine) -> session it is blocked on | nil
cdef int lsession_of(lua_State *L) noexcept nogil:
    cdef lua_State *co = lua.lua_tothread(L, 1)
    cdef task *t = task_of(co) if co != NULL else NULL
    if t == NULL or t.blocked == 0:
        return 0
    lua.lua_pushinteger(L, t.blocked)
    return 1


# tasks() -> { [session] = coroutine | "BREAK" }
cdef int ltasks(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    cdef unsigned int i
    lua.lua_createtable(L, 0, <int>d.nsessions)
    for i in range(d.sessions_cap):
        if d.sessions[i].session != 0:
            if d.sessions[i].t == NULL:
                lua.lua_pushstring(L, "BREAK")
            else:
                push_thread(L, d.sessions[i].t)
            lua.lua_rawseti(L, -2, d.sessions[i].session)
    return 1


cdef void forget_wait(lua_State *L, dispatcher *d, task *t, bint swallow) noexcept nogil:
    """Take a task that will be closed out of every table. `swallow`: a late answer must not be reported."""
    cdef session_slot *slot = session_find(d, t.blocked)
    cdef int32_t session = t.blocked
    if slot != NULL and slot.t == t:
        if swallow:
            slot.t = NULL
        else:
            session_remove(d, slot)
    if t.token != NULL:
        t.token.waiter = 0
        t.token = NULL
    elif t.wait == WAIT_SLEEP or t.wait == WAIT_WAKEUP:
        lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.token_ref)
        lua.lua_pushnil(L)
        while lua.lua_next(L, -2):                          # tokens token session
            if lua.lua_tointeger(L, -1) == session:
                lua.lua_pop(L, 1)
                lua.lua_pushnil(L)
                lua.lua_rawset(L, -3)
                break
            lua.lua_pop(L, 1)
        lua.lua_settop(L, -2)
    t.blocked = 0
    t.wait = WAIT_NONE


# kill(coroutine, swallow?) -> true | nothing. The answer of a call is swallowed when it comes; that of a timer is reported
# as unknown, as in the original, unless `swallow` is true.
cdef int lkill(lua_State *L) noexcept nogil:
    cdef dispatcher *d = dispatcher_of(L)
    cdef lua_State *co
    cdef task *t
    cdef unsigned int i
    lua.luaL_checktype(L, 1, lua.LUA_TTHREAD)
    co = lua.lua_tothread(L, 1)
    t = task_of(co)
    if t == NULL or t == d.running:
        return 0
    if t.forked:
        for i in range(d.forks.head, d.forks.tail):
            if (<task **>d.forks.slots)[i & (d.forks.cap - 1)] == t:
                (<task **>d.forks.slots)[i & (d.forks.cap - 1)] = NULL
        t.forked = 0
    elif t.blocked:
        forget_wait(L, d, t, t.wait == WAIT_CALL or lua.lua_toboolean(L, 2))
        owe(t, "killed", 6)
        close_coroutine(L, t)
    else:
        return 0
    task_recycle(d, t)
    lua.lua_pushboolean(L, 1)
    return 1


# exit(): answers and closes everything, then leaves the node; yields for ever
cdef int lexit(lua_State *L) noexcept nogil:
    cdef dispatcher *d = check_dispatcher(L)
    cdef command_result result
    cdef task *t
    cdef task *next
    lua.lua_settop(L, 0)
    d.forks.head = d.forks.tail
    t = d.tasks
    while t != NULL:
        t.forked = 0
        owe(t, "the service has exited", 22)
        t = t.next
    lua.lua_newtable(L)                                     # called: address -> true
    t = d.tasks
    while t != NULL:
        if t.wait == WAIT_CALL:
            if t.callee:
                lua.lua_pushinteger(L, t.callee)
            else:
                lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, d.name_ref)
                push_thread(L, t)
                lua.lua_rawget(L, -2)
                lua.lua_remove(L, -2)
            if not lua.lua_isnil(L, -1):
                lua.lua_pushboolean(L, 1)
                lua.lua_rawset(L, 1)
            else:
                lua.lua_pop(L, 1)
        t = t.next
    # closing runs __close handlers, which may fork or wake: the list is read anew each time
    t = d.tasks
    while t != NULL:
        next = t.next
        if t.blocked:
            forget_wait(L, d, t, True)
            close_coroutine(L, t)
            task_recycle(d, t)
            next = d.tasks
        t = next
    while d.responses != NULL:
        send_error(d, d.responses.source, d.responses.session, "the service has exited", 22)
        d.responses.used = True
        response_unlink(d.responses)
    lua.lua_pushnil(L)
    while lua.lua_next(L, 1):                               # called address true
        lua.lua_pop(L, 1)
        if lua.lua_type(L, -1) == lua.LUA_TNUMBER:
            context_send(d.s.ctx, 0, <uint32_t>lua.lua_tointeger(L, -1), PTYPE_ERROR, 0, NULL, 0)
        else:
            context_sendname(d.s.ctx, 0, lua.lua_tostring(L, -1), PTYPE_ERROR, 0, NULL, 0)
    d.exiting = True
    skynet_command(d.s.ctx, "EXIT", NULL, &result)
    if d.running == NULL:
        return 0
    lua.lua_settop(L, 0)
    lua.lua_pushstring(L, "QUIT")
    return lua.lua_yieldk(L, 1, 0, exit_end)


cdef int exit_end(lua_State *L, int status, lua.lua_KContext ctx) noexcept nogil:
    return 0


# term(handle): pretend that the service of this handle has announced its end
cdef int lterm(lua_State *L) noexcept nogil:
    on_error(dispatcher_of(L), 0, <uint32_t>lua.luaL_checkinteger(L, 1))
    return 0


# set_trace(coroutine, "NONE" | "TAG" | "OFF"); from the first call on, requests are shown to handlers.trace_request
cdef int lset_trace(lua_State *L) noexcept nogil:
    cdef lua_State *co = lua.lua_tothread(L, 1)
    cdef task *t = task_of(co) if co != NULL else NULL
    cdef int trace = lua.luaL_checkoption(L, 2, "NONE", trace_names)
    dispatcher_of(L).tracing = True
    if t != NULL:
        t.trace = trace
    return 0


cdef const char *trace_names[4]
trace_names[0] = "NONE"
trace_names[1] = "TAG"
trace_names[2] = "OFF"
trace_names[3] = NULL


# resume(co): go on with a task that a hook of the debugger has stopped
cdef int lresume_stopped(lua_State *L) noexcept nogil:
    cdef lua_State *co = lua.lua_tothread(L, 1)
    cdef task *t
    if co == NULL:
        return lua.luaL_error(L, "thread expected")
    t = task_of(co)
    if t == NULL or t.blocked != 0 or lua.lua_status(co) != lua.LUA_YIELD:
        return lua.luaL_error(L, "not stopped")
    resume(dispatcher_of(L), L, t, 0)
    return 0


# sethook(on): call handlers.hook before each message
cdef int lsethook(lua_State *L) noexcept nogil:
    dispatcher_of(L).hooked = lua.lua_toboolean(L, 1)
    return 0


# -- set up

# dispatch_message(type, msg, sz, session, source): for callbacks written in Lua; raises what the handlers raised
cdef int ldispatch_message(lua_State *L) noexcept nogil:
    cdef dispatcher *d = check_dispatcher(L)
    cdef int type = <int>lua.luaL_checkinteger(L, 1)
    cdef void *msg = lua.lua_touserdata(L, 2)
    cdef size_t sz = <size_t>lua.luaL_optinteger(L, 3, 0)
    cdef int32_t session = <int32_t>lua.luaL_checkinteger(L, 4)
    cdef uint32_t source = <uint32_t>lua.luaL_checkinteger(L, 5)
    dispatch(d, L, type, session, source, msg, sz)
    if d.nerrors:
        lua.lua_settop(L, 0)
        preport(L)
        d.nerrors = 0
        return lua.lua_error(L)
    return 0


# listen(): messages go to the native dispatcher from now on
cdef int llisten(lua_State *L) noexcept nogil:
    cdef dispatcher *d = check_dispatcher(L)
    d.s.ctx.ud = d.s
    d.s.ctx.callback = callback
    return 0


cdef int new_ref(lua_State *L) noexcept nogil:
    """A new table in the registry."""
    lua.lua_newtable(L)
    return lua.luaL_ref(L, lua.LUA_REGISTRYINDEX)


# init(protocols, handlers)
cdef int linit(lua_State *L) noexcept nogil:
    cdef snlua *s = snlua_of(L)
    cdef dispatcher *d
    cdef lua_State *X
    lua.luaL_checktype(L, 1, lua.LUA_TTABLE)
    lua.luaL_checktype(L, 2, lua.LUA_TTABLE)
    lua.lua_settop(L, 2)
    if s.dispatcher != NULL:
        return lua.luaL_error(L, "skynet.task is initialised already")
    X = lua.lua_newthread(L)
    lua.lua_rawsetp(L, lua.LUA_REGISTRYINDEX, &X_KEY)
    d = <dispatcher *>calloc(1, sizeof(dispatcher))
    d.s = s
    d.X = X
    s.dispatcher = d
    s.dispatcher_close = close
    s.dispatcher_free = dispatcher_free
    d.handler_ref = lua.luaL_ref(L, lua.LUA_REGISTRYINDEX)
    d.token_ref = new_ref(L)
    d.wake_ref = new_ref(L)
    lua.lua_newtable(L)
    lua.lua_createtable(L, 0, 1)
    lua.lua_pushstring(L, "k")
    lua.lua_setfield(L, -2, "__mode")
    lua.lua_setmetatable(L, -2)
    d.name_ref = lua.luaL_ref(L, lua.LUA_REGISTRYINDEX)
    d.anchor_ref = new_ref(L)
    d.error_ref = new_ref(L)
    d.response_ref = new_ref(L)
    lua.luaL_checkstack(X, 2 * lua.LUA_MINSTACK, NULL)
    lua.lua_xmove(L, X, 1)
    lua.lua_pushstring(X, "dispatch")
    lua.lua_pushstring(X, "unpack")
    lua.lua_pushstring(X, "pack")
    lua.lua_pushstring(X, "id")
    lua.lua_rawgeti(X, lua.LUA_REGISTRYINDEX, d.anchor_ref)
    lua.lua_rawgeti(X, lua.LUA_REGISTRYINDEX, d.token_ref)
    return 0


cdef void close(snlua *s) noexcept nogil:
    """The VM is about to be closed. Whoever waits for an answer of this service gets an error."""
    cdef dispatcher *d = <dispatcher *>s.dispatcher
    cdef task *t = d.tasks
    cdef response *r = d.responses
    d.running = NULL
    while r != NULL:
        send_error(d, r.source, r.session, "the service was killed", 22)
        r.pending = False
        r.used = True
        r = r.next
    d.responses = NULL
    while t != NULL:
        owe(t, "the service was killed", 22)
        t = t.next


cdef void dispatcher_free(snlua *s) noexcept nogil:
    """The VM is closed."""
    cdef dispatcher *d = <dispatcher *>s.dispatcher
    cdef task *t = d.tasks
    cdef task *next
    while t != NULL:
        next = t.next
        count(COUNT_TASK, -1)
        free(t)
        t = next
    free(d.pool)
    free(d.sessions)
    free(d.wakeups.slots)
    free(d.errors.slots)
    free(d.forks.slots)
    free(d)
    s.dispatcher = NULL


# require "skynet.task"
cdef int luaopen_skynet_task(lua_State *L) noexcept nogil:
    lua.lua_createtable(L, 0, 28)
    set_function(L, "init", linit)
    set_function(L, "listen", llisten)
    set_function(L, "dispatch_message", ldispatch_message)
    set_function(L, "send", lsend)
    set_function(L, "rawsend", lrawsend)
    set_function(L, "call", lcall)
    set_function(L, "rawcall", lrawcall)
    set_function(L, "await", lawait)
    set_function(L, "genid", lgenid)
    set_function(L, "ret", lret)
    set_function(L, "retpack", lretpack)
    set_function(L, "ignoreret", lignoreret)
    set_function(L, "context", lcontext)
    set_function(L, "response", lresponse)
    set_function(L, "sleep", lsleep)
    set_function(L, "yield", lyield)
    set_function(L, "wait", lwait)
    set_function(L, "wakeup", lwakeup)
    set_function(L, "fork", lfork)
    set_function(L, "timeout", ltimeout)
    set_function(L, "running", lrunning)
    set_function(L, "session_of", lsession_of)
    set_function(L, "tasks", ltasks)
    set_function(L, "kill", lkill)
    set_function(L, "exit", lexit)
    set_function(L, "term", lterm)
    set_function(L, "set_trace", lset_trace)
    set_function(L, "sethook", lsethook)
    set_function(L, "resume", lresume_stopped)
    return 1


def openers() -> dict[str, int]:
    """Return the modules of this extension: name that Lua requires -> address of its opener."""
    return {"skynet.task": <uintptr_t>luaopen_skynet_task}
