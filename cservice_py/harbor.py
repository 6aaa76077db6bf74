"""The harbor of a node without others: LAUNCH harbor 0 <handle of cdummy>.

Global names are kept here, and messages to one that is not registered yet wait for it. A message to another node is
answered with an error, because there is none. Source: service_harbor.c in single-node mode.
"""

from __future__ import annotations

from host.core.module import Context, read_remote_message

PTYPE_TEXT = 0
PTYPE_SYSTEM = 4
PTYPE_HARBOR = 5
PTYPE_ERROR = 7


class Harbor:
    def __init__(self) -> None:
        self.ctx: Context | None = None
        self.slave = 0
        self.names: dict[bytes, int] = {}
        # name -> messages for it: (source, type, session, data)
        self.waiting: dict[bytes, list[tuple[int, int, int, bytes]]] = {}

    def callback(self, type: int, session: int, source: int, payload: bytes) -> None:
        if type == PTYPE_SYSTEM:
            self.remote(session, source, *read_remote_message(payload))
        elif type == PTYPE_HARBOR:
            self.command(source, payload)
        else:
            self.ctx.error(f"recv invalid message from {source:x},  type = {type}")
            if session != 0 and type != PTYPE_ERROR:
                self.ctx.send(source, PTYPE_ERROR, session)

    def remote(self, session: int, source: int, name: bytes, handle: int, type: int, data: bytes) -> None:
        """A message that left the node: for a global name, or for a handle of another node."""
        if not handle:
            handle = self.names.get(name, 0)
            if not handle:
                self.waiting.setdefault(name, []).append((source, type, session, data))
                self.ctx.send(self.slave, PTYPE_TEXT, 0, b"Q " + name)
                return
        if handle >> 24 == self.ctx.handle >> 24 or handle >> 24 == 0:
            self.deliver(handle, source, type, session, data)
            return
        self.ctx.error(
            f"Drop message to harbor {handle >> 24} from {source:x} to {handle:x} "
            f"(session = {session}, msgsz = {len(data)})"
        )
        self.ctx.redirect(source, handle, PTYPE_ERROR, session)

    def deliver(self, handle: int, source: int, type: int, session: int, data: bytes) -> None:
        if self.ctx.redirect(handle, source, type, session, data) is None:
            self.ctx.redirect(source, handle, PTYPE_ERROR, session)

    def command(self, source: int, payload: bytes) -> None:
        """`N name` binds the name to the handle that the message seems to come from."""
        kind, _, name = payload.partition(b" ")
        name = name[:16]
        if kind == b"N" and name:
            self.names[name] = source
            for waiting, type, session, data in self.waiting.pop(name, ()):
                self.deliver(source, waiting, type, session, data)


def create() -> Harbor:
    return Harbor()


def init(instance: Harbor, ctx: Context, args: str | None) -> int:
    words = (args or "").split()
    if len(words) != 2 or not all(w.isdigit() for w in words):
        ctx.error(f"harbor wants '<id> <handle of the slave>', not '{args or ''}'")
        return 1
    instance.ctx = ctx
    instance.slave = int(words[1])
    ctx.callback(instance.callback)
    ctx.harbor_start()
    return 0
