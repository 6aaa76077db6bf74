"""The pytest plugin, as a user of snhost meets it."""

import os
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from host.errors import LaunchError, NodeError

pytest_plugins = ["pytester"]

# Where snhost is installed, pytest finds the plugin by itself.
PLUGIN = [] if any(e.name == "snhost" for e in entry_points(group="pytest11")) else ["-p", "host.testing"]

COUNTER = """
    local skynet = require "skynet"
    local n = math.tointeger((...))
    skynet.start(function()
        skynet.dispatch("lua", function(_, _, cmd, i)
            assert(cmd == "add", cmd)
            n = n + i
            skynet.retpack(n)
        end)
    end)
"""


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=os.pathsep)
    pytester.makefile(".lua", counter=COUNTER)
    return pytester


def run(project, source):
    project.makepyfile("from pathlib import Path\n\n" + source)
    return project.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider")


def test_a_lua_service_is_tested_in_a_few_lines(project):
    result = run(
        project,
        """
def test_a_counter_counts(snhost_node):
    node = snhost_node({"counter": Path("counter.lua")})
    counter = node.newservice("counter", 10)
    assert node.call(counter, "add", 5) == 15

def test_another_node_knows_nothing_of_the_first(snhost_node):
    node = snhost_node({"counter": Path("counter.lua")})
    counter = node.newservice("counter", 10)
    assert node.call(counter, "add", 5) == 15
""",
    )

    result.assert_outcomes(passed=2)


def test_the_log_is_shown_with_a_test_that_failed(project):
    result = run(
        project,
        """
import pytest

@pytest.mark.parametrize("expected", [15, 16])
def test_counter(snhost_node, expected):
    node = snhost_node({"counter": Path("counter.lua")})
    assert node.call(node.newservice("counter", 10), "add", 5) == expected
""",
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- snhost log -*", "*[[]:????????] LAUNCH snlua counter 10"])
    assert str(result.stdout).count("- snhost log -") == 1


def test_sources_may_be_text_files_and_in_directories(snhost_node, tmp_path):
    module = tmp_path / "shout.py"
    module.write_text(
        "from host.service import Service\n"
        "class Shout(Service):\n"
        "    def cmd_shout(self, text):\n"
        "        return text.upper()\n"
        "create, init, release, signal = Shout.hooks()\n"
    )
    node = snhost_node(
        {
            "counter": COUNTER,
            "deep/counter": COUNTER,
            "helper": "return { twice = function(n) return 2 * n end }",
            "doubled": """
                local skynet = require "skynet"
                local helper = require "helper"
                skynet.start(function()
                    skynet.dispatch("lua", function(_, _, n) skynet.retpack(helper.twice(n)) end)
                end)
            """,
            "shout": module,
        }
    )

    assert node.call(node.newservice("deep/counter", 1), "add", 1) == 2
    assert node.call(node.newservice("doubled"), 21) == 42
    assert node.call(node.call(".launcher", "LAUNCH", "shout"), "shout", "a") == "A"


def test_the_configuration_can_be_given_and_its_paths_are_searched_too(snhost_node, tmp_path):
    (tmp_path / "elsewhere.lua").write_text(COUNTER)
    node = snhost_node(thread=3, mykey="my value", luaservice=f"{tmp_path}/?.lua")

    assert node.stat().workers == 3
    assert node.config.env["mykey"] == "my value"
    assert node.call(node.newservice("elsewhere", 1), "add", 1) == 2


def test_a_start_service_that_fails_fails_the_test_with_its_reason(snhost_node):
    with pytest.raises(LaunchError, match="out of order"):
        snhost_node({"broken": "error 'out of order'"}, start="broken")

    assert "out of order" in snhost_node.log()


def test_one_node_at_a_time(snhost_node):
    node = snhost_node({"counter": COUNTER})
    with pytest.raises(NodeError, match="a node is running in this process"):
        snhost_node({"counter": COUNTER})

    node.stop()
    second = snhost_node({"counter": COUNTER})
    assert second.call(second.newservice("counter", 1), "add", 1) == 2


def test_what_is_no_source_is_an_error(snhost_node):
    with pytest.raises(FileNotFoundError):
        snhost_node({"nosuch": Path("nosuch.lua")})
