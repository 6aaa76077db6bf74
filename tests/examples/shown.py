"""What the READMEs of the examples show, and nodes that show it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from netparts import ServingNode

EXAMPLES = Path(__file__).parents[2] / "examples"


def sessions(name: str) -> dict[str, list[str]]:
    """Return what the README shows: command -> lines of its output."""
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    shown: dict[str, list[str]] = {}
    command = ""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                command = line[2:]
                shown[command] = []
            else:
                shown[command].append(line)
    return shown


def start(name: str, **config: object) -> ServingNode:
    settings = [word for key, value in config.items() for word in ("--set", f"{key}={value}")]
    return ServingNode([sys.executable, "-m", "host", "run", str(EXAMPLES / name / "config"), *settings])


def of_services(lines: Sequence[str]) -> list[str]:
    """Return the lines of the example's own services, addresses left out: what the others log may come in between."""
    own = [re.sub(r"^\[:\w{8}\] ", "", line) for line in lines]
    return [re.sub(r"(127\.0\.0\.1):\d+", r"\1:PORT", text) for text in own if not re.match("LAUNCH |KILL ", text)]
