"""ModifyInvocationAttribute: a schedule gets another script, other parameters, other times, more instances.

The parameter rules are those of InvokeCommand, the codes are not: this page, written later, has its own names for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from localcloud.clock import Timeline
from localcloud.ecs.agents import Agents
from localcloud.ecs.commands import TYPES, Commands
from localcloud.ecs.contents import check_size, check_values, defined_names
from localcloud.ecs.errors import EcsError
from localcloud.ecs.instances import Instances
from localcloud.ecs.invoking import Invoking
from localcloud.ecs.limits import Limits
from localcloud.ecs.runs import Run, Runs
from localcloud.ecs.schedules import Schedules
from localcloud.ecs.values import Instance, Invocation, InvocationChanges, NewCommand

OWN_CODES: Mapping[str, str] = {
    "InvalidParam.Frequency": "InvalidParameter.Frequency",
    "CmdContent.ExceedLimit": "InvalidCommandContent.LengthLimitExceeded",
    "ParameterCount.ExceedLimit": "InvalidParameters.CountLimitExceeded",
    "ParameterKey.Duplicate": "InvalidParameters.KeyDuplicate",
    "ParameterKey.ExceedLimit": "InvalidParameters.KeyLengthLimitExceeded",
    "ParameterType.NotSupported": "InvalidParameters.ValueTypeUnsupported",
    "Parameter.NotMatched": "InvalidParameters.KeyNotMatch",
    "Parameter.MissingValue": "InvalidParameters.KeyNotMatch",
    "Parameter.Disabled": "InvalidParameters.KeyNotMatch",
    "CmdParam.EmptyKey": "InvalidParameters.KeyEmpty",
    "CmdParam.InvalidParamName": "InvalidParameters.KeyMalformed",
    "CmdParamName.ExceedLimit": "InvalidParameters.KeyLengthLimitExceeded",
    "CmdParamCount.ExceedLimit": "InvalidParameters.CountLimitExceeded",
    "CmdCount.ExceedQuota": "CommandLimitExceeded",
}


class Modifying:
    """Errors: EcsError; then nothing has changed."""

    def __init__(
        self,
        *,
        invoking: Invoking,
        commands: Commands,
        instances: Instances,
        runs: Runs,
        agents: Agents,
        schedules: Schedules,
        timeline: Timeline,
        limits: Limits,
    ) -> None:
        self._invoking = invoking
        self._commands = commands
        self._instances = instances
        self._runs = runs
        self._agents = agents
        self._schedules = schedules
        self._timeline = timeline
        self._limits = limits

    def modify(self, region: str, invoke_id: str, changes: InvocationChanges) -> str:
        """Answers the id of the command, a new one when the content changed."""
        run = self._runs.get(region, invoke_id)
        if not run.invocation.is_schedule:
            raise EcsError("InvalidOperation.RepeatModeUnsupported")
        if run.has_ended:
            raise EcsError("InvalidOperation.InvokeAlreadyFinished")
        try:
            added = self._added(run, changes)
            changed = self._with_text(self._with_times(run.invocation, changes), changes)
        except EcsError as error:
            raise EcsError(OWN_CODES.get(error.code, error.code), error.message) from error
        changed = replace(changed, instance_ids=changed.instance_ids + tuple(one.instance_id for one in added))
        self._runs.change(run, changed, self._invoking.new_rows(added))
        if changes.frequency:
            self._schedules.begin(run)
        new_ids = [instance.instance_id for instance in added]
        self._timeline.after(self._limits.delivery_ms, lambda: self._agents.deliver(run, new_ids))
        return changed.command_id

    def _added(self, run: Run, changes: InvocationChanges) -> list[Instance]:
        new_ids = [one for one in dict.fromkeys(changes.instance_ids) if one not in run.rows]
        if len(run.rows) + len(new_ids) > self._limits.instances_per_invocation_max:
            raise EcsError("InvalidInstanceId.CountLimitExceeded")
        instances = self._instances.get_all(run.invocation.region, new_ids, "InvalidInstanceId.NotFound")
        if any(instance.os != TYPES[run.invocation.command_type] for instance in instances):
            raise EcsError("InvalidInstanceId.OSTypeUnsupported")
        return instances

    def _with_text(self, invocation: Invocation, changes: InvocationChanges) -> Invocation:
        """With the new content and the new parameters."""
        if changes.content is None and changes.enable_parameter is None and changes.parameters is None:
            return invocation
        content = invocation.content if changes.content is None else changes.content
        enabled = invocation.enable_parameter if changes.enable_parameter is None else changes.enable_parameter
        check_size(content, self._limits)
        passed = changes.parameters
        if passed is None and enabled and changes.content is None:
            passed = tuple(invocation.parameters.items()) or None
        parameters = check_values(
            passed,
            defined=defined_names(content, self._limits) if enabled else (),
            enabled=enabled,
            content=content,
            limits=self._limits,
        )
        command_id = invocation.command_id
        if changes.content is not None and content != invocation.content:
            command_id = self._new_command(invocation, content, enabled=enabled)
        return replace(
            invocation, command_id=command_id, content=content, enable_parameter=enabled, parameters=parameters
        )

    def _new_command(self, invocation: Invocation, content: bytes, *, enabled: bool) -> str:
        """Kept only if the command of the invocation was."""
        command = self._commands.checked(
            NewCommand(
                region=invocation.region,
                name=invocation.command_name,
                type=invocation.command_type,
                content=content,
                description=invocation.command_description,
                working_dir=invocation.working_dir,
                timeout_s=invocation.timeout_s,
                enable_parameter=enabled,
                launcher=invocation.launcher,
                resource_group_id=invocation.resource_group_id,
            )
        )
        if invocation.keeps_command:
            self._commands.check_room(invocation.region)
            self._commands.keep(command)
        return command.command_id

    def _with_times(self, invocation: Invocation, changes: InvocationChanges) -> Invocation:
        if not changes.frequency:
            return invocation
        if invocation.repeat_mode != "Period":
            raise EcsError("InvalidOperation.RepeatModeUnsupported", "Only a Period invocation has a Frequency.")
        self._schedules.check(changes.frequency, timeout_s=invocation.timeout_s)
        return replace(invocation, frequency=changes.frequency)
