"""AuditTrail on Tablestore. Table audit (day, position); newest first, because the position counts down.

There is no way here to change or delete a line, and the role of the functions has no action for it either.
"""

from __future__ import annotations

import hashlib

import msgspec

from shared.adapters.tablestore_calls import TableCalls
from shared.adapters.tablestore_writes import Key, Value, Write
from shared.core.audit import AuditEntry
from shared.core.days import day_of
from shared.core.model import SCHEMA

AUDIT = "audit"
_LATEST_MS = 9_999_999_999_999
_END = "~"


class TableAuditTrail:
    """Raises Unavailable and, when it writes, UnknownOutcome."""

    def __init__(self, calls: TableCalls) -> None:
        self._calls = calls

    def append(self, entry: AuditEntry) -> None:
        columns: dict[str, Value] = {"schema": SCHEMA, "body": msgspec.json.encode(entry).decode()}
        # Not won: the same entry, at the same millisecond, is there. That is all that was wanted.
        self._calls.write(Write("put", AUDIT, _key(entry), columns, exists=False))

    def entries(self, day: str, *, after: str, limit: int) -> list[tuple[str, AuditEntry]]:
        start, end = (("day", day), ("position", after)), (("day", day), ("position", _END))
        found = self._calls.get_range(AUDIT, start, end, limit=limit + 1)
        return [
            (key["position"], msgspec.json.decode(str(columns["body"]).encode(), type=AuditEntry))
            for key, columns in found
            if key["position"] != after
        ][:limit]


def _key(entry: AuditEntry) -> Key:
    name = hashlib.sha256(f"{entry.entry_id}\n{entry.action}\n{entry.result}".encode()).hexdigest()[:16]
    return (("day", day_of(entry.at_ms)), ("position", f"{_LATEST_MS - entry.at_ms:013d}-{name}"))
