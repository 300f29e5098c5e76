"""Messages of a queue: what is visible to whom, when, and for how long."""

from __future__ import annotations

import time

import pytest

from localcloud.mns.errors import MnsError
from localcloud.mns.limits import Limits
from localcloud.mns.values import DlqPolicy, Outgoing, Property, QueueChanges
from tests.contract.mns.worlds import MnsWorld


def code_of(error: pytest.ExceptionInfo[MnsError]) -> tuple[str, int]:
    return error.value.code, error.value.status


def test_a_received_message_is_hidden_until_its_visibility_timeout_ends(world: MnsWorld) -> None:
    world.send("a")

    first = world.service.receive("q")
    meanwhile = world.service.receive("q")
    world.advance(29.999)
    just_before = world.service.receive("q")
    world.advance(0.001)
    again = world.service.receive("q")

    assert first is not None
    assert again is not None
    assert (meanwhile, just_before) == (None, None)
    assert (first.dequeue_count, again.dequeue_count) == (1, 2)
    assert first.message_id == again.message_id
    assert again.first_dequeue_ms == first.first_dequeue_ms == first.enqueue_ms
    assert first.next_visible_ms == first.enqueue_ms + 30_000


def test_each_receive_and_each_change_of_visibility_gives_a_new_handle_and_ends_the_old_one(world: MnsWorld) -> None:
    world.send("a")
    first = world.service.receive("q")
    assert first is not None
    second_handle, visible_ms = world.service.change_visibility("q", first.receipt_handle, 5)
    assert visible_ms == world.now_ms + 5_000

    with pytest.raises(MnsError) as old:
        world.service.delete("q", first.receipt_handle)
    world.advance(5)
    with pytest.raises(MnsError) as expired:
        world.service.delete("q", second_handle)
    third = world.service.receive("q")

    assert code_of(old) == code_of(expired) == ("MessageNotExist", 404)
    assert third is not None
    assert len({first.receipt_handle, second_handle, third.receipt_handle}) == 3


@pytest.mark.parametrize("handle", ["", "x", "1-", "1-!!!!", "1-YWJj", "1-ODU4OTkz", "2-ODU4", "ü", "1-" + "A" * 500])
def test_a_handle_that_nobody_gave_is_a_receipt_handle_error(world: MnsWorld, handle: str) -> None:
    with pytest.raises(MnsError) as refused:
        world.service.delete("q", handle)

    assert code_of(refused) == ("ReceiptHandleError", 400)


def test_a_handle_of_one_queue_opens_nothing_in_another(world: MnsWorld) -> None:
    world.service.create_queue("other")
    world.send("a")
    world.send("b", queue="other")
    delivery = world.service.receive("q")
    assert delivery is not None

    with pytest.raises(MnsError) as refused:
        world.service.delete("other", delivery.receipt_handle)

    assert code_of(refused) == ("MessageNotExist", 404)
    assert world.counts("other") == (1, 0, 0)


def test_deleted_messages_are_gone_and_the_counts_follow_every_step(world: MnsWorld) -> None:
    world.send("a", "b", "c")
    world.service.send("q", Outgoing("later", delay_seconds=10))
    before = world.counts()
    delivery = world.service.receive("q")
    assert delivery is not None
    received = world.counts()
    world.service.delete("q", delivery.receipt_handle)
    deleted = world.counts()
    world.advance(10)

    assert (before, received, deleted) == ((3, 0, 1), (2, 1, 1), (2, 0, 1))
    assert world.counts() == (3, 0, 0)


def test_priority_goes_first_then_the_time_since_which_a_message_is_visible(world: MnsWorld) -> None:
    world.service.send("q", Outgoing("late", priority=16))
    world.service.send("q", Outgoing("delayed", delay_seconds=1))
    world.advance(2)
    world.service.send("q", Outgoing("second"))
    world.service.send("q", Outgoing("urgent", priority=1))

    order = world.bodies()

    assert order == ["urgent", "delayed", "second", "late"]


