"""The benchmark report: reading, medians, ratios, table, chart and JSON; the runtimes are fakes."""

from __future__ import annotations

import argparse
import json
import sys
import xml.dom.minidom
from dataclasses import replace
from pathlib import Path

import pytest

from host import bench, compare

FAKE = """\
#!{python}
import pathlib, re, sys
here = pathlib.Path(__file__).resolve().parent
config = pathlib.Path(sys.argv[1]).read_text()
case = re.search(r'^bench = "(.*)"$', config, re.M)[1]
with open(here / "runs", "a") as f:
    f.write(" ".join([here.name, case, *re.findall(r"^profile = (.*)$", config, re.M)]) + "\\n")
with open(here.parent / "order", "a") as f:
    f.write(here.name + " " + case + "\\n")
if case in (here / "fails").read_text().split():
    print("cannot", case, file=sys.stderr)
    sys.exit(1)
unit = "KB/service" if case == "memory" else "call/s"
print("BENCH", case, (here / "value").read_text(), unit)
"""


class Fake:
    def __init__(self, folder: Path, value: float) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "skynet").write_text(FAKE.format(python=sys.executable))
        (folder / "skynet").chmod(0o755)
        (folder / "value").write_text(str(value))
        (folder / "fails").write_text("")

    @property
    def runs(self) -> list[str]:
        return (self.folder / "runs").read_text().splitlines()


@pytest.fixture
def skynet(tmp_path: Path) -> Fake:
    return Fake(tmp_path / "skynet", 100)


@pytest.fixture
def snhost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake(tmp_path / "snhost", 250)
    side = replace(compare.skynet_side(fake.folder), name="snhost")
    monkeypatch.setattr(bench, "snhost_side", lambda *args: side)
    monkeypatch.setattr(bench, "find_jemalloc", lambda: None)
    monkeypatch.delenv("SKYNET", raising=False)
    return fake


