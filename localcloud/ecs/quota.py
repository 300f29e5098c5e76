"""The day's invocations of each region: counted per call, until midnight UTC+8."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.clock import Clock
from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import DAY_MS, Limits
from localcloud.journal import Journal

QUOTA = "ecs.quota"


@dataclass(frozen=True, slots=True)
class Spent:
    """What a region has used of a day. `limit` None: the one of `Limits`."""

    day: int
    used: int
    limit: int | None = None


class DailyQuota:
    """What the attribute max-axt-invocation-daily stands for."""

    def __init__(self, *, clock: Clock, journal: Journal, limits: Limits) -> None:
        self._clock = clock
        self._journal = journal
        self._limits = limits
        self._spent = dict(journal.load(QUOTA, Spent))

    def limit(self, region: str) -> int:
        own = self._of_today(region).limit
        return self._limits.invocations_per_day if own is None else own

    def used(self, region: str) -> int:
        return self._of_today(region).used

    def check(self, region: str) -> None:
        """Raises Invocation.ExceedQuota when nothing is left today."""
        if self.used(region) >= self.limit(region):
            raise EcsError(
                "Invocation.ExceedQuota", f"The region has used its {self.limit(region)} invocations of today."
            )

    def spend(self, region: str) -> None:
        today = self._of_today(region)
        self._put(region, Spent(today.day, today.used + 1, today.limit))

    def set_limit(self, region: str, limit: int | None) -> None:
        """Control: another limit for this region; None: that of `Limits` again."""
        today = self._of_today(region)
        self._put(region, Spent(today.day, today.used, limit))

    def _of_today(self, region: str) -> Spent:
        day = (self._clock.now_ms() + self._limits.day_offset_ms) // DAY_MS
        spent = self._spent.get(region, Spent(day, 0))
        return spent if spent.day == day else Spent(day, 0, spent.limit)

    def _put(self, region: str, spent: Spent) -> None:
        self._spent[region] = spent
        self._journal.put(QUOTA, region, spent)
