"""Services written in Python, with the vocabulary of skynet.lua: requests are coroutines, `call` suspends them.

    from host.service import Service, dispatch

    class Counter(Service):
        async def start(self, step="1"):
            self.step, self.count = int(step), 0
            self.register(".counter")

        async def cmd_add(self, n):
            self.count += n * self.step
            return self.count

    create, init, release, signal = Counter.hooks()

Put along `cpath` as `counter.py`, this is the module `counter`. The last line is what makes it one; a module may be
launched many times, each time with its own instance.

**Who runs what.** A message is handled on a worker thread, one message of a service at a time. Each request, timer and
fork runs in its own coroutine until it awaits something of this module; then the next message may be handled. There is
no asyncio loop here, so asyncio's awaitables do not work; `to_thread` is for what blocks. A service's methods are to be
used in its own coroutines only.

**Order within one message** is that of skynet.lua: coroutines that were woken run when the current one suspends, before
forks; forks run before the next message; `timeout(0)` and `sleep(0)` go through the message queue.

**Answers.** What a handler returns is the answer: None is no value at all, a tuple is several values, anything else one
value. A handler that answered with `ret`, took a `response` or called `ignoreret` has nothing more to answer, and what
it returns is dropped. A handler that raises answers with an error that carries the exception's text.
"""

from __future__ import annotations

import inspect
import operator
import traceback
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn, TypeVar

from host.errors import CallError
from host.protocol import (
    PTYPE_ERROR,
    PTYPE_RESPONSE,
    PTYPE_TEXT,
    PTYPE_TRACE,
    Protocol,
    result,
)
from host.protocol import protocols as predefined

if TYPE_CHECKING:
    from host.core.module import Context

__all__ = ["Hooks", "Response", "Service", "Task", "dispatch"]

Handler = TypeVar("Handler", bound=Callable[..., Any])

# Threads of `to_thread` in one service.
_MAX_THREADS = 4

_SUSPEND = object()
# In place of a task: swallow one late answer.
_BREAK: Any = object()


class _Exit(BaseException):
    """Unwinds the coroutine that called `exit`; not an Exception, so that a handler's `except` does not stop it."""


class Hooks(NamedTuple):
    """The four hooks that make a module out of a service class."""

    create: Callable[[], Any]
    init: Callable[[Any, Context, str | None], int | None]
    release: Callable[[Any], None]
    signal: Callable[[Any, int], None]


def dispatch(protocol: str) -> Callable[[Handler], Handler]:
    """Mark a method, async or plain, as the handler of a protocol: `def f(self, session, source, *values)`.

    Source: skynet.lua, skynet.dispatch.
    """

    def mark(handler: Handler) -> Handler:
        handler.__dict__.setdefault("_dispatched_protocols", []).append(protocol)
        return handler

    return mark


class Task:
    """One coroutine of a service: what `fork` and `timeout` return and `killthread` takes.

    Attributes:
        name: of the function it runs.
        session: of the request that is being served; None when there is none, or none any more; 0 for a `send`.
        source: who sent it; 0 when this is no request.
        protocol: what the answer is packed with.
    """

    __slots__ = ("_coroutine", "_session", "_started", "_token", "name", "protocol", "session", "source")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], name: str) -> None:
        self._coroutine = coroutine
        self.name = name
        self._started = False
        # What it waits for; both are the service's to keep.
        self._session: int | None = None
        self._token: Any = None
        self.session: int | None = None
        self.source = 0
        self.protocol = predefined["lua"]

    def __repr__(self) -> str:
        return f"<Task {self.name} at {id(self):#x}>"

    def traceback(self) -> str:
        """Return where the coroutine is suspended, innermost frame last."""
        lines = []
        inner: Any = self._coroutine
        while inner is not None:
            frame = getattr(inner, "cr_frame", None) or getattr(inner, "gi_frame", None)
            if frame is None:
                break
            lines.append(f'  File "{frame.f_code.co_filename}", line {frame.f_lineno}, in {frame.f_code.co_name}')
            inner = getattr(inner, "cr_await", None) or getattr(inner, "gi_yieldfrom", None)
        return "\n".join(lines)


