"""Start and stop of a node inside a Python process."""

from __future__ import annotations

import atexit
import importlib
import pkgutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any

from host import _lua
from host.config import Config
from host.errors import LaunchError, ModuleError, NodeError
from host.module import ModuleLoader

if TYPE_CHECKING:
    from host.gateway import Gateway

__all__ = ["Node", "NodeStatistics"]

# What stop() and abort() leave a service to finish its message before it is interrupted, seconds.
_GRACE = 0.3

_running: Node | None = None
_running_lock = threading.Lock()


@dataclass(frozen=True)
class NodeStatistics:
    """A look at a running node.

    Attributes:
        services: live contexts, the logger included and the harbor not.
        workers: worker threads.
        timers: timers that have not fired.
        now: time of the node in 1/100 s.
        starttime: UTC seconds when it was started.
    """

    services: int
    workers: int
    timers: int
    now: int
    starttime: int


class Node:
    """A node: services, their workers, and the way to them from Python.

    One node per process can run at a time; after stop() another may be started. All methods may be called from any
    thread that is not a worker of the node.

        with Node("examples/config") as node:
            node.call(".hello", "ping")

    Args:
        config: a host.config.Config, the path of a config file, or a mapping of its keys.
        overrides: keys that replace those of the config.

    Raises:
        ConfigError: the config is wrong.
    """

    def __init__(
        self, config: Config | Mapping[str, Any] | str | PathLike[str] | None = None, **overrides: Any
    ) -> None:
        if isinstance(config, Config):
            self.config = config
        elif config is None or isinstance(config, Mapping):
            self.config = Config.from_mapping({**(config or {}), **overrides})
        else:
            self.config = Config.load(config, {k: _text(v) for k, v in overrides.items()})
        self._threads: list[threading.Thread] = []
        self._booted = threading.Event()
        self._stopped = threading.Event()
        self._bootstrap = 0
        self._gateway: Gateway | None = None
        self._lock = threading.Lock()
        self._reaper: threading.Thread | None = None

    # life

    def start(self) -> None:
        """Boot the node and return when the start service's start function is done.

        Raises:
            NodeError: a node is running in this process already, or its Lua is of another version.
            ModuleError: the log service's or the bootstrap's module is missing.
            LaunchError: the log service, the bootstrap or the start service failed; the node is stopped again.
        """
        global _running
        with _running_lock:
            if _running is not None:
                raise NodeError("a node is running in this process: stop it first, or start another process")
            _running = self
        try:
            self._boot()
        except BaseException:
            with _running_lock:
                _running = None
            raise
        atexit.register(self.stop)
        self._booted.wait()
        self._check_start()

    def _boot(self) -> None:
        lua = _lua.load(self.config.lua)
        from host.core import module, node
        from host.luaclib import snlua

        config = self.config
        snlua.last_failure()
        snlua.setup(lua, _openers())
        loader = ModuleLoader(config.cpath)
        node.init(config.env, config.thread, config.harbor, config.profile, loader, self._aborted)
        try:
            try:
                logger = module.launch(config.logservice, config.logger)
            except ModuleError as e:
                raise LaunchError(f"Can't launch {config.logservice} service : {e}") from None
            if not logger:
                raise LaunchError(f"Can't launch {config.logservice} service")
            node.name_handle("logger", logger)
            name, _, args = config.bootstrap.partition(" ")
            try:
                self._bootstrap = module.launch(name, args.lstrip(" "), self._booted.set)
            except ModuleError as e:
                raise LaunchError(f"Bootstrap error : {config.bootstrap} : {e}") from None
            if not self._bootstrap:
                raise LaunchError(f"Bootstrap error : {config.bootstrap}")
        except BaseException:
            self._run_threads()
            node.abort()
            if node.statistics()["services"] == 0:
                node.quit()
            self._join()
            raise
        self._run_threads()

    def _run_threads(self) -> None:
        from host.core import node

        bodies: list[tuple[str, Any, tuple[Any, ...]]] = [
            (f"snhost-worker-{i}", node.worker_main, (i,)) for i in range(self.config.thread)
        ]
        bodies += [("snhost-timer", node.timer_main, ()), ("snhost-monitor", node.monitor_main, ())]
        bodies.append(("snhost-socket", node.socket_main, ()))
        self._threads = [threading.Thread(name=n, target=f, args=a, daemon=True) for n, f, a in bodies]
        for thread in self._threads:
            thread.start()

    def _check_start(self) -> None:
        from host.core import node
        from host.luaclib import snlua

        handle, reason = snlua.last_failure() or (0, "it has failed in its start function")
        if handle == self._bootstrap:
            what = self.config.bootstrap
        elif node.get_env("start_failed") is not None:
            what = self.config.env.get("start", "main")
        else:
            return
        self.stop()
        raise LaunchError(f"Can't start service {what}: {reason}")

    def abort(self) -> None:
        """Retire every service, as skynet.abort(). Returns at once; safe in a signal handler of Python."""
        if self._stopped.is_set() or not self._threads:
            return
        from host.core import node

        node.abort()

    def _aborted(self) -> None:
        """Somebody ends the node: a service, abort() or stop()."""
        self._booted.set()
        with self._lock:
            if self._reaper is None:
                reaper = threading.Thread(name="snhost-reaper", target=self._reap, daemon=True)
                reaper.start()
                self._reaper = reaper

    def _reap(self) -> None:
        """Break what keeps a worker from seeing that the node has ended."""
        from host.luaclib import snlua

        if self._stopped.wait(_GRACE):
            return
        while not self._stopped.wait(0.01) and any(t.is_alive() for t in self._threads):
            snlua.interrupt_all()

    def wait(self) -> int:
        """Wait until the last service is gone, clean up, and return the exit code 0. Signal handlers run meanwhile."""
        self._join()
        return 0

    def stop(self, timeout: float = 10.0) -> None:
        """End the node: abort, wait for the threads, release everything. Does nothing on a stopped node.

        Raises:
            NodeError: a worker did not come back in `timeout` seconds; services in a blocking C or Python call cannot
                be interrupted.
        """
        if not self._threads or self._stopped.is_set():
            return
        self.abort()
        self._join(timeout)

    def _join(self, timeout: float | None = None) -> None:
        global _running
        for thread in self._threads:
            thread.join(timeout)
            if thread.is_alive():
                raise NodeError(f"{thread.name} is still busy after {timeout} s")
        with _running_lock:
            if self._stopped.is_set():
                return
            self._stopped.set()
        self._booted.set()
        if self._gateway is not None:
            self._gateway.close()
        if self._reaper is not None:
            self._reaper.join()
        from host.core import node

        node.free()
        atexit.unregister(self.stop)
        with _running_lock:
            _running = None

    def __enter__(self) -> Node:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # services

    def launch(self, module: str, args: str | None = None) -> int:
        """Launch a native service, as skynet.launch does, and return its handle.

        Raises:
            ModuleError: there is no such module.
            LaunchError: its init failed; the reason is in the log.
        """
        self._check_running()
        from host.core import module as core_module

        handle: int = core_module.launch(module, args)
        if not handle:
            raise LaunchError(f"launch {module} FAILED")
        return handle

    def newservice(self, name: str, *args: str | float, timeout: float | None = None) -> int | None:
        """Launch a Lua service and return its handle when its start function is done; see Gateway.newservice."""
        return self._way_in().newservice(name, *args, timeout=timeout)

    def call(self, addr: int | str, *values: Any, timeout: float | None = None, protocol: str = "lua") -> Any:
        """Send a request to a service and wait for its answer; see Gateway.call."""
        return self._way_in().call(addr, *values, timeout=timeout, protocol=protocol)

    async def acall(self, addr: int | str, *values: Any, timeout: float | None = None, protocol: str = "lua") -> Any:
        """Do what `call` does in a coroutine of asyncio."""
        return await self._way_in().acall(addr, *values, timeout=timeout, protocol=protocol)

    def send(self, addr: int | str, *values: Any, protocol: str = "lua") -> bool:
        """Send values to a service; False if there is no such address."""
        return self._way_in().send(addr, *values, protocol=protocol)

    def query(self, name: str) -> int | None:
        """Return the handle of a ".name", None if there is none."""
        return self._way_in().query(name)

    def kill(self, addr: int | str) -> None:
        """Retire a service, as the command KILL."""
        self._way_in().kill(addr)

    def hup(self) -> bool:
        """Let the logger reopen its file, as SIGHUP does; False when there is no logger."""
        self._check_running()
        from host.core import node

        return bool(node.hup())

    def stat(self) -> NodeStatistics:
        """Return a look at the node's counters."""
        self._check_running()
        from host.core import node

        return NodeStatistics(**node.statistics())

    def _check_running(self) -> None:
        if not self._threads or self._stopped.is_set():
            raise NodeError("the node is not running")

    def _way_in(self) -> Gateway:
        self._check_running()
        with self._lock:
            if self._gateway is None:
                from host.core import module
                from host.gateway import Gateway

                # a node that ends by itself takes the gateway with it: whoever waits must hear of it
                self._gateway = Gateway(module.create_context(self._close_gateway))
            return self._gateway

    def _close_gateway(self) -> None:
        if self._gateway is not None:
            self._gateway.close()


def _openers() -> dict[str, int]:
    """Collect the native modules for Lua from host.luaclib: name that Lua requires -> address of its opener."""
    import host.luaclib

    result: dict[str, int] = {}
    for info in pkgutil.iter_modules(host.luaclib.__path__):
        extension = importlib.import_module(f"host.luaclib.{info.name}")
        if hasattr(extension, "openers"):
            result.update(extension.openers())
    return result


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
