"""The coroutine layer of Python services, on a node whose clock and order are the test's."""

import asyncio
import re
import threading

import pytest
from fakenode import FakeNode
from host.core.pyseri import pack, unpack

from host.errors import CallError
from host.protocol import (
    PTYPE_DEBUG,
    PTYPE_ERROR,
    PTYPE_LUA,
    PTYPE_MSGPACK,
    PTYPE_RESPONSE,
    PTYPE_TEXT,
    Protocol,
    protocols,
)
from host.service import Service, dispatch

RESPONSE, ERROR = PTYPE_RESPONSE, PTYPE_ERROR


@pytest.fixture
def node():
    node = FakeNode()
    yield node
    for handle in list(node.contexts):
        node.kill(handle)


@pytest.fixture
def launcher(node):
    return node.recorder(".launcher")


@pytest.fixture
def client(node):
    return node.recorder()


def request(node, client, service, *values, type=PTYPE_LUA, run=True):
    """Send a request and return the answer: the values, or the text of the error."""
    protocol = next(p for p in protocols.values() if p.id == type)
    session = client.send(service.handle, type, None, protocol.pack(*values))
    if not run:
        return session
    node.run()
    return answer(client, session, protocol)


def answer(client, session, protocol=protocols["lua"]):
    (message,) = [m for m in client.messages if m[1] == session and m[0] in (RESPONSE, ERROR)]
    client.messages.remove(message)
    return protocol.unpack(message[3]) if message[0] == RESPONSE else message[3].decode()


class Echo(Service):
    async def cmd_echo(self, *values):
        return values

    def cmd_plain(self, value):
        return value

    def cmd_nothing(self):
        pass

    def cmd_fail(self, text):
        raise ValueError(text)

    async def cmd_context(self):
        return self.context()

    async def cmd_unpackable(self):
        return object()

    async def cmd_late(self, ti):
        await self.sleep(ti)
        return "late"


# -- start


def test_the_launcher_learns_that_the_start_function_is_done(node, launcher):
    class Slow(Service):
        async def start(self, *args):
            self.args = args
            await self.sleep(10)

    service = node.launch(Slow, "one  two")
    node.run(until=9)
    assert launcher.messages == []

    node.run()
    assert service.args == ("one", "two")
    assert launcher.messages == [(PTYPE_TEXT, 0, service.handle, b"")]


def test_a_failing_start_function_fails_the_launch_and_ends_the_service(node, launcher):
    class Broken(Service):
        def start(self):
            raise LookupError("no such thing")

    service = node.launch(Broken)
    node.run()

    assert launcher.messages[0] == (PTYPE_TEXT, 0, service.handle, b"ERROR")
    assert unpack(launcher.messages[1][3]) == ("REMOVE", service.handle, False)
    assert service.handle not in node.contexts
    assert node.log[0].startswith("init service failed: Traceback")
    assert node.log[0].endswith("LookupError: no such thing")


def test_wrong_launch_arguments_fail_the_launch(node, launcher):
    node.launch(Echo, "unexpected")
    node.run()
    assert launcher.messages[0][3] == b""

    class NoArguments(Service):
        async def start(self):
            pass

    node.launch(NoArguments, "unexpected")
    node.run()
    assert launcher.messages[1][3] == b"ERROR"


def test_exit_in_the_start_function_is_told_to_the_launcher_as_such(node, launcher):
    class Brief(Service):
        def start(self):
            self.exit()

    service = node.launch(Brief)
    node.run()

    assert [unpack(m[3]) for m in launcher.messages] == [("REMOVE", service.handle, False)]
    assert node.log == []


def test_services_of_one_class_share_nothing(node, client):
    class Counter(Service):
        def start(self):
            self.count = 0

        def cmd_add(self):
            self.count += 1
            return self.count

    one, two = node.launch(Counter), node.launch(Counter)
    node.run()

    assert [request(node, client, s, "add") for s in (one, one, two)] == [(1,), (2,), (1,)]


# -- requests and answers


@pytest.mark.parametrize("type", [PTYPE_LUA, PTYPE_MSGPACK])
def test_what_a_command_returns_is_the_answer_in_the_protocol_of_the_request(node, client, type):
    service = node.launch(Echo)

    assert request(node, client, service, "echo", 1, "two", [3], type=type) == (1, "two", [3])
    assert request(node, client, service, "plain", {"a": 1}, type=type) == ({"a": 1},)
    assert request(node, client, service, "nothing", type=type) == ()
    assert request(node, client, service, "echo", type=type) == ()


