"""CommandRunner on Cloud Assistant's calls."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.adapters import limits
from shared.adapters.ecs_calls import EcsCalls, new_request, tags_of
from shared.adapters.ecs_history import read_history
from shared.core.errors import Refused, Unavailable
from shared.core.model import InvocationView, Result
from shared.core.requests import Command
from shared.core.transitions import ENDS_OF_ECS
from shared.ecs_ports import Invocation
from shared.ports import Clock

RUN_TAG = "fleetrun-run"
CHUNK_TAG = "fleetrun-chunk"
DAILY_LIMIT = "max-axt-invocation-daily"


class EcsCommands:
    """Raises Refused, Unavailable and, where a call has an effect, UnknownOutcome."""

    def __init__(self, calls: EcsCalls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    # -- commands -----------------------------------------------------------------------------------------------------
    def create_command(self, region: str, *, name: str, command: Command, timeout: int, has_parameters: bool) -> str:
        request = new_request("CreateCommand")
        request.set_Name(name)
        request.set_ClientToken(name)
        request.set_Type(command.type)
        request.set_Timeout(timeout)
        request.set_EnableParameter("true" if has_parameters else "false")
        request.set_ContentEncoding("Base64")
        # In the body: three times shorter than in the URL, and in no proxy's log.
        request.add_body_params("CommandContent", base64.b64encode(command.script_bytes()).decode())
        if command.working_dir is not None:
            request.set_WorkingDir(command.working_dir)
        return str(self._calls.write(region, request)["CommandId"])

    def find_command(self, region: str, *, name: str) -> str | None:
        request = new_request("DescribeCommands")
        request.set_Name(name)
        found = [row for row in self._commands(region, request) if row.get("Name") == name]
        return str(found[0]["CommandId"]) if found else None

    def delete_command(self, region: str, command_id: str) -> None:
        request = new_request("DeleteCommand")
        request.set_CommandId(command_id)
        try:
            self._calls.write(region, request)
        except Refused as refusal:
            if refusal.code not in ("InvalidCmdId.NotFound", "InvalidCommandId.NotFound"):
                raise

    def type_of(self, region: str, command_id: str) -> str:
        own = new_request("DescribeCommands")
        own.set_CommandId(command_id)
        found = self._commands(region, own)
        if not found:
            # A public command is named instead of numbered: InvokeCommand page, 2025-12.
            public = new_request("DescribeCommands")
            public.set_Provider("AlibabaCloud")
            public.set_Name(command_id)
            found = [row for row in self._commands(region, public) if row.get("Name") == command_id]
        if not found:
            raise Refused(f"there is no command {command_id} in {region}", code="InvalidCmdId.NotFound")
        return str(found[0]["Type"])

    def _commands(self, region: str, request: Any) -> list[dict[str, Any]]:
        request.set_MaxResults(limits.COMMANDS_PER_PAGE_MAX)
        pages = self._calls.pages(region, request)
        rows = [row for page in pages for row in (page.get("Commands") or {}).get("Command") or []]
        return sorted(rows, key=lambda row: str(row["CommandId"]))

    # -- invocations --------------------------------------------------------------------------------------------------
    def invoke(self, invocation: Invocation, *, not_after_ms: int) -> str:
        request = new_request("InvokeCommand")
        request.set_CommandId(invocation.command_id)
        request.set_InstanceIds(list(invocation.instance_ids))
        request.set_RepeatMode("Period" if invocation.frequency else "Once")
        if invocation.frequency:
            request.set_Frequency(invocation.frequency)
        request.set_Timeout(invocation.timeout)
        request.set_ClientToken(invocation.client_token)
        request.set_Tags(tags_of({RUN_TAG: invocation.run_id, CHUNK_TAG: invocation.client_token}))
        if invocation.parameters:
            # As JSON text (a dict would go out as Python's repr), the same text at every repeat; in the body.
            request.add_body_params("Parameters", json.dumps(dict(invocation.parameters), sort_keys=True))
        if invocation.username is not None:
            request.set_Username(invocation.username)
        if invocation.working_dir is not None:
            request.set_WorkingDir(invocation.working_dir)
        if self._clock.now_ms() > not_after_ms:
            raise Unavailable("InvokeCommand: not sent, it is too late for this call", code="TooLate")
        return str(self._calls.write(invocation.region, request)["InvokeId"])

    def find_invocation(self, region: str, *, run_id: str, chunk_id: str, repeats: bool = False) -> str | None:
        tags = tags_of({RUN_TAG: run_id, CHUNK_TAG: chunk_id})
        views = self._invocations(region, {"Tags": tags}, repeats=repeats)
        found = [view.invoke_id for view in views if view.chunk_id == chunk_id]
        return found[0] if found else None

    def poll_run(self, region: str, run_id: str, *, repeats: bool = False) -> list[InvocationView]:
        return self._invocations(region, {"Tags": tags_of({RUN_TAG: run_id})}, repeats=repeats)

    def poll_invocation(
        self, region: str, invoke_id: str, *, with_output: bool, repeats: bool = False
    ) -> InvocationView | None:
        filters = {"InvokeId": invoke_id, "IncludeOutput": "true" if with_output else "false"}
        found = self._invocations(region, filters, with_output=with_output, repeats=repeats)
        return next((view for view in found if view.invoke_id == invoke_id), None)

    def history(self, region: str, invoke_id: str, wanted: Mapping[str, range]) -> list[Result]:
        return read_history(self._calls, region, invoke_id, wanted, lambda row: _result(row, with_output=True))

    def _invocations(
        self, region: str, filters: Mapping[str, Any], *, with_output: bool = False, repeats: bool = False
    ) -> list[InvocationView]:
        """By `Timed` a listing shows what will fire again, or what will not. It is said to default to the latter, so
        what repeats is asked for by both; an invocation that has ended meanwhile is in the second answer."""
        views: dict[str, InvocationView] = {}
        for timed in ("true", None) if repeats else (None,):
            request = new_request("DescribeInvocations")
            for name in sorted(filters):
                getattr(request, f"set_{name}")(filters[name])
            if timed is not None:
                request.set_Timed(timed)
            views |= self._listed(region, request, with_output=with_output)
            if "InvokeId" in filters and views:
                break
        return [views[invoke_id] for invoke_id in sorted(views)]

    def _listed(self, region: str, request: Any, *, with_output: bool) -> dict[str, InvocationView]:
        request.set_ContentEncoding("Base64")
        request.set_MaxResults(limits.INVOCATIONS_PER_PAGE_MAX)
        pages = self._calls.pages(region, request)
        rows = [row for page in pages for row in (page.get("Invocations") or {}).get("Invocation") or []]
        # A new invocation moves the others from page to page while we read: each is taken once.
        return {str(row["InvokeId"]): _view(row, with_output=with_output) for row in rows}

    def stop(self, region: str, invoke_id: str, instance_ids: Sequence[str]) -> None:
        request = new_request("StopInvocation")
        request.set_InvokeId(invoke_id)
        if instance_ids:
            request.set_InstanceIds(list(instance_ids))
        try:
            self._calls.write(region, request)
        except Refused as refusal:
            # Whether stopping a finished invocation is an error is not documented: what counts is that it has ended.
            if refusal.code != "Operation.Forbidden" or not self._has_ended(region, invoke_id):
                raise

    def _has_ended(self, region: str, invoke_id: str) -> bool:
        view = self.poll_invocation(region, invoke_id, with_output=False, repeats=True)
        return view is not None and all(result.status in ENDS_OF_ECS for result in view.results)

    def daily_limit(self, region: str) -> int:
        request = new_request("DescribeAccountAttributes")
        request.set_AttributeNames([DAILY_LIMIT])
        answer = self._calls.read(region, request)
        items = (answer.get("AccountAttributeItems") or {}).get("AccountAttributeItem") or []
        values = [
            str(value.get("Value") or "")
            for item in items
            if item.get("AttributeName") == DAILY_LIMIT
            for value in (item.get("AttributeValues") or {}).get("ValueItem") or []
        ]
        if not values or not values[0].isdigit():
            raise Unavailable(
                f"ECS tells no {DAILY_LIMIT} for {region}; set FLEETRUN_DAILY_QUOTA to a number", code="NoDailyLimit"
            )
        return int(values[0])


def _view(row: dict[str, Any], *, with_output: bool) -> InvocationView:
    tags = {
        str(tag.get("TagKey") or tag.get("Key")): str(tag.get("TagValue") or tag.get("Value") or "")
        for tag in (row.get("Tags") or {}).get("Tag") or []
    }
    rows = (row.get("InvokeInstances") or {}).get("InvokeInstance") or []
    results = [_result(one, with_output=with_output) for one in rows]
    return InvocationView(
        invoke_id=str(row["InvokeId"]),
        chunk_id=tags.get(CHUNK_TAG, ""),
        status=str(row.get("InvocationStatus") or ""),
        results=tuple(sorted(results, key=lambda result: result.instance_id)),
    )


def _result(row: dict[str, Any], *, with_output: bool) -> Result:
    status = str(row.get("InvocationStatus") or "")
    finish_time = str(row.get("FinishTime") or "")
    exit_code = row.get("ExitCode")
    # Before the end, and where nothing ran, ExitCode is there too, and means nothing.
    ran = status in ENDS_OF_ECS and bool(finish_time) and exit_code not in (None, "")
    return Result(
        instance_id=str(row["InstanceId"]),
        status=status,
        exit_code=int(exit_code) if ran and exit_code is not None else None,
        error_code=str(row.get("ErrorCode") or ""),
        error_info=str(row.get("ErrorInfo") or ""),
        dropped=int(row.get("Dropped") or 0),
        start_time=str(row.get("StartTime") or ""),
        finish_time=finish_time,
        output=_output(str(row.get("Output") or "")) if with_output else None,
        repeats=int(row.get("Repeats") or 0),
    )


def _output(text: str) -> bytes:
    """Base64, as we asked for it; what is not is taken as it stands rather than lost."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "surrogatepass")
