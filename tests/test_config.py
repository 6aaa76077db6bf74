"""Config files: the language, the texts that reach the environment store, the checks, and the errors' texts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from conftest import ROOT, node_environment

from host import paths
from host.config import Config, defaults
from host.errors import ConfigError, SnhostError

Load = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load the config file `config` of a directory that has these files, as `snhost config` does there."""

    def load(
        files: str | bytes | Mapping[str, str | bytes],
        name: str = "config",
        overrides: Mapping[str, str] | None = None,
    ) -> Config:
        for path, text in ({"config": files} if isinstance(files, (str, bytes)) else files).items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        monkeypatch.chdir(tmp_path)
        return Config.load(name, overrides)

    return load


def error(load: Load, *args: object, **more: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(*args, **more)
    return str(caught.value)


# what a chunk sees


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("1", "1"),
        ("-1", "-1"),
        ("0x10", "16"),
        ("9223372036854775807", "9223372036854775807"),
        ("100 // 1", "100"),
        ("'8'", "8"),
        ("''", ""),
        ("'two\\nlines'", "two\nlines"),
        ("true", "true"),
        ("false", "false"),
        ("8.0", "8.0"),
        ("-0.0", "-0.0"),
        ("0.1", "0.1"),
        ("2.5", "2.5"),
        ("1e15", "1e+15"),
        ("1e100", "1e+100"),
        ("1 / 0", "inf"),
        ("-1 / 0", "-inf"),
        ("0 / 0", "-nan"),
        ("-(0 / 0)", "nan"),
        ("'é'", "é"),
    ],
)
def test_a_value_becomes_the_text_that_lua_gives(load: Load, source: str, text: str) -> None:
    assert load(f"x = {source}").env["x"] == text


@pytest.mark.parametrize(
    ("source", "older", "newer"),
    [
        ("1 / 3", "0.33333333333333", "0.33333333333333331"),
        ("2.0 ^ 53", "9.007199254741e+15", "9007199254740992.0"),
        ("3.14159265358979", "3.1415926535898", "3.14159265358979"),
        ("2.0 ^ 63", "9.2233720368548e+18", "9.2233720368547758e+18"),
        ("0.1", "0.1", "0.1"),
        ("8.0", "8.0", "8.0"),
    ],
)
def test_floats_are_written_as_the_chosen_lua_writes_them(load: Load, source: str, older: str, newer: str) -> None:
    assert load(f"x = {source}").env["x"] == older
    assert load(f'x = {source} lua = "5.5"').env["x"] == newer
    assert load(f"x = {source}", overrides={"lua": "5.5"}).env["x"] == newer


def test_a_text_ends_at_its_first_nul_as_in_the_original(load: Load) -> None:
    assert load('x = "a\\0b"').env["x"] == "a"


def test_bytes_that_are_no_utf8_survive(load: Load) -> None:
    assert load(b'x = "\xe9\xff"').env["x"].encode("utf-8", "surrogateescape") == b"\xe9\xff"


def test_a_key_set_to_nil_is_absent(load: Load) -> None:
    assert "x" not in load("x = 1 x = nil").env


def test_locals_and_control_flow_work_and_do_not_become_keys(load: Load) -> None:
    env = load("local n = 3 x = 0 for i = 1, n do x = x + i end").env

    assert env["x"] == "6"
    assert "n" not in env


def test_earlier_keys_can_be_used_in_later_expressions(load: Load) -> None:
    assert load('root = "./" x = root .. "a" .. 1').env["x"] == "./a1"


@pytest.mark.parametrize("name", ["os", "string", "math"])
def test_no_library_is_visible(load: Load, name: str) -> None:
    assert error(load, f"\n\nx = {name}.x") == f"config:3: attempt to index a nil value (global '{name}')"


@pytest.mark.parametrize("name", ["print", "require", "load", "setmetatable", "python", "_G", "error"])
def test_no_global_function_is_visible(load: Load, name: str) -> None:
    assert load(f"x = {name} == nil").env["x"] == "true"


def test_strings_have_their_methods(load: Load) -> None:
    assert load('x = ("ab"):rep(2)').env["x"] == "abab"


def test_dos_line_ends_are_accepted(load: Load) -> None:
    assert load("x = 1\r\ny = 2\r\n").env["y"] == "2"


# variables of the process environment


