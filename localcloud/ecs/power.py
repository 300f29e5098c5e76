"""What happens to instances: started, stopped, booted again, agents lost and found.

Starting and stopping take time (`Limits.starting_ms` …). Who works on instances is told through two hooks: `on_lost`
when what runs there is gone or out of reach, `on_up` when an agent can be reached again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from localcloud.clock import Entry, Timeline
from localcloud.ecs.errors import EcsError
from localcloud.ecs.instances import Instances, is_up, last_beat_ms
from localcloud.ecs.limits import Limits
from localcloud.ecs.values import Agent, Instance, Status, StoppedMode

OFFLINE = ""
"""The reason given to `on_lost` when scripts go on, but nobody hears of them."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What StartInstances and the like answer for one instance."""

    instance_id: str
    before: Status
    after: Status


class Power:
    """Errors: EcsError."""

    def __init__(self, *, instances: Instances, timeline: Timeline, limits: Limits) -> None:
        self._instances = instances
        self._timeline = timeline
        self._limits = limits
        self._timers: dict[str, Entry] = {}
        self.on_lost: Callable[[Instance, str], None] = lambda _instance, _error_code: None
        """With the ErrorCode of scripts that were running, OFFLINE if they still are."""
        self.on_up: Callable[[Instance, bool], None] = lambda _instance, _booted: None
        """`booted`: the first time since a boot."""

    def resume(self) -> None:
        """Goes on with transitions that the journal holds, and starts those of a new fleet."""
        for instance in list(self._instances.everywhere()):
            self.take_up(instance)

    def take_up(self, instance: Instance) -> None:
        """A new instance, or one of the journal, whose status is on its way to another."""
        if instance.due_ms:
            self._await(instance)
        elif instance.beats_from_ms > self._timeline.clock.now_ms():
            self._await_agent(instance)
        elif instance.status in ("Pending", "Starting", "Stopping"):
            self._begin(instance, instance.status)

    # Each raises InvalidInstanceId.NotFound, IncorrectInstanceStatus, and then changes nothing; dry, it never does.
    def start(self, region: str, instance_ids: Sequence[str], is_dry: bool = False) -> list[Transition]:  # noqa: FBT001, FBT002
        instances = self._in_status(region, instance_ids, ("Stopped",))
        return [self._begin(instance, "Starting") for instance in instances if not is_dry]

    def stop(
        self,
        region: str,
        instance_ids: Sequence[str],
        is_dry: bool = False,  # noqa: FBT001, FBT002
        *,
        mode: StoppedMode = "KeepCharging",
    ) -> list[Transition]:
        """`mode` StopCharging: only instances in a VPC know it; others stop all the same."""
        instances = self._in_status(region, instance_ids, ("Running", "Starting"))
        if is_dry:
            return []
        modes: dict[str, StoppedMode] = {"vpc": mode}
        instances = [replace(one, stopped_mode=modes.get(one.network, "KeepCharging")) for one in instances]
        return [self._halt(instance, "ExecutionInterrupted", starts_again=False) for instance in instances]

    def reboot(self, region: str, instance_ids: Sequence[str], is_dry: bool = False) -> list[Transition]:  # noqa: FBT001, FBT002
        instances = self._in_status(region, instance_ids, ("Running",))
        return [self._halt(one, "InstanceRestarted", starts_again=True) for one in instances if not is_dry]

    def set_agent(self, region: str, instance_id: str, agent: Agent) -> None:
        """Control: the agent is up, out of reach, or uninstalled (then its scripts are ended)."""
        instance = self._instances.get(region, instance_id)
        now_ms = self._timeline.clock.now_ms()
        was_up = is_up(instance, now_ms)
        comes_up = agent == "online" and instance.status == "Running"
        changed = replace(
            instance,
            agent=agent,
            beats_from_ms=(instance.beats_from_ms if was_up else now_ms) if comes_up else 0,
            last_beat_ms=0 if agent == "missing" else last_beat_ms(instance, now_ms, self._limits),
        )
        self._instances.put(changed)
        if was_up and not comes_up:
            self.on_lost(changed, OFFLINE if agent == "offline" else "ClientRestarted")
        elif comes_up and not was_up:
            self.on_up(changed, False)

    def install_agent(self, region: str, instance_ids: Sequence[str]) -> None:
        """Takes effect at the next boot. Raises InvalidInstance.NotFound."""
        for instance in self._instances.get_all(region, instance_ids, "InvalidInstance.NotFound"):
            if instance.agent == "missing":
                self._instances.put(replace(instance, installs_agent=True))

    def release(self, region: str, instance_id: str) -> None:
        """Control: the instance is gone. Raises InvalidInstanceId.NotFound."""
        instance = self._instances.remove(region, instance_id)
        timer = self._timers.pop(instance_id, None)
        if timer is not None:
            timer.cancel()
        self.on_lost(instance, "InstanceReleased")

    def _in_status(self, region: str, instance_ids: Sequence[str], statuses: tuple[Status, ...]) -> list[Instance]:
        instances = self._instances.get_all(region, dict.fromkeys(instance_ids), "InvalidInstanceId.NotFound")
        for instance in instances:
            if instance.status not in statuses:
                raise EcsError(
                    "IncorrectInstanceStatus",
                    "The specified instance is in an incorrect status for the requested action; "
                    f"{instance.instance_id} is {instance.status}, and {' or '.join(statuses)} is needed.",
                )
        return instances

    def _halt(self, instance: Instance, error_code: str, *, starts_again: bool) -> Transition:
        now_ms = self._timeline.clock.now_ms()
        beat_ms = last_beat_ms(instance, now_ms, self._limits)
        halted = replace(instance, beats_from_ms=0, last_beat_ms=beat_ms, starts_again=starts_again)
        self._begin(halted, "Stopping")
        self.on_lost(halted, error_code)
        return Transition(instance.instance_id, instance.status, "Stopping")

    def _begin(self, instance: Instance, status: Status) -> Transition:
        limits = self._limits
        takes_ms = {"Stopping": limits.stopping_ms, "Starting": limits.starting_ms}.get(status, limits.starting_ms)
        if status == "Stopping" and instance.starts_again:
            takes_ms = limits.rebooting_ms
        changed = replace(instance, status=status, due_ms=self._timeline.clock.now_ms() + takes_ms)
        self._instances.put(changed)
        self._await(changed)
        return Transition(instance.instance_id, instance.status, status)

    def _await(self, instance: Instance) -> None:
        timer = self._timers.pop(instance.instance_id, None)
        if timer is not None:
            timer.cancel()
        region, instance_id = instance.region, instance.instance_id
        self._timers[instance_id] = self._timeline.at(instance.due_ms, lambda: self._arrive(region, instance_id))

    def _arrive(self, region: str, instance_id: str) -> None:
        self._timers.pop(instance_id, None)
        instance = self._instances.find(region, instance_id)
        if instance is None or not instance.due_ms:
            return
        if instance.status == "Stopping" and not instance.starts_again:
            self._instances.put(replace(instance, status="Stopped", due_ms=0))
            return
        self._boot(replace(instance, status="Running", due_ms=0, starts_again=False))

    def _boot(self, instance: Instance) -> None:
        agent: Agent = "online" if instance.installs_agent else instance.agent
        up_ms = self._timeline.clock.now_ms() + self._limits.agent_start_ms
        booted = replace(instance, agent=agent, installs_agent=False, beats_from_ms=up_ms if agent == "online" else 0)
        self._instances.put(booted)
        if agent == "online":
            self._await_agent(booted)

    def _await_agent(self, booted: Instance) -> None:
        self._timeline.at(booted.beats_from_ms, lambda: self._come_up(booted))

    def _come_up(self, booted: Instance) -> None:
        """Unless it was stopped or cut off in the meantime."""
        instance = self._instances.find(booted.region, booted.instance_id)
        if instance is not None and instance.beats_from_ms == booted.beats_from_ms:
            self.on_up(instance, True)
