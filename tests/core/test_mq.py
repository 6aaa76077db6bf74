"""host.core.mq: one queue, as the workers use it."""

from __future__ import annotations

import pytest

from host import _lua

_lua.load()
from host.core.mq import MessageQueue  # noqa: E402


def test_the_first_push_finds_the_queue_idle_and_later_ones_do_not() -> None:
    q = MessageQueue()

    assert [q.push(1), q.push(2), q.push(3)] == [True, False, False]


@pytest.mark.parametrize("n", [1, 7, 8, 9, 64, 5000])
def test_messages_are_popped_in_the_order_of_pushes(n: int) -> None:
    q = MessageQueue()
    for i in range(1, n + 1):
        q.push(i)

    assert [q.pop() for _ in range(n)] == list(range(1, n + 1))
    assert q.pop() is None


def test_messages_pushed_while_a_batch_is_popped_come_after_it() -> None:
    q = MessageQueue()
    q.push(1)
    q.push(2)
    assert q.pop() == 1
    q.push(3)

    assert [q.pop(), q.pop(), q.pop()] == [2, 3, None]


def test_a_queue_that_was_found_empty_is_idle_again() -> None:
    q = MessageQueue()
    q.push(1)
    q.pop()
    assert q.push(2) is False
    q.pop()
    assert q.pop() is None

    assert q.push(3) is True


def test_the_length_counts_what_is_pending() -> None:
    q = MessageQueue()
    for i in range(10):
        q.push(i)
    q.pop()
    q.push(10)

    assert len(q) == 10


@pytest.mark.parametrize(("pending", "reported"), [(1024, 0), (1025, 1025), (10000, 10000)])
def test_an_overload_is_reported_when_more_than_1024_remain(pending: int, reported: int) -> None:
    q = MessageQueue()
    for i in range(pending + 1):
        q.push(i)
    q.pop()

    assert q.overload() == reported
    assert q.overload() == 0


def test_the_overload_mark_falls_back_when_the_queue_is_found_empty() -> None:
    q = MessageQueue()
    for _ in range(2):
        for i in range(2000):
            q.push(i)
        q.pop()
        assert q.overload() == 1999
        while q.pop() is not None:
            pass