def arguments(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    bench.add_parser(parser.add_subparsers())
    return parser.parse_args(["bench", *map(str, words)])


def figure(name: str, ours: list[float], theirs: list[float], unit: str = "call/s") -> bench.Figure:
    return bench.Figure(name, unit, True, {"snhost": ours, "skynet": theirs})


def test_only_bench_lines_are_read() -> None:
    text = "[:00000008] LAUNCH\nBENCH ring 1.5e+05 hop/s\nnoise\nBENCH memory 50.25 KB/service\n"

    assert bench.parse_output(text) == [("ring", 150000.0, "hop/s"), ("memory", 50.25, "KB/service")]


def test_the_cases_are_those_which_the_script_defines() -> None:
    script = Path(__file__).parent / "bench" / "bench_main.lua"

    cases = bench.known_cases(script)

    assert set(bench.MESSAGE_CASES) <= set(cases)
    assert "memory" in cases


def test_a_figure_has_median_spread_and_ratio() -> None:
    f = figure("ring", [200, 220, 180], [100, 100, 130])

    assert f.median("snhost") == 200
    assert f.spread("snhost") == pytest.approx(0.2)
    assert f.ratio() == pytest.approx(2.0)


def test_where_less_is_better_the_ratio_is_turned_round() -> None:
    assert figure("memory", [25], [50], "KB/service").ratio() == pytest.approx(2.0)


def test_a_figure_of_one_side_has_no_ratio_and_one_value_no_spread() -> None:
    f = bench.Figure("ring", "hop/s", True, {"snhost": [5.0]})

    assert f.ratio() is None
    assert f.spread("snhost") is None
    assert f.median("skynet") is None


def test_means_are_geometric_and_split_into_message_cases_and_all() -> None:
    figures = [figure("ring", [200], [100]), figure("pairs", [800], [100]), figure("newservice", [100], [100])]

    (_, messages), (_, everything) = bench.means(figures)

    assert messages == pytest.approx(4.0)
    assert everything == pytest.approx(16 ** (1 / 3))


def test_the_table_shows_both_sides_and_the_ratio() -> None:
    rows = bench.table([figure("ring", [200_000, 210_000], [100_000, 100_000])], ["skynet", "snhost"]).splitlines()

    assert rows[0] == "profile = true"
    assert rows[2].split() == ["ring", "100", "k", "±0%", "205", "k", "±2%", "2.05", "call/s"]
    assert rows[3].split()[-1] == "2.05"


def test_the_table_of_one_side_has_no_ratios() -> None:
    text = bench.table([bench.Figure("ring", "hop/s", False, {"snhost": [5.0]})], ["snhost"])

    assert "ratio" not in text
    assert "profile = false" in text


@pytest.mark.parametrize("theirs", [{}, {"skynet": [100.0]}])
def test_the_chart_is_well_formed_and_names_every_case(theirs: dict[str, list[float]]) -> None:
    figures = [bench.Figure(n, "x<y/s", True, {"snhost": [v], **theirs}) for n, v in (("ring", 50.0), ("pairs", 900.0))]

    document = xml.dom.minidom.parseString(bench.chart(figures, "A & B"))

    texts = [
        "".join(c.data for c in t.childNodes if c.nodeType == c.TEXT_NODE)
        for t in document.getElementsByTagName("text")
    ]
    assert "A & B" in texts
    assert {"ring", "pairs"} <= set(texts)
    bars = [r for r in document.getElementsByTagName("rect") if float(r.getAttribute("height")) < 30]
    assert len(bars) == (2 if theirs else 0)


def test_both_sides_run_in_turns_and_the_first_changes(
    skynet: Fake, snhost: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run(arguments("--skynet", skynet.folder, "--rounds", 2, "--cases", "ring,pairs")) == 0

    assert (tmp_path / "order").read_text().splitlines() == [
        "skynet ring",
        "snhost ring",
        "skynet pairs",
        "snhost pairs",
        "snhost ring",
        "skynet ring",
        "snhost pairs",
        "skynet pairs",
    ]
    assert "2.50" in capsys.readouterr().out


def test_profile_both_runs_every_case_with_and_without(skynet: Fake, snhost: Fake) -> None:
    assert bench.run(arguments("--skynet", skynet.folder, "--rounds", 1, "--cases", "ring", "--profile", "both")) == 0

    assert skynet.runs == ["skynet ring true", "skynet ring false"]


def test_without_skynet_snhost_runs_alone(snhost: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run(arguments("--rounds", 1, "--cases", "ring")) == 0

    shown = capsys.readouterr().out
    assert "250" in shown
    assert "ratio" not in shown


def test_json_and_chart_are_written(skynet: Fake, snhost: Fake, tmp_path: Path) -> None:
    data, picture = tmp_path / "bench.json", tmp_path / "bench.svg"

    code = bench.run(
        arguments(
            "--skynet", skynet.folder, "--rounds", 2, "--cases", "ring,memory", "--json", data, "--chart", picture
        )
    )

    assert code == 0
    stored = json.loads(data.read_text())
    ring, memory = stored["figures"]
    assert ring["values"] == {"skynet": [100.0, 100.0], "snhost": [250.0, 250.0]}
    assert ring["ratio"] == pytest.approx(2.5)
    assert memory["ratio"] == pytest.approx(0.4)
    assert stored["settings"]["thread"] == 2
    assert {"cpu", "cores", "python", "snhost"} <= set(stored["machine"])
    assert picture.read_text().startswith("<svg")


def test_a_case_that_fails_is_told_and_not_tried_again(
    skynet: Fake, snhost: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    (snhost.folder / "fails").write_text("ring")

    assert bench.run(arguments("--skynet", skynet.folder, "--rounds", 3, "--cases", "ring,pairs")) == 2

    assert snhost.runs.count("snhost ring true") == 1
    assert skynet.runs.count("skynet ring true") == 3
    assert "failed: snhost: ring: exit 1: cannot ring" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--cases", "nosuch"), "no such case: nosuch"),
        (("--rounds", 0), "at least 1"),
        (("--bench", "nosuch"), "no benchmark scripts"),
        (("--skynet", "nosuch"), "no built skynet"),
    ],
)
def test_what_cannot_run_is_said(
    snhost: Fake, words: tuple[object, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run(arguments(*words)) == 2
    assert text in capsys.readouterr().err


def test_jemalloc_is_preloaded_into_skynet_only(skynet: Fake, snhost: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    environments: dict[str, dict[str, str]] = {}
    run_side = bench.run_side

    def spy(side: compare.Side, *rest: object) -> compare.Outcome:
        environments[side.name] = dict(side.environment)
        return run_side(replace(side, environment={}), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(bench, "find_jemalloc", lambda: "libjemalloc.so.2")
    monkeypatch.setattr(bench, "run_side", spy)

    assert bench.run(arguments("--skynet", skynet.folder, "--rounds", 1, "--cases", "ring")) == 0
    assert environments["skynet"] == {"LD_PRELOAD": "libjemalloc.so.2"}
    assert "LD_PRELOAD" not in environments["snhost"]
