"""What was cut off from a chunk belongs to the run, even if nobody but that chunk's row knows of it (sim 1023091)."""

from __future__ import annotations

from typing import cast

from tests.app.driving import Crash, Drive, invoke_request
from tests.app.memory import Ending, linux


def test_a_stop_ends_what_a_crash_has_cut_off_from_a_chunk_that_was_not_taken_up() -> None:
    drive = Drive()
    drive.world.directory.add(*(linux(number) for number in range(7)))
    drive.world.runner.ending = lambda _invocation, one: Ending(status="Failed") if one == "i-00000" else Ending()
    run_id = drive.send(invoke_request(rateControl={"maxErrors": 2}))
    while not drive.run(run_id).spent:
        assert drive.step()
    # The second chunk is cut down, because one target has failed; the holder dies before the head row says so.
    drive.world.quota.fail("grant", cast("Exception", Crash()))
    while not any(chunk.rest for chunk in drive.world.runs.chunks.values()):
        assert drive.step()
    assert not drive.run(run_id).extra

    drive.world.clock.advance_to(drive.run(run_id).lease_until_ms + 1)
    drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id})
    drive.settle()

    assert drive.check_settled(run_id).status == "Stopped"
    assert len(drive.outcomes(run_id)) == 7
