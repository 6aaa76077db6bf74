"""Random service programs behave on snhost as on a real skynet; without one, they keep what holds for every program.

    SKYNET=DIR SNHOST_FUZZ=200 pytest tests/fuzz

runs 200 batches of each family; the default is what fits into an ordinary test run. With SNHOST_SHRINK set as well,
what is found is made as small as it gets, which can take minutes.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis import strategies as st

from fuzz import programs  # noqa: E402
from host import compare  # noqa: E402

LUA = Path(__file__).resolve().parent.parent / "conformance" / "lua"
BATCHES = int(os.environ.get("SNHOST_FUZZ", "4"))
SHRINK = "SNHOST_SHRINK" in os.environ
SKYNET = os.environ.get("SKYNET")

bounded = settings(
    max_examples=BATCHES,
    deadline=None,
    derandomize="SNHOST_FUZZ" not in os.environ,
    # Making a finding small takes minutes; that is for whoever looks for findings.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if SHRINK else [])],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    print_blob=False,
)


def batches(family: st.SearchStrategy) -> st.SearchStrategy:
    # A node takes a second to start and end, a program some milliseconds.
    return st.lists(family, min_size=1 if SHRINK else 10, max_size=25)


totals: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def tell_totals(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\nfuzzing: " + ", ".join(f"{count} {what}" for what, count in sorted(totals.items())))


def run_on(side: compare.Side, source: str, folder: Path) -> compare.Transcript:
    scripts = folder / "scripts"
    scripts.mkdir(exist_ok=True)
    if not (folder / "lua").exists():
        (folder / "lua").symlink_to(LUA)
    script = scripts / "program.lua"
    script.write_text(source, encoding="utf-8")
    directives = compare.read_directives(script)
    outcome = compare.run_side(side, script, directives)
    assert outcome.exit == "0", f"{side.name}: exit {outcome.exit}\n{outcome.err}\n{outcome.log[-2000:]}\n{source}"
    assert "script failed" not in outcome.out, outcome.out
    totals[f"messages on {side.name}"] += sum(map(int, re.findall(r"^messages (\d+)$", outcome.err, re.MULTILINE)))
    return compare.transcript_of(outcome, side, script, directives)


def assert_same_as_skynet(source: str, folder: Path) -> compare.Transcript:
    """Run on snhost, and on a real skynet when there is one; return the transcript of snhost."""
    ours = run_on(compare.snhost_side(), source, folder)
    if SKYNET:
        theirs = run_on(compare.skynet_side(Path(SKYNET)), source, folder)
        if not compare.compare_transcripts(theirs, ours, "own").same:
            (folder / "found.lua").write_text(source, encoding="utf-8")
            pytest.fail(
                f"differs from skynet, see {folder / 'found.lua'}\n"
                + compare.side_by_side(theirs, ours, ("skynet", "snhost"), 160, False)
            )
    return ours


def texts(transcript: compare.Transcript, stream: str) -> list[str]:
    return [line.text for line in transcript.lines if line.stream.startswith(stream)]


@pytest.mark.timeout(900)
@bounded
@given(batch=batches(programs.scheduling_programs))
def test_the_order_of_events_in_one_service_is_that_of_skynet(batch: list, tmp_path: Path) -> None:
    transcript = assert_same_as_skynet(programs.render_scheduling(batch), tmp_path)
    totals["scheduling programs"] += len(batch)

    # Every program reached its end, with an empty queue: nothing was lost and nothing spins.
    assert texts(transcript, "out") == [f"{i} ok number" for i in range(1, len(batch) + 1)]
    ends = [text for text in texts(transcript, "log") if text.startswith("tasks ")]
    assert len(ends) == len(batch)
    assert all(re.fullmatch(r"tasks \d+ mqlen 0", text) for text in ends)


@pytest.mark.timeout(900)
@bounded
@given(batch=batches(programs.network_programs))
def test_what_requests_between_services_show_is_that_of_skynet(batch: list, tmp_path: Path) -> None:
    transcript = assert_same_as_skynet(programs.render_network(batch), tmp_path)
    totals["network programs"] += len(batch)

    # Every request was answered or failed, and no coroutine of anybody waits for one that was not.
    out = texts(transcript, "out")
    assert out.count("own tasks 0") == len(batch)
    assert out[-2:] == ["services left 0", "memory is back true"]
    assert all(text.endswith(("gone", "{mqlen=0, task=0}")) for text in out if text.startswith("peer "))


@pytest.mark.timeout(900)
@bounded
@given(batch=st.lists(programs.seri_programs, min_size=1, max_size=8))
def test_values_are_written_and_streams_are_read_as_skynet_does(batch: list, tmp_path: Path) -> None:
    transcript = assert_same_as_skynet(programs.render_seri(batch), tmp_path)

    values = sum(len(values) for values, _ in batch)
    totals["values packed"] += values
    totals["streams unpacked"] += sum(len(streams) for _, streams in batch)
    assert sum(text.startswith("true ") for text in texts(transcript, "out")) == values
