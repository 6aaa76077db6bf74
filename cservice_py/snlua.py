"""The module of Lua services: LAUNCH snlua <script> <args>. Source: service_snlua.c.

The VM is made in the launcher's thread; the script runs on a worker when the first message, the argument string, is
dispatched. A failure then is logged, told to `.launcher`, and the service exits.
"""

from __future__ import annotations

from host.core.module import Context
from host.luaclib.snlua import Snlua


def create() -> Snlua:
    return Snlua()


def init(instance: Snlua, ctx: Context, args: str | None) -> None:
    instance.init(ctx, args)


def release(instance: Snlua) -> None:
    instance.release()


def signal(instance: Snlua, n: int) -> None:
    instance.signal(n)
