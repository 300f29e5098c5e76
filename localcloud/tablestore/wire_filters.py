"""Filters: messages → values. Texts from the error code page, 2021, and the tests of the Java SDK."""

from __future__ import annotations

from typing import Any, Literal, get_args

from localcloud.tablestore.conditions import (
    All,
    Any_,
    Cast,
    Column,
    ColumnPage,
    Comparator,
    Not,
    RowFilter,
)
from localcloud.tablestore.errors import TablestoreError, invalid
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.messages import messages, parsed, text
from localcloud.tablestore.plainbuffer import decode_variant

COMPARATORS: tuple[Comparator, ...] = get_args(Comparator)
"""In the order of ComparatorType's numbers, which begin at 1."""
SINGLE, COMPOSITE, PAGINATION = 1, 2, 3
LOGICAL_NOT, LOGICAL_AND = 1, 2
CASTS: dict[int, Literal["INTEGER", "DOUBLE", "STRING"]] = {0: "INTEGER", 1: "DOUBLE", 3: "STRING"}
DEPTH_MAX = 32
"""Ours: no filter that is counted is deeper."""


def read_filter(data: bytes, limits: Limits) -> RowFilter | ColumnPage:
    """From a serialised Filter. Raises OTSParameterInvalid."""
    message = parsed(messages().filter.Filter, data, failure="Deserialize filter failed.")
    if message.type == COMPOSITE:
        _check_count(message, limits)
    return _read(message, limits)


def _check_count(message: Any, limits: Limits) -> None:
    """Too many filters are refused before anything else about them (tests of the Java SDK)."""
    kind = messages().filter.CompositeColumnValueFilter
    waiting, count = [(message, 0)], 0
    while waiting:
        rule, depth = waiting.pop()
        is_composite = rule.type == COMPOSITE
        count += not is_composite or limits.filters_counted == "all"
        if count > limits.filters_max or depth > DEPTH_MAX:
            raise invalid(f"The count of filter exceeds the max: {limits.filters_max}.")
        if is_composite:
            parts = parsed(kind, rule.filter, failure="Deserialize composite filter failed.").sub_filters
            waiting += [(part, depth + 1) for part in parts[: limits.filters_max + 1]]


def _read(message: Any, limits: Limits) -> RowFilter | ColumnPage:
    known = messages().filter
    if message.type == SINGLE:
        return _column(
            parsed(known.SingleColumnValueFilter, message.filter, failure="Deserialize relation filter failed.")
        )
    if message.type == COMPOSITE:
        return _composite(
            parsed(known.CompositeColumnValueFilter, message.filter, failure="Deserialize composite filter failed."),
            limits,
        )
    return _page(
        parsed(known.ColumnPaginationFilter, message.filter, failure="Deserialize column pagination filter failed.")
    )


def _column(message: Any) -> Column:
    try:
        value = decode_variant(message.column_value)
    except TablestoreError:
        raise invalid("Deserialize relation filter failed.") from None
    cast = None
    if message.HasField("value_trans_rule"):
        rule = message.value_trans_rule
        if rule.HasField("cast_type") and rule.cast_type not in CASTS:
            raise invalid("Deserialize relation filter failed.")
        cast = Cast(text(rule.regex), CASTS[rule.cast_type] if rule.HasField("cast_type") else "STRING")
    return Column(
        text(message.column_name),
        COMPARATORS[message.comparator - 1],
        value,
        pass_if_missing=not message.filter_if_missing,
        latest_only=message.latest_version_only,
        cast=cast,
    )


def _composite(message: Any, limits: Limits) -> RowFilter:
    count = len(message.sub_filters)
    if message.combinator == LOGICAL_NOT:
        if count != 1:
            raise invalid("Invalid NOT operator: the number of sub-filters must be 1.")
    elif count < 2:
        raise invalid("Invalid AND/OR operator: the number of sub-filters must be more than 1.")
    elif count > limits.composite_parts_max:
        raise invalid(f"Invalid AND/OR operator: the number of sub-filters must be {limits.composite_parts_max}.")
    parts: list[RowFilter] = []
    for sub in message.sub_filters:
        part = _read(sub, limits)
        if isinstance(part, ColumnPage):
            raise invalid("Invalid type of sub-filter: FT_COLUMN_PAGINATION.")
        parts.append(part)
    if message.combinator == LOGICAL_NOT:
        return Not(parts[0])
    return All(tuple(parts)) if message.combinator == LOGICAL_AND else Any_(tuple(parts))


def _page(message: Any) -> ColumnPage:
    if message.offset < 0:
        raise invalid("Offset in ColumnPaginationFilter must be greater than or equal to 0.")
    if message.limit <= 0:
        raise invalid("Limit in ColumnPaginationFilter must be greater than 0.")
    return ColumnPage(message.offset, message.limit)
