"""A backlog: requests drain, nothing is dropped, and a stop does not wait for its turn."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from shared.core.model import run_id_of
from tests.e2e.world import World, invoke, until, whole

REQUESTS = 500
LONG = "# simulate: duration=10m"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with whole(instances=100, executor="simulated", parameters={"DailyQuota": "1000000"}) as made:
        yield made


def backlog(world: World, names: list[str]) -> None:
    """Sent as fast as the queue takes them: sixteen a call."""
    from mns.queue import Message

    queue = world.mns.get_queue("fleetrun-requests")
    for start in range(0, len(names), 16):
        part = names[start : start + 16]
        queue.batch_send_message([Message(json.dumps(invoke(name, targets=ONE))) for name in part])


ONE = {"name": "web-001"}


def left(world: World) -> int:
    attributes = world.connection.queues.attributes("fleetrun-requests")
    return attributes.visible + attributes.hidden


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_stop_takes_effect_while_a_backlog_waits_and_the_backlog_drains_without_a_loss(world: World) -> None:
    names = [f"flood-{number}" for number in range(REQUESTS)]
    long_run = world.send(invoke("long", script=LONG))
    until("it to run", lambda: (run := world.connection.runs.read_run(long_run)) and run.status == "Running")

    backlog(world, names)
    world.send_text(json.dumps({"kind": "stop", "requestId": "stop-long", "runId": long_run}), queue="fleetrun-stops")
    stopped = world.ended(long_run)
    waiting = left(world)
    until("the backlog to drain", lambda: left(world) == 0, wait_s=240)
    runs = [world.ended(run_id_of(name), wait_s=120) for name in names]

    assert stopped.status == "Stopped"
    assert waiting > REQUESTS // 2, "the stop has waited for the backlog"
    assert Counter(run.status for run in runs) == {"Success": REQUESTS}
    assert sum(sum(run.spent.values()) for run in runs) == REQUESTS
    assert world.dead_letters() == []
