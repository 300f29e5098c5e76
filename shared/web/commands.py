"""/v1/commands: the commands stored in Cloud Assistant; their scripts can be read before they are run."""

from __future__ import annotations

import base64
import binascii
import hashlib

from shared.core import limits
from shared.core.errors import Refused
from shared.core.library import NewCommand, StoredCommand
from shared.web.bodies import CommandBody, key_of, read
from shared.web.messages import Answer, Call
from shared.web.queries import CommandsQuery, RegionQuery, cursor_of, read_cursor
from shared.web.views import CommandPage, CommandView


def list_commands(call: Call) -> Answer:
    scope, query = call.scope, call.query
    assert isinstance(query, CommandsQuery)
    region = query.region or scope.policy.region
    token = (read_cursor(query.cursor, tuple[str]) or ("",))[0]
    found, after = scope.library.page(region, token=token, limit=query.limit, name=query.name or "")
    return Answer(
        CommandPage(region=region, commands=[_view(each) for each in found], next=cursor_of(after) if after else None)
    )


def show(call: Call) -> Answer:
    return Answer(_view(_find(call, _region(call))))


def create(call: Call) -> Answer:
    """The same Idempotency-Key again is the same command: it is Cloud Assistant's ClientToken."""
    region, body = _region(call), read(call.body, CommandBody)
    command = NewCommand(
        name=body.name,
        type=body.type,
        content=_script(body),
        description=body.description,
        timeout=body.timeout,
        working_dir=body.working_dir,
        has_parameters=body.enable_parameter,
    )
    key = key_of(body.request_id, call.headers, call.scope.ports.ids)
    # A ClientToken has 64 characters at most; a requestId may have more.
    token = "http-" + hashlib.sha256(key.encode()).hexdigest()[:40]
    call.enter("commands.write", body.name)
    command_id = call.scope.library.create(region, command, token=token)
    call.scope.ports.log("command.stored", command_id=command_id, name=body.name, bytes=len(command.content))
    found = call.scope.library.find(region, command_id)
    if found is None:
        raise _no_command(command_id, region)
    return Answer(_view(found), 201, {"Location": f"commands/{command_id}"})


def delete(call: Call) -> Answer:
    region = _region(call)
    found = _find(call, region)
    if found.provider:
        raise Refused(
            f"commandId is {found.command_id!r}: it is a public one and not ours to delete",
            code="Forbidden",
            field="commandId",
        )
    call.enter("commands.write", found.command_id)
    call.scope.library.delete(region, found.command_id)
    call.scope.ports.log("command.deleted", command_id=found.command_id)
    return Answer(b"", 204)


def _region(call: Call) -> str:
    assert isinstance(call.query, RegionQuery)
    return call.query.region or call.scope.policy.region


def _find(call: Call, region: str) -> StoredCommand:
    command_id = call.names["commandId"]
    found = call.scope.library.find(region, command_id)
    if found is None:
        raise _no_command(command_id, region)
    return found


def _no_command(command_id: str, region: str) -> Refused:
    return Refused(
        f"commandId is {command_id[:80]!r}: there is none of this id in {region}; GET /v1/commands lists them",
        code="InvalidCmdId.NotFound",
        field="commandId",
    )


def _script(body: CommandBody) -> bytes:
    try:
        content = (
            base64.b64decode(body.content, validate=True)
            if body.content_encoding == "Base64"
            else body.content.encode()
        )
    except (binascii.Error, ValueError):
        raise Refused(
            'content is not what "contentEncoding" says: valid Base64, or text without lone surrogates',
            code="BadRequest",
            field="content",
        ) from None
    if not 1 <= len(content) <= limits.CONTENT_BYTES_MAX:
        raise Refused(
            f"content has {len(content)} bytes; it must have 1 to {limits.CONTENT_BYTES_MAX}",
            code="BadRequest",
            field="content",
        )
    return content


def _view(command: StoredCommand) -> CommandView:
    text, encoded = _texts(command.content)
    return CommandView(
        command_id=command.command_id,
        name=command.name,
        type=command.type,
        description=command.description,
        timeout=command.timeout,
        working_dir=command.working_dir,
        provider=command.provider,
        parameters=list(command.parameters),
        created_at=command.created_at,
        invoked=command.invoked,
        content=text,
        content_base64=encoded,
    )


def _texts(content: bytes | None) -> tuple[str | None, str | None]:
    if content is None:
        return None, None
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace"), base64.b64encode(content).decode()
