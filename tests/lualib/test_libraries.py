"""The Lua libraries, by services in tests/lua that check them from inside and end with a verdict."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

LIBRARIES = [
    "coroutine",
    "datacenter",
    "debug",
    "harbor",
    "inject",
    "injectcode",
    "loader",
    "manager",
    "mqueue",
    "queue",
    "queue_killed",
    "remotedebug",
    "require",
    "service",
]


@pytest.mark.parametrize("library", LIBRARIES)
def test_library_passes_its_checks(run_node: Callable[..., Any], library: str) -> None:
    result = run_node(f"test_{library}")

    assert re.search(r"VERDICT ok \d+$", result.stdout, re.MULTILINE), result.stdout
    assert result.returncode == 0
