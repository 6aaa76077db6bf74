"""The comparison of two runtimes: directives, normalisation, verdicts, exit codes.

The runtimes here are small fakes: a program that writes a prepared stdout and a prepared log. What the two real ones
make of the conformance scripts is tested in tests/conformance.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from host import compare
from host.transcript import RULES, CannotRun, Directives, Line, Outcome, Transcript

FAKE = """\
#!{python}
import pathlib, re, sys, time
here = pathlib.Path(__file__).resolve().parent
config = pathlib.Path(sys.argv[1]).read_text()
log = re.search(r'^logger = "(.*)"$', config, re.M)[1]
(here / "seen_config").write_text(config)
with open(log, "w") as f:
    for line in (here / "log").read_text().splitlines():
        f.write("01/02/26 03:04:05.06 " + line + "\\n")
sys.stdout.write((here / "out").read_text())
sys.stdout.flush()
sys.stderr.write((here / "err").read_text())
(here / "started").touch()
time.sleep(float((here / "sleep").read_text()))
sys.exit(int((here / "exit").read_text()))
"""


class Fake:
    """A directory with a program `skynet` that shows what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        program = folder / "skynet"
        program.write_text(FAKE.format(python=sys.executable))
        program.chmod(0o755)
        self.started = folder / "started"
        self.shows()

    def shows(self, out: str = "", log: str = "", err: str = "", exit: int = 0, sleep: float = 0) -> None:
        for name, text in (("out", out), ("log", log), ("err", err), ("exit", str(exit)), ("sleep", str(sleep))):
            (self.folder / name).write_text(text)

    @property
    def config(self) -> str:
        return (self.folder / "seen_config").read_text()


@pytest.fixture
def skynet(tmp_path: Path) -> Fake:
    return Fake(tmp_path / "skynet")


@pytest.fixture
def snhost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake(tmp_path / "snhost")
    side = compare.Side("snhost", (str(fake.folder / "skynet"),), {}, (), ())
    monkeypatch.setattr(compare, "snhost_side", lambda *args: side)
    return fake


