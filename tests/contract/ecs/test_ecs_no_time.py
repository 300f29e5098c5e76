"""Scripts that take no time: begun and ended in one step of the books, which must not show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from localcloud.ecs.executor_simulated import Outcome
from localcloud.ecs.limits import Limits
from localcloud.ecs.values import Row
from localcloud.fleet import Fleet
from tests.contract.ecs.worlds import REGION, START_MS, EcsWorld, group, ids

FLEET = Fleet((group("i-l", 3),))
TIMES: dict[str, Any] = {"created_ms": 0, "updated_ms": 0, "start_ms": 0, "finish_ms": 0}
EVENTS: dict[str, Callable[[EcsWorld, str, str], None]] = {
    "stop": lambda world, invoke_id, _one: world.service.stop_invocation(REGION, invoke_id),
    "cut off": lambda world, _invoke_id, one: world.service.set_agent(one, "offline"),
    "back": lambda world, _invoke_id, one: world.service.set_agent(one, "online"),
    "kill the agent": lambda world, _invoke_id, one: world.service.set_agent(one, "missing"),
    "release": lambda world, _invoke_id, one: world.service.remove_instance(one),
}


@pytest.mark.parametrize("exit_code", [0, 3])
def test_the_row_says_when_it_began_and_ended(exit_code: int) -> None:
    world = EcsWorld(fleet=FLEET)
    world.behave = lambda _job: Outcome(exit_code=exit_code, output=b"out")

    invoke_id = world.run("i-l001")
    world.advance(0)

    assert world.row(invoke_id) == Row(
        "i-l001",
        START_MS,
        START_MS,
        status="Failed" if exit_code else "Success",
        exit_code=exit_code,
        error_code="ExitCodeNonzero" if exit_code else "",
        error_info="the command execution exit code is not zero." if exit_code else "",
        output=b"out",
        repeats=1,
        start_ms=START_MS,
        finish_ms=START_MS,
        outcome="Failed" if exit_code else "Success",
    )


@given(
    event=st.sampled_from(sorted(EVENTS)),
    exit_code=st.sampled_from((0, 3)),
    back=st.booleans(),
    stop_model=st.sampled_from(("agent", "documented")),
)
@settings(max_examples=40)
def test_what_happens_at_the_very_moment_happens_as_to_a_script_of_a_millisecond(
    event: str, exit_code: int, back: bool, stop_model: Any
) -> None:
    """The event comes after the hand-over, before the script begins."""

    def rows_of(duration_ms: int) -> dict[str, Row]:
        world = EcsWorld(fleet=FLEET, limits=Limits(stop_model=stop_model))
        invoke_id = ""

        def behave(job: Any) -> Outcome:
            if job.instance_id == "i-l003":  # the last of the call: all have been handed over
                world.timeline.after(0, lambda: EVENTS[event](world, invoke_id, "i-l002"))
                world.timeline.after(5_000 if back else 50_000, lambda: back_again(world))
            return Outcome(duration_ms=duration_ms, exit_code=exit_code)

        def back_again(world: EcsWorld) -> None:
            if event != "release":
                world.service.set_agent("i-l002", "online")

        world.behave = behave
        invoke_id = world.run(*ids(3))
        world.advance(300)
        return {one: replace(row, **TIMES) for one, row in world.service.rows(REGION, invoke_id).items()}

    assert rows_of(0) == rows_of(1)
