"""Contexts: what ties a handle, a queue, a callback and a module instance together; send and dispatch.
Source: skynet_server.c, skynet_error.c, skynet_log.c, skynet_harbor.c.

References: one of the handle table, one while the queue is runnable or held by a worker, one of the creator during init. The
thread that drops the last one destroys the context and runs its release hook.
"""

from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdio cimport FILE

from host.core.message cimport skynet_message
from host.core.mq cimport message_queue
from host.core.worker cimport worker

# A worker holding the context's queue. Nonzero: the callee has taken data; else the core frees it.
ctypedef int (*context_callback)(
    context *ctx, void *ud, int type, int32_t session, uint32_t source, void *data, size_t sz) noexcept nogil
# Once, when the last reference is gone, on whatever thread that is.
ctypedef void (*context_release_hook)(context *ctx, void *instance) noexcept nogil
# Any thread that holds a reference, also while a worker dispatches.
ctypedef void (*context_signal_hook)(context *ctx, void *instance, int signal) noexcept nogil

cdef struct context:
    message_queue mq
    uint32_t handle
    int32_t session             # last one given out; of the service itself
    int refs
    int retired                 # the handle is gone: nothing more is dispatched, unless
    bint drains                 # it handles what is in its queue first: the logger, so that no line is lost
    context_callback callback
    void *ud
    void *instance
    void *data                  # for the module's own use
    context_release_hook release
    context_signal_hook signal
    FILE *logfile               # LOGON; guarded by log_lock of the context
    int log_lock
    bint reserved               # not counted for the end of the node
    int endless                 # set by the monitor, cleared by STAT endless
    uint64_t cpu_ticks          # spent in completed messages
    uint64_t message_count      # dispatched, with the current one

# -- life

cdef void contexts_init(int harbor, bint profile) noexcept nogil
cdef void contexts_free() noexcept nogil

# Called on whatever thread destroys the last counted context.
ctypedef void (*contexts_end)() noexcept nogil
cdef void contexts_on_end(contexts_end end) noexcept nogil
# Called by context_retireall before it begins, on the thread that aborts the node.
cdef void contexts_on_abort(contexts_end abort) noexcept nogil

# Live contexts that keep the node alive.
cdef int context_total() noexcept nogil

# A new context with a handle; its queue is not runnable before context_started. The caller owns a reference.
cdef context *context_new() noexcept nogil
# Init has succeeded: messages may be dispatched. Consumes the creator's reference.
cdef void context_started(context *ctx) noexcept nogil
# Init has failed: retire, answer what arrived. Consumes the creator's reference.
cdef void context_failed(context *ctx) noexcept nogil

cdef context *context_grab(uint32_t handle) noexcept nogil
# Is the handle one of this node's services?
cdef bint context_lives(uint32_t handle) noexcept nogil
cdef void context_release(context *ctx) noexcept nogil
cdef void context_retire(uint32_t handle) noexcept nogil
cdef void context_retireall() noexcept nogil
cdef void context_reserve(context *ctx) noexcept nogil

# -- messages

# Any thread. 0, or -1 when there is no such handle (the message stays the caller's).
cdef int context_push(uint32_t handle, const skynet_message *message) noexcept nogil
# The service's own thread, to itself.
cdef void context_push_self(context *ctx, const skynet_message *message) noexcept nogil

# The service's own thread: 1 .. 0x7fffffff, then 1 again.
cdef int32_t context_newsession(context *ctx) noexcept nogil

# type may carry PTYPE_TAG_*. The session (>= 0 unless the caller gave a negative one), -1: no such destination,
# -2: too large. With PTYPE_TAG_DONTCOPY data is consumed in every case. source 0 = ctx.
cdef int32_t context_send(
    context *ctx, uint32_t source, uint32_t destination, int type, int32_t session, void *data, size_t sz) noexcept nogil
# The destination is ":hex", ".name" or a global name.
cdef int32_t context_sendname(
    context *ctx, uint32_t source, const char *address, int type, int32_t session, void *data, size_t sz) noexcept nogil

# ":hex" or ".name" to a handle; another text is logged, 0.
cdef uint32_t context_queryname(context *ctx, const char *name) noexcept nogil

# One line to the logger; ctx NULL = source 0.
cdef void context_error(context *ctx, const char *text, size_t sz) noexcept nogil
cdef void context_errorf(context *ctx, const char *format, ...) noexcept nogil

cdef bint context_profile() noexcept nogil

# The remote half of a message on its way to the harbor service: the payload of a PTYPE_SYSTEM message.
cdef struct remote_message:
    char name[16]               # global name, or empty
    uint32_t handle
    int type
    void *data                  # owned
    size_t sz

cdef void harbor_start(context *ctx) noexcept nogil

# The dispatch function of the workers.
cdef message_queue *context_turn(worker *w, message_queue *q) noexcept nogil
