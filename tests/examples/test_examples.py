"""Every example runs and prints what its README says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def readme_session(name):
    """Return the command of an example's README and the output shown below it."""
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^```console\n\$ (.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)
    return block[1], block[2].splitlines()


def run(command, *more):
    """Run it as the README says, from the checkout's root, with this Python."""
    program, *arguments = shlex.split(command)
    program = {"snhost": [sys.executable, "-m", "host"], "python": [sys.executable]}[program]
    result = subprocess.run(
        [*program, *arguments, *more],
        cwd=EXAMPLES.parent,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(EXAMPLES.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.splitlines()


def by_source(lines):
    """Sort lines by service: the log keeps the order of each, and promises nothing between two of them.

    Which handle a service gets depends on who has exited before, so a service is called what it was launched as.
    """
    text = "\n".join(lines)
    text = re.sub(r"/tmp/(lua_|file)\w+", "/tmp/NAME", text)
    text = re.sub(r"/\S*/examples/", "examples/", text)
    text = re.sub(r"session \d+", "session N", text)
    text = re.sub(r"(?<=\d{2}\] LAUNCH harbor 0 )\d+", "N", text)
    names = {m[1]: m[2].rstrip() for m in re.finditer(r"^\[:(\w{8})\] LAUNCH (.*)", text, re.MULTILINE)}
    text = re.sub(r":([0-9a-f]{8})\b", lambda m: f"<{names.get(m[1], 'refused')}>", text)
    sources = {}
    source = ""
    for line in text.splitlines():
        match = re.match(r"\[<.*?>\]", line)
        source = match[0] if match else source
        sources.setdefault(source, []).append(line)
    return sources


@pytest.mark.parametrize("name", ["hello", "pyservice", "pymodule", "hotconfig", "embed"])
def test_an_example_prints_what_its_readme_shows(name):
    if name == "hotconfig" and not any(Path("/usr").glob("lib/**/lua/5.4/lfs.so")):
        pytest.skip("there is no lfs for Lua 5.4 here: install lua-filesystem")
    command, expected = readme_session(name)

    assert by_source(run(command)) == by_source(expected)


def test_every_example_has_a_readme_with_its_output():
    for directory in (path for path in EXAMPLES.iterdir() if path.is_dir() and any(path.glob("*.lua"))):
        assert (directory / "README.md").exists(), directory