@pytest.fixture
def script(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    folder.mkdir()
    path = folder / "demo.lua"
    path.write_text("-- a demo\n")
    return path


def head(script: Path, *lines: str) -> Directives:
    script.write_text("\n".join(f"-- {line}" for line in lines) + "\nlocal skynet = require 'skynet'\n-- exit: 99\n")
    return compare.read_directives(script)


def arguments(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    compare.add_parser(parser.add_subparsers())
    return parser.parse_args(["compare", *map(str, words)])


def transcribed(script: Path, directives: Directives, out: str = "", log: str = "") -> list[str]:
    lines = textwrap.dedent(log).splitlines()
    text = "".join(f"01/02/26 03:04:05.06 {line}\n" if line.startswith("[:") else line + "\n" for line in lines)
    transcript = compare.transcribe(Outcome("0", out, text, "", 0.0, 0), script, directives)
    return [str(line) for line in transcript.lines]


def test_directives_have_defaults(script: Path) -> None:
    directives = head(script, "nothing to say")

    assert directives.rules == {name for name, rule in RULES.items() if rule.default}
    assert (directives.log, directives.exit, directives.limit, directives.lua) == ("tail", "0", 30.0, None)


def test_directives_are_read_from_the_head_only(script: Path) -> None:
    directives = head(
        script,
        "compare: sizes -handles",
        "log: own",
        "exit: 1",
        "limit: 2.5",
        "unordered: item",
        "unordered: other",
        'config: key = "a = b"',
        "lua: 5.5",
        "differs: for a reason",
    )

    assert "sizes" in directives.rules
    assert "handles" not in directives.rules
    assert (directives.log, directives.exit, directives.limit) == ("own", "1", 2.5)
    assert directives.unordered == ("item", "other")
    assert directives.config == (("key", '"a = b"'),)
    assert (directives.lua, directives.differs) == ("5.5", "for a reason")


@pytest.mark.parametrize(
    "line", ["compare: nosuch", "log: some", "exit: soon", "limit: long", "config: no equals sign"]
)
def test_a_directive_that_makes_no_sense_is_refused(script: Path, line: str) -> None:
    with pytest.raises(CannotRun, match=str(script)):
        head(script, line)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("handles", "from :0000000a to :0000000b and :0000000A", "from :H1 to :H2 and :H1"),
        ("handles", "lua call [a to :b : 3 msgsz = 4] error", "lua call [:H1 to :H2 : 3 msgsz = 4] error"),
        ("handles", "lua call [0 to :b : 3 msgsz = 4] error", "lua call [:H0 to :H1 : 3 msgsz = 4] error"),
        ("handles", "KILL :c", "KILL :H1"),
        ("handles", "demo.lua:10: no handle", "demo.lua:10: no handle"),
        ("timestamps", "at 31/12/26 23:59:59.99 sharp", "at <time> sharp"),
        ("timestamps", "open Mon Nov 23 06:21:36 2026", "open <time>"),
        ("pointers", "table: 0x55d2c0ffee00 and userdata: (nil)", "table: <pointer> and userdata: <pointer>"),
        ("pointers", "dest address type (nil) is a type", "dest address type (nil) is a type"),
        ("durations", "cost 0.25 sec, 12 ms, 3s", "cost <duration>, <duration>, <duration>"),
        ("sizes", "GC 12.34 Kb -> 5.00 Kb, 32K, 1.5 M", "GC <size> -> <size>, <size>, <size>"),
        ("msgsz", "lua call [a to :b : 31 msgsz = 4] error", "lua call [a to :b : 31 msgsz = <size>] error"),
        ("sessions", "lua call [a to :b : 31 msgsz = 4]", "lua call [a to :b : <session> msgsz = 4]"),
        ("sessions", "Unknown session : 5 from 8", "Unknown session : <session> from 8"),
        (
            "replies",
            "[8 to :a : 3 msgsz = 73] error : x.lua:5: call failed",
            "[8 to :a : 3 msgsz = ] error : call failed",
        ),
        ("replies", "[8 to :a : 3 msgsz = 73] error : boom", "[8 to :a : 3 msgsz = 73] error : boom"),
        ("versions", "endless loop (version = 123)", "endless loop (version = <version>)"),
        ("ports", "from 127.0.0.1:40512, 127.0.0.1 40513", "from 127.0.0.1:<port>, 127.0.0.1 <port>"),
        ("positions", "<lualib>/skynet.lua:12: <service>/x.lua:3: text", "text"),
        ("positions", "demo.lua:12: kept", "demo.lua:12: kept"),
        ("traces", "<TRACE :0000000a-1> 123456 call : @a.lua:1 @b.lua:2", "<TRACE :0000000a-1> call"),
    ],
)
def test_each_rule_removes_what_may_differ(script: Path, rule: str, text: str, expected: str) -> None:
    assert transcribed(script, Directives(rules=frozenset({rule})), text + "\n") == [f"out| {expected}"]
    assert transcribed(script, Directives(rules=frozenset()), text + "\n") == [f"out| {text}"]


def test_handles_are_numbered_over_the_whole_transcript(script: Path) -> None:
    lines = transcribed(
        script,
        Directives(rules=frozenset({"handles"}), log="whole"),
        "I am :0000000b\n",
        """\
        [:0000000a] first source
        [:0000000b] answers :0000000a
        """,
    )

    assert lines == ["out| I am :H1", "log :H2| first source", "log :H1| answers :H2"]


def test_tracebacks_are_removed_with_their_frames_only(script: Path) -> None:
    text = "boom\nstack traceback:\n\t[C]: in error\n\tmore\nafter\n\tindented\n"

    assert transcribed(script, Directives(rules=frozenset({"tracebacks"})), text) == [
        "out| boom",
        "out| after",
        "out| \tindented",
    ]


def test_colour_codes_are_removed(script: Path) -> None:
    assert transcribed(script, Directives(), "\x1b[31mred\x1b[0m\n") == ["out| red"]


def test_a_chunk_name_which_lua_cut_is_told_by_its_last_part(script: Path) -> None:
    out = "...me/where/scripts/demo.lua:3: ours\n...me/where/lualib/skynet.lua:4: theirs\n"

    assert transcribed(script, Directives(rules=frozenset({"positions"})), out) == [
        "out| demo.lua:3: ours",
        "out| theirs",
    ]


def test_the_log_is_split_by_source_with_its_launch_line_first(script: Path) -> None:
    lines = transcribed(
        script,
        Directives(log="whole"),
        log="""\
        [:00000009] says something early
        [:00000008] LAUNCH snlua demo
        [:00000009] LAUNCH snlua other
        and a second line
        [:00000008] last
        """,
    )

    assert lines == [
        "log :00000008| LAUNCH snlua demo",
        "log :00000008| last",
        "log :00000009| LAUNCH snlua other",
        "log :00000009| and a second line",
        "log :00000009| says something early",
    ]


