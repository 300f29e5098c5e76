"""One field of a cron expression: text → the values that match, or a refusal that says what to write instead.

Strategy: what Cloud Assistant's agent (library cronexpr, in its source of 2024) accepts and then reads otherwise than
it looks is refused here, with the text that means what the author meant: a range of weekdays that ends in Sunday is
empty there, `01` as a weekday is Sunday, and a range that runs backwards breaks the agent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.core.errors import Refused

LAST_DAY, LAST_WORKDAY = "L", "LW"
LAST_OF_MONTH = 0
"""As the number in `(weekday, number)`: the month's last such weekday."""


@dataclass(frozen=True, slots=True)
class FieldKind:
    """What one place of the expression may hold."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)
    """Names in capitals, short and full."""


def _named(first: int, *full: str) -> dict[str, int]:
    numbered = list(enumerate(full, start=first))
    return {name[:3]: number for number, name in numbered} | {name: number for number, name in numbered}


MONTH_NAMES = (
    "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE",
    "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER",
)  # fmt: skip
DAY_NAMES = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")

SECOND = FieldKind("second", 0, 59)
MINUTE = FieldKind("minute", 0, 59)
HOUR = FieldKind("hour", 0, 23)
MONTH_DAY = FieldKind("day of month", 1, 31)
MONTH = FieldKind("month", 1, 12, _named(1, *MONTH_NAMES))
WEEK_DAY = FieldKind("day of week", 0, 6, _named(0, *DAY_NAMES))
YEAR = FieldKind("year", 1970, 2099)

_STEPPED = re.compile(r"^(.+)/(.*)$")
_NEAREST = re.compile(r"^(\d{1,2})W$")
_LAST = re.compile(r"^(\w+?)L$")
_NUMBERED = re.compile(r"^(\w+)#(.*)$")


@dataclass(frozen=True, slots=True)
class Values:
    """What matches in a field that is not about days."""

    values: tuple[int, ...]
    is_free: bool
    """`*` or `?` stands in it: everything matches."""


@dataclass(frozen=True, slots=True)
class MonthDays:
    """Days of the month: plain ones, and those that each month has elsewhere."""

    values: tuple[int, ...] = ()
    is_free: bool = False
    has_last_day: bool = False
    has_last_workday: bool = False
    nearest_workdays: tuple[int, ...] = ()
    """`15W`: the working day nearest the 15th, never in another month; none in a month without that day."""


@dataclass(frozen=True, slots=True)
class WeekDays:
    """Days of the week, 0 = Sunday: every one, or one of the month's."""

    values: tuple[int, ...] = ()
    is_free: bool = False
    numbered: tuple[tuple[int, int], ...] = ()
    """(weekday, number): `4#2` = (4, 2), the second Thursday; number LAST_OF_MONTH = the last."""


def read_values(kind: FieldKind, text: str) -> Values:
    """Raises Refused."""
    found: set[int] = set()
    is_free = False
    for item in _items(kind, text):
        if item in ("*", "?"):
            is_free = True
        else:
            found |= set(_plain(kind, item))
    everything = tuple(range(kind.low, kind.high + 1))
    return Values(everything if is_free else tuple(sorted(found)), is_free)


def read_month_days(text: str) -> MonthDays:
    """Raises Refused."""
    plain: set[int] = set()
    nearest: set[int] = set()
    items = _items(MONTH_DAY, text)
    for item in items:
        if item in ("*", "?", LAST_DAY, LAST_WORKDAY):
            continue
        near = _NEAREST.match(item)
        if near:
            nearest.add(_value(MONTH_DAY, near.group(1), item))
        elif item.endswith("W") or "L" in item:
            raise refusal(f'"{item}" is no day of the month: write one day with W (15W), or L or LW alone')
        else:
            plain |= set(_plain(MONTH_DAY, item))
    return MonthDays(
        values=tuple(sorted(plain)),
        is_free="*" in items or "?" in items,
        has_last_day=LAST_DAY in items,
        has_last_workday=LAST_WORKDAY in items,
        nearest_workdays=tuple(sorted(nearest)),
    )


