"""A Python program with a node in it: calls of a Lua service from threads and asyncio, and its errors."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import host
from host.config import defaults

CONFIG = {
    "thread": 2,
    "harbor": 0,
    "start": "scoreboard",
    # Here, and where snhost's own services are.
    "luaservice": f"{Path(__file__).parent}/?.lua;{defaults()['luaservice']}",
    "logger": "/dev/null",
}


async def ask(node: host.Node) -> list[int]:
    return await asyncio.gather(*(node.acall(".scoreboard", "get", name) for name in ("ann", "bob")))


def main() -> None:
    with host.Node(CONFIG) as node:
        node.send(".scoreboard", "add", "ann", 3)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: node.call(".scoreboard", "add", "bob", 1), range(100)))

        print("from threads:", sorted(node.call(".scoreboard", "all").items()))
        print("from asyncio:", asyncio.run(ask(node)))
        try:
            node.call(".scoreboard", "get", "eve")
        except host.CallError as e:
            print("an error:", e)


if __name__ == "__main__":
    main()