def test_a_variable_is_replaced_as_text(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNHOST_NUM", "42")
    monkeypatch.setenv("SNHOST_DIR", "/srv/game")

    env = load('a = $SNHOST_NUM b = "$SNHOST_DIR/x" c = "$SNHOST_NUM$SNHOST_NUM" d = $SNHOST_NUM + 1').env

    assert [env[key] for key in "abcd"] == ["42", "/srv/game/x", "4242", "43"]


def test_a_variable_may_hold_any_text(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNHOST_TEXT", r"a\\1%0$HOME")

    assert load('x = "$SNHOST_TEXT"').env["x"] == r"a\1%0$HOME"


def test_the_longest_name_is_taken(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNHOST_A", "1")
    monkeypatch.setenv("SNHOST_A_1", "2")

    assert load("x = $SNHOST_A_1").env["x"] == "2"


@pytest.mark.parametrize("source", ["x = $SNHOST_UNSET", 'x = "$SNHOST_UNSET"', "-- costs $SNHOST_UNSET"])
def test_an_unset_variable_is_an_error_even_in_a_comment(load: Load, source: str) -> None:
    assert error(load, source) == "[skynet config]:2: os.getenv() failed: SNHOST_UNSET"


def test_a_dollar_without_a_name_is_left(load: Load) -> None:
    assert load('x = "$ 5$"').env["x"] == "$ 5$"


# include


def test_includes_are_relative_to_the_file_that_has_them(load: Load) -> None:
    env = load(
        {
            "config": 'include "inc/a" include "b"',
            "inc/a": 'a = "inc a" include "b" include "../up"',
            "inc/b": 'b = "inc b" include "sub/c"',
            "inc/sub/c": 'c = a .. ", " .. b',
            "b": 'd = "top b" e = b',
            "up": "f = 1",
        }
    ).env

    assert [env[key] for key in "abcdef"] == ["inc a", "inc b", "inc a, inc b", "top b", "inc b", "1"]


def test_includes_of_a_config_in_another_directory_are_found(load: Load, tmp_path: Path) -> None:
    files = {"etc/config": 'include "a"', "etc/a": "a = 1"}

    assert load(files, "etc/config").env["a"] == "1"
    assert load(files, "./etc/config").env["a"] == "1"
    assert load(files, str(tmp_path / "etc/config")).env["a"] == "1"


def test_an_absolute_include_is_taken_as_it_is(load: Load, tmp_path: Path) -> None:
    files = {"config": f'include "{tmp_path}/x/a" include "b"', "x/a": 'include "c"', "x/c": "c = 1", "b": "b = 2"}

    env = load(files).env

    assert (env["c"], env["b"]) == ("1", "2")


def test_include_returns_nothing_and_is_no_key(load: Load) -> None:
    env = load({"config": 'x = include("a") == nil', "a": "return 5"}).env

    assert env["x"] == "true"
    assert "include" not in env


def test_a_key_may_be_called_include(load: Load) -> None:
    assert load('include = "x"').env["include"] == "x"


def test_variables_in_an_include_are_replaced(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNHOST_NUM", "42")

    assert load({"config": 'include "a"', "a": "x = $SNHOST_NUM"}).env["x"] == "42"


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"config": 'include "a"'}, "[skynet config]:17: ./a: No such file or directory"),
        ({"config": 'include "d/a"', "d/a": 'include "b"'}, "[skynet config]:17: ./d/b: No such file or directory"),
        ({"config": 'include "/nonexistent/a"'}, "[skynet config]:17: /nonexistent/a: No such file or directory"),
        ({"config": 'include "d"', "d/a": ""}, "[skynet config]:18: Is a directory: ./d"),
        ({"config": 'include "d/a"', "d/a": "\nx =="}, "[skynet config]:21: d/a:2: syntax error near '=='"),
        ({"config": 'include "d/a"', "d/a": "\nx = {} .. 1"}, "d/a:2: attempt to concatenate a table value"),
        ({"config": 'include "a"', "a": "x = $SNHOST_UNSET"}, "[skynet config]:2: os.getenv() failed: SNHOST_UNSET"),
        ({"config": "include()"}, "[skynet config]:7: include wants the path of a file, not nil"),
        ({"config": "include(5)"}, "[skynet config]:7: include wants the path of a file, not number"),
        ({"config": "include(true)"}, "[skynet config]:7: include wants the path of a file, not boolean"),
        ({"config": "include {}"}, "[skynet config]:7: include wants the path of a file, not table"),
        ({"config": 'include "config"'}, "[skynet config]:17: ./config: includes are nested too deep"),
    ],
)
def test_a_wrong_include_is_an_error_that_names_the_file(load: Load, files: dict[str, str], text: str) -> None:
    assert error(load, files) == text


