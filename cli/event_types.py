"""Result events as types: what a consumer of the queue fleetrun-events decodes; made into events/schema/event.json.

An event is CloudEvents 1.0 JSON. Its id derives from run and number, so a consumer drops repeats by it.
"""

from __future__ import annotations

import msgspec


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all parts share. Unknown fields are skipped: a later release may say more."""


class _Facts(_Part, frozen=True, kw_only=True):
    run_id: str
    request_id: str


class Accepted(_Facts, frozen=True, kw_only=True):
    """The request is durable: it will be carried out, whatever crashes."""

    region: str


class Rejected(_Facts, frozen=True, kw_only=True):
    """The message is wrong; nothing was done."""

    code: str
    field: str
    """Path of the field at fault, e.g. targets.instanceIds[3]; empty if it is the whole."""
    message: str


class ExcludedTarget(_Part, frozen=True, kw_only=True):
    """A target that is left out, and what to do about it."""

    instance_id: str
    name: str
    reason: str
    detail: str


class Planned(_Facts, frozen=True, kw_only=True):
    """What will be done. `excluded` spells out the first hundred, `excludedByReason` counts all."""

    requested: int
    included: int
    excluded_by_reason: dict[str, int]
    excluded: list[ExcludedTarget]
    chunks: int
    units: int


class Deferred(_Facts, frozen=True, kw_only=True):
    """The day has no units left: the remaining chunks wait."""

    to_day: str
    chunks: int
    reason: str


class Invoked(_Facts, frozen=True, kw_only=True):
    """ECS took a chunk."""

    chunk_id: str
    invoke_id: str
    wave: int
    targets: int


class Outcome(_Part, frozen=True, kw_only=True):
    """How one target ended: ECS's InvocationStatus, or Excluded, NotStarted, Unknown."""

    instance_id: str
    name: str
    status: str
    exit_code: int | None
    error_code: str
    error_info: str
    output: str
    """The first part; the whole is kept in the rows."""
    dropped: int
    """Bytes of output that ECS threw away."""
    start_time: str
    finish_time: str


class Finished(_Facts, frozen=True, kw_only=True):
    """Targets of one chunk that ended, at most fifty."""

    chunk_id: str
    targets: list[Outcome]


class RepetitionOutcome(_Part, frozen=True, kw_only=True):
    """How one repetition of a cloud schedule ended on one instance: ECS's InvocationStatus, or Unknown."""

    instance_id: str
    name: str
    repeat: int
    """1, 2, … on this instance."""
    status: str
    exit_code: int | None
    error_code: str
    error_info: str
    output: str
    """The first part."""
    dropped: int
    start_time: str
    finish_time: str


class Repeated(_Facts, frozen=True, kw_only=True):
    """Repetitions of a cloud schedule that have ended, of one chunk, at most fifty; the targets go on."""

    chunk_id: str
    repetitions: list[RepetitionOutcome]


class Stopping(_Facts, frozen=True, kw_only=True):
    """Nothing new starts from here on; what runs is being stopped."""

    reason: str


class Ended(_Facts, frozen=True, kw_only=True):
    """Every target has ended; the counts sum to `requested`."""

    status: str
    reason: str
    counts: dict[str, int]
    requested: int
    units_spent: int
    duration_ms: int


class _ScheduleFacts(_Part, frozen=True, kw_only=True):
    schedule_id: str
    request_id: str
    """Of the request that made the schedule."""


class Fired(_ScheduleFacts, frozen=True, kw_only=True):
    """A schedule that fleetrun keeps has started a run."""

    fire_time: str
    """The time for which it was scheduled; by hand: now."""
    run_id: str
    run_request_id: str
    by_hand: bool


class Missed(_ScheduleFacts, frozen=True, kw_only=True):
    """Firings that nothing comes of: Late (an outage, a pause), Overlap (the previous run goes), QueueFull,
    Replaced (by an update) or Removed (with the schedule)."""

    reason: str
    count: int
    more: bool
    """There were further ones, which nobody counted."""
    first: str
    last: str


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    specversion: str
    id: str
    """run id and number."""
    source: str
    subject: str
    """The run id; of a schedule's event the schedule id."""
    time: str
    sequence: str
    """The event's number in its run or schedule: eight digits, without gaps."""
    datacontenttype: str


class RunAccepted(_Envelope, frozen=True, kw_only=True, tag="fleetrun.run.accepted"):
    data: Accepted


class RunRejected(_Envelope, frozen=True, kw_only=True, tag="fleetrun.run.rejected"):
    data: Rejected


class RunPlanned(_Envelope, frozen=True, kw_only=True, tag="fleetrun.run.planned"):
    data: Planned


class RunDeferred(_Envelope, frozen=True, kw_only=True, tag="fleetrun.run.deferred"):
    data: Deferred


class ChunkInvoked(_Envelope, frozen=True, kw_only=True, tag="fleetrun.chunk.invoked"):
    data: Invoked


class TargetsFinished(_Envelope, frozen=True, kw_only=True, tag="fleetrun.targets.finished"):
    data: Finished


class RepetitionsFinished(_Envelope, frozen=True, kw_only=True, tag="fleetrun.repetitions.finished"):
    data: Repeated


class RunStopping(_Envelope, frozen=True, kw_only=True, tag="fleetrun.run.stopping"):
    data: Stopping


class RunFinished(_Envelope, frozen=True, kw_only=True, tag="fleetrun.run.finished"):
    data: Ended


class ScheduleFired(_Envelope, frozen=True, kw_only=True, tag="fleetrun.schedule.fired"):
    data: Fired


class ScheduleMissed(_Envelope, frozen=True, kw_only=True, tag="fleetrun.schedule.missed"):
    data: Missed


Event = (
    RunAccepted
    | RunRejected
    | RunPlanned
    | RunDeferred
    | ChunkInvoked
    | TargetsFinished
    | RepetitionsFinished
    | RunStopping
    | RunFinished
    | ScheduleFired
    | ScheduleMissed
)


def decode_event(body: bytes) -> Event:
    """Raises msgspec.ValidationError for what is no event of ours."""
    event: Event = msgspec.json.decode(body, type=Event)
    return event
