"""The ECS of one seed: instances, agents, scripts that end in every way, other people who use up the quota."""

from __future__ import annotations

import random
from dataclasses import dataclass

from localcloud.clock import Timeline
from shared.core.errors import Refused
from shared.core.transitions import FAILURES
from shared.ecs_ports import Invocation
from tests.app.memory import Ending, MemoryDirectory, MemoryRunner, linux
from tests.app.memory_ecs import MemoryCommand, MemoryInvocation
from tests.sim.trouble import Trouble
from tests.sim.workload import STORED_COMMAND, Workload

UNFIT = (
    {"status": "Stopped"},
    {"os_type": "windows"},
    {"network_type": "classic"},
)
BAD_ENDS = ("Failed", "Failed", "Timeout", "Error", "Invalid", "Aborted")
SILENT_MS = 100_000
"""About when a target without an outcome becomes Unknown, on top of its timeout: delivery and slack, less travel."""


@dataclass(frozen=True)
class Accepted:
    """An InvokeCommand that ECS has taken."""

    invoke_id: str
    run_id: str
    token: str
    instance_ids: tuple[str, ...]


class MemoryEcs:
    """Our in-memory double, filled for one seed, and the truth about what it did."""

    def __init__(self, workload: Workload, trouble: Trouble, timeline: Timeline, chance: random.Random) -> None:
        self._workload, self._trouble, self._timeline, self._chance = workload, trouble, timeline, chance
        self.directory = MemoryDirectory()
        self.runner = MemoryRunner(timeline.clock, self.directory)
        self._fill_directory()
        self._set_up_runner()
        self._arm()

    # -- the truth, for checkers --------------------------------------------------------------------------------------
    @property
    def count(self) -> int:
        """Calls accepted."""
        return len(self.runner.invocations)

    def accepted_after(self, count: int) -> list[Accepted]:
        made = list(self.runner.invocations.values())[count:]
        return [
            Accepted(each.invoke_id, each.invocation.run_id, each.invocation.client_token, each.invocation.instance_ids)
            for each in made
        ]

    def calls_on(self, day: str) -> int:
        return self.runner.calls_by_day.get(day, 0)

    @property
    def days(self) -> list[str]:
        return sorted(self.runner.calls_by_day)

    def calls_of(self, run_id: str) -> int:
        return sum(1 for each in self.runner.invocations.values() if each.invocation.run_id == run_id)

    def times_ran(self, run_id: str, instance_id: str) -> int:
        return self.runner.executions.get((run_id, instance_id), 0)

    def ran(self, run_id: str) -> set[str]:
        return {one for of_run, one in self.runner.executions if of_run == run_id}

    def at_risk(self, run_id: str) -> tuple[int, int]:
        """(targets in flight now, targets that have failed or may yet be called failed)."""
        flying = failed = 0
        for each in self.runner.invocations.values():
            if each.invocation.run_id == run_id:
                for one, ending in each.endings.items():
                    how = self._how(each, one, ending)
                    flying += how == "flying"
                    failed += how == "failed"
        return flying, failed

    def _how(self, made: MemoryInvocation, one: str, ending: Ending) -> str:
        now_ms = self._timeline.clock.now_ms()
        status = self.runner.status_of(made, one) if one in made.stopped_ms else ""
        if status and not (status == "Stopping" and ending.silent):
            return "failed" if status in FAILURES else "ended"  # one that is Stopping may fail yet; it was told to end
        age_ms = now_ms - made.created_ms
        if ending.silent or ending.missing:  # Unknown, a failure, from its deadline on
            return "failed" if age_ms >= made.invocation.timeout * 1000 + SILENT_MS else "flying"
        if age_ms < ending.after_ms:
            return "flying"
        return "failed" if ending.status in FAILURES else "ended"

    def cease(self) -> None:
        """Faults are over: nobody else uses the quota any more."""
        self.runner.others = 0

    # -- set-up -------------------------------------------------------------------------------------------------------
    def _fill_directory(self) -> None:
        workload, directory = self._workload, self.directory
        directory.add(*(linux(number) for number in range(workload.instances)))
        for number in range(workload.unfit):
            if number < len(UNFIT):
                directory.add(linux(900 + number, **UNFIT[number]))
            else:
                directory.add(linux(900 + number, online=False, version="" if number % 2 else "2.2.3.1000"))

    def _set_up_runner(self) -> None:
        workload, runner = self._workload, self.runner
        runner.commands[STORED_COMMAND] = MemoryCommand(STORED_COMMAND, "stored", "RunShellScript", False)
        runner.token_life_ms = workload.token_life_ms
        runner.listing_delay_ms = workload.listing_delay_ms
        runner.stopping_ms = workload.stopping_ms
        runner.quota = workload.daily_quota
        runner.ending = lambda _invocation, _one: self._ending()
        runner.refuse = self._refuse

    def _arm(self) -> None:
        workload, trouble, chance = self._workload, self._trouble, self._chance
        if trouble.has("vanishing instances") and workload.instances > 1:
            victim = f"i-{chance.randrange(workload.instances):05d}"
            self._timeline.after(chance.randrange(30_000), lambda: self._vanish(victim))
        if trouble.has("stolen quota"):
            self._timeline.after(chance.randrange(20_000), self._steal)
        if trouble.has("stopped by others"):
            self._timeline.after(chance.randrange(40_000), self._stop_all)

    def _ending(self) -> Ending:
        chance = self._chance
        after_ms = chance.randrange(1, self._workload.script_ms_max + 1)
        if self._trouble.strikes("dying agents"):
            return Ending(silent=True) if chance.random() < 0.5 else Ending(missing=True)
        if chance.random() < self._workload.failing:
            return Ending(status=chance.choice(BAD_ENDS), exit_code=3, after_ms=after_ms)
        return Ending(after_ms=after_ms)

    def _vanish(self, instance_id: str) -> None:
        """Stopped, released, or stopped for a while."""
        if not self._trouble.strikes("vanishing instances"):
            return
        how = self._chance.randrange(3)
        if how == 0:
            self.directory.known.pop(instance_id, None)
            return
        self.directory.change(instance_id, status="Stopped")
        if how == 1:
            back = self._chance.randrange(20_000)
            self._timeline.after(back, lambda: self.directory.change(instance_id, status="Running"))

    def _refuse(self, invocation: Invocation) -> Refused | None:
        for one in invocation.instance_ids:
            if self.directory.known[one].instance.status != "Running":
                return Refused("not running", code="InvalidInstanceStatus")
        return None

    def _stop_all(self) -> None:
        """Somebody stops, by the console, all that runs now."""
        if self.runner.invocations and self._trouble.strikes("stopped by others"):
            for each in self.runner.invocations.values():
                for one in each.endings:
                    each.stopped_ms.setdefault(one, self._timeline.clock.now_ms())

    def _steal(self) -> None:
        """Somebody else's calls, by the console, use up a part of the day's quota without our ledger knowing."""
        if self._trouble.strikes("stolen quota"):
            self.runner.others = self._workload.daily_quota - max(1, self._workload.daily_quota // 2)