def test_an_exception_is_logged_and_its_text_is_the_answer(node, client):
    service = node.launch(Echo)

    assert request(node, client, service, "fail", "boom") == "ValueError: boom"
    assert len(node.log) == 1
    assert f"lua message from :{client.handle:08x}, session 1: Traceback" in node.log[0]
    assert "raise ValueError(text)\nValueError: boom" in node.log[0]
    assert "service.py" not in node.log[0].replace("test_service.py", "")


def test_an_unknown_command_is_an_error_that_names_it(node, client):
    service = node.launch(Echo)

    assert request(node, client, service, "nosuch") == "unknown command 'nosuch'"
    assert request(node, client, service) == "unknown command None"
    assert request(node, client, service, {"a": 1}) == "unknown command {'a': 1}"


def test_what_cannot_be_packed_is_an_error_to_the_caller(node, client):
    service = node.launch(Echo)

    assert request(node, client, service, "unpackable") == "TypeError: Unsupport type object to serialize"
    assert "Unsupport type object" in node.log[0]


def test_a_broken_request_is_an_error_to_the_caller(node, client):
    service = node.launch(Echo)

    session = client.send(service.handle, PTYPE_LUA, None, b"\x07")
    node.run()

    assert answer(client, session) == "ValueError: Invalid serialize stream 0 (unknown type)"
    assert "cannot unpack a lua message" in node.log[0]


def test_a_send_is_not_answered(node, client):
    service = node.launch(Echo)

    client.send(service.handle, PTYPE_LUA, 0, pack("echo", 1))
    client.send(service.handle, PTYPE_LUA, 0, pack("fail", "boom"))
    node.run()

    assert client.messages == []
    assert len(node.log) == 1


def test_a_marked_method_handles_its_protocol_whatever_its_name(node, client):
    class Marked(Service):
        protocols = (Protocol("upper", 99, lambda v: v.encode(), lambda data: (data.decode(),)),)

        @dispatch("lua")
        @dispatch("msgpack")
        async def anything(self, session, source, *values):
            return [session, source, *values]

        @dispatch("text")
        def on_text(self, session, source, text):
            return "text " + text

        @dispatch("upper")
        def on_upper(self, session, source, text):
            return text.upper()

    service = node.launch(Marked)

    assert request(node, client, service, "a") == ([1, client.handle, "a"],)
    assert request(node, client, service, "b", type=PTYPE_MSGPACK) == ([2, client.handle, "b"],)
    assert request(node, client, service, "c", type=PTYPE_TEXT) == ("text c",)
    session = client.send(service.handle, 99, None, b"abc")
    node.run()
    assert client.messages == [(RESPONSE, session, service.handle, b"ABC")]


def test_an_overridden_handler_needs_no_second_mark(node, client):
    class Base(Service):
        @dispatch("lua")
        def on_lua(self, session, source, *values):
            return "base"

    class Derived(Base):
        def on_lua(self, session, source, *values):
            return "derived"

    assert request(node, client, node.launch(Derived)) == ("derived",)


def test_a_handler_for_an_unknown_protocol_is_an_error_of_the_class():
    with pytest.raises(ValueError, match=r"Wrong.handler handles an unknown protocol: 'nosuch'"):

        class Wrong(Service):
            @dispatch("nosuch")
            def handler(self, session, source):
                pass


def test_a_protocol_without_handler_is_an_error_to_the_caller_or_a_line_in_the_log(node, client):
    service = node.launch(Echo)

    session = client.send(service.handle, PTYPE_TEXT, None, b"x")
    other = client.send(service.handle, 77, None, b"x")
    client.send(service.handle, 77, 0, b"lost")
    client.send(service.handle, 12, 0, b"trace tag")
    node.run()

    assert answer(client, session) == "no handler for protocol text"
    assert answer(client, other) == "no handler for protocol 77"
    assert node.log == [f"Unknown request (77): b'lost', from {client.handle:x}"]


def test_ret_answers_at_once_and_only_once(node, client):
    class Early(Service):
        async def cmd_early(self):
            first = self.ret("early", 1)
            session, source = self.context()
            try:
                self.ret("again")
            except RuntimeError as e:
                self.seen = (first, session, source, str(e))
            await self.sleep(5)
            return "dropped"

        async def cmd_tell(self):
            self.told = self.ret("nobody")

    service = node.launch(Early)

    assert request(node, client, service, "early") == ("early", 1)
    assert service.seen == (True, None, client.handle, "No session")
    client.send(service.handle, PTYPE_LUA, 0, pack("tell"))
    node.run()
    assert service.told is False