# a config that is none


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = 1\nb = )", "[skynet config]:21: config:2: unexpected symbol near ')'"),
        ("x = 'abc\n", "[skynet config]:21: config:1: unfinished string near ''abc'"),
        ("{ 'thread': 8 }", "[skynet config]:21: config:1: unexpected symbol near '{'"),
        (b"\xef\xbb\xbfx = 1", "[skynet config]:21: config:1: unexpected symbol near '<\\239>'"),
        (b"\x1bLua\x54\x00", "[skynet config]:21: attempt to load a binary chunk (mode is 't')"),
        ("x = nosuch.y", "config:1: attempt to index a nil value (global 'nosuch')"),
        ("nosuch()", "config:1: attempt to call a nil value (global 'nosuch')"),
        ("x = {}", "Invalid config table key = x"),
        ("x = function() end", "Invalid config table key = x"),
        ("x = include", "Invalid config table key = x"),
        ("local t = _ENV t[1] = 2", "Invalid config table"),
        ("local t = _ENV t[true] = 2", "Invalid config table"),
        ("local t = _ENV t[1.5] = 2", "Invalid config table"),
    ],
)
def test_a_wrong_config_is_an_error_with_file_and_line(load: Load, source: str | bytes, text: str) -> None:
    assert error(load, source) == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("nosuch", "./nosuch"),
        ("./nosuch", "././nosuch"),
        ("no/such", "./no/such"),
        ("/nonexistent/such", "/nonexistent/such"),
    ],
)
def test_a_missing_config_is_named_as_in_the_original(load: Load, name: str, shown: str) -> None:
    assert error(load, {}, name) == f"[skynet config]:17: {shown}: No such file or directory"


