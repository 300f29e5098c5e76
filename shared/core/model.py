"""The values that a run is made of. Frozen: a step makes new ones. Times are epoch milliseconds (`…_ms`), UTC.

Statuses are words, not enums, because they travel: the same word stands in a row, an event, a log line and on the
screen. Which word may follow which is said in `transitions` alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.core.access import UNBOUND, Allowed
from shared.core.requests import InvokeRequest

SCHEMA = 1
"""Version of rows, messages and events. Readers take SCHEMA and SCHEMA - 1."""


@dataclass(frozen=True, slots=True)
class Instance:
    """What DescribeInstances says of one instance, as far as targets are concerned."""

    instance_id: str
    name: str
    status: str
    """Pending, Running, Starting, Stopping or Stopped."""
    os_type: str
    """`linux` or `windows` (DescribeInstances writes it in lower case)."""
    network_type: str
    """`vpc` or `classic`."""


@dataclass(frozen=True, slots=True)
class Agent:
    """What DescribeCloudAssistantStatus says of one instance."""

    instance_id: str
    online: bool
    """A heartbeat was seen within the last two minutes."""
    version: str
    """"" = not installed, or never seen."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """A target left out before any call, with the reason and what to do about it."""

    instance_id: str
    name: str
    reason: str
    """One of preflight.REASONS, e.g. "NotRunning"."""
    detail: str
    """One sentence for an operator."""


@dataclass(frozen=True, slots=True)
class Result:
    """One instance of an invocation, as DescribeInvocations nests it."""

    instance_id: str
    status: str
    """InvocationStatus: Pending, Running, Success, Failed, …"""
    exit_code: int | None
    error_code: str
    error_info: str
    dropped: int
    start_time: str
    finish_time: str
    output: bytes | None
    """None when it was not asked for."""
    repeats: int = 0
    """Of a cloud schedule: how often the script has run on this instance so far, this time included."""


@dataclass(frozen=True, slots=True)
class InvocationView:
    """One invocation with its instances."""

    invoke_id: str
    chunk_id: str
    """From its tag `fleetrun-chunk`; "" if it has none."""
    status: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One instance of a chunk and how far it got."""

    instance_id: str
    name: str = ""
    status: str = "Planned"
    ended_no: int = 0
    """Order in which this chunk's targets ended: 1, 2, …; 0 = not ended. Tells what has been announced."""
    exit_code: int | None = None
    error_code: str = ""
    error_info: str = ""
    dropped: int = 0
    """Bytes of output that ECS threw away (it keeps the tail)."""
    start_time: str = ""
    finish_time: str = ""
    output_head: str = ""
    """First OUTPUT_CHARS_PER_EVENT characters, for events and lists; the whole is a column of its own."""
    repeats: int = 0
    """Of a cloud schedule: repetitions 1..repeats have been recorded."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """One time that a cloud schedule ran the script on one instance."""

    number: int
    """1, 2, … in the order in which the chunk recorded them. Tells what has been announced."""
    instance_id: str
    name: str
    repeat: int
    """1, 2, … on this instance, as ECS counts."""
    status: str
    exit_code: int | None = None
    error_code: str = ""
    error_info: str = ""
    dropped: int = 0
    start_time: str = ""
    finish_time: str = ""
    output_head: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The content of one InvokeCommand call. Frozen once its ClientToken has been sent."""

    run_id: str
    number: int
    """1, 2, …"""
    wave: int
    """0, 1, …: the wave whose chunk this is."""
    targets: tuple[Target, ...]
    status: str = "Planned"
    version: int = 1
    cut: int = 1
    """Grows when a refused chunk is cut anew without its unfit targets: another content, another token."""
    invoke_id: str = ""
    invoked_ms: int = 0
    deadline_ms: int = 0
    """When its targets that still have no outcome become Unknown; 0 = not invoked."""
    sent_ms: int = 0
    """When its current token was sent first; 0 = never, as far as this row knows."""
    unit_day: str = ""
    """The day whose unit it took."""
    tries: int = 0
    """Sends of the current token that ended unknown."""
    stopped: tuple[str, ...] = ()
    """Instances for which StopInvocation has been called."""
    rest: int = 0
    """The chunk that took over the targets cut off from this one; 0 = none."""
    plan_no: int = 0
    """The version of the run that planned it; an older planner cannot overwrite a newer one's rows."""
    counted_day: str = ""
    """Of a chunk that the plan did not have: the day of the run's caller that its call is counted in."""
    repetitions: tuple[Repetition, ...] = ()
    """Of a cloud schedule: recorded ones that may not have been announced yet."""
    repeated: int = 0
    """How many it has recorded: the number of the last one."""
    schema: int = SCHEMA

    @property
    def chunk_id(self) -> str:
        """Also the ClientToken: at most 64 ASCII characters (InvokeCommand page, 2025-12)."""
        return f"{self.run_id}-{self.number:05d}-{self.cut}"


