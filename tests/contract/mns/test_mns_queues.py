"""Queues: made, changed, listed, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.mns.errors import MnsError
from localcloud.mns.limits import Limits
from localcloud.mns.values import NO_QUEUE_CHANGES, DlqPolicy, QueueAttributes, QueueChanges
from tests.contract.mns.worlds import MnsWorld


def change(field: str, value: int) -> QueueChanges:
    fields: dict[str, Any] = {field: value}
    return QueueChanges(**fields)


def refusal(world: MnsWorld, name: str, changes: QueueChanges = NO_QUEUE_CHANGES, dlq: DlqPolicy | None = None) -> str:
    with pytest.raises(MnsError) as refused:
        world.service.create_queue(name, changes, dlq=dlq)
    return refused.value.code


def test_a_queue_is_made_once_found_again_and_refused_with_other_attributes(world: MnsWorld) -> None:
    minute = QueueChanges(visibility_timeout=60)

    made = world.service.create_queue("jobs", minute)
    found = world.service.create_queue("jobs", minute)

    assert (made, found) == (True, False)
    assert refusal(world, "jobs", QueueChanges(visibility_timeout=61)) == "QueueAlreadyExist"
    assert world.service.queue("jobs").attributes == QueueAttributes(visibility_timeout=60)


def test_attributes_that_are_not_named_keep_their_value(world: MnsWorld) -> None:
    world.service.create_queue("jobs", QueueChanges(maximum_message_size=2_048, delay_seconds=3))
    world.advance(10)

    world.service.set_queue("jobs", QueueChanges(polling_wait_seconds=20))

    state = world.service.queue("jobs")
    assert state.attributes == QueueAttributes(maximum_message_size=2_048, delay_seconds=3, polling_wait_seconds=20)
    assert state.modified_ms == state.created_ms + 10_000


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("visibility_timeout", 1, 43_200),
        ("maximum_message_size", 1_024, 65_536),
        ("message_retention_period", 60, 604_800),
        ("delay_seconds", 0, 604_800),
        ("polling_wait_seconds", 0, 30),
    ],
)
def test_each_attribute_has_its_range(world: MnsWorld, field: str, low: int, high: int) -> None:
    for number, value in enumerate((low, high)):
        assert world.service.create_queue(f"in-{number}", change(field, value))
    for value in (low - 1, high + 1):
        assert refusal(world, "out", change(field, value)) == "InvalidArgument"
        with pytest.raises(MnsError):
            world.service.set_queue("q", change(field, value))

    assert world.service.queue("q").attributes == QueueAttributes()


@pytest.mark.parametrize("name", ["a", "9", "A-b_c-9", "x" * 120])
def test_good_names_are_taken(world: MnsWorld, name: str) -> None:
    assert world.service.create_queue(name)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "QueueNameLengthError"),
        ("x" * 121, "QueueNameLengthError"),
        ("-a", "InvalidQueueName"),
        ("_a", "InvalidQueueName"),
        ("a.b", "InvalidQueueName"),
        ("a/b", "InvalidQueueName"),
        ("schlüssel", "InvalidQueueName"),
        ("a\n", "InvalidQueueName"),
    ],
)
def test_bad_names_are_refused(world: MnsWorld, name: str, code: str) -> None:
    assert refusal(world, name) == code


def test_underscores_are_a_switch() -> None:
    assert refusal(MnsWorld(limits=Limits(underscore_in_names=False)), "a_b") == "InvalidQueueName"


def test_pages_of_a_list_are_sorted_filtered_by_prefix_and_complete(world: MnsWorld) -> None:
    for number in range(25):
        world.service.create_queue(f"job-{number:02}")
    world.service.create_queue("zoo")

    pages: list[list[str]] = []
    marker = ""
    while marker or not pages:
        states, marker = world.service.queues(prefix="job-", marker=marker, size=10)
        pages.append([state.name for state in states])

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [name for page in pages for name in page] == [f"job-{number:02}" for number in range(25)]


def test_a_full_last_page_has_no_marker(world: MnsWorld) -> None:
    for number in range(9):
        world.service.create_queue(f"job-{number}")

    states, marker = world.service.queues(size=10)

    assert (len(states), marker) == (10, "")


@pytest.mark.parametrize(("size", "marker"), [(0, ""), (1_001, ""), (10, "no marker of ours!")])
def test_a_list_refuses_sizes_and_markers_that_cannot_be(world: MnsWorld, size: int, marker: str) -> None:
    with pytest.raises(MnsError) as refused:
        world.service.queues(size=size, marker=marker)

    assert refused.value.code == "InvalidArgument"


def test_a_deleted_queue_takes_its_messages_along(world: MnsWorld) -> None:
    world.send("a")

    world.service.delete_queue("q")
    world.service.create_queue("q")

    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize(
    "operation",
    [
        lambda service: service.queue("none"),
        lambda service: service.set_queue("none"),
        lambda service: service.receive("none"),
        lambda service: service.peek("none"),
        lambda service: service.delete("none", "x"),
        lambda service: service.delete_batch("none", ["x"]),
        lambda service: service.change_visibility("none", "x", 1),
        lambda service: service.watch("none", lambda: None),
    ],
)
def test_what_is_done_to_a_missing_queue_is_queue_not_exist(world: MnsWorld, operation: object) -> None:
    with pytest.raises(MnsError) as refused:
        operation(world.service)  # type: ignore[operator]

    assert (refused.value.code, refused.value.status) == ("QueueNotExist", 404)


def test_deleting_a_missing_queue_is_fine_or_refused_by_a_switch(world: MnsWorld) -> None:
    strict = MnsWorld(limits=Limits(delete_queue_needs_queue=True))

    world.service.delete_queue("none")

    with pytest.raises(MnsError, match="not exist"):
        strict.service.delete_queue("none")


def test_a_name_may_be_refused_for_a_while_after_deletion() -> None:
    world = MnsWorld(limits=Limits(recreate_after_ms=60_000))
    world.service.delete_queue("q")

    world.advance(59.999)
    soon = refusal(world, "q")
    world.advance(0.001)

    assert soon == "QueueDeletedRecently"
    assert world.service.create_queue("q")


def test_the_number_of_queues_is_bounded() -> None:
    world = MnsWorld(limits=Limits(queues_max=2))
    world.service.create_queue("second")

    assert refusal(world, "third") == "OverLimit"
    assert world.service.create_queue("second") is False


def test_a_dead_letter_policy_names_another_existing_queue_and_a_sane_count(world: MnsWorld) -> None:
    world.service.create_queue("dead")

    assert refusal(world, "work", dlq=DlqPolicy("work", 3)) == "InvalidArgument"
    assert refusal(world, "work", dlq=DlqPolicy("none", 3)) == "QueueNotExist"
    assert refusal(world, "work", dlq=DlqPolicy("dead", 0)) == "InvalidArgument"
    assert world.service.create_queue("work", dlq=DlqPolicy("dead", 1))


def test_who_cannot_say_a_policy_finds_a_queue_that_has_one(world: MnsWorld) -> None:
    world.service.create_queue("dead")
    world.service.create_queue("work", dlq=DlqPolicy("dead", 3))

    found_without = world.service.create_queue("work")
    world.service.set_queue("work", QueueChanges(delay_seconds=1))

    assert found_without is False
    assert world.service.queue("work").dlq == DlqPolicy("dead", 3)
    assert refusal(world, "work", QueueChanges(delay_seconds=1), DlqPolicy("dead", 4)) == "QueueAlreadyExist"
