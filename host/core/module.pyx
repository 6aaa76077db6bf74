# cython: language_level=3, cdivision=True
import sys
import traceback

from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int32_t, uint32_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from host.core.command cimport command_result, command_timeout, commands_init, skynet_command
from host.core.context cimport (
    context, context_error, context_failed, context_new, context_newsession, context_retire, context_send,
    context_sendname, context_started, harbor_start, remote_message,
)
from host.core.timer cimport timer_now, timer_starttime

from host.errors import ModuleError

loader = None
"""The node's host.module.ModuleLoader; set by host.core.node.init."""


cdef class Context:
    """A service's own context, handed to its module's init.

    All methods may be called from any Python thread until the release hook has returned; after that they raise
    RuntimeError. None of them blocks.

    Source: skynet.h (skynet_send, skynet_sendname, skynet_command, skynet_callback, skynet_error).
    """

    cdef context *live(self) except NULL:
        if self.ctx == NULL:
            raise RuntimeError("the service of this context has been released")
        return self.ctx

    @property
    def handle(self) -> int:
        """The service's handle."""
        return self.live().handle

    def callback(self, function) -> None:
        """Install the message callback: function(type: int, session: int, source: int, payload: bytes).

        It runs on a worker thread with the GIL held, one message at a time. What it raises is logged with the service's
        handle. None removes the callback; messages are then discarded without an answer.
        """
        cdef context *ctx = self.live()
        self._callback = function
        ctx.ud = <void *>self
        if function is None:
            ctx.callback = NULL
        else:
            ctx.callback = python_callback

    def send(self, destination, int type, session, payload=None):
        """Send a message and return its session; None when there is no such destination.

        Args:
            destination: handle, or ":hex", ".name", or a global name.
            type: PTYPE_* number, 0..255.
            session: int, or None to allocate one.
            payload: bytes-like or None.

        Raises:
            ValueError: destination is 0.
        """
        return self.redirect(destination, 0, type, session, payload)

    def redirect(self, destination, uint32_t source, int type, session, payload=None):
        """Send a message that appears to come from `source` (0: this service); otherwise as send()."""
        cdef context *ctx = self.live()
        cdef const unsigned char[::1] view
        cdef void *data = NULL
        cdef size_t sz = 0
        cdef int32_t result
        cdef int32_t number
        if destination == 0:
            raise ValueError("destination address can't be 0")
        number = context_newsession(ctx) if session is None else session
        if payload:
            view = payload
            data = <void *>&view[0]
            sz = view.shape[0]
        if isinstance(destination, str):
            address = destination.encode("utf-8", "surrogateescape")
            result = context_sendname(ctx, source, address, type & 0xff, number, data, sz)
        else:
            result = context_send(ctx, source, destination, type & 0xff, number, data, sz)
        return result if result >= 0 or result == number else None

    def newsession(self) -> int:
        """Allocate a session: 1 .. 0x7fffffff."""
        return context_newsession(self.live())

    def timeout(self, int ti) -> int:
        """Ask for a RESPONSE message (source 0) after ti 1/100 s and return its session."""
        return command_timeout(self.live(), ti)

    def command(self, str cmd, param=None):
        """Run a text command of skynet_command and return its result, None when it gives none.

        Raises:
            ValueError: the command needs a parameter and got none, or SETENV of a key that exists.
        """
        cdef context *ctx = self.live()
        cdef command_result result
        name = cmd.encode()
        if param is None:
            skynet_command(ctx, name, NULL, &result)
        else:
            text = param.encode("utf-8", "surrogateescape") if isinstance(param, str) else bytes(param)
            skynet_command(ctx, name, text, &result)
        if result.error != NULL:
            raise ValueError(result.error.decode("utf-8", "replace"))
        return None if result.text == NULL else result.text.decode("utf-8", "surrogateescape")

    def error(self, text) -> None:
        """Write one line to the node's log, with this service as its source."""
        line = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)
        context_error(self.live(), line, len(line))

    def now(self) -> int:
        """Time of the node in 1/100 s, as skynet.now()."""
        return timer_now()

    def starttime(self) -> int:
        """UTC seconds when the node was started, as skynet.starttime()."""
        return timer_starttime()

    def retire(self) -> None:
        """Leave the node: the command EXIT."""
        self.command("EXIT")

    def harbor_start(self) -> None:
        """Become the service that messages for other nodes are handed to. Source: skynet_harbor_start."""
        harbor_start(self.live())