@pytest.mark.parametrize(
    ("delay", "queue_delay", "limits", "visible_after"),
    [
        (None, 0, Limits(), 0),
        (None, 7, Limits(), 7),
        (3, 7, Limits(), 3),
        (0, 7, Limits(), 0),
        (0, 7, Limits(zero_delay_means_default=True), 7),
    ],
)
def test_a_messages_delay_wins_over_its_queues(
    delay: int | None, queue_delay: int, limits: Limits, visible_after: int
) -> None:
    world = MnsWorld(limits=limits)
    world.service.set_queue("q", QueueChanges(delay_seconds=queue_delay))

    sent = world.service.send("q", Outgoing("a", delay_seconds=delay))
    world.advance(visible_after)
    seen = world.bodies()

    assert seen == ["a"]
    assert bool(sent.receipt_handle) == (visible_after > 0)
    assert world.service.receive("q") is None


def test_a_delayed_message_can_be_deleted_before_anybody_sees_it(world: MnsWorld) -> None:
    sent = world.service.send("q", Outgoing("a", delay_seconds=5))

    world.service.delete("q", sent.receipt_handle)
    world.advance(6)

    assert world.counts() == (0, 0, 0)


def test_a_delayed_message_can_be_brought_forward_as_transactions_of_the_java_sdk_commit(world: MnsWorld) -> None:
    prepared = world.service.send("q", Outgoing("a", delay_seconds=172_800))

    handle, visible_ms = world.service.change_visibility("q", prepared.receipt_handle, 1)
    hidden = world.bodies()
    world.advance(1)

    assert visible_ms == world.now_ms
    assert handle != prepared.receipt_handle
    assert (hidden, world.bodies()) == ([], ["a"])


def test_retention_runs_from_the_send_and_receiving_does_not_renew_it(world: MnsWorld) -> None:
    world.service.set_queue("q", QueueChanges(message_retention_period=60))
    world.send("a")
    world.advance(40)
    received = world.bodies()
    world.advance(19.999)
    before = world.counts()
    world.advance(0.001)

    assert received == ["a"]
    assert before == (0, 1, 0)
    assert world.counts() == (0, 0, 0)


def test_a_message_received_too_often_moves_to_the_dead_letter_queue_on_the_next_attempt(world: MnsWorld) -> None:
    world.service.create_queue("dead")
    world.service.create_queue("work", dlq=DlqPolicy("dead", max_receive_count=2))
    sent = world.service.send("work", Outgoing("poison", user_properties=(Property("k", "v"),)))
    for _ in range(2):
        world.service.take("work", 1, visibility_ms=1_000)
        world.advance(1)
    world.send("fine", queue="work")
    before = world.counts("dead")

    after_two = world.bodies(16, "work")
    dead = world.service.receive("dead")

    assert before == (0, 0, 0)
    assert after_two == ["fine"]
    assert dead is not None
    assert (dead.body, dead.dequeue_count, dead.user_properties) == ("poison", 1, (Property("k", "v"),))
    assert dead.message_id != sent.message_id
    assert {prop.name: prop.value for prop in dead.system_properties} == {
        "DLQSourceArn": "acs:mns:cn-hangzhou:1234567890123456:queues/work",
        "DLQOriginMessageId": sent.message_id,
    }


def test_a_dead_letter_keeps_its_enqueue_time_and_the_rest_of_its_retention(world: MnsWorld) -> None:
    world.service.create_queue("dead")
    minute = QueueChanges(message_retention_period=60)
    world.service.create_queue("work", minute, dlq=DlqPolicy("dead", max_receive_count=1))
    world.send("poison", queue="work")
    world.service.take("work", 1, visibility_ms=1_000)
    world.advance(50)
    world.service.receive("work")

    moved = world.counts("dead")
    world.advance(10)

    assert moved == (1, 0, 0)
    assert world.counts("dead") == (0, 0, 0)


