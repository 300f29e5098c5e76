"""Points on which the documents disagree: what each switch of messages decides."""

from __future__ import annotations

from typing import Literal

import pytest

from localcloud.mns.errors import MnsError
from localcloud.mns.limits import Limits, Range
from localcloud.mns.values import QueueChanges
from tests.contract.mns.worlds import MnsWorld


@pytest.mark.parametrize("said", ["enqueue-time", "zero"])
def test_the_first_dequeue_of_what_nobody_has_received_is_a_switch(said: Literal["enqueue-time", "zero"]) -> None:
    world = MnsWorld(limits=Limits(unreceived_first_dequeue=said))
    world.service.create_queue("quick", QueueChanges(visibility_timeout=1))
    world.send("a", queue="quick")
    sent_ms = world.now_ms
    world.advance(2)

    (before,) = world.service.peek("quick")
    received_ms = world.now_ms
    world.bodies(queue="quick")
    world.advance(1)
    (after,) = world.service.peek("quick")

    assert before.first_dequeue_ms == (sent_ms if said == "enqueue-time" else 0)
    assert after.first_dequeue_ms == received_ms


def test_the_handle_from_before_a_change_of_visibility_can_stay_valid_by_a_switch() -> None:
    world = MnsWorld(limits=Limits(handle_survives_change=True))
    world.send("a")
    delivery = world.service.receive("q")
    assert delivery is not None
    handle, _ = world.service.change_visibility("q", delivery.receipt_handle, 600)

    world.advance(100)
    world.service.delete("q", delivery.receipt_handle)

    assert handle == delivery.receipt_handle
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize(("low", "is_taken"), [(1, False), (0, True)])
def test_visibility_of_zero_is_a_switch(low: int, is_taken: bool) -> None:
    world = MnsWorld(limits=Limits(change_visibility=Range(low, 43_200)))
    world.send("a")
    delivery = world.service.receive("q")
    assert delivery is not None

    try:
        world.service.change_visibility("q", delivery.receipt_handle, 0)
        was_taken = True
    except MnsError:
        was_taken = False

    assert was_taken == is_taken
    assert world.bodies() == (["a"] if is_taken else [])
