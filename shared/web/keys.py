"""/v1/keys and /v1/audit: who may come in, and who did what. For admins."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from shared.app.keys import add_key, list_keys, revoke_key
from shared.app.trail import read_trail
from shared.core.access import Grant
from shared.core.audit import AuditEntry
from shared.core.days import DAY_MS, iso
from shared.core.errors import Refused
from shared.core.keys import KeyRow
from shared.web.bodies import read
from shared.web.messages import Answer, Call
from shared.web.queries import Cursor, Day, PerPage, Query, check_day, cursor_of, read_cursor, read_day_cursor

EXPIRES_DAYS_MAX = 3_650
"""Ours: ten years."""


class KeyBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    grant: Grant
    expires_in_days: Annotated[int, Meta(ge=1, le=EXPIRES_DAYS_MAX)] | None = None
    """Absent: never."""


class KeyView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    key_id: str
    grant: Grant
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None


class NewKeyView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    key: str
    """Shown this once."""
    stored: KeyView


class KeyPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    keys: list[KeyView]
    next: str | None


class AuditPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first."""

    entries: list[AuditEntry]
    next: str | None
    """`cursor` of the next page of the same day; null: that was all."""


class PageQuery(Query, frozen=True, kw_only=True):
    limit: PerPage = 100
    cursor: Cursor | None = None


class AuditQuery(PageQuery, frozen=True, kw_only=True):
    day: Day | None = None
    """A day (UTC+8); default: the last 31."""
    caller: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    """A key's id, "queue", or "hook:<name>"."""
    subject: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    """A run, schedule, key, hook or subscription."""


def add(call: Call) -> Answer:
    body = read(call.body, KeyBody)
    now_ms = call.scope.ports.clock.now_ms()
    expires_ms = 0 if body.expires_in_days is None else now_ms + body.expires_in_days * DAY_MS
    made = add_key(call.scope.ports, call.caller, grant=body.grant, expires_ms=expires_ms, entry_id=call.call_id)
    return Answer(NewKeyView(key=made.text, stored=view(made.row)), 201)


def list_page(call: Call) -> Answer:
    query = call.query
    assert isinstance(query, PageQuery)
    after = (read_cursor(query.cursor, tuple[str]) or ("",))[0]
    found = list_keys(call.scope.ports, after=after, limit=query.limit + 1)
    more = len(found) > query.limit
    shown = found[: query.limit]
    return Answer(KeyPage(keys=[view(row) for row in shown], next=cursor_of(shown[-1].key_id) if more else None))


def revoke(call: Call) -> Answer:
    return Answer(view(revoke_key(call.scope.ports, call.caller, call.names["keyId"], entry_id=call.call_id)))


def audit(call: Call) -> Answer:
    query = call.query
    assert isinstance(query, AuditQuery)
    day, after = read_day_cursor(query.cursor) or (check_day(query.day) or "", "")
    if query.day is not None and day != query.day:
        raise Refused("?cursor is of another day than ?day", code="BadQuery", field="?cursor")
    found = read_trail(
        call.scope.ports,
        day=day,
        after=after,
        limit=query.limit + 1,
        caller=query.caller or "",
        subject=query.subject or "",
    )
    shown = found[: query.limit]
    # Without a day, the page ends where the day of its last entry goes on.
    more = cursor_of(shown[-1][0], shown[-1][1]) if len(found) > query.limit else None
    return Answer(AuditPage(entries=[entry for _, _, entry in shown], next=more))


def view(row: KeyRow) -> KeyView:
    return KeyView(
        key_id=row.key_id,
        grant=row.grant,
        created_at=iso(row.created_ms),
        created_by=row.created_by,
        expires_at=iso(row.expires_ms) if row.expires_ms else None,
        revoked_at=iso(row.revoked_ms) if row.revoked_ms else None,
    )
