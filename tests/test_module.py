"""The module loader: where modules are found, what they need, and what is said about those that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import NodeRun

from host import _lua, paths
from host.errors import ConfigError, ModuleError
from host.module import ModuleLoader

HOOKS = """
log = []


def create():
    return []


def init(instance, ctx, args):
    instance.append(args)
    return 0


def release(instance):
    log.append("release")


def signal(instance, n):
    log.append(n)
"""

MINIMAL = "def init(instance, ctx, args):\n    pass\n"


def write(path: Path, source: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


def failure(loader: ModuleLoader, name: str) -> str:
    with pytest.raises(ModuleError) as caught:
        loader.query(name)
    return str(caught.value)


# where


def test_patterns_are_tried_in_order(tmp_path: Path) -> None:
    write(tmp_path / "b/x.py", MINIMAL + "WHERE = 'b'\n")
    write(tmp_path / "c/x.py", MINIMAL + "WHERE = 'c'\n")
    loader = ModuleLoader(f"{tmp_path}/a/?.py;;{tmp_path}/b/?.py;{tmp_path}/c/?.py;")

    assert loader.query("x").init.__globals__["WHERE"] == "b"


def test_the_first_question_mark_stands_for_the_name(tmp_path: Path) -> None:
    write(tmp_path / "x/what?.py", MINIMAL)

    assert ModuleLoader(f"{tmp_path}/?/what?.py").query("x").name == "x"


def test_a_relative_pattern_starts_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "services/x.py", MINIMAL)
    monkeypatch.chdir(tmp_path)

    assert ModuleLoader("./services/?.py").query("x").name == "x"


@pytest.mark.parametrize("cpath", ["", "./cservice/?.so", ";;/nonexistent/?.so;/nonexistent/?.py"])
def test_built_in_modules_are_found_with_any_cpath(cpath: str) -> None:
    _lua.load()
    loader = ModuleLoader(cpath)

    assert {loader.query(name).name for name in ("logger", "harbor", "snlua")} == {"logger", "harbor", "snlua"}


def test_a_users_module_comes_before_the_built_in_one(tmp_path: Path) -> None:
    write(tmp_path / "logger.py", MINIMAL + "WHERE = 'mine'\n")

    assert ModuleLoader(f"{tmp_path}/?.py").query("logger").init.__globals__["WHERE"] == "mine"


@pytest.mark.parametrize("name", ["game.chat", "game/chat", "chät"])
def test_names_may_be_dotted_or_lead_into_directories(tmp_path: Path, name: str) -> None:
    write(tmp_path / f"{name}.py", MINIMAL)

    assert ModuleLoader(f"{tmp_path}/?.py").query(name).name == name


def test_names_that_differ_in_a_dot_are_different_modules(tmp_path: Path) -> None:
    for name in ("a.b", "a_b", "a/b"):
        write(tmp_path / f"{name}.py", MINIMAL + f"NAME = {name!r}\n")
    loader = ModuleLoader(f"{tmp_path}/?.py")

    assert [loader.query(name).init.__globals__["NAME"] for name in ("a.b", "a_b", "a/b")] == ["a.b", "a_b", "a/b"]


def test_a_module_is_loaded_once(tmp_path: Path) -> None:
    write(tmp_path / "x.py", MINIMAL)
    loader = ModuleLoader(f"{tmp_path}/?.py")

    assert loader.query("x") is loader.query("x")


def test_a_module_that_was_missing_is_looked_for_again(tmp_path: Path) -> None:
    loader = ModuleLoader(f"{tmp_path}/?.py")
    failure(loader, "x")

    write(tmp_path / "x.py", MINIMAL)

    assert loader.query("x").name == "x"


def test_more_than_the_32_modules_of_the_original_can_be_loaded(tmp_path: Path) -> None:
    loader = ModuleLoader(f"{tmp_path}/?.py")
    for i in range(40):
        write(tmp_path / f"m{i}.py", MINIMAL)

    assert [loader.query(f"m{i}").name for i in range(40)] == [f"m{i}" for i in range(40)]


# hooks


def test_the_four_hooks_are_taken(tmp_path: Path) -> None:
    write(tmp_path / "x.py", HOOKS)
    module = ModuleLoader(f"{tmp_path}/?.py").query("x")

    assert module.create is not None and module.release is not None and module.signal is not None
    instance = module.create()
    assert module.init(instance, None, "args") == 0
    module.signal(instance, 1)
    module.release(instance)

    assert instance == ["args"]
    assert module.init.__globals__["log"] == [1, "release"]


def test_init_alone_is_enough(tmp_path: Path) -> None:
    write(tmp_path / "x.py", MINIMAL)
    module = ModuleLoader(f"{tmp_path}/?.py").query("x")

    assert (module.create, module.release, module.signal) == (None, None, None)


def test_a_module_may_define_data_classes(tmp_path: Path) -> None:
    source = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    write(tmp_path / "x.py", source + "@dataclass\nclass X:\n    a: int\n" + MINIMAL)

    assert ModuleLoader(f"{tmp_path}/?.py").query("x").name == "x"


# failures


def test_a_missing_module_lists_every_path_tried(tmp_path: Path) -> None:
    loader = ModuleLoader(f"{tmp_path}/?.py;./cservice/?.so;./other/?.py")

    assert failure(loader, "nosuch") == (
        f"try open nosuch failed : no file '{tmp_path}/nosuch.py', './cservice/nosuch.so' is not Python, "
        f"no file './other/nosuch.py', no file '{paths.CSERVICE}/nosuch.py'"
    )


def test_a_module_without_init_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "x.py", "def create():\n    pass\n")

    assert failure(ModuleLoader(f"{tmp_path}/?.py"), "x") == (
        f"try open x failed : '{path}' has no function init(instance, ctx, args)"
    )


@pytest.mark.parametrize(
    ("source", "line", "what"),
    [
        ("x = 1\ny = = 2\n", 2, "SyntaxError: invalid syntax"),
        ("\n\nimport nosuch_module\n", 3, "ModuleNotFoundError: No module named 'nosuch_module'"),
        ("def f():\n    raise KeyError('k')\n\n\nf()\n", 2, "KeyError: 'k'"),
        ("raise SystemExit(5)\n", 1, "SystemExit: 5"),
    ],
)
def test_a_module_that_does_not_run_is_named_with_its_line(tmp_path: Path, source: str, line: int, what: str) -> None:
    path = write(tmp_path / "x.py", source)

    assert failure(ModuleLoader(f"{tmp_path}/?.py"), "x").startswith(f"try open x failed : {path}:{line}: {what}")


def test_a_module_that_is_mended_can_be_loaded(tmp_path: Path) -> None:
    loader = ModuleLoader(f"{tmp_path}/?.py")
    write(tmp_path / "x.py", "raise ValueError\n")
    failure(loader, "x")

    write(tmp_path / "x.py", MINIMAL + "# another size, so that no compiled file of the same second is taken\n")

    assert loader.query("x").name == "x"


def test_a_file_that_is_not_python_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "x.lua", "return 1")

    assert failure(ModuleLoader(f"{tmp_path}/?.lua"), "x") == f"try open x failed : '{path}' is no Python file"


def test_a_pattern_without_a_question_mark_is_refused() -> None:
    with pytest.raises(ConfigError, match="^Invalid C service path"):
        ModuleLoader("./cservice/?.py;./x.py")


# seen from a node


LAUNCH = """
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	for _, name in ipairs { %s } do
		print("LAUNCHED", name, skynet.launch(name, "an argument"))
	end
	io.stdout:flush()
	skynet.sleep(10)	-- for the logger
	skynet.abort()
