"""unitsPerDay: every call that a bounded caller's runs make is counted once, also those that the plan did not have."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.access import Grant
from shared.core.errors import Refused, Unavailable, UnknownOutcome
from shared.core.model import run_id_of
from tests.app.driving import Drive, invoke_request
from tests.app.memory import linux
from tests.app.memory_access import AccessWorld

MINUTE_MS = 60_000
SYNC = {"kind": "schedule", "schedule": "repeat", "action": "sync"}


class Bounded(Drive):
    """Whoever sends to the queue has so many units a day."""

    def __init__(self, units: int, *, fleet: int) -> None:
        super().__init__()
        self.guard = AccessWorld(queue_grant=Grant(name="queue", units_per_day=units))
        self.world.access = self.guard
        self.ports = self.world.ports()
        self.world.directory.add(*(linux(number) for number in range(fleet)))

    def counted(self) -> int:
        return sum(sum(row.values()) for row in self.guard.usage.columns.values())

    def refusal(self) -> dict[str, Any]:
        (rejected,) = [run for run in self.world.runs.runs.values() if run.refusal]
        return dict(rejected.refusal)


def calls(drive: Drive) -> int:
    """Calls that ECS has carried out: what it counts itself."""
    return len(drive.world.runner.invocations)


def cut_in_two(drive: Bounded) -> str:
    """A run one of whose targets ECS refuses without a reason that we see, so that its chunk is halved."""
    drive.world.runner.refuse = lambda invocation: (
        Refused("no", code="InvalidInstance.NotMatch") if "i-00003" in invocation.instance_ids else None
    )
    run_id = drive.send(invoke_request())
    drive.settle()
    return run_id


def test_chunks_that_were_cut_in_two_are_counted_once_each_and_beyond_the_limit_too() -> None:
    drive = Bounded(1, fleet=8)

    run_id = cut_in_two(drive)
    drive.send(invoke_request("next-1"))

    run = drive.run(run_id)
    assert run.counts == {"Excluded": 1, "Success": 7}
    assert run.extra
    assert drive.counted() == 1 + len(run.extra), "the plan's chunk, and each that was cut off"
    assert drive.counted() >= calls(drive)
    assert drive.run(run_id_of("next-1")).status == "Rejected", "what comes next has so much less"


@pytest.mark.parametrize(("units", "outcome"), [(2, "Success"), (1, "Rejected")])
def test_a_plan_that_is_made_again_and_needs_more_is_charged_for_what_it_lacks(units: int, outcome: str) -> None:
    drive = Bounded(units, fleet=50)
    drive.world.runs.fail("put_chunks", Unavailable("down"))
    run_id = drive.send(invoke_request())
    assert (drive.run(run_id).status, drive.counted()) == ("Accepted", 1)

    drive.world.directory.add(*(linux(number) for number in range(50, 60)))  # before it is planned again
    drive.settle()

    assert drive.run(run_id).status == outcome
    assert calls(drive) == (2 if outcome == "Success" else 0)
    assert drive.counted() == units


@pytest.mark.parametrize("skip", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("error", "after_effect"),
    [(Unavailable("down"), False), (UnknownOutcome("lost"), True), (UnknownOutcome("lost"), False)],
    ids=["unavailable", "done-but-unanswered", "not-done-and-unanswered"],
)
def test_a_lost_answer_neither_doubles_nor_drops_what_is_counted(
    skip: int, error: Exception, after_effect: bool
) -> None:
    drive = Bounded(9, fleet=8)
    drive.guard.usage.fail("charge", error, skip=skip, after_effect=after_effect)

    run_id = cut_in_two(drive)

    run = drive.run(run_id)
    assert run.counts == {"Excluded": 1, "Success": 7}
    assert drive.counted() == 1 + len(run.extra)


# -- targets that join a cloud schedule -------------------------------------------------------------------------------
def repeating(units: int) -> Bounded:
    """A cloud schedule on three instances, and sixty more that match by now."""
    drive = Bounded(units, fleet=3)
    drive.send(invoke_request("repeat", schedule={"frequency": "0 0 3 * * ?"}, timeout=30))
    for _ in range(4):
        drive.step()
    assert drive.run(run_id_of("repeat")).status == "Scheduled"
    drive.world.directory.add(*(linux(number) for number in range(100, 160)))
    return drive


def sync(drive: Bounded, request_id: str) -> str:
    drive.send({**SYNC, "requestId": request_id})
    return drive.last_answer


def test_who_joins_a_cloud_schedule_is_counted_and_a_sync_that_adds_nobody_counts_nothing() -> None:
    drive = repeating(3)

    answers = [sync(drive, "sync-1"), sync(drive, "sync-1"), sync(drive, "sync-2")]
    for _ in range(4):
        drive.step()

    assert answers == ["synced"] * 3
    assert (drive.counted(), calls(drive)) == (3, 3)
    assert drive.run(run_id_of("repeat")).included == 63


def test_a_sync_beyond_the_days_units_is_refused_adds_nobody_and_leaves_the_run_free() -> None:
    drive = repeating(2)
    del drive.world.directory.known["i-00001"]

    answer = sync(drive, "sync-1")

    run = drive.run(run_id_of("repeat"))
    assert answer == "rejected"
    assert (drive.refusal()["code"], drive.refusal()["field"]) == ("Forbidden", "targets")
    assert (run.included, drive.counted(), run.lease_until_ms) == (3, 1, 0)
    assert drive.world.runs.read_stops(run.run_id) == [], "nor stops it for who has left"
    assert drive.guard.audit.lines[-1].code == "Forbidden"


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_sync_whose_charge_is_not_answered_counts_once(after_effect: bool) -> None:
    drive = repeating(3)
    drive.guard.usage.fail("charge", UnknownOutcome("lost"), after_effect=after_effect)

    answer = sync(drive, "sync-1")
    for _ in range(4):
        drive.step()

    assert answer == "synced"
    assert (drive.counted(), calls(drive)) == (3, 3)
