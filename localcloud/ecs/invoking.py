"""InvokeCommand and RunCommand: what is checked before anything happens, and what happens then.

Whole-call refusals: what is wrong with the parameters, an unknown instance, a script type that does not fit an
instance's system, too many of something. An instance that is not Running or without agent gets an Aborted row instead
(`Limits.unfit_instances` for the other reading).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from localcloud.clock import Timeline
from localcloud.ecs.agents import Agents, ended_by
from localcloud.ecs.commands import TYPES, Commands, check_launcher, check_timeout, check_working_dir
from localcloud.ecs.contents import check_values
from localcloud.ecs.errors import EcsError
from localcloud.ecs.instances import Instances, seems_online
from localcloud.ecs.limits import Limits
from localcloud.ecs.quota import DailyQuota
from localcloud.ecs.runs import Run, Runs
from localcloud.ecs.schedules import Schedules
from localcloud.ecs.tagging import RESOURCE_TAGS, check_tags
from localcloud.ecs.values import Command, Instance, Invocation, NewCommand, Order, Row
from localcloud.ids import Ids

REPEAT_MODES = ("Once", "Period", "NextRebootOnly", "EveryReboot", "DryRun")
TERMINATION_MODES = ("", "Process", "ProcessTree")
CONTAINER_ID = re.compile(r"(docker://|containerd://|cri-o://)?[0-9a-f]{64}")
CONTAINER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
OSS_PLACE = re.compile(r"oss://[a-z0-9][a-z0-9-]{1,61}[a-z0-9](/.*)?", re.DOTALL)


class Invoking:
    """Errors: EcsError; then nothing has happened."""

    def __init__(
        self,
        *,
        commands: Commands,
        instances: Instances,
        runs: Runs,
        agents: Agents,
        schedules: Schedules,
        quota: DailyQuota,
        timeline: Timeline,
        ids: Ids,
        limits: Limits,
    ) -> None:
        self._commands = commands
        self._instances = instances
        self._runs = runs
        self._agents = agents
        self._schedules = schedules
        self._quota = quota
        self._timeline = timeline
        self._ids = ids
        self._limits = limits

    def invoke(self, command_id: str, order: Order) -> str:
        """Runs a kept command; answers the invoke id."""
        command = self._commands.get(order.region, command_id)
        run = self._accepted(command, order, keeps_command=True)
        self._commands.count_invocation(command_id)
        return self._launch(run)

    def run(self, new: NewCommand, order: Order, *, keeps_command: bool) -> tuple[str, str]:
        """Makes a command and runs it; answers both ids. Unless kept, the command is never listed."""
        command = self._commands.checked(new if new.name else replace(new, name=self._name()))
        if keeps_command:
            self._commands.check_room(new.region)
        run = self._accepted(command, order, keeps_command=keeps_command)
        if keeps_command:
            self._commands.keep(replace(command, invoke_times=1))
        return command.command_id, self._launch(run)

    def targets(self, order: Order, command_type: str) -> list[Instance]:
        """The instances of an order. Raises what is wrong with them."""
        limits, region = self._limits, order.region
        if order.resource_tags:
            if order.instance_ids:
                raise EcsError("InvalidResourceTag.ConflictWithInstanceIds")
            check_tags(order.resource_tags, limits, codes=RESOURCE_TAGS, count_max=limits.resource_tags_max)
            found = self._instances.tagged(region, order.resource_tags)
            if not found:
                raise EcsError("InvalidResourceTag.InstanceNotFound")
        elif not order.instance_ids:
            raise EcsError("MissingParam.InstanceId")
        else:
            self._check_count(len(order.instance_ids))
            distinct = tuple(dict.fromkeys(order.instance_ids))
            if limits.refuses_repeated_ids and len(distinct) < len(order.instance_ids):
                raise EcsError("InvalidParameter", "An instance id is given twice.")
            found = self._instances.get_all(region, distinct, "InvalidInstance.NotFound")
        self._check_count(len(found))
        self._check_fit(found, command_type)
        self._check_group(found, order)
        return found

    # -- checks -------------------------------------------------------------------------------------------------------
    def _accepted(self, command: Command, order: Order, *, keeps_command: bool) -> Run:
        """The invocation with its rows, taken in and paid for; nothing is delivered yet."""
        mode = self._mode(order)
        self._check_order(order)
        instances = self.targets(order, command.type)
        self._check_user(order, instances)
        parameters = check_values(
            order.parameters,
            defined=command.parameter_names,
            enabled=command.enable_parameter,
            content=command.content,
            limits=self._limits,
        )
        if mode == "Period":
            timeout_s = command.timeout_s if order.timeout_s is None else order.timeout_s
            self._schedules.check(order.frequency, timeout_s=timeout_s)
        costs = mode != "DryRun" or self._limits.dry_run_costs_quota
        if costs:
            self._quota.check(order.region)
            self._quota.spend(order.region)
        if self._limits.unfit_instances == "missing":
            now_ms = self._timeline.clock.now_ms()
            instances = [instance for instance in instances if not self._obstacle(instance, now_ms)]
        invocation = Invocation(
            number=self._runs.next_number(),
            invoke_id=self._new_id(),
            region=order.region,
            command_id=command.command_id,
            command_name=command.name,
            command_type=command.type,
            command_description=command.description,
            content=command.content,
            enable_parameter=command.enable_parameter,
            keeps_command=keeps_command,
            working_dir=order.working_dir or command.working_dir,
            timeout_s=command.timeout_s if order.timeout_s is None else order.timeout_s,
            launcher=order.launcher or command.launcher,
            repeat_mode=mode,
            frequency=order.frequency if mode == "Period" else "",
            parameters=parameters,
            username=order.username,
            windows_password_name=order.windows_password_name,
            container_id=order.container_id,
            container_name=order.container_name,
            termination_mode=order.termination_mode,
            oss_output_delivery=order.oss_output_delivery,
            resource_group_id=order.resource_group_id,
            tags=dict(order.tags),
            instance_ids=tuple(instance.instance_id for instance in instances),
            created_ms=self._timeline.clock.now_ms(),
        )
        return self._runs.add(invocation, self.new_rows(instances))

    def new_rows(self, instances: Iterable[Instance]) -> list[Row]:
        """Pending; or Aborted where the server knows that nothing can come of it."""
        now_ms = self._timeline.clock.now_ms()
        rows = []
        for instance in instances:
            row = Row(instance.instance_id, now_ms, now_ms)
            obstacle = self._obstacle(instance, now_ms)
            rows.append(ended_by(row, obstacle) if obstacle else row)
        return rows

    def _launch(self, run: Run) -> str:
        """Delivery happens after the answer, as with the real thing."""

        def deliver() -> None:
            self._agents.deliver(run)
            if not run.has_ended:
                self._schedules.begin(run)

        if not run.has_ended:
            self._timeline.after(self._limits.delivery_ms, deliver)
        return run.invocation.invoke_id

    def _mode(self, order: Order) -> str:
        if order.frequency:
            return "Period"  # whatever RepeatMode says
        mode = order.repeat_mode or "Once"
        if mode not in REPEAT_MODES:
            raise EcsError("InvalidRepeatMode.NotFound", f"RepeatMode is {mode[:40]!r}; {', '.join(REPEAT_MODES)}.")
        if mode == "Period":
            raise EcsError("MissingParam.Frequency")
        return mode

    def _check_order(self, order: Order) -> None:
        limits = self._limits
        check_timeout(order.timeout_s, limits)
        check_working_dir(order.working_dir, limits)
        check_launcher(order.launcher, limits)
        check_tags(order.tags, limits)
        if len(order.username) > limits.username_chars_max:
            raise EcsError("Username.ExceedLimit")
        if len(order.windows_password_name) > limits.username_chars_max:
            raise EcsError("WindowsPasswordName.ExceedLimit")
        if order.termination_mode not in TERMINATION_MODES:
            raise EcsError("InvalidTerminationMode.NotFound")
        if order.container_id and not CONTAINER_ID.fullmatch(order.container_id):
            raise EcsError("InvalidContainerId.Malformed")
        if order.container_name and not CONTAINER_NAME.fullmatch(order.container_name):
            raise EcsError("InvalidContainerName.Malformed")
        if order.oss_output_delivery and not OSS_PLACE.fullmatch(order.oss_output_delivery):
            raise EcsError("InvalidParameter", "OssOutputDelivery must be like oss://bucket/prefix.")

    def _check_count(self, count: int) -> None:
        count_max = self._limits.instances_per_invocation_max
        if count > count_max:
            raise EcsError("InstanceIds.ExceedLimit", f"{count} instances are given; {count_max} at most.")

    def _check_fit(self, instances: list[Instance], command_type: str) -> None:
        system, refuses = TYPES[command_type], self._limits.unfit_instances == "refuse"
        now_ms = self._timeline.clock.now_ms()
        for instance in instances:
            if instance.os != system:
                raise EcsError("InvalidInstance.NotMatch", f"{command_type} does not fit {instance.instance_id}.")
            if refuses and (obstacle := self._obstacle(instance, now_ms)):
                raise EcsError("InvalidInstance.NotMatch", f"{instance.instance_id}: {obstacle}.")

    def _check_group(self, instances: list[Instance], order: Order) -> None:
        group = order.resource_group_id
        if group and not self._instances.has_group(order.region, group):
            raise EcsError("InvalidResourceGroup.NotFound")
        if group and any(instance.resource_group_id != group for instance in instances):
            raise EcsError("Operation.Forbidden", f"An instance is not in the resource group {group}.")

    def _check_user(self, order: Order, instances: list[Instance]) -> None:
        if order.username and not order.windows_password_name and any(one.os == "windows" for one in instances):
            raise EcsError("WindowsPasswordName.Missed")

    def _obstacle(self, instance: Instance, now_ms: int) -> str:
        """The ErrorCode of an instance that the server will not try to reach; "": none."""
        if instance.status != "Running":
            return "InstanceNotRunning"
        if instance.agent == "missing":
            return "ClientNotRunning"
        return "" if seems_online(instance, now_ms, self._limits) else "ClientNotOnline"

    def _new_id(self) -> str:
        """Not one that is there: after a restart a seed draws the same ids again."""
        while True:
            invoke_id = f"t-{self._ids.base36('ecs.invoke', 20)}"
            if not self._runs.is_there(invoke_id):
                return invoke_id

    def _name(self) -> str:
        """RunCommand without Name: the service makes one up."""
        return f"cmd-{self._ids.base36('ecs.command.name', 12)}"
