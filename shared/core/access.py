"""Who may do what: a caller has a grant, a grant has a role and bounds, and every question is answered here.

Strategy: pure. A route asks `may` by the word of its action; a request is held to the bounds by `check_request`; what
can only be known when the targets are (their number, their tags, the units) travels with the run as `Allowed` and is
asked again at planning. What nobody allowed is refused: an action without a role is a mistake, not a permission.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from shared.core import limits
from shared.core.errors import Refused
from shared.core.requests import InvokeRequest, Request, ScheduleRequest, StopRequest

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
"""Each may do all that the ones before it may."""

ACTIONS: Mapping[str, Role] = {
    "runs.read": "viewer",
    "events.read": "viewer",
    "schedules.read": "viewer",
    "quota.read": "viewer",
    "instances.read": "viewer",
    "commands.read": "viewer",
    "runs.plan": "operator",
    "runs.start": "operator",
    "runs.stop": "operator",
    "schedules.write": "operator",
    "commands.write": "admin",
    "keys.read": "admin",
    "keys.write": "admin",
    "hooks.read": "admin",
    "hooks.write": "admin",
    "subscriptions.read": "admin",
    "subscriptions.write": "admin",
    "audit.read": "admin",
}
"""The least role for each action. Routes without a key (health, the OpenAPI document, hooks) have no action here."""

_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}\Z")
_REGION = re.compile(r"^[a-z]{2}-[a-z0-9-]{2,30}\Z")


class Grant(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """What somebody may do. null (absent) = not bounded."""

    name: str
    role: Role = "operator"
    commands: tuple[str, ...] | None = None
    """Stored commands that may be run, by CommandId or by name; [] = none."""
    inline_scripts: bool = True
    """Whether scripts may come with the request."""
    tags: dict[str, str] | None = None
    """Every target must carry all of these."""
    regions: tuple[str, ...] | None = None
    targets_max: int | None = None
    """Targets of one run."""
    units_per_day: int | None = None
    """InvokeCommand calls that the caller's runs may plan in a day (UTC+8)."""

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise _wrong("name", f"is {self.name[:80]!r}; it must have 1 to 64 of a-z, 0-9, '.', '_' and '-'")
        if self.role == "admin" and self.is_bounded:
            raise _wrong("role", "is admin, with bounds: an admin could give itself a key without them")
        if self.commands is not None and not len(self.commands) <= limits.GRANT_COMMANDS_MAX:
            raise _wrong("commands", f"has {len(self.commands)}; it must have at most {limits.GRANT_COMMANDS_MAX}")
        if self.tags is not None and not 1 <= len(self.tags) <= limits.TAGS_PER_SELECTION_MAX:
            raise _wrong("tags", f"has {len(self.tags)}; it must have 1 to {limits.TAGS_PER_SELECTION_MAX}, or be null")
        for index, region in enumerate(self.regions or ()):
            if not _REGION.match(region):
                raise _wrong(f"regions[{index}]", f'is {region[:80]!r}; a region looks like "cn-hangzhou"')
        for name, value in (("targetsMax", self.targets_max), ("unitsPerDay", self.units_per_day)):
            if value is not None and not 1 <= value <= limits.TARGETS_MAX:
                raise _wrong(name, f"is {value}; it must be 1 to {limits.TARGETS_MAX}, or be null")

    @property
    def is_bounded(self) -> bool:
        """Something that its role permits is not permitted to it."""
        bounds = (self.commands, self.tags, self.regions, self.targets_max, self.units_per_day)
        return not self.inline_scripts or any(bound is not None for bound in bounds)


