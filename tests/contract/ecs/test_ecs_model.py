"""Random lives of a few instances: whatever happens, no script runs twice and every row ends once.

Rules: invocations of every mode, stops, boots, agents lost and found, released instances, time, and the local cloud
killed and started again on its journal.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from localcloud.ecs.executor_simulated import Outcome
from localcloud.ecs.statuses import ENDS, overall
from localcloud.ecs.values import Row
from localcloud.file_journal import FileJournal
from localcloud.fleet import Fleet
from tests.contract.ecs.worlds import REGION, START_MS, EcsWorld, group, ids

INSTANCES = ids(3)
LONGEST_S = 60 + 60 + 60 + 10
"""Timeout, the grace after it, a delivery in between, and a boot."""


class EcsLives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.journal = FileJournal(self.folder)
        self.ended: dict[tuple[str, str], Row] = {}
        self.starts: Counter[tuple[str, str]] = Counter()
        self.modes: dict[str, str] = {}
        self.stopped: dict[str, int] = {}
        """Invocations with how often their scripts had been started when they were stopped."""
        self.world = self.begin(START_MS)

    def begin(self, now_ms: int) -> EcsWorld:
        fleet = Fleet((group("i-l", 3),))
        world = EcsWorld(journal=self.journal, now_ms=now_ms, fleet=fleet)

        def behave(job: Any) -> Outcome:
            self.starts[job.invoke_id, job.instance_id] += 1
            return Outcome(duration_ms=int(job.content), output=b"out")

        world.behave = behave
        return world

    def teardown(self) -> None:
        try:
            self.every_one_time_row_ends()
        finally:
            self.journal.close()
            shutil.rmtree(self.folder)

    # -- rules --------------------------------------------------------------------------------------------------------
    @rule(
        instances=st.sets(st.sampled_from(INSTANCES), min_size=1),
        duration_ms=st.sampled_from([0, 1_500, 30_000, 90_000]),
        mode=st.sampled_from(["Once", "Once", "Once", "Period", "EveryReboot", "NextRebootOnly", "DryRun"]),
        seconds=st.sampled_from([0, 1, 60]),
    )
    def invoke_and_wait(self, instances: set[str], duration_ms: int, mode: str, seconds: int) -> None:
        changes = {"frequency": "0 * * * * ?"} if mode == "Period" else {"repeat_mode": mode}
        there = [one for one in sorted(instances) if self.world.service.instances.find(REGION, one) is not None]
        if there:
            invoke_id = self.world.run(*there, content=str(duration_ms).encode(), **changes)
            self.modes[invoke_id] = mode
            self.world.advance(seconds)

    @precondition(lambda self: self.modes)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        invoke_id = data.draw(st.sampled_from(sorted(self.modes)))
        self.world.service.stop_invocation(REGION, invoke_id)
        self.stopped.setdefault(invoke_id, self.started(invoke_id))

    @rule(seconds=st.sampled_from([0, 0.1, 1, 3, 7, 60, 61, 200]))
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule(instance=st.sampled_from(INSTANCES), agent=st.sampled_from(["online", "offline", "missing"]))
    def set_agent(self, instance: str, agent: Any) -> None:
        if self.world.service.instances.find(REGION, instance) is not None:
            self.world.service.set_agent(instance, agent)

    @rule(
        instance=st.sampled_from(INSTANCES), action=st.sampled_from(["StartInstance", "StopInstance", "RebootInstance"])
    )
    def power(self, instance: str, action: str) -> None:
        status = self.world.respond(action, InstanceId=instance).status
        assert status in (200, 403, 404)

    @rule(instance=st.sampled_from(INSTANCES[2:]))
    def release(self, instance: str) -> None:
        if self.world.service.instances.find(REGION, instance) is not None:
            self.world.service.remove_instance(instance)

    @rule()
    def kill_and_start_again(self) -> None:
        self.world.executor.is_closed = True
        self.journal.close()
        self.journal = FileJournal(self.folder)
        self.world = self.begin(self.world.now_ms)

    # -- what always holds --------------------------------------------------------------------------------------------
    @invariant()
    def a_one_time_script_starts_at_most_once_per_instance(self) -> None:
        for (invoke_id, instance_id), count in self.starts.items():
            mode = self.modes.get(invoke_id)
            assert count == 1 or mode in ("Period", "EveryReboot"), (mode, instance_id, count)
            assert mode != "DryRun"

    @invariant()
    def what_has_ended_stays_as_it_is(self) -> None:
        for run in self.world.service.runs.everywhere():
            for row in run.rows.values():
                key = run.invocation.invoke_id, row.instance_id
                assert self.ended.get(key, row) == row
                if row.status in ENDS:
                    self.ended[key] = row

    @invariant()
    def counts_and_sums_agree(self) -> None:
        for run in self.world.service.runs.everywhere():
            statuses = [row.status for row in run.rows.values()]
            assert run.open_rows == sum(status not in ENDS for status in statuses)
            assert (overall(statuses) in ("Success", "Failed", "PartialFailed", "Stopped")) == run.has_ended
            assert not (run.has_ended and run.timer is not None)

    @invariant()
    def what_was_stopped_starts_no_more(self) -> None:
        for invoke_id, count in self.stopped.items():
            assert self.started(invoke_id) == count, self.modes[invoke_id]

    def started(self, invoke_id: str) -> int:
        return sum(count for (one, _), count in self.starts.items() if one == invoke_id)

    @rule()
    def every_one_time_row_ends(self) -> None:
        self.world.advance(LONGEST_S)
        for run in self.world.service.runs.everywhere():
            if run.invocation.repeat_mode in ("Once", "DryRun"):
                assert run.has_ended, [(row.instance_id, row.status) for row in run.rows.values()]


EcsLives.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None, derandomize=True)
TestEcsLives = EcsLives.TestCase
