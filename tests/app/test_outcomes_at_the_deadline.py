"""What ECS has told of a target stands at its deadline, whether or not its output can be had (sim seed 9087882)."""

from __future__ import annotations

from collections import Counter

from shared.core import limits
from shared.core.errors import Refused
from shared.core.track import deadline_of
from tests.app.driving import Drive, invoke_request
from tests.app.memory import Ending, linux

DEADLINE_MS = deadline_of(invoked_ms=0, timeout_s=60)


def sent(drive: Drive) -> str:
    """A run of two chunks, so that ECS is asked by tag, without outputs; answers its id."""
    drive.world.directory.add(*(linux(number) for number in range(60)))
    run_id = drive.send(invoke_request(timeout=60))
    while not drive.world.runner.executions:
        assert drive.step()
    return run_id


def refuses_outputs(drive: Drive, *, for_ms: int) -> None:
    now_ms = drive.world.clock.now_ms()
    drive.world.runner.fail("poll_invocation", Refused("may not", code="Forbidden.RAM"), times=10_000)
    while drive.world.clock.now_ms() < now_ms + for_ms:
        if not drive.step():
            return
    drive.world.runner.mend("poll_invocation")


def test_an_outcome_whose_output_is_refused_past_the_deadline_is_the_outcome_all_the_same() -> None:
    drive = Drive()
    run_id = sent(drive)

    refuses_outputs(drive, for_ms=DEADLINE_MS + 60_000)
    drive.settle()

    assert drive.check_settled(run_id).counts == {"Success": 60}
    assert not any(target["errorInfo"] for target in targets(drive, run_id)), "and its output came in the end"


def test_an_outcome_whose_output_cannot_be_had_for_minutes_is_told_without_it() -> None:
    drive = Drive()
    run_id = sent(drive)
    sent_ms = drive.world.clock.now_ms()

    refuses_outputs(drive, for_ms=DEADLINE_MS + 2 * limits.OUTPUT_LATE_MS_MAX)
    drive.settle()

    assert drive.check_settled(run_id).counts == {"Success": 60}
    assert {target["errorInfo"] for target in targets(drive, run_id)} == {"its output could not be fetched"}
    assert drive.world.clock.now_ms() < sent_ms + DEADLINE_MS + limits.OUTPUT_LATE_MS_MAX + limits.POLL_MS_MAX


def test_a_few_that_end_just_before_the_deadline_are_not_lost_among_those_that_never_do() -> None:
    drive = Drive()
    drive.world.runner.ending = lambda _invocation, one: Ending(
        after_ms=DEADLINE_MS - 1_000 if one in ("i-00007", "i-00057") else 1, silent=one not in ("i-00007", "i-00057")
    )
    run_id = sent(drive)

    drive.settle()

    outcomes = Counter(drive.outcomes(run_id).values())
    assert outcomes == {"Success": 2, "Unknown": 58}


def targets(drive: Drive, run_id: str) -> list[dict[str, object]]:
    told = [event for event in drive.events(run_id) if event["type"] == "fleetrun.targets.finished"]
    return [target for event in told for target in event["data"]["targets"]]
