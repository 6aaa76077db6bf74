"""Run the benchmark scripts on a real skynet and on snhost, alternating, and report the figures.

Every case runs in a node of its own, so that none pays for the garbage of another (for `memory` that is a must), and
the two sides take turns case by case, so that a change in the machine's mood meets both.
"""

from __future__ import annotations

import argparse
import ctypes.util
import importlib.metadata
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from host.compare import CannotRun, Directives, Side, run_side, skynet_side, snhost_side

__all__ = ["Figure", "add_parser", "chart", "measure", "parse_output", "run", "table"]

# Units of which less is better; the ratio is turned round for them.
LESS_IS_BETTER = {"KB/service", "KB", "s", "ms", "us"}

# The cases that are about messages and coroutines: the geometric mean which the README quotes is theirs.
MESSAGE_CASES = (
    "call_serial",
    "call_pipelined",
    "send_flood",
    "ring",
    "pairs",
    "fanout",
    "payload_table",
    "pack_unpack",
    "fork_yield",
    "timer_burst",
)


@dataclass
class Figure:
    """What one line of the table says: the values of all rounds, per side."""

    name: str
    unit: str
    profile: bool
    values: dict[str, list[float]] = field(default_factory=dict)

    def median(self, side: str) -> float | None:
        values = self.values.get(side)
        return statistics.median(values) if values else None

    def spread(self, side: str) -> float | None:
        """Distance of the largest from the smallest value, as a part of the median."""
        values = self.values.get(side)
        if not values or len(values) < 2:
            return None
        middle = statistics.median(values)
        return (max(values) - min(values)) / middle if middle else None

    def ratio(self) -> float | None:
        """How many times better snhost is; None when one side has no value."""
        ours, theirs = self.median("snhost"), self.median("skynet")
        if not ours or not theirs:
            return None
        return theirs / ours if self.unit in LESS_IS_BETTER else ours / theirs


def parse_output(text: str) -> list[tuple[str, float, str]]:
    """Read the `BENCH <name> <value> <unit>` lines that the scripts print."""
    found = re.findall(r"^BENCH (\w+) (\S+) (\S+)$", text, re.MULTILINE)
    return [(name, float(value), unit) for name, value, unit in found]


def known_cases(script: Path) -> list[str]:
    """The cases which a benchmark script defines, in its order."""
    return re.findall(r'^define\("(\w+)"', script.read_text(encoding="utf-8"), re.MULTILINE)


def find_jemalloc() -> str | None:
    """Name of the jemalloc library, for LD_PRELOAD: the stock build of skynet links it."""
    name = ctypes.util.find_library("jemalloc")
    if name is None and Path("/sbin/ldconfig").exists():
        listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
        match = re.search(r"^\s*(libjemalloc\.so\.\d+)\s", listing, re.MULTILINE)
        name = match[1] if match else None
    return name


def geometric_mean(values: Sequence[float]) -> float | None:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


@dataclass
class _Plan:
    script: Path
    cases: list[str]
    sides: list[Side]
    rounds: int
    scale: float
    thread: int
    profiles: list[bool]
    limit: float


def measure(plan: _Plan, progress: Any = None) -> tuple[list[Figure], list[str]]:
    """Run every case on every side, `rounds` times, taking turns.

    A case that fails on a side is told of in the second result and not tried there again.

    Returns:
        the figures in the order of the script; what failed.
    """
    figures: dict[tuple[bool, str], Figure] = {}
    failures: dict[tuple[str, bool, str], str] = {}
    for number in range(plan.rounds):
        for profile in plan.profiles:
            for case in plan.cases:
                # Who goes first changes with the round.
                for side in plan.sides if number % 2 == 0 else reversed(plan.sides):
                    if (side.name, profile, case) in failures:
                        continue
                    if progress:
                        progress(number, profile, case, side.name)
                    directives = Directives(
                        limit=plan.limit,
                        config=(
                            ("thread", str(plan.thread)),
                            ("profile", "true" if profile else "false"),
                            ("bench", f'"{case}"'),
                            ("bench_scale", f'"{plan.scale}"'),
                        ),
                    )
                    outcome = run_side(side, plan.script, directives)
                    lines = parse_output(outcome.out)
                    if outcome.exit != "0" or not lines:
                        said = (outcome.err.strip() or outcome.log.strip() or outcome.out.strip()).splitlines()
                        reason = f"{side.name}: {case}: exit {outcome.exit}" + (f": {said[-1]}" if said else "")
                        failures[side.name, profile, case] = reason
                        continue
                    for name, value, unit in lines:
                        figure = figures.setdefault((profile, name), Figure(name, unit, profile))
                        figure.values.setdefault(side.name, []).append(value)
    order = sorted(figures.values(), key=lambda figure: not figure.profile)
    return order, list(failures.values())


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {letter}"
    return f"{value:.3g}"


def _cell(figure: Figure, side: str) -> str:
    spread = figure.spread(side)
    return _short(figure.median(side)) + (f" ±{spread * 50:.0f}%" if spread is not None else "")


