# cython: language_level=3
"""Start and stop of the core, in the order that matters; host.node drives it."""

from libc.errno cimport errno
from libc.stdint cimport int32_t, uint32_t

from host.core.arena cimport heap_touch
from host.core.context cimport (
    context_error, context_push, context_retireall, context_total, context_turn, contexts_free, contexts_init,
    contexts_on_abort, contexts_on_end,
)
from host.core.env cimport env_free, env_get, env_init, env_set
from host.core.handle cimport handle_findname, handle_namehandle
from host.core.message cimport PTYPE_RESPONSE, PTYPE_SYSTEM, message_pack_size, skynet_message
from host.core.monitor cimport monitor_check, monitor_free, monitor_init, monitor_quit, monitor_run
from host.core.socket cimport socket_free, socket_init, socket_stop, socket_thread_run
from host.core.socket_poll cimport socket_poll, socket_wakeup
from host.core.timer cimport timer_free, timer_init, timer_now, timer_pending, timer_quit, timer_run, timer_starttime
from host.core.worker cimport worker_run, workers_count, workers_free, workers_init, workers_quit, workers_set_poll

from host.core import module

cdef enum:
    KEEP = 4 * 1024 * 1024      # bytes; a heap keeps up to twice as many unused


cdef void post_timeout(uint32_t handle, int32_t session) noexcept nogil:
    cdef skynet_message m
    m.source = 0
    m.session = session
    m.data = NULL
    m.sz = message_pack_size(0, PTYPE_RESPONSE)
    context_push(handle, &m)


cdef int post_socket(uint32_t handle, void *data, size_t sz) noexcept nogil:
    cdef skynet_message m
    m.source = 0
    m.session = 0
    m.data = data
    m.sz = sz
    return context_push(handle, &m)


cdef void log_socket(const char *text, size_t sz) noexcept nogil:
    context_error(NULL, text, sz)


cdef void stop_threads() noexcept nogil:
    workers_quit()
    socket_stop()
    timer_quit()
    monitor_quit()


cdef object abort_callback = None


cdef void aborted() noexcept with gil:
    if abort_callback is not None:
        abort_callback()


def init(env: dict[str, str], int thread, int harbor, bint profile, loader, on_abort=None) -> None:
    """Make an empty node: no service, no thread.

    Args:
        env: what getenv reads.
        thread: workers, 1..1024.
        harbor: node id; its low 8 bits are the high byte of handles.
        profile: count the time spent in messages.
        loader: host.module.ModuleLoader.
        on_abort: called without arguments when the node is aborted, by whatever thread does it; must not raise.
    """
    global abort_callback
    abort_callback = on_abort
    # Messages of some 100 KB are made and freed all the time. The allocator would give their pages back at once; it adapts
    # its thresholds to the largest block that it has mapped and seen freed.
    heap_touch(KEEP)
    env_init()
    for key, value in env.items():
        set_env(key, value)
    if workers_init(thread, context_turn) != 0:
        raise MemoryError
    contexts_init(harbor, profile)
    contexts_on_end(stop_threads)
    contexts_on_abort(aborted)
    timer_init(post_timeout)
    monitor_init()
    if socket_init(post_socket, log_socket) != 0:
        raise OSError(errno, "the socket server cannot be started")
    workers_set_poll(socket_poll, socket_wakeup)
    module.init(loader)


def set_env(str key, str value) -> None:
    """Add a key to the environment store; ValueError when it exists."""
    k = key.encode("utf-8", "surrogateescape")
    v = value.encode("utf-8", "surrogateescape")
    if env_set(k, len(k), v) != 0:
        raise ValueError(f"Can't setenv exist key : {key}")


def get_env(str key):
    """Read the environment store; None when the key is not set."""
    k = key.encode("utf-8", "surrogateescape")
    cdef const char *value = env_get(k)
    return None if value == NULL else value.decode("utf-8", "surrogateescape")


def worker_main(int id) -> None:
    """The body of worker thread `id`."""
    with nogil:
        worker_run(id)


def timer_main() -> None:
    """The body of the timer thread."""
    with nogil:
        timer_run()


def socket_main() -> None:
    """The body of the socket thread."""
    with nogil:
        socket_thread_run()


def monitor_main() -> None:
    """The body of the monitor thread."""
    with nogil:
        monitor_run()


def check_endless() -> None:
    """Do what the monitor does every 5 s now."""
    with nogil:
        monitor_check()


def abort() -> None:
    """Retire every service: the command ABORT. The threads end when the last one is gone."""
    with nogil:
        context_retireall()


def quit() -> None:
    """End the threads although services are left."""
    with nogil:
        stop_threads()


def free() -> None:
    """Release what init made; every thread has ended."""
    contexts_free()
    socket_free()
    monitor_free()
    timer_free()
    workers_free()
    env_free()


def name_handle(str name, uint32_t handle) -> bool:
    """Bind a local name, given without its dot; False when it is taken."""
    return handle_namehandle(handle, name.encode()) == 0


def find_name(str name) -> int:
    """Return the handle of a local name, given without its dot; 0 when there is none."""
    return handle_findname(name.encode())


def hup() -> bool:
    """Tell the service named "logger" to reopen its file; False when there is none."""
    cdef skynet_message m
    m.source = 0
    m.session = 0
    m.data = NULL
    m.sz = message_pack_size(0, PTYPE_SYSTEM)
    return context_push(handle_findname("logger"), &m) == 0


def log(str text) -> None:
    """Write one line with source 0."""
    line = text.encode("utf-8", "surrogateescape")
    context_error(NULL, line, len(line))


def statistics() -> dict[str, int]:
    """Return the node's counters: services, workers, pending timers, now (1/100 s), starttime (s)."""
    return {
        "services": context_total(),
        "workers": workers_count(),
        "timers": timer_pending(),
        "now": timer_now(),
        "starttime": timer_starttime(),
    }
