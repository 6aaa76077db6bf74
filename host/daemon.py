"""Daemon mode: the config key `daemon`. Source: skynet_daemon.c."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from host.errors import NodeError

__all__ = ["detached"]


@contextmanager
def detached(pidfile: str) -> Iterator[None]:
    """Go on in a process without a terminal, with its pid in a locked file that is removed at the end.

    The calling process ends with exit code 0. Working directory and environment stay; stdin, stdout and stderr become
    /dev/null.

    Raises:
        NodeError: the file names a live process, or cannot be made or locked.
    """
    running = _running(pidfile)
    if running:
        raise NodeError(f"Skynet is already running, pid = {running}.")
    if os.fork():
        os._exit(0)
    os.setsid()
    fd = _write(pidfile)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.close(null)
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(pidfile)
        os.close(fd)


def _running(pidfile: str) -> int:
    """The live process that the file names, 0 for none."""
    try:
        with open(pidfile) as f:
            pid = int(f.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    # 0 and less are groups of processes
    if pid <= 0 or pid == os.getpid():
        return 0
    try:
        os.kill(pid, 0)
    except (OverflowError, ProcessLookupError):
        return 0
    except PermissionError:
        pass
    return pid


def _write(pidfile: str) -> int:
    try:
        fd = os.open(pidfile, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as e:
        raise NodeError(f"Can't create pidfile [{pidfile}]. {e.strerror}") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.read(fd, 32).decode(errors="replace").strip()
        raise NodeError(f"Can't lock pidfile, lock is held by pid {owner}.") from None
    os.ftruncate(fd, 0)
    os.write(fd, f"{os.getpid()}\n".encode())
    return fd
