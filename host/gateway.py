"""The way into a node for threads that are not its own: `call` and `send` of the embedding API.

A gateway is a service of the node, so that there is a handle for answers to come back to. It has no thread: a
request is sent by the thread that makes it, the answer is put into a `Future` by the worker that dispatches it, and
unpacked by the thread that waits. A table of sessions, under a lock, joins the two.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Any

from host.errors import CallError, NodeError
from host.protocol import PTYPE_ERROR, PTYPE_RESPONSE, Protocol, protocols, result

if TYPE_CHECKING:
    from host.core.module import Context

__all__ = ["Gateway"]


class Gateway:
    """Calls and sends from any thread, and from asyncio.

    Must not be used by a worker of the same node to wait: a worker that waits for a service does not run it. Services
    written in Python have `host.service`.

    Args:
        ctx: context of the gateway's own service, whose callback this becomes.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._lock = threading.Lock()
        # Session -> who waits, and the callee's address. Who takes an entry out settles the future.
        self._pending: dict[int, tuple[Future[bytes], int | str]] = {}
        self._closed: str | None = None
        self.handle: int = ctx.handle
        ctx.callback(self._callback)

    def call(self, addr: int | str, *values: Any, timeout: float | None = None, protocol: str = "lua") -> Any:
        """Send a request and wait for its answer. Any thread but the node's own.

        Args:
            addr: handle, ":hex", ".name" or a global name.
            timeout: seconds; None waits as long as it takes.
            protocol: `lua`, `msgpack` or `text`.

        Returns:
            None for an answer without values, the value if it is one, a tuple of several.

        Raises:
            CallError: there is no such address; the callee failed, with its text; the callee went away.
            TimeoutError: no answer in time; one that comes later is dropped.
            NodeError: the node is not running, or stopped meanwhile.
            TypeError, ValueError, OverflowError: a value cannot be packed.
        """
        p = protocols[protocol]
        session, future = self._request(addr, p, values)
        try:
            payload = future.result(timeout)
        except FutureTimeoutError:
            raise TimeoutError(f"no answer from {_address(addr)} in {timeout} s") from None
        finally:
            self._forget(session)
        return result(p.unpack(payload))

    async def acall(self, addr: int | str, *values: Any, timeout: float | None = None, protocol: str = "lua") -> Any:
        """Do what `call` does in a coroutine of asyncio. A cancelled call's answer is dropped."""
        p = protocols[protocol]
        session, future = self._request(addr, p, values)
        try:
            payload = await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no answer from {_address(addr)} in {timeout} s") from None
        finally:
            self._forget(session)
        return result(p.unpack(payload))

    def send(self, addr: int | str, *values: Any, protocol: str = "lua") -> bool:
        """Send values; False if there is no such address. Any thread, does not block.

        Raises:
            NodeError: the node is not running.
            TypeError, ValueError, OverflowError: a value cannot be packed.
        """
        p = protocols[protocol]
        payload = p.pack(*values)
        with self._lock:
            self._check_open()
            return self._ctx.send(addr, p.id, 0, payload) is not None

    def newservice(self, name: str, *args: str | float, timeout: float | None = None) -> int | None:
        """Launch a Lua service; its handle when its start function is done, None if it exited in it.

        Raises:
            CallError: it could not be loaded, or its start function failed.
        """
        return self.launch("snlua", name, *args, timeout=timeout)

    def launch(self, module: str, *args: str | float, timeout: float | None = None) -> int | None:
        """Launch a module that confirms to the launcher, as `snlua` and every `host.service.Service` do."""
        return self.call(".launcher", "LAUNCH", module, *args, timeout=timeout)  # type: ignore[no-any-return]

    def query(self, name: str) -> int | None:
        """Return the handle of a ".name", None if there is none."""
        with self._lock:
            self._check_open()
            text = self._ctx.command("QUERY", name)
        return None if text is None else int(text[1:], 16)

    def kill(self, addr: int | str) -> None:
        """Kill a service, as skynet.kill: it gets no chance to clean up."""
        with self._lock:
            self._check_open()
            handle = self._resolve(addr)
            if isinstance(handle, int) and handle != 0:
                removed = protocols["lua"].pack("REMOVE", handle, True)
                self._ctx.send(".launcher", protocols["lua"].id, 0, removed)
                self._ctx.command("KILL", f":{handle:x}")

    def close(self, reason: str = "the node has stopped") -> None:
        """Fail with NodeError what waits and what is asked from now on. Any thread, any number of times."""
        with self._lock:
            if self._closed is None:
                self._closed = reason
            pending = list(self._pending.values())
            self._pending.clear()
        for future, _ in pending:
            _settle(future, error=NodeError(reason))

    def _request(self, addr: int | str, protocol: Protocol, values: tuple[Any, ...]) -> tuple[int, Future[bytes]]:
        payload = protocol.pack(*values)
        future: Future[bytes] = Future()
        with self._lock:
            self._check_open()
            destination = self._resolve(addr)
            session: int = self._ctx.newsession()
            while session in self._pending:
                session = self._ctx.newsession()
            # Before sending: a worker may have the answer before send returns.
            self._pending[session] = (future, destination)
            sent = False
            try:
                sent = destination != 0 and self._ctx.send(destination, protocol.id, session, payload) is not None
            finally:
                if not sent:
                    del self._pending[session]
        if not sent:
            raise CallError(f"call to invalid address {_address(addr)}")
        return session, future

    def _forget(self, session: int) -> None:
        with self._lock:
            self._pending.pop(session, None)

    def _check_open(self) -> None:
        if self._closed is not None:
            raise NodeError(self._closed)

    def _resolve(self, addr: int | str) -> int | str:
        """Return the handle of an address of this node, 0 for an unknown ".name"; a global name stays a name."""
        if isinstance(addr, str):
            # Calls are kept by handle, because the message that tells of a callee's death bears no name.
            if addr.startswith("."):
                text = self._ctx.command("QUERY", addr)
                return 0 if text is None else int(text[1:], 16)
            if addr.startswith(":"):
                return int(addr[1:], 16)
        return addr

    def _callback(self, type: int, session: int, source: int, payload: bytes) -> None:
        if type == PTYPE_RESPONSE:
            self._finish(session, payload, None)
        elif type == PTYPE_ERROR:
            error = CallError(payload.decode("utf-8", "replace") or "call failed")
            if session:
                self._finish(session, b"", error)
            else:
                with self._lock:
                    sessions = [s for s, (_, callee) in self._pending.items() if callee == source]
                for s in sessions:
                    self._finish(s, b"", error)
        elif session:
            self._ctx.send(source, PTYPE_ERROR, session, b"the gateway serves no requests")

    def _finish(self, session: int, payload: bytes, error: Exception | None) -> None:
        with self._lock:
            pending = self._pending.pop(session, None)
        # None: it was timed out or cancelled.
        if pending is not None:
            _settle(pending[0], payload, error)


def _settle(future: Future[bytes], payload: bytes = b"", error: Exception | None = None) -> None:
    if future.set_running_or_notify_cancel():
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(payload)


def _address(addr: int | str) -> str:
    return f":{addr:08x}" if isinstance(addr, int) else addr
