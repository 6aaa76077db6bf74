"""Run one Lua start service on a real skynet and on snhost and tell whether they behave alike.

`snhost compare` is the door for users, `tests/conformance` the one for the project's own tests. A run is captured as two
streams: what the services print on stdout, in order, and what the `logger` service wrote. The log goes to a file, so that a
printed line can never be torn by a log line, and is compared per source: skynet keeps the order of one service's lines and
promises nothing between services.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

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
    "read_directives",
    "run",
    "run_side",
    "transcribe",
]

SAME, DIFFERENT, CANNOT_RUN = 0, 1, 2


class CannotRun(Exception):
    """One side could not be run, or ended in a way that its script does not announce."""


DIRECTIVES_HELP = """\
rules and directives
  A script directs its comparison by comments in its head (before the first line of code):

    -- compare: RULE -RULE ...    switch normalisation rules on, or off with a minus
    -- log: no | own | tail | whole
                                  what of the log is compared: nothing; every line but the LAUNCH and KILL lines of
                                  the boot services; everything, but either side may have lost lines at the end, as
                                  skynet does at abort (default); every line
    -- exit: N | timeout          expected exit code (default 0); "timeout" for a script that never ends
    -- limit: SECONDS             time after which the run is killed (default 30)
    -- unordered: PREFIX          neighbouring printed lines that begin with PREFIX are put in order first
    -- config: KEY = VALUE        a further config key; VALUE is Lua source text
    -- lua: 5.5                   behaviour that depends on the Lua version: compare on this one only
    -- differs: REASON            the two are known to differ here, and why; the outcome is still shown

  Rules, with + where on by default:

