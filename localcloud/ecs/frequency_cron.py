"""When a cron expression fires next.

Local times are counted on the calendar of the zone and then placed in UTC the way Go's time.Date does it, because the
agent is written in Go: an hour that is left out is moved, one that comes twice counts once.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

from localcloud.ecs import frequency_fields as fields
from localcloud.ecs.frequency_fields import Days, Dialect

SATURDAY, SUNDAY = 6, 0
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a local time on purpose


@dataclass(frozen=True, slots=True)
class Cron:
    """All fields are sorted and, but for the years, not empty."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Days
    months: tuple[int, ...]
    years: tuple[int, ...]
    zone: tzinfo

    def next_after(self, ms: int) -> int | None:
        """The first time after `ms` (epoch, UTC), in milliseconds; None: never again."""
        instant = datetime.fromtimestamp(ms // 1000, self.zone)
        for moment in self._after(instant.replace(tzinfo=None)):
            placed_ms = utc_ms(moment, self.zone)
            if placed_ms > ms:
                return placed_ms
        return None

    def _after(self, start: datetime) -> Iterator[datetime]:
        """Local times that match, from the second after `start`."""
        first_day = start.date()
        for year in self.years:
            if year < first_day.year:
                continue
            for month in self.months:
                if (year, month) < (first_day.year, first_day.month):
                    continue
                for day in days_of(self.days, year, month):
                    if (year, month, day) == (first_day.year, first_day.month, first_day.day):
                        yield from self._times(year, month, day, (start.hour, start.minute, start.second))
                    elif (year, month, day) > (first_day.year, first_day.month, first_day.day):
                        yield from self._times(year, month, day, (-1, -1, -1))

    def _times(self, year: int, month: int, day: int, after: tuple[int, int, int]) -> Iterator[datetime]:
        for hour in self.hours:
            if hour < after[0]:
                continue
            for minute in self.minutes:
                if (hour, minute) < after[:2]:
                    continue
                for second in self.seconds:
                    if (hour, minute, second) > after:
                        yield datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  local


def read_cron(text: str, *, year: str, zone: tzinfo, dialect: Dialect) -> Cron:
    """`text`: the six fields from second to day of week. Raises BadField."""
    second, minute, hour, day, month, weekday = text.split()
    return Cron(
        seconds=fields.values(second, fields.SECOND, dialect),
        minutes=fields.values(minute, fields.MINUTE, dialect),
        hours=fields.values(hour, fields.HOUR, dialect),
        days=fields.days(day, weekday, dialect),
        months=fields.values(month, fields.MONTH, dialect),
        years=fields.values("*" if year == "?" else year, fields.YEAR, dialect),
        zone=zone,
    )


def days_of(days: Days, year: int, month: int) -> list[int]:
    """The days of one month. Both fields restricted: the days that either of them means."""
    weekday_of_first = (calendar.weekday(year, month, 1) + 1) % 7
    length = calendar.monthrange(year, month)[1]
    if days.is_day_free and days.is_weekday_free:
        return list(range(1, length + 1))
    found: set[int] = set()
    if not days.is_day_free:
        found |= _by_day(days, weekday_of_first, length)
    if not days.is_weekday_free:
        found |= _by_weekday(days, weekday_of_first, length)
    return sorted(found)


def _by_day(days: Days, weekday_of_first: int, length: int) -> set[int]:
    found = {day for day in days.days if day <= length}
    found |= {_workday(day, weekday_of_first, length) for day in days.workdays if day <= length}
    if days.has_last_day:
        found.add(length)
    if days.has_last_workday:
        found.add(_workday(length, weekday_of_first, length))
    return found


def _by_weekday(days: Days, weekday_of_first: int, length: int) -> set[int]:
    found: set[int] = set()
    for day in range(1, length + 1):
        weekday = (weekday_of_first + day - 1) % 7
        is_last = weekday in days.last_weekdays and day + 7 > length
        is_nth = (weekday, (day - 1) // 7 + 1) in days.nth_weekdays
        if weekday in days.weekdays or is_last or is_nth:
            found.add(day)
    return found


def _workday(day: int, weekday_of_first: int, length: int) -> int:
    """The day from Monday to Friday that is nearest, within the month."""
    weekday = (weekday_of_first + day - 1) % 7
    if weekday == SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == SUNDAY:
        return day + 1 if day < length else day - 2
    return day


def utc_ms(local: datetime, zone: tzinfo) -> int:
    """The rule of Go's time.Date: the offset that holds where the local time lies on UTC; if another one holds at the
    time which that gives, that one."""
    as_if_utc_s = int((local - EPOCH).total_seconds())
    offset_s = _offset_s(as_if_utc_s, zone)
    if offset_s:
        offset_s = _offset_s(as_if_utc_s - offset_s, zone)
    return (as_if_utc_s - offset_s) * 1000


def _offset_s(utc_s: int, zone: tzinfo) -> int:
    offset = (datetime.fromtimestamp(0, timezone.utc) + timedelta(seconds=utc_s)).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
