"""StopInvocation. Two models, a switch: what runs is killed (the agent's source), or goes on (the page's text)."""

from __future__ import annotations

from msgspec.structs import replace

from localcloud.clock import Clock
from localcloud.ecs.agents import Agents
from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import Limits
from localcloud.ecs.runs import Run, Runs
from localcloud.ecs.statuses import ENDS


class Stopping:
    """Stops are asynchronous: rows of running scripts are Stopping until the agent says that they ended."""

    def __init__(self, *, runs: Runs, agents: Agents, clock: Clock, limits: Limits) -> None:
        self._runs = runs
        self._agents = agents
        self._clock = clock
        self._limits = limits

    def stop(self, region: str, invoke_id: str, instance_ids: tuple[str, ...] = ()) -> None:
        """`instance_ids` empty: all of them. Repeating it changes nothing.

        Raises InstanceIds.ExceedLimit, InvalidInvokeId.NotFound, InvalidInstanceId.NotFound, and Operation.Forbidden
        for an ended invocation when `stop_finished` is "refuse".
        """
        if len(instance_ids) > self._limits.instances_per_stop_max:
            raise EcsError("InstanceIds.ExceedLimit", f"{self._limits.instances_per_stop_max} instances at most.")
        run = self._runs.get(region, invoke_id)
        for instance_id in instance_ids:
            if instance_id not in run.rows:
                raise EcsError("InvalidInstanceId.NotFound", f"{instance_id[:64]} is not part of {invoke_id}.")
        if run.has_ended and self._limits.stop_finished == "refuse":
            raise EcsError("Operation.Forbidden", f"The invocation {invoke_id} has ended.")
        for instance_id in instance_ids or tuple(run.rows):
            self._stop_row(run, instance_id)

    def _stop_row(self, run: Run, instance_id: str) -> None:
        row = run.rows[instance_id]
        if row.status in ENDS:
            return
        stopped = replace(row, stop_ms=row.stop_ms or self._clock.now_ms())
        if row.status not in ("Running", "Stopping") and not self._agents.is_running(run, instance_id):
            self._agents.cancel(run, instance_id)
            self._runs.set_row(run, replace(stopped, status="Cancelled"))
        elif self._limits.stop_model == "documented":
            self._runs.set_row(run, stopped)
        else:
            self._runs.set_row(run, replace(stopped, status="Stopping"))
            self._agents.cancel(run, instance_id)
