"""When an expression fires: from a moment on, in order, with what the change to and from summer time does to it.

Strategy: croniter computes wall times of plain cron expressions; an expression is a union of such, one for each way of
naming a day, and what croniter lacks or reads otherwise (working days, years) is filtered here. A wall time is turned
into an instant once: in the hour that comes twice the first time, in the hour that is left out as if the clock had
not been changed. Cloud Assistant's agent also takes one of the two, and does not say which.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from heapq import merge
from itertools import pairwise

from shared.core import limits
from shared.core.cron import At, Cron, Expression, Rate, zone_of
from shared.core.cron_fields import LAST_OF_MONTH, Values, refusal

GAP, DOUBLE = "gap", "double"
_DAY_S = 86_400
_ALL_MS = -(10**15)
"""Long before any year that an expression can name."""


@dataclass(frozen=True, slots=True)
class Fire:
    """One firing."""

    at_ms: int
    wall: datetime
    """As the clocks of the expression's zone show it; naive. In a gap: the time that no clock shows."""
    note: str = ""
    """GAP: that wall time is left out on that day. DOUBLE: it comes twice, this is the first."""


def fires(expression: Expression, *, after_ms: int, created_ms: int | None = None) -> Iterator[Fire]:
    """All firings strictly after `after_ms`, in order. A rate counts from `created_ms` (default: `after_ms`)."""
    if isinstance(expression, Rate):
        return _of_rate(expression, after_ms, after_ms if created_ms is None else created_ms)
    zone = zone_of(expression.zone)
    if isinstance(expression, At):
        return iter([fire for fire in _placed(iter([expression.wall]), zone) if fire.at_ms > after_ms])
    start = _wall_before(after_ms, zone)
    return (fire for fire in _placed(_walls(expression, start), zone) if fire.at_ms > after_ms)


def next_ms(expression: Expression, *, after_ms: int, created_ms: int | None = None) -> int | None:
    """The next firing strictly after `after_ms`; None = never again."""
    found = next(fires(expression, after_ms=after_ms, created_ms=created_ms), None)
    return None if found is None else found.at_ms


def check_future(expression: Expression, *, now_ms: int) -> None:
    """Raises Refused when the expression never fires (again), and says which of the two."""
    if isinstance(expression, Rate) or next_ms(expression, after_ms=now_ms) is not None:
        return
    if isinstance(expression, Cron) and next(_walls(expression, datetime(1970, 1, 1)), None) is None:  # noqa: DTZ001
        raise refusal(f'"{expression.text}" never fires: no day of the calendar is like that', code="ImpossibleDate")
    raise refusal(f'"{expression.text}" is over: it has no time left to fire', code="ExpressionExpired")


def check_period(expression: Expression, *, timeout_s: int | None) -> None:
    """Raises Refused when firings come closer together than Cloud Assistant allows, or than the script may run."""
    period_s = shortest_period_s(expression)
    if period_s is None:
        return
    if isinstance(expression, Cron) and period_s < limits.CRON_PERIOD_S_MIN:
        raise refusal(
            f'"{expression.text}" fires {period_s} s after it has fired; it must be at least '
            f"{limits.CRON_PERIOD_S_MIN} s: write 0/10 as the second, or one second"
        )
    is_short = timeout_s is not None and (
        period_s <= timeout_s if isinstance(expression, Rate) else period_s < timeout_s
    )
    if is_short:
        raise refusal(
            f'"{expression.text}" fires {period_s} s after it has fired, and the script may run {timeout_s} s: '
            "make the timeout shorter, or the period longer"
        )


@lru_cache(maxsize=256)
def shortest_period_s(expression: Expression) -> int | None:
    """The least time between two firings by the clocks of the zone; a day stands for anything longer. None = once."""
    if isinstance(expression, At):
        return None
    if isinstance(expression, Rate):
        return expression.period_s
    within = _least_gap(expression.seconds.values)
    if within < limits.CRON_PERIOD_S_MIN:
        return within  # nothing that follows makes it better, and a day may have 86,400 times
    times = _times_of_day(expression)
    least, over_midnight = _least_gap(times), times[0] + _DAY_S - times[-1]
    return over_midnight if over_midnight < least and _has_consecutive_days(expression) else least


def _least_gap(values: Sequence[int]) -> int:
    return min((high - low for low, high in pairwise(values)), default=_DAY_S)


