"""What an expression will do, before it does it: its next firings, what they cost, and what may surprise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from itertools import islice

from shared.core.cron import Rate, parse, zone_of
from shared.core.cron_times import DOUBLE, GAP, Fire, check_future, check_period, fires, fires_per_day_max
from shared.core.cron_words import words_of

_NOTES = {
    GAP: "the clock leaves this time out on that day; fleetrun fires once, as if it had not been changed; "
    "a cloud schedule may fire an hour earlier",
    DOUBLE: "the clock shows this time twice on that day; fleetrun fires once, the first time; "
    "a cloud schedule fires once, not said which",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One firing, as three clocks show it."""

    utc: str
    zone: str
    local: str
    flag: str
    """"", "gap" or "double"."""
    note: str


@dataclass(frozen=True, slots=True)
class Preview:
    expression: str
    """As it will be sent: with its zone."""
    zone: str
    words: str
    fires: tuple[Shown, ...]
    fires_per_day: int
    """At most."""
    calls_per_fire: int
    """Chunks: units that a managed schedule takes each time, and a cloud schedule once."""

    @property
    def units_per_day(self) -> int:
        """Of a managed schedule, at most."""
        return self.fires_per_day * self.calls_per_fire


def preview(
    text: str,
    *,
    from_ms: int,
    count: int,
    default_zone: str,
    local: tzinfo | None,
    targets: int,
    per_chunk: int,
    timeout_s: int | None = None,
) -> Preview:
    """`local` None: the zone of this machine. Raises Refused with the sentence that says what to write instead."""
    expression = parse(text, zone=default_zone)
    check_future(expression, now_ms=from_ms)
    check_period(expression, timeout_s=timeout_s)
    zone = default_zone if isinstance(expression, Rate) else expression.zone
    return Preview(
        expression=expression.text,
        zone=zone,
        words=words_of(expression),
        fires=tuple(_shown(fire, zone, local) for fire in islice(fires(expression, after_ms=from_ms), count)),
        fires_per_day=fires_per_day_max(expression),
        calls_per_fire=-(-targets // per_chunk),
    )


def moment_ms(text: str, *, zone: str) -> int:
    """ISO 8601 → epoch milliseconds; without an offset it is a wall time of `zone`. Raises ValueError."""
    found = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    aware = found if found.tzinfo is not None else found.replace(tzinfo=zone_of(zone))
    return int(aware.timestamp()) * 1000


def zone_for(text: str, *, default_zone: str) -> str:
    """The zone by whose clocks a preview of `text` is read. Raises Refused."""
    expression = parse(text, zone=default_zone)
    return default_zone if isinstance(expression, Rate) else expression.zone


def _shown(fire: Fire, zone: str, local: tzinfo | None) -> Shown:
    moment = datetime.fromtimestamp(fire.at_ms // 1000, timezone.utc)
    return Shown(
        utc=f"{moment:%Y-%m-%dT%H:%M:%S}Z",
        zone=moment.astimezone(zone_of(zone)).isoformat(),
        local=moment.astimezone(local).isoformat(),
        flag=fire.note,
        note=_NOTES.get(fire.note, ""),
    )
