"""Stage 0 of 8, accept: bytes → a request whose every field has been checked, or a refusal that names the field.

Strategy: msgspec checks names, types and unknown fields; `__post_init__` checks bounds, so that a value that exists is
a value that is right. JSON field names are camelCase; the JSON Schemas in events/schema are generated from these types.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Literal

import msgspec

from shared.core import limits
from shared.core.errors import Refused
from shared.core.schedule_spec import ScheduleSpec

_REQUEST_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:@/+=-]*\Z")
_INSTANCE_ID = re.compile(r"^i-[A-Za-z0-9-]{1,62}\Z")
_PARAMETER = re.compile(r"^[A-Za-z0-9_-]+\Z")
_REGION = re.compile(r"^[a-z]{2}-[a-z0-9-]{2,30}\Z")
_BOUND = re.compile(r"^(100|[1-9]?[0-9])%\Z")

_RANGE = "{name} is {actual}; it must be {low} to {high} {unit}"


class _Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What all parts of a message share: immutable, camelCase, unknown fields refused."""


def _wrong(field: str, message: str) -> ValueError:
    return ValueError(f"{field}: {message}")


def _check_length(field: str, value: str, *, high: int, low: int = 1) -> None:
    if not low <= len(value) <= high:
        raise _wrong(field, f"has {len(value)} characters; it must have {low} to {high}")


