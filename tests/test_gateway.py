"""The gateway: calls into a node from threads and from asyncio."""

import asyncio
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakenode import FakeNode
from host.core.pyseri import pack

from host.errors import CallError, NodeError
from host.gateway import Gateway
from host.protocol import PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE
from host.service import Service, dispatch


class WakingQueue(deque):
    """A queue whose node is woken by what is put on it."""

    def __init__(self, *args):
        super().__init__(*args)
        self.filled = threading.Event()

    def append(self, message):
        super().append(message)
        self.filled.set()


class RunningNode(FakeNode):
    """A fake node with one worker thread."""

    def __init__(self):
        super().__init__()
        self.queue = WakingQueue()
        self.stopped = False
        self.thread = threading.Thread(target=self.work)

    def work(self):
        while not self.stopped:
            self.queue.filled.wait()
            self.queue.filled.clear()
            self.run()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stopped = True
        self.queue.filled.set()
        self.thread.join()
        for handle in list(self.contexts):
            self.kill(handle)


class Server(Service):
    def start(self):
        self.register(".server")
        self.kept = []

    async def cmd_echo(self, *values):
        return values

    async def cmd_fail(self, text):
        raise ValueError(text)

    async def cmd_keep(self):
        self.kept.append(self.response())
        kept.set()

    async def cmd_answer(self, *values):
        while self.kept:
            self.kept.pop()(*values)

    @dispatch("text")
    def on_text(self, session, source, text):
        return text.upper()


kept = threading.Event()


@pytest.fixture
def node():
    kept.clear()
    with RunningNode() as node:
        yield node


@pytest.fixture
def server(node):
    server = node.launch(Server)
    gateway = Gateway(node.context())
    assert gateway.call(server.handle, "echo", timeout=10) is None
    return server


@pytest.fixture
def gateway(node, server):
    return Gateway(node.context())


def test_a_call_returns_what_the_service_answers(gateway, server):
    assert gateway.call(".server", "echo") is None
    assert gateway.call(server.handle, "echo", 1) == 1
    assert gateway.call(f":{server.handle:x}", "echo", 1, "two", [3]) == (1, "two", [3])
    assert gateway.call(".server", "echo", {"a": [1]}, protocol="msgpack") == {"a": [1]}
    assert gateway.call(".server", "loud", protocol="text") == "LOUD"


def test_an_error_of_the_service_is_raised_with_its_text(gateway):
    with pytest.raises(CallError, match=r"^ValueError: boom$"):
        gateway.call(".server", "fail", "boom")


@pytest.mark.parametrize("address", [".nosuch", ":ffff", 0xFFFF, "NOSUCH", 0, ":0"])
def test_a_call_to_nobody_fails_at_once(gateway, address):
    with pytest.raises(CallError, match="call to invalid address"):
        gateway.call(address, "echo")
    assert gateway._pending == {}


def test_what_cannot_be_packed_is_not_sent(gateway):
    with pytest.raises(TypeError, match="Unsupport type object"):
        gateway.call(".server", object())
    assert gateway._pending == {}


def test_a_late_answer_is_a_timeout_and_dropped(node, gateway):
    with pytest.raises(TimeoutError, match=r"no answer from \.server in 0\.01 s"):
        gateway.call(".server", "keep", timeout=0.01)
    gateway.call(".server", "answer", "too late")

    assert gateway.call(".server", "echo", "in time") == "in time"
    assert gateway._pending == {}
    assert node.log == []


def test_a_send_arrives_and_expects_nothing(gateway, server):
    assert gateway.send(".server", "keep") is True
    assert gateway.send(".nosuch", "keep") is False
    assert kept.wait(10)


def test_a_hundred_threads_may_call_at_once(gateway):
    def client(i):
        return [gateway.call(".server", "echo", i, n) for n in range(20)]

    with ThreadPoolExecutor(100) as pool:
        results = list(pool.map(client, range(100)))

    assert results == [[(i, n) for n in range(20)] for i in range(100)]
    assert gateway._pending == {}


