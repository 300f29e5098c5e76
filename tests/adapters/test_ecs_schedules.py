"""A cloud schedule through our adapters and the official SDK, on the double of ECS: sent, listed, repeated, stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

import pytest

from localcloud.account import Account
from localcloud.clock import SystemClock, Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.ecs.api import EcsEndpoint
from localcloud.ecs.executor_simulated import SimulatedExecutor
from localcloud.ecs.limits import Limits
from localcloud.ecs.service import EcsService
from localcloud.fleet import Fleet, Group
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from shared.adapters.ecs_commands import EcsCommands
from shared.adapters.ecs_directory import EcsDirectory
from shared.adapters.system import ThreadLanes
from shared.core.requests import Command, TargetSelection
from shared.ecs_ports import Invocation
from tests.adapters.clients import ecs_calls
from tests.app.memory import ManualClock
from tests.contract.serve import Served, serve

REGION = "cn-hangzhou"
START_MS = int(datetime(2026, 1, 5, 0, 0, 5, tzinfo=timezone.utc).timestamp()) * 1000
SCRIPT = '# simulate: duration=2s output="ran\\n"'


@contextmanager
def ecs(limits: Limits) -> Iterator[Served]:
    account, ids, timeline = Account(), Ids(1), Timeline(ControlledClock(START_MS))
    service = EcsService(
        account=account,
        timeline=timeline,
        ids=ids,
        journal=NoJournal(),
        executor=SimulatedExecutor(timeline=timeline),
        fleet=Fleet((Group(name="web-{number:02}", count=3, tags={"env": "demo"}),)),
        limits=limits,
    )
    endpoint = EcsEndpoint(service, account=account, ids=ids, date_clock=SystemClock())
    with serve({"ecs": endpoint}, timeline=timeline) as served:
        yield served


@pytest.fixture(params=[False, True], ids=["lists-all", "lists-what-is-over"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """Whether a listing without `Timed` shows what repeats is not known: both."""
    with ecs(Limits(filters_timed_by_default=request.param)) as found:
        yield found


def sent(served: Served, frequency: str) -> tuple[EcsCommands, str, list[str]]:
    """Our adapter, the InvokeId and the instances of a schedule that was just sent."""
    calls = ecs_calls(served.url)
    runner = EcsCommands(calls, ManualClock(START_MS))
    found = EcsDirectory(calls, ThreadLanes(threads_max=2)).select(REGION, TargetSelection(tags={"env": "demo"}))
    ids = [instance.instance_id for instance in found]
    command = Command(type="RunShellScript", content=SCRIPT)
    command_id = runner.create_command(REGION, name="run-1", command=command, timeout=10, has_parameters=False)
    invocation = Invocation(
        region=REGION,
        command_id=command_id,
        instance_ids=tuple(ids),
        client_token="run-1-00001-1",
        run_id="run-1",
        parameters={},
        timeout=10,
        username=None,
        working_dir=None,
        frequency=frequency,
    )
    return runner, runner.invoke(invocation, not_after_ms=START_MS + 60_000), ids


def test_a_schedule_is_found_by_its_tags_and_by_its_id_while_it_repeats(served: Served) -> None:
    runner, invoke_id, ids = sent(served, "0 * * * * ? Asia/Shanghai")
    served.advance(90_000)

    assert runner.find_invocation(REGION, run_id="run-1", chunk_id="run-1-00001-1", repeats=True) == invoke_id
    assert [view.invoke_id for view in runner.poll_run(REGION, "run-1", repeats=True)] == [invoke_id]
    view = runner.poll_invocation(REGION, invoke_id, with_output=True, repeats=True)
    assert view is not None
    assert [(one.instance_id, one.status, one.repeats) for one in view.results] == [
        (each, "Scheduled", 1) for each in ids
    ]


def test_history_gives_each_repetition_with_its_output_over_all_pages(served: Served) -> None:
    runner, invoke_id, ids = sent(served, "0/10 * * * * ? Asia/Shanghai")
    for _ in range(20):
        served.advance(10_000)

    wanted = {ids[0]: range(1, 20), ids[2]: range(18, 20)}
    found = runner.history(REGION, invoke_id, wanted)

    assert [(one.instance_id, one.repeats) for one in found] == [
        *((ids[0], repeat) for repeat in range(1, 20)),
        (ids[2], 18),
        (ids[2], 19),
    ]
    assert {(one.status, one.exit_code, one.output) for one in found} == {("Success", 0, b"ran\n")}
    assert all(one.finish_time for one in found)


def test_a_stopped_schedule_is_over_and_is_still_found(served: Served) -> None:
    runner, invoke_id, ids = sent(served, "0 * * * * ? Asia/Shanghai")
    served.advance(90_000)

    runner.stop(REGION, invoke_id, ids)
    runner.stop(REGION, invoke_id, ids)
    served.advance(120_000)

    (view,) = runner.poll_run(REGION, "run-1", repeats=True)
    assert {(one.status, one.repeats) for one in view.results} == {("Cancelled", 1)}


def test_a_schedule_without_time_left_ends_with_its_last_repetition(served: Served) -> None:
    runner, invoke_id, ids = sent(served, "at(2026-01-05 08:01:00 Asia/Shanghai)")
    served.advance(120_000)

    view = runner.poll_invocation(REGION, invoke_id, with_output=True, repeats=True)

    assert view is not None
    assert [(one.instance_id, one.status, one.repeats) for one in view.results] == [
        (each, "Success", 1) for each in ids
    ]
    assert len(runner.history(REGION, invoke_id, {one: range(1, 2) for one in ids})) == 3
