"""host.module: where modules are looked for, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.errors import ConfigError, ModuleError
from host.module import ModuleLoader

GOOD = "def init(instance, ctx, args):\n    return 0\n"


def test_built_in_modules_need_no_pattern() -> None:
    from host import _lua

    _lua.load()
    module = ModuleLoader("./cservice/?.so").query("logger")

    assert callable(module.create) and callable(module.init) and callable(module.release)


def test_a_pattern_of_the_user_is_searched_first(tmp_path: Path) -> None:
    (tmp_path / "logger.py").write_text(GOOD)

    module = ModuleLoader(f"{tmp_path}/?.py").query("logger")

    assert module.create is None and module.signal is None


def test_the_hooks_may_be_methods_of_an_object_named_service(tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text("class S:\n    def init(self, instance, ctx, args): return 7\nservice = S()\n")

    assert ModuleLoader(f"{tmp_path}/?.py").query("echo").init(None, None, None) == 7


def test_a_module_is_loaded_once(tmp_path: Path) -> None:
    (tmp_path / "once.py").write_text(GOOD)
    loader = ModuleLoader(f"{tmp_path}/?.py")

    assert loader.query("once") is loader.query("once")


def test_a_missing_module_names_every_path_tried(tmp_path: Path) -> None:
    with pytest.raises(ModuleError) as e:
        ModuleLoader(f"{tmp_path}/?.py;{tmp_path}/lib/?.py;./cservice/?.so").query("nosuch")

    assert str(e.value).startswith("try open nosuch failed : ")
    assert f"no file '{tmp_path}/nosuch.py'" in str(e.value) and f"no file '{tmp_path}/lib/nosuch.py'" in str(e.value)


@pytest.mark.parametrize(
    ("source", "text"),
    [("x = 1\n", "has no function init"), ("def init(:\n", ":1: SyntaxError"), ("\n1 / 0\n", ":2: ZeroDivisionError")],
)
def test_a_file_that_is_no_module_says_why(tmp_path: Path, source: str, text: str) -> None:
    (tmp_path / "bad.py").write_text(source)

    with pytest.raises(ModuleError, match="try open bad failed") as e:
        ModuleLoader(f"{tmp_path}/?.py").query("bad")
    assert text in str(e.value)


def test_a_pattern_without_question_mark_is_refused() -> None:
    with pytest.raises(ConfigError, match="Invalid C service path"):
        ModuleLoader("./cservice/logger.so")
