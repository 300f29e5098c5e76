"""An expression in words, for people who shall not have to know its grammar."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.cron import At, Cron, Expression, Rate
from shared.core.cron_fields import DAY_NAMES, LAST_OF_MONTH, MONTH_NAMES, FieldKind, Values
from shared.core.cron_fields import HOUR as HOURS
from shared.core.cron_fields import MINUTE as MINUTES
from shared.core.cron_fields import SECOND as SECONDS

_TIMES_SPELLED_MAX = 4
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", LAST_OF_MONTH: "last"}
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def words_of(expression: Expression) -> str:
    """E.g. `at 08:00:00 on Monday to Friday, by the clocks of Asia/Shanghai`."""
    if isinstance(expression, Rate):
        period = _duration(expression.period_s)
        return f"every {period}, the first time one period after it was created".replace("every 1 ", "every ")
    if isinstance(expression, At):
        return f"once, at {expression.wall:%H:%M:%S} on {expression.wall:%Y-%m-%d}, by the clocks of {expression.zone}"
    parts = [_time(expression), _day(expression)]
    if not expression.months.is_free:
        parts.append("in " + _joined([MONTH_NAMES[month - 1].title() for month in expression.months.values]))
    if not expression.years.is_free:
        parts.append("of " + _runs(expression.years.values))
    return " ".join(part for part in parts if part) + f", by the clocks of {expression.zone}"


def _duration(seconds: int) -> str:
    size, name = next(unit for unit in _UNITS if seconds % unit[0] == 0)
    count = seconds // size
    return f"{count} {name}{'' if count == 1 else 's'}"


def _time(cron: Cron) -> str:
    hours, minutes, seconds = cron.hours.values, cron.minutes.values, cron.seconds.values
    if len(hours) * len(minutes) * len(seconds) <= _TIMES_SPELLED_MAX:
        times = [f"{h:02d}:{m:02d}:{s:02d}" for h in hours for m in minutes for s in seconds]
        return "at " + _joined(times)
    parts = []
    if seconds != (0,):
        parts.append(_often(SECONDS, cron.seconds))
    if minutes != (0,) and not (parts and cron.minutes.is_free):
        parts.append(_often(MINUTES, cron.minutes))
    if not (parts and cron.hours.is_free):
        parts.append(_often(HOURS, cron.hours))
    return " ".join(parts)


def _often(kind: FieldKind, values: Values) -> str:
    """`every 10 minutes`, or `in the hours 8 to 10`."""
    found, size = values.values, kind.high + 1
    step = found[1] - found[0] if len(found) > 1 else size
    if len(found) > 1 and found == tuple(range(0, size, step)) and size % step == 0:
        return f"every {kind.name}" if step == 1 else f"every {step} {kind.name}s"
    return f"in the {kind.name}{'' if len(found) == 1 else 's'} {_runs(found)}"


def _day(cron: Cron) -> str:
    days, week = cron.month_days, cron.week_days
    named = []
    if not days.is_free:
        if days.values:
            named.append(f"on day {_runs(days.values)} of the month")
        if days.nearest_workdays:
            named.append(f"on the working day nearest day {_runs(days.nearest_workdays)}")
        if days.has_last_day:
            named.append("on the last day of the month")
        if days.has_last_workday:
            named.append("on the last working day of the month")
    if not week.is_free:
        if week.values:
            named.append("on " + _joined([DAY_NAMES[day].title() for day in week.values]))
        named += [f"on the {_ORDINALS[number]} {DAY_NAMES[day].title()} of the month" for day, number in week.numbered]
    if days.is_free and week.is_free:
        spelled = len(cron.hours.values) * len(cron.minutes.values) * len(cron.seconds.values) <= _TIMES_SPELLED_MAX
        return "every day" if spelled else ""
    return _joined(named, last="or")


def _joined(parts: Sequence[str], *, last: str = "and") -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def _runs(values: Sequence[int]) -> str:
    """`1, 3 to 5 and 9`."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return _joined(
        [
            str(low) if low == high else f"{low} to {high}" if high > low + 1 else f"{low} and {high}"
            for low, high in runs
        ]
    )
