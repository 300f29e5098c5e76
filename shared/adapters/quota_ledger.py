"""QuotaLedger on Tablestore. Table quota (region, day): `used`, `closed`, and one column `run_…` for each run in it;
`limit`, which the last grant kept to, is there for people.

A grant is ONE conditional update of one row, so any number of requests at once never overshoot, and a repeat changes
nothing: the run's column is then no longer as the condition says.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.adapters.tablestore_calls import TableCalls
from shared.adapters.tablestore_writes import Key, Where, Write
from shared.ports import QuotaRow

QUOTA = "quota"
_NEVER = -1
"""No run holds fewer than 0 units: equal to it, or missing, means missing."""


@dataclass(frozen=True, slots=True)
class QuotaDay:
    """A region's whole day."""

    used: int
    closed: bool
    by_run: dict[str, int]
    """Units held by each run."""
    limit: int | None = None
    """What the functions kept to at the last grant; None before the first one of the day."""


class TableQuotaLedger:
    """Raises Unavailable and, when it writes, UnknownOutcome."""

    def __init__(self, calls: TableCalls) -> None:
        self._calls = calls

    def grant(self, region: str, day: str, run_id: str, *, held: int | None, total: int, limit: int) -> bool:
        more = total - (held or 0)
        assert more > 0, "a grant raises"
        if more > limit:
            # A row that does not exist yet has no `used` to compare with.
            return False
        column = _column(run_id)
        return self._calls.write(
            Write(
                "update",
                QUOTA,
                _key(region, day),
                {column: total, "limit": limit},
                increments={"used": more},
                where=(
                    _holds(column, held),
                    Where("used", "<=", limit - more, pass_if_missing=True),
                    Where("closed", "!=", True, pass_if_missing=True),
                ),
            )
        )

    def give_back(self, region: str, day: str, run_id: str, *, held: int, total: int) -> bool:
        assert 0 <= total < held, "giving back lowers"
        column = _column(run_id)
        return self._calls.write(
            Write(
                "update",
                QUOTA,
                _key(region, day),
                {column: total},
                increments={"used": total - held},
                where=(_holds(column, held),),
            )
        )

    def close_day(self, region: str, day: str) -> None:
        self._calls.write(Write("update", QUOTA, _key(region, day), {"closed": True}))

    def read(self, region: str, day: str, run_id: str) -> QuotaRow:
        column = _column(run_id)
        found = self._calls.get(QUOTA, _key(region, day), columns=("used", "closed", column)) or {}
        return QuotaRow(
            used=int(found.get("used", 0)), closed=bool(found.get("closed", False)), granted=found.get(column)
        )

    def read_day(self, region: str, day: str) -> QuotaDay:
        """All of it, for people."""
        found = self._calls.get(QUOTA, _key(region, day)) or {}
        by_run = {name.replace("_", "-", 1): int(found[name]) for name in sorted(found) if name.startswith("run_")}
        limit = found.get("limit")
        return QuotaDay(
            used=int(found.get("used", 0)),
            closed=bool(found.get("closed", False)),
            by_run=by_run,
            limit=None if limit is None else int(limit),
        )


def _key(region: str, day: str) -> Key:
    return (("region", region), ("day", day))


def _column(run_id: str) -> str:
    """`run-1a2b` → `run_1a2b`: a column's name has no dashes."""
    return run_id.replace("-", "_")


def _holds(column: str, held: int | None) -> Where:
    if held is None:
        return Where(column, "==", _NEVER, pass_if_missing=True)
    return Where(column, "==", held, pass_if_missing=False)