def test_a_line_that_the_log_repeats_may_count_once(script: Path) -> None:
    log = """\
        [:0000000a] slow (version = 1)
        [:0000000b] other
        [:0000000a] slow (version = 2)
        [:0000000a] fast
        [:0000000a] slow (version = 3)
        """
    rules = frozenset({"versions"})

    assert len(transcribed(script, Directives(rules=rules), log=log)) == 5
    assert transcribed(script, Directives(rules=rules | {"repeats"}), log=log) == [
        "log :0000000a| slow (version = <version>)",
        "log :0000000a| fast",
        "log :0000000a| slow (version = <version>)",
        "log :0000000b| other",
    ]


def test_log_own_leaves_out_the_life_of_boot_services_but_not_their_troubles(script: Path) -> None:
    log = """\
        [:00000002] LAUNCH snlua bootstrap
        [:00000003] LAUNCH snlua launcher
        [:00000005] LAUNCH harbor 0 4
        [:00000008] LAUNCH snlua demo
        [:00000003] lua call error
        [:00000002] KILL self
        """

    assert transcribed(script, Directives(log="own"), log=log) == [
        "log :00000003| lua call error",
        "log :00000008| LAUNCH snlua demo",
    ]
    assert transcribed(script, Directives(log="no"), log=log) == []


def test_unordered_lines_are_sorted_within_their_block(script: Path) -> None:
    out = "item b\nitem a\nfixed\nitem d\nitem c\n"

    assert transcribed(script, Directives(unordered=("item",)), out) == [
        "out| item a",
        "out| item b",
        "out| fixed",
        "out| item c",
        "out| item d",
    ]


def test_a_transcript_survives_being_stored() -> None:
    transcript = Transcript(
        "timeout", (Line("out", ""), Line("out", "  a | b"), Line("log :H1", "x"), Line("log :H1", ""))
    )

    assert Transcript.loads(transcript.dumps()) == transcript


@pytest.mark.parametrize("text", ["", "something\n", "exit 0\nno bar here\n"])
def test_what_is_no_transcript_is_refused(text: str) -> None:
    with pytest.raises(CannotRun, match="not a transcript"):
        Transcript.loads(text)


def both(left: list[Line], right: list[Line], log: str) -> compare.Verdict:
    return compare.compare_transcripts(Transcript("0", tuple(left)), Transcript("0", tuple(right)), log)


def test_transcripts_differ_by_exit_code_by_text_and_by_order() -> None:
    a, b = Line("out", "a"), Line("out", "b")

    assert both([a, b], [a, b], "whole").same
    assert not both([a, b], [b, a], "whole").same
    assert not both([a], [a, b], "tail").same
    assert not compare.compare_transcripts(Transcript("0", (a,)), Transcript("1", (a,))).same


def test_lines_of_the_log_may_be_lost_at_its_end_only_when_the_script_allows_it() -> None:
    one, two, three = Line("log :H1", "one"), Line("log :H1", "two"), Line("log :H2", "three")

    assert both([one, two, three], [one], "tail") == compare.Verdict(True, 2)
    assert not both([one, two], [two], "tail").same
    assert not both([one, two], [one], "own").same
    assert not both([one, two], [one], "whole").same


def test_a_run_has_an_exit_code_a_time_and_a_peak_memory(tmp_path: Path) -> None:
    code, seconds, peak, out, err = compare.execute(
        [sys.executable, "-c", "import sys; print('o'); print('e', file=sys.stderr); sys.exit(3)"], 30, {}, tmp_path
    )

    assert (code, out, err) == ("3", "o\n", "e\n")
    assert seconds > 0
    assert peak > 1000


def test_a_run_that_dies_of_a_signal_shows_its_number(tmp_path: Path) -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGABRT)"

    assert compare.execute([sys.executable, "-c", program], 30, {}, tmp_path)[0] == "-6"


def limit_strikes_when(monkeypatch: pytest.MonkeyPatch, *conditions: Callable[[], bool]) -> None:
    """The limits of the next runs strike when these are true, in turn, however slow the machine is."""
    waiting = iter(conditions)

    class Timer(threading.Thread):
        def __init__(self, _: float, strike: Callable[[], None]) -> None:
            super().__init__()
            self.condition = next(waiting)
            self.strike = strike

        def run(self) -> None:
            while not self.condition():
                time.sleep(0.01)
            self.strike()

        def cancel(self) -> None:
            pass

    monkeypatch.setattr(compare.threading, "Timer", Timer)


