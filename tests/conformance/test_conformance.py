"""snhost shows, for every conformance script, what is stored of a real skynet.

A script whose head says `-- differs: REASON` has a second transcript, NAME.snhost.txt, with what snhost shows instead;
DIFFERENCES.md lists those scripts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from host import compare

HERE = Path(__file__).resolve().parent
SCRIPTS = sorted((HERE / "scripts").glob("*.lua"))
SKYNET = os.environ.get("SKYNET")
LUALIBS = ["own", "skynet"] if SKYNET else ["own"]

CASES = [
    pytest.param(script, lualib, lua, id=f"{script.stem}-{lualib}-{lua}")
    for script in SCRIPTS
    for lualib in LUALIBS
    for lua in ("5.4", "5.5")
    if compare.read_directives(script).lua in (None, lua)
]


def stored(script: Path, lualib: str) -> list[compare.Transcript]:
    """What may be shown. On the lualib of skynet a difference is there or not, as it lies in Lua or below."""
    theirs = HERE / "transcripts" / f"{script.stem}.txt"
    ours = theirs.with_suffix(".snhost.txt")
    paths = [ours] if ours.exists() else [theirs]
    if lualib == "skynet" and theirs not in paths:
        paths.append(theirs)
    return [compare.Transcript.loads(path.read_text(encoding="utf-8")) for path in paths]


def transcript_on_snhost(script: Path, lualib: str, lua: str) -> compare.Transcript:
    directives = compare.read_directives(script)
    side = compare.snhost_side(lualib, Path(SKYNET) if SKYNET else None, lua)
    outcome = compare.run_side(side, script, directives)
    if outcome.exit != directives.exit and not outcome.out and not outcome.log:
        pytest.fail(f"snhost: exit {outcome.exit}\n{outcome.err[-2000:]}")
    return compare.transcript_of(outcome, side, script, directives)


Runs = dict[str, "Future[compare.Transcript]"]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    """All the runs which this session asks for, a few at a time: a node waits more than it works."""
    wanted: Runs = {}
    with ThreadPoolExecutor(4) as pool:
        for item in request.session.items:
            case = getattr(item, "callspec", None)
            if item.path == Path(__file__) and case is not None and "lualib" in case.params:
                params = case.params
                wanted[case.id] = pool.submit(transcript_on_snhost, params["script"], params["lualib"], params["lua"])
        yield wanted
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("script", "lualib", "lua"), CASES)
def test_script_shows_what_is_stored(
    script: Path, lualib: str, lua: str, runs: Runs, request: pytest.FixtureRequest
) -> None:
    directives = compare.read_directives(script)
    expected = stored(script, lualib)

    transcript = runs[request.node.callspec.id].result()

    if not any(compare.compare_transcripts(one, transcript, directives.log).same for one in expected):
        pytest.fail(compare.side_by_side(expected[0], transcript, ("stored", "snhost"), 160, False), pytrace=False)


def test_every_script_has_a_transcript_and_every_transcript_a_script() -> None:
    scripts = {script.stem for script in SCRIPTS}
    transcripts = {path.name.split(".")[0] for path in (HERE / "transcripts").glob("*.txt")}

    assert scripts == transcripts
    assert len(scripts) >= 120


def test_every_difference_is_listed_with_its_reason() -> None:
    differing = {script.stem for script in SCRIPTS if compare.read_directives(script).differs}
    second = {path.name.split(".")[0] for path in (HERE / "transcripts").glob("*.snhost.txt")}
    page = HERE.parent.parent / "DIFFERENCES.md"
    listed = set(re.findall(r"`(\w+)\.lua`", page.read_text(encoding="utf-8"))) if page.exists() else set()

    assert differing == second
    assert differing <= listed
