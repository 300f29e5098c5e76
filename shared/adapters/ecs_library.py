"""The library of stored commands on CreateCommand, DescribeCommands and DeleteCommand."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from shared.adapters.ecs_calls import EcsCalls, new_request
from shared.core.library import NewCommand, StoredCommand


class EcsLibrary:
    """Raises Refused, Unavailable and, where a call has an effect, UnknownOutcome."""

    def __init__(self, calls: EcsCalls) -> None:
        self._calls = calls

    def page(self, region: str, *, token: str, limit: int, name: str) -> tuple[list[StoredCommand], str]:
        request = new_request("DescribeCommands")
        request.set_MaxResults(limit)
        if token:
            request.set_NextToken(token)
        if name:
            request.set_Name(name)
        answer = self._calls.read(region, request)
        return [_command(row, content=None) for row in _rows(answer)], str(answer.get("NextToken") or "")

    def find(self, region: str, command_id: str) -> StoredCommand | None:
        own = new_request("DescribeCommands")
        own.set_CommandId(command_id)
        found = [row for row in _rows(self._calls.read(region, own)) if row.get("CommandId") == command_id]
        if not found:
            # A public command is named instead of numbered: InvokeCommand page, 2025-12.
            public = new_request("DescribeCommands")
            public.set_Provider("AlibabaCloud")
            public.set_Name(command_id)
            found = [row for row in _rows(self._calls.read(region, public)) if row.get("Name") == command_id]
        return _command(found[0], content=_content(found[0])) if found else None

    def create(self, region: str, command: NewCommand, *, token: str) -> str:
        request = new_request("CreateCommand")
        request.set_Name(command.name)
        request.set_ClientToken(token)
        request.set_Type(command.type)
        request.set_Timeout(command.timeout)
        request.set_EnableParameter("true" if command.has_parameters else "false")
        request.set_ContentEncoding("Base64")
        # In the body: three times shorter than in the URL, and in no proxy's log.
        request.add_body_params("CommandContent", base64.b64encode(command.content).decode())
        if command.description:
            request.set_Description(command.description)
        if command.working_dir:
            request.set_WorkingDir(command.working_dir)
        return str(self._calls.write(region, request)["CommandId"])

    def delete(self, region: str, command_id: str) -> None:
        request = new_request("DeleteCommand")
        request.set_CommandId(command_id)
        self._calls.write(region, request)


def _rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (answer.get("Commands") or {}).get("Command") or []
    return rows


def _command(row: dict[str, Any], *, content: bytes | None) -> StoredCommand:
    names = (row.get("ParameterNames") or {}).get("ParameterName") or []
    return StoredCommand(
        command_id=str(row["CommandId"]),
        name=str(row.get("Name") or ""),
        type=str(row.get("Type") or ""),
        description=str(row.get("Description") or ""),
        timeout=int(row.get("Timeout") or 0),
        working_dir=str(row.get("WorkingDir") or ""),
        provider=str(row.get("Provider") or ""),
        parameters=tuple(str(name) for name in names),
        created_at=str(row.get("CreationTime") or ""),
        invoked=int(row.get("InvokeTimes") or 0),
        content=content,
    )


def _content(row: dict[str, Any]) -> bytes:
    """Base64, as DescribeCommands gives it by default; what is not is taken as it stands rather than lost."""
    text = str(row.get("CommandContent") or "")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "surrogatepass")
