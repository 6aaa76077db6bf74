"""A node without threads and with its own clock, so that the order of events in a service can be tested exactly."""

import heapq
import itertools
from collections import deque


class FakeContext:
    """What `host.core.module.Context` is to a service."""

    def __init__(self, node, handle):
        self._node = node
        self.handle = handle
        self.sessions = itertools.count(1)
        self.function = None
        self.instance = None

    def callback(self, function):
        self.function = function

    def send(self, dest, type, session, payload=None):
        return self.redirect(dest, self.handle, type, session, payload)

    def redirect(self, dest, source, type, session, payload=None):
        number = self.newsession() if session is None else session
        if isinstance(dest, str):
            dest = int(dest[1:], 16) if dest.startswith(":") else self._node.names.get(dest)
        if dest not in self._node.contexts:
            return None
        self._node.queue.append((dest, type, number, source, bytes(payload or b"")))
        return number

    def newsession(self):
        return next(self.sessions)

    def timeout(self, ti):
        session = self.newsession()
        if ti <= 0:
            self._node.queue.append((self.handle, 1, session, 0, b""))
        else:
            heapq.heappush(self._node.timers, (self._node.now + ti, next(self._node.order), self.handle, session))
        return session

    def command(self, cmd, param=None):
        if cmd == "REG":
            if param in self._node.names:
                return None
            self._node.names[param] = self.handle
            return param[1:]
        if cmd == "QUERY":
            handle = self._node.names.get(param)
            return None if handle is None else f":{handle:x}"
        if cmd == "STAT":
            return "0"
        if cmd == "KILL":
            self._node.kill(int(param[1:], 16))
            return None
        if cmd == "EXIT":
            self._node.kill(self.handle)
            return None
        raise AssertionError(f"the fake node has no command {cmd}")

    def retire(self):
        self.command("EXIT")

    def error(self, text):
        self._node.log.append(text)

    def now(self):
        return self._node.now


class FakeNode:
    def __init__(self):
        self.contexts = {}
        self.names = {}
        self.queue = deque()
        self.timers = []
        self.order = itertools.count()
        self.now = 0
        self.log = []
        self.handles = itertools.count(1)

    def context(self, name=None):
        """Make a context without module, such as a test's own."""
        ctx = FakeContext(self, next(self.handles))
        self.contexts[ctx.handle] = ctx
        if name is not None:
            self.names[name] = ctx.handle
        return ctx

    def recorder(self, name=None):
        """Make a service that keeps its messages: (type, session, source, payload)."""
        ctx = self.context(name)
        ctx.messages = []
        ctx.callback(lambda *message: ctx.messages.append(message))
        return ctx

    def launch(self, service, args=None):
        ctx = self.context()
        hooks = service.hooks()
        ctx.instance = hooks.create()
        ctx.release = hooks.release
        assert not hooks.init(ctx.instance, ctx, args)
        return ctx.instance

    def kill(self, handle):
        ctx = self.contexts.pop(handle)
        dropped = [m for m in self.queue if m[0] == handle]
        left = [m for m in self.queue if m[0] != handle]
        self.queue.clear()
        self.queue.extend(left)
        for _, type, session, source, _ in dropped:
            if source and type not in (1, 7):
                ctx.send(source, 7, session)
        if ctx.instance is not None:
            ctx.release(ctx.instance)

    def run(self, until=None):
        """Deliver messages until nothing is left to do, or for `until` 1/100 s."""
        while self.queue or self.timers:
            if not self.queue:
                if until is not None and self.timers[0][0] > until:
                    break
                self.now, _, handle, session = heapq.heappop(self.timers)
                if handle in self.contexts:
                    self.queue.append((handle, 1, session, 0, b""))
                continue
            dest, *message = self.queue.popleft()
            function = self.contexts[dest].function
            if function is not None:
                function(*message)
