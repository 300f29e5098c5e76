"""What is said of a day's units holds for the day on which they were asked for, though midnight has passed since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.core.days import DAY_MS, day_of, next_day_start_ms, quiet_until_ms
from tests.app.driving import Drive, invoke_request
from tests.app.memory import linux


def before_midnight(**policy: Any) -> tuple[Drive, int]:
    """A minute before the day's end, with three chunks to send."""
    drive = Drive(**policy)
    drive.world.directory.add(*(linux(number) for number in range(120)))
    midnight_ms = next_day_start_ms(drive.world.clock.now_ms())
    drive.world.clock.advance_to(midnight_ms - 60_000)
    assert not quiet_until_ms(drive.world.clock.now_ms())
    return drive, midnight_ms


def slowly(drive: Drive, port: Any, name: str, *, until_ms: int) -> list[Any]:
    """The first answer of the operation is long in coming; answers the arguments of all calls."""
    operation: Callable[..., Any] = getattr(port, name)
    calls: list[Any] = []

    def call(*args: Any, **more: Any) -> Any:
        answer = operation(*args, **more)
        calls.append(args)
        drive.world.clock.advance_to(max(drive.world.clock.now_ms(), until_ms))
        return answer

    setattr(port, name, call)
    return calls


def test_a_day_that_ecs_calls_used_up_is_closed_and_not_the_one_that_has_begun_since() -> None:
    drive, midnight_ms = before_midnight()
    drive.world.runner.others = drive.world.runner.quota
    closings = slowly(drive, drive.ports.quota, "close_day", until_ms=midnight_ms + 10_000)

    drive.send(invoke_request())
    while not closings:
        assert drive.step()
    drive.world.runner.others = 0
    drive.settle()

    assert [day for _, day in closings] == [day_of(midnight_ms - 1)], "one write, however many chunks were refused"
    assert {day for _, day in drive.world.quota.closed} == {day_of(midnight_ms - 1)}


def test_a_run_waits_for_the_day_after_the_one_that_had_no_units_left() -> None:
    drive, midnight_ms = before_midnight(daily_quota=1)
    drive.world.quota.used["cn-hangzhou", day_of(midnight_ms - 1)] = 1
    slowly(drive, drive.ports.quota, "read", until_ms=midnight_ms + 10_000)

    run_id = drive.send(invoke_request())
    for _ in range(20):
        if drive.run(run_id).status == "Deferred":
            break
        drive.step()

    assert drive.run(run_id).deferred_to == day_of(midnight_ms)
    assert drive.run(run_id).due_ms < midnight_ms + DAY_MS // 2
