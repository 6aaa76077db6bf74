# cython: language_level=3, cdivision=True
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdio cimport FILE, snprintf
from libc.stdlib cimport free, strtol, strtoul
from libc.string cimport memcpy, strchr, strcmp, strcspn, strdup, strlen, strspn

from host.core.context cimport (
    context, context_error, context_errorf, context_grab, context_newsession, context_profile, context_push,
    context_push_self, context_queryname, context_release, context_retire, context_retireall,
)
from host.core.env cimport env_get, env_set
from host.core.handle cimport handle_findname, handle_namehandle
from host.core.log cimport log_close, log_open
from host.core.message cimport PTYPE_CLIENT, PTYPE_RESPONSE, message_pack_size, skynet_message
from host.core.mq cimport mq_length
from host.core.sync cimport (
    atomic_exchange, atomic_load_ptr_relaxed, atomic_load_u32, atomic_store_ptr_relaxed, atomic_store_u32, clock_tick,
    spin_lock, spin_unlock,
)
from host.core.timer cimport timer_add, timer_starttime
from host.core.worker cimport ticks_to_seconds, worker, worker_self

ctypedef void (*command_function)(context *ctx, const char *param, command_result *r) noexcept nogil

cdef struct command_entry:
    const char *name
    command_function function
    bint needs_param

cdef command_launcher launch
cdef uint32_t monitor_service       # told of every exit; 0 = none


cdef void commands_init(command_launcher launcher) noexcept nogil:
    global launch, monitor_service
    launch = launcher
    monitor_service = 0


# -- helpers

cdef void set_handle(command_result *r, uint32_t handle) noexcept nogil:
    snprintf(r.buffer, sizeof(r.buffer), ":%x", handle)
    r.text = r.buffer


cdef void set_seconds(command_result *r, uint64_t ticks) noexcept nogil:
    snprintf(r.buffer, sizeof(r.buffer), "%f", ticks_to_seconds(ticks))
    r.text = r.buffer


cdef void set_integer(command_result *r, long long n) noexcept nogil:
    snprintf(r.buffer, sizeof(r.buffer), "%lld", n)
    r.text = r.buffer


cdef void leave(context *ctx, uint32_t handle) noexcept nogil:
    """Source: skynet_server.c, handle_exit."""
    cdef skynet_message m
    cdef uint32_t monitor = atomic_load_u32(&monitor_service)
    if handle == ctx.handle:
        context_errorf(ctx, "KILL self")
    else:
        context_errorf(ctx, "KILL :%x", handle)
    if monitor != 0:
        m.source = handle
        m.session = 0
        m.data = NULL
        m.sz = message_pack_size(0, PTYPE_CLIENT)
        context_push(monitor, &m)
    context_retire(handle)


# -- the commands, in the order of the table at the end

cdef int command_timeout(context *ctx, int ti) noexcept nogil:
    cdef skynet_message m
    cdef int session = context_newsession(ctx)
    if ti <= 0:
        m.source = 0
        m.session = session
        m.data = NULL
        m.sz = message_pack_size(0, PTYPE_RESPONSE)
        context_push_self(ctx, &m)
    else:
        timer_add(ctx.handle, session, ti)
    return session


cdef void cmd_timeout(context *ctx, const char *param, command_result *r) noexcept nogil:
    set_integer(r, command_timeout(ctx, <int>strtol(param, NULL, 10)))


cdef void cmd_reg(context *ctx, const char *param, command_result *r) noexcept nogil:
    if param == NULL or param[0] == 0:
        set_handle(r, ctx.handle)
    elif param[0] == c".":
        if handle_namehandle(ctx.handle, param + 1) == 0:
            # the caller's text, without its dot, lives longer than the call
            r.text = param + 1
    else:
        context_errorf(ctx, "error: Can't register global name %s in C", param)


cdef void cmd_query(context *ctx, const char *param, command_result *r) noexcept nogil:
    cdef uint32_t handle
    if param[0] == c".":
        handle = handle_findname(param + 1)
        if handle != 0:
            set_handle(r, handle)


cdef void cmd_name(context *ctx, const char *param, command_result *r) noexcept nogil:
    cdef size_t first = strspn(param, " \t\n\r\v\f")
    cdef size_t len = strcspn(param + first, " \t\n\r\v\f")
    cdef const char *address = param + first + len
    cdef uint32_t handle
    cdef char *name
    address += strspn(address, " \t\n\r\v\f")
    if len == 0 or address[0] != c":":
        return
    handle = <uint32_t>strtoul(address + 1, NULL, 16)
    if handle == 0:
        return
    name = strdup(param + first)
    name[len] = 0
    if name[0] != c".":
        context_errorf(ctx, "error: Can't set global name %s in C", name)
    elif handle_namehandle(handle, name + 1) == 0:
        snprintf(r.buffer, sizeof(r.buffer), "%s", name + 1)
        r.text = r.buffer
    free(name)


cdef void cmd_exit(context *ctx, const char *param, command_result *r) noexcept nogil:
    leave(ctx, ctx.handle)


cdef void cmd_kill(context *ctx, const char *param, command_result *r) noexcept nogil:
    cdef uint32_t handle = context_queryname(ctx, param)
    if handle != 0:
        leave(ctx, handle)


cdef void cmd_launch(context *ctx, const char *param, command_result *r) noexcept nogil:
    cdef char *line = strdup(param)
    cdef char *args = NULL
    cdef size_t len
    cdef uint32_t handle
    line[strcspn(line, "\r\n")] = 0
    len = strcspn(line, " \t\r\n")
    if line[len] != 0:
        line[len] = 0
        args = line + len + 1
    handle = launch(line, args)
    free(line)
    if handle != 0:
        snprintf(r.buffer, sizeof(r.buffer), ":%08X", handle)
        r.text = r.buffer


