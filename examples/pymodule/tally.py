"""A native service on the four raw hooks: it counts the words that it gets as text messages."""

from collections import Counter

from host.protocol import PTYPE_RESPONSE, PTYPE_TEXT


class Tally:
    def __init__(self):
        self.ctx = None
        self.words = Counter()

    def callback(self, type, session, source, payload):
        """Handle one message: on a worker thread, one at a time. What it raises is logged."""
        if type == PTYPE_TEXT:
            word = payload.decode()
            self.words[word] += 1
            # Session 0 is a `send`: nobody waits.
            if session:
                self.ctx.send(source, PTYPE_RESPONSE, session, str(self.words[word]).encode())


def create():
    """Make the instance; None would refuse the launch."""
    return Tally()


def init(tally, ctx, args):
    """Start it: `args` is what follows the module's name in LAUNCH, or None. Not 0 and not None: it failed."""
    tally.ctx = ctx
    ctx.callback(tally.callback)
    if args is not None and ctx.command("REG", args) is None:
        ctx.error(f"the name {args} is taken")
        return 1


def signal(tally, n):
    """Take the command SIGNAL: on the thread of whoever gave it."""
    tally.ctx.error(f"signal {n}: forget {tally.words.total()} words")
    tally.words.clear()


def release(tally):
    """Clean up: the service is gone."""
    tally.words.clear()