def test_ret_outside_of_a_request_is_an_error(node):
    class Lonely(Service):
        def start(self):
            with pytest.raises(RuntimeError, match="No session"):
                self.ret()
            with pytest.raises(RuntimeError, match="No session"):
                self.response()

    node.launch(Lonely)
    node.run()
    assert node.log == []


def test_ignoreret_leaves_the_answer_to_somebody_else(node, client):
    class Silent(Service):
        def cmd_silent(self):
            self.ignoreret()
            return "dropped"

    request(node, client, node.launch(Silent), "silent", run=False)
    node.run()

    assert client.messages == []


class Keeper(Service):
    def start(self):
        self.kept = []

    def cmd_keep(self):
        self.kept.append(self.response())

    def cmd_answer(self, *values):
        return [response(*values) for response in self.kept]

    def cmd_fail(self, text):
        return [response.error(text) for response in self.kept]

    def cmd_test(self):
        return [response.pending for response in self.kept]

    def cmd_exit(self):
        self.exit()


def test_a_response_answers_later_and_only_once(node, client):
    service = node.launch(Keeper)
    kept = request(node, client, service, "keep", run=False)

    assert request(node, client, service, "test") == ([True],)
    assert request(node, client, service, "answer", 1, 2) == ([True],)
    assert answer(client, kept) == (1, 2)
    assert request(node, client, service, "test") == ([False],)
    assert request(node, client, service, "answer") == "RuntimeError: Can't response more than once"


def test_a_response_may_be_an_error(node, client):
    service = node.launch(Keeper)
    kept = request(node, client, service, "keep", run=False)

    request(node, client, service, "fail", "sorry")

    assert answer(client, kept) == "sorry"


def test_a_response_to_a_send_answers_nobody_any_number_of_times(node, client):
    service = node.launch(Keeper)
    client.send(service.handle, PTYPE_LUA, 0, pack("keep"))

    assert request(node, client, service, "test") == ([False],)
    assert request(node, client, service, "answer") == ([False],)
    assert request(node, client, service, "answer") == ([False],)


def test_a_response_whose_values_cannot_be_packed_stays_usable(node):
    class Retry(Service):
        def cmd_keep(self):
            response = self.response()
            with pytest.raises(TypeError):
                response(object())
            response("second try")

    client = node.recorder()
    assert request(node, client, node.launch(Retry), "keep") == ("second try",)


def test_the_death_of_a_requester_takes_its_responses(node, client):
    service = node.launch(Keeper)
    other = node.recorder()
    other.send(service.handle, PTYPE_LUA, None, pack("keep"))
    client.send(service.handle, PTYPE_LUA, None, pack("keep"))
    other.send(service.handle, ERROR, 0)

    assert request(node, client, service, "test") == ([False, True],)
    assert request(node, client, service, "answer") == ([False, True],)
    assert other.messages == []


# -- calls


class Caller(Service):
    async def cmd_call(self, *args):
        return await self.call(*args)

    async def cmd_catch(self, *args):
        try:
            return await self.call(*args)
        except CallError as e:
            return "caught " + str(e)

    async def cmd_send(self, *args):
        return self.send(*args)


@pytest.mark.parametrize("protocol", ["lua", "msgpack"])
def test_a_call_returns_what_the_callee_returns(node, client, protocol):
    callee, caller = node.launch(Echo), node.launch(Caller)

    def call(*args):
        return request(node, client, caller, "call", callee.handle, protocol, *args)

    assert call("echo", 1, 2) == (1, 2)
    assert call("plain", None) == ()
    assert call("plain", [1]) == ([1],)
    assert call("nothing") == ()


def test_a_call_takes_every_form_of_address(node, client):
    callee, caller = node.launch(Echo), node.launch(Caller)
    node.names[".echo"] = callee.handle

    for address in (callee.handle, f":{callee.handle:x}", ".echo"):
        assert request(node, client, caller, "call", address, "lua", "plain", 1) == (1,)
        assert request(node, client, caller, "send", address, "lua", "plain", 1) == (True,)


