"""A listing that ends early costs nobody an outcome."""

from __future__ import annotations

from tests.app.driving import Drive, invoke_request
from tests.app.memory import Ending, linux


def test_invocations_that_a_listing_by_tag_leaves_out_are_asked_for_by_name() -> None:
    drive = Drive()
    drive.world.directory.add(*(linux(number) for number in range(300)))
    drive.world.runner.listed_max = 2
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=50_000)

    run_id = drive.send(invoke_request(timeout=60))
    drive.settle()

    assert drive.check_settled(run_id).counts == {"Success": 300}


def test_invocations_that_are_listed_are_not_asked_for_by_name_while_they_run() -> None:
    drive = Drive()
    drive.world.directory.add(*(linux(number) for number in range(300)))
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=50_000)

    drive.send(invoke_request(timeout=60))
    drive.settle()

    assert drive.world.runner.count("poll_invocation") == 6