cdef int python_callback(
        context *ctx, void *ud, int type, int32_t session, uint32_t source, void *data, size_t sz) noexcept with gil:
    cdef Context wrapper = <Context>ud
    payload = (<const char *>data)[:sz] if data != NULL else b""
    try:
        wrapper._callback(type, session, source, payload)
    except BaseException:
        log_exception(ctx, f"callback of type {type}, session {session}, from :{source:08x} raised")
    return 0


cdef void log_exception(context *ctx, str what):
    line = (what + "\n" + traceback.format_exc().rstrip()).encode("utf-8", "backslashreplace")
    context_error(ctx, line, len(line))


cdef void python_release(context *ctx, void *instance) noexcept with gil:
    cdef Context wrapper = <Context>instance
    try:
        if wrapper.module is not None and wrapper.module.release is not None:
            wrapper.module.release(wrapper.instance)
        if wrapper.on_release is not None:
            wrapper.on_release()
    except BaseException:
        log_exception(ctx, "release raised")
    wrapper.ctx = NULL
    wrapper._callback = None
    wrapper.instance = None
    Py_DECREF(wrapper)


cdef void python_signal(context *ctx, void *instance, int signal) noexcept with gil:
    cdef Context wrapper = <Context>instance
    try:
        if wrapper.module is not None and wrapper.module.signal is not None:
            wrapper.module.signal(wrapper.instance, signal)
    except BaseException:
        log_exception(ctx, f"signal {signal} raised")


cdef uint32_t launch_command(const char *name, const char *args) noexcept with gil:
    try:
        return launch(name.decode("utf-8", "surrogateescape"),
                      None if args == NULL else args.decode("utf-8", "surrogateescape"))
    except ModuleError as e:
        print(e, file=sys.stderr, flush=True)
    except BaseException:
        log_exception(NULL, f"launch {name!r} raised")
    return 0


cdef Context new_context(module, instance, on_release):
    """A context that calls the hooks of a module; its creator has to start it or to fail it."""
    cdef context *ctx = context_new()
    cdef Context wrapper = Context()
    wrapper.ctx = ctx
    wrapper.module = module
    wrapper.instance = instance
    wrapper.on_release = on_release
    Py_INCREF(wrapper)
    ctx.instance = <void *>wrapper
    ctx.release = python_release
    ctx.signal = python_signal
    return wrapper


def create_context(on_release=None) -> Context:
    """Create a service of no module, for the embedding program's own use; it is not in the log.

    Args:
        on_release: called without arguments when the service is gone, on the thread that destroys it.
    """
    cdef Context wrapper = new_context(None, None, on_release)
    context_started(wrapper.ctx)
    return wrapper


def launch(str name, args: str | None = None, on_release=None) -> int:
    """Create a service from a module and return its handle; 0 when the module refused (its reason is in the log).

    Args:
        name: module name, as in the command LAUNCH.
        args: passed to the module's init as it is.
        on_release: called without arguments when the service is gone, on the thread that destroys it.

    Raises:
        host.errors.ModuleError: there is no such module, or it is none.
    """
    cdef Context wrapper
    cdef context *ctx
    cdef uint32_t handle
    module = loader.query(name)
    instance = module.create() if module.create is not None else object()
    if instance is None:
        return 0
    wrapper = new_context(module, instance, on_release)
    ctx = wrapper.ctx
    handle = ctx.handle
    try:
        failed = module.init(instance, wrapper, args)
    except BaseException:
        log_exception(ctx, f"init of {name} raised")
        failed = True
    if failed:
        wrapper.error(f"error: launch {name} FAILED")
        context_failed(ctx)
        return 0
    wrapper.error(f"LAUNCH {name} {args or ''}")
    context_started(ctx)
    return handle


def init(module_loader) -> None:
    """Make LAUNCH use this loader."""
    global loader
    loader = module_loader
    commands_init(launch_command)


def read_remote_message(payload: bytes):
    """Decode what a harbor service gets as PTYPE_SYSTEM: (name, handle, type, data). To be called exactly once per
    message, because it frees the data."""
    cdef remote_message remote
    if len(payload) != sizeof(remote_message):
        raise ValueError("not a remote message")
    memcpy(&remote, <const char *>payload, sizeof(remote_message))
    name = remote.name[:16].split(b"\0", 1)[0]
    data = (<const char *>remote.data)[:remote.sz] if remote.data != NULL else b""
    free(remote.data)
    return name, remote.handle, remote.type, data
