"""Bodies of requests: bytes → a checked value, or a refusal that names the field. JSON only, unknown fields refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from shared.core import limits
from shared.core.errors import Refused
from shared.core.requests import InvokeRequest, decode_request, refusal_of
from shared.ports import Ids

T = TypeVar("T")
# Not `$` alone: Python lets a line feed follow it, JSON Schema does not.
REQUEST_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:@/+=-]*$(?!\n)"
RequestId = Annotated[str, Meta(pattern=REQUEST_ID_PATTERN, min_length=1, max_length=limits.REQUEST_ID_CHARS_MAX)]
ChangeId = Annotated[str, Meta(pattern=REQUEST_ID_PATTERN, min_length=1, max_length=limits.SCHEDULE_NAME_CHARS_MAX)]
InstanceId = Annotated[str, Meta(pattern=r"^i-[A-Za-z0-9-]{1,62}$(?!\n)")]
_KEY = re.compile(REQUEST_ID_PATTERN)


class _Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What all bodies share."""


class StopBody(_Body, frozen=True, kw_only=True):
    """Stop a run, or some of its targets. May be left out: the whole run."""

    request_id: RequestId | None = None
    """Default: the Idempotency-Key, else a new one."""
    instance_ids: Annotated[tuple[InstanceId, ...], Meta(min_length=1, max_length=1_000)] | None = None
    """Absent: the whole run."""


class ChangeBody(_Body, frozen=True, kw_only=True):
    """May be left out."""

    request_id: ChangeId | None = None
    """Default: the Idempotency-Key, else a new one. The same one again changes nothing."""


class PreviewBody(_Body, frozen=True, kw_only=True):
    """What an expression will do."""

    frequency: Annotated[str, Meta(min_length=1, max_length=limits.FREQUENCY_CHARS_MAX)]
    count: Annotated[int, Meta(ge=1, le=1_000)] = 10
    targets: Annotated[int, Meta(ge=1, le=limits.TARGETS_MAX)] = 1
    """Instances, for the units per day."""
    timeout: Annotated[int, Meta(ge=limits.TIMEOUT_S_MIN, le=limits.TIMEOUT_S_MAX)] | None = None
    """Seconds that the script may run; checks the period."""


class CommandBody(_Body, frozen=True, kw_only=True):
    """A command to be stored in Cloud Assistant."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)", min_length=1, max_length=128)]
    type: Literal["RunShellScript", "RunBatScript", "RunPowerShellScript"]
    content: Annotated[str, Meta(min_length=1, max_length=limits.CONTENT_BYTES_MAX * 4 // 3 + 4)]
    content_encoding: Literal["PlainText", "Base64"] = "PlainText"
    description: Annotated[str, Meta(max_length=512)] = ""
    timeout: Annotated[int, Meta(ge=limits.TIMEOUT_S_MIN, le=limits.TIMEOUT_S_MAX)] = limits.TIMEOUT_S_DEFAULT
    working_dir: Annotated[str, Meta(max_length=limits.WORKING_DIR_CHARS_MAX)] = ""
    enable_parameter: bool = False
    """Whether {{names}} in the script are parameters."""
    request_id: RequestId | None = None
    """Default: the Idempotency-Key, else a new one. The same one again is the same command."""


def read(body: bytes, kind: type[T], *, may_be_empty: bool = False) -> T:
    """Raises Refused: NotJson, or BadRequest with the field."""
    if not body and may_be_empty:
        return kind()
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise refusal_of(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_json(error) from None


def read_invoke(body: bytes, headers: Mapping[str, str], ids: Ids) -> InvokeRequest:
    """An invoke request. `kind` may be left out, and `requestId` where the Idempotency-Key stands for it."""
    told = _of_invoke(body)
    return _invoke({**told, "requestId": key_of(told.get("requestId"), headers, ids)})


def read_replacement(body: bytes, name: str) -> InvokeRequest:
    """The same, for the schedule of that name: the Idempotency-Key is the call's own there."""
    told = _of_invoke(body)
    return _invoke({"requestId": name, **told})


def _of_invoke(body: bytes) -> dict[str, Any]:
    try:
        told: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_json(error) from None
    if not isinstance(told, dict):
        raise Refused(f"$: is {_word(told)}; it must be an object", code="BadRequest", field="$")
    if told.setdefault("kind", "invoke") != "invoke":
        raise Refused(f'kind is {_word(told["kind"])}; it must be "invoke" here', code="BadRequest", field="kind")
    return told


def _invoke(told: dict[str, Any]) -> InvokeRequest:
    request = decode_request(msgspec.json.encode(told))
    assert isinstance(request, InvokeRequest), "kind said so"
    return request


def key_of(request_id: Any, headers: Mapping[str, str], ids: Ids) -> Any:
    """The idempotency key of a call: the body's requestId, else the header, else a new one. Both: they must agree."""
    key = headers.get("idempotency-key")
    if key is None:
        return f"http-{ids.new_id()}" if request_id is None else request_id
    # The draft standard writes the key as a quoted string; both forms are taken.
    key = key[1:-1] if len(key) > 2 and key[0] == key[-1] == '"' else key
    if not _KEY.match(key) or len(key) > limits.SCHEDULE_NAME_CHARS_MAX:
        raise Refused(
            f"Idempotency-Key is {key[:80]!r}; it has 1 to {limits.SCHEDULE_NAME_CHARS_MAX} letters, digits and "
            "._:@/+=- and starts with a letter or digit",
            code="BadHeader",
            field="Idempotency-Key",
        )
    if request_id not in (None, key):
        raise Refused(
            f"Idempotency-Key is {key!r}, and requestId {_word(request_id)}; give one of them, or the same twice",
            code="BadRequest",
            field="Idempotency-Key",
        )
    return key


def _no_json(error: Exception) -> Refused:
    return Refused(f"the body is not JSON: {str(error)[:200]}", code="NotJson", field="$")


def _word(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:80]
