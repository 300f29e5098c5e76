"""The Cloud Assistant agents: tasks reach them, wait for a free place, are handed to the executor, stopped, lost.

Strategy: a row that is to be started is marked as handed over, the journal is flushed, and only then does the executor
get it: whenever the local cloud is killed, no script runs twice. An agent runs `running_per_instance_max` tasks and
keeps `queued_per_instance_max` more (its taskpool.go).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from localcloud.clock import Entry, Timeline
from localcloud.ecs.attempts import Attempt
from localcloud.ecs.executors import Executor, Job
from localcloud.ecs.instances import Instances, is_up
from localcloud.ecs.jobs import BadJob, Jobs
from localcloud.ecs.limits import Limits
from localcloud.ecs.power import OFFLINE
from localcloud.ecs.runs import Run, Runs
from localcloud.ecs.statuses import ENDS, MEANINGS, status_of
from localcloud.ecs.values import Instance, Row
from localcloud.journal import Journal

OF_WAITING = {"ExecutionInterrupted": "InstanceNotRunning", "ClientRestarted": "ClientNotRunning"}
"""ErrorCodes of what waited for a free place, by those of what ran when the instance or its agent went."""


@dataclass(slots=True)
class Place:
    """What the agent of one instance has. Keys: invoke ids."""

    running: dict[str, Attempt] = field(default_factory=dict)
    silent: list[Attempt] = field(default_factory=list)
    """Those that ended while nobody heard of it."""
    waiting: deque[Run] = field(default_factory=deque)
    undelivered: dict[str, tuple[Run, Entry]] = field(default_factory=dict)
    """What the server could not deliver, with the end of its patience."""
    invocations: int = 0
    last_invoked_ms: int = 0


class Agents:
    """All agents. Works on rows of `runs`; never raises for what happens to a script."""

    def __init__(
        self,
        *,
        instances: Instances,
        runs: Runs,
        jobs: Jobs,
        executor: Executor,
        timeline: Timeline,
        journal: Journal,
        limits: Limits,
    ) -> None:
        self._instances = instances
        self._runs = runs
        self._jobs = jobs
        self._executor = executor
        self._timeline = timeline
        self._clock = timeline.clock
        self._journal = journal
        self._limits = limits
        self._places: dict[tuple[str, str], Place] = {}
        self._is_closed = False
        self.after_firing: Callable[[Run, Row], Row] = lambda _run, row: row
        """What becomes of the row of a firing that has ended (`schedules`)."""

    # -- delivery -----------------------------------------------------------------------------------------------------
    def deliver(self, run: Run, instance_ids: Iterable[str] | None = None) -> None:
        """Brings the Pending rows to their instances; those out of reach are tried again when they come up."""
        if self._is_closed:
            return
        ready = []
        now_ms, instances = self._clock.now_ms(), self._instances.in_region(run.invocation.region)
        for instance_id in list(run.rows if instance_ids is None else instance_ids):
            row = run.rows[instance_id]
            if row.status != "Pending" or row.handed_over:
                continue
            instance = instances.get(instance_id)
            if instance is not None and is_up(instance, now_ms):
                ready.append(instance_id)
            else:
                self._keep_undelivered(run, instance_id)
        if run.invocation.repeat_mode == "DryRun":
            self._verify(run, ready)
        elif run.invocation.is_schedule:
            for instance_id in ready:
                self._runs.set_row(run, replace(run.rows[instance_id], status="Scheduled"))
        else:
            self.start(run, ready)

    def start(self, run: Run, instance_ids: Iterable[str]) -> None:
        """Starts the script now, or as soon as the agent has a free place for it."""
        if self._is_closed:
            return
        attempts, now_ms = [], self._clock.now_ms()
        for instance_id in instance_ids:
            place = self._place(run, instance_id)
            if len(place.running) < self._limits.running_per_instance_max:
                attempts.append(self._occupy(place, run, instance_id, now_ms))
            elif len(place.waiting) < self._limits.queued_per_instance_max:
                place.waiting.append(run)
                if run.rows[instance_id].status == "Scheduled":
                    self._runs.set_row(run, replace(run.rows[instance_id], status="Pending"))
            else:
                self.end(run, instance_id, "TaskConcurrencyLimit")
        self._hand_over(attempts)

    def is_busy_with(self, run: Run, instance_id: str) -> bool:
        """Whether the agent runs it, or has it in its queue."""
        place = self._places.get((run.invocation.region, instance_id))
        return place is not None and (run.invocation.invoke_id in place.running or run in place.waiting)

    def is_running(self, run: Run, instance_id: str) -> bool:
        place = self._places.get((run.invocation.region, instance_id))
        return place is not None and run.invocation.invoke_id in place.running

    def cancel(self, run: Run, instance_id: str) -> None:
        """Ends the script, or keeps it from being started."""
        place = self._place(run, instance_id)
        attempt = place.running.get(run.invocation.invoke_id)
        if attempt is not None:
            attempt.wants_cancel = True
            if self.is_reachable(attempt, self._clock.now_ms()):
                attempt.cancel(tree=run.invocation.termination_mode == "ProcessTree")
            return
        if run in place.waiting:
            place.waiting.remove(run)
        self._drop_undelivered(place, run)

    def end(self, run: Run, instance_id: str, error_code: str) -> None:
        """Ends a firing that has not begun; a schedule goes on."""
        self._runs.set_row(run, self.after_firing(run, ended_by(run.rows[instance_id], error_code)))

    def abort(self, run: Run, instance_id: str, error_code: str) -> None:
        """Ends the row, also that of a schedule."""
        self._runs.set_row(run, ended_by(run.rows[instance_id], error_code))

    # -- what happens to instances ------------------------------------------------------------------------------------
    def on_lost(self, instance: Instance, error_code: str) -> None:
        """The instance stopped, its agent went, or the network did (OFFLINE)."""
        place = self._places.get((instance.region, instance.instance_id))
        if error_code == OFFLINE:
            for attempt in list(place.running.values()) if place else ():
                self._set_deadline(attempt)
            return
        if place is not None:
            waiting = list(place.waiting)
            place.waiting.clear()
            for attempt in [*place.running.values(), *place.silent]:
                attempt.abandon(error_code)
            place.silent.clear()
            for run in waiting:
                if error_code == "InstanceRestarted":
                    self._keep_undelivered(run, instance.instance_id)
                elif error_code != "InstanceReleased":
                    self.end(run, instance.instance_id, OF_WAITING[error_code])
        if error_code == "InstanceReleased":
            self._release(instance)

    def on_up(self, instance: Instance) -> None:
        """The agent can be reached: it gets what waits for it, and says what it could not say."""
        place = self._places.get((instance.region, instance.instance_id))
        if place is None:
            return
        attempts = [*place.running.values(), *place.silent]
        place.silent.clear()
        for attempt in attempts:
            attempt.heard_again(self._limits.report_retry_ms)
            if attempt.wants_cancel:
                attempt.cancel(tree=attempt.run.invocation.termination_mode == "ProcessTree")
        for run, _ in list(place.undelivered.values()):
            self._drop_undelivered(place, run)
            self.deliver(run, [instance.instance_id])

    def counts(self, instance: Instance) -> tuple[int, int, int]:
        """Tasks that run, invocations so far, time of the last one in milliseconds (0: none)."""
        place = self._places.get((instance.region, instance.instance_id))
        return (len(place.running), place.invocations, place.last_invoked_ms) if place else (0, 0, 0)

    def recover(self, run: Run) -> None:
        """After a restart of the local cloud: what ran has gone with it, what had not begun is delivered again."""
        for instance_id, row in list(run.rows.items()):
            if row.status == "Stopping":
                self._runs.set_row(run, replace(row, status="Terminated", finish_ms=self._clock.now_ms()))
            elif row.status == "Running" or row.handed_over:
                attempt = Attempt(run, instance_id, runs=self._runs, clock=self._clock, around=self)
                attempt.abandon("ClientRestarted")
        self._timeline.after(0, lambda: self.deliver(run))

    def close(self) -> None:
        """Starts nothing any more."""
        self._is_closed = True

    # -- Surroundings of attempts -------------------------------------------------------------------------------------
    def is_reachable(self, attempt: Attempt, now_ms: int) -> bool:
        instance = self._instances.find(attempt.run.invocation.region, attempt.instance_id)
        return instance is not None and is_up(instance, now_ms)

    def settled(self, run: Run, row: Row) -> Row:
        return self.after_firing(run, row)

    def on_over(self, attempt: Attempt) -> None:
        """Its place goes to who has waited longest."""
        place = self._place(attempt.run, attempt.instance_id)
        place.running.pop(attempt.run.invocation.invoke_id, None)
        if attempt.is_unheard:
            place.silent.append(attempt)
        while place.waiting and len(place.running) < self._limits.running_per_instance_max:
            run = place.waiting.popleft()
            now_ms = self._clock.now_ms()
            if run.rows[attempt.instance_id].status not in ENDS and self.is_reachable(attempt, now_ms):
                self._hand_over([self._occupy(place, run, attempt.instance_id, now_ms)])

    # -- inside -------------------------------------------------------------------------------------------------------
    def _occupy(self, place: Place, run: Run, instance_id: str, now_ms: int) -> Attempt:
        attempt = Attempt(run, instance_id, runs=self._runs, clock=self._clock, around=self)
        place.running[run.invocation.invoke_id] = attempt
        place.invocations += 1
        place.last_invoked_ms = now_ms
        row = run.rows[instance_id]
        # Of the firing before only the count stays.
        self._runs.put_row(run, Row(instance_id, row.created_ms, now_ms, repeats=row.repeats, handed_over=True))
        return attempt

    def _hand_over(self, attempts: list[Attempt]) -> None:
        if not attempts:
            return
        self._journal.flush()
        tasks: list[tuple[Job, Attempt]] = []
        for attempt in attempts:
            instance = self._instances.get(attempt.run.invocation.region, attempt.instance_id)
            try:
                tasks.append((self._jobs.make(attempt.run.invocation, instance), attempt))
            except BadJob as bad:
                attempt.failed(bad.error_code, "", b"", 0)
        for (_, attempt), execution in zip(tasks, self._executor.start_all(tasks), strict=True):
            attempt.execution = execution
            if attempt.wants_cancel:
                attempt.cancel(tree=attempt.run.invocation.termination_mode == "ProcessTree")

    def _verify(self, run: Run, instance_ids: Iterable[str]) -> None:
        """DryRun: the agent says that it could (dispatchTestTask)."""
        for instance_id in instance_ids:
            try:
                self._jobs.make(run.invocation, self._instances.get(run.invocation.region, instance_id))
            except BadJob as bad:
                self.end(run, instance_id, bad.error_code)
                continue
            self._runs.set_row(run, replace(run.rows[instance_id], status="Success", exit_code=0))

    def _keep_undelivered(self, run: Run, instance_id: str) -> None:
        place, invoke_id = self._place(run, instance_id), run.invocation.invoke_id
        if invoke_id in place.undelivered:
            return
        entry = self._timeline.after(self._limits.delivery_timeout_ms, lambda: self._give_up(run, instance_id))
        place.undelivered[invoke_id] = (run, entry)

    def _drop_undelivered(self, place: Place, run: Run) -> None:
        _, entry = place.undelivered.pop(run.invocation.invoke_id, (run, None))
        if entry is not None:
            entry.cancel()

    def _give_up(self, run: Run, instance_id: str) -> None:
        self._place(run, instance_id).undelivered.pop(run.invocation.invoke_id, None)
        if run.rows[instance_id].status == "Pending":
            self.abort(run, instance_id, "DeliveryTimeout")

    def _set_deadline(self, attempt: Attempt) -> None:
        start_ms = attempt.row.start_ms or self._clock.now_ms()
        due_ms = start_ms + attempt.run.invocation.timeout_s * 1000 + self._limits.report_grace_ms
        attempt.deadline = self._timeline.at(due_ms, lambda: attempt.abandon("ClientNotResponse"))

    def _release(self, instance: Instance) -> None:
        self._places.pop((instance.region, instance.instance_id), None)
        for run in self._runs.of_instance(instance.region, instance.instance_id):
            if run.rows[instance.instance_id].status not in ENDS:
                self.abort(run, instance.instance_id, "InstanceReleased")

    def _place(self, run: Run, instance_id: str) -> Place:
        key = run.invocation.region, instance_id
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place()
        return place


def ended_by(row: Row, error_code: str) -> Row:
    """The row with an end that is not a script's own."""
    status = status_of(error_code)
    info = MEANINGS.get(error_code, "")
    return replace(row, status=status, error_code=error_code, error_info=info, outcome=status, handed_over=False)
