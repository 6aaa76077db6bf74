"""Record the transcripts of the conformance scripts from a real skynet.

    python tests/conformance/record.py [--skynet DIR] [--times N] [--check] [--snhost] [NAME ...]

Every script runs N times (3 by default) and its transcripts must be equal, otherwise nothing is stored for it: a
script whose output depends on chance is of no use. With --check nothing is stored, the stored ones are compared.
With --snhost the second transcripts are recorded, of what snhost shows for scripts whose head says `-- differs:`.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from host import compare  # noqa: E402


def record(script: Path, side: compare.Side, times: int, check: bool) -> str:
    """Record one script; return "" or what is wrong."""
    directives = compare.read_directives(script)
    ending = ".snhost.txt" if side.name == "snhost" else ".txt"
    stored = HERE / "transcripts" / f"{script.stem}{ending}"
    first: compare.Transcript | None = None
    for _ in range(times):
        outcome = compare.run_side(side, script, directives)
        if outcome.exit != directives.exit and side.name == "skynet":
            said = f"{(outcome.err or outcome.log)[-600:]}\n{outcome.out[-600:]}"
            return f"exit {outcome.exit}, expected {directives.exit}: {said}"
        if "script failed:" in outcome.out:
            return outcome.out[-1500:]
        transcript = compare.transcript_of(outcome, side, script, directives)
        if first is not None and transcript != first:
            return "not stable:\n" + compare.side_by_side(first, transcript, ("first", "again"), 160, False)
        first = transcript
    assert first is not None
    if check:
        old = compare.Transcript.loads(stored.read_text(encoding="utf-8")) if stored.exists() else None
        if old != first:
            return "differs from the stored transcript"
        return ""
    stored.write_text(first.dumps(), encoding="utf-8")
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skynet", type=Path, default=os.environ.get("SKYNET"))
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--snhost", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if args.skynet is None and not args.snhost:
        parser.error("--skynet DIR or the variable SKYNET is needed")
    side = compare.snhost_side() if args.snhost else compare.skynet_side(Path(args.skynet))
    bad = 0
    scripts = [
        script
        for script in sorted((HERE / "scripts").glob("*.lua"))
        if not args.names or any(fnmatch(script.stem, name) for name in args.names)
    ]
    if args.snhost:
        scripts = [script for script in scripts if compare.read_directives(script).differs]
    # A node mostly waits, for its own end above all.
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda script: record(script, side, args.times, args.check), scripts)
        for script, wrong in zip(scripts, results, strict=True):
            print(f"{script.stem:<32} {wrong or 'ok'}", flush=True)
            bad += bool(wrong)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