def test_a_config_without_read_permission_is_an_error(load: Load, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (tmp_path / "config").write_text("x = 1")
    (tmp_path / "config").chmod(0)

    assert error(load, {}) == "[skynet config]:17: ./config: Permission denied"


# keys


def test_an_empty_config_has_the_defaults_of_the_original(load: Load) -> None:
    config = load("")

    assert (config.thread, config.harbor, config.profile) == (8, 1, True)
    assert (config.bootstrap, config.logservice) == ("snlua bootstrap", "logger")
    assert (config.logger, config.daemon) == (None, None)
    assert config.lua == "5.4"
    stored = {key: config.env[key] for key in ("thread", "harbor", "profile", "bootstrap", "logservice", "cpath")}
    assert stored == {
        "thread": "8",
        "harbor": "1",
        "profile": "true",
        "bootstrap": "snlua bootstrap",
        "logservice": "logger",
        "cpath": "./cservice/?.so",
    }
    assert not {"logger", "daemon", "start", "logpath", "standalone"} & set(config.env)


def test_the_defaults_lead_to_the_lua_side_of_this_installation() -> None:
    found = defaults()

    assert Path(found["lualoader"]).is_file()
    assert Path(found["luaservice"].replace("?", "launcher")).is_file()
    assert Path(found["lua_path"].split(";")[0].replace("?", "skynet")).is_file()


def test_own_paths_are_searched_before_the_built_in_ones(load: Load) -> None:
    env = load('luaservice = "./game/?.lua" lua_path = "./lib/?.lua"').env

    assert env["luaservice"] == f"./game/?.lua;{paths.SERVICE}/?.lua"
    assert env["lua_path"] == f"./lib/?.lua;{paths.LUALIB}/?.lua;{paths.LUALIB}/?/init.lua"


def test_a_lua_layer_of_ones_own_is_left_alone(load: Load) -> None:
    env = load('lualoader = "./other/loader.lua" luaservice = "./other/?.lua" lua_path = "./lib/?.lua"').env

    assert env["lualoader"] == "./other/loader.lua"
    assert env["luaservice"] == "./other/?.lua"
    assert env["lua_path"] == "./lib/?.lua"


def test_the_relative_paths_of_an_original_config_work_in_a_checkout() -> None:
    if paths.LUALIB.parent != ROOT:
        pytest.skip("this is no checkout")
    source = """
        thread = 2 harbor = 0 start = "hello" logger = nil
        root = "./"
        luaservice = root .. "service/?.lua;" .. root .. "examples/hello/?.lua"
        lualoader = root .. "lualib/loader.lua"
        lua_path = root .. "lualib/?.lua;" .. root .. "lualib/?/init.lua"
        lua_cpath = root .. "luaclib/?.so"
        cpath = root .. "cservice/?.so"
    """
    result = subprocess.run(
        [sys.executable, "-m", "host", "/dev/stdin"],
        input=source,
        cwd=ROOT,
        env=node_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "[:00000008] bye" in result.stdout.splitlines(), result.stdout + result.stderr
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("source", "thread"), [("1", 1), ("1024", 1024), ("'2x'", 2), ("2.7", 2), ("' 3'", 3), ("'+4'", 4)]
)
def test_thread_is_the_decimal_prefix_of_its_text(load: Load, source: str, thread: int) -> None:
    assert load(f"thread = {source}").thread == thread


@pytest.mark.parametrize(
    ("source", "shown"), [("0", 0), ("-1", -1), ("1025", 1025), ("'abc'", 0), ("''", 0), ("'0x10'", 0), ("true", 0)]
)
def test_thread_outside_its_range_is_refused(load: Load, source: str, shown: int) -> None:
    assert error(load, f"thread = {source}") == f"Invalid thread {shown} , should be in [1,1024]"


@pytest.mark.parametrize(("source", "harbor"), [("0", 0), ("1", 1), ("255", 255), ("256", 256), ("'7 of 9'", 7)])
def test_harbor_is_a_number(load: Load, source: str, harbor: int) -> None:
    assert load(f"harbor = {source}").harbor == harbor


@pytest.mark.parametrize("text", ["abc", "", "99999999999", "-2147483649"])
def test_a_harbor_that_is_none_is_refused(load: Load, text: str) -> None:
    assert error(load, f'harbor = "{text}"') == f"Invalid harbor {text} , should be an integer of 32 bits"


@pytest.mark.parametrize(
    ("source", "profile"), [("true", True), ("'true'", True), ("false", False), ("1", False), ("'True'", False)]
)
def test_only_the_text_true_turns_profile_on(load: Load, source: str, profile: bool) -> None:
    assert load(f"profile = {source}").profile is profile


@pytest.mark.parametrize("source", ["'5.4'", "5.4"])
def test_lua_54_can_be_asked_for(load: Load, source: str) -> None:
    assert load(f"lua = {source}").lua == "5.4"


@pytest.mark.parametrize("source", ["'5.5'", "5.5"])
def test_lua_55_can_be_asked_for(load: Load, source: str) -> None:
    assert load(f"lua = {source}").lua == "5.5"


@pytest.mark.parametrize("text", ["5.3", "jit", ""])
def test_another_lua_is_refused(load: Load, text: str) -> None:
    assert error(load, f'lua = "{text}"') == f'Invalid config key lua : there is no Lua {text}, use "5.4" or "5.5"'


@pytest.mark.parametrize("pattern", ["./cservice", "./a/?.py;./cservice", "x"])
def test_a_cpath_without_a_question_mark_is_refused(load: Load, pattern: str) -> None:
    assert error(load, f'cpath = "{pattern}"').startswith("Invalid C service path")


@pytest.mark.parametrize("pattern", ["./cservice/?.so", ";;./x/?.py;", ""])
def test_other_cpaths_are_kept_as_they_are(load: Load, pattern: str) -> None:
    assert load(f'cpath = "{pattern}"').cpath == pattern


def test_a_bootstrap_without_a_module_is_refused(load: Load) -> None:
    assert error(load, 'bootstrap = "  "') == "Invalid config key bootstrap : it names no module"


def test_the_arguments_of_bootstrap_keep_their_blanks(load: Load) -> None:
    assert load('bootstrap = " snlua  boot  "').bootstrap == "snlua  boot  "


def test_logger_and_daemon_are_there_when_the_config_has_them(load: Load) -> None:
    config = load('logger = "x.log" daemon = "./x.pid"')

    assert (config.logger, config.daemon) == ("x.log", "./x.pid")


def test_overrides_replace_the_keys_of_the_file(load: Load) -> None:
    config = load("thread = 1 x = 1", overrides={"thread": "3", "y": "z"})

    assert config.thread == 3
    assert (config.env["thread"], config.env["x"], config.env["y"]) == ("3", "1", "z")


# configs that a program makes


def test_a_mapping_is_converted_as_a_file_is() -> None:
    config = Config.from_mapping(
        {"thread": 2, "harbor": 0, "profile": False, "x": 8.0, "y": 1 / 3, "z": None, "path": Path("a/b"), "s": "t"}
    )

    assert (config.thread, config.harbor, config.profile) == (2, 0, False)
    assert [config.env[key] for key in ("x", "y", "path", "s", "profile")] == [
        "8.0",
        "0.33333333333333",
        "a/b",
        "t",
        "false",
    ]
    assert "z" not in config.env


def test_a_mapping_with_a_wrong_key_or_value_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^Invalid config table$"):
        Config.from_mapping({1: "x"})  # type: ignore[dict-item]
    with pytest.raises(ConfigError, match=r"^Invalid config table key = x$"):
        Config.from_mapping({"x": [1]})
    with pytest.raises(SnhostError):
        Config.from_mapping({"thread": 0})
