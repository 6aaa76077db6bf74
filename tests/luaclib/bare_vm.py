"""A Lua VM without a node around it, with native modules of host.luaclib to require."""

import importlib
import os

from host import _lua

lupa = _lua.load(os.environ.get("SNHOST_TEST_LUA", "5.4"))


def bare_vm(*modules):
    """A LuaRuntime that finds the Lua modules of these extensions; strings are bytes."""
    vm = lupa.LuaRuntime(encoding=None, source_encoding="utf-8", unpack_returned_tuples=True)
    preload = vm.execute("""
        local name, path, opener = ...
        package.preload[name] = assert(package.loadlib(path, opener))
    """.join(["return function(...) ", " end"]))
    for module in modules:
        extension = importlib.import_module(f"host.luaclib.{module}")
        for name in extension.openers():
            opener = "skynet_crypt" if name == "client.crypt" else name.replace(".", "_")
            preload(name.encode(), extension.__file__.encode(), b"luaopen_" + opener.encode())
    return vm


def run(vm, source):
    """Run a chunk and return its results."""
    return vm.execute(source)