def test_a_message_is_delivered_rather_than_lost_when_its_dead_letter_queue_is_gone(world: MnsWorld) -> None:
    world.service.create_queue("dead")
    world.service.create_queue("work", dlq=DlqPolicy("dead", max_receive_count=1))
    world.service.delete_queue("dead")
    world.send("a", queue="work")

    first = world.bodies(1, "work")
    world.advance(30)
    second = world.bodies(1, "work")

    assert first == second == ["a"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Outgoing(""), "InvalidArgument"),
        (Outgoing("x" * 65_537), "MessageTooLarge"),
        (Outgoing("ü" * 32_769), "MessageTooLarge"),
        (Outgoing("a", delay_seconds=604_801), "InvalidArgument"),
        (Outgoing("a", delay_seconds=-1), "InvalidArgument"),
        (Outgoing("a", priority=0), "InvalidArgument"),
        (Outgoing("a", priority=17), "InvalidArgument"),
        (Outgoing("nul \x00"), "InvalidArgument"),
        (Outgoing("surrogate \ud800"), "InvalidArgument"),
        (Outgoing("a", user_properties=(Property("k", "v", "DATE"),)), "InvalidArgument"),
        (Outgoing("a", user_properties=(Property("", "v"),)), "InvalidArgument"),
        (Outgoing("a", system_properties=(Property("k", "1", "NUMBER"),)), "InvalidArgument"),
    ],
)
def test_a_message_beyond_the_limits_is_refused(world: MnsWorld, message: Outgoing, code: str) -> None:
    with pytest.raises(MnsError) as refused:
        world.service.send("q", message)

    assert code_of(refused) == (code, 400)
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize(
    "message",
    [
        Outgoing("x" * 65_536),
        Outgoing("ü" * 32_768),
        Outgoing("a", delay_seconds=604_800),
        Outgoing("a", priority=16),
        Outgoing("\t\n\r <&> \U0001f600"),
    ],
)
def test_a_message_at_the_limits_is_taken(world: MnsWorld, message: Outgoing) -> None:
    world.service.send("q", message)

    assert sum(world.counts()) == 1


def test_one_bad_message_of_a_batch_leaves_its_neighbours_alone(world: MnsWorld) -> None:
    world.service.set_queue("q", QueueChanges(maximum_message_size=1_024))
    batch = [Outgoing("first"), Outgoing("x" * 1_025), Outgoing("third")]

    fates = world.service.send_batch("q", batch)

    assert [getattr(fate, "code", "sent") for fate in fates] == ["sent", "MessageTooLarge", "sent"]
    assert world.bodies() == ["first", "third"]


@pytest.mark.parametrize("count", [0, 17])
def test_a_batch_has_one_to_sixteen_entries(world: MnsWorld, count: int) -> None:
    for act in (
        lambda: world.service.send_batch("q", [Outgoing("a")] * count),
        lambda: world.service.receive_batch("q", count),
        lambda: world.service.peek("q", count),
        lambda: world.service.delete_batch("q", ["x"] * count),
    ):
        with pytest.raises(MnsError) as refused:
            act()
        assert code_of(refused) == ("InvalidArgument", 400)


def test_the_bodies_of_a_batch_may_have_64_kilobytes_together(world: MnsWorld) -> None:
    world.service.send_batch("q", [Outgoing("x" * 32_768)] * 2)

    with pytest.raises(MnsError) as refused:
        world.service.send_batch("q", [Outgoing("x" * 32_768), Outgoing("x" * 32_769)])

    assert code_of(refused) == ("MessageTooLarge", 400)
    assert world.counts() == (2, 0, 0)


def test_a_batch_delete_names_the_handles_that_failed_and_deletes_the_others(world: MnsWorld) -> None:
    world.send("a", "b")
    first, second = world.service.receive_batch("q", 2)
    world.service.delete("q", first.receipt_handle)

    failed = world.service.delete_batch("q", [first.receipt_handle, second.receipt_handle, "nonsense"])

    assert [(handle, error.code) for handle, error in failed] == [
        (first.receipt_handle, "MessageNotExist"),
        ("nonsense", "ReceiptHandleError"),
    ]
    assert world.counts() == (0, 0, 0)


def test_peeking_changes_nothing_and_gives_no_handle(world: MnsWorld) -> None:
    world.send("a", "b", "c")

    peeked = world.service.peek("q", 2)
    again = world.service.peek("q", 16)

    assert [delivery.body for delivery in peeked] == ["a", "b"]
    assert [delivery.body for delivery in again] == ["a", "b", "c"]
    assert [(d.receipt_handle, d.dequeue_count) for d in peeked] == [("", 0)] * 2
    assert world.bodies() == ["a", "b", "c"]


def test_take_has_no_bound_of_sixteen_and_its_own_visibility(world: MnsWorld) -> None:
    world.send(*map(str, range(100)))

    taken = world.service.take("q", 60, visibility_ms=500)
    world.advance(0.5)

    assert [delivery.body for delivery in taken] == [str(number) for number in range(60)]
    assert world.counts() == (100, 0, 0)


