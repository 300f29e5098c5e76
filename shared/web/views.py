"""What the API shows: the types of its answers. The OpenAPI document is made out of them; names as in the events."""

from __future__ import annotations

from typing import Any

import msgspec


class _View(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all answers share. A later release may say more."""


class Links(_View, frozen=True, kw_only=True):
    """Paths, relative to the API's address."""

    self: str
    targets: str
    events: str
    stop: str


class Refusal(_View, frozen=True, kw_only=True):
    """Why a message was not taken as a request."""

    code: str
    field: str
    message: str


class RunView(_View, frozen=True, kw_only=True):
    """A run as its row says it now."""

    run_id: str
    request_id: str
    region: str
    status: str
    ended: bool
    reason: str
    """Why it was rejected or cut short; empty: it ran its course."""
    refusal: Refusal | None
    command_type: str
    """Of a script in the request; empty for a stored command."""
    command_id: str
    """Of a stored command; of a script the command that was made for the run, while it goes."""
    repeating: bool
    """A cloud schedule."""
    frequency: str
    """Of a cloud schedule; empty otherwise."""
    next_fire: str | None
    """Of a cloud schedule: the firing whose results are awaited."""
    requested: int
    included: int
    excluded: int
    counts: dict[str, int]
    """Targets by status; they sum to `requested` once it is planned."""
    chunks: int
    units_granted: dict[str, int]
    units_spent: int
    deferred_to: str
    halted: str
    accepted_at: str
    finished_at: str | None
    duration_ms: int | None
    due_at: str | None
    """When its next step is due; null: never."""
    lease_until: str | None
    attempts: int
    events: int
    """The number of its last event."""
    links: Links


class DamagedRunView(_View, frozen=True, kw_only=True):
    """A run whose row is there and cannot be read: damaged, or of a newer release."""

    run_id: str
    day: str | None
    """In whose list it stands (UTC+8); null in the list of the unfinished, which has no days."""
    code: str
    reason: str


class RunPage(_View, frozen=True, kw_only=True):
    """Newest first; of the unfinished ones by id."""

    runs: list[RunView]
    damaged: list[DamagedRunView]
    """Whatever their `status` would be, nobody can tell. They count towards `limit`."""
    next: str | None
    """`cursor` of the next page; null: that was all."""


class TargetView(_View, frozen=True, kw_only=True):
    """One target and how far it got."""

    instance_id: str
    name: str
    status: str
    ended: bool
    exit_code: int | None
    error_code: str
    error_info: str
    reason: str
    """Of an excluded one."""
    detail: str
    """… and what to do about it."""
    output: str | None
    """As text; null where none was asked for or there is none."""
    output_base64: str | None
    """The same, when its bytes are no text."""
    dropped: int
    """Bytes of output that ECS threw away (it keeps the tail)."""
    repeats: int
    start_time: str
    finish_time: str
    chunk: int
    """0: never in one."""


class TargetPage(_View, frozen=True, kw_only=True):
    """The excluded first, then chunk by chunk. While the run goes on, a target that moves on may come twice."""

    run_id: str
    targets: list[TargetView]
    next: str | None


class EventPage(_View, frozen=True, kw_only=True):
    """Events in their order, as published."""

    run_id: str
    events: list[dict[str, Any]]
    last: int
    """`after` of the next call."""
    ended: bool
    """The run has ended, and these are its last events."""


class ExcludedView(_View, frozen=True, kw_only=True):
    instance_id: str
    name: str
    reason: str
    detail: str


class PlannedChunk(_View, frozen=True, kw_only=True):
    wave: int
    targets: int


class PlanView(_View, frozen=True, kw_only=True):
    """What a request would do now. Nothing was written, nothing is reserved."""

    region: str
    command_type: str
    requested: int
    included: int
    excluded_by_reason: dict[str, int]
    excluded: list[ExcludedView]
    """The first hundred."""
    chunks: list[PlannedChunk]
    """The first hundred."""
    units: int
    day: str
    units_left: int
    """Of the day, over all runs."""
    units_deferred: int
    """Of these chunks, how many would wait for a later day (or, with onQuotaExhausted "reject", all of them go)."""
    would_reject: str
    """Why the run would be rejected; empty: it would not."""


class QuotaView(_View, frozen=True, kw_only=True):
    """A region's day."""

    region: str
    day: str
    used: int
    limit: int
    left: int
    closed: bool
    """ECS says that the day is used up."""
    by_run: dict[str, int]


class InstanceView(_View, frozen=True, kw_only=True):
    instance_id: str
    name: str
    status: str
    os_type: str
    network_type: str
    agent_online: bool
    agent_version: str
    """Empty: none has reported."""


class InstancePage(_View, frozen=True, kw_only=True):
    region: str
    instances: list[InstanceView]
    total: int
    """How many match."""
    next: str | None


class CommandView(_View, frozen=True, kw_only=True):
    """A stored command."""

    command_id: str
    name: str
    type: str
    description: str
    timeout: int
    working_dir: str
    provider: str
    parameters: list[str]
    created_at: str
    invoked: int
    content: str | None
    """The script; null in a list."""
    content_base64: str | None
    """The same, when its bytes are no text."""


class CommandPage(_View, frozen=True, kw_only=True):
    region: str
    commands: list[CommandView]
    next: str | None


class ScheduleView(_View, frozen=True, kw_only=True):
    """A schedule that fleetrun keeps."""

    schedule_id: str
    name: str
    by: str
    """Always "fleetrun": one by the cloud is a run."""
    status: str
    frequency: str
    words: str
    region: str
    next_fire: str | None
    next_fires: list[str]
    fired: int
    missed: int
    last_run_id: str | None
    waiting: list[str]
    missed_policy: str
    overlap: str
    jitter: int
    start_at: str | None
    end_at: str | None
    created_at: str
    revision: int
    """Of what was asked for; the ETag says the same. Firings do not change it."""


class SchedulePage(_View, frozen=True, kw_only=True):
    schedules: list[ScheduleView]
    next: str | None


class ChangeView(_View, frozen=True, kw_only=True):
    """What a change came to."""

    request_id: str
    result: str
    schedule: ScheduleView
    run_id: str | None
    """Of fire-now: the run that it started."""


class FireView(_View, frozen=True, kw_only=True):
    utc: str
    zone: str
    flag: str
    """`gap` or `double` where the clock leaves the time out or shows it twice."""
    note: str


class PreviewView(_View, frozen=True, kw_only=True):
    expression: str
    zone: str
    words: str
    fires_per_day: int
    calls_per_fire: int
    units_per_day: int
    fires: list[FireView]


class Health(_View, frozen=True, kw_only=True):
    """Says that the function answers; it asks nobody."""

    status: str
