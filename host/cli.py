"""The command `snhost`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from host.errors import SnhostError

if TYPE_CHECKING:
    from host.config import Config

__all__ = ["main"]

_NO_CONFIG = (
    "Need a config file. Please read skynet wiki : https://github.com/cloudwu/skynet/wiki/Config\n"
    "usage: snhost configfilename"
)

_HELP = """\
usage: snhost CONFIG                            run the node of a config file
       snhost run CONFIG [--set KEY=VALUE ...]  the same, with keys replaced
       snhost compare SCRIPT ...                run a script here and on a real skynet, and compare
       snhost bench ...                         time this machine's node, and a real skynet
       snhost --version | --help

CONFIG is a config file of skynet, key for key. `snhost compare --help` and `snhost bench --help` tell about those.

A node ends when a service calls skynet.abort(), with exit code 0, and on SIGINT or SIGTERM, with 130 or 143; a second
signal ends it at once. SIGHUP makes the logger reopen its file. Exit code 1: the config is wrong, or a first service
cannot be started; one line says why.
"""

# The time that a service in a blocking call of C or Python has left once the node was told to end, seconds.
_LAST_RESORT = 0.9


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    if not args:
        print(_NO_CONFIG, file=sys.stderr)
        return 1
    command = args[0]
    if command in ("--help", "-h"):
        print(_HELP, end="")
        return 0
    if command == "--version":
        from host import __version__

        print(f"snhost {__version__}")
        return 0
    if command in ("compare", "bench"):
        return _tool(command, args)
    if command == "run":
        return _run_command(args[1:])
    if command.startswith("-"):
        print(f"snhost: there is no option {command}; see snhost --help", file=sys.stderr)
        return 1
    return _run(command, {})


def _tool(command: str, args: list[str]) -> int:
    import argparse
    import importlib

    parser = argparse.ArgumentParser(prog="snhost")
    module = importlib.import_module(f"host.{command}")
    module.add_parser(parser.add_subparsers(dest="command"))
    try:
        result: int = module.run(parser.parse_args(args))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return result


def _run_command(args: list[str]) -> int:
    overrides: dict[str, str] = {}
    files = []
    words = iter(args)
    for word in words:
        if word == "--set" or word.startswith("--set="):
            pair = next(words, "") if word == "--set" else word[len("--set="):]
            key, equals, value = pair.partition("=")
            if not key or not equals:
                print(f"snhost run: --set wants KEY=VALUE, not '{pair}'", file=sys.stderr)
                return 1
            overrides[key] = value
        elif word in ("--help", "-h"):
            print(_HELP, end="")
            return 0
        elif word.startswith("-"):
            print(f"snhost run: there is no option {word}; see snhost --help", file=sys.stderr)
            return 1
        else:
            files.append(word)
    if len(files) != 1:
        print(_NO_CONFIG if not files else "snhost run: one config file, please", file=sys.stderr)
        return 1
    return _run(files[0], overrides)


def _run(path: str, overrides: dict[str, str]) -> int:
    # until the node is there to be ended in order, a signal ends the process without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from host.config import Config

    try:
        config = Config.load(path, overrides)
        if config.daemon is not None:
            from host import daemon

            with daemon.detached(config.daemon):
                return _serve(config)
        return _serve(config)
    except SnhostError as e:
        print(_one_line(str(e)), file=sys.stderr)
    except ImportError as e:
        if e.name is None or e.name.partition(".")[0] != "host":
            raise
        print(f"snhost is not built here, do pip install -e . in the checkout: {e}", file=sys.stderr)
    except OSError as e:
        print(f"The node cannot be started: {e}", file=sys.stderr)
    return 1


def _serve(config: Config) -> int:
    from host.node import Node

    node = Node(config)
    code = 0

    def give_up() -> None:
        if config.daemon is not None:
            with suppress(OSError):
                os.unlink(config.daemon)
        os._exit(code)

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal code
        if code:
            give_up()
        code = 128 + number
        # abort retires services, whose release may need the lock that the interrupted code holds
        threading.Thread(target=node.abort, daemon=True).start()
        timer = threading.Timer(_LAST_RESORT, give_up)
        timer.daemon = True
        timer.start()

    def reopen(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=node.hup, daemon=True).start()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, reopen)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    _keep_lines_whole()

    def run() -> None:
        node.start()
        node.wait()

    _beside_signals(run)
    return code


def _beside_signals(work: Callable[[], None]) -> None:
    """Run `work` in a thread; this one, where Python's signal handlers run, waits for it.

    It waits for bytes in a pipe and not for a lock: the byte of a signal that comes just before the wait, or to another
    thread, ends the wait, while a lock would be waited for until the next signal.
    """
    failure: list[BaseException] = []
    finished = threading.Event()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)

    def run() -> None:
        try:
            work()
        except BaseException as e:
            failure.append(e)
        finally:
            finished.set()
            # A full pipe is as good.
            with suppress(BlockingIOError):
                os.write(write_end, b"\0")

    before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    try:
        thread = threading.Thread(target=run, name="snhost-main", daemon=True)
        thread.start()
        while not finished.is_set():
            os.read(read_end, 256)
        thread.join()
    finally:
        signal.set_wakeup_fd(before)
        os.close(read_end)
        os.close(write_end)
    if failure:
        raise failure[0]


def _keep_lines_whole() -> None:
    """Give C's stdout the buffer back that -u and PYTHONUNBUFFERED take: the log would tear what Lua prints."""
    if not getattr(sys.stdout, "write_through", False):
        return
    import ctypes

    size = 8192
    line_buffered = 1  # _IOLBF
    libc = ctypes.CDLL(None)
    # never freed: it is written out when the process has left Python
    libc.malloc.restype = ctypes.c_void_p
    buffer = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(size)))
    libc.setvbuf(ctypes.c_void_p.in_dll(libc, "stdout"), buffer, line_buffered, ctypes.c_size_t(size))


def _one_line(text: str) -> str:
    """The first line of a failure that says something; what follows is in the log."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0].removesuffix(":") if lines else "failed"


if __name__ == "__main__":
    sys.exit(main())
