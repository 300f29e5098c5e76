"""Frequency: what fires when, against literal times and against brute force; and every refusal with its sentence."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.core.cron import parse
from shared.core.cron_fields import DAY_NAMES, MONTH_NAMES
from shared.core.cron_times import check_future, check_period, fires, fires_per_day_max, shortest_period_s
from shared.core.cron_words import words_of
from shared.core.errors import Refused
from tests.unit import cron_oracle

TABLE = [
    # expression, zone, after, the next firings in UTC (made by brute force, looked over by hand)
    (
        "0 */20 * * * ?",
        "UTC",
        "2026-12-31T23:30:00",
        "2026-12-31T23:40:00 2027-01-01T00:00:00 2027-01-01T00:20:00 2027-01-01T00:40:00",
    ),
    (
        "0 15 10 ? * 6L",
        "UTC",
        "2026-01-01T00:00:00",
        "2026-01-31T10:15:00 2026-02-28T10:15:00 2026-03-28T10:15:00 2026-04-25T10:15:00",
    ),
    (
        "0 15 10 ? * MON#5",
        "UTC",
        "2026-01-01T00:00:00",
        "2026-03-30T10:15:00 2026-06-29T10:15:00 2026-08-31T10:15:00 2026-11-30T10:15:00",
    ),
    (
        "0 0 12 L * ?",
        "UTC",
        "2027-12-01T00:00:00",
        "2027-12-31T12:00:00 2028-01-31T12:00:00 2028-02-29T12:00:00 2028-03-31T12:00:00",
    ),
    (
        "0 0 12 LW * ?",
        "UTC",
        "2026-01-01T00:00:00",
        "2026-01-30T12:00:00 2026-02-27T12:00:00 2026-03-31T12:00:00 2026-04-30T12:00:00",
    ),
    (
        "0 0 12 1W * ?",
        "UTC",
        "2026-07-15T00:00:00",
        "2026-08-03T12:00:00 2026-09-01T12:00:00 2026-10-01T12:00:00 2026-11-02T12:00:00",
    ),
    (
        "0 0 12 31W * ?",
        "UTC",
        "2026-01-01T00:00:00",
        "2026-01-30T12:00:00 2026-03-31T12:00:00 2026-05-29T12:00:00 2026-07-31T12:00:00",
    ),
    (
        "0 0 12 15W 8,11 ?",
        "UTC",
        "2026-01-01T00:00:00",
        "2026-08-14T12:00:00 2026-11-16T12:00:00 2027-08-16T12:00:00 2027-11-15T12:00:00",
    ),
    ("0 0 0 29 2 ?", "UTC", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
    ("0 0 0 29 FEB ? 2027-2040", "UTC", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
    (
        "0 0 0 31 * ?",
        "UTC",
        "2026-01-31T12:00:00",
        "2026-03-31T00:00:00 2026-05-31T00:00:00 2026-07-31T00:00:00 2026-08-31T00:00:00",
    ),
    (
        "0 0 8 13 * FRI",
        "UTC",
        "2026-02-01T00:00:00",
        "2026-02-06T08:00:00 2026-02-13T08:00:00 2026-02-20T08:00:00 2026-02-27T08:00:00",
    ),
    (
        "0 0 8 ? * MONDAY-FRIDAY",
        "UTC",
        "2026-01-02T09:00:00",
        "2026-01-05T08:00:00 2026-01-06T08:00:00 2026-01-07T08:00:00 2026-01-08T08:00:00",
    ),
    (
        "0 0 8 ? * 7",
        "UTC",
        "2026-01-02T09:00:00",
        "2026-01-04T08:00:00 2026-01-11T08:00:00 2026-01-18T08:00:00 2026-01-25T08:00:00",
    ),
    (
        "0 0 8 ? * 0,5L,2#1",
        "UTC",
        "2026-01-25T09:00:00",
        "2026-01-30T08:00:00 2026-02-01T08:00:00 2026-02-03T08:00:00 2026-02-08T08:00:00",
    ),
    (
        "5,55 59 23 31 12 ?",
        "UTC",
        "2026-12-31T23:59:04",
        "2026-12-31T23:59:05 2026-12-31T23:59:55 2027-12-31T23:59:05 2027-12-31T23:59:55",
    ),
    (
        "0 0/30 10-11 * * ? 2022",
        "UTC",
        "2021-12-31T20:00:00",
        "2022-01-01T10:00:00 2022-01-01T10:30:00 2022-01-01T11:00:00 2022-01-01T11:30:00",
    ),
    (
        "0 0/5 14 * 10 ? 2022/2",
        "UTC",
        "2022-10-31T14:50:00",
        "2022-10-31T14:55:00 2024-10-01T14:00:00 2024-10-01T14:05:00 2024-10-01T14:10:00",
    ),
    (
        "0 0 9-17/4 1/10 */6 ?",
        "UTC",
        "2026-06-30T00:00:00",
        "2026-07-01T09:00:00 2026-07-01T13:00:00 2026-07-01T17:00:00 2026-07-11T09:00:00",
    ),
    (
        "0 30 2 * * ?",
        "America/New_York",
        "2026-03-07T00:00:00",
        "2026-03-07T07:30:00 2026-03-08T07:30:00 2026-03-09T06:30:00 2026-03-10T06:30:00",
    ),
    (
        "0 30 1 * * ?",
        "America/New_York",
        "2026-10-31T00:00:00",
        "2026-10-31T05:30:00 2026-11-01T05:30:00 2026-11-02T06:30:00 2026-11-03T06:30:00",
    ),
    (
        "0 */30 * * * ?",
        "Europe/Berlin",
        "2026-03-29T00:20:00",
        "2026-03-29T00:30:00 2026-03-29T01:00:00 2026-03-29T01:30:00 2026-03-29T02:00:00",
    ),
    (
        "0 */30 1-3 * * ?",
        "Europe/Berlin",
        "2026-10-24T23:20:00",
        "2026-10-24T23:30:00 2026-10-25T00:00:00 2026-10-25T00:30:00 2026-10-25T02:00:00",
    ),
    (
        "0 15 2 * * ?",
        "Australia/Lord_Howe",
        "2026-10-02T00:00:00",
        "2026-10-02T15:45:00 2026-10-03T15:45:00 2026-10-04T15:15:00 2026-10-05T15:15:00",
    ),
    (
        "0 0 8 * * ?",
        "Asia/Shanghai",
        "2026-01-01T00:00:00",
        "2026-01-02T00:00:00 2026-01-03T00:00:00 2026-01-04T00:00:00 2026-01-05T00:00:00",
    ),
]


def ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def found(text: str, zone: str, *, after: datetime, count: int) -> list[datetime]:
    walk = islice(fires(parse(text, zone=zone), after_ms=ms(after)), count)
    return [datetime.fromtimestamp(fire.at_ms / 1000, timezone.utc) for fire in walk]


@pytest.mark.parametrize(("text", "zone", "after", "expected"), TABLE, ids=[f"{row[0]} {row[1]}" for row in TABLE])
def test_an_expression_fires_at_these_times(text: str, zone: str, after: str, expected: str) -> None:
    times = [utc(each) for each in expected.split()]

    assert found(text, zone, after=utc(after), count=len(times)) == times


@pytest.mark.parametrize(("text", "zone", "after", "expected"), TABLE, ids=[f"{row[0]} {row[1]}" for row in TABLE])
def test_brute_force_agrees_with_the_table(text: str, zone: str, after: str, expected: str) -> None:
    times = [utc(each) for each in expected.split()]

    assert cron_oracle.fires(text, ZoneInfo(zone), after=utc(after), until=times[-1]) == times


# -- random expressions -----------------------------------------------------------------------------------------------
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu")


def spans(low: int, high: int) -> st.SearchStrategy[str]:
    pairs = st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted)
    steps = st.integers(1, max(1, high))
    return (
        st.integers(low, high).map(str)
        | pairs.map(lambda pair: f"{pair[0]}-{pair[1]}")
        | st.tuples(pairs, steps).map(lambda both: f"{both[0][0]}-{both[0][1]}/{both[1]}")
        | st.tuples(st.integers(low, high), steps).map(lambda both: f"{both[0]}/{both[1]}")
        | steps.map(lambda step: f"*/{step}")
    )


def lists(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(items, min_size=1, max_size=3).map(",".join)


def some(low: int, high: int, count: int) -> st.SearchStrategy[str]:
    """A few plain values: keeps the number of times of a day small."""
    return st.lists(st.integers(low, high), min_size=1, max_size=count, unique=True).map(
        lambda values: ",".join(map(str, values))
    )


MONTH_ITEMS = spans(1, 12) | st.sampled_from([name[:size] for name in MONTH_NAMES for size in (3, None)])
DAY_ITEMS = spans(1, 31) | st.sampled_from(["L", "LW"]) | st.integers(1, 31).map(lambda day: f"{day}W")
WEEK_NAMES = st.sampled_from([name[:size].title() for name in DAY_NAMES for size in (3, None)])
WEEK_DAYS = st.integers(0, 7).map(str) | WEEK_NAMES
WEEK_ITEMS = (
    spans(0, 6)
    | WEEK_DAYS
    | WEEK_DAYS.map(lambda day: f"{day}L")
    | st.tuples(WEEK_DAYS, st.integers(1, 5)).map(lambda both: f"{both[0]}#{both[1]}")
)
ANY = st.sampled_from(["*", "?"])
EXPRESSIONS = st.tuples(
    some(0, 59, 2) | st.just("0"),
    some(0, 59, 2) | st.just("*/30") | spans(0, 59),
    ANY | lists(spans(0, 23)),
    ANY | lists(DAY_ITEMS),
    ANY | lists(MONTH_ITEMS),
    ANY | lists(WEEK_ITEMS),
    st.sampled_from(["*", "2027", "2026-2028", "2024/4", "*/3"]),
).map(" ".join)
STARTS = st.integers(0, 3 * 365 * 86_400).map(
    lambda seconds: utc("2026-01-01T00:00:00") + timedelta(seconds=seconds)
) | st.sampled_from(["2026-03-08T06:50:00", "2026-10-25T00:20:00", "2027-12-31T23:59:59", "2028-02-28T20:00:00"]).map(
    utc
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(EXPRESSIONS, st.sampled_from(ZONES), STARTS, st.sampled_from([2, 60]))
def test_random_expressions_fire_as_brute_force_says(text: str, zone: str, after: datetime, days: int) -> None:
    per_day = fires_per_day_max(parse(text, zone=zone))
    assume(per_day * days <= 5_000)
    until = after + timedelta(days=days)

    expected = cron_oracle.fires(text, ZoneInfo(zone), after=after, until=until)

    assert [each for each in found(text, zone, after=after, count=len(expected) + 1) if each <= until] == expected


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS, STARTS)
def test_no_firings_come_closer_together_than_the_shortest_period_says(text: str, after: datetime) -> None:
    expression = parse(text, zone="UTC")
    least_s, per_day = shortest_period_s(expression), fires_per_day_max(expression)
    assert least_s is not None

    moments = [ms(each) for each in found(text, "UTC", after=after, count=200)]

    assert all(later - earlier >= least_s * 1000 for earlier, later in pairwise(moments))
    for index, first in enumerate(moments):
        assert sum(1 for each in moments[index:] if each < first + 86_400_000) <= per_day


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS)
def test_what_is_sent_means_the_same_as_what_was_written(text: str) -> None:
    expression = parse(text, zone="Europe/Berlin")

    again = parse(expression.text)

    assert again == expression
    assert expression.text.endswith(" Europe/Berlin")
    assert words_of(again).endswith("by the clocks of Europe/Berlin")


# -- rate, at, zones --------------------------------------------------------------------------------------------------
def test_a_rate_fires_first_one_period_after_its_creation_and_keeps_that_beat() -> None:
    created = ms(utc("2026-01-01T00:00:07"))

    walk = islice(fires(parse("rate(90m)"), after_ms=ms(utc("2026-01-01T04:00:00")), created_ms=created), 2)

    assert [fire.at_ms - created for fire in walk] == [3 * 5_400_000, 4 * 5_400_000]
    assert next(fires(parse("RATE( 90 m )"), after_ms=created - 1, created_ms=created)).at_ms == created + 5_400_000


def test_at_fires_once() -> None:
    assert found("at(2026-12-01 08:00:00 Asia/Shanghai)", "UTC", after=utc("2026-01-01T00:00:00"), count=2) == [
        utc("2026-12-01T00:00:00")
    ]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("0 0 8 * * *", "0 0 8 * * ? Asia/Shanghai"),
        ("0  0 8 ? * mon-fri", "0 0 8 ? * mon-fri Asia/Shanghai"),
        ("0 0 8 * * 1", "0 0 8 ? * 1 Asia/Shanghai"),
        ("0 0 8 ? ? ?", "0 0 8 * * ? Asia/Shanghai"),
        ("0 15 10 ? * 6L 2026", "0 15 10 ? * 6L 2026 Asia/Shanghai"),
        ("0 0/30 10-11 * * ? 2026 GMT+8:00", "0 0/30 10-11 * * ? 2026 GMT+8:00"),
        ("0 0 8 1 1 ? UTC", "0 0 8 1 1 ? UTC"),
        ("0 0 8 1 1 ? Etc/GMT-8", "0 0 8 1 1 ? Etc/GMT-8"),
        ("at(2026-12-01 08:00:00)", "at(2026-12-01 08:00:00 Asia/Shanghai)"),
        ("rate(05m)", "rate(5m)"),
    ],
)
def test_a_zone_is_always_written_into_what_is_sent(text: str, sent: str) -> None:
    assert parse(text).text == sent


@pytest.mark.parametrize(("zone", "minutes"), [("GMT+8:00", 480), ("GMT-3:30", -210), ("GMT+14:59", 899), ("GMT", 0)])
def test_a_fixed_zone_is_so_many_minutes_from_utc(zone: str, minutes: int) -> None:
    (fire,) = found(f"0 0 0 2 1 ? 2026 {zone}", "UTC", after=utc("2025-12-30T00:00:00"), count=2)

    assert utc("2026-01-02T00:00:00") - fire == timedelta(minutes=minutes)


# -- refusals ---------------------------------------------------------------------------------------------------------
REFUSED = [
    ("* * * * *", "has 5 fields: seconds come first; write 0 * * * * *"),
    ("", "has 0 fields; it must have 6"),
    ("0 0 8 * * ? 2026 UTC x", "has 9 fields"),
    ("@daily", "write 0 0 0 * * ?"),
    ("@reboot", "is not known to Cloud Assistant"),
    ("60 0 8 * * ?", '"60" is no second: it must be 0 to 59'),
    ("0 0 25 * * ?", '"25" is no hour: it must be 0 to 23'),
    ("0 */60 * * * ?", "the step of the minute must be 1 to 59"),
    ("0 */0 * * * ?", "the step of the minute must be 1 to 59"),
    ("0 ?/5 * * * ?", "a step needs a start; write */5"),
    ("0 0 22-3 * * ?", "runs backwards, and the agent fails on it: write 22,23,0,1,2,3 as the hour"),
    ("0 5-x * * * ?", '"5-X" is no minute'),
    ("0 0 8,,9 * * ?", "has an empty part"),
    ("0 0 8 0 * ?", '"0" is no day of month: it must be 1 to 31'),
    ("0 0 8 0/5 * ?", '"0/5" is no day of month'),
    ("0 0 8 10-15W * ?", "write one day with W (15W), or L or LW alone"),
    ("0 0 8 L-3 * ?", "write one day with W (15W), or L or LW alone"),
    ("0 0 8 WL * ?", "write one day with W (15W), or L or LW alone"),
    ("0 0 8 32W * ?", '"32W" is no day of month'),
    ("0 0 8 * 13 ?", '"13" is no month: it must be 1 to 12 or JAN'),
    ("0 0 8 * NOV-FEB ?", "write 11,12,1,2 as the month"),
    ("0 0 8 ? MON *", "the month comes before the day of week"),
    ("0 0 8 ? * 5-7", "never fires: write 5,6,7"),
    ("0 0 8 ? * MON-SUN", "never fires: write 1,2,3,4,5,6,7"),
    ("0 0 8 ? * 1-7/2", "never fires: write 1,3,5,7"),
    ("0 0 8 ? * 7-7", "never fires: write 7"),
    ("0 0 8 ? * SAT-MON", "write 6,0,1 as the day of week"),
    ("0 0 8 ? * 01", "is Sunday to the agent, whatever its second digit: write 1"),
    ("0 0 8 ? * 05L", "write 5"),
    ("0 0 8 ? * 8", '"8" is no day of week: it must be 0 to 7 or SUN'),
    ("0 0 8 ? * */7", "the step of the day of week must be 1 to 6"),
    ("0 0 8 ? * 7/2", "write 0/2, or 7 for Sunday"),
    ("0 0 8 ? * L", "write SUN for Sunday, 7L for the last"),
    ("0 0 12 L * L", "write SUN for Sunday, 7L for the last"),
    ("0 0 8 ? * 2#6", "write #1 to #5"),
    ("0 0 8 ? * FUNDAY", "is no day of week"),
    ("0 0 MON ? * 1", '"MON" is no hour'),
    ("0 0 8 1 1 ? 1969", 'there is no time zone "1969"'),
    ("0 0 8 1 1 ? 2101 UTC", '"2101" is no year: it must be 1970 to 2099'),
    ("0 0 12 * * ? GMT+08:00", "write GMT+8:00"),
    ("0 0 12 * * ? UTC+8", "write GMT+8:00"),
    ("0 0 12 * * ? GMT-13:00", "must be GMT-12:59 to GMT+14:59"),
    ("0 0 12 * * ? GMT+15:00", "the time zone"),
    ("0 0 12 * * ? xGMT+8:00", "the time zone"),
    ("0 0 12 * * ? CST", 'there is no time zone "CST": write an IANA name such as Asia/Shanghai'),
    ("0 0 12 * * ? Asia/Atlantis", 'there is no time zone "Asia/Atlantis"'),
    ("0 0 12 * * ? ../../etc/passwd", "there is no time zone"),
    ("rate(30s)", "a rate must be 60 seconds to 7 days"),
    ("rate(8d)", "a rate must be 60 seconds to 7 days"),
    ("rate(0m)", "a rate must be 60 seconds to 7 days"),
    ("rate(99999999999999999999d)", "a rate must be 60 seconds to 7 days"),
    ("rate(5)", "write rate(<number><s, m, h or d>)"),
    ("rate(5m) UTC", "write rate(<number><s, m, h or d>)"),
    ("at(2026-12-01T08:00:00)", "write at(yyyy-MM-dd HH:mm:ss zone)"),
    ("at(2026-02-30 08:00:00)", "does not exist in the calendar"),
    ("at(2026-12-01 08:00:00 CST)", 'there is no time zone "CST"'),
    ("0 " + "1," * 300 + "1 * * * ?", "it must have at most 500"),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSED, ids=[row[0][:40] or "nothing" for row in REFUSED])
def test_what_the_agent_would_read_otherwise_is_refused_with_what_to_write(text: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)

    assert sentence in refused.value.message
    assert refused.value.field == "schedule.frequency"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0 0 0 30 2 ?", "ImpossibleDate"),
        ("0 0 0 31 4,6,9,11 ?", "ImpossibleDate"),
        ("0 0 0 31W 2 ?", "ImpossibleDate"),
        ("0 0 0 29 2 ? 2027", "ImpossibleDate"),
        ("0 0 12 1 1 ? 2020", "ExpressionExpired"),
        ("at(2020-01-01 00:00:00)", "ExpressionExpired"),
    ],
)
def test_what_never_fires_any_more_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        check_future(parse(text), now_ms=ms(utc("2026-01-01T00:00:00")))

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "timeout_s", "is_fine"),
    [
        ("0/10 * * * * ?", 10, True),
        ("0/10 * * * * ?", 11, False),
        ("0/9 * * * * ?", None, False),
        ("* * * * * ?", None, False),
        ("0,55 0,59 0,23 * * ?", None, False),
        ("0,55 0,59 0,23 1,15 * ?", None, True),
        ("55 59 23 31 12 ?", 86_400, True),
        ("0 0 * * * ?", 3_600, True),
        ("0 0 * * * ?", 3_601, False),
        ("rate(60s)", 59, True),
        ("rate(60s)", 60, False),
        ("at(2026-12-01 08:00:00)", 86_400, True),
    ],
)
def test_firings_must_not_come_closer_together_than_ten_seconds_or_the_timeout(
    text: str, timeout_s: int | None, is_fine: bool
) -> None:
    expression = parse(text)

    if is_fine:
        check_period(expression, timeout_s=timeout_s)
        return
    with pytest.raises(Refused, match="after it has fired"):
        check_period(expression, timeout_s=timeout_s)


def test_croniter_is_imported_only_when_something_is_computed() -> None:
    code = "import sys, shared.core.cron, shared.core.cron_times; sys.exit('croniter' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
