"""Run one Lua start service on a real skynet and on snhost and tell whether they behave alike.

`snhost compare` is the door for users, `tests/conformance` the one for the project's own tests. The log of a run
goes to a file, so that a printed line can never be torn by a log line. What is compared is in `host.transcript`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from host.paths import LUALIB, SERVICE
from host.transcript import (
    DIRECTIVES_HELP,
    RULES,
    CannotRun,
    Directives,
    Line,
    Outcome,
    Transcript,
    Verdict,
    compare_transcripts,
    read_directives,
    side_by_side,
    transcribe,
)

__all__ = [
    "CannotRun",
    "Directives",
    "Line",
    "Outcome",
    "Side",
    "Transcript",
    "Verdict",
    "add_parser",
    "compare_transcripts",
    "execute",
    "read_directives",
    "run",
    "run_side",
    "side_by_side",
    "skynet_side",
    "snhost_side",
    "transcribe",
    "transcript_of",
    "write_config",
]

SAME, DIFFERENT, CANNOT_RUN = 0, 1, 2


@dataclass(frozen=True)
class Side:
    """A runtime to run a script on.

    Attributes:
        name: shown to the user, "skynet" or "snhost".
        command: the program and its arguments; the config file's path is appended.
        keys: config keys that this side needs, as Lua source text.
        lualib, service: directories whose names are shortened in texts; the second is where `luaservice` ends.
    """

    name: str
    command: tuple[str, ...]
    keys: Mapping[str, str]
    lualib: tuple[Path, ...]
    service: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def _quote(text: str | Path) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _patterns(*directories: Path) -> str:
    return ";".join(f"{directory}/?.lua;{directory}/?/init.lua" for directory in directories)


def skynet_side(directory: Path) -> Side:
    """The real skynet in a built checkout.

    Raises:
        CannotRun: there is no built `skynet` there.
    """
    directory = directory.resolve()
    program = directory / "skynet"
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise CannotRun(f"no built skynet in {directory}: {program} is missing (build it with make linux)")
    return Side(
        name="skynet",
        command=(str(program),),
        keys={
            "cpath": _quote(directory / "cservice/?.so"),
            "lua_cpath": _quote(directory / "luaclib/?.so"),
            "lualoader": _quote(directory / "lualib/loader.lua"),
        },
        lualib=(directory / "lualib",),
        service=(directory / "service",),
    )


def snhost_side(lualib: str = "own", skynet: Path | None = None, lua: str | None = None) -> Side:
    """This package, on its own lualib or on that of a skynet checkout.

    Raises:
        CannotRun: the lualib is not there.
    """
    keys: dict[str, str] = {}
    if lua is not None:
        keys["lua"] = _quote(lua)
    if lualib == "skynet":
        if skynet is None:
            raise CannotRun("--lualib skynet needs --skynet DIR or $SKYNET")
        skynet = skynet.resolve()
        keys["lualoader"] = _quote(skynet / "lualib/loader.lua")
        libraries, services = (skynet / "lualib",), (skynet / "service",)
    else:
        if not (LUALIB / "skynet.lua").exists():
            raise CannotRun(f"no skynet.lua in {LUALIB}")
        keys["lualoader"] = _quote(LUALIB / "loader.lua")
        libraries, services = (LUALIB,), (SERVICE,)
    root = Path(__file__).resolve().parent.parent
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    return Side(
        name="snhost",
        command=(sys.executable, "-m", "host"),
        keys=keys,
        lualib=libraries,
        service=services,
        environment={"PYTHONPATH": path},
    )


def write_config(
    side: Side,
    script: Path,
    log: Path,
    target: Path,
    directives: Directives,
    user_config: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> None:
    """Write the config that starts `script` on `side`, its log going to the file `log`.

    With a user's config that one is included first, and keeps the keys that need not be set.
    """
    script = script.resolve()
    beside = [script.parent]
    if (script.parent.parent / "lua").is_dir():
        beside.append(script.parent.parent / "lua")
    text: list[str] = []
    paths = {"luaservice": _patterns(*beside, *side.service), "lua_path": _patterns(*beside, *side.lualib)}
    if user_config is not None:
        text.append(f"include {_quote(user_config.resolve())}")
        # A config written for the one names directories of the one; this side's own come first.
        text.extend(f'{key} = {_quote(path)} .. (";" .. ({key} or ""))' for key, path in paths.items())
        for key, value in side.keys.items():
            text.append(f'{key} = ({key} or "") .. ";" .. {value}' if key.endswith("cpath") else f"{key} = {value}")
    else:
        text.append("thread = 4")
        text.append("harbor = 0")
        text.extend(f"{key} = {_quote(path)}" for key, path in paths.items())
        text.extend(f"{key} = {value}" for key, value in side.keys.items())
    text.append(f"start = {_quote(script.stem)}")
    text.append(f"logger = {_quote(log)}")
    for name, path in (("HERE", script.parent), ("TMP", log.parent)):
        if any(name in value for _, value in directives.config):
            text.append(f"{name} = {_quote(path)}")
    text.extend(f"{key} = {value}" for key, value in directives.config)
    text.extend(f"{key} = {value}" for key, value in (extra or {}).items())
    target.write_text("\n".join(text) + "\n", encoding="utf-8")


def execute(
    command: Iterable[str], limit: float, environment: Mapping[str, str], directory: Path
) -> tuple[str, float, int, str, str]:
    """Run a program to its end, or kill it and its children after `limit` seconds.

    Returns:
        exit, wall seconds, peak resident KB, stdout, stderr.
    """
    out_path, err_path = directory / "out", directory / "err"
    with out_path.open("wb") as out, err_path.open("wb") as err:
        started = time.monotonic()
        child = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(limit, stop)
        timer.daemon = True
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            stop()
            raise
        finally:
            timer.cancel()
        seconds = time.monotonic() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    code = "timeout" if timed_out.is_set() else str(child.returncode)
    return (
        code,
        seconds,
        usage.ru_maxrss,
        out_path.read_text(encoding="utf-8", errors="backslashreplace"),
        err_path.read_text(encoding="utf-8", errors="backslashreplace"),
    )


def run_side(
    side: Side,
    script: Path,
    directives: Directives,
    user_config: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a script on one side and capture what it does.

    Raises:
        CannotRun: the program cannot be started.
    """
    directory = Path(tempfile.mkdtemp(prefix="snhost-compare-"))
    try:
        log, config = directory / "log", directory / "config"
        write_config(side, script, log, config, directives, user_config, extra)
        try:
            code, seconds, peak, out, err = execute(
                [*side.command, str(config)], directives.limit, side.environment, directory
            )
        except OSError as error:
            raise CannotRun(f"{side.name}: {error}") from error
        text = log.read_text(encoding="utf-8", errors="backslashreplace") if log.exists() else ""
        return Outcome(
            code, out.replace(str(directory), "<tmp>"), text.replace(str(directory), "<tmp>"), err, seconds, peak
        )
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def transcript_of(outcome: Outcome, side: Side, script: Path, directives: Directives) -> Transcript:
    """Normalise what a run on a side left behind."""
    return transcribe(outcome, script, directives, side.lualib, side.service)


