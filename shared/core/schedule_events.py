"""Events of a schedule: CloudEvents like those of a run, numbered per schedule without gaps; the subject is its id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from shared.core.days import iso
from shared.core.schedule import Said, Schedule, Start, run_id_in, time_of

TYPES = ("schedule.fired", "schedule.missed")
"""The prefix `fleetrun.` comes on the wire."""


def fired(start: Start, *, fire_ms: int, by_hand: bool = False) -> tuple[str, dict[str, Any]]:
    return (
        "schedule.fired",
        {
            "fireTime": time_of(fire_ms),
            "runId": run_id_in(start),
            "runRequestId": start.request_id,
            "byHand": by_hand,
        },
    )


def missed(times_ms: Sequence[int], *, reason: str, more: bool = False) -> tuple[str, dict[str, Any]]:
    """Firings that were let go. `more`: there were further ones, which nobody counted."""
    return (
        "schedule.missed",
        {
            "reason": reason,
            "count": len(times_ms),
            "more": more,
            "first": time_of(times_ms[0]),
            "last": time_of(times_ms[-1]),
        },
    )


def said(schedule: Schedule, drafts: Sequence[tuple[str, dict[str, Any]]], *, now_ms: int) -> tuple[Said, ...]:
    """The drafts as the schedule's next events."""
    return tuple(
        Said(number, kind, now_ms, data) for number, (kind, data) in enumerate(drafts, start=schedule.event_seq + 1)
    )


def encode(schedule: Schedule, event: Said, *, account_id: str) -> bytes:
    """The same bytes each time."""
    assert event.kind in TYPES, event.kind
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": f"{schedule.schedule_id}:{event.sequence:08d}",
            "source": f"acs:fleetrun:{schedule.region}:{account_id}",
            "type": f"fleetrun.{event.kind}",
            "subject": schedule.schedule_id,
            "time": iso(event.at_ms),
            "sequence": f"{event.sequence:08d}",
            "datacontenttype": "application/json",
            "data": {"scheduleId": schedule.schedule_id, "requestId": schedule.name, **event.data},
        }
    )