@pytest.mark.parametrize(
    ("address", "text"), [(0xFFFF, ":0000ffff"), (":ffff", ":ffff"), (".nosuch", ".nosuch"), ("NOSUCH", "NOSUCH")]
)
def test_a_call_to_nobody_fails_at_once(node, client, address, text):
    caller = node.launch(Caller)

    assert request(node, client, caller, "catch", address, "lua") == ("caught call to invalid address " + text,)
    assert request(node, client, caller, "send", address, "lua") == (False,)


def test_a_failed_call_raises_the_text_of_the_callee_and_passes_it_on(node, client):
    callee, caller = node.launch(Echo), node.launch(Caller)

    assert request(node, client, caller, "catch", callee.handle, "lua", "fail", "boom") == ("caught ValueError: boom",)
    assert request(node, client, caller, "call", callee.handle, "lua", "fail", "boom") == "ValueError: boom"


def test_an_error_without_text_is_call_failed(node, client):
    callee, caller = node.recorder(), node.launch(Caller)
    request(node, client, caller, "catch", callee.handle, "lua", run=False)
    node.run()

    callee.send(caller.handle, ERROR, callee.messages[0][1])
    node.run()

    assert unpack(client.messages[0][3]) == ("caught call failed",)


@pytest.mark.parametrize("by_name", [False, True])
def test_a_callee_that_announces_its_death_fails_the_calls_to_it(node, client, by_name):
    callee, other, caller = node.recorder(".callee"), node.recorder(), node.launch(Caller)
    address = ".callee" if by_name else callee.handle
    sessions = [request(node, client, caller, "catch", a, "lua", run=False) for a in (address, other.handle, address)]
    node.run()

    callee.send(caller.handle, ERROR, 0)
    node.run()

    assert answer(client, sessions[0]) == answer(client, sessions[2]) == ("caught call failed",)
    assert client.messages == []


def test_a_callee_killed_with_the_request_in_its_queue_fails_the_call(node, client):
    callee, caller = node.recorder(), node.launch(Caller)
    session = request(node, client, caller, "catch", callee.handle, "lua", run=False)
    node.run()
    callee.send(caller.handle, ERROR, callee.messages[0][1])
    node.run()

    assert answer(client, session) == ("caught call failed",)


def test_an_answer_that_cannot_be_unpacked_raises_in_the_caller(node, client):
    callee, caller = node.recorder(), node.launch(Caller)
    session = request(node, client, caller, "call", callee.handle, "lua", run=False)
    node.run()

    callee.send(caller.handle, RESPONSE, callee.messages[0][1], b"\x07")
    node.run()

    assert answer(client, session).startswith("ValueError: Invalid serialize stream")


def test_an_answer_nobody_waits_for_is_logged(node, client):
    service = node.launch(Echo)
    node.run()

    client.send(service.handle, RESPONSE, 4711)
    client.send(service.handle, ERROR, 4711)
    node.run()

    assert node.log == [f"Unknown session : 4711 from {client.handle:x}"]


def test_a_service_may_call_itself(node, client):
    class Own(Caller):
        def cmd_answer(self):
            return 42

    service = node.launch(Own)
    assert request(node, client, service, "call", service.handle, "lua", "answer") == (42,)


def test_requests_are_served_while_another_waits(node, client):
    service = node.launch(Echo)
    late = request(node, client, service, "late", 10, run=False)
    soon = request(node, client, service, "late", 5, run=False)
    now = request(node, client, service, "plain", 1, run=False)
    node.run()

    assert [m[1] for m in client.messages] == [now, soon, late]


def test_a_session_in_use_is_not_given_out_again(node, client):
    callee, caller = node.recorder(), node.launch(Caller)
    node.run()
    caller.ctx.sessions = iter([7, 7, 8, 9, 7, 8, 9, 10])
    for _ in range(2):
        request(node, client, caller, "call", callee.handle, "lua", run=False)
    node.run()
    assert [m[1] for m in callee.messages] == [7, 8]

    # The next number of the core, 9, is free for a timer; in a second turn 7, 8 and 9 are not.
    caller.timeout(5, print)
    caller._last_session = 6
    task = caller.timeout(5, print)
    assert task._session == 10


# -- time and order


class Recorder(Service):
    def start(self):
        self.events = []