def read_week_days(text: str) -> WeekDays:
    """Raises Refused."""
    plain: set[int] = set()
    numbered: set[tuple[int, int]] = set()
    items = _items(WEEK_DAY, text)
    for item in items:
        if item in ("*", "?"):
            continue
        if item == "L":
            raise refusal(
                '"L" alone as the day of week is an error to the agent: write SUN for Sunday, 7L for the last'
            )
        hashed, last = _NUMBERED.match(item), _LAST.match(item)
        if hashed:
            numbered.add((_week_day(hashed.group(1), item), _number_in_month(hashed.group(2), item)))
        elif last and item not in WEEK_DAY.names:
            numbered.add((_week_day(last.group(1), item), LAST_OF_MONTH))
        else:
            plain |= set(_plain(WEEK_DAY, item))
    return WeekDays(tuple(sorted(plain)), "*" in items or "?" in items, tuple(sorted(numbered)))


def refusal(message: str, *, code: str = "BadFrequency") -> Refused:
    return Refused(message, code=code, field="schedule.frequency")


def _items(kind: FieldKind, text: str) -> list[str]:
    items = text.upper().split(",")
    if "" in items:
        raise refusal(f'the {kind.name} "{text}" has an empty part: take a comma away')
    return items


def _number_in_month(text: str, item: str) -> int:
    if text not in ("1", "2", "3", "4", "5"):
        raise refusal(f'"{item}": a month has a weekday at most five times; write #1 to #5')
    return int(text)


def _plain(kind: FieldKind, item: str) -> range | list[int]:
    """The values of `5`, `5-9`, `*/2`, `5/2` or `5-9/2`."""
    stepped = _STEPPED.match(item)
    base, step = (stepped.group(1), _step(kind, stepped.group(2), item)) if stepped else (item, 1)
    if base == "?":
        raise refusal(f'"{item}": a step needs a start; write */{step}')
    if base == "*":
        return range(kind.low, kind.high + 1, step)
    first, dash, last = base.partition("-")
    if dash:
        return _span(kind, first, last, step, item)
    start = _value(kind, first, item)
    if not stepped:
        return [start]
    if kind is WEEK_DAY and first == "7":
        raise refusal(f'"{item}" as days of the week begins on day 0 to the agent: write 0/{step}, or 7 for Sunday')
    return range(start, kind.high + 1, step)


def _span(kind: FieldKind, first: str, last: str, step: int, item: str) -> range:
    low, high = _value(kind, first, item), _value(kind, last, item)
    if kind is WEEK_DAY and (last == "7" or last in ("SUN", "SUNDAY")):
        meant = ",".join(str(day) for day in range(low, 8, step)) if first != "7" else "7"
        raise refusal(f'"{item}" as days of the week is empty to the agent and never fires: write {meant}')
    if low > high:
        around = [*range(low, kind.high + 1), *range(kind.low, high + 1)]
        meant = ",".join(str(value) for value in around[::step])
        raise refusal(f'"{item}" runs backwards, and the agent fails on it: write {meant} as the {kind.name}')
    return range(low, high + 1, step)


def _step(kind: FieldKind, text: str, item: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= kind.high:
        raise refusal(f'"{item}": the step of the {kind.name} must be 1 to {kind.high}')
    return int(text)


def _week_day(text: str, item: str) -> int:
    return _value(WEEK_DAY, text, item)


def _value(kind: FieldKind, text: str, item: str) -> int:
    """One value of the field. Sunday is 0, written 0, 7 or SUN."""
    if text in kind.names:
        return kind.names[text]
    if kind is WEEK_DAY and re.fullmatch(r"0[0-9]", text):
        raise refusal(f'"{text}" as the day of week is Sunday to the agent, whatever its second digit: write {text[1]}')
    wanted = r"[0-9]{4}" if kind is YEAR else r"[0-9]{1,2}"
    high = 7 if kind is WEEK_DAY else kind.high
    if not re.fullmatch(wanted, text) or not kind.low <= int(text) <= high:
        names = f" or {next(iter(kind.names))}, …" if kind.names else ""
        raise refusal(f'"{item}" is no {kind.name}: it must be {kind.low} to {high}{names}')
    return int(text) % 7 if kind is WEEK_DAY else int(text)
