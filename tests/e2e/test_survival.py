"""Killed function processes and restarts: every script runs once, every run ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from localcloud.cloud import LocalCloud
from localcloud.faults import Rule
from localcloud.fc.pool import ProcessWorkers
from tests.e2e.world import COUNT, World, executions, impatient_template, invoke, until, whole

SLOW_COUNT = COUNT + "\nsleep 1"


def kill_workers(world: World) -> int:
    """SIGKILL to every worker process of every function, as an operator's kill -9 would; how many there were."""
    pids = world.cloud.do(_worker_pids)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


def _worker_pids(cloud: LocalCloud) -> list[int]:
    fc = cloud.services.fc
    assert isinstance(fc.workers, ProcessWorkers)
    return [pid for record in fc.functions.all() for pid in fc.workers.pids(record.key)]


def test_functions_killed_in_the_middle_of_a_run_run_no_script_twice_and_forget_none(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.mkdir()
    with whole(instances=240, template=impatient_template(tmp_path)) as world:
        slow = Rule(kind="delay", service="ecs", operation="InvokeCommand", delay_ms=700)
        world.cloud.do(lambda cloud: cloud.faults.add(slow))  # so that kills meet calls under way
        run_id = world.send(invoke("killed-1", script=SLOW_COUNT, parameters={"folder": str(counted)}))
        killed = 0
        for count in (1, 60, 120):
            until(f"{count} executions", lambda count=count: len(list(counted.iterdir())) >= count)
            killed += kill_workers(world)
        run = world.ended(run_id, wait_s=100)

    assert killed >= 3
    assert run.counts == {"Excluded": 40, "Success": 200}
    assert list(executions(counted).values()) == [1] * 200


def test_a_local_cloud_that_is_started_again_on_its_data_finishes_what_it_had_accepted(tmp_path: Path) -> None:
    data, counted = tmp_path / "data", tmp_path / "counted"
    counted.mkdir()
    with whole(instances=30, data=data) as world:
        finished = world.run(invoke("before-1"))

    with whole(instances=30, data=data) as world:
        kept = world.connection.runs.read_run(finished.run_id)
        run = world.run(invoke("after-1", script=COUNT, parameters={"folder": str(counted)}))

    assert kept == finished
    assert run.counts["Success"] == len(executions(counted)) == 25
