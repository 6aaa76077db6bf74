"""The gate of text commands: LAUNCH gate <S|L> <watchdog> <[host:]port> <client type> <max>.

Clients send packets behind a big-endian length of two (S) or four bytes (L). A packet goes to the broker when there is
one, else to the client's agent, else to the watchdog, else nowhere. Everything happens on the worker that dispatches,
one message after the other; what is kept of a client goes with its CLOSE or ERROR, or with the service.
Source: service_gate.c, databuffer.h.
"""

from __future__ import annotations

from host.core.module import Context
from host.core.pysocket import ACCEPT, CLOSE, DATA, ERROR, WARNING, Sockets

PTYPE_TEXT = 0
PTYPE_CLIENT = 3
PTYPE_SOCKET = 6

BACKLOG = 128
LARGE = 1 << 24  # bytes of a packet, from which on the connection is closed
ADDRESS_MAX = 31  # bytes of a client's address in a report


class Client:
    __slots__ = ("agent", "client", "id", "pending")

    def __init__(self, id: int) -> None:
        self.id = id
        # handle that gets the packets, and the one that they seem to come from; 0 = none, the gate
        self.agent = 0
        self.client = 0
        # a packet that has not come whole yet, from its header on
        self.pending = bytearray()


class Gate:
    """Clients by their socket ids.

    It is told with TEXT messages `kick <id>`, `forward <id> :<agent> :<client>` (hexadecimal), `broker <name>`,
    `start <id>` and `close`, words that may be cut short, and tells the watchdog `<id> open <id> <ip:port>:0`,
    `<id> close` and, with the id as session, `<id> data <packet>`. A CLIENT message to it is written, as it is, to the
    client whose id is in its last four bytes, little-endian.
    """

    def __init__(self) -> None:
        self.ctx: Context | None = None
        self.sockets: Sockets | None = None
        self.header = 2
        self.watchdog = 0
        self.broker = 0
        self.type = PTYPE_CLIENT
        self.max = 0
        self.listener: int | None = None
        self.clients: dict[int, Client] = {}
        self.commands = [
            (b"kick", self.kick),
            (b"forward", self.forward),
            (b"broker", self.set_broker),
            (b"start", self.start),
            (b"close", self.close),
        ]

    def open(self, args: str) -> str | None:
        """Take the arguments and listen. Returns what is wrong, None when nothing is."""
        words = args.split()
        if len(words) < 4 or not is_integer(words[3]):
            return f"Invalid gate parm {args}"
        header, watchdog, address, type = words[:4]
        self.max = int(words[4]) if len(words) > 4 and is_integer(words[4]) else 0
        if self.max <= 0:
            return "Need max connection"
        if header not in ("S", "L"):
            return "Invalid data header style"
        self.header = 2 if header == "S" else 4
        if not watchdog.startswith("!"):
            self.watchdog = self.query(watchdog)
            if not self.watchdog:
                return f"Invalid watchdog {watchdog}"
        self.type = int(type) or PTYPE_CLIENT
        host, _, port = address.rpartition(":")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            return f"Invalid gate address {address}"
        try:
            self.listener = self.sockets.listen(host, int(port), BACKLOG)
        except OSError:
            return f"Can't listen on {address}"
        self.sockets.start(self.listener)
        return None

    def query(self, name: str) -> int:
        """Return the handle of ":hex" or ".name"; 0 when there is none."""
        if name.startswith(":"):
            return hexadecimal(name[1:].encode())
        if not name.startswith("."):
            self.ctx.error(f"error: Don't support query global name {name}")
            return 0
        return hexadecimal((self.ctx.command("QUERY", name) or ":0")[1:].encode())

    def callback(self, type: int, session: int, source: int, payload: bytes) -> None:
        if type == PTYPE_SOCKET:
            # from a service it would be a pointer to anything
            if source == 0:
                self.event(*self.sockets.read_message(payload))
        elif type == PTYPE_CLIENT:
            self.write(source, payload)
        elif type == PTYPE_TEXT:
            self.command(payload)

    # commands

    def command(self, text: bytes) -> None:
        word, _, rest = text.partition(b" ")
        for name, function in self.commands:
            if name.startswith(word):
                function(rest.split())
                return
        self.ctx.error(b"[gate] Unknown command : " + text)

    def client(self, words: list[bytes]) -> Client | None:
        """Return the client whose id is the first word."""
        return self.clients.get(number(words[0], 10)) if words else None

    def kick(self, words: list[bytes]) -> None:
        client = self.client(words)
        if client is not None:
            self.sockets.close(client.id)

    def forward(self, words: list[bytes]) -> None:
        client = self.client(words)
        if client is not None and len(words) > 2:
            client.agent, client.client = (hexadecimal(w[1:]) for w in words[1:3])

    def set_broker(self, words: list[bytes]) -> None:
        self.broker = self.query(words[0].decode("utf-8", "surrogateescape") if words else "")

    def start(self, words: list[bytes]) -> None:
        client = self.client(words)
        if client is not None:
            self.sockets.start(client.id)

    def close(self, words: list[bytes]) -> None:
        if self.listener is not None:
            self.sockets.close(self.listener)
            self.listener = None

    def write(self, source: int, payload: bytes) -> None:
        if len(payload) <= 4:
            self.ctx.error(f"Invalid client message from {source:x}")
            return
        id = int.from_bytes(payload[-4:], "little")
        if id in self.clients:
            self.sockets.send(id, memoryview(payload)[:-4])
        else:
            self.ctx.error(f"Invalid client id {id} from {source:x}")

    # events of sockets

    def event(self, event: int, id: int, ud: int, data: bytes) -> None:
        if event == DATA:
            client = self.clients.get(id)
            if client is not None:
                self.receive(client, data)
        elif event == ACCEPT:
            self.accept(ud, data)
        elif event in (CLOSE, ERROR):
            self.lose(id)
        elif event == WARNING and id in self.clients:
            self.ctx.error(f"fd ({id}) send buffer ({ud})K")

    def accept(self, id: int, address: bytes) -> None:
        if len(self.clients) >= self.max:
            self.sockets.close(id)
            return
        self.clients[id] = Client(id)
        self.report(id, b"open %d %s:0" % (id, address[:ADDRESS_MAX]))
        self.ctx.error(f"socket open: {id:x}")

    def lose(self, id: int) -> None:
        """Close a client, if it is one; a CLOSE that follows is not of a client any more."""
        if self.clients.pop(id, None) is not None:
            self.sockets.close(id)
            self.report(id, b"close")

    def receive(self, client: Client, data: bytes) -> None:
        """Route the packets that are complete and keep the rest."""
        pending = client.pending
        if pending:
            pending += data
            data = pending
        at = 0
        while len(data) - at >= self.header:
            size = int.from_bytes(data[at : at + self.header], "big")
            if size >= LARGE:
                self.ctx.error("Recv socket message > 16M")
                self.lose(client.id)
                return
            end = at + self.header + size
            if len(data) < end:
                break
            if size > 0:
                self.route(client, bytes(data[at + self.header : end]))
            at = end
        if data is pending:
            del pending[:at]
        else:
            pending += memoryview(data)[at:]

    def route(self, client: Client, packet: bytes) -> None:
        if self.broker:
            self.ctx.send(self.broker, self.type, client.id, packet)
        elif client.agent:
            self.ctx.redirect(client.agent, client.client, self.type, client.id, packet)
        elif self.watchdog:
            self.ctx.send(self.watchdog, PTYPE_TEXT, client.id, b"%d data %s" % (client.id, packet))

    def report(self, id: int, text: bytes) -> None:
        if self.watchdog:
            self.ctx.send(self.watchdog, PTYPE_TEXT, 0, b"%d %s" % (id, text))


def is_integer(word: str) -> bool:
    return word.isascii() and word.removeprefix("-").isdigit()


def hexadecimal(word: bytes) -> int:
    """Return the handle that a text stands for; 0 when it is none."""
    return number(word, 16) & 0xFFFFFFFF


def number(word: bytes, base: int) -> int:
    """Return the number that a text stands for; 0 when it is none."""
    try:
        return int(word, base)
    except ValueError:
        return 0


def create() -> Gate:
    return Gate()


def init(instance: Gate, ctx: Context, args: str | None) -> int:
    instance.ctx = ctx
    instance.sockets = Sockets(ctx)
    ctx.callback(instance.callback)
    wrong = instance.open(args or "")
    if wrong is not None:
        ctx.error(wrong)
        return 1
    return 0


def release(instance: Gate) -> None:
    if instance.sockets is not None:
        instance.close([])
        for id in instance.clients:
            instance.sockets.close(id)
        instance.clients.clear()