def test_a_run_beyond_its_limit_is_killed_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import subprocess, sys; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"
    limit_strikes_when(monkeypatch, lambda: (tmp_path / "out").read_text().endswith("\n"))

    code, _, _, out, _ = compare.execute([sys.executable, "-c", program], 1.5, {}, tmp_path)

    assert code == "timeout"
    status = Path(f"/proc/{int(out)}/stat")
    # A zombie until whoever inherited it looks. The signal is on its way.
    while status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] not in "ZX":
        time.sleep(0.01)


def test_a_limit_is_in_seconds(tmp_path: Path) -> None:
    code, seconds, *_ = compare.execute(["sleep", "1000"], 0.2, {}, tmp_path)

    assert code == "timeout"
    assert seconds >= 0.2


def test_the_config_names_the_script_its_directories_and_what_the_script_asks_for(script: Path, skynet: Fake) -> None:
    directives = head(script, "config: thread = 1", "config: extra = true")

    compare.run_side(compare.skynet_side(skynet.folder), script, directives)

    lines = skynet.config.splitlines()
    assert 'start = "demo"' in lines
    assert lines.index("thread = 4") < lines.index("thread = 1")
    assert "extra = true" in lines
    paths = next(line for line in lines if line.startswith("luaservice"))
    assert f"{script.parent}/?.lua" in paths
    assert f"{skynet.folder}/service/?.lua" in paths


def test_a_users_config_comes_first_and_keeps_what_need_not_be_set(tmp_path: Path, script: Path, skynet: Fake) -> None:
    config = tmp_path / "config"
    config.write_text('thread = 8\nluaservice = "./mine/?.lua"\n')

    compare.run_side(compare.skynet_side(skynet.folder), script, head(script), config)

    lines = skynet.config.splitlines()
    assert lines[0] == f'include "{config}"'
    assert not any(line.startswith("thread") for line in lines)
    assert f'cpath = (cpath or "") .. ";" .. "{skynet.folder}/cservice/?.so"' in lines
    assert f'lualoader = "{skynet.folder}/lualib/loader.lua"' in lines
    paths = next(line for line in lines if line.startswith("luaservice = "))
    assert f"{script.parent}/?.lua" in paths
    assert paths.endswith('.. (";" .. (luaservice or ""))')


