"""When a Frequency fires: a table of expressions with the times that the calendar gives, worked out by hand.

The table begins on Tuesday, 24 November 2026, 00:00:00 UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.ecs.errors import EcsError
from localcloud.ecs.frequency import BadFrequency, parse
from localcloud.ecs.frequency_cron import utc_ms
from localcloud.ecs.frequency_fields import Dialect

START = "2026-11-24T00:00:00Z"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def iso(moment_ms: int | None) -> str | None:
    if moment_ms is None:
        return None
    return datetime.fromtimestamp(moment_ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def firings(
    text: str, count: int, *, start: str = START, zone: str = "UTC", dialect: Dialect = "agent"
) -> list[str | None]:
    frequency = parse(text, now_ms=ms(start), default_zone=zone, dialect=dialect)
    found: list[str | None] = []
    moment: int | None = ms(start)
    while moment is not None and len(found) < count:
        moment = frequency.next_after(moment)
        found.append(iso(moment))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 */20 * * * ?", ["2026-11-24T00:20:00Z", "2026-11-24T00:40:00Z", "2026-11-24T01:00:00Z"]),
        ("*/10 * * * * *", ["2026-11-24T00:00:10Z", "2026-11-24T00:00:20Z"]),
        ("30 59 23 * * ?", ["2026-11-24T23:59:30Z", "2026-11-25T23:59:30Z"]),
        ("5,10 1-2 0 * * ?", ["2026-11-24T00:01:05Z", "2026-11-24T00:01:10Z", "2026-11-24T00:02:05Z"]),
        ("0 50/5 23 * * ?", ["2026-11-24T23:50:00Z", "2026-11-24T23:55:00Z", "2026-11-25T23:50:00Z"]),
        ("0 0-30/15 4 * * ?", ["2026-11-24T04:00:00Z", "2026-11-24T04:15:00Z", "2026-11-24T04:30:00Z"]),
        # the documents' own examples, with later years
        ("0 15 10 ? * * 2027 Asia/Shanghai", ["2027-01-01T02:15:00Z", "2027-01-02T02:15:00Z"]),
        (
            "0 0/30 10-11 * * ? 2027 GMT+8:00",
            [f"2027-01-01T{hour}:00Z" for hour in ("02:00", "02:30", "03:00", "03:30")] + ["2027-01-02T02:00:00Z"],
        ),
        ("0 0/5 14 * 10 ? 2022/2 UTC", ["2028-10-01T14:00:00Z", "2028-10-01T14:05:00Z"]),
        ("0 15 10 ? * 6L", ["2026-11-28T10:15:00Z", "2026-12-26T10:15:00Z"]),
        # days of the week
        ("0 0 12 ? * 4#2", ["2026-12-10T12:00:00Z", "2027-01-14T12:00:00Z"]),
        ("0 0 0 ? * 5#5", ["2027-01-29T00:00:00Z", "2027-04-30T00:00:00Z"]),
        ("0 0 0 ? * 1", ["2026-11-30T00:00:00Z"]),
        ("0 0 0 ? * 0", ["2026-11-29T00:00:00Z"]),
        ("0 0 0 ? * 7", ["2026-11-29T00:00:00Z"]),
        ("0 0 0 ? * sun,WED", ["2026-11-25T00:00:00Z", "2026-11-29T00:00:00Z"]),
        ("0 0 0 ? * Monday-Friday", ["2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z",
                                     "2026-11-30T00:00:00Z"]),
        ("0 0 0 ? * 1/2", ["2026-11-25T00:00:00Z", "2026-11-27T00:00:00Z", "2026-11-30T00:00:00Z"]),
        # days of the month
        ("0 0 0 L 2 ?", ["2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z"]),
        ("0 0 0 LW * ?", ["2026-11-30T00:00:00Z", "2026-12-31T00:00:00Z", "2027-01-29T00:00:00Z"]),
        ("0 0 0 5W * ?", ["2026-12-04T00:00:00Z", "2027-01-05T00:00:00Z"]),
        ("0 0 0 1W 5 ?", ["2027-05-03T00:00:00Z"]),
        ("0 0 0 31W 1 ?", ["2027-01-29T00:00:00Z"]),
        ("0 0 0 31 * ?", ["2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z"]),
        ("0 0 2 29 feb ?", ["2028-02-29T02:00:00Z", "2032-02-29T02:00:00Z"]),
        ("0 0 0 1/15 jan-mar,December ?", ["2026-12-01T00:00:00Z", "2026-12-16T00:00:00Z", "2026-12-31T00:00:00Z",
                                           "2027-01-01T00:00:00Z"]),
        # both kinds of days restricted: either of them
        ("0 0 0 1 * MON", ["2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-07T00:00:00Z"]),
        # years
        ("0 0 0 1 1 ? *", ["2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"]),
        ("0 0 0 1 1 ? ?", ["2027-01-01T00:00:00Z"]),
        ("0 0 0 1 1 ? */4", ["2030-01-01T00:00:00Z", "2034-01-01T00:00:00Z"]),
        ("0 0 0 1 1 ? 2028-2029", ["2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z", None]),
        ("0 0 0 1 1 ? 2099", ["2099-01-01T00:00:00Z", None]),
        # zones
        ("0 0 8 * * ? GMT+8:00", ["2026-11-25T00:00:00Z"]),
        ("0 0 8 * * ? GMT-3:30", ["2026-11-24T11:30:00Z"]),
        ("0 0 8 * * ? GMT", ["2026-11-24T08:00:00Z"]),
        ("0 0 8 * * ? 2027 GMT-12:59", ["2027-01-01T20:59:00Z"]),
        ("0 0 8 * * ? GMT+14:59", ["2026-11-24T17:01:00Z"]),
        ("0 0 8 * * ? Asia/Kathmandu", ["2026-11-24T02:15:00Z"]),
        ("  0  0 8 * * ?  ", ["2026-11-24T08:00:00Z"]),
        ("0 0 0,,5 * * ?", ["2026-11-24T05:00:00Z"]),
        # rate and at
        ("rate(60s)", ["2026-11-24T00:01:00Z", "2026-11-24T00:02:00Z"]),
        ("rate(5m)", ["2026-11-24T00:05:00Z", "2026-11-24T00:10:00Z"]),
        ("RATE (2H)", ["2026-11-24T02:00:00Z"]),
        ("rate(7d)", ["2026-12-01T00:00:00Z", "2026-12-08T00:00:00Z"]),
        ("at(2026-12-24 18:00:00)", ["2026-12-24T18:00:00Z", None]),
        ("at(2026-12-24 18:00:00 UTC)", ["2026-12-24T18:00:00Z"]),
        ("at(2026-12-24 18:00:00 Asia/Shanghai)", ["2026-12-24T10:00:00Z"]),
        ("at(2026-12-24 18:00:00 GMT-5:00)", ["2026-12-24T23:00:00Z"]),
        # never
        ("at(2020-01-01 00:00:00)", [None]),
        ("at(2026-11-24 00:00:00)", [None]),
        ("0 0 12 1 1 ? 2020", [None]),
        ("0 0 0 30 2 ?", [None]),
    ],
)  # fmt: skip
def test_it_fires_when_the_calendar_says(text: str, expected: list[str | None]) -> None:
    assert firings(text, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "agent", "documented"),
    [
        ("0 0 0 ? * 5-7", [None], ["2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"]),
        ("0 0 0 ? * MON-SUN", [None], ["2026-11-25T00:00:00Z"]),
        ("0 0 0 1 * 6-7", ["2026-12-01T00:00:00Z"], ["2026-11-28T00:00:00Z"]),
        ("0 0 0 ? * 01", ["2026-11-29T00:00:00Z"], "refused"),
        ("0 0 0 ? * 0", ["2026-11-29T00:00:00Z"], "refused"),
        ("0 0 0 ? * L", "refused", ["2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"]),
        ("0 ? * * * *", ["2026-11-24T00:01:00Z"], "refused"),
        ("0 0 22-3,5 * * ?", ["2026-11-24T05:00:00Z"], "refused"),
        ("0 0 0 20-5 * ?", [None], "refused"),
    ],
)
def test_where_documents_and_agent_disagree_the_dialect_decides(
    text: str, agent: list[str | None] | str, documented: list[str | None] | str
) -> None:
    readings: tuple[tuple[Dialect, list[str | None] | str], ...] = (("agent", agent), ("documented", documented))
    for dialect, expected in readings:
        if isinstance(expected, str):
            with pytest.raises(BadFrequency):
                firings(text, 1, dialect=dialect)
        else:
            assert firings(text, len(expected), dialect=dialect) == expected


def test_without_a_zone_the_instance_decides() -> None:
    assert firings("0 0 8 * * ?", 1, zone="Asia/Shanghai") == ["2026-11-25T00:00:00Z"]
    assert firings("0 0 8 * * ?", 1, zone="America/New_York") == ["2026-11-24T13:00:00Z"]
    assert firings("at(2026-12-24 18:00:00)", 1, zone="Asia/Shanghai") == ["2026-12-24T18:00:00Z"]


@pytest.mark.parametrize(
    ("local", "seconds"),
    [
        ("2011-11-06 01:00:00", 1_320_566_400),  # comes twice: the first
        ("2011-11-06 01:59:59", 1_320_569_999),
        ("2011-11-06 02:00:00", 1_320_573_600),
        ("2011-03-13 01:59:59", 1_300_010_399),
        ("2011-03-13 03:00:00", 1_300_010_400),
        ("2011-03-13 02:30:00", 1_300_008_600),  # is left out: an hour before
    ],
)
def test_local_times_are_placed_where_go_places_them(local: str, seconds: int) -> None:
    """The examples that Go's own tests of time.Date have for Los Angeles."""
    moment = datetime.strptime(local, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  local

    assert utc_ms(moment, ZoneInfo("America/Los_Angeles")) == seconds * 1000


def test_an_hour_that_is_left_out_is_moved_as_go_moves_it() -> None:
    """New York, 14 March 2027: 02:00 to 03:00 does not exist."""
    found = firings("0 30 2 * * ? * America/New_York", 3, start="2027-03-13T12:00:00Z")

    assert found == ["2027-03-14T06:30:00Z", "2027-03-15T06:30:00Z", "2027-03-16T06:30:00Z"]


def test_an_hour_that_comes_twice_counts_once() -> None:
    """New York, 7 November 2027: 01:00 to 02:00 comes twice."""
    assert firings("0 30 1 * * ? * America/New_York", 2, start="2027-11-07T00:00:00Z") == [
        "2027-11-07T05:30:00Z",
        "2027-11-08T06:30:00Z",
    ]
    assert firings("0 */30 * * * ? * America/New_York", 3, start="2027-11-07T05:00:00Z") == [
        "2027-11-07T05:30:00Z",
        "2027-11-07T07:00:00Z",
        "2027-11-07T07:30:00Z",
    ]


def test_a_rate_counts_from_its_creation_whenever_it_is_asked() -> None:
    rate = parse("rate(7m)", now_ms=ms(START))

    assert iso(rate.next_after(ms("2026-11-24T01:00:30Z"))) == "2026-11-24T01:03:00Z"
    assert iso(rate.next_after(ms("2026-11-24T01:03:00Z"))) == "2026-11-24T01:10:00Z"
    assert iso(rate.next_after(ms("2026-11-23T00:00:00Z"))) == "2026-11-24T00:07:00Z"


@pytest.mark.parametrize(
    ("text", "error_code"),
    [
        ("* * * * *", ""),
        ("0 0 0 * * ? * UTC extra", ""),
        ("@daily", ""),
        ("every(5m)", ""),
        ("cron(0 0 0 * * ?)", ""),
        ("rate(30s)", ""),
        ("rate(59s)", ""),
        ("rate(8d)", ""),
        ("rate(0m)", ""),
        ("rate(604801s)", ""),
        ("rate(5)", "InvalidRateExpression"),
        ("rate(5w)", "InvalidRateExpression"),
        ("rate(-5m)", "InvalidRateExpression"),
        ("rate(1.5h)", "InvalidRateExpression"),
        ("rate(5m", "InvalidRateExpression"),
        ("rate(5m) ", None),
        ("at(2026-12-24)", "InvalidAtExpression"),
        ("at(2026-12-24T18:00:00)", "InvalidAtExpression"),
        ("at(2026-02-30 18:00:00)", "InvalidAtExpression"),
        ("at(2026-12-24 24:00:00)", "InvalidAtExpression"),
        ("at(2026-12-24 18:00:00 CST)", "TimezoneInformationCorrupt"),
        ("at(2026-12-24 18:00:00 GMT+08:00)", "InvalidGMTOffsetForTimezone"),
        ("0 0 25 * * ?", "BadCronExpression"),
        ("60 0 0 * * ?", "BadCronExpression"),
        ("0 */60 * * * ?", "BadCronExpression"),
        ("0 */0 * * * ?", "BadCronExpression"),
        ("0 0 0 ? * */7", "BadCronExpression"),
        ("0 0 12 L * L", "BadCronExpression"),
        ("0 0 0 0/5 * ?", "BadCronExpression"),
        ("0 0 0 32 * ?", "BadCronExpression"),
        ("0 0 0 ? 13 *", "BadCronExpression"),
        ("0 0 0 ? 0 *", "BadCronExpression"),
        ("0 0 0 ? * 8", "BadCronExpression"),
        ("0 0 0 ? * 5#6", "BadCronExpression"),
        ("0 0 0 ? * 5#0", "BadCronExpression"),
        ("0 0 0 1-5W * ?", "BadCronExpression"),
        ("0 0 0 WL * ?", "BadCronExpression"),
        ("jan 0 0 * * ?", "BadCronExpression"),
        ("0 0 22-3 * * ?", "BadCronExpression"),
        ("0 0 , * * ?", "BadCronExpression"),
        ("0 0 ?/5 * * ?", "BadCronExpression"),
        ("0 0 1- * * ?", "BadCronExpression"),
        ("0 0 -1 * * ?", "BadCronExpression"),
        ("0 0 1--3 * * ?", "BadCronExpression"),
        ("0 0 0 ? * MO", "BadCronExpression"),
        ("0 0 0 ? * * 1969 UTC", "BadCronExpression"),
        ("0 0 0 ? * * 2100 UTC", "BadCronExpression"),
        ("0 0 0 ? * * 2199", "TimezoneInformationCorrupt"),
        ("0 0 12 * * ? GMT+08:00", "InvalidGMTOffsetForTimezone"),
        ("0 0 12 * * ? GMT+8", "InvalidGMTOffsetForTimezone"),
        ("0 0 12 * * ? UTC+8:00", "InvalidGMTOffsetForTimezone"),
        ("0 0 12 * * ? GMT+15:00", "InvalidGMTOffsetHourForTimezone"),
        ("0 0 12 * * ? GMT-13:00", "InvalidGMTOffsetHourForTimezone"),
        ("0 0 12 * * ? GMT+8:60", "InvalidGMTOffsetMinuteForTimezone"),
        ("0 0 12 * * ? CST", "TimezoneInformationCorrupt"),
        ("0 0 12 * * ? Asia/Atlantis", "TimezoneInformationCorrupt"),
        ("0 0 12 * * ? ../../etc/passwd", "TimezoneInformationCorrupt"),
        ("0 0 12 * * ? Asia/", "TimezoneInformationCorrupt"),
    ],
)
def test_what_can_not_be_read_is_refused_with_the_agents_code(text: str, error_code: str | None) -> None:
    if error_code is None:
        parse(text, now_ms=ms(START))
        return

    with pytest.raises(BadFrequency) as caught:
        parse(text, now_ms=ms(START))

    assert (caught.value.code, caught.value.status) == ("InvalidParam.Frequency", 400)
    assert caught.value.error_code == error_code
    assert repr(text.strip()) in caught.value.message


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_is_missing(text: str) -> None:
    with pytest.raises(EcsError) as caught:
        parse(text, now_ms=ms(START))

    assert caught.value.code == "MissingParam.Frequency"


FIELDS = st.sampled_from(["*", "?", "0", "7", "1-5", "*/3", "2/4", "3,5", "L", "x", "", "9-2", "#", "LW", "5W", "MON"])


@given(st.lists(FIELDS, min_size=4, max_size=9), st.text(max_size=8))
def test_no_text_breaks_the_reading(parts: list[str], more: str) -> None:
    try:
        frequency = parse(" ".join([*parts, more]), now_ms=ms(START))
    except EcsError:
        return

    following = frequency.next_after(ms(START))

    assert following is None or following > ms(START)


def numbers(low: int, high: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=1, max_size=3, unique=True).map(sorted)


@settings(max_examples=60)
@given(numbers(0, 59), numbers(0, 23), numbers(1, 28), st.integers(0, 86_400 * 3), st.integers(-11, 13))
def test_the_next_firing_is_the_first_minute_that_matches(
    minutes: list[int], hours: list[int], days: list[int], offset_s: int, east: int
) -> None:
    """Against a search that tries one minute after the other."""
    words = [",".join(map(str, numbers)) for numbers in (minutes, hours, days)]
    zone = f"GMT{east:+d}:00"
    start = ms(START) + offset_s * 1000
    frequency = parse(f"0 {words[0]} {words[1]} {words[2]} * ? {zone}", now_ms=start)
    local = timezone(timedelta(hours=east))
    moment = datetime.fromtimestamp(start // 60_000 * 60, local) + timedelta(minutes=1)
    while not (moment.minute in minutes and moment.hour in hours and moment.day in days):
        moment += timedelta(hours=1) if moment.hour not in hours and moment.minute == 0 else timedelta(minutes=1)

    assert iso(frequency.next_after(start)) == iso(int(moment.timestamp() * 1000))
