"""A managed schedule as a value: what it repeats, when it looks next, and what it has decided and not yet done.

Strategy: one row holds it all, and each step is one conditional write of that row. A step first writes down what it has
decided (`starts`, `stops`, `says`), then does it, then writes that it is done: a crash in between does it again, and
everything that is done twice is recognised by its id. So each firing is decided once, whatever comes twice or late.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

import msgspec

from shared.core.access import UNBOUND, Allowed
from shared.core.errors import Refused
from shared.core.model import SCHEMA, run_id_of
from shared.core.requests import InvokeRequest
from shared.core.schedule_spec import ScheduleSpec

STATUSES: Mapping[str, frozenset[str]] = {
    "Active": frozenset({"Paused", "Ended", "Removed"}),
    # nothing fires; what would have fired meanwhile counts as missed once it goes on
    "Paused": frozenset({"Active", "Ended", "Removed"}),
    # no firing is left, until an update gives it some
    "Ended": frozenset({"Active", "Removed"}),
    # the row stays, so that a repeated message does not bring the schedule back; a new request, or an update, does
    "Removed": frozenset({"Active"}),
}
"""Which status may follow which."""


@dataclass(frozen=True, slots=True)
class Start:
    """A firing that shall become a run."""

    request_id: str
    """Of the run: the same for each repetition of the same firing."""


@dataclass(frozen=True, slots=True)
class Said:
    """An event of the schedule that has its number."""

    sequence: int
    kind: str
    at_ms: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Schedule:
    schedule_id: str
    name: str
    """The requestId of the request that made it."""
    request: InvokeRequest
    """What each firing runs; its `schedule` says when."""
    body_hash: str
    region: str
    created_ms: int
    status: str = "Active"
    version: int = 1
    next_ms: int = 0
    """The firing that is decided next; 0 = none is left."""
    due_ms: int = 0
    """When to look next: `next_ms` with its jitter, or earlier while a firing waits; 0 = never."""
    last_run_id: str = ""
    """The run that was started last; "overlap" asks for it."""
    waiting: tuple[int, ...] = ()
    """Firings that wait until that run has ended, oldest first."""
    starts: tuple[Start, ...] = ()
    """Decided and not yet known to be done: runs to start …"""
    stops: tuple[str, ...] = ()
    """… run ids to stop …"""
    says: tuple[Said, ...] = ()
    """… and events to publish."""
    event_seq: int = 0
    fired: int = 0
    missed: int = 0
    changes: tuple[str, ...] = ()
    """The last changes, `<requestId> <what>`, so that a late repetition of one does not undo a newer one."""
    allowed: Allowed = UNBOUND
    """Who asked for it, or updated it last, and the bounds that each of its runs must keep."""
    revision: int = 1
    """Of what was asked for: each update makes it one more; firings do not."""
    since_ms: int = 0
    """When its expression came into force, if that is not when it was created: a rate counts from then."""
    decided_ms: int = 0
    """The newest firing that was decided: it stays so, whatever an update or another function's clock says."""
    added: tuple[str, ...] = ()
    """Hashes of the requests that made it, newest last: those messages may come again. Empty in an older row."""
    schema: int = SCHEMA

    @property
    def spec(self) -> ScheduleSpec:
        assert self.request.schedule is not None, f"{self.schedule_id} repeats nothing"
        return self.request.schedule

    @property
    def in_force_ms(self) -> int:
        return self.since_ms or self.created_ms

    @property
    def made_by(self) -> tuple[str, ...]:
        return self.added or (self.body_hash,)

    @property
    def is_settled(self) -> bool:
        """Everything that was decided is done."""
        return not (self.starts or self.stops or self.says)

    def next(self, **changes: object) -> Schedule:
        """This schedule as its next version."""
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Due:
    """A line of the table `due`: look at this schedule then."""

    minute: str
    schedule_id: str
    due_ms: int
    version: int
    """Of the schedule that it was written for: an older view of the schedule cannot take the line away."""


def due_of(schedule: Schedule) -> Due:
    assert schedule.due_ms, f"{schedule.schedule_id} is never due"
    return Due(minute_of(schedule.due_ms), schedule.schedule_id, schedule.due_ms, schedule.version)


def schedule_id_of(name: str) -> str:
    """The schedule of a request: the same for every delivery of it."""
    return "sch-" + hashlib.sha256(name.encode()).hexdigest()[:20]


def minute_of(at_ms: int) -> str:
    """`2026-01-05T08:30`, UTC: text order is time order."""
    return f"{datetime.fromtimestamp(at_ms // 1000, timezone.utc):%Y-%m-%dT%H:%M}"


def time_of(at_ms: int) -> str:
    """`2026-01-05T08:30:00Z`."""
    return f"{datetime.fromtimestamp(at_ms // 1000, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def request_id_of(schedule: Schedule, fire_ms: int) -> str:
    """Of the run of one firing: a firing that is carried out twice finds its run."""
    return f"{schedule.name}@{time_of(fire_ms)}"


def request_of(schedule: Schedule, start: Start) -> InvokeRequest:
    """What the run of a firing does: the schedule's request, once."""
    return msgspec.structs.replace(schedule.request, request_id=start.request_id, schedule=None)


def run_id_in(start: Start) -> str:
    return run_id_of(start.request_id)


def jitter_ms(schedule: Schedule, fire_ms: int) -> int:
    """How much later than its time a firing comes: whole seconds, always the same for the same firing."""
    seconds = schedule.spec.jitter
    if not seconds:
        return 0
    digest = hashlib.sha256(f"{schedule.schedule_id}@{fire_ms}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (seconds + 1) * 1000


class NoSchedules:
    """Of a deployment without managed schedules: it has none, and takes none."""

    def insert_schedule(self, schedule: Schedule) -> bool:
        raise Refused(f"{schedule.name}: this deployment keeps no schedules", code="NoSchedules", field="schedule.by")

    def read_schedule(self, schedule_id: str) -> Schedule | None:  # noqa: ARG002
        return None

    def update_schedule(self, schedule: Schedule) -> bool:  # noqa: ARG002
        return False

    def schedules(self, *, after: str, limit: int) -> list[Schedule]:  # noqa: ARG002
        return []

    def put_due(self, due: Due) -> None:
        raise Refused(f"{due.schedule_id}: this deployment keeps no schedules", code="NoSchedules")

    def drop_due(self, minute: str, schedule_id: str, *, version: int) -> None:
        pass

    def due(self, *, until: str, limit: int) -> list[Due]:  # noqa: ARG002
        return []
