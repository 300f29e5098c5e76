"""A run stands in the list of runs once, at the time when it was accepted, however often its message comes."""

from __future__ import annotations

from shared.core.errors import Unavailable
from tests.app.driving import Drive, invoke_request
from tests.app.memory import Ending, linux


def test_a_request_that_comes_again_while_its_run_goes_on_adds_no_line() -> None:
    drive = Drive()
    drive.world.directory.add(linux(1))
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=40_000)
    run_id = drive.send(invoke_request(), message_id="m-1")

    drive.world.clock.advance(5_000)
    drive.send(invoke_request(), message_id="m-1")

    assert list(drive.world.runs.recent_runs.values()) == [run_id]


def test_a_bad_message_that_comes_again_before_its_event_is_out_adds_no_line() -> None:
    drive = Drive()
    drive.world.publisher.fail("publish", Unavailable("down"))
    drive.send(b"{}", message_id="m-1")

    drive.world.clock.advance(500)
    drive.send(b"{}", message_id="m-1")

    assert len(drive.world.runs.recent_runs) == 1
