"""The configuration of a node: the original's config files, key for key. Source: skynet_main.c."""

from __future__ import annotations

import math
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

# The only function of a config is `include`, so what runs a chunk is kept out of its reach.
_RUN = b"""
local load, error = load, error

return function(text, name, env)
	local f, err = load(text, name, "t", env)
	if not f then
		error("[skynet config]:21: " .. err, 0)
	end
	f()
end
"""

# Lua gives up at 200 nested calls of C, with a text that names no file.
_INCLUDE_DEPTH = 50


def defaults() -> dict[str, str]:
    """Return the keys that every node has in its environment, with their values where the config sets none."""
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
        if not -(2**31) <= self.harbor < 2**31 or not re.match(r"\s*[+-]?\d", self.env["harbor"]):
            raise ConfigError(f"Invalid harbor {self.env['harbor']} , should be an integer of 32 bits")
        # as in the original, only this text turns it on
        self.profile = self.env["profile"] == "true"
        # what follows the module's name is its argument, with all its blanks
        self.bootstrap = self.env["bootstrap"].lstrip()
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
        return cls(_texts({**_evaluate(os.fspath(path)), **(overrides or {})}))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Config:
        """Make a config of Python values: they become texts as in a file; None leaves a key out.

        Raises:
            ConfigError: a key is no string, or a value is no str, bool, int, float or Path.
        """
        return cls(_texts({key: value for key, value in values.items() if value is not None}))


def _integer(env: Mapping[str, str], key: str) -> int:
    """The decimal prefix of a value, 0 if there is none, as strtol reads it."""
    match = re.match(r"\s*[+-]?\d+", env[key], re.ASCII)
    return int(match.group()) if match else 0


def _texts(values: Mapping[Any, Any]) -> dict[str, str]:
    """Turn what a config file or a program gives into the texts of the environment store."""
    for key in values:
        if not isinstance(key, (bytes, str)):
            raise ConfigError("Invalid config table")
    modern = values.get("lua") in ("5.5", 5.5, b"5.5")
    return {_stored(key): _text(_stored(key), value, modern) for key, value in values.items()}


def _text(key: str, value: object, modern: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value, modern)
    if isinstance(value, (bytes, str)):
        return _stored(value)
    if isinstance(value, (int, Path)):
        return str(value)
    raise ConfigError(f"Invalid config table key = {key}")


def _float_text(value: float, modern: bool) -> str:
    """Write a float as tostring of Lua 5.4 does, or that of 5.5: 17 digits where 15 lose something."""
    if value != value:
        return "-nan" if math.copysign(1, value) < 0 else "nan"
    text = f"{value:.15g}" if modern else f"{value:.14g}"
    if modern and float(text) != value:
        text = f"{value:.17g}"
    return text if re.search(r"[.en]", text) else text + ".0"


def _evaluate(path: str) -> dict[Any, Any]:
    """Run a config file and return its table: keys and values as lupa gives them, strings as str."""
    lua = _lua.evaluator()
    runtime = lua.LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
    run = runtime.execute(_RUN)
    table = runtime.table()
    # of the files that are being run, the innermost last; a path is what leads to it from the working directory
    directories = ["./"]

    def include(name: object = None, *_: object) -> None:
        if not isinstance(name, bytes):
            raise ConfigError(f"[skynet config]:7: include wants the path of a file, not {_lua_type(lua, name)}")
        file = _decode(name)
        if len(directories) > _INCLUDE_DEPTH:
            raise ConfigError(f"[skynet config]:17: {directories[-1]}{file}: includes are nested too deep")
        full = file if file.startswith("/") else directories[-1] + file
        directories.append(full[: full.rfind("/") + 1])
        run(_substitute(_read(full)), b"@" + name, table)
        directories.pop()

    table[b"include"] = include
    try:
        include(path.encode(_ENCODING, "surrogateescape"))
    except lua.LuaError as e:
        text = e.args[0] if e.args else b""
        text = _decode(text) if isinstance(text, bytes) else str(text)
        raise ConfigError(text.split("\nstack traceback:")[0]) from None
    values = dict(table.items())
    if values.get(b"include") is include:
        del values[b"include"]
    return {_decode(key) if isinstance(key, bytes) else key: value for key, value in values.items()}


def _lua_type(lua: Any, value: object) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else str(lua.lua_type(value))


def _stored(text: bytes | str) -> str:
    """What the environment store keeps of a text: C strings, which end at the first NUL."""
    return (_decode(text) if isinstance(text, bytes) else text).partition("\0")[0]


def _decode(text: bytes) -> str:
    return text.decode(_ENCODING, "surrogateescape")


def _read(path: str) -> str:
    try:
        data = Path(path).read_bytes()
    except IsADirectoryError as e:
        # opens in C, and fails when it is read
        raise ConfigError(f"[skynet config]:18: {e.strerror}: {path}") from None
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
