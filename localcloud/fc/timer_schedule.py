"""When a timer fires. Pure: cron text → the next time.

Source: timer trigger page (129), 2026-08: six fields `second minute hour day month weekday`, UTC unless it begins with
`CRON_TZ=<zone>`; `@every <duration>` with a duration as Go writes it (Funcraft's specification, 2018-04-03).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from localcloud.fc.errors import invalid

PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
UNIT_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
EVERY_MS_MIN = 1_000
"""Ours: the console takes whole minutes; a shorter interval is allowed here, a busy loop is not."""


EVERY_MS_MAX = 2**63 // 1_000_000
"""What a duration of Go holds: 2^63 nanoseconds."""
BY_CHANCE = re.compile(r"(^|,)[RrHh]([^A-Za-z]|$)")
"""croniter draws lots for an R or H in a field; FC knows neither."""


@dataclass(frozen=True, slots=True)
class Every:
    """An interval, counted from when the trigger began."""

    interval_ms: int

    def next_ms(self, after_ms: int, *, begun_ms: int) -> int | None:
        return begun_ms + ((after_ms - begun_ms) // self.interval_ms + 1) * self.interval_ms


@dataclass(frozen=True, slots=True)
class Cron:
    """Six fields in a zone."""

    fields: str
    zone: str

    def next_ms(self, after_ms: int, *, begun_ms: int) -> int | None:  # noqa: ARG002
        after = datetime.fromtimestamp(after_ms / 1000, tz=ZoneInfo(self.zone))
        try:
            found = croniter(self.fields, after, second_at_beginning=True).get_next(datetime)
        except CroniterError:
            # Such as 30 February: valid as written, and never.
            return None
        return int(found.astimezone(timezone.utc).timestamp()) * 1000


def read_schedule(text: str) -> Every | Cron:
    """Raises FcError InvalidArgument."""
    text = text.strip()
    if text.startswith("@every"):
        return Every(_duration_ms(text.removeprefix("@every").strip(), text))
    zone, fields = "UTC", text
    if text.startswith("CRON_TZ="):
        zone, _, fields = text.removeprefix("CRON_TZ=").partition(" ")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid(f"cronExpression {text!r}: there is no time zone {zone!r}") from error
    parts = fields.split()
    # croniter takes 5 to 7 fields; FC takes exactly six.
    is_drawn = any(BY_CHANCE.search(part) for part in parts)
    if len(parts) != 6 or is_drawn or not croniter.is_valid(" ".join(parts), second_at_beginning=True):
        raise invalid(f"cronExpression {text!r} is not six fields: second minute hour day month weekday")
    return Cron(" ".join(parts), zone)


def _duration_ms(duration: str, text: str) -> int:
    matches = list(PART.finditer(duration))
    if not matches or "".join(match.group(0) for match in matches) != duration:
        raise invalid(f"cronExpression {text!r}: {duration!r} is not a duration such as 5m or 1h30m")
    total = sum(float(match.group(1)) * UNIT_MS[match.group(2)] for match in matches)
    if total < EVERY_MS_MIN:
        raise invalid(f"cronExpression {text!r} is shorter than {EVERY_MS_MIN} ms")
    if total > EVERY_MS_MAX:
        raise invalid(f"cronExpression: the duration is longer than {EVERY_MS_MAX} ms")
    return int(total)
