"""Whatever happens at whichever port call: nothing is lost, nothing runs twice, and the run ends.

The scenario is played once to count its port calls. Then it is played again for every call and every kind of trouble:
the function dies before or after the call's effect, the answer is lost, the service is not available. Exhaustive, not
random.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from shared.core.errors import Unavailable, UnknownOutcome
from shared.ports import Ports
from tests.app.driving import Crash, Drive, invoke_request
from tests.app.memory import Ending, linux

TROUBLE: dict[str, tuple[Callable[[], BaseException], bool]] = {
    "dies before": (Crash, False),
    "dies after": (Crash, True),
    "unavailable": (lambda: Unavailable("not now"), False),
    "throttled": (lambda: Unavailable("slow down", code="Throttling.User", throttled=True), False),
    "lost request": (lambda: UnknownOutcome("dropped"), False),
    "lost reply": (lambda: UnknownOutcome("dropped"), True),
}
LOCAL = {"clock", "ids", "log", "lanes", "access"}


class Troubled:
    """A port whose n-th call (counted over all ports) meets the trouble."""

    def __init__(self, port: Any, trip: Callable[[str, Callable[[], Any]], Any]) -> None:
        self._port, self._trip = port, trip

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._port, name)
        return lambda *args, **kwargs: self._trip(name, lambda: operation(*args, **kwargs))


class Trip:
    def __init__(self, at: int, trouble: str) -> None:
        self.at, self.trouble, self.calls = at, trouble, 0
        self.name = ""

    def __call__(self, name: str, act: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.calls != self.at:
            return act()
        self.name = name
        error, after_effect = TROUBLE[self.trouble]
        if after_effect:
            act()
        raise error()


def play(scenario: Callable[[Drive], str], at: int, trouble: str) -> tuple[Drive, str, Trip]:
    drive = Drive(daily_quota=3)
    trip = Trip(at, trouble)
    wrapped = {
        field.name: getattr(drive.ports, field.name)
        if field.name in LOCAL
        else Troubled(getattr(drive.ports, field.name), trip)
        for field in dataclasses.fields(Ports)
    }
    drive.ports = Ports(**wrapped)
    run_id = scenario(drive)
    drive.settle()
    return drive, run_id, trip


def deliver(drive: Drive, request: dict[str, Any]) -> str:
    """As the queue trigger does: again, until the function returned."""
    while True:
        try:
            return drive.send(request, message_id=str(request["requestId"]))
        except (Crash, Unavailable, UnknownOutcome):
            drive.world.clock.advance(3_000)


def fleet_of_120_with_trouble(drive: Drive) -> None:
    drive.world.directory.add(*(linux(number) for number in range(118)))
    drive.world.directory.add(linux(200, status="Stopped"), linux(201, online=False))
    drive.world.runner.ending = lambda _invocation, one: (
        Ending(status="Failed", exit_code=3) if one.endswith("7") else Ending(after_ms=4_000)
    )


def the_main_job(drive: Drive) -> str:
    fleet_of_120_with_trouble(drive)
    return deliver(drive, invoke_request(timeout=60))


def a_job_with_a_vanished_target(drive: Drive) -> str:
    fleet_of_120_with_trouble(drive)
    run_id = deliver(drive, invoke_request())
    drive.world.directory.known.pop("i-00050", None)
    return run_id


def a_stopped_job(drive: Drive) -> str:
    fleet_of_120_with_trouble(drive)
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=30_000)
    run_id = deliver(drive, invoke_request(rateControl={"maxConcurrency": 60}))
    drive.step()
    drive.step()
    deliver(drive, {"kind": "stop", "requestId": "stop-1", "runId": run_id})
    return run_id


def a_careful_job(drive: Drive) -> str:
    drive.policy = dataclasses.replace(drive.policy, daily_quota=50)
    drive.world.directory.add(*(linux(number) for number in range(30)))
    drive.world.runner.ending = lambda _invocation, one: (
        Ending(status="Failed", exit_code=3) if one.endswith("7") else Ending()
    )
    control = {"maxErrors": 4, "waves": [1, "50%", "100%"]}
    return deliver(drive, invoke_request(rateControl=control))


def a_job_for_which_ecs_has_no_calls_left(drive: Drive) -> str:
    """We have units for two of its three chunks; others have used up what ECS allows today."""
    drive.policy = dataclasses.replace(drive.policy, daily_quota=2)
    fleet_of_120_with_trouble(drive)
    drive.world.runner.others = drive.world.runner.quota
    run_id = deliver(drive, invoke_request())
    for _ in range(6):
        drive.step()
    drive.world.runner.others = 0
    return run_id


SCENARIOS = [
    the_main_job,
    a_job_with_a_vanished_target,
    a_stopped_job,
    a_careful_job,
    a_job_for_which_ecs_has_no_calls_left,
]


def test_a_run_that_the_release_before_left_deferred_with_an_intent_goes_on() -> None:
    drive = Drive(daily_quota=2)
    drive.world.quota.fail("close_day", UnknownOutcome("dropped"))
    fleet_of_120_with_trouble(drive)
    drive.world.runner.others = drive.world.runner.quota
    run_id = deliver(drive, invoke_request())
    while not drive.run(run_id).sending or drive.run(run_id).lease_until_ms:
        assert drive.step()
    drive.world.runs.runs[run_id] = dataclasses.replace(drive.run(run_id), status="Deferred")
    drive.world.runner.others = 0

    drive.settle()

    assert drive.check_settled(run_id).counts["Success"] > 100


@pytest.mark.parametrize("trouble", list(TROUBLE))
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_trouble_at_any_one_call_loses_nothing_and_doubles_nothing(
    scenario: Callable[[Drive], str], trouble: str
) -> None:
    calls = play(scenario, 0, trouble)[2].calls
    assert calls > 30, "a scenario that calls nothing proves nothing"

    for at in range(1, calls + 1):
        drive, run_id, trip = play(scenario, at, trouble)

        assert trip.name, f"call {at} was not reached"
        try:
            run = drive.check_settled(run_id)
            for (_region, day), highest in drive.world.quota.highest.items():
                assert highest <= drive.policy.daily_quota
                assert drive.world.runner.calls_by_day.get(day, 0) <= run.spent.get(day, 0)
        except AssertionError as error:
            raise AssertionError(f"{trouble} at call {at} ({trip.name}): {error}") from error