def means(figures: Sequence[Figure]) -> list[tuple[str, float]]:
    """Geometric means of the ratios: of the message cases, and of all."""
    result = []
    for text, names in (("message cases", MESSAGE_CASES), ("all cases", None)):
        ratios = [r for f in figures if (names is None or f.name in names) and (r := f.ratio()) is not None]
        mean = geometric_mean(ratios)
        if mean is not None:
            result.append((f"geometric mean, {text} ({len(ratios)})", mean))
    return result


def table(figures: Sequence[Figure], sides: Sequence[str], colour: bool = False) -> str:
    """The figures as text: medians, half the spread in percent, ratio (above 1: snhost is better)."""
    rows: list[str] = []
    for profile in sorted({figure.profile for figure in figures}, reverse=True):
        part = [figure for figure in figures if figure.profile is profile]
        both = len(sides) > 1
        rows.append(f"profile = {'true' if profile else 'false'}")
        rows.append(
            f"  {'case':<16}" + "".join(f"{side:>16}" for side in sides) + ("   ratio" if both else "") + "  unit"
        )
        for figure in part:
            ratio = figure.ratio()
            text = f"{ratio:8.2f}" if ratio is not None else f"{'-':>8}"
            if colour and ratio is not None:
                text = f"\x1b[{32 if ratio >= 1 else 31}m{text}\x1b[0m"
            rows.append(
                f"  {figure.name:<16}"
                + "".join(f"{_cell(figure, side):>16}" for side in sides)
                + (text if both else "")
                + f"  {figure.unit}"
            )
        if both:
            rows += [f"  {text:<{16 + 16 * len(sides)}}{mean:8.2f}" for text, mean in means(part)]
    return "\n".join(rows)


def chart(figures: Sequence[Figure], title: str) -> str:
    """The ratios as a picture (SVG): one bar per case on a logarithmic axis, 1.0 marked.

    Without a peer there are no ratios; the picture then is the list of values.
    """
    ratios = [(figure, figure.ratio()) for figure in figures]
    compared = [(figure, ratio) for figure, ratio in ratios if ratio]
    row, top, left, width, right = 22, 56, 190, 430, 190
    rows: list[tuple[Figure, float | None]] = [*compared] if compared else [(figure, None) for figure in figures]
    height = top + row * len(rows) + 30
    low = min([0.5, *(ratio for _, ratio in compared)])
    high = max([2.0, *(ratio for _, ratio in compared)])
    span = math.log(high / low)

    def x(ratio: float) -> float:
        return left + width * math.log(ratio / low) / span

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + right}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{left + width + right}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="15" fill="#222222">{escape(title)}</text>',
    ]
    if compared:
        parts.append(
            '<text x="16" y="42" fill="#666666">ratio of medians, snhost to skynet; right of 1 snhost is better</text>'
        )
        for mark in (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16):
            if low <= mark <= high:
                parts.append(
                    f'<line x1="{x(mark):.1f}" y1="{top - 4}" x2="{x(mark):.1f}" y2="{height - 24}" '
                    f'stroke="{"#444444" if mark == 1 else "#dddddd"}"/>'
                    f'<text x="{x(mark):.1f}" y="{height - 8}" text-anchor="middle" fill="#666666">{mark:g}</text>'
                )
    for index, (figure, ratio) in enumerate(rows):
        y = top + row * index
        name = figure.name + ("" if figure.profile else " (profile off)")
        parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end" fill="#222222">{escape(name)}</text>')
        ours = f"{_short(figure.median('snhost'))} {figure.unit}"
        if ratio is None:
            parts.append(f'<text x="{left}" y="{y + 14}" fill="#222222">{escape(ours)}</text>')
            continue
        start, end = sorted((x(1), x(ratio)))
        parts.append(
            f'<rect x="{start:.1f}" y="{y + 3}" width="{max(end - start, 1):.1f}" height="{row - 8}" '
            f'fill="{"#3a7d44" if ratio >= 1 else "#b5483a"}"/>'
        )
        parts.append(
            f'<text x="{left + width + 10}" y="{y + 14}" fill="#222222">{ratio:.2f}'
            f'<tspan fill="#666666">  {escape(ours)}</tspan></text>'
        )
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _version() -> str:
    try:
        return importlib.metadata.version("snhost")
    except importlib.metadata.PackageNotFoundError:
        return "checkout"


def _machine() -> dict[str, Any]:
    model = ""
    try:
        match = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
        model = match[1] if match else ""
    except OSError:
        pass
    return {
        "cpu": model or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "snhost": _version(),
    }


