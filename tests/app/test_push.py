"""Webhooks out: each event to everybody who wants it, signed, again until it is taken, and then no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from cli.letters import queue_of, understood
from cli.queues import Letter
from shared.app.push import Rounds, push_event
from shared.core.errors import Refused, UnknownOutcome
from shared.core.messages import Message
from shared.core.model import Event
from shared.core.push import PUSH_ATTEMPTS_MAX, Push
from shared.core.signed import secret_bytes, stamp_of, verify
from tests.app.access_cases import ADMIN, subscribe
from tests.app.memory import World
from tests.app.memory_access import AccessWorld, nobody_there

EVENT_ID = "run-0123456789abcdef0123:00000009"


def event(kind: str = "run.finished", **data: Any) -> bytes:
    told = {"specversion": "1.0", "id": EVENT_ID, "type": f"fleetrun.{kind}", "data": {"status": "Success", **data}}
    return json.dumps(told).encode()


class Pushing:
    def __init__(self) -> None:
        self.world, self.guard = World(), AccessWorld()
        self.world.access = self.guard
        self.ports = self.world.ports()

    def push(self, body: bytes, rounds: Rounds | None = None) -> str:
        return push_event(self.ports, Message(body, "m", "queue"), rounds or Rounds())

    def retry(self) -> str:
        """The message that was sent later, delivered."""
        delay_s, body = self.guard.pusher.later.pop()
        self.world.clock.advance(delay_s * 1000)
        return self.push(body)


def raises(error: Exception) -> Callable[[Push], int]:
    def answer(_push: Push) -> int:
        raise error

    return answer


def test_an_event_is_pushed_as_it_is_and_signed_for_its_receiver() -> None:
    it = Pushing()
    made = subscribe(it.ports, ADMIN, "ci")

    assert it.push(event()) == "pushed"

    (sent,) = it.guard.pusher.sent
    headers = {name.lower(): value for name, value in sent.headers}
    assert sent.body == event()
    assert headers["webhook-id"] == EVENT_ID
    assert verify([secret_bytes(made.secret)], stamp_of(headers), sent.body)
    assert made.secret not in msgspec.json.encode(it.guard.subscriptions.rows).decode()


def test_only_who_wants_this_kind_of_event_is_told() -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "ends", types=("run.finished",))
    subscribe(it.ports, ADMIN, "plans", types=("run.planned",))

    assert it.push(event("run.planned")) == "pushed"
    assert it.push(event("run.deferred")) == "unwanted"

    assert [dict(sent.headers)["webhook-id"] for sent in it.guard.pusher.sent] == [EVENT_ID]


@pytest.mark.parametrize(
    "answer",
    [lambda _: 500, lambda _: 302, lambda _: 404, nobody_there, raises(UnknownOutcome("no answer", code="NoAnswer"))],
)
def test_what_was_not_taken_is_pushed_again_under_the_same_id_until_it_is(answer: Callable[[Push], int]) -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "ci")
    it.guard.pusher.answer = answer

    first = it.push(event())
    second = it.retry()
    it.guard.pusher.answer = lambda _push: 200
    third = it.retry()

    assert (first, second, third) == ("later", "later", "pushed")
    ids = {dict(sent.headers)["webhook-id"] for sent in it.guard.pusher.sent}
    stamps = [int(dict(sent.headers)["webhook-timestamp"]) for sent in it.guard.pusher.sent]
    assert ids == {EVENT_ID}
    assert stamps == sorted(set(stamps))
    assert it.guard.pusher.later == []


def test_what_nobody_takes_for_days_becomes_a_dead_letter_that_says_why() -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "ci")
    it.guard.pusher.answer = lambda _push: 503

    answers = [it.push(event())]
    while it.guard.pusher.later:
        answers.append(it.retry())

    assert answers == ["later"] * (PUSH_ATTEMPTS_MAX - 1) + ["given-up"]
    (letter,) = [json.loads(body) for body in it.world.queue.dead_letters]
    assert "ci" in letter["reason"]
    assert "503" in letter["reason"]


@pytest.mark.parametrize("size", [10, 45_000])
def test_a_dead_letter_that_is_sent_again_begins_anew(size: int) -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "ci")
    long = event(output="x" * size)
    it.world.runs.put_events([Event("run-0123456789abcdef0123", 9, "run.finished", long)], base_version=1)
    it.guard.pusher.answer = raises(Refused("url is 10.0.0.1", code="ForbiddenAddress", field="url"))
    it.push(long)
    dead = understood(Letter("1", it.world.queue.dead_letters[0], "", 0, 1))
    it.guard.pusher.answer = lambda _push: 200

    answer = it.push(dead.bodies[0])

    assert queue_of(dead.bodies[0]) == "fleetrun-pushes"
    assert answer == "pushed"
    assert it.guard.pusher.sent[-1].body == long


def test_who_answers_410_is_asked_no_more() -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "ci")
    it.guard.pusher.answer = lambda _push: 410

    assert it.push(event()) == "dropped"
    assert it.push(event()) == "unwanted"

    assert it.guard.subscriptions.rows["ci"].status == "Gone"
    assert it.guard.pusher.later == []


def test_who_answers_410_gets_nothing_of_the_events_that_came_with_it() -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "ci")
    it.guard.pusher.answer = lambda _push: 410
    rounds = Rounds()

    assert it.push(event(), rounds) == "dropped"
    assert it.push(event("run.started"), rounds) == "unwanted"

    assert len(it.guard.pusher.sent) == 1


def test_an_address_that_is_forbidden_is_given_up_at_once() -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "ci")
    it.guard.pusher.answer = raises(Refused("url is 10.0.0.1", code="ForbiddenAddress", field="url"))

    assert it.push(event()) == "given-up"

    assert it.guard.pusher.later == []
    assert len(it.world.queue.dead_letters) == 1


def test_who_hangs_holds_up_one_event_of_a_call_and_not_the_others_receivers() -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "hangs")
    subscribe(it.ports, ADMIN, "works")
    tried: list[str] = []

    def answer(push: Push) -> int:
        tried.append("push")
        if len(tried) == 1:
            raise UnknownOutcome("no answer", code="NoAnswer")
        return 200

    it.guard.pusher.answer = answer
    rounds = Rounds()

    it.push(event(), rounds)
    it.push(event(), rounds)

    assert len(tried) == 3
    assert len(it.guard.pusher.later) == 2


def test_a_try_for_a_subscription_that_was_taken_away_is_dropped() -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "ci")
    it.guard.pusher.answer = nobody_there
    it.push(event())
    it.guard.subscriptions.delete_subscription("ci")

    assert it.retry() == "dropped"
    assert len(it.guard.pusher.sent) == 1


def test_an_event_too_long_for_a_queue_message_is_read_from_its_row_for_the_next_try() -> None:
    it = Pushing()
    subscribe(it.ports, ADMIN, "ci")
    long = event(output='"' * 25_000)
    it.world.runs.put_events([Event("run-0123456789abcdef0123", 9, "run.finished", long)], base_version=1)
    it.guard.pusher.answer = nobody_there

    it.push(long)
    (_, body) = it.guard.pusher.later[0]
    it.guard.pusher.answer = lambda _push: 200
    answer = it.retry()

    assert len(body) < 1_000
    assert answer == "pushed"
    assert it.guard.pusher.sent[-1].body == long


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"{}", b"\xff"])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        Pushing().push(body)
