"""Cloud Assistant's `Frequency`: text → a value that says when it fires, or a sentence that says what to write instead.

    rate(5m)                                       every five minutes, from the moment of creation
    at(2026-12-01 08:00:00 Asia/Shanghai)          once
    0 0 8 ? * MON-FRI                              second minute hour day-of-month month day-of-week
    0 0 8 ? * MON-FRI 2026                         … year
    0 0 8 ? * MON-FRI Asia/Shanghai                … zone
    0 0 8 ? * MON-FRI 2026 GMT+8:00                … year zone

Source: RunCommand page and cron page of 2025-12, and the agent's source of 2024, which is stricter here and looser
there. A zone is always written into the text: without one each instance would fire by its own clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from shared.core import cron_fields as fields
from shared.core import limits
from shared.core.cron_fields import MonthDays, Values, WeekDays, refusal

ZONE_DEFAULT = "Asia/Shanghai"
"""UTC+8, like the quota's day."""

_RATE = re.compile(r"^rate\s*\(\s*(\d+)\s*([smhd])\s*\)$", re.IGNORECASE)
_AT = re.compile(r"^at\s*\((.*)\)$", re.IGNORECASE)
_AT_INSIDE = re.compile(r"^(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})(?: (\S+))?$")
_IS_YEAR = re.compile(r"^\*$|^\?$|^\*/\d+$|19[789]\d|20\d\d")
_OFFSET = re.compile(r"^GMT([+-])(\d|1[0-4]):([0-5]\d)$")
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MACROS = {
    "@yearly": "0 0 0 1 1 ?", "@annually": "0 0 0 1 1 ?", "@monthly": "0 0 0 1 * ?", "@weekly": "0 0 0 ? * SUN",
    "@daily": "0 0 0 * * ?", "@midnight": "0 0 0 * * ?", "@hourly": "0 0 * * * ?",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often, the first time one period after creation."""

    text: str
    period_s: int


@dataclass(frozen=True, slots=True)
class At:
    """Once, at a wall time of a zone."""

    text: str
    wall: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Cron:
    """Whenever second, minute, hour, month, year and day match. Two restricted day fields: either one is enough."""

    text: str
    """Normalised: single blanks, `?` where a day field says nothing, the zone at the end."""
    seconds: Values
    minutes: Values
    hours: Values
    month_days: MonthDays
    months: Values
    week_days: WeekDays
    years: Values
    zone: str


Expression = Rate | At | Cron


@lru_cache(maxsize=256)
def parse(text: str, *, zone: str = ZONE_DEFAULT) -> Expression:
    """`zone` is written into an expression that names none. Raises Refused (code BadFrequency).

    Whether it ever fires (again) depends on the time: see cron_times.
    """
    told = " ".join(text.split())
    if len(told) > limits.FREQUENCY_CHARS_MAX:
        raise refusal(f"the expression has {len(told)} characters; it must have at most {limits.FREQUENCY_CHARS_MAX}")
    if told.lower().startswith("rate"):
        return _rate(told)
    if told.lower().startswith("at"):
        return _at(told, zone)
    return _cron(told, zone)


def zone_of(name: str) -> tzinfo:
    """An IANA name, `GMT+8:00`, `GMT` or `UTC`. Raises Refused."""
    if name in ("UTC", "GMT"):
        return timezone.utc
    if "/" in name:
        return _iana(name)
    if "+" in name or "-" in name:
        return _offset(name)
    raise refusal(f'there is no time zone "{name}": write an IANA name such as Asia/Shanghai, or GMT+8:00, or UTC')


def _iana(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # late: only schedules need it

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal(
            f'there is no time zone "{name}": write an IANA name as it is spelled there, such as Asia/Shanghai'
        ) from None


def _offset(name: str) -> tzinfo:
    found = _OFFSET.match(name)
    if not found:
        unpadded = re.sub(r"^(?:GMT|UTC)([+-])0?(\d{1,2})(?::?(\d\d))?$", r"GMT\1\2:\3", name, flags=re.IGNORECASE)
        meant = unpadded + "00" if unpadded.endswith(":") else unpadded
        if not _OFFSET.match(meant):
            meant = "GMT+8:00"
        raise refusal(f'the time zone "{name}" is not read by the agent: write {meant}, without a zero before it')
    minutes = int(found.group(2)) * 60 + int(found.group(3))
    signed = -minutes if found.group(1) == "-" else minutes
    if not -limits.GMT_WEST_MINUTES_MAX <= signed <= limits.GMT_EAST_MINUTES_MAX:
        raise refusal(f'the time zone "{name}" is none: it must be GMT-12:59 to GMT+14:59')
    return timezone(timedelta(minutes=signed))


def _rate(told: str) -> Rate:
    found = _RATE.match(told)
    if not found:
        raise refusal(f'"{told}" is no rate: write rate(<number><s, m, h or d>), such as rate(5m)')
    number, unit = found.group(1).lstrip("0") or "0", found.group(2).lower()
    period_s = int(number) * _UNIT_S[unit] if len(number) <= 9 else limits.RATE_S_MAX + 1
    if not limits.RATE_S_MIN <= period_s <= limits.RATE_S_MAX:
        raise refusal(f"rate({number}{unit}) is out of bounds: a rate must be 60 seconds to 7 days")
    return Rate(f"rate({number}{unit})", period_s)


def _at(told: str, zone: str) -> At:
    outer = _AT.match(told)
    found = _AT_INSIDE.match(outer.group(1).strip()) if outer else None
    if not found:
        raise refusal(f'"{told}" is no time: write at(yyyy-MM-dd HH:mm:ss zone), such as at(2026-12-01 08:00:00 UTC)')
    name = found.group(2) or zone
    zone_of(name)
    try:
        wall = datetime.strptime(found.group(1), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  the zone stands beside it
    except ValueError:
        raise refusal(f'"{found.group(1)}" does not exist in the calendar') from None
    return At(f"at({found.group(1)} {name})", wall, name)


def _cron(told: str, zone: str) -> Cron:
    parts = told.split(" ") if told else []
    if told.startswith("@"):
        meant = _MACROS.get(told.lower(), "rate(5m)")
        raise refusal(f'"{told}" is not known to Cloud Assistant: write {meant}')
    if len(parts) == 5:
        raise refusal(f'"{told}" has 5 fields: seconds come first; write 0 {told}')
    if not 6 <= len(parts) <= 8:
        raise refusal(
            f"the expression has {len(parts)} fields; it must have 6 (second minute hour day-of-month month "
            "day-of-week), 7 (with a year or a zone) or 8 (with both)"
        )
    year, name = _year_and_zone(parts[6:], zone)
    zone_of(name)
    _check_order(parts)
    month_days, week_days = fields.read_month_days(parts[3]), fields.read_week_days(parts[5])
    day, week_day = _question_marks(parts[3], parts[5], month_days, week_days)
    plain = [part if part != "?" else "*" for part in (*parts[:3], parts[4], year)]
    text = " ".join(part for part in (*plain[:3], day, plain[3], week_day, plain[4], name) if part)
    return Cron(
        text=text,
        seconds=fields.read_values(fields.SECOND, parts[0]),
        minutes=fields.read_values(fields.MINUTE, parts[1]),
        hours=fields.read_values(fields.HOUR, parts[2]),
        month_days=month_days,
        months=fields.read_values(fields.MONTH, parts[4]),
        week_days=week_days,
        years=fields.read_values(fields.YEAR, year or "*"),
        zone=name,
    )


def _year_and_zone(rest: list[str], zone: str) -> tuple[str, str]:
    if len(rest) == 2:
        return rest[0], rest[1]
    if not rest:
        return "", zone
    return (rest[0], zone) if _IS_YEAR.search(rest[0]) else ("", rest[0])


def _check_order(parts: list[str]) -> None:
    """One page of the documentation prints day of week before month; names give such a mistake away."""
    month, week_day = parts[4].upper(), parts[5].upper()
    named_days = any(name in month for name in fields.WEEK_DAY.names if len(name) == 3 and name != "MAR")
    if named_days and not any(name in month for name in fields.MONTH.names):
        raise refusal(f'"{parts[4]}" is no month: the month comes before the day of week; write … {week_day} {month}')


def _question_marks(day: str, week_day: str, month_days: MonthDays, week_days: WeekDays) -> tuple[str, str]:
    """Cloud Assistant wants `?` in the day field that says nothing when the other says something."""
    if week_days.is_free:
        return (day if day != "?" else "*"), "?"
    return ("?" if month_days.is_free else day), week_day
