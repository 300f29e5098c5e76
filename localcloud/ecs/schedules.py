"""Invocations that fire by the clock or by boots: Period, NextRebootOnly, EveryReboot.

A firing that finds the one before still at work on an instance is skipped there (the agent's startExclusiveInvocation);
an instance that is down misses its firing. Between firings rows are Scheduled and show what the last firing left.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from localcloud.clock import Timeline
from localcloud.ecs.agents import Agents
from localcloud.ecs.errors import EcsError
from localcloud.ecs.frequency import At, BadFrequency, Frequency, Rate, parse
from localcloud.ecs.instances import Instances, is_up
from localcloud.ecs.limits import Limits
from localcloud.ecs.runs import Run, Runs
from localcloud.ecs.statuses import ENDS, MEANINGS, STOPS
from localcloud.ecs.values import Instance, Row

INTERVAL_MS_MIN = 10_000
FIRINGS_LOOKED_AT = 64
"""Ours: how far ahead the distance between firings is looked at."""
REBOOT_MODES = ("NextRebootOnly", "EveryReboot")


@dataclass(frozen=True, slots=True)
class NoFrequency:
    """One that the agent refused with `error_code`: it never fires."""

    error_code: str

    def next_after(self, _: int) -> int | None:
        return None


class Schedules:
    """Fires what is due. One timer per Period invocation: all instances are in one time zone (`Limits.time_zone`)."""

    def __init__(self, *, runs: Runs, agents: Agents, instances: Instances, timeline: Timeline, limits: Limits) -> None:
        self._runs = runs
        self._agents = agents
        self._instances = instances
        self._timeline = timeline
        self._limits = limits
        self._frequencies: dict[str, Frequency] = {}

    def check(self, text: str, *, timeout_s: int) -> None:
        """Raises InvalidParam.Frequency: for what the service sees, and for firings closer than 10 s or the timeout.

        A rate must be longer than the timeout; of other expressions two firings may be just so far apart.
        """
        now_ms = self._timeline.clock.now_ms()
        frequency = self._read(text, created_ms=now_ms)
        least_ms = max(INTERVAL_MS_MIN, (timeout_s + isinstance(frequency, Rate)) * 1000)
        before_ms = frequency.next_after(now_ms)
        for _ in range(FIRINGS_LOOKED_AT):
            after_ms = None if before_ms is None else frequency.next_after(before_ms)
            if before_ms is None or after_ms is None:
                break
            if after_ms - before_ms < least_ms:
                raise EcsError(
                    "InvalidParam.Frequency",
                    f"Firings are {(after_ms - before_ms) // 1000} s apart; at least {least_ms // 1000} s are needed.",
                )
            before_ms = after_ms

    def begin(self, run: Run) -> None:
        """Arms the timer of a Period invocation: a new one, one that was changed, or one after a restart."""
        invocation = run.invocation
        if invocation.repeat_mode != "Period":
            return
        self._frequencies[invocation.invoke_id] = self._read(invocation.frequency, created_ms=invocation.created_ms)
        if run.timer is not None:
            run.timer.cancel()
        self._arm(run)

    def end(self, run: Run) -> None:
        """Nothing more fires."""
        if run.timer is not None:
            run.timer.cancel()
            run.timer = None
        self._frequencies.pop(run.invocation.invoke_id, None)

    def fires_again(self, run: Run) -> bool:
        """What the field Timed says."""
        return run.invocation.is_schedule and not run.has_ended

    def on_boot(self, instance: Instance) -> None:
        for run in self._runs.of_instance(instance.region, instance.instance_id):
            row = run.rows[instance.instance_id]
            if run.invocation.repeat_mode in REBOOT_MODES and row.status == "Scheduled":
                self._agents.start(run, [instance.instance_id])

    def after_firing(self, run: Run, row: Row) -> Row:
        """How the row of a firing that has ended goes on: an end, or Scheduled again."""
        mode = run.invocation.repeat_mode
        if mode not in ("Period", "EveryReboot") or row.status not in ENDS:
            return row
        if row.start_ms:
            self._runs.add_history(run, row)
        if row.status in STOPS or row.stop_ms:
            return row
        goes_on = mode == "EveryReboot" or run.timer is not None
        return replace(row, status="Scheduled") if goes_on else row

    def _read(self, text: str, *, created_ms: int) -> Frequency:
        """`created_ms`: what rate() counts from. Raises InvalidParam.Frequency for what the service itself refuses."""
        limits = self._limits
        try:
            return parse(text, now_ms=created_ms, default_zone=limits.time_zone, dialect=limits.frequency_dialect)
        except BadFrequency as bad:
            if not bad.error_code or limits.bad_frequencies == "refuse":
                raise
            return NoFrequency(bad.error_code)

    def _arm(self, run: Run) -> None:
        next_ms = self._frequencies[run.invocation.invoke_id].next_after(self._timeline.clock.now_ms())
        if next_ms is None:
            run.timer = None
            self._expire(run)
        else:
            run.timer = self._timeline.at(next_ms, lambda: self._fire(run))

    def _fire(self, run: Run) -> None:
        due = [instance_id for instance_id, row in run.rows.items() if self._is_ready(run, instance_id, row)]
        self._agents.start(run, due)
        if run.has_ended:
            self.end(run)
        else:
            self._arm(run)

    def _is_ready(self, run: Run, instance_id: str, row: Row) -> bool:
        instance = self._instances.find(run.invocation.region, instance_id)
        return row.status == "Scheduled" and instance is not None and is_up(instance, self._timeline.clock.now_ms())

    def _expire(self, run: Run) -> None:
        """No time is left: rows become what their last firing was; without one they are Invalid."""
        frequency = self._frequencies[run.invocation.invoke_id]
        code = "AtExpressionExpired" if isinstance(frequency, At) else "CronExpressionExpired"
        if isinstance(frequency, NoFrequency):
            code = frequency.error_code
        for row in list(run.rows.values()):
            if row.status not in ("Pending", "Scheduled") or self._agents.is_busy_with(run, row.instance_id):
                continue
            if row.outcome:
                self._runs.set_row(run, replace(row, status=row.outcome))
            else:
                missed = replace(row, status="Invalid", error_code=code, error_info=MEANINGS.get(code, ""))
                self._runs.set_row(run, missed)
