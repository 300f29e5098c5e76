"""The fields of a cron expression, as the Cloud Assistant agent reads them.

Source: the cronexpr library inside the agent (aliyun_assist_client, thirdparty/cronexpr, 2024-02), its quirks included:
`?` is `*` everywhere, a week's day 7 is 0 before a range is unrolled (so `5-7` is empty), `01` to `06` are Sunday, a
bare L is no day of the week. The "documented" dialect is that of the page "Cron expressions" (document 64769) instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Dialect = Literal["agent", "documented"]

YEAR_MIN, YEAR_MAX = 1970, 2099

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december")  # fmt: skip
WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


class BadField(ValueError):
    """A field that can not be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Field:
    """What may stand in one place of an expression."""

    name: str
    low: int
    high: int
    pattern: str
    value_of: Callable[[str], int] = field(default=int)


def _named(names: tuple[str, ...], first: int) -> dict[str, int]:
    table = {name: number for number, name in enumerate(names, start=first)}
    return table | {name[:3]: number for name, number in table.items()}


MONTH_NAMES = _named(MONTHS, 1)
DAY_NAMES = _named(WEEK, 0)
AGENT_DAYS: Mapping[str, int] = {**DAY_NAMES, **{str(day): day % 7 for day in range(8)}}


def _alternatives(numbers: str, names: Mapping[str, int]) -> str:
    return "|".join((numbers, *names))


SECOND = Field("second", 0, 59, r"0?[0-9]|[1-5][0-9]")
MINUTE = Field("minute", 0, 59, r"0?[0-9]|[1-5][0-9]")
HOUR = Field("hour", 0, 23, r"0?[0-9]|1[0-9]|2[0-3]")
DAY = Field("day of month", 1, 31, r"0?[1-9]|[12][0-9]|3[01]")
MONTH = Field(
    "month",
    1,
    12,
    _alternatives(r"0?[1-9]|1[012]", MONTH_NAMES),
    lambda word: MONTH_NAMES[word] if word in MONTH_NAMES else int(word),
)
YEAR = Field("year", YEAR_MIN, YEAR_MAX, r"19[789][0-9]|20[0-9]{2}")
WEEKDAY = Field("day of week", 0, 6, _alternatives(r"0?[0-7]", DAY_NAMES), lambda word: AGENT_DAYS.get(word, 0))
WEEKDAY_DOCUMENTED = Field(
    "day of week",
    1,
    7,
    _alternatives(r"[1-7]", DAY_NAMES),
    lambda word: (DAY_NAMES[word] or 7) if word in DAY_NAMES else int(word),
)


@dataclass(frozen=True, slots=True)
class Days:
    """Which days of a month are meant. Days of the week: 0 is Sunday."""

    is_day_free: bool
    days: frozenset[int]
    has_last_day: bool
    has_last_workday: bool
    workdays: frozenset[int]
    is_weekday_free: bool
    weekdays: frozenset[int]
    last_weekdays: frozenset[int]
    """The last Friday, say."""
    nth_weekdays: frozenset[tuple[int, int]]
    """(5, 2) is the second Friday."""


def values(text: str, what: Field, dialect: Dialect) -> tuple[int, ...]:
    """Second, minute, hour, month, year: sorted. Raises BadField, also for what would be no value at all."""
    found: set[int] = set()
    for entry in _entries(text, what):
        plain = _plain(entry, what, dialect)
        if plain is None:
            raise _bad(entry, what)
        found |= plain
    if not found and what is not YEAR:
        # Here the agent breaks: it takes the first of none.
        raise BadField(f"{text!r} in the field {what.name} means no value at all")
    return tuple(sorted(found))


def days(day_text: str, weekday_text: str, dialect: Dialect) -> Days:
    """Day of month and day of week together. Raises BadField."""
    plain_days: set[int] = set()
    workdays: set[int] = set()
    marks: set[str] = set()
    for entry in _entries(day_text, DAY):
        found = _plain(entry, DAY, dialect)
        workday = re.fullmatch(rf"({DAY.pattern})w", entry)
        if found is not None:
            plain_days |= found
        elif entry in ("l", "lw"):
            marks.add(entry)
        elif workday is not None:
            workdays.add(int(workday.group(1)))
        else:
            raise _bad(entry, DAY)
    weekdays, last, nth = _weekdays(weekday_text, dialect)
    return Days(
        is_day_free=_is_free(day_text),
        days=frozenset(plain_days),
        has_last_day="l" in marks,
        has_last_workday="lw" in marks,
        workdays=frozenset(workdays),
        is_weekday_free=_is_free(weekday_text),
        weekdays=frozenset(weekdays),
        last_weekdays=frozenset(last),
        nth_weekdays=frozenset(nth),
    )


def _weekdays(text: str, dialect: Dialect) -> tuple[set[int], set[int], set[tuple[int, int]]]:
    what = WEEKDAY if dialect == "agent" else WEEKDAY_DOCUMENTED
    plain: set[int] = set()
    last: set[int] = set()
    nth: set[tuple[int, int]] = set()
    for entry in _entries(text, what):
        found = _plain(entry, what, dialect)
        in_last_week = re.fullmatch(rf"({what.pattern})l", entry)
        in_nth_week = re.fullmatch(rf"({what.pattern})#([1-5])", entry)
        if found is not None:
            plain |= {day % 7 for day in found}
        elif in_last_week is not None:
            last.add(what.value_of(in_last_week.group(1)) % 7)
        elif in_nth_week is not None:
            nth.add((what.value_of(in_nth_week.group(1)) % 7, int(in_nth_week.group(2))))
        elif entry == "l" and dialect == "documented":
            plain.add(0)
        else:
            raise _bad(entry, what)
    return plain, last, nth


def _entries(text: str, what: Field) -> list[str]:
    entries = [entry for entry in text.lower().split(",") if entry]
    if not entries:
        raise BadField(f"the field {what.name} is empty")
    return entries


def _is_free(text: str) -> bool:
    """One wildcard among the entries is enough."""
    return any(entry in ("*", "?") for entry in text.split(","))


def _plain(entry: str, what: Field, dialect: Dialect) -> set[int] | None:
    """What a value, a range or a wildcard means, with or without a step; None when it is none of these."""
    if entry in ("*", "?"):
        if entry == "?" and dialect == "documented" and what not in (DAY, WEEKDAY_DOCUMENTED):
            raise BadField(f"'?' may only stand for a day, not in the field {what.name}")
        return set(range(what.low, what.high + 1))
    match = re.fullmatch(
        rf"(?:(?P<all>\*)|(?P<low>{what.pattern})(?:-(?P<high>{what.pattern}))?)(?:/(?P<step>[0-9]{{1,6}}))?", entry
    )
    if match is None or (match["all"] and not match["step"]):
        return None
    step = int(match["step"] or 1)
    if not 1 <= step <= what.high:
        raise BadField(f"the step of {entry!r} in the field {what.name} lies from 1 to {what.high}")
    low = what.low if match["all"] else what.value_of(match["low"])
    high = what.value_of(match["high"]) if match["high"] else low
    if match["all"] or (match["step"] and not match["high"]):
        high = what.high
    if low > high and dialect == "documented":
        raise BadField(f"{entry!r} in the field {what.name} goes backwards")
    return set(range(low, high + 1, step))


def _bad(entry: str, what: Field) -> BadField:
    return BadField(f"{entry[:40]!r} can not stand in the field {what.name}")
