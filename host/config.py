"""The configuration of a node: the original's config files, key for key. Source: skynet_main.c."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from host import _lua, paths
from host.errors import ConfigError

__all__ = ["Config", "defaults"]

_ENCODING = "utf-8"
_VARIABLE = re.compile(r"\$([\w]+)", re.ASCII)

# Compiles and runs a chunk in the table of the config, and reads the table back as a list of key, type and text.
_LUA_SIDE = b"""
local load, next, type, tostring, error, math_type = load, next, type, tostring, error, math.type

local function run(text, name, env)
	local f, err = load(text, name, "t", env)
	if not f then
		error(err, 0)
	end
	f()
end

local function read(env)
	local list, n = {}, 0
	for key, value in next, env do
		list[n + 1], list[n + 2], list[n + 3], list[n + 4] = type(key), tostring(key), type(value), tostring(value)
		n = n + 4
	end
	return list, n
end

return run, read
"""


def defaults() -> dict[str, str]:
    """Return the keys that are in the environment of every node, with their values when the config does not set them."""
    return {
        "thread": "8",
        "cpath": "./cservice/?.so",
        "harbor": "1",
        "bootstrap": "snlua bootstrap",
        "logservice": "logger",
        "profile": "true",
        "lua": "5.4",
        "lua_path": f"{paths.LUALIB}/?.lua;{paths.LUALIB}/?/init.lua",
        "luaservice": f"{paths.SERVICE}/?.lua",
        "lualoader": f"{paths.LUALIB}/loader.lua",
    }


class Config:
    """The keys of a node, checked.

    Attributes:
        env: every key as the text that skynet.getenv gives, defaults included.
        thread: worker threads, 1..1024.
        harbor: id of the node; 0 = a node without others.
        profile: count the time spent in messages.
        bootstrap: first service: module name, blanks, arguments.
        logservice: module of the log service, whose argument is `logger` (None: none).
        daemon: path of the pid file, None to stay in the foreground.
        cpath: where native service modules are looked for.
        lua: "5.4" or "5.5".

    Raises:
        ConfigError: a key's value is wrong.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = {**defaults(), **env}
        if "lualoader" not in env:
            # our own Lua layer is in use, and a config need not know where it is installed
            for key in ("lua_path", "luaservice"):
                if defaults()[key] not in self.env[key]:
                    self.env[key] += ";" + defaults()[key]
        self.thread = _integer(self.env, "thread")
        if not 1 <= self.thread <= 1024:
            raise ConfigError(f"Invalid thread {self.thread} , should be in [1,1024]")
        self.harbor = _integer(self.env, "harbor")
        # as in the original, only this text turns it on
        self.profile = self.env["profile"] == "true"
        self.bootstrap = self.env["bootstrap"].strip()
        if not self.bootstrap:
            raise ConfigError("Invalid config key bootstrap : it names no module")
        self.logservice = self.env["logservice"]
        self.logger = self.env.get("logger")
        self.daemon = self.env.get("daemon")
        self.cpath = self.env["cpath"]
        for pattern in filter(None, self.cpath.split(";")):
            if "?" not in pattern:
                raise ConfigError(f"Invalid C service path : '{pattern}' has no '?'")
        self.lua = self.env["lua"]
        if self.lua not in ("5.4", "5.5"):
            raise ConfigError(f'Invalid config key lua : there is no Lua {self.lua}, use "5.4" or "5.5"')

    @classmethod
    def load(cls, path: str | PathLike[str], overrides: Mapping[str, str] | None = None) -> Config:
        """Read a config file, which is a Lua chunk.

        Args:
            path: the file; includes are relative to the file that has them.
            overrides: keys that replace those of the file.

        Raises:
            ConfigError: the file or an include is missing, is not Lua, uses an environment variable that is not set, or
                has a key or value of a wrong type. The text names file and line.
        """
        return cls({**_evaluate(os.fspath(path)), **(overrides or {})})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Config:
        """Make a config of Python values: str, bool, int and float become texts as in a file; None leaves a key out.

        Raises:
            ConfigError: a key is no string, or a value is of another type.
        """
        return cls({_key(k): _value(k, v) for k, v in values.items() if v is not None})


def _integer(env: Mapping[str, str], key: str) -> int:
    """The decimal prefix of a value, as strtol reads it."""
    match = re.match(r"\s*[+-]?\d+", env[key])
    if match is None:
        raise ConfigError(f"Invalid config key {key} : {env[key]!r} is no number")
    return int(match.group())


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ConfigError("Invalid config table")
    return key


def _value(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, float):
        text = f"{value:.14g}"
        return text if re.search(r"[.eni]", text) else text + ".0"
    if isinstance(value, Path):
        return str(value)
    raise ConfigError(f"Invalid config table key = {key}")


def _evaluate(path: str) -> dict[str, str]:
    lua = _lua.evaluator()
    runtime = lua.LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
    run, read = runtime.execute(_LUA_SIDE)
    table = runtime.table()
    base = ["./"]

    def include(name: bytes) -> None:
        file = _decode(name)
        before = base[0]
        path = file if file.startswith("/") else base[0] + file
        base[0] = path[: path.rfind("/") + 1]
        try:
            run(_substitute(_read(path)), b"@" + path.encode(_ENCODING, "surrogateescape"), table)
        finally:
            base[0] = before

    table[b"include"] = include
    try:
        base[0] = path[: path.rfind("/") + 1] or "./"
        shown = path if "/" in path else "./" + path
        run(_substitute(_read(shown)), b"@" + path.encode(_ENCODING, "surrogateescape"), table)
    except lua.LuaError as e:
        text = e.args[0] if e.args else b""
        text = _decode(text) if isinstance(text, bytes) else str(text)
        raise ConfigError(text.split("\nstack traceback:")[0]) from None
    table[b"include"] = None
    fields, n = read(table)
    env = {}
    for i in range(1, n + 1, 4):
        key_type, key, value_type, value = (_decode(fields[j]) for j in range(i, i + 4))
        if key_type != "string":
            raise ConfigError("Invalid config table")
        if value_type not in ("boolean", "string", "number"):
            raise ConfigError(f"Invalid config table key = {key}")
        env[key] = value
    return env


def _decode(text: bytes) -> str:
    return text.decode(_ENCODING, "surrogateescape")


def _read(path: str) -> str:
    try:
        data = Path(path).read_bytes()
    except OSError as e:
        raise ConfigError(f"[skynet config]:17: {path}: {e.strerror}") from None
    return _decode(data)


def _substitute(text: str) -> bytes:
    """Replace every $NAME, comments included, by the environment variable."""

    def variable(match: re.Match[str]) -> str:
        value = os.environ.get(match.group(1))
        if value is None:
            raise ConfigError(f"[skynet config]:2: os.getenv() failed: {match.group(1)}")
        return value

    return _VARIABLE.sub(variable, text).encode(_ENCODING, "surrogateescape")
