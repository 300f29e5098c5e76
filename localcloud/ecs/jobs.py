"""From an invocation and an instance to what an executor is given: parameters in place, defaults filled in."""

from __future__ import annotations

from localcloud.account import Account
from localcloud.ecs.contents import UnknownBuiltIn, asks_parameter_store, filled
from localcloud.ecs.executors import Job
from localcloud.ecs.values import Instance, Invocation


class BadJob(Exception):
    """The agent would refuse this task: an ErrorCode."""

    def __init__(self, error_code: str) -> None:
        super().__init__(error_code)
        self.error_code = error_code


class Jobs:
    """Makes jobs for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def make(self, invocation: Invocation, instance: Instance) -> Job:
        """Raises BadJob."""
        if invocation.container_id or invocation.container_name:
            raise BadJob("ContainerNotFound")
        content = invocation.content
        if invocation.enable_parameter:
            if asks_parameter_store(content):
                raise BadJob("QueryParameterStoreFailed")
            try:
                content = filled(content, invocation.parameters, builtins=self._builtins(invocation, instance))
            except UnknownBuiltIn as unknown:
                raise BadJob("InvalidSystemBuiltInParameter") from unknown
        return Job(
            instance_id=instance.instance_id,
            instance_name=instance.name,
            invoke_id=invocation.invoke_id,
            command_type=invocation.command_type,
            content=content,
            working_dir=invocation.working_dir,
            timeout_s=invocation.timeout_s,
            username=invocation.username,
            launcher=invocation.launcher,
            termination_mode="ProcessTree" if invocation.termination_mode == "ProcessTree" else "Process",
        )

    def _builtins(self, invocation: Invocation, instance: Instance) -> dict[str, str]:
        return {
            "RegionId": invocation.region,
            "AccountId": self._account.account_id,
            "InstanceId": instance.instance_id,
            "InstanceName": instance.name,
            "InvokeId": invocation.invoke_id,
            "CommandId": invocation.command_id,
        }