def test_a_timeout_runs_a_plain_or_an_async_function_later(node):
    class Timed(Recorder):
        def start(self):
            super().start()
            self.timeout(20, self.plain, "b")
            self.timeout(10, self.waiting, "a")

        def plain(self, text):
            self.events.append((self.now(), text))

        async def waiting(self, text):
            self.plain(text)
            woken = await self.sleep(25)
            self.plain(f"{text}2 {woken}")

    service = node.launch(Timed)
    node.run()

    assert service.events == [(10, "a"), (20, "b"), (35, "a2 False")]


def test_a_timeout_that_is_no_whole_number_is_an_error(node):
    service = node.launch(Echo)
    with pytest.raises(TypeError):
        service.timeout(1.5, print)


def test_forks_start_when_the_current_coroutine_suspends_and_before_other_messages(node):
    class Order(Recorder):
        async def start(self):
            super().start()
            self.timeout(0, self.events.append, "timeout")
            self.fork(self.child, "fork 1")
            self.fork(self.child("fork 2"))
            self.events.append("main")
            await self.sleep(0)
            self.events.append("main after sleep")

        async def child(self, name):
            self.events.append(name)
            if name == "fork 1":
                self.fork(self.child, "fork of fork")

    service = node.launch(Order)
    node.run()

    assert service.events == ["main", "fork 1", "fork 2", "fork of fork", "timeout", "main after sleep"]


def test_the_woken_run_before_forks_and_in_the_order_of_wakeup(node):
    class Order(Recorder):
        async def start(self):
            super().start()
            for name in ("a", "b"):
                self.fork(self.sleeper, name)
            await self.sleep(1)
            self.fork(self.events.append, "fork")
            self.events.append((self.wakeup("b"), self.wakeup("a"), self.wakeup("a"), self.wakeup("nobody")))
            self.events.append("waker")

        async def sleeper(self, name):
            woken = await self.sleep(100, name)
            self.events.append((name, woken))

    service = node.launch(Order)
    node.run()

    assert service.events == [(True, True, False, False), "waker", ("b", True), ("a", True), "fork"]
    assert node.log == []


def test_wait_lasts_until_wakeup_and_a_token_serves_one(node):
    class Waiting(Recorder):
        async def start(self):
            super().start()
            self.task = self.fork(self.waiter)
            await self.sleep(5)
            try:
                await self.wait("token")
            except RuntimeError as e:
                self.events.append(str(e))
            self.wakeup("token")
            await self.sleep(5)
            self.wakeup(self.task)

        async def waiter(self):
            await self.wait("token")
            self.events.append(self.now())
            assert self.running() is self.task
            await self.wait()
            self.events.append(self.now())

    service = node.launch(Waiting)
    node.run()

    assert service.events == ["token duplicative", 5, 10]


def test_gather_runs_at_once_and_keeps_the_order_of_results(node):
    class Many(Recorder):
        async def after(self, ti, result):
            await self.sleep(ti)
            if result is None:
                raise LookupError(ti)
            return result

        async def start(self):
            super().start()
            self.events.append(await self.gather(self.after(30, "a"), self.after(10, "b"), self.after(0, "c")))
            self.events.append(self.now())
            self.events.append(await self.gather())
            try:
                await self.gather(self.after(20, None), self.after(10, None), self.after(40, 1))
            except LookupError as e:
                self.events.append((self.now(), e.args))

    service = node.launch(Many)
    node.run()

    assert service.events == [["a", "b", "c"], 30, [], (70, (20,))]


def test_awaiting_what_is_not_of_this_module_is_an_error_in_the_coroutine(node, client):
    class Foreign(Service):
        async def cmd_foreign(self):
            try:
                await asyncio.sleep(0)
            except RuntimeError as e:
                return str(e)

    text = request(node, client, node.launch(Foreign), "foreign")[0]
    assert "cannot await None" in text


def test_errors_in_forks_and_timers_are_logged_and_harm_nobody(node, client):
    class Failing(Echo):
        def start(self):
            self.fork(self.fail)
            self.timeout(1, self.fail)

        async def fail(self):
            await self.sleep(0)
            raise SystemExit("mine")

    service = node.launch(Failing)
    node.run()

    assert len(node.log) == 2
    assert all(line.endswith("SystemExit: mine") for line in node.log)
    assert request(node, client, service, "plain", 1) == (1,)


