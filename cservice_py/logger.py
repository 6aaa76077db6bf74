"""The log service: LAUNCH logger [file]. Source: service_logger.c.

Each TEXT message becomes one line, written with one system call, so that lines of several processes on one file do not
mix. A SYSTEM message, which SIGHUP causes, reopens the file by its name. Everything happens on the worker that
dispatches.
"""

from __future__ import annotations

import os
import sys
import time

from host.core.module import Context

PTYPE_TEXT = 0
PTYPE_SYSTEM = 4
STDOUT = 1


class Logger:
    def __init__(self) -> None:
        self.ctx: Context | None = None
        self.path: str | None = None
        self.fd = STDOUT
        # the last second that was written out as text: a busy log has many lines in one
        self.second = -1
        self.second_text = b""

    def open(self, path: str) -> None:
        """Open the file for appending; OSError when that fails, and then what was open stays in use."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        self.close()
        self.path = path
        self.fd = fd

    def close(self) -> None:
        if self.fd != STDOUT:
            os.close(self.fd)
        self.fd = STDOUT

    def stamp(self) -> bytes:
        """Local time of the node's clock, to 1/100 s: `dd/mm/yy HH:MM:SS.cc `."""
        now = self.ctx.now()
        second = self.ctx.starttime() + now // 100
        if second != self.second:
            self.second = second
            self.second_text = time.strftime("%d/%m/%y %H:%M:%S", time.localtime(second)).encode()
        return b"%s.%02d " % (self.second_text, now % 100)

    def callback(self, type: int, session: int, source: int, payload: bytes) -> None:
        if type == PTYPE_TEXT:
            line = b"[:%08x] %s\n" % (source, payload)
            write(self.fd, line if self.path is None else self.stamp() + line)
        elif type == PTYPE_SYSTEM and self.path is not None:
            try:
                self.open(self.path)
            except OSError as e:
                self.ctx.error(f"Can't reopen log file {self.path} : {e.strerror}")


def write(fd: int, data: bytes) -> None:
    """Write all of it; a reader that is gone is no reason to stop the node."""
    while data:
        try:
            data = data[os.write(fd, data):]
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:
            return


def create() -> Logger:
    return Logger()


def init(instance: Logger, ctx: Context, args: str | None) -> int:
    instance.ctx = ctx
    if args is not None:
        try:
            instance.open(args)
        except OSError as e:
            # there is no log yet that could take it
            print(f"Can't open log file {args} : {e.strerror}", file=sys.stderr, flush=True)
            return 1
    ctx.callback(instance.callback)
    return 0


def release(instance: Logger) -> None:
    instance.close()
