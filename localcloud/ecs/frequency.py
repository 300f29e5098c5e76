"""The parameter Frequency: when an invocation fires.

    rate(5m)                              every 5 minutes from its creation, first after 5 minutes
    at(2026-12-24 18:00:00 Asia/Tokyo)    once
    0 30 2 * * MON-FRI [2027] [GMT+8:00]  second minute hour day month weekday, then a year, then a zone

Sources: the parameter documents of RunCommand (SDK, 2026), the page "Cron expressions", and the agent
(aliyun_assist_client, 2024-02), which is what fires in truth. Where they disagree the agent is followed; dialect
"documented" follows the pages. Written for the double alone: fleetrun's own reading of schedules is another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from localcloud.ecs.errors import EcsError
from localcloud.ecs.frequency_cron import read_cron, utc_ms
from localcloud.ecs.frequency_fields import BadField, Dialect

RATE = re.compile(r"rate\s*\((\d{1,9})\s*([smhd])\)", re.IGNORECASE)
AT = re.compile(r"at\s*\(\s*(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})(?:\s+(\S+?))?\s*\)", re.IGNORECASE)
KIND = re.compile(r"([a-z]+)\s*\(", re.IGNORECASE)
YEAR = re.compile(r"\*|\?|.*(?:19[789]\d|20\d\d).*|\*/\d+")
OFFSET = re.compile(r"GMT([+-])(\d{1,2}):(\d{2})")
NO_ZERO_BEFORE = re.compile(r"0\d")
UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
RATE_S_MIN, RATE_S_MAX = 60, 7 * 86_400
HOURS_WEST_MAX, HOURS_EAST_MAX, MINUTES_MAX = 12, 14, 59
SHOWN_CHARS_MAX = 60


class Frequency(Protocol):
    """When to fire. Times are milliseconds since the epoch, UTC."""

    def next_after(self, ms: int) -> int | None:
        """The first time later than `ms`; None: there is none."""
        ...


class BadFrequency(EcsError):
    """InvalidParam.Frequency.

    `error_code`: the ErrorCode with which the agent refuses it, if the call is let through; "" for what the service
    sees by itself (how many fields, what kind, a rate out of range).
    """

    def __init__(self, text: str, why: str, error_code: str = "") -> None:
        super().__init__("InvalidParam.Frequency", f"The Frequency {text[:SHOWN_CHARS_MAX]!r} is not valid: {why}.")
        self.error_code = error_code


@dataclass(frozen=True, slots=True)
class Rate:
    """A fixed distance, counted from the creation; not from the end of a firing."""

    created_ms: int
    period_ms: int

    def next_after(self, ms: int) -> int | None:
        passed = max(0, (ms - self.created_ms) // self.period_ms)
        return self.created_ms + (passed + 1) * self.period_ms


@dataclass(frozen=True, slots=True)
class At:
    """One time."""

    at_ms: int

    def next_after(self, ms: int) -> int | None:
        return self.at_ms if self.at_ms > ms else None


def parse(text: str, *, now_ms: int, default_zone: str = "UTC", dialect: Dialect = "agent") -> Frequency:
    """`now_ms`: what rate() counts from; `default_zone`: that of the instance, for cron without one.

    Raises MissingParam.Frequency, BadFrequency. What only lies in the past is no error here: nothing comes next.
    """
    text = text.strip()
    if not text:
        raise EcsError("MissingParam.Frequency")
    kind = KIND.match(text)
    if kind is None:
        return _cron(text, default_zone, dialect)
    name = kind.group(1).lower()
    if name == "rate":
        return _rate(text, now_ms)
    if name == "at":
        return _at(text)
    raise BadFrequency(text, "it begins with rate( or at( or is a cron expression of 6 to 8 fields")


def _rate(text: str, now_ms: int) -> Rate:
    match = RATE.fullmatch(text)
    if match is None:
        raise BadFrequency(text, "a rate reads rate(<number><s, m, h or d>), e.g. rate(5m)", "InvalidRateExpression")
    period_s = int(match.group(1)) * UNIT_S[match.group(2).lower()]
    if not RATE_S_MIN <= period_s <= RATE_S_MAX:
        raise BadFrequency(text, "a rate lies from 60 seconds to 7 days")
    return Rate(now_ms, period_s * 1000)


def _at(text: str) -> At:
    match = AT.fullmatch(text)
    if match is None:
        raise BadFrequency(text, "it reads at(2026-12-24 18:00:00 [<time zone>])", "InvalidAtExpression")
    try:
        local = datetime.strptime(match.group(1), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  the zone comes next
    except ValueError as error:
        raise BadFrequency(text, f"there is no time {match.group(1)!r}", "InvalidAtExpression") from error
    zone = zone_of(match.group(2), text) if match.group(2) else timezone.utc
    return At(utc_ms(local, zone))


def _cron(text: str, default_zone: str, dialect: Dialect) -> Frequency:
    parts = text.split()
    if not 6 <= len(parts) <= 8:
        raise BadFrequency(text, f"a cron expression has 6 to 8 fields, not {len(parts)}")
    year, zone = "*", default_zone
    if len(parts) == 8:
        year, zone = parts[6:]
    elif len(parts) == 7:
        year, zone = (parts[6], zone) if YEAR.fullmatch(parts[6]) else (year, parts[6])
    try:
        return read_cron(" ".join(parts[:6]), year=year, zone=zone_of(zone, text), dialect=dialect)
    except BadField as error:
        raise BadFrequency(text, str(error), "BadCronExpression") from error


def zone_of(name: str, text: str = "") -> tzinfo:
    """Raises BadFrequency. `text`: where it stands."""
    if "/" in name:
        try:
            return ZoneInfo(name)
        except (OSError, ValueError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
            raise _no_zone(text, name) from error
    if "+" in name or "-" in name:
        return _offset(name, text)
    if name in ("GMT", "UTC"):
        return timezone.utc
    raise _no_zone(text, name)


def _offset(name: str, text: str) -> timezone:
    match = OFFSET.fullmatch(name)
    if match is None or NO_ZERO_BEFORE.fullmatch(match.group(2)):
        why = f"an offset reads GMT+8:00 or GMT-3:30, its hour without a zero before it, not {name!r}"
        raise BadFrequency(text, why, "InvalidGMTOffsetForTimezone")
    sign, hours, minutes = match.group(1), int(match.group(2)), int(match.group(3))
    if hours > (HOURS_EAST_MAX if sign == "+" else HOURS_WEST_MAX):
        why = f"an offset lies from GMT-12:59 to GMT+14:59, not at {name!r}"
        raise BadFrequency(text, why, "InvalidGMTOffsetHourForTimezone")
    if minutes > MINUTES_MAX:
        why = f"the minutes of an offset lie from 00 to 59, not {match.group(3)}"
        raise BadFrequency(text, why, "InvalidGMTOffsetMinuteForTimezone")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(offset if sign == "+" else -offset)


def _no_zone(text: str, name: str) -> BadFrequency:
    why = f"there is no time zone {name[:SHOWN_CHARS_MAX]!r}; it may be Asia/Shanghai, GMT+8:00 or UTC"
    return BadFrequency(text, why, "TimezoneInformationCorrupt")