def _wrong(field: str, problem: str) -> ValueError:
    return ValueError(f"{field}: {problem}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as it has been proven."""

    name: str
    """A key's id, "queue", or "hook:<name>"."""
    role: Role
    grant: Grant
    via: str
    """"key", "queue" or "hook:<name>"."""
    address: str = ""
    """Where from, as Function Compute says; "" for messages."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Of a run or schedule: who asked for it, and what must still hold when its targets are known."""

    caller: str = ""
    """"" = from before there were callers, or from a deployment without them."""
    tags: Mapping[str, str] = field(default_factory=dict)
    targets_max: int = 0
    """0 = not bounded."""
    units_per_day: int = 0
    """0 = not bounded."""


UNBOUND = Allowed()
QUEUE = Grant(name="queue")
"""Of messages that nobody signed, unless the deployment says otherwise: who may send to the queue may run anything."""


def may(caller: Caller, action: str) -> bool:
    """Whether the caller's role permits the action; its bounds are `check_request`'s."""
    assert action in ACTIONS, f"{action} is no action: give it a role in core/access.py"
    return ROLES.index(caller.role) >= ROLES.index(ACTIONS[action])


def check_action(caller: Caller, action: str) -> Refused | None:
    if may(caller, action):
        return None
    why = f"{action} needs the role {ACTIONS[action]}; the caller {caller.name} has {caller.role}"
    return Refused(why, code="Forbidden", field="$")


def check_request(
    caller: Caller, request: Request, *, region: str, command_names: Mapping[str, str] | None = None
) -> Refused | None:
    """None = allowed, as far as the request itself tells; otherwise the refusal, which names the field.

    `region`: the deployment's, for requests that name none. `command_names`: name by CommandId, as far as it was asked.
    """
    if isinstance(request, StopRequest):
        return check_action(caller, "runs.stop")
    if isinstance(request, ScheduleRequest):
        refusal = check_action(caller, "schedules.write")
        if refusal is not None or request.request is None:
            return refusal
        return check_request(caller, request.request, region=region, command_names=command_names)
    return (
        check_action(caller, "runs.start" if request.schedule is None else "schedules.write")
        or _check_region(caller, request.region or region)
        or _check_command(caller, request, command_names or {})
        or _check_targets(caller, request)
    )


def allowed_of(caller: Caller) -> Allowed:
    """What goes with a request of this caller."""
    grant = caller.grant
    return Allowed(caller.name, dict(grant.tags or {}), grant.targets_max or 0, grant.units_per_day or 0)


def check_ownership(caller: Caller, owner: str, *, field: str) -> Refused | None:
    """Who has bounds changes what is its own: the rest may lie outside of them."""
    if not caller.grant.is_bounded or owner == caller.name:
        return None
    return _forbidden(caller, field, "names what somebody else started; with bounds one stops and changes one's own")


def check_targets(allowed: Allowed, *, targets: int, strangers: tuple[str, ...]) -> Refused | None:
    """At planning. `strangers`: targets that exist and do not carry the tags."""
    who = allowed.caller
    if allowed.targets_max and targets > allowed.targets_max:
        return Refused(
            f"targets are {targets}; {who} may have {allowed.targets_max} in a run", code="Forbidden", field="targets"
        )
    if strangers:
        shown = ", ".join(strangers[:3]) + (", …" if len(strangers) > 3 else "")
        return Refused(
            f"targets: {len(strangers)} of them do not carry {_tags(allowed.tags)}, which {who} must keep to: {shown}",
            code="Forbidden",
            field="targets.instanceIds",
        )
    return None


def check_units(allowed: Allowed, *, units: int, used: int) -> Refused:
    """The refusal for a run whose units are more than what is left of the caller's day."""
    return Refused(
        f"targets need {units} units; {allowed.caller} may use {allowed.units_per_day} a day, and has used {used}",
        code="Forbidden",
        field="targets",
    )


def _check_region(caller: Caller, region: str) -> Refused | None:
    regions = caller.grant.regions
    if regions is None or region in regions:
        return None
    return _forbidden(caller, "region", f"is {region!r}; allowed: {', '.join(regions) or 'none'}")


def _check_command(caller: Caller, request: InvokeRequest, names: Mapping[str, str]) -> Refused | None:
    command_id, grant = request.command.command_id, caller.grant
    if command_id is None:
        if grant.inline_scripts:
            return None
        return _forbidden(caller, "command.content", "is a script; only stored commands are allowed: give commandId")
    if grant.commands is None or command_id in grant.commands or names.get(command_id, "") in grant.commands:
        return None
    allowed = ", ".join(grant.commands) or "none"
    return _forbidden(caller, "command.commandId", f"is {command_id!r}; allowed: {allowed[:300]}")


def _check_targets(caller: Caller, request: InvokeRequest) -> Refused | None:
    targets, grant = request.targets, caller.grant
    if targets.instance_ids is not None:
        count = len(set(targets.instance_ids))
        if grant.targets_max is not None and count > grant.targets_max:
            return _forbidden(caller, "targets.instanceIds", f"has {count}; allowed in a run: {grant.targets_max}")
        return None  # whether they carry the tags is seen at planning
    missing = {key: value for key, value in (grant.tags or {}).items() if (targets.tags or {}).get(key) != value}
    if missing:
        return _forbidden(caller, "targets.tags", f"lacks {_tags(missing)}, which every target must carry")
    return None


def _tags(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={tags[key]}" for key in sorted(tags))[:300]


def _forbidden(caller: Caller, field: str, problem: str) -> Refused:
    return Refused(f"{field} {problem} (caller {caller.name})", code="Forbidden", field=field)
