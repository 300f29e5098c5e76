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


def is_too_late(now_ms: int) -> bool:
    """Whether a call begun now might be counted on the next day, whose units we do not hold."""
    return next_day_start_ms(now_ms) - now_ms <= limits.CALL_MS_MAX


def iso(now_ms: int) -> str:
    """RFC 3339 with milliseconds, UTC."""
    moment = datetime.fromtimestamp(now_ms // 1000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{now_ms % 1000:03d}Z"