cdef void cmd_getenv(context *ctx, const char *param, command_result *r) noexcept nogil:
    r.text = env_get(param)


cdef void cmd_setenv(context *ctx, const char *param, command_result *r) noexcept nogil:
    cdef const char *value = strchr(param, c" ")
    if value != NULL and env_set(param, value - param, value + 1) != 0:
        snprintf(r.buffer, sizeof(r.buffer), "Can't setenv exist key : %.*s",
                 <int>(value - param if value - param < 32 else 32), param)
        r.error = r.buffer


cdef void cmd_starttime(context *ctx, const char *param, command_result *r) noexcept nogil:
    set_integer(r, timer_starttime())


cdef void cmd_abort(context *ctx, const char *param, command_result *r) noexcept nogil:
    context_retireall()


cdef void cmd_monitor(context *ctx, const char *param, command_result *r) noexcept nogil:
    if param == NULL or param[0] == 0:
        if atomic_load_u32(&monitor_service) != 0:
            set_handle(r, atomic_load_u32(&monitor_service))
    else:
        atomic_store_u32(&monitor_service, context_queryname(ctx, param))


cdef void cmd_stat(context *ctx, const char *param, command_result *r) noexcept nogil:
    cdef worker *w
    if strcmp(param, "mqlen") == 0:
        set_integer(r, mq_length(&ctx.mq))
    elif strcmp(param, "endless") == 0:
        set_integer(r, atomic_exchange(&ctx.endless, 0))
    elif strcmp(param, "cpu") == 0:
        set_seconds(r, ctx.cpu_ticks)
    elif strcmp(param, "time") == 0:
        w = worker_self()
        if context_profile() and w != NULL and w.current == ctx:
            set_seconds(r, clock_tick() - w.tick)
        else:
            r.text = "0"
    elif strcmp(param, "message") == 0:
        set_integer(r, ctx.message_count)
    else:
        r.text = ""


cdef void cmd_logon(context *ctx, const char *param, command_result *r) noexcept nogil:
    cdef uint32_t handle = context_queryname(ctx, param)
    cdef context *target = context_grab(handle)
    cdef char path[512]
    cdef FILE *f
    if target == NULL:
        return
    if env_get("logpath") != NULL and atomic_load_ptr_relaxed(<void **>&target.logfile) == NULL:
        f = log_open(handle, path, sizeof(path))
        if f == NULL:
            context_errorf(ctx, "Open log file %s fail", path)
        else:
            context_errorf(ctx, "Open log file %s", path)
            spin_lock(&target.log_lock)
            if target.logfile == NULL:
                atomic_store_ptr_relaxed(<void **>&target.logfile, f)
                f = NULL
            spin_unlock(&target.log_lock)
            if f != NULL:
                log_close(f)
    context_release(target)


cdef void cmd_logoff(context *ctx, const char *param, command_result *r) noexcept nogil:
    cdef uint32_t handle = context_queryname(ctx, param)
    cdef context *target = context_grab(handle)
    cdef FILE *f
    if target == NULL:
        return
    spin_lock(&target.log_lock)
    f = target.logfile
    atomic_store_ptr_relaxed(<void **>&target.logfile, NULL)
    spin_unlock(&target.log_lock)
    if f != NULL:
        context_errorf(ctx, "Close log file :%08x", handle)
        log_close(f)
    context_release(target)


cdef void cmd_signal(context *ctx, const char *param, command_result *r) noexcept nogil:
    cdef uint32_t handle = context_queryname(ctx, param)
    cdef context *target = context_grab(handle)
    cdef const char *number = strchr(param, c" ")
    if target == NULL:
        return
    if target.signal != NULL:
        target.signal(target, target.instance, 0 if number == NULL else <int>strtol(number, NULL, 0))
    context_release(target)


cdef command_entry commands[17]
commands[0] = command_entry("TIMEOUT", cmd_timeout, True)
commands[1] = command_entry("REG", cmd_reg, False)
commands[2] = command_entry("QUERY", cmd_query, True)
commands[3] = command_entry("NAME", cmd_name, True)
commands[4] = command_entry("EXIT", cmd_exit, False)
commands[5] = command_entry("KILL", cmd_kill, True)
commands[6] = command_entry("LAUNCH", cmd_launch, True)
commands[7] = command_entry("GETENV", cmd_getenv, True)
commands[8] = command_entry("SETENV", cmd_setenv, True)
commands[9] = command_entry("STARTTIME", cmd_starttime, False)
commands[10] = command_entry("ABORT", cmd_abort, False)
commands[11] = command_entry("MONITOR", cmd_monitor, False)
commands[12] = command_entry("STAT", cmd_stat, True)
commands[13] = command_entry("LOGON", cmd_logon, True)
commands[14] = command_entry("LOGOFF", cmd_logoff, True)
commands[15] = command_entry("SIGNAL", cmd_signal, True)
commands[16] = command_entry(NULL, NULL, False)


cdef void skynet_command(context *ctx, const char *cmd, const char *param, command_result *result) noexcept nogil:
    cdef command_entry *entry = commands
    result.text = NULL
    result.error = NULL
    while entry.name != NULL:
        if strcmp(entry.name, cmd) == 0:
            if entry.needs_param and param == NULL:
                snprintf(result.buffer, sizeof(result.buffer), "command %s needs a parameter", cmd)
                result.error = result.buffer
            else:
                entry.function(ctx, param, result)
            return
        entry += 1