@dataclass(frozen=True, slots=True)
class Run:
    """The head row of a run: all that is needed to know what to do next, without reading its chunks."""

    run_id: str
    request_id: str
    request: InvokeRequest | None
    """None only for a message that could not be read as a request: it is rejected (`refusal`)."""
    body_hash: str
    """Of the request's meaning; the same requestId with another hash is refused."""
    region: str
    accepted_ms: int
    status: str = "Accepted"
    version: int = 1
    holder: str = ""
    """Who wrote this version: settles a write whose answer was lost."""
    lease_until_ms: int = 0
    due_ms: int = 0
    """When the next advance is due; 0 = never: the run has ended and all its events are out."""
    wakeup_no: int = 0
    attempts: int = 0
    """Claims since the last committed advance: counted by the claim, so a crash uses one up."""
    planned_chunks: int = 0
    extra: tuple[int, ...] = ()
    """Numbers of the chunks that were cut off from others after planning."""
    opened: int = 0
    """Planned chunks 1..opened have been taken up."""
    active: Mapping[int, int] = field(default_factory=dict)
    """Chunks taken up and not yet closed: number → how many of their outcomes have been announced."""
    sending: tuple[int, ...] = ()
    """Intent: these chunks may be being sent right now. Left over from a crash = outcome unknown."""
    sending_ms: int = 0
    """When that intent was written."""
    wave_ends: tuple[int, ...] = ()
    """Last planned chunk of each wave."""
    included: int = 0
    """Targets that passed preflight: what the percentages of rate control refer to."""
    requested: int = 0
    excluded: int = 0
    """Targets left out at planning (later ones stand in their chunk)."""
    closed_counts: Mapping[str, int] = field(default_factory=dict)
    """Targets per outcome, over the excluded and the chunks that are closed."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Targets per status over the whole run; sums to `requested` from planning on."""
    grants: Mapping[str, int] = field(default_factory=dict)
    """Units held, by day (YYYY-MM-DD in UTC+8)."""
    spent: Mapping[str, int] = field(default_factory=dict)
    """Of these, units of calls that were or may have been sent."""
    deferred_to: str = ""
    """The day for whose units the remaining chunks wait; "" = not deferred."""
    command_id: str = ""
    command_owned: bool = False
    """We created the command for this run and delete it at its end."""
    halted: str = ""
    """Why nothing new starts any more: one of transitions.HALTS; "" = it may."""
    stops_seen: int = 0
    """Stop marks that have been taken into account."""
    refusal: Mapping[str, str] = field(default_factory=dict)
    """Of a message that could not be read as a request: code, field and message."""
    reason: str = ""
    """Why the run was rejected or cut short; "" = ran its course."""
    width: int = 0
    """Concurrent calls that went well last time; 0 = not known yet."""
    backoff_ms: int = 0
    backoff_until_ms: int = 0
    """Nothing is sent before, however often the run is looked at meanwhile."""
    poll_ms: int = 0
    outcome_ms: int = 0
    """When an outcome was last recorded."""
    event_seq: int = 0
    """Events 1..event_seq exist."""
    event_sent: int = 0
    """Events 1..event_sent are known to have been published."""
    finished_ms: int = 0
    repeated: Mapping[int, int] = field(default_factory=dict)
    """Of a cloud schedule: chunk number → how many of its repetitions have been announced."""
    awaited_ms: int = 0
    """Of a cloud schedule: the firing whose repetitions are being waited for."""
    repeats_before: int = 0
    """Of a cloud schedule: repetitions over all targets that were known before that firing."""
    allowed: Allowed = UNBOUND
    """Who asked for it, and the bounds that planning must keep."""
    schema: int = SCHEMA

    @property
    def is_repeating(self) -> bool:
        """Cloud Assistant runs it again and again: it stays Scheduled until it is stopped or its time is over."""
        return self.request is not None and self.request.schedule is not None

    def next(self, **changes: object) -> Run:
        """This run as its next version."""
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class StopMark:
    """A stop request, put beside the run. The run's holder reads it before every send."""

    run_id: str
    request_id: str
    instance_ids: tuple[str, ...]
    """() = the whole run."""
    requested_ms: int


@dataclass(frozen=True, slots=True)
class Event:
    """A fact about a run, numbered without gaps; `body` is the CloudEvents JSON as it is published."""

    run_id: str
    sequence: int
    kind: str
    """e.g. "run.planned"."""
    body: bytes


def run_id_of(request_id: str) -> str:
    """The run of a request: the same for every delivery of it."""
    return "run-" + hashlib.sha256(request_id.encode()).hexdigest()[:20]


def rejection_id_of(message_id: str) -> str:
    """The row of a rejected message: the same for every delivery of it."""
    return "rej-" + hashlib.sha256(message_id.encode()).hexdigest()[:20]