def test_killthread_ends_what_is_blocked_and_what_has_not_started(node, client):
    class Killer(Recorder):
        async def start(self):
            super().start()
            unstarted = self.fork(self.blocked)
            timer = self.timeout(50, self.events.append, "timer")
            self.events.append([self.killthread(t) for t in (unstarted, timer, timer, self.running())])
            waiting = self.fork(self.blocked)
            await self.sleep(1)
            self.events.append(self.killthread(waiting))

        async def blocked(self):
            try:
                await self.sleep(100)
            finally:
                self.events.append("closed")

        async def cmd_block(self):
            self.task = self.running()
            await self.call(client.handle, "lua")

        def cmd_kill(self):
            return self.killthread(self.task)

    service = node.launch(Killer)
    node.run()
    assert service.events == [[True, True, False, False], "closed", True]

    blocked = request(node, client, service, "block", run=False)
    assert request(node, client, service, "kill") == (True,)
    asked = client.messages.pop(0)
    assert answer(client, blocked) == "killed"
    client.send(service.handle, RESPONSE, asked[1])
    node.run()
    assert node.log == []


# -- the end


def test_exit_leaves_nobody_waiting(node, launcher):
    class Dying(Keeper):
        async def cmd_wait(self):
            try:
                await self.sleep(1000)
            finally:
                closed.append("wait")

        async def cmd_call(self):
            await self.call(callee.handle, "lua")

        async def cmd_exit(self):
            self.fork(print, "never")
            try:
                self.exit()
            except Exception:
                closed.append("an Exception")
            finally:
                closed.append("exit")

        def release(self):
            closed.append("release")

    closed = []
    callee, client = node.recorder(), node.recorder()
    service = node.launch(Dying)
    node.run()
    launcher.messages.clear()
    sessions = [request(node, client, service, cmd, run=False) for cmd in ("keep", "wait", "call", "exit", "test")]
    node.run(until=1)

    assert [(m[0], m[1]) for m in callee.messages] == [(PTYPE_LUA, callee.messages[0][1]), (ERROR, 0)]
    assert sorted(m[:2] for m in client.messages) == [(ERROR, s) for s in sessions]
    assert [unpack(m[3]) for m in launcher.messages] == [("REMOVE", service.handle, False)]
    assert closed == ["wait", "release", "exit"]
    assert node.log == []


def test_a_service_that_is_exiting_answers_what_arrives_with_an_error(node, client):
    service = node.launch(Echo)
    node.run()

    service._callback_exited(PTYPE_LUA, 5, client.handle, pack("echo"))
    service._callback_exited(PTYPE_LUA, 0, client.handle, pack("echo"))
    service._callback_exited(RESPONSE, 6, client.handle, b"")
    node.run()

    assert client.messages == [(ERROR, 5, service.handle, b"")]


def test_a_killed_service_still_fails_the_requests_it_was_serving(node, client):
    service = node.launch(Keeper)
    kept = request(node, client, service, "keep", run=False)
    node.run()

    node.kill(service.handle)
    node.run()

    assert answer(client, kept) == ""


def test_a_coroutine_that_awaits_while_it_is_closed_is_no_obstacle(node, client):
    class Stubborn(Service):
        async def cmd_wait(self):
            try:
                await self.sleep(1000)
            finally:
                await self.sleep(1)

        async def cmd_exit(self):
            try:
                self.exit()
            finally:
                await self.sleep(1)

    service = node.launch(Stubborn)
    sessions = [request(node, client, service, cmd, run=False) for cmd in ("wait", "exit")]
    node.run(until=1)

    assert sorted(m[:2] for m in client.messages) == [(ERROR, s) for s in sessions]
    assert service.handle not in node.contexts


def test_signals_reach_the_service(node):
    class Signalled(Service):
        def signal(self, n):
            self.n = n

    service = node.launch(Signalled)
    Signalled.hooks().signal(service, 3)
    assert service.n == 3


def test_an_instance_that_was_never_initialised_can_be_released():
    hooks = Echo.hooks()
    hooks.release(hooks.create())


# -- other services


