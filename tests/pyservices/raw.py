"""A Python service on the raw hooks; writes down in the log which hook ran."""

from host.protocol import PTYPE_RESPONSE


class Raw:
    ctx = None


def create():
    return Raw()


def init(raw, ctx, args):
    if args == "refuse":
        return 1
    if args == "raise":
        raise LookupError("no such thing")
    raw.ctx = ctx

    def callback(type, session, source, payload):
        if payload == b"raise":
            raise ValueError("raw boom")
        ctx.send(source, PTYPE_RESPONSE, session, payload.upper())

    ctx.callback(callback)


def signal(raw, n):
    raw.ctx.error(f"raw signal {n}")


def release(raw):
    pass