class Response:
    """An answer that comes later: call it with the values, or call `error`. Only the first answer counts.

    One that is never used is answered with an error when the service exits.

    Source: skynet.lua, skynet.response.
    """

    __slots__ = ("_protocol", "_service", "_session", "_used", "source")

    def __init__(self, service: Service, session: int, source: int, protocol: Protocol) -> None:
        self._service = service
        self._session = session
        self._protocol = protocol
        self._used = False
        self.source = source

    @property
    def pending(self) -> bool:
        """Whether an answer is still expected: False after answering, and after the requester announced its death."""
        return self in self._service._responses

    def __call__(self, *values: Any) -> bool:
        """Answer with these values. False if there is nobody to answer; if packing raises, nothing was answered.

        Raises:
            RuntimeError: it was answered before.
        """
        self._check()
        payload = self._protocol.pack(*values)
        return self._take() and self._service._answer(self.source, self._session, payload)

    def error(self, text: str = "") -> bool:
        """Answer that the request failed; the caller gets the text. Otherwise as a call."""
        self._check()
        return self._take() and self._service._answer_error(self.source, self._session, text)

    def _check(self) -> None:
        if self._used:
            raise RuntimeError("Can't response more than once")

    def _take(self) -> bool:
        # A `send` wants no answer, and may be given any number.
        self._used = self._session != 0
        return self._service._responses.pop(self, False)


@types.coroutine
def _suspend() -> Generator[Any, Any, Any]:
    return (yield _SUSPEND)


async def _run(function: Callable[..., Any], args: Iterable[Any]) -> Any:
    """Call a plain or an async function."""
    returned = function(*args)
    return await returned if inspect.isawaitable(returned) else returned


def error_text(error: BaseException) -> str:
    """Return what an ERROR reply says of an exception. That of a failed call is passed on as it came."""
    if isinstance(error, CallError):
        return str(error)
    return "".join(traceback.format_exception_only(error)).strip()


def error_report(error: BaseException) -> str:
    """Return an exception with its traceback, for the log: from the service's own code on."""
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None and tb.tb_frame.f_code.co_filename == __file__:
        tb = tb.tb_next
    return "".join(traceback.format_exception(type(error), error, tb)).rstrip()


