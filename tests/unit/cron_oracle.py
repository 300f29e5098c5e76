"""When a Frequency fires, by brute force: every day and every second of it is held against each field.

Written from the description of the grammar alone, without a line of shared/core/cron and without croniter: it knows
nothing of what it is compared with. Slow, and obviously right.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta, timezone, tzinfo

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


def fires(text: str, zone: tzinfo, *, after: datetime, until: datetime) -> list[datetime]:
    """Instants in (after, until], UTC, of a cron expression without its zone."""
    second, minute, hour, day, month, week_day, *rest = text.lower().split()
    year = rest[0] if rest else "*"
    times = [
        (h, m, s)
        for h in range(24)
        if hits(hour, h, 0, 23)
        for m in range(60)
        if hits(minute, m, 0, 59)
        for s in range(60)
        if hits(second, s, 0, 59)
    ]
    found = set()
    today = after.date() - timedelta(days=2)
    while today <= until.date() + timedelta(days=2):
        if (
            hits(year, today.year, 1970, 2099)
            and hits(month, today.month, 1, 12, MONTHS)
            and is_day(today, day, week_day)
        ):
            found |= {instant(datetime.combine(today, time(*each)), zone) for each in times}
        today += timedelta(days=1)
    return sorted(moment for moment in found if after < moment <= until)


def instant(wall: datetime, zone: tzinfo) -> datetime:
    """The first instant at which the zone's clock shows `wall`; if it never does, as the offset of before has it."""
    guess = wall.replace(tzinfo=timezone.utc)
    offsets = {(guess + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in range(-36, 37, 6)}
    shown = [guess - offset for offset in offsets if offset is not None]
    right = [moment for moment in shown if moment.astimezone(zone).replace(tzinfo=None) == wall]
    if right:
        return min(right)
    before = (guess - timedelta(hours=36)).astimezone(zone).utcoffset()
    assert before is not None
    return guess - before


def is_day(today: date, day: str, week_day: str) -> bool:
    """Both restricted: either is enough."""
    day_free, week_free = free(day), free(week_day)
    if day_free and week_free:
        return True
    in_month = not day_free and any(is_month_day(today, item) for item in day.split(","))
    in_week = not week_free and any(is_week_day(today, item) for item in week_day.split(","))
    return in_month or in_week


def free(field: str) -> bool:
    return any(item in ("*", "?") for item in field.split(","))


def is_month_day(today: date, item: str) -> bool:
    last = monthrange(today.year, today.month)[1]
    if item == "l":
        return today.day == last
    if item == "lw":
        return today == max(d for d in month_of(today) if d.weekday() < 5)
    if item.endswith("w"):
        wanted = int(item[:-1])
        if wanted > last:
            return False
        target = today.replace(day=wanted)
        workdays = [d for d in month_of(today) if d.weekday() < 5]
        # Of two that are equally near there is never a case: a weekend has its two days.
        return today == min(workdays, key=lambda d: abs((d - target).days))
    return hits(item, today.day, 1, 31)


def is_week_day(today: date, item: str) -> bool:
    number = today.isoweekday() % 7
    if item.endswith("l"):
        return number == of_week(item[:-1]) and (today + timedelta(days=7)).month != today.month
    if "#" in item:
        name, nth = item.split("#")
        return number == of_week(name) and (today.day + 6) // 7 == int(nth)
    return hits(item, number, 0, 6, DAYS) or (item == "7" and number == 0)


def of_week(name: str) -> int:
    return DAYS.index(name[:3]) if name[0].isalpha() else int(name) % 7


def month_of(today: date) -> list[date]:
    return [today.replace(day=day) for day in range(1, monthrange(today.year, today.month)[1] + 1)]


def hits(field: str, value: int, low: int, high: int, names: list[str] | None = None) -> bool:
    """Whether `value` is in the list."""

    def number(text: str) -> int:
        if names and text[0].isalpha():
            return names.index(text[:3]) + low
        return int(text)

    for item in field.split(","):
        base, _, step = item.partition("/")
        if base in ("*", "?"):
            first, last = low, high
        elif "-" in base:
            first, last = (number(part) for part in base.split("-"))
        else:
            first = number(base)
            last = high if step else first
        if value in range(first, last + 1, int(step or 1)):
            return True
    return False
