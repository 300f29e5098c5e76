"""A pause that ECS asked for is kept, whatever else the run has to do meanwhile."""

from __future__ import annotations

from shared.core.errors import Unavailable
from tests.app.driving import Drive, invoke_request
from tests.app.memory import Ending, linux


def test_a_throttled_run_that_polls_each_second_does_not_call_each_second() -> None:
    drive = Drive()
    drive.world.directory.add(*(linux(number) for number in range(3_000)))
    drive.world.runner.ending = lambda _invocation, one: Ending(after_ms=1_000 * (1 + int(one[-2:])))
    throttled = Unavailable("slow down", code="Throttling.User", throttled=True)
    drive.world.runner.fail("invoke", throttled, times=10_000, skip=1)
    start_ms = drive.world.clock.now_ms()

    drive.send(invoke_request(timeout=600))
    while drive.world.clock.now_ms() < start_ms + 120_000 and drive.step():
        pass

    # Pauses of 1, 2, 4, … 60 s: about seven tries in two minutes, of ten calls at first and fewer then.
    assert drive.world.runner.count("invoke") <= 40
