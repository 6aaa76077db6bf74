"""What a run of a script left behind, in a form in which two runs can be compared and one can be stored.

A run is captured as two streams: what the services print on stdout, in order, and what the `logger` service wrote,
which is compared per source: skynet keeps the order of one service's lines and promises nothing between services.
Rules, which the script chooses in its head, remove what may differ between two correct runs.
"""

from __future__ import annotations

import difflib
import itertools
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from host.errors import SnhostError

__all__ = [
    "RULES",
    "CannotRun",
    "Directives",
    "Line",
    "Outcome",
    "Transcript",
    "Verdict",
    "compare_transcripts",
    "read_directives",
    "side_by_side",
    "transcribe",
]


class CannotRun(SnhostError):
    """A comparison is not possible: one side could not be run, or a directive or transcript makes no sense."""


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
    -- config: KEY = VALUE        a further config key; VALUE is Lua source text, in which HERE is the directory
                                  of the script and TMP an empty one
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
    "replies": _Rule(
        "size of an error reply, and the position in front of `call failed`: snhost sends the text of the error along",
        True,
        _substitute(r"(?<=msgsz = )\d+(?=\] error : (?:\S+:\d+: )?call failed)|\S+\.lua:\d+: (?=call failed)", ""),
    ),
    "handles": _Rule(":%08x handles are numbered :H1, :H2 ... in order of appearance", True, _rename_handles),
    "versions": _Rule(
        "the message counter of an endless loop report", True, _substitute(r"(?<=\(version = )\d+(?=\))", "<version>")
    ),
    "sizes": _Rule("3.14 Kb, 12K, 0.5 M", False, _substitute(r"\b\d+(?:\.\d+)? ?(?:[KM][bB]?)\b", "<size>")),
    "msgsz": _Rule("message sizes in error reports", False, _substitute(r"(?<= msgsz = )\d+(?=\])", "<size>")),
    "sessions": _Rule(
        "session numbers in reports and log texts",
        False,
        _substitute(r"(?<= : )\d+(?= msgsz = )|(?<=session : )\d+|(?<=session )\d+|(?<=session: )\d+", "<session>"),
    ),
    "ports": _Rule(
        "the port behind 127.0.0.1, where it was not chosen by the script",
        False,
        _substitute(r"(?<=\b127\.0\.0\.1[: ])\d+\b", "<port>"),
    ),
    "tracebacks": _Rule("stack tracebacks are removed", True, lambda: lambda text: text),
    "repeats": _Rule("neighbouring equal lines of the log count once", False, lambda: lambda text: text),
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
        rules=frozenset(rules),
        unordered=tuple(unordered),
        config=tuple(config),
        **found,  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Outcome:
    """What one run left behind. `exit` is the code, "-N" for a signal, or "timeout"."""

    exit: str
    out: str
    log: str
    err: str
    seconds: float
    peak_kb: int


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


def transcribe(
    outcome: Outcome, script: Path, directives: Directives, lualib: Iterable[Path] = (), service: Iterable[Path] = ()
) -> Transcript:
    """Normalise what a run left behind, by the rules that its script asks for.

    Args:
        lualib, service: directories whose names are shortened in texts.
    """
    script = script.resolve()
    shorten = [(str(path.resolve()), "<lualib>") for path in lualib]
    shorten += [(str(path.resolve()), "<service>") for path in service]
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
        told = [[normalised(shortened(text)) for text in texts] for texts in by_source[source]]
        if "repeats" in directives.rules:
            told = [texts for texts, _ in itertools.groupby(told)]
        lines += [Line(stream, text) for texts in told for text in texts]
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
        return (
            [""]
            if text is None
            else textwrap.wrap(text.replace("\t", "    "), column, drop_whitespace=False, break_on_hyphens=False)
            or [""]
        )

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