class Command(_Wire, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to run: a command stored in Cloud Assistant (`commandId`), or a script (`type` and `content`)."""

    command_id: str | None = None
    type: Literal["RunShellScript", "RunBatScript", "RunPowerShellScript"] | None = None
    content: str | None = None
    content_encoding: Literal["PlainText", "Base64"] = "PlainText"
    working_dir: str | None = None

    def __post_init__(self) -> None:
        if (self.command_id is None) == (self.content is None):
            raise _wrong("command", 'needs either "commandId", or "type" with "content"')
        if self.command_id is not None:
            _check_length("command.commandId", self.command_id, high=128)
            if self.type is not None:
                raise _wrong("command.type", 'goes with "content" only: a stored command has its own type')
            return
        if self.type is None:
            raise _wrong("command.type", "is missing; it must be RunShellScript, RunBatScript or RunPowerShellScript")
        size = len(self.script_bytes())
        if not 1 <= size <= limits.CONTENT_BYTES_MAX:
            raise _wrong("command.content", f"has {size} bytes; it must have 1 to {limits.CONTENT_BYTES_MAX}")
        if self.working_dir is not None:
            _check_length("command.workingDir", self.working_dir, high=limits.WORKING_DIR_CHARS_MAX)

    def script_bytes(self) -> bytes:
        """The script as the instance shall get it."""
        content = self.content or ""
        if self.content_encoding == "Base64":
            try:
                return base64.b64decode(content, validate=True)
            except (binascii.Error, ValueError):
                raise _wrong("command.content", 'is not valid Base64, which "contentEncoding" says it is') from None
        try:
            return content.encode()
        except UnicodeEncodeError:
            raise _wrong("command.content", "holds a lone surrogate, which is no character") from None


class TargetSelection(_Wire, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Where to run it: `instanceIds`, or any of `tags`, `name`, `resourceGroupId`, `vpcId` (all must match)."""

    instance_ids: tuple[str, ...] | None = None
    tags: dict[str, str] | None = None
    name: str | None = None
    """May hold `*`."""
    resource_group_id: str | None = None
    vpc_id: str | None = None

    def __post_init__(self) -> None:
        filters = (self.tags, self.name, self.resource_group_id, self.vpc_id)
        if self.instance_ids is not None:
            if any(part is not None for part in filters):
                raise _wrong("targets", 'has "instanceIds" and a filter; give one or the other')
            _check_instance_ids("targets.instanceIds", self.instance_ids)
            return
        if not any(filters):
            raise _wrong("targets", 'is empty; give "instanceIds", "tags", "name", "resourceGroupId" or "vpcId"')
        if self.tags is not None:
            _check_tags(self.tags)
        for field, value in (
            ("name", self.name),
            ("resourceGroupId", self.resource_group_id),
            ("vpcId", self.vpc_id),
        ):
            if value is not None:
                _check_length(f"targets.{field}", value, high=128)


def _check_instance_ids(field: str, instance_ids: tuple[str, ...]) -> None:
    if not 1 <= len(instance_ids) <= limits.TARGETS_MAX:
        raise _wrong(field, f"has {len(instance_ids)} ids; it must have 1 to {limits.TARGETS_MAX}")
    for index, instance_id in enumerate(instance_ids):
        if not _INSTANCE_ID.match(instance_id):
            raise _wrong(f"{field}[{index}]", f'is {instance_id[:80]!r}; an instance id looks like "i-bp1…"')


def _check_tags(tags: dict[str, str]) -> None:
    if not 1 <= len(tags) <= limits.TAGS_PER_SELECTION_MAX:
        raise _wrong("targets.tags", f"has {len(tags)} tags; it must have 1 to {limits.TAGS_PER_SELECTION_MAX}")
    for key, value in tags.items():
        _check_length("targets.tags", key, high=128)
        _check_length(f"targets.tags.{key}", value, high=128, low=0)


class RateControl(_Wire, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How fast and how far: see core.rate for what the bounds mean, to the target."""

    max_concurrency: int | str | None = None
    """Targets in flight at most: a number, or a percentage of the included targets such as "10%"."""
    max_errors: int | str | None = None
    """When more targets than this have failed, nothing new starts: a number or a percentage."""
    waves: tuple[int | str, ...] | None = None
    """Targets reached after each wave, as numbers or percentages: [1, "10%", "100%"]."""

    def __post_init__(self) -> None:
        if self.max_concurrency is not None:
            _check_bound("rateControl.maxConcurrency", self.max_concurrency, low=1)
        if self.max_errors is not None:
            _check_bound("rateControl.maxErrors", self.max_errors, low=0)
        if self.waves is not None:
            if not 1 <= len(self.waves) <= limits.WAVES_MAX:
                raise _wrong("rateControl.waves", f"has {len(self.waves)} waves; it must have 1 to {limits.WAVES_MAX}")
            for index, wave in enumerate(self.waves):
                _check_bound(f"rateControl.waves[{index}]", wave, low=1)


def _check_bound(field: str, value: int | str, *, low: int) -> None:
    if isinstance(value, str):
        if not _BOUND.match(value) or int(value[:-1]) < low:
            raise _wrong(field, f'is {value[:80]!r}; a percentage looks like "10%", from "{low}%" to "100%"')
    elif not low <= value <= limits.TARGETS_MAX:
        raise _wrong(field, f"is {value}; it must be {low} to {limits.TARGETS_MAX}")


class InvokeRequest(
    _Wire,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="invoke",
):
    """Run one command on a set of targets."""

    request_id: str
    """Chosen by the caller: the idempotency key."""
    command: Command
    targets: TargetSelection
    region: str = ""
    """Empty: the region of the deployment."""
    parameters: dict[str, str] = {}
    timeout: int = limits.TIMEOUT_S_DEFAULT
    """Seconds that the script may run on each instance."""
    username: str | None = None
    rate_control: RateControl = RateControl()
    on_unfit: Literal["skip", "reject"] = "skip"
    on_quota_exhausted: Literal["defer", "reject"] = "defer"
    schedule: ScheduleSpec | None = None
    """Absent: once, now."""
    secret_parameters: tuple[str, ...] = ()
    """Names among `parameters` whose values are `{{oos-secret:…}}` references; a literal is refused."""

    def __post_init__(self) -> None:
        _check_request_id(self.request_id)
        if self.region and not _REGION.match(self.region):
            raise _wrong("region", f'is {self.region[:80]!r}; a region looks like "cn-hangzhou"')
        if not limits.TIMEOUT_S_MIN <= self.timeout <= limits.TIMEOUT_S_MAX:
            raise _wrong(
                "timeout",
                f"is {self.timeout}; it must be {limits.TIMEOUT_S_MIN} to {limits.TIMEOUT_S_MAX} seconds",
            )
        if self.username is not None:
            _check_length("username", self.username, high=limits.USERNAME_CHARS_MAX)
        if len(self.parameters) > limits.PARAMETERS_MAX:
            raise _wrong("parameters", f"has {len(self.parameters)}; it must have at most {limits.PARAMETERS_MAX}")
        for name in self.parameters:
            _check_length("parameters", name, high=limits.PARAMETER_NAME_CHARS_MAX)
            if not _PARAMETER.match(name):
                raise _wrong("parameters", f"has the name {name!r}; names hold letters, digits, - and _")
        for index, name in enumerate(self.secret_parameters):
            if name not in self.parameters or name in self.secret_parameters[:index]:
                raise _wrong(f"secretParameters[{index}]", f"is {name[:80]!r}; it must name one of parameters, once")
        if self.schedule is not None:
            self.schedule.check_timeout(self.timeout)
            if self.schedule.by == "cloud" and self.rate_control != RateControl():
                raise _wrong(
                    "rateControl", 'goes with "by": "fleetrun": Cloud Assistant starts all targets at each time'
                )
            if self.schedule.by == "fleetrun":
                _check_length("requestId", self.request_id, high=limits.SCHEDULE_NAME_CHARS_MAX)


class StopRequest(
    _Wire, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, tag_field="kind", tag="stop"
):
    """Stop a run, or some of its targets."""

    request_id: str
    run_id: str
    instance_ids: tuple[str, ...] | None = None
    """Absent: the whole run."""

    def __post_init__(self) -> None:
        _check_request_id(self.request_id)
        _check_length("runId", self.run_id, high=64)
        if self.instance_ids is not None:
            _check_instance_ids("instanceIds", self.instance_ids)


class ScheduleRequest(
    _Wire, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, tag_field="kind", tag="schedule"
):
    """Change a schedule; to make one, send an invoke request with a `schedule`."""

    request_id: str
    schedule: str
    """The requestId of the request that made it, or the schedule's id (the run's, of a cloud schedule)."""
    action: Literal["pause", "resume", "remove", "fire-now", "update", "sync"]
    """Of a cloud schedule only "sync": its targets are brought in line with its selection. A stop ends it."""
    request: InvokeRequest | None = None
    """Of "update": what it repeats from now on, whole; its requestId is the schedule's name."""
    if_revision: int | None = None
    """Only if the schedule still has this revision: nobody has updated it since it was read. Not of "sync"."""

    def __post_init__(self) -> None:
        _check_request_id(self.request_id)
        _check_length("requestId", self.request_id, high=limits.SCHEDULE_NAME_CHARS_MAX)
        _check_length("schedule", self.schedule, high=limits.SCHEDULE_NAME_CHARS_MAX)
        if (self.action == "update") != (self.request is not None):
            raise _wrong("request", 'goes with the action "update", and "update" needs it')
        if self.request is not None and (self.request.schedule is None or self.request.schedule.by != "fleetrun"):
            raise _wrong(
                "request.schedule", 'is missing, or not by "fleetrun": an update does not change who repeats it'
            )
        if self.if_revision is not None and self.action == "sync":
            raise _wrong("ifRevision", "goes with a schedule that fleetrun keeps; one of the cloud has no revisions")


Request = InvokeRequest | StopRequest | ScheduleRequest


def _check_request_id(request_id: str) -> None:
    _check_length("requestId", request_id, high=limits.REQUEST_ID_CHARS_MAX)
    if not _REQUEST_ID.match(request_id):
        raise _wrong("requestId", f"is {request_id[:80]!r}; it holds letters, digits and ._:@/+=- and starts with one")


_DECODER: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_FIELD_CHARS_MAX, _REASON_CHARS_MAX = 200, 1_000
"""Ours."""
_AT = re.compile(r" - at `\$?\.?(.*)`$")


def decode_request(body: bytes) -> Request:
    """The request in `body` (JSON, UTF-8, at most REQUEST_BYTES_MAX).

    Raises Refused with code BadRequest, `field` and a message that says value and what would be right.
    """
    if len(body) > limits.REQUEST_BYTES_MAX:
        raise Refused(
            f"the request has {len(body)} bytes; it must have at most {limits.REQUEST_BYTES_MAX}",
            code="BadRequest",
        )
    try:
        return _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise refusal_of(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the message is not JSON: {str(error)[:200]}", code="BadRequest", field="$") from None


def refusal_of(message: str) -> Refused:
    """msgspec's sentence (`Expected … - at `$.a.b``) or ours (`field: …`) as a refusal that names the field."""
    found = _AT.search(message)
    path = found.group(1) if found else ""
    text = message[: found.start()] if found else message
    ours = re.match(r"^([A-Za-z][\w.\[\]%-]*): (.*)$", text, re.DOTALL)
    if ours:
        return _refused(ours.group(1), f"{ours.group(1)} {ours.group(2)}")
    named = re.search(r"`(\w+)`$", text) if "field" in text else None
    field = ".".join(part for part in (path, named.group(1) if named else "") if part) or "$"
    return _refused(field, f"{field}: {text}")


def _refused(field: str, message: str) -> Refused:
    """Cut to what rows, events and logs hold: the name of an unknown field is the sender's, and may have a megabyte."""
    cut = field if len(field) <= _FIELD_CHARS_MAX else field[:_FIELD_CHARS_MAX] + "…"
    return Refused(message.replace(field, cut)[:_REASON_CHARS_MAX], code="BadRequest", field=cut)


def hash_of(request: InvokeRequest) -> str:
    """Of the request's meaning: field order and spacing of the JSON do not matter."""
    encoded = msgspec.json.encode(request, order="deterministic")
    # As it was before requests could have these: a run that was accepted then is still found by its request.
    for unused in (b',"secretParameters":[]}', b',"schedule":null}'):
        if encoded.endswith(unused):
            encoded = encoded.removesuffix(unused) + b"}"
    return hashlib.sha256(encoded).hexdigest()[:32]
