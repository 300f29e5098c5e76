"""What stands in a row: values, keys, and their order.

A value's Python type is its Tablestore type: int INTEGER, float DOUBLE, bool BOOLEAN, str STRING, bytes BINARY.
A key is the tuple of its values, in the order of the table's schema.
"""

from __future__ import annotations

from typing import Any, Literal, TypeGuard

Value = int | float | bool | str | bytes
Key = tuple[Any, ...]
"""Key values, in the schema's order. In bounds of ranges INF_MIN and INF_MAX may stand in it, too."""

KeyType = Literal["INTEGER", "STRING", "BINARY"]
ColumnType = Literal["INTEGER", "DOUBLE", "BOOLEAN", "STRING", "BINARY"]

TYPE_NAMES: dict[type, ColumnType] = {
    int: "INTEGER",
    float: "DOUBLE",
    bool: "BOOLEAN",
    str: "STRING",
    bytes: "BINARY",
}

INT64_MIN = -(1 << 63)
INT64_MAX = (1 << 63) - 1


class Infinity:
    """Stands below (INF_MIN) or above (INF_MAX) every value of a key; compares with all of them."""

    __slots__ = ("is_max",)

    def __init__(self, *, is_max: bool) -> None:
        self.is_max = is_max

    def __lt__(self, other: object) -> bool:
        return not self.is_max and other is not self

    def __gt__(self, other: object) -> bool:
        return self.is_max and other is not self

    def __le__(self, other: object) -> bool:
        return not self.is_max or other is self

    def __ge__(self, other: object) -> bool:
        return self.is_max or other is self

    def __repr__(self) -> str:
        return "INF_MAX" if self.is_max else "INF_MIN"


class AutoIncrement:
    """Stands for the key value that the table shall choose."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "AUTO_INCREMENT"


INF_MIN = Infinity(is_max=False)
INF_MAX = Infinity(is_max=True)
AUTO_INCREMENT = AutoIncrement()


def type_name(value: object) -> ColumnType | None:
    """INTEGER, STRING …; None for what is no value (INF_MIN, AUTO_INCREMENT)."""
    return TYPE_NAMES.get(type(value))


def is_value(value: object) -> TypeGuard[Value]:
    return type(value) in TYPE_NAMES


def value_size(value: object) -> int:
    """Bytes as they are billed: integer and double 8, boolean 1, text its UTF-8 bytes (pricing page, 2021)."""
    if type(value) is str:
        return text_size(value)
    if type(value) is bytes:
        return len(value)
    return 1 if type(value) is bool else 8


def text_size(text: str) -> int:
    """Its UTF-8 bytes; of names, too."""
    return len(text) if text.isascii() else len(text.encode())


def key_size(names: tuple[str, ...], key: Key) -> int:
    """Bytes of names and values."""
    return sum(map(text_size, names)) + sum(map(value_size, key))