%s
  Colour codes are always removed, and directories of the script and of the two lualibs always shortened."""


@dataclass(frozen=True)
class Directives:
    """What the head of a script asks for."""

    rules: frozenset[str] = frozenset()
    log: str = "tail"
    exit: str = "0"
    limit: float = 30.0
    unordered: tuple[str, ...] = ()
    config: tuple[tuple[str, str], ...] = ()
    lua: str | None = None
    differs: str | None = None


def _rename_handles() -> Callable[[str], str]:
    names: dict[int, str] = {}

    def name(text: str) -> str:
        number = int(text, 16)
        return names.setdefault(number, f":H{len(names) + 1}") if number else ":H0"

    def rule(text: str) -> str:
        # Error reports and KILL lines write handles without padding; elsewhere only eight digits are certain.
        text = re.sub(
            r"\[:?([0-9a-f]{1,8}) to :([0-9a-f]{1,8}) : ", lambda m: f"[{name(m[1])} to {name(m[2])} : ", text
        )
        text = re.sub(r"(?<=^KILL ):([0-9a-f]{1,7})$", lambda m: name(m[1]), text)
        text = re.sub(r"(Unknown session : \S+ from) ([0-9a-f]{1,8})$", lambda m: f"{m[1]} {name(m[2])}", text)
        return re.sub(r":([0-9a-fA-F]{8})\b", lambda m: name(m[1]), text)

    return rule


def _substitute(pattern: str, replacement: str) -> Callable[[], Callable[[str], str]]:
    compiled = re.compile(pattern)
    return lambda: lambda text: compiled.sub(replacement, text)


@dataclass(frozen=True)
class _Rule:
    text: str
    default: bool
    make: Callable[[], Callable[[str], str]]


# Applied in this order, line by line, one fresh function per transcript: handle names count from the first line on.
RULES: dict[str, _Rule] = {
    "positions": _Rule(
        "file:line: prefixes of lualib, service and helper files, and C line numbers, are removed",
        True,
        _substitute(r"<(?:lualib|service|helper)>[^\s:]*:\d+: |(?<=\(line:)\d+(?=\))", ""),
    ),
    "timestamps": _Rule(
        "dates and times of day",
        True,
        _substitute(
            r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d\d|\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d(?: [+-]\d{4})? \d{4}"
            r"|\d{4}[-/ ]\w{2,3}[-/ ]\w{2,3} \d\d:\d\d:\d\d(?: [+-]\d{4})?",
            "<time>",
        ),
    ),
    "pointers": _Rule("0x... and : (nil)", True, _substitute(r"0x[0-9a-fA-F]{6,16}\b|(?<=: )\(nil\)", "<pointer>")),
    "durations": _Rule("3.5s, 0.02 sec, 12 ms", True, _substitute(r"\b\d+(?:\.\d+)? ?(?:sec|ms|us|s)\b", "<duration>")),
    "traces": _Rule(
        "clock values of <TRACE ...> lines, and the stack positions behind them",
        True,
        _substitute(r"(?<=<TRACE )([^>]+>) \d+ (\w+(?: \w+)?)(?: :.*)?", r"\1 \2"),
    ),
    "handles": _Rule(":%08x handles are numbered :H1, :H2 ... in order of appearance", True, _rename_handles),
    "sizes": _Rule("3.14 Kb, 12K, 0.5 M", False, _substitute(r"\b\d+(?:\.\d+)? ?(?:[KM][bB]?)\b", "<size>")),
    "sessions": _Rule(
        "session numbers in reports and log texts",
        False,
        _substitute(r"(?<= : )\d+(?= msgsz = )|(?<=session : )\d+|(?<=session )\d+|(?<=session: )\d+", "<session>"),
    ),
    "tracebacks": _Rule("stack tracebacks are removed", True, lambda: lambda text: text),
}


def read_directives(script: Path) -> Directives:
    """Read the directives in the head of a script.

    Raises:
        CannotRun: an unknown directive value or rule name.
    """
    rules = {name for name, rule in RULES.items() if rule.default}
    found: dict[str, object] = {}
    unordered: list[str] = []
    config: list[tuple[str, str]] = []
    for text in script.read_text(encoding="utf-8", errors="replace").splitlines():
        if text.strip() and not text.startswith("--"):
            break
        match = re.match(r"--\s*(compare|log|exit|limit|unordered|config|lua|differs):\s*(.*?)\s*$", text)
        if match is None:
            continue
        key, value = match[1], match[2]
        if key == "compare":
            for word in value.replace(",", " ").split():
                name = word.lstrip("+-")
                if name not in RULES:
                    raise CannotRun(f"{script}: no such rule: {name}; there are {', '.join(sorted(RULES))}")
                rules.discard(name) if word.startswith("-") else rules.add(name)
        elif key == "log":
            if value not in ("no", "own", "tail", "whole"):
                raise CannotRun(f"{script}: log: wants no, own, tail or whole, not {value!r}")
            found["log"] = value
        elif key == "exit":
            if value != "timeout" and not value.lstrip("-").isdigit():
                raise CannotRun(f"{script}: exit: wants a number or timeout, not {value!r}")
            found["exit"] = value
        elif key == "limit":
            try:
                found["limit"] = float(value)
            except ValueError:
                raise CannotRun(f"{script}: limit: wants seconds, not {value!r}") from None
        elif key == "unordered":
            unordered.append(value)
        elif key == "config":
            name, equals, expression = value.partition("=")
            if not equals:
                raise CannotRun(f"{script}: config: wants KEY = VALUE, not {value!r}")
            config.append((name.strip(), expression.strip()))
        else:
            found[key] = value
    return Directives(
        rules=frozenset(rules), unordered=tuple(unordered), config=tuple(config), **found  # type: ignore[arg-type]
    )


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
    if not os.access(program, os.X_OK):
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


def own_directories() -> tuple[Path, Path]:
    """Where our own lualib and service directories are, in a checkout or installed."""
    package = Path(__file__).resolve().parent
    for root in (package.parent, package):
        if (root / "lualib" / "skynet.lua").exists():
            return root / "lualib", root / "service"
    raise CannotRun(f"lualib/skynet.lua is neither beside nor inside {package}")


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
        own_lualib, own_service = own_directories()
        libraries, services = (own_lualib,), (own_service,)
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

    With a user's config that one is included first, and keeps the keys that we need not set.
    """
    script = script.resolve()
    beside = [script.parent]
    if (script.parent.parent / "lua").is_dir():
        beside.append(script.parent.parent / "lua")
    text: list[str] = []
    if user_config is not None:
        text.append(f"include {_quote(user_config.resolve())}")
        text.append(f"luaservice = {_quote(_patterns(*beside) + ';')} .. (luaservice or {_quote(_patterns(*side.service))})")
        text.append(f"lua_path = {_quote(_patterns(*beside) + ';')} .. (lua_path or {_quote(_patterns(*side.lualib))})")
        text.extend(f"{key} = {key} or {value}" for key, value in side.keys.items() if key != "lua")
        text.extend(f"{key} = {value}" for key, value in side.keys.items() if key == "lua")
    else:
        text.append("thread = 4")
        text.append("harbor = 0")
        text.append(f"luaservice = {_quote(_patterns(*beside, *side.service))}")
        text.append(f"lua_path = {_quote(_patterns(*beside, *side.lualib))}")
        text.extend(f"{key} = {value}" for key, value in side.keys.items())
    text.append(f"start = {_quote(script.stem)}")
    text.append(f"logger = {_quote(log)}")
    text.extend(f"{key} = {value}" for key, value in directives.config)
    text.extend(f"{key} = {value}" for key, value in (extra or {}).items())
    target.write_text("\n".join(text) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Outcome:
    """What one run left behind. `exit` is the code, "-N" for a signal, or "timeout"."""

    exit: str
    out: str
    log: str
    err: str
    seconds: float
    peak_kb: int


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
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

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
        return Outcome(code, out.replace(str(directory), "<tmp>"), text.replace(str(directory), "<tmp>"), err, seconds, peak)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@dataclass(frozen=True)
class Line:
    """One line of a transcript: stream is "out", or "log" with the source's handle."""

    stream: str
    text: str

    def __str__(self) -> str:
        return f"{self.stream}| {self.text}".rstrip(" ") if not self.text else f"{self.stream}| {self.text}"


@dataclass(frozen=True)
class Transcript:
    """A run after normalisation; what is stored and what is compared."""

    exit: str
    lines: tuple[Line, ...]

    def dumps(self) -> str:
        return "\n".join([f"exit {self.exit}", *map(str, self.lines)]) + "\n"

    @staticmethod
    def loads(text: str) -> Transcript:
        """Read what `dumps` wrote.

        Raises:
            CannotRun: the text is no transcript.
        """
        first, *rest = text.split("\n")
        if not first.startswith("exit "):
            raise CannotRun("not a transcript: its first line must be 'exit CODE'")
        lines = []
        for number, line in enumerate(rest, 2):
            if not line:
                continue
            stream, bar, tail = line.partition("|")
            if not bar:
                raise CannotRun(f"not a transcript: line {number} has no 'stream|'")
            lines.append(Line(stream, tail.removeprefix(" ")))
        return Transcript(first.removeprefix("exit "), tuple(lines))


_LOG_HEAD = re.compile(r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d\d \[(:[0-9a-f]{8})\] ?")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def _drop_tracebacks(lines: Iterable[str]) -> list[str]:
    """Remove `stack traceback:` lines and the indented frames below them."""
    kept: list[str] = []
    inside = False
    for text in lines:
        if text.strip() == "stack traceback:":
            inside = True
        elif not (inside and (text.startswith("\t") or not text.strip())):
            inside = False
            kept.append(text)
    return kept


def _log_records(text: str) -> list[tuple[str, list[str]]]:
    """Split a log file into (source, lines of the text), in the order of the file."""
    records: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        head = _LOG_HEAD.match(line)
        if head is not None:
            records.append((head[1], [line[head.end() :]]))
        elif records:
            records[-1][1].append(line)
    if records and records[-1][1][-1] == "":
        records[-1][1].pop()
    return records


_BOOT = re.compile(r"LAUNCH (?:snlua (?:bootstrap|launcher|cdummy|datacenterd|service_mgr)|harbor 0 \d+)$")


def _without_boot(group: list[list[str]]) -> list[list[str]]:
    if not _BOOT.match(group[0][0]):
        return group
    return [texts for texts in group[1:] if texts != ["KILL self"]]


def _sort_unordered(lines: list[str], prefixes: tuple[str, ...]) -> list[str]:
    for prefix in prefixes:
        sorted_lines: list[str] = []
        block: list[str] = []
        for text in lines:
            if text.startswith(prefix):
                block.append(text)
                continue
            sorted_lines += sorted(block)
            block = []
            sorted_lines.append(text)
        lines = sorted_lines + sorted(block)
    return lines


def _cut_name(name: str, script: str) -> str:
    return f"{name}:" if name == script else f"<lualib>/{name}:"


def transcribe(outcome: Outcome, side: Side, script: Path, directives: Directives) -> Transcript:
    """Normalise what a run left behind, by the rules that its script asks for."""
    script = script.resolve()
    shorten = [(str(path.resolve()), "<lualib>") for path in side.lualib]
    shorten += [(str(path.resolve()), "<service>") for path in side.service]
    shorten += [(str(script.parent) + "/", ""), (str(script.parent.parent / "lua"), "<helper>")]
    rules = [rule.make() for name, rule in RULES.items() if name in directives.rules]

    def shortened(text: str) -> str:
        for path, short in shorten:
            text = text.replace(path, short)
        # Lua cuts a long chunk name from the left; only the script's own name can be told again.
        text = re.sub(r"\.\.\.[^\s:]*/([^\s:/]+):(?=\d+:)", lambda m: _cut_name(m[1], script.name), text)
        return _ANSI.sub("", text)

    def normalised(text: str) -> str:
        for rule in rules:
            text = rule(text)
        return text

    out = shortened(outcome.out).split("\n")
    if out[-1] == "":
        out.pop()
    records = _log_records(outcome.log) if directives.log != "no" else []
    if "tracebacks" in directives.rules:
        out = _drop_tracebacks(out)
        records = [(source, _drop_tracebacks(lines)) for source, lines in records]
    # The launching thread and the new service race for the first line of a source.
    by_source: dict[str, list[list[str]]] = {}
    for source, texts in records:
        by_source.setdefault(source, []).append(texts)
    for group in by_source.values():
        group.sort(key=lambda texts: not texts[0].startswith("LAUNCH "))
    if directives.log == "own":
        by_source = {source: kept for source, group in by_source.items() if (kept := _without_boot(group))}

    lines = [Line("out", text) for text in _sort_unordered([normalised(text) for text in out], directives.unordered)]
    for source in sorted(by_source):
        stream = f"log {normalised(source)}"
        for texts in by_source[source]:
            lines += [Line(stream, normalised(shortened(text))) for text in texts]
    return Transcript(outcome.exit, tuple(lines))


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison; `lost` are lines that only one side has, at the end of a log, which is allowed."""

    same: bool
    lost: int = 0


def compare_transcripts(left: Transcript, right: Transcript, log: str = "tail") -> Verdict:
    """Compare two transcripts. `log` is the directive of that name."""
    if left.exit != right.exit:
        return Verdict(False)
    a, b = _streams(left), _streams(right)
    lost = 0
    for stream in a.keys() | b.keys():
        mine, theirs = a.get(stream, []), b.get(stream, [])
        if mine == theirs:
            continue
        short, long = sorted((mine, theirs), key=len)
        if stream != "out" and log == "tail" and long[: len(short)] == short:
            lost += len(long) - len(short)
            continue
        return Verdict(False, lost)
    return Verdict(True, lost)


def _streams(transcript: Transcript) -> dict[str, list[str]]:
    streams: dict[str, list[str]] = {}
    for line in transcript.lines:
        streams.setdefault(line.stream, []).append(line.text)
    return streams


def side_by_side(left: Transcript, right: Transcript, titles: tuple[str, str], width: int, colour: bool) -> str:
    """Draw the two transcripts in columns: `|` where lines differ, `<` and `>` where one is alone."""
    column = max(20, (width - 3) // 2)
    a = [f"exit {left.exit}", *map(str, left.lines)]
    b = [f"exit {right.exit}", *map(str, right.lines)]
    red, green, yellow, plain = ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m") if colour else ("",) * 4
    rows = [f"{titles[0]:<{column}}   {titles[1]}"]

    def cells(text: str | None) -> list[str]:
        return [""] if text is None else textwrap.wrap(
            text.replace("\t", "    "), column, drop_whitespace=False, break_on_hyphens=False
        ) or [""]

    def row(first: str | None, second: str | None) -> None:
        if first is None:
            mark, start = ">", green
        elif second is None:
            mark, start = "<", red
        elif first != second:
            mark, start = "|", yellow
        else:
            mark, start = " ", ""
        one, two = cells(first), cells(second)
        for index in range(max(len(one), len(two))):
            l_text = one[index] if index < len(one) else ""
            r_text = two[index] if index < len(two) else ""
            end = plain if start else ""
            rows.append(f"{start}{l_text:<{column}} {mark} {r_text}".rstrip() + end)

    skipped = 0
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            # Long equal parts are folded; three lines of surroundings stay on either side.
            count = i2 - i1
            for offset in range(count):
                if count > 8 and 3 <= offset < count - 3:
                    skipped += 1
                    continue
                if skipped:
                    rows.append(f"   ... {skipped} equal lines ...")
                    skipped = 0
                row(a[i1 + offset], b[j1 + offset])
            continue
        for offset in range(max(i2 - i1, j2 - j1)):
            row(
                a[i1 + offset] if i1 + offset < i2 else None,
                b[j1 + offset] if j1 + offset < j2 else None,
            )
    return "\n".join(rows)


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
        description="Run the Lua start service SCRIPT on a real skynet and on snhost with the same config keys, and compare\n"
        "what it prints and logs. Exit code: 0 the same, 1 different, 2 one side could not run.",
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
        left = transcribe(outcome, side, script, directives)
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
    right = transcribe(outcome, side, script, directives)
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
