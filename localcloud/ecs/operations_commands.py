"""Operations on commands and invocations: arguments out of the call, values into an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localcloud.ecs import documents as out
from localcloud.ecs.asking import MODIFYING, Desk
from localcloud.ecs.commands import CommandFilter
from localcloud.ecs.contents import decode
from localcloud.ecs.documents import Document
from localcloud.ecs.errors import EcsError
from localcloud.ecs.paging import page_of
from localcloud.ecs.queries import InvocationFilter, ResultFilter, check_status_filter
from localcloud.ecs.values import CommandChanges, InvocationChanges, NewCommand, Order


def _new_command(desk: Desk, *, encoding: str) -> NewCommand:
    """`encoding`: what ContentEncoding means when it is not said; the operations differ."""
    return NewCommand(
        region=desk.region,
        name=desk.text("Name"),
        type=desk.required("Type"),
        content=decode(desk.required("CommandContent"), desk.encoding(encoding)),
        description=desk.text("Description"),
        working_dir=desk.text("WorkingDir"),
        timeout_s=desk.seconds("Timeout"),
        enable_parameter=desk.is_true("EnableParameter"),
        launcher=desk.text("Launcher"),
        resource_group_id=desk.text("ResourceGroupId"),
        tags=desk.tags(),
    )


def _order(desk: Desk) -> Order:
    return Order(
        region=desk.region,
        instance_ids=desk.ids(),
        resource_tags=desk.tags("ResourceTag"),
        repeat_mode=desk.text("RepeatMode"),
        frequency=desk.text("Frequency"),
        parameters=desk.script_parameters(),
        timeout_s=desk.seconds("Timeout"),
        working_dir=desk.text("WorkingDir"),
        username=desk.text("Username"),
        windows_password_name=desk.text("WindowsPasswordName"),
        container_id=desk.text("ContainerId"),
        container_name=desk.text("ContainerName"),
        termination_mode=desk.text("TerminationMode"),
        launcher=desk.text("Launcher"),
        oss_output_delivery=desk.text("OssOutputDelivery"),
        resource_group_id=desk.text("ResourceGroupId"),
        tags=desk.tags(),
    )


def _create_command(desk: Desk) -> Document:
    desk.required("Name")
    new = _new_command(desk, encoding="Base64")
    return {"CommandId": desk.service.create_command(new, client_token=desk.text("ClientToken"))}


def _modify_command(desk: Desk) -> Document:
    """CommandContent is documented as ignored."""
    changes = CommandChanges(
        name=desk.given("Name") or None,
        description=desk.given("Description"),
        working_dir=desk.given("WorkingDir"),
        timeout_s=desk.seconds("Timeout"),
        launcher=desk.given("Launcher"),
    )
    desk.service.commands.modify(desk.region, desk.required("CommandId"), changes)
    return {}


def _delete_command(desk: Desk) -> Document:
    desk.service.commands.delete(desk.region, desk.required("CommandId"))
    return {}


def _describe_commands(desk: Desk) -> Document:
    wanted = CommandFilter(
        region=desk.region,
        command_id=desk.text("CommandId"),
        name=desk.text("Name"),
        description=desk.text("Description"),
        type=desk.text("Type"),
        provider=desk.text("Provider"),
        resource_group_id=desk.text("ResourceGroupId"),
        tags=desk.tags(),
    )
    found, encoding = desk.service.find_commands(wanted), desk.encoding("Base64")
    page = page_of(found, desk.page(), listing="commands", key=lambda one: (-one.number,))
    return {**out.paging_of(page), "Commands": {"Command": [out.command(one, encoding) for one in page.items]}}


def _invoke_command(desk: Desk) -> Document:
    command_id = desk.required("CommandId")
    return {
        "InvokeId": desk.service.invoke_command(command_id, _order(desk), client_token=desk.text("ClientToken")),
    }


def _run_command(desk: Desk) -> Document:
    command_id, invoke_id = desk.service.run_command(
        _new_command(desk, encoding="PlainText"),
        _order(desk),
        keeps_command=desk.is_true("KeepCommand"),
        client_token=desk.text("ClientToken"),
    )
    return {"CommandId": command_id, "InvokeId": invoke_id}


def _stop_invocation(desk: Desk) -> Document:
    desk.service.stop_invocation(desk.region, desk.required("InvokeId"), desk.ids())
    return {}


def _modify_invocation(desk: Desk) -> Document:
    content = desk.text("CommandContent")
    code = "InvalidCommandContent.DecodeError"
    changes = InvocationChanges(
        content=decode(content, desk.encoding("PlainText"), code) if content else None,
        enable_parameter=desk.boolean("EnableParameter"),
        parameters=desk.script_parameters(MODIFYING),
        frequency=desk.text("Frequency"),
        instance_ids=desk.ids(),
    )
    invoke_id, token = desk.required("InvokeId"), desk.text("ClientToken")
    return {"CommandId": desk.service.modify_invocation(desk.region, invoke_id, changes, client_token=token)}


def _describe_invocations(desk: Desk) -> Document:
    with_output = desk.is_true("IncludeOutput")
    wanted = InvocationFilter(
        region=desk.region,
        invoke_id=desk.text("InvokeId"),
        command_id=desk.text("CommandId"),
        command_name=desk.text("CommandName"),
        command_type=desk.text("CommandType"),
        instance_id=desk.text("InstanceId"),
        repeat_mode=desk.text("RepeatMode"),
        status=desk.text("InvokeStatus"),
        timed=desk.boolean("Timed"),
        resource_group_id=desk.text("ResourceGroupId"),
        tags=desk.tags(),
    )
    check_status_filter("InvokeStatus", wanted.status)
    if with_output and not wanted.invoke_id and not wanted.instance_id:
        raise EcsError("MissingParameter", "IncludeOutput=true needs InvokeId or InstanceId.")
    queries, encoding = desk.service.queries, desk.encoding("Base64")
    found = queries.invocations(wanted)
    page = page_of(found, desk.page(), listing="invocations", key=lambda run: (-run.invocation.number,))
    seen = [queries.seen(run, wanted) for run in page.items]
    rows = [out.invocation(one, encoding, with_output=with_output) for one in seen]
    return {**out.paging_of(page), "Invocations": {"Invocation": rows}}


def _describe_invocation_results(desk: Desk) -> Document:
    """Here, and only here, the paging fields stand inside of the list's wrapper."""
    wanted = ResultFilter(
        region=desk.region,
        invoke_id=desk.text("InvokeId"),
        instance_id=desk.text("InstanceId"),
        command_id=desk.text("CommandId"),
        status=desk.text("InvokeRecordStatus"),
        with_history=desk.is_true("IncludeHistory"),
        resource_group_id=desk.text("ResourceGroupId"),
        tags=desk.tags(),
    )
    check_status_filter("InvokeRecordStatus", wanted.status)
    page = page_of(desk.service.queries.results(wanted), desk.page(), listing="results", key=lambda result: result.key)
    rows = [out.result(one, desk.encoding("Base64")) for one in page.items]
    return {"Invocation": {**out.paging_of(page), "InvocationResults": {"InvocationResult": rows}}}


COMMAND_OPERATIONS: Mapping[str, Callable[[Desk], Document]] = {
    "CreateCommand": _create_command,
    "DeleteCommand": _delete_command,
    "DescribeCommands": _describe_commands,
    "DescribeInvocationResults": _describe_invocation_results,
    "DescribeInvocations": _describe_invocations,
    "InvokeCommand": _invoke_command,
    "ModifyCommand": _modify_command,
    "ModifyInvocationAttribute": _modify_invocation,
    "RunCommand": _run_command,
    "StopInvocation": _stop_invocation,
}
