"""host.config against the original's config language."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.config import Config
from host.errors import ConfigError


def load(path: Path, text: str, name: str = "config") -> Config:
    (path / name).write_text(text)
    return Config.load(path / name)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("true", "true"), ("false", "false"), ("1", "1"), ("0x10", "16"), ("8.0", "8.0"), ("0.1", "0.1"),
        ("1e100", "1e+100"), ("-5", "-5"), ("'a b'", "a b"), ("''", ""), ("'a\\nb'", "a\nb"), ("2^53", "9.007199254741e+15"),
    ],
)  # fmt: skip
def test_values_become_the_texts_that_getenv_gives(tmp_path: Path, expression: str, text: str) -> None:
    assert load(tmp_path, f"key = {expression}").env["key"] == text


def test_a_key_that_is_nil_is_absent(tmp_path: Path) -> None:
    assert "key" not in load(tmp_path, "key = nil").env


def test_keys_set_before_can_be_used(tmp_path: Path) -> None:
    assert load(tmp_path, "root = './'\npath = root .. 'x/?.lua'").env["path"] == "./x/?.lua"


def test_environment_variables_are_replaced_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SN_NUM", "12")
    monkeypatch.setenv("SN_DIR", "/x")

    config = load(tmp_path, 'thread = $SN_NUM\npath = "$SN_DIR/a"')

    assert config.thread == 12 and config.env["path"] == "/x/a"


@pytest.mark.parametrize("text", ["x = '$SN_NOT_SET'", "-- $SN_NOT_SET in a comment"])
def test_an_unset_variable_is_an_error_even_in_a_comment(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"^\[skynet config\]:2: os.getenv\(\) failed: SN_NOT_SET$"):
        load(tmp_path, text)


def test_only_include_is_visible(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config:1: attempt to index a nil value \(global 'os'\)"):
        load(tmp_path, "x = os.getenv 'HOME'")


def test_includes_are_relative_to_the_including_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a").write_text("a = 1\ninclude 'b'")
    (tmp_path / "sub/b").write_text("b = a + 1")
    (tmp_path / "c").write_text("c = b + 1")

    env = load(tmp_path, "include 'sub/a'\ninclude 'c'").env

    assert (env["a"], env["b"], env["c"]) == ("1", "2", "3") and "include" not in env


def test_a_missing_file_or_include_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[skynet config\]:17: .*/nosuch: No such file or directory"):
        Config.load(tmp_path / "nosuch")
    with pytest.raises(ConfigError, match=r"\[skynet config\]:17: .*/gone: No such file or directory"):
        load(tmp_path, "include 'gone'")


@pytest.mark.parametrize(("text", "line"), [("x = = 1", 1), ("a = 1\nb = {", 2), ("\n\nx = nothing.y", 3), ("\x1bLua", 1)])
def test_what_is_no_lua_names_file_and_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(ConfigError, match=rf"config:{line}: |attempt to load a binary chunk"):
        load(tmp_path, text)


def test_values_and_keys_of_other_types_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="^Invalid config table key = t$"):
        load(tmp_path, "t = {}")
    with pytest.raises(ConfigError, match="^Invalid config table key = t$"):
        Config.from_mapping({"t": []})


def test_defaults_are_in_the_environment(tmp_path: Path) -> None:
    config = load(tmp_path, "")

    assert (config.thread, config.harbor, config.profile) == (8, 1, True)
    assert config.env["thread"] == "8" and config.env["cpath"] == "./cservice/?.so"
    assert config.env["bootstrap"] == "snlua bootstrap" and config.env["logservice"] == "logger"


@pytest.mark.parametrize(("text", "profile"), [("true", True), ("false", False), ("1", False), ("'true'", True)])
def test_only_the_text_true_turns_the_profile_on(tmp_path: Path, text: str, profile: bool) -> None:
    assert load(tmp_path, f"profile = {text}").profile is profile


@pytest.mark.parametrize("thread", [0, -1, 1025])
def test_the_number_of_threads_is_checked(tmp_path: Path, thread: int) -> None:
    with pytest.raises(ConfigError, match=rf"^Invalid thread {thread} , should be in \[1,1024\]$"):
        load(tmp_path, f"thread = {thread}")


def test_the_version_of_lua_is_checked(tmp_path: Path) -> None:
    assert load(tmp_path, 'lua = "5.5"').lua == "5.5"
    with pytest.raises(ConfigError, match="there is no Lua 5.3"):
        load(tmp_path, 'lua = "5.3"')


def test_own_search_paths_are_followed_by_the_built_in_ones_unless_there_is_an_own_loader(tmp_path: Path) -> None:
    own = load(tmp_path, 'luaservice = "./x/?.lua"').env["luaservice"]
    foreign = load(tmp_path, 'luaservice = "./x/?.lua"\nlualoader = "./loader.lua"').env["luaservice"]

    assert own.startswith("./x/?.lua;") and own.endswith("service/?.lua") and foreign == "./x/?.lua"


def test_overrides_replace_keys(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("thread = 3")

    assert Config.load(tmp_path / "config", {"thread": "5"}).thread == 5
