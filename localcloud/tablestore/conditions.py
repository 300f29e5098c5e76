"""Filters of reads and conditions of writes, as values; and whether a row meets them.

A filter sees a row's columns as it may: a read's filter those that the read asks for, a write's condition all of them.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from localcloud.tablestore.values import Value

Comparator = Literal["==", "!=", ">", ">=", "<", "<=", "exists", "is missing"]
Versions = Sequence[tuple[int, Value]]
"""(version in ms, value), newest first."""
ColumnSource = Callable[[str], Versions]
"""The versions of a column; none when it is missing."""

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Cast:
    """Takes a part out of a text before it is compared: the first group, or the whole match.

    Text that does not match, or is no number, compares false with everything (unverified).
    """

    regex: str
    to: Literal["INTEGER", "DOUBLE", "STRING"] = "STRING"


@dataclass(frozen=True, slots=True)
class Column:
    """One column against one value, e.g. `Column("version", "==", 3, pass_if_missing=False)`.

    Values of different types are unequal, and neither less nor greater.
    """

    name: str
    comparator: Comparator
    value: Value = 0
    pass_if_missing: bool = field(kw_only=True)
    """Whether a row without the column passes. The SDK's default is True; here there is none."""
    latest_only: bool = True
    """False: any version may meet it (filter page, 2024)."""
    cast: Cast | None = None


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[RowFilter, ...]


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801  `Any` is typing's
    """At least one part holds."""

    parts: tuple[RowFilter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: RowFilter


RowFilter = Column | All | Any_ | Not


@dataclass(frozen=True, slots=True)
class ColumnPage:
    """Some of a row's columns: skips `offset`, gives `limit`. Cannot be part of other filters."""

    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold for a write. `exists` None: does not matter."""

    exists: bool | None = None
    columns: RowFilter | None = None

    @property
    def is_trivial(self) -> bool:
        return self.exists is None and self.columns is None


ALWAYS = Condition()
MUST_EXIST = Condition(exists=True)
MUST_BE_MISSING = Condition(exists=False)


def matches(rule: RowFilter, source: ColumnSource) -> bool:
    """Whether the row behind `source` meets the rule."""
    if isinstance(rule, Column):
        return _column_matches(rule, source(rule.name))
    if isinstance(rule, All):
        return all(matches(part, source) for part in rule.parts)
    if isinstance(rule, Any_):
        return any(matches(part, source) for part in rule.parts)
    return not matches(rule.part, source)


def _column_matches(rule: Column, versions: Versions) -> bool:
    if rule.comparator == "exists":
        return bool(versions)
    if rule.comparator == "is missing":
        return not versions
    if not versions:
        return rule.pass_if_missing
    looked_at = versions[:1] if rule.latest_only else versions
    return any(_value_matches(rule, value) for _, value in looked_at)


def _value_matches(rule: Column, value: Value) -> bool:
    if rule.cast is not None:
        part = _cast(rule.cast, value)
        if part is None:
            return False
        value = part
    if type(value) is not type(rule.value):
        return rule.comparator == "!="
    return COMPARE[rule.comparator](value, rule.value)


def _cast(cast: Cast, value: Value) -> Value | None:
    if not isinstance(value, str):
        return None
    match = compiled(cast.regex).search(value)
    if match is None:
        return None
    text = match.group(1) if match.re.groups else match.group(0)
    if text is None or cast.to == "STRING":
        return text
    try:
        return int(text) if cast.to == "INTEGER" else float(text)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def compiled(regex: str) -> re.Pattern[str]:
    """Raises re.error. Tablestore speaks Perl's dialect for single bytes; Python's differs in rare forms."""
    return re.compile(regex, re.ASCII)


def columns_of(rule: RowFilter) -> list[Column]:
    """Every condition on a column in it."""
    if isinstance(rule, Column):
        return [rule]
    parts = (rule.part,) if isinstance(rule, Not) else rule.parts
    return [column for part in parts for column in columns_of(part)]


def count_of(rule: RowFilter) -> int:
    """Every condition on a column in it, and every AND, OR and NOT."""
    if isinstance(rule, Column):
        return 1
    parts = (rule.part,) if isinstance(rule, Not) else rule.parts
    return 1 + sum(map(count_of, parts))