def fires_per_day_max(expression: Expression) -> int:
    """More firings than this no 24 hours have."""
    if isinstance(expression, At):
        return 1
    if isinstance(expression, Rate):
        return -(-_DAY_S // expression.period_s)
    return len(expression.seconds.values) * len(expression.minutes.values) * len(expression.hours.values)


def _times_of_day(expression: Cron) -> list[int]:
    return [
        hour * 3_600 + minute * 60 + second
        for hour in expression.hours.values
        for minute in expression.minutes.values
        for second in expression.seconds.values
    ]


def _has_consecutive_days(expression: Cron) -> bool:
    """Whether it fires on two days in a row on the first 400 days of firing since 2000."""
    before: datetime | None = None
    days = _walls(_once_a_day(expression), datetime(2000, 1, 1))  # noqa: DTZ001
    for wall, _ in zip(days, range(400), strict=False):
        if before is not None and wall - before == timedelta(days=1):
            return True
        before = wall
    return False


def _once_a_day(expression: Cron) -> Cron:
    noon = Values((0,), is_free=False)
    return replace(expression, seconds=noon, minutes=noon, hours=noon)


# -- rate -------------------------------------------------------------------------------------------------------------
def _of_rate(rate: Rate, after_ms: int, created_ms: int) -> Iterator[Fire]:
    period_ms = rate.period_s * 1000
    count = max(1, (after_ms - created_ms) // period_ms + 1)
    while True:
        at_ms = created_ms + count * period_ms
        yield Fire(at_ms, datetime(1970, 1, 1) + timedelta(milliseconds=at_ms))  # noqa: DTZ001  UTC
        count += 1


# -- wall times and instants ------------------------------------------------------------------------------------------
def _wall_before(after_ms: int, zone: tzinfo) -> datetime:
    """A wall time from which on no later instant is missed: by the earlier of the two offsets around a change."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=after_ms // 1000)
    offsets = [_offset_at(moment - timedelta(hours=back), zone) for back in (0, 26)]
    return moment.replace(tzinfo=None) + min(offsets)


def _offset_at(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _placed(walls: Iterator[datetime], zone: tzinfo) -> Iterator[Fire]:
    """Wall times in order → instants in order, each once."""
    held: list[Fire] = []
    last_ms = _ALL_MS
    for wall in walls:
        fire = _instant_of(wall, zone)
        if fire.note == GAP:
            held.append(fire)  # the clock's later times are earlier instants: they go first
            continue
        ready, held = [each for each in held if each.at_ms < fire.at_ms], [e for e in held if e.at_ms >= fire.at_ms]
        for each in (*ready, fire):
            if each.at_ms > last_ms:
                last_ms = each.at_ms
                yield each
    yield from (each for each in held if each.at_ms > last_ms)


def _instant_of(wall: datetime, zone: tzinfo) -> Fire:
    aware = wall.replace(tzinfo=zone)
    moment = aware.astimezone(timezone.utc)
    at_ms = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1) * 1000
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) != wall:
        return Fire(at_ms, wall, GAP)
    is_double = aware.utcoffset() != aware.replace(fold=1).utcoffset()
    return Fire(at_ms, wall, DOUBLE if is_double else "")


# -- wall times of a cron expression -----------------------------------------------------------------------------------
def _walls(cron: Cron, start: datetime) -> Iterator[datetime]:
    """Wall times after `start`, in order, each once."""
    last: datetime | None = None
    for wall in merge(*(_of_years(cron, day, week_day, start) for day, week_day in _day_fields(cron))):
        if wall != last and _is_wanted_day(cron, wall.date()):
            yield wall
        last = wall


def _day_fields(cron: Cron) -> list[tuple[str, str]]:
    """Day fields of plain expressions whose union holds every day that may match."""
    days, week = cron.month_days, cron.week_days
    if days.is_free and week.is_free:
        return [("*", "*")]
    found: list[tuple[str, str]] = []
    if not days.is_free:
        near = {day + off for day in days.nearest_workdays for off in range(-2, 3) if 1 <= day + off <= 31}
        plain = {*days.values, *near, *(range(26, 32) if days.has_last_workday else ())}
        found += [(_listed(sorted(plain)), "*")] if plain else []
        found += [("L", "*")] if days.has_last_day else []
    if not week.is_free:
        found += [("*", _listed(week.values))] if week.values else []
        found += [("*", f"L{day}" if number == LAST_OF_MONTH else f"{day}#{number}") for day, number in week.numbered]
    return found


def _of_years(cron: Cron, day: str, week_day: str, start: datetime) -> Iterator[datetime]:
    """One plain expression by croniter, in the years that are wanted."""
    from croniter import CroniterBadDateError, croniter  # late: 40 ms that no other function shall pay for

    plain = " ".join(
        (
            _listed(cron.seconds.values), _listed(cron.minutes.values), _listed(cron.hours.values),
            day, _listed(cron.months.values), week_day,
        )
    )  # fmt: skip
    wanted = cron.years.values
    runs = [year for year in wanted if year - 1 not in wanted and year <= wanted[-1]]
    for first in runs:
        end = next(year for year in range(first, wanted[-1] + 2) if year not in wanted)
        begin = max(start, datetime(first, 1, 1) - timedelta(seconds=1))  # noqa: DTZ001
        if begin.year >= end:
            continue
        walk = croniter(plain, begin, ret_type=datetime, second_at_beginning=True)
        try:
            wall = walk.get_next()
            while wall.year < end:
                yield wall
                wall = walk.get_next()
        except CroniterBadDateError:
            continue


def _listed(values: tuple[int, ...] | list[int]) -> str:
    return ",".join(str(value) for value in values)


def _is_wanted_day(cron: Cron, day: date) -> bool:
    """Sorts out the days around a working day that are only candidates."""
    days, week = cron.month_days, cron.week_days
    if not (days.nearest_workdays or days.has_last_workday) or days.is_free:
        return True
    week_day, number = day.isoweekday() % 7, (day.day - 1) // 7 + 1
    last = calendar.monthrange(day.year, day.month)[1]
    if day.day in days.values or (days.has_last_day and day.day == last):
        return True
    if not week.is_free and (
        week_day in week.values
        or (week_day, number) in week.numbered
        or ((week_day, LAST_OF_MONTH) in week.numbered and day.day + 7 > last)
    ):
        return True
    nearest = {_nearest_workday(day.replace(day=near), last) for near in days.nearest_workdays if near <= last}
    if days.has_last_workday:
        nearest.add(_nearest_workday(day.replace(day=last), last))
    return day.day in nearest


def _nearest_workday(day: date, last: int) -> int:
    """Never in another month: a Saturday the 1st moves to Monday the 3rd, a Sunday at the end to the Friday before."""
    if day.weekday() == 5:
        return day.day - 1 if day.day > 1 else 3
    if day.weekday() == 6:
        return day.day + 1 if day.day < last else day.day - 2
    return day.day
