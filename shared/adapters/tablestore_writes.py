"""A change of a row as a plain value, and its form for the SDK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.adapters import limits

Value = int | str | bool | bytes
Key = tuple[tuple[str, str], ...]
Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on one column, e.g. `Where("version", "==", 3, pass_if_missing=False)`."""

    column: str
    comparator: Literal["==", "!=", "<", "<="]
    value: int | str | bool
    pass_if_missing: bool = field(kw_only=True)
    """Whether a row without this column meets the condition. The SDK's default is True, so we have none."""


@dataclass(frozen=True, slots=True)
class Write:
    """One row's change. It is made if the row `exists` as said and all of `where` hold."""

    kind: Literal["put", "update", "delete"]
    """put replaces the whole row, update only the named columns."""
    table: str
    key: Key
    columns: Mapping[str, Value] = field(default_factory=dict)
    increments: Mapping[str, int] = field(default_factory=dict)
    exists: bool | None = None
    """None = does not matter."""
    where: tuple[Where, ...] = ()

    def size(self) -> int:
        """About its bytes on the wire."""
        values = sum(len(name) + _size_of(value) + 24 for name, value in self.columns.items())
        return values + sum(len(name) + len(value) + 24 for name, value in self.key) + 200


def _size_of(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    return len(value) if isinstance(value, bytes) else 8


def batches_of(writes: Sequence[Write]) -> Iterator[list[Write]]:
    batch: list[Write] = []
    size = 0
    for write in writes:
        if batch and (len(batch) == limits.ROWS_PER_WRITE_MAX or size + write.size() > limits.BYTES_PER_WRITE_MAX):
            yield batch
            batch, size = [], 0
        batch.append(write)
        size += write.size()
    if batch:
        yield batch


def bound_of(key: Key) -> list[tuple[str, Any]]:
    """A key as the bound of a range; "" stands below every value."""
    from tablestore import INF_MIN

    return [(name, value or INF_MIN) for name, value in key]


def columns_of(row: Any) -> Columns:
    return {name: bytes(value) if isinstance(value, bytearray) else value for name, value, *_ in row.attribute_columns}


def row_of(write: Write) -> Any:
    from tablestore import Row

    # str and bytes both become STRING in the SDK; only bytearray becomes BINARY.
    columns = [
        (name, bytearray(value) if isinstance(value, bytes) else value) for name, value in sorted(write.columns.items())
    ]
    if write.kind == "put":
        return Row(list(write.key), columns)
    if write.kind == "delete":
        return Row(list(write.key))
    changes: dict[str, Any] = {"PUT": columns} if columns else {}
    if write.increments:
        changes["INCREMENT"] = sorted(write.increments.items())
    return Row(list(write.key), changes)


def condition_of(write: Write) -> Any:
    from tablestore import (
        ComparatorType,
        CompositeColumnCondition,
        Condition,
        LogicalOperator,
        RowExistenceExpectation,
        SingleColumnCondition,
    )

    comparators = {
        "==": ComparatorType.EQUAL,
        "!=": ComparatorType.NOT_EQUAL,
        "<": ComparatorType.LESS_THAN,
        "<=": ComparatorType.LESS_EQUAL,
    }
    expectations = {
        None: RowExistenceExpectation.IGNORE,
        True: RowExistenceExpectation.EXPECT_EXIST,
        False: RowExistenceExpectation.EXPECT_NOT_EXIST,
    }
    joined: Any = None
    for where in write.where:
        one = SingleColumnCondition(
            where.column, where.value, comparators[where.comparator], pass_if_missing=where.pass_if_missing
        )
        if joined is None:
            joined = one
            continue
        # By twos: older servers take exactly two parts in AND (error code page, 2021).
        both = CompositeColumnCondition(LogicalOperator.AND)
        both.add_sub_condition(joined)
        both.add_sub_condition(one)
        joined = both
    return Condition(expectations[write.exists], joined) if joined else Condition(expectations[write.exists])
