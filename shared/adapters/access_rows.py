"""KeyStore, HookStore, SubscriptionStore on Tablestore. Tables api_keys (key_id), hooks (name), subscriptions (name).

A row holds `schema`, `version` and `body`, its JSON. All three tables are small: people write them.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from shared.adapters.tablestore_calls import TableCalls
from shared.adapters.tablestore_writes import Columns, Key, Value, Where, Write
from shared.core import limits
from shared.core.errors import Unavailable
from shared.core.hooks import HookRow
from shared.core.keys import KeyRow
from shared.core.model import SCHEMA
from shared.core.push import SubscriptionRow

API_KEYS, HOOKS, SUBSCRIPTIONS = "api_keys", "hooks", "subscriptions"
_AFTER_ANY_NAME = "~"
"""Above every id and name."""
Row = TypeVar("Row", KeyRow, HookRow, SubscriptionRow)


class TableKeyStore:
    """Raises Unavailable and, when it writes, UnknownOutcome."""

    def __init__(self, calls: TableCalls) -> None:
        self._calls = calls

    def insert_key(self, row: KeyRow) -> bool:
        return _put(self._calls, API_KEYS, _key_id(row.key_id), row)

    def read_key(self, key_id: str) -> KeyRow | None:
        return _read(self._calls, API_KEYS, _key_id(key_id), KeyRow)

    def update_key(self, row: KeyRow) -> bool:
        return _put(self._calls, API_KEYS, _key_id(row.key_id), row)

    def keys(self, *, after: str, limit: int) -> list[KeyRow]:
        found = self._calls.get_range(API_KEYS, _key_id(after), _key_id(_AFTER_ANY_NAME), limit=limit + 1)
        return [_row(columns, KeyRow) for key, columns in found if key["key_id"] != after][:limit]


class TableHookStore:
    """The same."""

    def __init__(self, calls: TableCalls) -> None:
        self._calls = calls

    def put_hook(self, row: HookRow) -> bool:
        return _put(self._calls, HOOKS, _name(row.name), row)

    def read_hook(self, name: str) -> HookRow | None:
        return _read(self._calls, HOOKS, _name(name), HookRow)

    def delete_hook(self, name: str) -> None:
        self._calls.write(Write("delete", HOOKS, _name(name)))

    def hooks(self) -> list[HookRow]:
        found = self._calls.get_range(HOOKS, _name(""), _name(_AFTER_ANY_NAME), limit=limits.HOOKS_MAX)
        return [_row(columns, HookRow) for _, columns in found]


class TableSubscriptionStore:
    """The same."""

    def __init__(self, calls: TableCalls) -> None:
        self._calls = calls

    def put_subscription(self, row: SubscriptionRow) -> bool:
        return _put(self._calls, SUBSCRIPTIONS, _name(row.name), row)

    def read_subscription(self, name: str) -> SubscriptionRow | None:
        return _read(self._calls, SUBSCRIPTIONS, _name(name), SubscriptionRow)

    def delete_subscription(self, name: str) -> None:
        self._calls.write(Write("delete", SUBSCRIPTIONS, _name(name)))

    def subscriptions(self) -> list[SubscriptionRow]:
        found = self._calls.get_range(SUBSCRIPTIONS, _name(""), _name(_AFTER_ANY_NAME), limit=limits.HOOKS_MAX)
        return [_row(columns, SubscriptionRow) for _, columns in found]


def _key_id(key_id: str) -> Key:
    return (("key_id", key_id),)


def _name(name: str) -> Key:
    return (("name", name),)


def _put(calls: TableCalls, table: str, key: Key, row: KeyRow | HookRow | SubscriptionRow) -> bool:
    """The first version where there is none, a later one in place of the one before."""
    columns: dict[str, Value] = {"schema": SCHEMA, "version": row.version, "body": msgspec.json.encode(row).decode()}
    if row.version == 1:
        return calls.write(Write("put", table, key, columns, exists=False))
    where = Where("version", "==", row.version - 1, pass_if_missing=False)
    return calls.write(Write("update", table, key, columns, exists=True, where=(where,)))


def _read(calls: TableCalls, table: str, key: Key, kind: type[Row]) -> Row | None:
    columns = calls.get(table, key)
    return None if columns is None else _row(columns, kind)


def _row(columns: Columns, kind: type[Row]) -> Row:
    schema = columns["schema"]
    if schema not in (SCHEMA, SCHEMA - 1):
        raise Unavailable(
            f"a row has schema {schema}; this release reads {SCHEMA - 1} and {SCHEMA}: finish rolling out",
            code="RowSchema",
        )
    return msgspec.json.decode(str(columns["body"]).encode(), type=kind)