def test_a_watcher_hears_of_sends_of_ends_of_delays_and_of_visibility_timeouts(world: MnsWorld) -> None:
    heard: list[int] = []
    start_ms = world.now_ms
    cancel = world.service.watch("q", lambda: heard.append(world.now_ms - start_ms))

    world.send("a")
    world.service.receive("q")
    world.service.send("q", Outgoing("later", delay_seconds=10))
    world.advance(100)
    cancel()
    world.send("unheard")

    assert sorted(set(heard)) == [0, 10_000, 30_000]


def test_a_watcher_that_comes_late_hears_of_what_is_hidden_already(world: MnsWorld) -> None:
    heard: list[int] = []
    world.send("a", "b")
    world.service.take("q", 1, visibility_ms=9_000)
    world.service.take("q", 1, visibility_ms=4_000)
    start_ms = world.now_ms

    world.service.watch("q", lambda: heard.append(world.now_ms - start_ms))
    world.advance(100)

    assert heard == [4_000, 9_000]


def test_something_else_that_looks_at_the_queue_does_not_rob_a_watcher_of_his_call(world: MnsWorld) -> None:
    heard: list[str] = []
    world.service.send("q", Outgoing("a", delay_seconds=10))
    world.service.watch("q", lambda: heard.append("call"))
    clock = world.timeline.clock

    clock.set_ms(world.now_ms + 10_000)  # type: ignore[attr-defined]  # past the timer, before it ran
    world.counts()
    world.timeline.run_due()

    assert heard == ["call"]


class Always:
    """Disturbs by order: the first `duplicates` and `reorders` deliveries."""

    def __init__(self, duplicates: int = 0, reorders: int = 0) -> None:
        self.left = {"duplicate": duplicates, "reorder": reorders}

    def _one_of(self, kind: str) -> bool:
        self.left[kind] -= 1
        return self.left[kind] >= 0

    def duplicate(self, queue: str) -> bool:
        return self._one_of("duplicate")

    def reorder(self, queue: str) -> bool:
        return self._one_of("reorder")


def test_a_duplicated_message_comes_twice_with_one_id_and_two_handles(world: MnsWorld) -> None:
    world.service.set_disturbance(Always(duplicates=1))
    world.send("a")

    first, second = world.service.receive("q"), world.service.receive("q")

    assert first is not None
    assert second is not None
    assert first.message_id == second.message_id
    assert first.receipt_handle != second.receipt_handle
    world.service.delete("q", first.receipt_handle)
    world.service.delete("q", second.receipt_handle)
    assert world.counts() == (0, 0, 0)


def test_a_reordered_message_comes_after_the_one_behind_it(world: MnsWorld) -> None:
    world.service.set_disturbance(Always(reorders=1))
    world.send("a", "b", "c")

    order = world.bodies()

    assert order == ["b", "a", "c"]


def test_a_disturbance_can_be_ended(world: MnsWorld) -> None:
    world.service.set_disturbance(Always(duplicates=99))
    world.send("a")

    world.service.set_disturbance(None)
    world.service.receive("q")

    assert world.counts() == (0, 1, 0)


def cycle_seconds(world: MnsWorld, cycles: int) -> float:
    start = time.perf_counter()
    for _ in range(cycles):
        world.service.send("q", Outgoing("x" * 100))
        delivery = world.service.receive("q")
        assert delivery is not None
        world.service.delete("q", delivery.receipt_handle)
    return time.perf_counter() - start


def test_a_hundred_thousand_waiting_messages_do_not_slow_a_queue_down() -> None:
    empty, full = MnsWorld(), MnsWorld()
    for _ in range(100_000):
        full.service.send("q", Outgoing("x", delay_seconds=0))

    # The best of several rounds: other work on the machine only ever adds.
    alone = min(cycle_seconds(empty, 300) for _ in range(5))
    behind = min(cycle_seconds(full, 300) for _ in range(5))

    assert behind < 5 * alone


def test_heaps_do_not_keep_what_was_deleted(world: MnsWorld) -> None:
    world.service.set_queue("q", QueueChanges(visibility_timeout=43_200))
    for _ in range(2_000):
        world.send("a")
        delivery = world.service.receive("q")
        assert delivery is not None
        world.service.delete("q", delivery.receipt_handle)

    backlog = world.service._queues.find("q").backlog

    assert max(len(backlog._ready), len(backlog._hidden), len(backlog._expiring)) < 200
