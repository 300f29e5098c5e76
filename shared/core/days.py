"""The quota's day: UTC+8, written YYYY-MM-DD."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from shared.core import limits

_ZONE = timezone(timedelta(milliseconds=limits.DAY_OFFSET_MS))
DAY_MS = 86_400_000


def day_of(now_ms: int) -> str:
    """The day to which a call made at `now_ms` is charged."""
    return datetime.fromtimestamp(now_ms // 1000, _ZONE).strftime("%Y-%m-%d")


def next_day_start_ms(now_ms: int) -> int:
    """The first millisecond of the day after that of `now_ms`."""
    return (now_ms + limits.DAY_OFFSET_MS) // DAY_MS * DAY_MS + DAY_MS - limits.DAY_OFFSET_MS


def turn_ms(run_id: str, *, accepted_ms: int, start_ms: int) -> int:
    """How long after the day's start a run asks for units: who was accepted a day earlier comes first, so that nobody
    waits for ever; those of one day come spread, not all in one second."""
    waited = max(0, start_ms - 1 - accepted_ms) // DAY_MS
    window_ms = limits.MIDNIGHT_SPREAD_MS >> 1 + min(waited, 20)
    return window_ms + int(run_id[-4:], 16) % max(1, window_ms)


def end_ms(day: str) -> int:
    """The first millisecond of the day after `day`."""
    start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=_ZONE)
    return int(start.timestamp()) * 1000 + DAY_MS


def last_call_ms(day: str) -> int:
    """Until when a call may begin that shall be counted on `day`: it takes its time, and clocks differ."""
    return end_ms(day) - limits.CALL_MS_MAX - limits.CLOCK_SKEW_MS_MAX


def quiet_until_ms(now_ms: int) -> int:
    """The end of the quiet time around midnight if `now_ms` is in it, else 0: calls made in it may be counted on
    either of two days."""
    if now_ms > last_call_ms(day_of(now_ms)):
        return next_day_start_ms(now_ms) + limits.CLOCK_SKEW_MS_MAX
    day_start_ms = next_day_start_ms(now_ms) - DAY_MS
    return day_start_ms + limits.CLOCK_SKEW_MS_MAX if now_ms < day_start_ms + limits.CLOCK_SKEW_MS_MAX else 0


def iso(now_ms: int) -> str:
    """RFC 3339 with milliseconds, UTC."""
    moment = datetime.fromtimestamp(now_ms // 1000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{now_ms % 1000:03d}Z"
