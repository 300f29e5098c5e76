"""The vocabulary of results: which statuses end, what the old fields say of them, what rows add up to.

Source: the pages of DescribeInvocations and DescribeInvocationResults (2025-12). Where their rules overlap: an
invocation with successes and stopped rows is a Success (its rule is explicit), one whose rows are all stopped is
Stopped. The precedence Pending, Scheduled, Running, Stopping is the order of the page.
"""

from __future__ import annotations

from collections.abc import Iterable

SUCCESS = frozenset({"Success"})
FAILURES = frozenset({"Invalid", "Aborted", "Failed", "Timeout", "Error"})
STOPS = frozenset({"Cancelled", "Terminated"})
ENDS = SUCCESS | FAILURES | STOPS
WAITS = ("Pending", "Scheduled", "Running", "Stopping")

OLD: dict[str, str] = {
    "Pending": "Running",
    "Scheduled": "Running",
    "Running": "Running",
    "Success": "Finished",
    "Failed": "Finished",  # a non-zero exit code: finished all the same
    "Timeout": "Failed",
    "Error": "Failed",
    "Invalid": "Failed",
    "Aborted": "Failed",
    "Stopping": "Stopping",
    "Cancelled": "Stopped",
    "Terminated": "Stopped",
}
OLD_FILTERS = frozenset({"Running", "Finished", "Failed", "Stopped", "Stopping", "PartialFailed"})
"""Values of the filters InvokeStatus and InvokeRecordStatus that speak of the old field; others speak of the new."""
NEW_FILTERS = frozenset({"Success", "Pending", "Scheduled"})
"""Of InvokeStatus; of these, InvokeRecordStatus only has Success."""

MEANINGS: dict[str, str] = {
    "InstanceNotExists": "the specified instance does not exists",
    "InstanceReleased": "the instance was released when the command was running",
    "InstanceNotRunning": "the instance is not running when create task",
    "InstanceRestarted": "the instance was restarted when the command was running",
    "ClientNotRunning": "the aliyun service is not running on the instance",
    "ClientNotOnline": "the aliyun service in the instance is not connected to the server",
    "ClientNotResponse": "the aliyun service in the instance does not response",
    "ClientRestarted": "the aliyun service was restarted when the command was running",
    "DeliveryTimeout": "the command delivery has been timeout",
    "ExecutionTimeout": "the command execution has been timeout",
    "ExecutionException": "the command execution has failed",
    "ExecutionInterrupted": "the command execution was interrupted",
    "ExitCodeNonzero": "the command execution exit code is not zero.",
    "TaskConcurrencyLimit": "too many tasks on the instance",
    "InvalidSystemBuiltInParameter": "the command holds a built-in parameter that does not exist",
    "ContainerNotFound": "the specified container does not exist",
    "CronExpressionExpired": "the cron expression has no time in the future",
    "AtExpressionExpired": "the time of the at expression has passed",
}
"""ErrorInfo by ErrorCode; the first words are the pages' own (2021), the others ours."""

ABORTS = frozenset(
    {
        "InstanceNotExists", "InstanceNotRunning", "ClientNotRunning", "ClientNotOnline", "ClientNetworkBlocked",
        "SecurityGroupRuleDenied", "ClientNotResponse", "ClientIsUpgrading", "ClientNeedUpgrade", "DeliveryTimeout",
        "TaskConcurrencyLimit",
    }
)  # fmt: skip
ERRORS = frozenset(
    {
        "InstanceReleased", "InstanceRestarted", "InstanceDeregistered", "ClientRestarted", "ExecutionException",
        "ExecutionInterrupted", "ContainerConnectFailed", "ContainerStateAbnormal",
    }
)  # fmt: skip


def status_of(error_code: str) -> str:
    """The status of an execution that ended with this ErrorCode. Codes that are none of these were invalid tasks."""
    if error_code == "ExitCodeNonzero":
        return "Failed"
    if error_code == "ExecutionTimeout":
        return "Timeout"
    if error_code in ABORTS:
        return "Aborted"
    return "Error" if error_code in ERRORS else "Invalid"


def overall(statuses: Iterable[str]) -> str:
    """The invocation's InvocationStatus from those of its rows; without any it has failed."""
    seen = set(statuses)
    for waiting in WAITS:
        if waiting in seen:
            return waiting
    if seen and seen <= STOPS:
        return "Stopped"
    if seen and not seen & FAILURES:
        return "Success"
    return "PartialFailed" if seen & SUCCESS else "Failed"


def overall_old(statuses: Iterable[str]) -> str:
    """The invocation's InvokeStatus. A schedule is Running until it is stopped, or over."""
    seen = {OLD[status] for status in statuses}
    for waiting in ("Running", "Stopping"):
        if waiting in seen:
            return waiting
    if seen == {"Stopped"}:
        return "Stopped"
    if seen and "Failed" not in seen:
        return "Finished"
    return "PartialFailed" if "Finished" in seen else "Failed"