@pytest.mark.parametrize("message", [(PTYPE_ERROR, 0, b""), (PTYPE_ERROR, None, b"")])
def test_a_callee_that_dies_later_fails_the_call(node, gateway, message):
    callee = node.context(".callee")
    type, session, payload = message
    callee.callback(lambda _, asked, source, data: callee.send(source, type, asked if session is None else 0, payload))

    for address in (".callee", callee.handle):
        with pytest.raises(CallError, match="^call failed$"):
            gateway.call(address, "x")


def test_the_death_of_another_service_fails_nothing(node, gateway):
    other = node.context()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(gateway.call, ".server", "keep")
        assert kept.wait(10)
        other.send(gateway.handle, PTYPE_ERROR, 0)
        other.send(gateway.handle, PTYPE_RESPONSE, 12345)
        gateway.call(".server", "answer", "alive")
        assert future.result(10) == "alive"


def test_a_request_to_the_gateway_is_refused(node, gateway):
    class Asking(Service):
        async def cmd_ask(self, addr):
            return await self.call(addr, "lua", "x")

    asking = node.launch(Asking)

    with pytest.raises(CallError, match="the gateway serves no requests"):
        gateway.call(asking.handle, "ask", gateway.handle)


def test_closing_fails_what_waits_and_what_comes_after(gateway):
    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(gateway.call, ".server", "keep") for _ in range(10)]
        while len(gateway._pending) < 10:
            kept.wait(0.01)
        gateway.close()
        for future in futures:
            with pytest.raises(NodeError, match="the node has stopped"):
                future.result(10)

    gateway.close("again")
    for use in (gateway.call, gateway.send, gateway.newservice, gateway.launch, gateway.query):
        with pytest.raises(NodeError, match="the node has stopped"):
            use(".server")


def test_services_are_launched_through_the_launcher(node, gateway):
    launcher = node.context(".launcher")
    asked = []

    def launch(type, session, source, payload):
        asked.append((type, payload))
        launcher.send(source, PTYPE_RESPONSE, session, pack(77))

    launcher.callback(launch)

    assert gateway.newservice("worker", 1) == 77
    assert gateway.launch("pyworker", "a") == 77
    assert asked == [
        (PTYPE_LUA, pack("LAUNCH", "snlua", "worker", 1)),
        (PTYPE_LUA, pack("LAUNCH", "pyworker", "a")),
    ]


def test_a_name_can_be_queried(gateway, server):
    assert gateway.query(".server") == server.handle
    assert gateway.query(".nosuch") is None


def test_asyncio_calls_run_at_once(gateway):
    async def main():
        answers = await asyncio.gather(*(gateway.acall(".server", "echo", i) for i in range(50)))
        with pytest.raises(CallError, match="ValueError: boom"):
            await gateway.acall(".server", "fail", "boom")
        return answers

    assert asyncio.run(main()) == list(range(50))
    assert gateway._pending == {}


def test_an_asyncio_call_times_out_or_is_cancelled_and_its_answer_is_dropped(node, gateway):
    async def main():
        with pytest.raises(TimeoutError, match="no answer from"):
            await gateway.acall(".server", "keep", timeout=0.01)
        task = asyncio.ensure_future(gateway.acall(".server", "keep"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await gateway.acall(".server", "answer", "too late")
        return await gateway.acall(".server", "echo", "in time")

    assert asyncio.run(main()) == "in time"
    assert gateway._pending == {}
    assert node.log == []


def test_closing_fails_asyncio_calls(gateway):
    async def main():
        task = asyncio.ensure_future(gateway.acall(".server", "keep"))
        await asyncio.sleep(0)
        gateway.close()
        await task

    with pytest.raises(NodeError):
        asyncio.run(main())


def test_a_service_can_be_killed(node, gateway, server):
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(gateway.call, ".server", "keep")
        assert kept.wait(10)
        gateway.kill(".server")
        with pytest.raises(CallError, match="^call failed$"):
            future.result(10)

    gateway.kill(".nosuch")
    assert server.handle not in node.contexts