def test_newservice_and_uniqueservice_ask_launcher_and_manager(node, launcher, client):
    class Launching(Service):
        async def cmd_new(self):
            return await self.newservice("worker", 1, "x")

        async def cmd_launch(self):
            return await self.launch("pyworker")

        async def cmd_unique(self):
            return await self.uniqueservice("worker", 1)

        async def cmd_query(self):
            return await self.queryservice("worker")

    manager = node.recorder(".service")
    service = node.launch(Launching)
    node.run()
    launcher.messages.clear()

    def serve(cmd, server, *answers):
        session = request(node, client, service, cmd, run=False)
        node.run()
        message = server.messages.pop()
        server.send(service.handle, RESPONSE, message[1], pack(*answers))
        node.run()
        return unpack(message[3]), answer(client, session)

    assert serve("new", launcher, 99) == (("LAUNCH", "snlua", "worker", 1, "x"), (99,))
    assert serve("new", launcher) == (("LAUNCH", "snlua", "worker", 1, "x"), ())
    assert serve("launch", launcher, 99) == (("LAUNCH", "pyworker"), (99,))
    assert serve("unique", manager, 98) == (("LAUNCH", "worker", 1), (98,))
    assert serve("unique", manager, None, "no such file")[1] == "no such file"
    assert serve("unique", manager, None)[1] == "the service exited in its start function"
    assert serve("query", manager, 98) == (("QUERY", "worker"), (98,))


def test_names_are_registered_once_and_found(node, client):
    class Named(Service):
        def cmd_register(self, name):
            return self.register(name)

        def cmd_query(self, name):
            return self.query(name)

    one, two, slave = node.launch(Named), node.launch(Named), node.recorder(".cslave")

    assert request(node, client, one, "query", ".named") == ()
    assert request(node, client, one, "register", ".named") == (True,)
    assert request(node, client, two, "register", ".named") == (False,)
    assert request(node, client, two, "query", ".named") == (one.handle,)
    assert request(node, client, two, "register", "GLOBAL") == (True,)
    assert unpack(slave.messages[0][3]) == ("REGISTER", "GLOBAL", two.handle)


def test_kill_tells_the_launcher_and_kills(node, launcher, client):
    class Killer(Service):
        def cmd_kill(self, addr):
            self.kill(addr)

    victim, service = node.launch(Echo), node.launch(Killer)
    node.run()
    launcher.messages.clear()
    request(node, client, service, "kill", victim.handle)

    assert unpack(launcher.messages[0][3]) == ("REMOVE", victim.handle, True)
    assert victim.handle not in node.contexts


def test_the_debug_protocol_is_answered(node, client):
    class Debugged(Echo):
        async def cmd_ask(self, addr):
            await self.call(addr, "lua")

        def info(self, *values):
            return ["info", *values]

    service = node.launch(Debugged)
    node.run()

    def debug(*values):
        return request(node, client, service, *values, type=PTYPE_DEBUG)

    client.send(service.handle, PTYPE_LUA, None, pack("ask", client.handle))
    assert debug("PING") == ()
    assert debug("MEM") == (0.0,)
    assert debug("STAT") == ({"task": 1, "mqlen": 0, "cpu": 0.0, "message": 0},)
    ((key, stack),) = debug("TASK")[0].items()
    assert re.fullmatch(r"<Task Service._command at 0x[0-9a-f]+> session: \d+", key)
    assert "in cmd_ask" in stack
    assert debug("INFO", 1) == (["info", 1],)
    assert debug("SUPPORT", "lua") == (True,)
    assert debug("SUPPORT", "text") == (False,)
    assert debug("SUPPORT", "nosuch") == (False,)
    assert debug("RUN", "code") == "unknown debug command RUN"
    client.send(service.handle, PTYPE_DEBUG, 0, pack("GC"))
    link = request(node, client, service, "LINK", type=PTYPE_DEBUG, run=False)
    assert debug("EXIT") == ""
    assert answer(client, link, protocols["debug"]) == ""


def test_to_thread_does_not_hold_the_service(node, client):
    class Blocking(Echo):
        async def cmd_block(self):
            return await self.to_thread(self.block, "done")

        async def cmd_fail(self):
            return await self.to_thread(int, "x")

        def block(self, text):
            gate.wait(10)
            return text

    gate = threading.Event()
    service = node.launch(Blocking)
    blocked = request(node, client, service, "block", run=False)
    node.run()
    assert request(node, client, service, "plain", 1) == (1,)
    assert client.messages == []

    gate.set()
    run_until(node, lambda: client.messages)
    assert answer(client, blocked) == ("done",)

    failed = request(node, client, service, "fail", run=False)
    run_until(node, lambda: client.messages)
    assert answer(client, failed).startswith("ValueError: invalid literal")
    service._hook_release()


def run_until(node, condition):
    deadline = threading.Event()
    for _ in range(1000):
        node.run()
        if condition():
            return
        deadline.wait(0.01)
    raise AssertionError("nothing happened in 10 s")