def _figures(name: str, outcome: Outcome) -> str:
    return f"  {name:<8} {outcome.seconds:8.2f} s  {outcome.peak_kb / 1024:8.1f} MB peak  exit {outcome.exit}"


def _checked(side: Side, outcome: Outcome, directives: Directives) -> Outcome:
    """Return the outcome if the run ended as its script announces.

    Raises:
        CannotRun: it did not; the text holds what the program said.
    """
    if outcome.exit == directives.exit:
        return outcome
    said = (outcome.err.strip() or outcome.log.strip() or outcome.out.strip())[-2000:]
    raise CannotRun(f"{side.name}: exit {outcome.exit}, expected {directives.exit}\n{said}".rstrip())


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add `compare` to the command line of snhost."""
    rules = "\n".join(f"    {'+' if rule.default else ' '} {name:<12} {rule.text}" for name, rule in RULES.items())
    parser = subparsers.add_parser(
        "compare",
        help="run a start service on a real skynet and on snhost and compare",
        description="Run the Lua start service SCRIPT on a real skynet and on snhost with the same config keys,\n"
        "and compare what it prints and logs. Exit code: 0 the same, 1 different, 2 one side could not run.",
        epilog=DIRECTIVES_HELP % (rules + "\n"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_arguments(parser)
    parser.set_defaults(run=run)
    return parser


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="a Lua start service that ends by skynet.abort()")
    parser.add_argument(
        "--skynet", metavar="DIR", type=Path, help="a built checkout of skynet (default: the variable SKYNET)"
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="a skynet config whose keys both sides take")
    parser.add_argument(
        "--lualib", choices=("own", "skynet"), default="own", help="the Lua layer that snhost runs (default: own)"
    )
    parser.add_argument("--lua", choices=("5.4", "5.5"), help="the Lua version of snhost (default: that of the config)")
    parser.add_argument("--record", metavar="FILE", type=Path, help="store the transcript of the real skynet, and stop")
    parser.add_argument("--against", metavar="FILE", type=Path, help="compare snhost with a stored transcript")
    parser.add_argument("--all", action="store_true", help="show both sides even when they are the same")


def run(args: argparse.Namespace) -> int:
    """Do what the command line asks for; return the exit code."""
    try:
        return _run(args)
    except CannotRun as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        return CANNOT_RUN


def _run(args: argparse.Namespace) -> int:
    script: Path = args.script
    if not script.is_file():
        raise CannotRun(f"no such script: {script}")
    if args.record is not None and args.against is not None:
        raise CannotRun("--record takes a transcript and --against uses one; give one of them")
    directives = read_directives(script)
    skynet = args.skynet or (Path(os.environ["SKYNET"]) if os.environ.get("SKYNET") else None)

    figures: list[str] = []
    if args.against is not None:
        try:
            left = Transcript.loads(args.against.read_text(encoding="utf-8"))
        except OSError as error:
            raise CannotRun(f"{args.against}: {error.strerror}") from error
        title = str(args.against.name)
    else:
        if skynet is None:
            raise CannotRun("no skynet to compare with: give --skynet DIR, set SKYNET, or use --against FILE")
        side = skynet_side(skynet)
        outcome = _checked(side, run_side(side, script, directives, args.config), directives)
        left = transcript_of(outcome, side, script, directives)
        figures.append(_figures("skynet", outcome))
        title = "skynet"
    if args.record is not None:
        args.record.write_text(left.dumps(), encoding="utf-8")
        print(f"recorded {args.record}: {len(left.lines)} lines")
        return SAME

    side = snhost_side(args.lualib, skynet, args.lua or directives.lua)
    outcome = run_side(side, script, directives, args.config)
    if not outcome.out and not outcome.log:
        _checked(side, outcome, directives)
    right = transcript_of(outcome, side, script, directives)
    figures.append(_figures("snhost", outcome))

    verdict = compare_transcripts(left, right, directives.log)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    if not verdict.same or args.all:
        width = shutil.get_terminal_size((160, 24)).columns
        print(side_by_side(left, right, (title, "snhost"), width, colour))
        print()
    text = "same" if verdict.same else "different"
    if colour:
        text = f"\x1b[{32 if verdict.same else 31};1m{text}\x1b[0m"
    note = f", {verdict.lost} log lines lost at the end" if verdict.lost else ""
    if directives.differs and not verdict.same:
        note += f", as is known: {directives.differs}"
    print(f"{script.name}: {text} ({len(left.lines)} lines{note})")
    print("\n".join(figures))
    return SAME if verdict.same else DIFFERENT


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m host.compare")
    _add_arguments(parser)
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
