"""trail: what is done, and what is refused, is entered before it is done; and read again by an admin."""

from __future__ import annotations

from shared.core.access import Caller
from shared.core.audit import AuditEntry, deed
from shared.core.days import DAY_MS, day_of
from shared.core.errors import Refused
from shared.ports import Ports

DAYS_MAX = 31
"""Ours: days that one question looks through."""


def enter(
    ports: Ports, caller: Caller, action: str, *, entry_id: str, subject: str = "", refusal: Refused | None = None
) -> None:
    """Raises Unavailable and UnknownOutcome: then nothing may be done, because it would be in no trail."""
    if ports.access is not None:
        now_ms = ports.clock.now_ms()
        ports.access.audit.append(
            deed(caller, action, at_ms=now_ms, entry_id=entry_id, subject=subject, refusal=refusal)
        )


def read_trail(
    ports: Ports, *, day: str = "", after: str = "", limit: int = 100, caller: str = "", subject: str = ""
) -> list[tuple[str, str, AuditEntry]]:
    """Day, position and entry, newest first: of `day` (UTC+8) beyond `after`; without one, of the last DAYS_MAX days.

    `caller` and `subject` narrow what is answered. A page may be shorter than `limit`, and is empty only at the end.
    """
    assert ports.access is not None, "a deployment with a trail has access"
    now_ms = ports.clock.now_ms()
    days = [day] if day else [day_of(now_ms - ago * DAY_MS) for ago in range(DAYS_MAX)]
    found: list[tuple[str, str, AuditEntry]] = []
    for each in days:
        position = after if each == day else ""
        while len(found) < limit:
            page = ports.access.audit.entries(each, after=position, limit=limit)
            found += [(each, at, entry) for at, entry in page if _is_wanted(entry, caller, subject)]
            if len(page) < limit:
                break
            position = page[-1][0]
        if len(found) >= limit:
            break
    return found[:limit]


def _is_wanted(entry: AuditEntry, caller: str, subject: str) -> bool:
    return (not caller or entry.caller == caller) and (not subject or entry.subject == subject)