class Service:
    """Base class of services written in Python; one instance per service.

    What a subclass may define:

    - `async def start(self, *args)`: runs first; `args` are the words of the launch argument. Who launched it
      through the launcher gets its handle when this is done; if it raises, the launch fails and the service exits;
    - handlers, marked with `@dispatch("lua")`: `async def f(self, session, source, *values)`;
    - or, where nothing is marked for `lua` or `msgpack`, commands: `async def cmd_NAME(self, *values)` handles the
      requests whose first value is NAME;
    - `protocols`: `host.protocol.Protocol`s of its own, besides `text`, `lua`, `msgpack` and `debug`;
    - `release(self)`: the service is gone, on whatever thread; nothing can be sent any more;
    - `signal(self, n)`: the command SIGNAL, on the thread of whoever gave it, while a message may be being handled;
    - `info(self, *values)`: what the debug command INFO answers.

    All of them may be plain functions too; the last three must be. `__init__` is too early for a context: use `start`.

    Attributes:
        ctx: the context, for what is below this layer: `redirect`, raw payloads, text commands.
        handle: own handle.
    """

    protocols: ClassVar[tuple[Protocol, ...]] = ()
    # Message type -> protocol and the name of its handler's attribute.
    _dispatchers: ClassVar[dict[int, tuple[Protocol, str | None]]] = {}
    _protocols: ClassVar[dict[str, Protocol]] = predefined

    ctx: Context
    handle: int
    _exited: bool
    _executor: ThreadPoolExecutor | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._protocols = {**predefined, **{p.name: p for p in cls.protocols}}
        handlers = {"debug": "_debug"}
        if any(name.startswith("cmd_") for name in dir(cls)):
            handlers["lua"] = handlers["msgpack"] = "_command"
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                for protocol in getattr(value, "_dispatched_protocols", ()) if inspect.isfunction(value) else ():
                    if protocol not in cls._protocols:
                        raise ValueError(f"{cls.__qualname__}.{name} handles an unknown protocol: {protocol!r}")
                    handlers[protocol] = name
        cls._dispatchers = {p.id: (p, handlers.get(p.name)) for p in cls._protocols.values()}

    @classmethod
    def hooks(cls) -> Hooks:
        """Return the hooks of a module of this class: `create, init, release, signal = MyService.hooks()`."""
        return Hooks(cls, cls._hook_init, cls._hook_release, cls._hook_signal)

    # -- for subclasses to override

    def start(self, *args: str) -> Awaitable[None] | None:
        """Start the service. See the class."""

    def release(self) -> None:
        """Clean up. See the class."""

    def signal(self, n: int) -> None:
        """Take a signal. See the class."""

    def info(self, *values: Any) -> Any:
        """Answer the debug command INFO. See the class."""

    # -- messages

    def send(self, addr: int | str, protocol: str, *values: Any) -> bool:
        """Send values; False if there is no such address.

        Args:
            addr: handle, ":hex", ".name" or a global name.
        """
        p = self._protocols[protocol]
        return self.ctx.send(addr, p.id, 0, p.pack(*values)) is not None

    async def call(self, addr: int | str, protocol: str, *values: Any) -> Any:
        """Send a request and wait for its answer.

        Returns:
            None for an answer without values, the value if it is one, a tuple of several.

        Raises:
            CallError: there is no such address; the callee failed, with its text; the callee is or goes away.
        """
        p = self._protocols[protocol]
        return result(p.unpack(await self.rawcall(addr, protocol, p.pack(*values))))

    async def rawcall(self, addr: int | str, protocol: str, payload: bytes) -> bytes:
        """Do what `call` does with packed values."""
        task = self._running()
        session = self._newsession()
        # By handle, so that the callee's death is noticed: that message bears no name.
        destination = self._resolve(addr)
        if destination is None or self.ctx.send(destination, self._protocols[protocol].id, session, payload) is None:
            raise CallError(f"call to invalid address {self.address(addr)}")
        self._calls[session] = destination
        self._block(task, session)
        return await _suspend()  # type: ignore[no-any-return]

    def rawsend(self, addr: int | str, protocol: str, payload: bytes) -> bool:
        """Do what `send` does with packed values."""
        return self.ctx.send(addr, self._protocols[protocol].id, 0, payload) is not None

    def redirect(self, dest: int | str, source: int, protocol: str, session: int, payload: bytes) -> bool:
        """Send a message that appears to come from `source`; False if there is no such address."""
        return self.ctx.redirect(dest, source, self._protocols[protocol].id, session, payload) is not None

    def ret(self, *values: Any) -> bool:
        """Answer the request of this coroutine now. False if it was a `send`, or the requester is gone.

        Raises:
            RuntimeError: `No session`: not in a request, or it was answered already.
        """
        task = self._request()
        payload = task.protocol.pack(*values)
        session, task.session = task.session, None
        return self._answer(task.source, session, payload) if session else False

    def response(self) -> Response:
        """Take the answer of this coroutine's request over, to be given later, from any coroutine of this service.

        Raises:
            RuntimeError: `No session`, as for `ret`.
        """
        task = self._request()
        response = Response(self, task.session or 0, task.source, task.protocol)
        if task.session:
            self._responses[response] = True
        task.session = None
        return response

    def ignoreret(self) -> None:
        """Do not answer the request of this coroutine; the caller waits until somebody else does."""
        self._running().session = None

    def context(self) -> tuple[int | None, int]:
        """Return session and source of this coroutine's request; the session is None without one to answer."""
        task = self._running()
        return task.session, task.source

    # -- time and coroutines

    def now(self) -> int:
        """Return the time of the node in 1/100 s."""
        return self.ctx.now()  # type: ignore[no-any-return]

    def timeout(self, ti: int, function: Callable[..., Any], *args: Any) -> Task:
        """Run a function, plain or async, in a coroutine of its own after `ti` 1/100 s."""
        session = self._timer(ti)
        task = self._task(function, args)
        self._block(task, session)
        return task

    async def sleep(self, ti: int, token: Any = None) -> bool:
        """Wait for `ti` 1/100 s, or for `wakeup(token)`; whether it was woken up.

        Args:
            token: anything hashable that nobody waits on; by default the Task, as `running()` returns it.
        """
        task = self._running()
        self._check_token(task, token)
        self._block(task, self._timer(ti), token)
        return await _suspend() is _BREAK

    async def wait(self, token: Any = None) -> None:
        """Wait for `wakeup(token)`; the token as for `sleep`."""
        task = self._running()
        self._check_token(task, token)
        self._block(task, None, token)
        await _suspend()

    def wakeup(self, token: Any) -> bool:
        """Let who sleeps or waits on the token go on, when the current coroutine suspends; False if nobody does."""
        task = self._tokens.get(token)
        if task is None:
            return False
        self._unblock(task)
        self._wakeups.append(task)
        return True

    def fork(self, function: Callable[..., Any] | Coroutine[Any, Any, Any], *args: Any) -> Task:
        """Run a function, plain or async, or a coroutine, when the current one suspends, before the next message."""
        task = self._task(function, args)
        self._forks.append(task)
        return task

    async def gather(self, *coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run coroutines at once and return their results in order.

        Raises:
            Exception: what the first of them, in order, raised; all of them have ended by then.
        """
        results: list[Any] = [None] * len(coroutines)
        errors: list[Exception | None] = [None] * len(coroutines)
        left = len(coroutines)
        done = object()

        async def run(i: int, coroutine: Coroutine[Any, Any, Any]) -> None:
            nonlocal left
            try:
                results[i] = await coroutine
            except Exception as e:
                errors[i] = e
            finally:
                left -= 1
                if left == 0:
                    self.wakeup(done)

        for i, coroutine in enumerate(coroutines):
            self.fork(run(i, coroutine))
        if coroutines:
            await self.wait(done)
        for error in errors:
            if error is not None:
                raise error
        return results

    async def to_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a blocking function in a thread and wait for it, while the service handles other messages.

        The function must not use the service. At most four run at a time; exit does not wait for them.
        """
        task = self._running()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(_MAX_THREADS, f"service-{self.handle:08x}")
        session = self._newsession()
        self._block(task, session)
        future = self._executor.submit(function, *args)
        future.add_done_callback(lambda _: self._answer(self.handle, session, b""))
        await _suspend()
        return future.result()

    def running(self) -> Task:
        """Return the current coroutine."""
        return self._running()

    def killthread(self, task: Task) -> bool:
        """End a coroutine that is blocked or not started; its request gets an error. False if it is neither."""
        if task is self._current or task not in self._tasks:
            return False
        if task in self._forks:
            self._forks.remove(task)
        if task in self._wakeups:
            self._wakeups.remove(task)
        self._unblock(task)
        if task.session:
            self._answer_error(task.source, task.session, "killed")
        self._close(task)
        return True

    # -- services and names

    async def newservice(self, name: str, *args: str | float) -> int | None:
        """Launch a Lua service and return its handle when its start function is done; None if it exited in it.

        Raises:
            CallError: it could not be loaded, or its start function failed.
        """
        return await self.launch("snlua", name, *args)

    async def launch(self, module: str, *args: str | float) -> int | None:
        """Launch a module, such as another Python service, as `newservice` does a Lua service."""
        return await self.call(".launcher", "lua", "LAUNCH", module, *args)  # type: ignore[no-any-return]

    async def uniqueservice(self, name: str, *args: Any) -> int:
        """Return the handle of the Lua service that exists once in this node, launching it first if it does not exist.

        Raises:
            CallError: launching it failed, now or before.
        """
        return self._unique(await self.call(".service", "lua", "LAUNCH", name, *args))

    async def queryservice(self, name: str) -> int:
        """Return the handle of a unique service, waiting until it is launched. Raises what `uniqueservice` does."""
        return self._unique(await self.call(".service", "lua", "QUERY", name))

    def register(self, name: str) -> bool:
        """Bind a name to this service: ".name" in this node, without the dot in all. False if ".name" is taken."""
        if name.startswith("."):
            return self.ctx.command("REG", name) is not None
        return self.send(".cslave", "lua", "REGISTER", name, self.handle)

    def query(self, name: str) -> int | None:
        """Return the handle of a ".name", None if there is none."""
        text = self.ctx.command("QUERY", name)
        return None if text is None else int(text[1:], 16)

    def address(self, addr: int | str) -> str:
        """Return the text form of an address."""
        return f":{addr:08x}" if isinstance(addr, int) else addr

    def getenv(self, key: str) -> str | None:
        """Return a value of the node's configuration."""
        return self.ctx.command("GETENV", key)  # type: ignore[no-any-return]

    def setenv(self, key: str, value: str) -> None:
        """Add a value to the node's configuration.

        Raises:
            ValueError: `Can't setenv exist key : <key>`.
        """
        if self.getenv(key) is not None:
            raise ValueError(f"Can't setenv exist key : {key}")
        self.ctx.command("SETENV", f"{key} {value}")

    def kill(self, addr: int | str) -> None:
        """Kill a service: it gets no chance to clean up."""
        handle = self._resolve(addr)
        if isinstance(handle, int):
            self.send(".launcher", "lua", "REMOVE", handle, True)
            self.ctx.command("KILL", self.address(handle))

    def abort(self) -> None:
        """End the node."""
        self.ctx.command("ABORT")

    def error(self, *values: Any) -> None:
        """Write one line to the log: the values as text, with a blank between."""
        self.ctx.error(" ".join(map(str, values)))

    def exit(self) -> NoReturn:
        """End this service. Does not return: the coroutine ends here, its `finally` blocks run.

        Requests that are not answered get an error, coroutines are closed, callees learn that they need not answer.

        Source: skynet.lua, skynet.exit.
        """
        if not self._exited:
            self._exited = True
            self.send(".launcher", "lua", "REMOVE", self.handle, False)
            current = self._current
            if current is not None:
                self._fail_request(current)
            self._close_all()
            for destination in set(self._calls.values()):
                self.ctx.send(destination, PTYPE_ERROR, 0, None)
            self._calls.clear()
            self._sessions.clear()
            self.ctx.callback(self._callback_exited)
            self.ctx.retire()
        raise _Exit

    # -- hooks, called by the module loader

    def _hook_init(self, ctx: Context, args: str | None) -> int:
        self.ctx = ctx
        self.handle = ctx.handle
        self._exited = False
        self._last_session = 0
        self._executor = None
        self._current: Task | None = None
        self._tasks: dict[Task, None] = {}
        # Session -> who goes on with its answer, or _BREAK.
        self._sessions: dict[int, Task] = {}
        # Session of a call -> callee.
        self._calls: dict[int, int | str] = {}
        self._tokens: dict[Any, Task] = {}
        self._responses: dict[Response, bool] = {}
        self._wakeups: deque[Task] = deque()
        self._errors: deque[tuple[int, str]] = deque()
        self._forks: deque[Task] = deque()
        ctx.callback(self._callback)
        self.timeout(0, self._start, args.split() if args else [])
        return 0

    def _hook_release(self) -> None:
        if not hasattr(self, "_forks"):
            return
        if not self._exited:
            self._exited = True
            self._close_all()
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
        self.release()

    def _hook_signal(self, n: int) -> None:
        self.signal(n)

    async def _start(self, args: list[str]) -> None:
        try:
            await _run(self.start, args)
        except Exception as e:
            self.error("init service failed: " + error_report(e))
            self.ctx.send(".launcher", PTYPE_TEXT, 0, b"ERROR")
            self.exit()
        self.ctx.send(".launcher", PTYPE_TEXT, 0, None)

    # -- dispatch

    def _callback(self, type: int, session: int, source: int, payload: bytes) -> None:
        if type == PTYPE_RESPONSE:
            self._on_response(session, source, payload)
        elif type == PTYPE_ERROR:
            self._on_error(session, source, payload)
        elif type != PTYPE_TRACE:
            self._on_request(type, session, source, payload)
        while not self._exited:
            if self._wakeups:
                self._resume(self._wakeups.popleft(), _BREAK)
            elif self._errors:
                self._raise_in_call(*self._errors.popleft())
            elif self._forks:
                self._resume(self._forks.popleft())
            else:
                break

    def _callback_exited(self, type: int, session: int, source: int, payload: bytes) -> None:
        if session and source and type not in (PTYPE_RESPONSE, PTYPE_ERROR):
            self._answer_error(source, session, "")

    def _on_response(self, session: int, source: int, payload: bytes) -> None:
        task = self._sessions.pop(session, None)
        if task is None:
            self.error(f"Unknown session : {session} from {source:x}")
        elif task is not _BREAK:
            self._calls.pop(session, None)
            self._unblock(task)
            self._resume(task, payload)

    def _on_error(self, session: int, source: int, payload: bytes) -> None:
        text = payload.decode("utf-8", "replace") or "call failed"
        if session:
            if session in self._calls:
                self._errors.append((session, text))
            return
        self._errors.extend((s, text) for s, callee in self._calls.items() if callee == source)
        for response in [r for r in self._responses if r.source == source]:
            del self._responses[response]

    def _raise_in_call(self, session: int, text: str) -> None:
        # Answered, or failed before, by another message about the same call.
        if session not in self._calls:
            return
        task = self._sessions.pop(session)
        del self._calls[session]
        self._unblock(task)
        self._resume(task, error=CallError(text))

    def _on_request(self, type: int, session: int, source: int, payload: bytes) -> None:
        protocol, handler = self._dispatchers.get(type, (None, None))
        if protocol is None or handler is None:
            name = type if protocol is None else protocol.name
            if session:
                self._answer_error(source, session, f"no handler for protocol {name}")
            else:
                self.error(f"Unknown request ({name}): {payload!r}, from {source:x}")
            return
        try:
            values = protocol.unpack(payload)
        except Exception as e:
            self.error(f"cannot unpack a {protocol.name} message from {self.address(source)}: {error_text(e)}")
            if session:
                self._answer_error(source, session, error_text(e))
            return
        task = self._task(getattr(self, handler), (session, source, *values))
        task.session = session
        task.source = source
        task.protocol = protocol
        self._resume(task)

    def _resume(self, task: Task, value: Any = None, error: Exception | None = None) -> None:
        """Run a coroutine until it suspends or ends."""
        outer, self._current = self._current, task
        try:
            if error is not None:
                yielded = task._coroutine.throw(error)
            else:
                # A timer's coroutine is started by a response.
                yielded = task._coroutine.send(value if task._started else None)
            task._started = True
        except StopIteration as stop:
            self._finish(task, stop.value)
        except _Exit:
            self._tasks.pop(task, None)
        except BaseException as e:
            self._fail(task, e)
        else:
            if yielded is not _SUSPEND:
                self._resume(
                    task, error=RuntimeError(f"a service cannot await {yielded!r}: it is no part of host.service")
                )
            elif self._exited:
                # Its `finally` awaits something: nothing will come any more.
                self._close(task)
        finally:
            self._current = outer

    def _finish(self, task: Task, returned: Any) -> None:
        if task.session:
            values = () if returned is None else returned if isinstance(returned, tuple) else (returned,)
            try:
                payload = task.protocol.pack(*values)
            except Exception as e:
                self._fail(task, e)
                return
            self._answer(task.source, task.session, payload)
        self._tasks.pop(task, None)

    def _fail(self, task: Task, error: BaseException) -> None:
        self._tasks.pop(task, None)
        what = repr(task)
        if task.source:
            what = f"{task.protocol.name} message from {self.address(task.source)}, session {task.session or 0}"
        self.error(f"{what}: {error_report(error)}")
        if task.session:
            self._answer_error(task.source, task.session, error_text(error))

    def _command(self, session: int, source: int, cmd: Any = None, *values: Any) -> Any:
        handler = getattr(self, f"cmd_{cmd}", None) if isinstance(cmd, str) else None
        if handler is None:
            raise CallError(f"unknown command {cmd!r}")
        return handler(*values)

    def _debug(self, session: int, source: int, cmd: str, *values: Any) -> Any:
        """Answer the debug protocol, as far as it makes sense for Python."""
        if cmd == "PING":
            return None
        if cmd == "MEM":
            return 0.0
        if cmd == "STAT":
            command = self.ctx.command
            return {
                "task": sum(1 for t in self._sessions.values() if t is not _BREAK),
                "mqlen": int(command("STAT", "mqlen")),
                "cpu": float(command("STAT", "cpu")),
                "message": int(command("STAT", "message")),
            }
        if cmd == "TASK":
            return {f"{t!r} session: {t._session}": t.traceback() for t in self._tasks if t is not self._current}
        if cmd == "INFO":
            return self.info(*values)
        if cmd == "SUPPORT":
            return values[0] in self._protocols and self._dispatchers[self._protocols[values[0]].id][1] is not None
        if cmd == "EXIT":
            self.exit()
        if cmd == "TERM":
            self._on_error(0, values[0], b"")
        elif cmd == "LINK":
            self.response()
        elif cmd != "GC":
            raise CallError(f"unknown debug command {cmd}")
        self.ignoreret()
        return None

    # -- tasks and sessions

    def _running(self) -> Task:
        if self._current is None:
            raise RuntimeError("this may only be used in a coroutine of the service")
        return self._current

    def _request(self) -> Task:
        task = self._running()
        if task.session is None:
            raise RuntimeError("No session")
        return task

    def _task(self, function: Callable[..., Any] | Coroutine[Any, Any, Any], args: Iterable[Any]) -> Task:
        name = getattr(function, "__qualname__", None) or repr(function)
        task = Task(_run(function, args) if callable(function) else function, name)
        self._tasks[task] = None
        return task

    def _check_token(self, task: Task, token: Any) -> None:
        if (task if token is None else token) in self._tokens:
            raise RuntimeError("token duplicative")

    def _block(self, task: Task, session: int | None, *token: Any) -> None:
        """Note what lets the task go on."""
        if session is not None:
            self._sessions[session] = task
            task._session = session
        if token:
            task._token = task if token[0] is None else token[0]
            self._tokens[task._token] = task

    def _unblock(self, task: Task) -> None:
        """Forget what the task waited for; an answer that is still to come will be swallowed."""
        if task._session is not None:
            if self._sessions.get(task._session) is task:
                self._sessions[task._session] = _BREAK
                self._calls.pop(task._session, None)
            task._session = None
        if task._token is not None:
            del self._tokens[task._token]
            task._token = None

    def _newsession(self) -> int:
        # Numbers come round again in a service that lives for years.
        session: int = self.ctx.newsession()
        while session in self._sessions:
            session = self.ctx.newsession()
        self._last_session = session
        return session

    def _timer(self, ti: int) -> int:
        # The core numbers a timer itself, so a number in use must be skipped beforehand.
        while self._last_session % 0x7FFFFFFF + 1 in self._sessions:
            self._last_session = self.ctx.newsession()
        self._last_session = self.ctx.timeout(operator.index(ti))
        return self._last_session

    def _resolve(self, addr: int | str) -> int | str | None:
        """Return the handle of an address of this node; a global name stays a name; None for an unknown ".name"."""
        if isinstance(addr, str):
            if addr.startswith(":"):
                return int(addr[1:], 16)
            if addr.startswith("."):
                return self.query(addr)
        return addr

    def _unique(self, answer: Any) -> int:
        if isinstance(answer, int):
            return answer
        raise CallError(str(answer[1]) if isinstance(answer, tuple) else "the service exited in its start function")

    def _answer(self, source: int, session: int, payload: bytes) -> bool:
        return self.ctx.send(source, PTYPE_RESPONSE, session, payload) is not None

    def _answer_error(self, source: int, session: int, text: str) -> bool:
        return self.ctx.send(source, PTYPE_ERROR, session, text.encode("utf-8", "replace")) is not None

    def _fail_request(self, task: Task) -> None:
        session, task.session = task.session, None
        if session:
            self._answer_error(task.source, session, "")

    def _close(self, task: Task) -> None:
        """End a suspended coroutine; its `finally` blocks run."""
        self._tasks.pop(task, None)
        outer, self._current = self._current, task
        try:
            task._coroutine.close()
        except _Exit:
            pass
        except BaseException as e:
            self.error(f"{task!r}: {error_report(e)}")
        finally:
            self._current = outer

    def _close_all(self) -> None:
        """End everything but the current coroutine; who waits for an answer gets an error."""
        self._wakeups.clear()
        self._errors.clear()
        self._forks.clear()
        self._tokens.clear()
        for task in list(self._tasks):
            self._fail_request(task)
        for response in list(self._responses):
            response.error()
        for task in list(self._tasks):
            if task is not self._current:
                task._token = task._session = None
                self._close(task)
