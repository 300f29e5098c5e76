"""Two readings of Frequency, written apart: what fleetrun plans by and what the double fires by.

Whatever fleetrun accepts, the agent's dialect must fire at the very times that fleetrun expects, and in whatever zone
the instances are: fleetrun writes a zone into every text that it sends. Hours that a zone leaves out or has twice are
not among them: Go, in which the agent is written, promises nothing there, and the two readings differ.
"""

from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import event, given, settings
from hypothesis import strategies as st

from localcloud.ecs.frequency import parse as parse_of_double
from shared.core.cron import parse as parse_of_fleetrun
from shared.core.cron_times import next_ms
from shared.core.errors import Refused

ZONES = ("UTC", "Asia/Shanghai", "GMT+5:30", "GMT-11:00", "America/Sao_Paulo", "Asia/Kathmandu")
FIRINGS = 4


def number(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(str)


def plain(low: int, high: int) -> st.SearchStrategy[str]:
    """Values, ranges, steps and lists of one field."""
    value = number(low, high)
    spans = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.tuples(st.one_of(st.just("*"), value, spans), number(1, max(high, 1))).map("/".join)
    return st.one_of(st.just("*"), st.lists(st.one_of(value, spans, steps), min_size=1, max_size=3).map(",".join))


MONTH_DAYS = st.one_of(plain(1, 31), st.sampled_from(["?", "L", "LW", "15W", "1W", "31W", "L,5", "10,20W"]))
WEEK_DAYS = st.one_of(
    plain(1, 7),
    st.sampled_from(["?", "MON-FRI", "SUN", "6L", "7L", "2#1", "5#5", "0", "SAT,SUN", "sunday", "1#2,3#4", "6-7"]),
)
MONTHS = st.one_of(plain(1, 12), st.sampled_from(["JAN", "feb-may", "september", "*/5"]))
YEARS = st.sampled_from(["", "", "", "*", "2026", "2027-2028", "2026/3", "2028,2032"])

CRON = st.tuples(
    plain(0, 59), plain(0, 59), plain(0, 23), MONTH_DAYS, MONTHS, WEEK_DAYS, YEARS, st.sampled_from(("", *ZONES))
).map(lambda parts: " ".join(part for part in parts if part))
RATE = st.tuples(st.integers(0, 200), st.sampled_from("smhd")).map(lambda pair: f"rate({pair[0]}{pair[1]})")
AT = st.tuples(
    st.datetimes(datetime(2026, 1, 1), datetime(2029, 12, 31)),  # noqa: DTZ001  local times
    st.sampled_from(("", *(f" {zone}" for zone in ZONES))),
).map(lambda pair: f"at({pair[0]:%Y-%m-%d %H:%M:%S}{pair[1]})")

START_MS = int(datetime(2026, 11, 24, tzinfo=timezone.utc).timestamp() * 1000)


@settings(max_examples=60, deadline=None)
@given(st.one_of(CRON, CRON, CRON, RATE, AT), st.integers(0, 400 * 86_400), st.sampled_from(ZONES))
def test_what_fleetrun_accepts_fires_when_fleetrun_expects_it(text: str, later_s: int, zone: str) -> None:
    created_ms = START_MS + later_s * 1000
    try:
        expected = parse_of_fleetrun(text, zone=zone)
    except Refused:
        event("refused by fleetrun")
        return

    frequency = parse_of_double(expected.text, now_ms=created_ms, default_zone="Pacific/Chatham")

    moment: int | None = created_ms
    for _ in range(FIRINGS):
        planned = next_ms(expected, after_ms=moment, created_ms=created_ms)
        fired = frequency.next_after(moment)
        assert fired == planned, (text, moment)
        if fired is None:
            break
        moment = fired
    event("agreed")
