"""A holder that was thought dead, and had read a chunk before it was sent, cannot touch it any more (decision 0015)."""

from __future__ import annotations

import pytest

from shared.app.hold import Hold, claim
from shared.app.pick import cut_down
from shared.core.errors import Fenced, Unavailable
from tests.app.driving import Crash, Drive, invoke_request
from tests.app.memory import linux


def planned(drive: Drive) -> str:
    """A run of one chunk, of which nothing is sent."""
    drive.world.directory.add(*(linux(number) for number in range(4)))
    run_id = drive.send(invoke_request())
    assert drive.run(run_id).status == "Planned"
    return run_id


def zombie(drive: Drive, run_id: str) -> Hold:
    """Holds the run, has read its chunk, and sleeps until its lease is over."""
    run, stops = drive.ports.runs.read_run_and_stops(run_id)
    assert run is not None
    hold = claim(drive.ports, drive.policy, run, stops, event_sent=0)
    hold.take_up(drive.ports.runs.read_chunks(run_id, [1]))
    drive.world.clock.advance(drive.policy.lease_ms + 1)
    return hold


@pytest.mark.parametrize("after_effect", [True, False])
def test_a_chunk_that_is_being_sent_is_not_cut_down_by_who_held_it_before(after_effect: bool) -> None:
    drive = Drive()
    run_id = planned(drive)
    old = zombie(drive, run_id)
    drive.world.runner.fail("invoke", Crash(), after_effect=after_effect)
    with pytest.raises(Crash):
        drive.deliver_now(run_id)

    with pytest.raises(Fenced):
        cut_down(old, old.chunks[1], keep=1)

    drive.settle()
    assert drive.check_settled(run_id).counts == {"Success": 4}


def test_a_chunk_that_was_cut_down_between_intent_and_call_is_not_sent_as_it_was() -> None:
    drive = Drive()
    run_id = planned(drive)
    old = zombie(drive, run_id)
    write = drive.world.runs.update_run

    def intend_and_be_late(run: object) -> bool:
        won = write(run)  # type: ignore[arg-type]
        if getattr(run, "sending", ()):
            drive.world.runs.update_run = write  # type: ignore[method-assign]
            cut_down(old, old.chunks[1], keep=1)
        return won

    drive.world.runs.update_run = intend_and_be_late  # type: ignore[method-assign,assignment]
    assert drive.deliver_now(run_id) == "fenced"
    assert not drive.world.runner.executions

    drive.settle()
    assert drive.check_settled(run_id).counts == {"Success": 4}


def test_a_call_that_provably_did_not_happen_leaves_its_chunk_as_unsent_as_before() -> None:
    drive = Drive()
    run_id = planned(drive)
    drive.world.runner.fail("invoke", Unavailable("not now"))

    drive.deliver_now(run_id)

    assert drive.world.runner.count("invoke") == 1
    (chunk,) = drive.world.runs.read_chunks(run_id, [1])
    assert (chunk.status, chunk.sent_ms, chunk.unit_day) == ("Planned", 0, "")
    drive.settle()
    assert drive.check_settled(run_id).counts == {"Success": 4}
