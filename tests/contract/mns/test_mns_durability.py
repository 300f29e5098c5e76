"""What was acknowledged is there after a restart on the same directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.file_journal import FileJournal
from localcloud.mns.errors import MnsError
from localcloud.mns.values import (
    DlqPolicy,
    Outgoing,
    Property,
    Publication,
    QueueChanges,
    Subscription,
    TopicChanges,
)
from tests.contract.mns.worlds import MnsWorld, Receiver

URL = "http://127.0.0.1:9/"


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], MnsWorld]:
    """Starts on the same directory; whatever ran before is killed: its journal is not closed, only let go."""
    journals: list[FileJournal] = []
    worlds: list[MnsWorld] = []

    def begin() -> MnsWorld:
        for journal in journals:
            journal.close()
        journals[:] = [FileJournal(tmp_path)]
        world = MnsWorld(journal=journals[0])
        if worlds:
            world.timeline.advance_to(worlds[-1].now_ms)
        worlds.append(world)
        return world

    return begin


def test_queues_messages_handles_and_counts_survive(start: Callable[[], MnsWorld]) -> None:
    world = start()
    world.service.create_queue("work", QueueChanges(visibility_timeout=60), dlq=DlqPolicy("q", 5))
    world.service.send("work", Outgoing("a", priority=3, user_properties=(Property("k", "v", "NUMBER"),)))
    world.service.send("work", Outgoing("later", delay_seconds=100))
    held = world.service.receive("work")
    assert held is not None
    world.send("gone", queue="work")
    world.service.delete("work", world.service.take("work", 1)[0].receipt_handle)
    before = world.service.queue("work")

    world = start()

    assert world.service.queue("work") == before
    handle, _ = world.service.change_visibility("work", held.receipt_handle, 1)
    world.advance(1)
    again = world.service.receive("work")
    assert again is not None
    assert (again.dequeue_count, again.user_properties) == (2, (Property("k", "v", "NUMBER"),))
    assert again.first_dequeue_ms == held.first_dequeue_ms
    with pytest.raises(MnsError):
        world.service.delete("work", handle)
    world.service.delete("work", again.receipt_handle)
    world.advance(99)
    assert world.bodies(queue="work") == ["later"]


def test_handles_are_never_given_twice_over_a_restart(start: Callable[[], MnsWorld]) -> None:
    world = start()
    world.send("a")
    first = world.service.receive("q")
    assert first is not None
    world.service.delete("q", first.receipt_handle)

    world = start()
    world.advance(1)
    world.send("b")
    second = world.service.receive("q")

    assert second is not None
    assert second.receipt_handle != first.receipt_handle


def test_a_deleted_queue_stays_deleted_with_its_messages(start: Callable[[], MnsWorld]) -> None:
    world = start()
    world.service.create_queue("work")
    world.send("a", queue="work")
    world.service.delete_queue("work")

    world = start()
    world.service.create_queue("work")

    assert world.counts("work") == (0, 0, 0)


def test_a_dead_letter_is_in_one_queue_after_a_restart(start: Callable[[], MnsWorld]) -> None:
    world = start()
    world.service.create_queue("work", dlq=DlqPolicy("q", 1))
    world.send("poison", queue="work")
    world.service.take("work", 1, visibility_ms=1)
    world.advance(1)
    world.service.receive("work")

    world = start()

    assert (world.counts("work"), world.counts("q")) == ((0, 0, 0), (1, 0, 0))


def test_topics_subscriptions_and_what_is_on_the_way_survive(start: Callable[[], MnsWorld]) -> None:
    world = start()
    world.service.create_topic("t", TopicChanges(maximum_message_size=2_000))
    world.service.subscribe(Subscription("t", "http", URL, filter_tag="red"))
    world.service.subscribe_function("t", "function", lambda notification: False)
    world.pushes.statuses[URL] = 500
    world.service.publish("t", Publication("body", tag="red"))
    world.timeline.run_due()
    subscriptions = world.service.subscriptions("t")
    receiver = Receiver()

    world = start()
    restored = world.service.subscriptions("t")
    world.service.subscribe_function("t", "function", receiver)
    world.advance(100)

    assert restored == subscriptions
    assert world.service.topic("t").attributes.maximum_message_size == 2_000
    assert receiver.seen == ["body"]
    assert len(world.pushes.sent) == 1
    assert world.service.topic("t").messages == 0


def test_an_unsubscribed_and_a_deleted_topic_leave_nothing(start: Callable[[], MnsWorld]) -> None:
    world = start()
    for topic in ("t", "t2"):
        world.service.create_topic(topic)
        world.service.subscribe(Subscription(topic, "s", URL))
    world.service.unsubscribe("t", "s")
    world.service.delete_topic("t2")

    world = start()

    assert world.service.subscriptions("t") == ([], "")
    assert [topic.name for topic in world.service.topics()[0]] == ["t"]


def test_the_accounts_logging_bucket_survives(start: Callable[[], MnsWorld]) -> None:
    start().service.set_logging_bucket("bucket")

    assert start().service.logging_bucket == "bucket"
