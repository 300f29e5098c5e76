"""Receives that wait: on a clock that stands still, without a socket."""

from __future__ import annotations

import asyncio
import re

from localcloud.http import Response
from localcloud.mns.limits import Limits
from localcloud.mns.values import Outgoing, QueueChanges
from tests.contract.mns.worlds import MnsWorld

BODY = re.compile(rb"<MessageBody>([^<]*)</MessageBody>")
CODE = re.compile(rb"<Code>([^<]*)</Code>")


def said(response: Response) -> tuple[int, list[bytes]]:
    """Status, and the bodies of messages or the code of the error."""
    return response.status, BODY.findall(response.body) or CODE.findall(response.body)


async def settle() -> None:
    """Lets everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Poll:
    """A receive under way."""

    def __init__(self, world: MnsWorld, query: str = "waitseconds=30", queue: str = "q") -> None:
        self.is_connected = True
        target = f"/queues/{queue}/messages" + (f"?{query}" if query else "")
        request = world.request("GET", target, is_connected=lambda: self.is_connected)
        self.task = asyncio.ensure_future(world.endpoint.handle(request))

    def is_waiting(self) -> bool:
        return not self.task.done()

    def answer(self) -> tuple[int, list[bytes]]:
        return said(self.task.result())


def test_a_poll_is_answered_by_the_send(world: MnsWorld) -> None:
    async def act() -> None:
        poll = Poll(world)
        await settle()
        assert poll.is_waiting()

        world.send("a")
        await settle()

        assert poll.answer() == (200, [b"a"])

    world.run(act)


def test_a_poll_ends_empty_exactly_when_its_time_is_up(world: MnsWorld) -> None:
    async def act() -> None:
        poll = Poll(world, "waitseconds=3")
        await settle()
        world.advance(2.999)
        await settle()
        assert poll.is_waiting()

        world.advance(0.001)
        await settle()

        assert poll.answer() == (404, [b"MessageNotExist"])

    world.run(act)


def test_without_waitseconds_the_queue_says_how_long_and_zero_says_not_at_all(world: MnsWorld) -> None:
    async def act() -> None:
        world.service.set_queue("q", QueueChanges(polling_wait_seconds=5))
        by_queue, not_at_all, batch = Poll(world, ""), Poll(world, "waitseconds=0"), Poll(world, "numOfMessages=16")
        await settle()

        assert not_at_all.answer() == (404, [b"MessageNotExist"])
        assert by_queue.is_waiting()
        assert batch.is_waiting()
        world.advance(5)
        await settle()
        assert by_queue.answer() == batch.answer() == (404, [b"MessageNotExist"])

    world.run(act)


def test_a_poll_wakes_when_a_delay_or_a_visibility_timeout_ends(world: MnsWorld) -> None:
    async def act() -> None:
        world.service.send("q", Outgoing("delayed", delay_seconds=10))
        world.send("hidden")
        world.service.take("q", 1, visibility_ms=20_000)
        first, second = Poll(world), Poll(world)
        await settle()

        world.advance(10)
        await settle()
        assert first.answer() == (200, [b"delayed"])
        assert second.is_waiting()
        world.advance(10)
        await settle()

        assert second.answer() == (200, [b"hidden"])

    world.run(act)


def test_who_waits_longest_is_served_first_and_each_message_serves_one(world: MnsWorld) -> None:
    async def act() -> None:
        world.service.set_queue("q", QueueChanges(visibility_timeout=60))
        polls = [Poll(world) for _ in range(5)]
        await settle()

        world.service.send_batch("q", [Outgoing("a"), Outgoing("b"), Outgoing("c")])
        await settle()

        assert [poll.answer() for poll in polls[:3]] == [(200, [b"a"]), (200, [b"b"]), (200, [b"c"])]
        assert all(poll.is_waiting() for poll in polls[3:])
        world.advance(30)
        await settle()
        assert [poll.answer()[0] for poll in polls[3:]] == [404, 404]

    world.run(act)


def test_a_batch_poll_takes_what_came_in_one_batch(world: MnsWorld) -> None:
    async def act() -> None:
        poll = Poll(world, "numOfMessages=16&waitseconds=30")
        await settle()

        world.service.send_batch("q", [Outgoing("a"), Outgoing("b")])
        await settle()

        assert poll.answer() == (200, [b"a", b"b"])

    world.run(act)


def test_a_caller_who_hung_up_takes_no_message(world: MnsWorld) -> None:
    async def act() -> None:
        gone, here = Poll(world), Poll(world)
        await settle()
        gone.is_connected = False

        world.send("a")
        await settle()

        assert gone.answer()[0] == 404
        assert here.answer() == (200, [b"a"])
        assert world.counts() == (0, 1, 0)

    world.run(act)


def test_a_cancelled_poll_hands_its_turn_on(world: MnsWorld) -> None:
    async def act() -> None:
        cancelled, here = Poll(world), Poll(world)
        await settle()

        world.send("a")
        cancelled.task.cancel()
        await settle()

        assert cancelled.task.cancelled()
        assert here.answer() == (200, [b"a"])

    world.run(act)


def test_a_poll_on_a_queue_that_is_deleted_says_so(world: MnsWorld) -> None:
    async def act() -> None:
        polls = [Poll(world), Poll(world)]
        await settle()

        world.service.delete_queue("q")
        await settle()

        assert [poll.answer() for poll in polls] == [(404, [b"QueueNotExist"])] * 2

    world.run(act)


def test_a_poll_on_a_queue_made_anew_hears_of_its_messages(world: MnsWorld) -> None:
    async def act() -> None:
        old = Poll(world)
        await settle()
        world.service.delete_queue("q")
        world.advance(1)
        world.service.create_queue("q")
        new = Poll(world)
        await settle()

        world.send("a")
        await settle()

        assert new.answer() == (200, [b"a"])
        assert old.answer() == (404, [b"QueueNotExist"])

    world.run(act)


def test_one_poll_too_many_is_answered_at_once() -> None:
    world = MnsWorld(limits=Limits(long_polls_max=2))

    async def act() -> None:
        polls = [Poll(world) for _ in range(3)]
        await settle()
        assert [poll.is_waiting() for poll in polls] == [True, True, False]
        world.advance(30)
        await settle()

        again = Poll(world)
        await settle()

        assert again.is_waiting()
        again.task.cancel()

    world.run(act)


def test_polls_that_ended_leave_nothing_behind(world: MnsWorld) -> None:
    async def act() -> None:
        polls = [Poll(world, "waitseconds=1") for _ in range(3)]
        await settle()
        world.advance(1)
        await settle()

        assert [poll.answer()[0] for poll in polls] == [404] * 3
        assert world.endpoint._polls._lines == {}
        assert world.service._queues.find("q").watchers == {}
        assert world.timeline.next_due_ms is None

    world.run(act)