def _bench_script(directory: Path | None) -> Path:
    folder = directory or Path(__file__).resolve().parent.parent / "tests" / "bench"
    script = folder / "bench_main.lua"
    if not script.is_file():
        raise CannotRun(f"no benchmark scripts in {folder}; they are in tests/bench of the source, give --bench DIR")
    return script


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add `bench` to the command line of snhost."""
    parser = subparsers.add_parser(
        "bench",
        help="run the benchmark scripts on snhost, and on a real skynet beside it",
        description="Run the benchmark scripts in alternating rounds and print medians, spread and ratios. Without "
        "--skynet (or the variable SKYNET) snhost runs alone. jemalloc is preloaded into skynet when installed.",
    )
    _add_arguments(parser)
    parser.set_defaults(run=run)
    return parser


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--skynet", metavar="DIR", type=Path, help="a built checkout of skynet (default: SKYNET)")
    parser.add_argument("--alone", action="store_true", help="snhost alone, even when SKYNET is set")
    parser.add_argument("--rounds", metavar="N", type=int, default=3, help="runs of every case per side (default: 3)")
    parser.add_argument("--cases", metavar="a,b", help="some of the cases (default: all)")
    parser.add_argument("--scale", metavar="X", type=float, default=1.0, help="amount of work (default: 1)")
    parser.add_argument("--profile", choices=("true", "false", "both"), default="true", help="the config key profile")
    parser.add_argument("--thread", metavar="N", type=int, default=2, help="the config key thread (default: 2)")
    parser.add_argument("--lua", choices=("5.4", "5.5"), help="the Lua version of snhost")
    parser.add_argument("--lualib", choices=("own", "skynet"), default="own", help="the Lua layer that snhost runs")
    parser.add_argument("--bench", metavar="DIR", type=Path, help="where bench_main.lua is")
    parser.add_argument("--limit", metavar="S", type=float, default=120.0, help="seconds for one case (default: 120)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="store all figures")
    parser.add_argument("--chart", metavar="FILE.svg", type=Path, help="draw the ratios")


def run(args: argparse.Namespace) -> int:
    """Do what the command line asks for; return the exit code: 0, or 2 when something could not run."""
    try:
        return _run(args)
    except CannotRun as error:
        print(f"cannot bench: {error}", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    script = _bench_script(args.bench)
    known = known_cases(script)
    cases = args.cases.split(",") if args.cases else known
    for case in cases:
        if case not in known:
            raise CannotRun(f"no such case: {case}; there are {', '.join(known)}")
    if args.rounds < 1:
        raise CannotRun("--rounds must be at least 1")
    directory = args.skynet or (Path(os.environ["SKYNET"]) if os.environ.get("SKYNET") else None)
    sides: list[Side] = []
    jemalloc = None
    if directory is not None and not args.alone:
        jemalloc = find_jemalloc()
        side = skynet_side(directory)
        sides.append(replace(side, environment={"LD_PRELOAD": jemalloc}) if jemalloc else side)
    sides.append(snhost_side(args.lualib, directory, args.lua))
    profiles = {"true": [True], "false": [False], "both": [True, False]}[args.profile]

    live = sys.stderr.isatty()

    def progress(number: int, profile: bool, case: str, side: str) -> None:
        if live:
            text = f"round {number + 1}/{args.rounds}  profile={'on' if profile else 'off'}  {case}  {side}"
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    plan = _Plan(script, cases, sides, args.rounds, args.scale, args.thread, profiles, args.limit)
    figures, failures = measure(plan, progress)
    if live:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    names = [side.name for side in sides]
    machine = _machine()
    heading = f"{machine['cpu']}, {machine['cores']} cores; thread = {args.thread}; medians of {args.rounds}"
    if "skynet" in names:
        heading += f"; skynet {'with jemalloc' if jemalloc else 'without jemalloc'}"
    print(heading)
    print(table(figures, names, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    if args.json is not None:
        args.json.write_text(
            json.dumps(_as_data(args, machine, jemalloc, figures, failures), indent=2) + "\n", encoding="utf-8"
        )
    if args.chart is not None:
        args.chart.write_text(chart(figures, heading), encoding="utf-8")
    return 2 if failures else 0


def _as_data(
    args: argparse.Namespace,
    machine: dict[str, Any],
    jemalloc: str | None,
    figures: Sequence[Figure],
    failures: Sequence[str],
) -> dict[str, Any]:
    profiles = sorted({figure.profile for figure in figures}, reverse=True)
    return {
        "machine": machine,
        "settings": {
            "rounds": args.rounds,
            "scale": args.scale,
            "thread": args.thread,
            "lualib": args.lualib,
            "lua": args.lua,
            "jemalloc": jemalloc,
        },
        "figures": [
            {
                "name": figure.name,
                "unit": figure.unit,
                "profile": figure.profile,
                "values": figure.values,
                "median": {side: figure.median(side) for side in figure.values},
                "spread": {side: figure.spread(side) for side in figure.values},
                "ratio": figure.ratio(),
            }
            for figure in figures
        ],
        "means": [
            {"profile": profile, "text": text, "ratio": mean}
            for profile in profiles
            for text, mean in means([figure for figure in figures if figure.profile is profile])
        ],
        "failures": list(failures),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m host.bench")
    _add_arguments(parser)
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
