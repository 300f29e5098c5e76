"""What Cloud Assistant does with RepeatMode=Period, in memory: fires by the clock, skips a firing while the one before
still runs, counts, remembers. Fire times come from the brute force of tests/unit/cron_oracle.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from shared.core.model import Result
from tests.app.memory_ending import Ending
from tests.unit import cron_oracle

HORIZON = timedelta(days=8)
UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass
class Repeats:
    """A Period invocation. `ending(instance, repeat)` scripts each repetition."""

    frequency: str
    created_ms: int
    ending: Callable[[str, int], Ending]
    kept: int = 10_000
    """So many records of each instance does history keep."""
    _endings: dict[tuple[str, int], Ending] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fires_ms, self.is_over_after = _fires(self.frequency, self.created_ms)

    def records(self, instance_id: str, *, until_ms: int, stopped_ms: int | None) -> list[tuple[int, int, Ending]]:
        """(repeat, started, ending) of every repetition that has begun."""
        found: list[tuple[int, int, Ending]] = []
        free_ms = 0
        for fire_ms in self.fires_ms:
            if fire_ms > until_ms or (stopped_ms is not None and fire_ms >= stopped_ms):
                break
            if fire_ms < free_ms:
                continue  # the one before still runs: skipped, not queued
            repeat = len(found) + 1
            ending = self._endings.setdefault((instance_id, repeat), self.ending(instance_id, repeat))
            free_ms = fire_ms + ending.after_ms
            found.append((repeat, fire_ms, ending))
        return found

    def result(self, instance_id: str, *, now_ms: int, stopped_ms: int | None, with_output: bool) -> Result:
        """The row of an instance: the latest repetition, and Scheduled between two."""
        records = self.records(instance_id, until_ms=now_ms, stopped_ms=stopped_ms)
        if not records:
            return _result(instance_id, 0, "Cancelled" if stopped_ms is not None else "Scheduled", None, with_output)
        repeat, started_ms, ending = records[-1]
        ended_ms = started_ms + ending.after_ms
        if stopped_ms is not None:
            status = "Terminated" if stopped_ms < ended_ms else "Cancelled"
            return _result(instance_id, repeat, status, None, with_output)
        if now_ms < ended_ms:
            return _result(instance_id, repeat, "Running", None, with_output)
        is_over = self.is_over_after is not None and now_ms >= self.is_over_after
        status = ending.status if is_over else "Scheduled"
        return _result(instance_id, repeat, status, ending, with_output)

    def history(self, instance_id: str, *, now_ms: int, stopped_ms: int | None) -> list[Result]:
        """Ended repetitions, newest first, as many as are kept."""
        records = self.records(instance_id, until_ms=now_ms, stopped_ms=stopped_ms)
        ended = [
            _result(instance_id, repeat, ending.status, ending, True)
            for repeat, started_ms, ending in records
            if started_ms + ending.after_ms <= (now_ms if stopped_ms is None else stopped_ms)
        ]
        return ended[::-1][: self.kept]


def _result(instance_id: str, repeat: int, status: str, ending: Ending | None, with_output: bool) -> Result:
    return Result(
        instance_id=instance_id,
        status=status,
        exit_code=ending.exit_code if ending else None,
        error_code=ending.error_code if ending else "",
        error_info="",
        dropped=ending.dropped if ending else 0,
        start_time="",
        finish_time="",
        output=(ending.output if ending else b"") if with_output else None,
        repeats=repeat,
    )


def _fires(text: str, created_ms: int) -> tuple[list[int], int | None]:
    """Fire times over the horizon; and the last one, if there are none after it."""
    created = datetime.fromtimestamp(created_ms / 1000, timezone.utc)
    rate = re.fullmatch(r"rate\((\d+)([smhd])\)", text)
    if rate:
        period_ms = int(rate.group(1)) * UNITS_S[rate.group(2)] * 1000
        count = int(HORIZON.total_seconds() * 1000) // period_ms
        return [created_ms + number * period_ms for number in range(1, count + 1)], None
    once = re.fullmatch(r"at\((\S+ \S+) (\S+)\)", text)
    if once:
        wall = datetime.strptime(once.group(1), "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(once.group(2)))
        at_ms = int(wall.timestamp()) * 1000
        return [at_ms], at_ms
    fields, _, zone = text.rpartition(" ")
    times = cron_oracle.fires(fields, ZoneInfo(zone), after=created, until=created + HORIZON)
    fires_ms = [int(moment.timestamp()) * 1000 for moment in times]
    is_finite = (
        len(fields.split()) == 7
        and fires_ms
        and created_ms + HORIZON.total_seconds() * 1000 > fires_ms[-1] + 86_400_000
    )
    return fires_ms, fires_ms[-1] if is_finite else None
