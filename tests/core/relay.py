"""A native service with sockets, for tests: connects to `<host> <port>`, writes what it is sent and logs each event."""

from host.core.pysocket import CLOSE, CONNECT, DATA, ERROR, Sockets

EVENTS = {DATA: "data", CONNECT: "connect", CLOSE: "close", ERROR: "error"}


class Relay:
    pass


def create():
    return Relay()


def init(instance, ctx, args):
    instance.ctx, instance.sockets = ctx, Sockets(ctx)
    host, port = args.split()
    instance.id = instance.sockets.open(host, int(port))

    def callback(type, session, source, payload):
        if type == 6 and source == 0:
            event, id, ud, data = instance.sockets.read_message(payload)
            assert id == instance.id
            ctx.error(f"{EVENTS[event]} {ud} {data.decode()}")
        elif type == 0:
            word, _, data = payload.partition(b" ")
            result = getattr(instance.sockets, word.decode())(instance.id, *([data] if data else []))
            if result is not None:
                ctx.error(f"{word.decode()}: {result}")

    ctx.callback(callback)
    return 0


def release(instance):
    instance.sockets.close(instance.id)
