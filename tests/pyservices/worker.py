"""A Python service that does what its caller asks: the other side of tests/test_service_node.py."""

import time

from host.service import Service


class Worker(Service):
    async def start(self, *args):
        if args[:1] == ("raise",):
            raise LookupError("cannot start")
        if args[:1] == ("exit",):
            self.exit()
        if args:
            self.register(args[0])

    async def cmd_echo(self, *values):
        return values

    async def cmd_call(self, *args):
        return await self.call(*args)

    async def cmd_catch(self, *args):
        try:
            return await self.call(*args)
        except Exception as e:
            return f"{type(e).__name__}: {e}"

    async def cmd_sleep(self, ti):
        before = self.now()
        await self.sleep(ti)
        return self.now() - before

    async def cmd_block(self, seconds):
        time.sleep(seconds)
        return "blocked"

    async def cmd_thread(self, seconds):
        await self.to_thread(time.sleep, seconds)
        return "done"

    async def cmd_raise(self, text):
        raise ValueError(text)

    async def cmd_unpackable(self):
        return object()

    async def cmd_keep(self):
        self.kept = self.response()

    async def cmd_exit(self):
        self.exit()

    async def cmd_newservice(self, *args):
        return await self.newservice(*args)

    async def cmd_launch(self, *args):
        return await self.launch(*args)

    async def cmd_uniqueservice(self, *args):
        return await self.uniqueservice(*args)

    async def cmd_flood(self, addr, n):
        return sum([await self.call(addr, "lua", "echo", 1) for _ in range(n)])


create, init, release, signal = Worker.hooks()
