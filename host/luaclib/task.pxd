"""skynet.task: the hot half of lualib/skynet.lua. Sessions, coroutines, dispatch, call, ret, sleep, fork.

A task is a coroutine that the dispatcher runs: it serves a request, a fork or a timeout, and goes back to a pool. A blocked
task is found by the session of the message that will continue it. A message never becomes a call of a Lua function of
ours: a response resumes its task from here, a request starts one here, and both end here.

Nothing in the dispatcher runs under a Lua handler of its own, which would cost as much as the rest of it. Therefore it only
uses what cannot raise (look-ups, pushes of values without memory, lua_resume); the rest is in functions named p..., run by
`protect`.
"""

from libc.stdint cimport int32_t, uint32_t, uint8_t

from host.core.lua cimport lua_State
from host.luaclib.snlua cimport snlua

cdef enum:
    NO_SESSION = -0x7fffffff - 1    # a task that serves nothing, or has answered

cdef enum task_wait:
    WAIT_NONE = 0
    WAIT_CALL               # a response or an error
    WAIT_SLEEP              # its timer, or a wake-up
    WAIT_WAKEUP             # a wake-up alone
    WAIT_TIMEOUT            # its timer, not started yet

cdef enum task_trace:
    TRACE_NONE = 0
    TRACE_TAG               # tracing, the tag is in Lua's hands
    TRACE_OFF               # forced off

cdef struct task:
    snlua *service          # first member: see snlua_of
    dispatcher *d
    lua_State *co
    task *prev              # all tasks of the service
    task *next
    int32_t session         # of the request it serves; NO_SESSION
    uint32_t source         # of the request
    int32_t blocked         # session that continues it, 0
    int32_t waiter          # session of whoever waits with this coroutine as token, 0
    uint32_t callee         # handle it calls, 0 when by name
    task *token             # the task whose coroutine it waits on; NULL for other tokens
    int nargs               # in the fork queue: arguments on its stack
    uint8_t wait            # task_wait
    uint8_t serving         # session and source are, or were, those of a request
    uint8_t trace           # task_trace
    uint8_t forked          # in the fork queue
    void *msg               # of the request, while it starts
    size_t sz

cdef struct session_slot:
    int32_t session         # 0: free
    task *t                 # NULL: swallow the message (BREAK)

cdef struct wakeup:
    task *t                 # token, or NULL: the value is in the table of wake-up tokens at `index`
    int index

# A growing ring; head and tail count up for ever.
cdef struct ring:
    void *slots
    unsigned int cap
    unsigned int head
    unsigned int tail

cdef struct response        # a kept answer (skynet.response), in a userdata
cdef struct dispatcher:
    snlua *s
    lua_State *X            # holds the constants of task.pyx; never runs a function
    task *tasks
    task *running
    task **pool
    int npool
    int pool_cap
    int pool_low            # least npool since the last trim
    int untrimmed           # messages since then
    session_slot *sessions  # open addressing
    unsigned int sessions_cap   # a power of two, 2^(32 - sessions_shift)
    unsigned int sessions_shift
    unsigned int nsessions
    ring wakeups            # of struct wakeup
    ring errors             # of int32_t sessions
    ring forks              # of task *
    response *responses     # unanswered
    int nerrors             # texts in the table of errors
    int proto_ref           # in the registry: protocols, tokens, wake-up tokens, names of callees, anchors, handlers, errors,
    int token_ref           # kept answers
    int wake_ref
    int name_ref
    int anchor_ref
    int handler_ref
    int error_ref
    int response_ref
    bint exiting
    bint failed             # a coroutine has raised in this message, and its wake-ups are not run yet
    bint tracing            # somebody uses traces: requests have to be looked at
    bint hooked             # the debugger wants to see messages

# Make the dispatcher of a VM: (protocols, handlers)
cdef int linit(lua_State *L) noexcept nogil

# The functions that the skynet table has under the same name.
cdef int lsend(lua_State *L) noexcept nogil
cdef int lrawsend(lua_State *L) noexcept nogil
cdef int lcall(lua_State *L) noexcept nogil
cdef int lrawcall(lua_State *L) noexcept nogil
cdef int lret(lua_State *L) noexcept nogil
cdef int lretpack(lua_State *L) noexcept nogil
cdef int lignoreret(lua_State *L) noexcept nogil
cdef int lcontext(lua_State *L) noexcept nogil
cdef int lresponse(lua_State *L) noexcept nogil
cdef int lsleep(lua_State *L) noexcept nogil
cdef int lyield(lua_State *L) noexcept nogil
cdef int lwait(lua_State *L) noexcept nogil
cdef int lwakeup(lua_State *L) noexcept nogil
cdef int lfork(lua_State *L) noexcept nogil
cdef int ltimeout(lua_State *L) noexcept nogil
cdef int ldispatch_message(lua_State *L) noexcept nogil
cdef int llisten(lua_State *L) noexcept nogil
cdef int lexit(lua_State *L) noexcept nogil
