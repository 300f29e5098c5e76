"""UsageLedger on Tablestore. Table usage (caller, day): `used`, and one column `run_…` for each run in it.

As the region's quota: ONE conditional update of one row, so that nothing overshoots and a repeat changes nothing.
"""

from __future__ import annotations

from shared.adapters.tablestore_calls import TableCalls
from shared.adapters.tablestore_writes import Key, Where, Write

USAGE = "usage"
_NEVER = -1
"""No run has fewer than 0 units: equal to it, or missing, means missing."""


class TableUsageLedger:
    """Raises Unavailable and, when it writes, UnknownOutcome."""

    def __init__(self, calls: TableCalls) -> None:
        self._calls = calls

    def charge(self, caller: str, day: str, run_id: str, *, units: int, limit: int) -> bool:
        if units > limit:
            # A row that does not exist yet has no `used` to compare with.
            return False
        column = _column(run_id)
        return self._calls.write(
            Write(
                "update",
                USAGE,
                _key(caller, day),
                {column: units},
                increments={"used": units},
                where=(
                    Where(column, "==", _NEVER, pass_if_missing=True),
                    Where("used", "<=", limit - units, pass_if_missing=True),
                ),
            )
        )

    def used(self, caller: str, day: str, run_id: str) -> tuple[int, int | None]:
        column = _column(run_id)
        found = self._calls.get(USAGE, _key(caller, day), columns=("used", column)) or {}
        return int(found.get("used", 0)), found.get(column)


def _key(caller: str, day: str) -> Key:
    return (("caller", caller), ("day", day))


def _column(run_id: str) -> str:
    # Column names hold letters, digits and underscores.
    return run_id.replace("-", "_")