end)
"""


def test_a_node_goes_on_when_a_module_is_missing_or_fails(
    run_node: Callable[..., NodeRun], tmp_path: Path
) -> None:
    write(tmp_path / "refuses.py", "def create():\n    pass\n\n\n" + MINIMAL)
    write(tmp_path / "fails.py", "def init(instance, ctx, args):\n    return 1\n")
    write(tmp_path / "raises.py", "def init(instance, ctx, args):\n    raise ValueError(args)\n")
    write(tmp_path / "broken.py", "x =\n")
    write(tmp_path / "works.py", MINIMAL)
    names = ["nosuch", "refuses", "fails", "raises", "broken", "works"]
    write(tmp_path / "launch.lua", LAUNCH % ", ".join(f'"{name}"' for name in names))

    result = run_node("launch", lua_dirs=[tmp_path], cpath=f"./cservice/?.so;{tmp_path}/?.py")

    launched = [line.split("\t") for line in result.lines() if line.startswith("LAUNCHED")]
    assert [words[1] for words in launched if len(words) == 3] == ["works"]
    assert [words[1] for words in launched] == names
    assert "try open nosuch failed" in result.stderr
    assert f"try open broken failed : {tmp_path}/broken.py:1: SyntaxError" in result.stderr
    assert "error: launch fails FAILED" in result.stdout
    assert "ValueError: an argument" in result.stdout
    assert "error: launch raises FAILED" in result.stdout
    assert "LAUNCH works an argument" in result.stdout
    assert result.returncode == 0
