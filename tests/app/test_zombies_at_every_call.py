"""A function is thought dead, at whichever port call, and goes on when others have moved its run: nothing runs twice.

It falls asleep in front of the call, or with the answer in hand, until its lease is over; meanwhile its message comes
again. Then it wakes up and believes what it knew. Exhaustive over the calls, not random.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from shared.core.model import run_id_of
from shared.core.wakeups import WakeUp, encode_wakeup
from shared.ports import Ports
from tests.app.driving import Crash, Drive, invoke_request
from tests.app.test_every_call_may_fail import (
    LOCAL,
    Troubled,
    a_careful_job,
    a_job_for_which_ecs_has_no_calls_left,
    a_stopped_job,
    the_main_job,
)

RUN_ID = run_id_of("deploy-1")
Scenario = Callable[[Drive], str]


def move_on(drive: Drive) -> None:
    come_again(drive)
    for _ in range(3):
        drive.step()


def die_in_a_call(drive: Drive) -> None:
    """The next holder's InvokeCommand is carried out, and then it dies."""
    drive.world.runner.fail("invoke", Crash(), after_effect=True)
    come_again(drive)
    drive.world.runner.mend("invoke")


def come_again(drive: Drive) -> None:
    """The message of the sleeper is visible again."""
    drive.world.clock.advance(drive.policy.lease_ms + 1)
    run = drive.world.runs.runs.get(RUN_ID)
    if run is not None:
        drive.deliver(encode_wakeup(WakeUp(run_id=RUN_ID, wakeup_no=run.wakeup_no)))


class Sleep:
    """The n-th call over all ports takes longer than its function may live, before or after its effect."""

    def __init__(self, drive: Drive, at: int, meanwhile: Callable[[Drive], None], *, before: bool) -> None:
        self.drive, self.at, self.meanwhile, self.before = drive, at, meanwhile, before
        self.calls, self.name = 0, ""

    def __call__(self, name: str, act: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.calls != self.at:
            return act()
        self.name = name
        if self.before:
            self.meanwhile(self.drive)
            return act()
        answer = act()
        self.meanwhile(self.drive)
        return answer


def play(scenario: Scenario, at: int, meanwhile: Callable[[Drive], None], *, before: bool) -> tuple[Drive, Sleep]:
    drive = Drive(daily_quota=3)
    sleep = Sleep(drive, at, meanwhile, before=before)
    wrapped = {
        field.name: getattr(drive.ports, field.name)
        if field.name in LOCAL
        else Troubled(getattr(drive.ports, field.name), sleep)
        for field in dataclasses.fields(Ports)
    }
    drive.ports = Ports(**wrapped)
    scenario(drive)
    drive.settle()
    return drive, sleep


@pytest.mark.parametrize("before", [True, False], ids=["before the call", "after the call"])
@pytest.mark.parametrize("meanwhile", [move_on, die_in_a_call])
@pytest.mark.parametrize(
    "scenario", [the_main_job, a_stopped_job, a_careful_job, a_job_for_which_ecs_has_no_calls_left]
)
def test_a_zombie_at_any_one_call_doubles_nothing_and_loses_nothing(
    scenario: Scenario, meanwhile: Callable[[Drive], None], before: bool
) -> None:
    calls = play(scenario, 0, meanwhile, before=before)[1].calls
    assert calls > 30, "a scenario that calls nothing proves nothing"
    assert invoke_request()["requestId"] == "deploy-1"

    for at in range(1, calls + 1):
        drive, sleep = play(scenario, at, meanwhile, before=before)

        assert sleep.name, f"call {at} was not reached"
        try:
            run = drive.check_settled(RUN_ID)
            for (_region, day), highest in drive.world.quota.highest.items():
                assert highest <= drive.policy.daily_quota
                assert drive.world.runner.calls_by_day.get(day, 0) <= run.spent.get(day, 0)
        except AssertionError as error:
            raise AssertionError(f"asleep at call {at} ({sleep.name}): {error}") from error