def test_equal_runs_are_the_same(script: Path, skynet: Fake, snhost: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    skynet.shows("hello :0000000a\n", "[:0000000a] LAUNCH snlua demo")
    snhost.shows("hello :0000001f\n", "[:0000001f] LAUNCH snlua demo")

    assert compare.run(arguments(script, "--skynet", skynet.folder)) == 0

    shown = capsys.readouterr().out
    assert "demo.lua: same (2 lines)" in shown
    assert shown.count("MB peak") == 2


def test_different_runs_are_shown_side_by_side(
    script: Path, skynet: Fake, snhost: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    skynet.shows("one\ntwo\nthree\n")
    snhost.shows("one\n2\nthree\nfour\n")

    assert compare.run(arguments(script, "--skynet", skynet.folder)) == 1

    shown = capsys.readouterr().out
    rows = [line.split() for line in shown.splitlines()]
    assert ["out|", "two", "|", "out|", "2"] in rows
    assert [">", "out|", "four"] in rows
    assert "demo.lua: different" in shown
    assert "\x1b" not in shown


def test_the_side_by_side_view_is_coloured_on_request_and_folds_what_is_equal() -> None:
    left = Transcript("0", tuple(Line("out", f"line {i}") for i in range(30)))
    right = Transcript("0", (*left.lines, Line("out", "more")))

    shown = compare.side_by_side(left, right, ("skynet", "snhost"), 100, colour=True)

    assert "equal lines ..." in shown
    assert "\x1b[32m" in shown
    assert len(shown.splitlines()) < 15


def test_lost_log_lines_are_told(script: Path, skynet: Fake, snhost: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    skynet.shows("x\n", "[:0000000a] one")
    snhost.shows("x\n", "[:0000000a] one\n[:0000000a] two")

    assert compare.run(arguments(script, "--skynet", skynet.folder)) == 0
    assert "1 log lines lost at the end" in capsys.readouterr().out


def test_a_known_difference_is_told_with_its_reason(
    script: Path, skynet: Fake, snhost: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    head(script, "differs: a better message")
    skynet.shows("a\n")
    snhost.shows("b\n")

    assert compare.run(arguments(script, "--skynet", skynet.folder)) == 1
    assert "as is known: a better message" in capsys.readouterr().out


def test_a_stored_transcript_stands_in_for_skynet(script: Path, skynet: Fake, snhost: Fake, tmp_path: Path) -> None:
    stored = tmp_path / "stored.txt"
    skynet.shows("x at :0000000a\n", "[:0000000a] line")
    snhost.shows("x at :00000010\n", "[:00000010] line")

    assert compare.run(arguments(script, "--skynet", skynet.folder, "--record", stored)) == 0
    assert stored.read_text() == "exit 0\nout| x at :H1\nlog :H1| line\n"
    assert compare.run(arguments(script, "--against", stored)) == 0
    snhost.shows("y\n")
    assert compare.run(arguments(script, "--against", stored)) == 1


def cannot(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert compare.run(arguments(*words)) == 2
    return capsys.readouterr().err


def test_exit_code_2_says_which_side_could_not_run_and_why(
    script: Path,
    skynet: Fake,
    snhost: Fake,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SKYNET", raising=False)
    assert "no such script" in cannot(capsys, tmp_path / "nosuch.lua")
    assert "no skynet to compare with" in cannot(capsys, script)
    assert "no built skynet" in cannot(capsys, script, "--skynet", tmp_path)
    assert "nosuch.txt" in cannot(capsys, script, "--against", tmp_path / "nosuch.txt")
    assert "give one of them" in cannot(capsys, script, "--against", "a", "--record", "b")
    skynet.shows(err="cannot start", exit=1)
    assert "skynet: exit 1, expected 0\ncannot start" in cannot(capsys, script, "--skynet", skynet.folder)
    skynet.shows("fine\n")
    snhost.shows(err="broken", exit=1)
    assert "snhost: exit 1, expected 0\nbroken" in cannot(capsys, script, "--skynet", skynet.folder)


def test_an_unexpected_end_of_snhost_is_a_difference_when_it_showed_something(
    script: Path, skynet: Fake, snhost: Fake
) -> None:
    skynet.shows("x\n")
    snhost.shows("x\n", exit=134)

    assert compare.run(arguments(script, "--skynet", skynet.folder)) == 1


def test_a_script_that_never_ends_may_say_so(
    script: Path, skynet: Fake, snhost: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    head(script, "exit: timeout", "limit: 1")
    skynet.shows("x\n", sleep=100)
    snhost.shows("x\n", sleep=100)
    limit_strikes_when(monkeypatch, skynet.started.exists, snhost.started.exists)

    assert compare.run(arguments(script, "--skynet", skynet.folder)) == 0


def test_skynet_is_found_by_the_environment(
    script: Path, skynet: Fake, snhost: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYNET", str(skynet.folder))

    assert compare.run(arguments(script)) == 0


def test_the_foreign_lualib_needs_a_checkout() -> None:
    with pytest.raises(CannotRun, match="--lualib skynet needs"):
        compare.snhost_side("skynet")


def test_the_foreign_lualib_is_taken_from_the_checkout(tmp_path: Path) -> None:
    side = compare.snhost_side("skynet", tmp_path, "5.5")

    assert side.keys["lualoader"] == f'"{tmp_path}/lualib/loader.lua"'
    assert side.keys["lua"] == '"5.5"'
    assert side.lualib == (tmp_path / "lualib",)


def test_help_documents_every_rule_and_directive() -> None:
    parser = argparse.ArgumentParser()

    text = compare.add_parser(parser.add_subparsers()).format_help()

    assert all(f" {name} " in text for name in RULES)
    assert all(
        f"-- {name}:" in text for name in ("compare", "log", "exit", "limit", "unordered", "config", "lua", "differs")
    )


@pytest.mark.skipif("SKYNET" not in os.environ, reason="needs a built skynet in SKYNET")
def test_a_conformance_script_is_the_same_on_the_real_one(capsys: pytest.CaptureFixture[str]) -> None:
    script = Path(__file__).parent / "conformance" / "scripts" / "call_results.lua"

    assert compare.run(arguments(script)) == 0, capsys.readouterr().out
