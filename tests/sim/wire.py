"""Ports onto the platform's services without a socket: queues as the SDK fills them, rows as the adapters write them.

`ServiceTables` stands where `TableCalls` stands, so that the real row store and quota ledger, with their conditions
and encodings, work on the local cloud's Tablestore.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from localcloud.mns.service import MnsService
from localcloud.mns.values import Outgoing, Publication
from localcloud.tablestore import changes, conditions
from localcloud.tablestore.batches import GetGroup, WriteGroup
from localcloud.tablestore.conditions import Condition
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.reads import Row, Selection
from localcloud.tablestore.service import TablestoreService
from localcloud.tablestore.values import INF_MIN
from shared.adapters.mns import DEAD_LETTERS, EVENTS, WAKEUPS, xml_safe
from shared.adapters.tablestore_writes import Columns, Key, Where, Write, batches_of
from shared.core.model import SCHEMA
from tests.sim.trouble import Trouble

LOST = "OTSConditionCheckFail"


class ServiceQueues:
    """WorkQueue and EventPublisher on the local MNS."""

    def __init__(self, mns: MnsService, trouble: Trouble, *, release: int = 0) -> None:
        self._mns, self._trouble, self._release = mns, trouble, release

    def send_wakeup(self, body: bytes, *, delay_s: int) -> None:
        if self._trouble.strikes("lost wake-ups"):
            return
        late_s = self._trouble.amount("late wake-ups", 6)
        text = base64.b64encode(shifted_wakeup(body, self._release)).decode()
        self._mns.send(WAKEUPS, Outgoing(text, delay_seconds=delay_s + late_s))

    def send_dead_letter(self, body: bytes) -> None:
        self._mns.send(DEAD_LETTERS, Outgoing(base64.b64encode(body).decode()))

    def publish(self, body: bytes) -> None:
        self._mns.publish(EVENTS, Publication(xml_safe(body.decode())))


class ServiceTables:
    """As `shared.adapters.tablestore_calls.TableCalls`. `wrote` is told of each change that was made.

    `release`: 0 reads and writes rows as they are. 1 is the next release: what it writes has schema SCHEMA + 1, and
    what this one wrote looks one schema old to it. To release 0 its rows are of the future.
    """

    def __init__(self, tables: TablestoreService, *, wrote: Callable[[Write], None], release: int = 0) -> None:
        self._tables, self._wrote, self._release = tables, wrote, release

    # -- reads --------------------------------------------------------------------------------------------------------
    def get(self, table: str, key: Key, *, columns: Sequence[str] = ()) -> Columns | None:
        return self._shown(self._tables.get_row(table, _values(key), _selection(columns)).row)

    def get_many(self, table: str, keys: Sequence[Key], *, columns: Sequence[str] = ()) -> list[Columns | None]:
        found: list[Columns | None] = []
        for start in range(0, len(keys), 100):
            group = GetGroup(table, tuple(_values(key) for key in keys[start : start + 100]), _selection(columns))
            found += [self._shown(one.row) for one in self._tables.get_batch([group])[0]]  # type: ignore[union-attr]
        return found

    def get_range(
        self, table: str, start: Key, end: Key, *, limit: int | None = None, columns: Sequence[str] = ()
    ) -> list[tuple[dict[str, str], Columns]]:
        names = [name for name, _ in start]
        rows: list[tuple[dict[str, str], Columns]] = []
        next_key: Any = _bound(start)
        while next_key is not None and (limit is None or len(rows) < limit):
            left = None if limit is None else limit - len(rows)
            query = RangeQuery(next_key, _bound(end), limit=left, selection=_selection(columns))
            page = self._tables.get_range(table, query)
            rows += [(dict(zip(names, row.key, strict=True)), self._shown(row) or {}) for row in page.rows]
            next_key = page.next_key
        return rows

    def _shown(self, row: Row | None) -> Columns | None:
        if row is None:
            return None
        return _shifted({cell.name: cell.value for cell in row.cells}, -self._release)

    # -- writes -------------------------------------------------------------------------------------------------------
    def write(self, write: Write) -> bool:
        try:
            self._tables.write_row(write.table, self._change(write))
        except TablestoreError as error:
            if error.code == LOST:
                return False
            raise
        self._wrote(write)
        return True

    def write_many(self, writes: Sequence[Write]) -> list[bool]:
        won: list[bool] = []
        for batch in batches_of(writes):
            settled = dict[int, bool]()
            by_table: dict[str, list[int]] = {}
            for index, write in enumerate(batch):
                by_table.setdefault(write.table, []).append(index)
            groups = [WriteGroup(name, tuple(self._change(batch[at]) for at in by_table[name])) for name in by_table]
            for name, outcomes in zip(by_table, self._tables.write_batch(groups), strict=True):
                for index, outcome in zip(by_table[name], outcomes, strict=True):
                    settled[index] = not isinstance(outcome, TablestoreError)
                    assert settled[index] or outcome.code == LOST, outcome  # type: ignore[union-attr]
            for index, write in enumerate(batch):
                if settled[index]:
                    self._wrote(write)
            won += [settled[index] for index in range(len(batch))]
        return won

    def _change(self, write: Write) -> changes.RowChange:
        key, condition = _values(write.key), _condition(write)
        if write.kind == "delete":
            return changes.delete(key, condition=condition)
        columns = _shifted(dict(write.columns), self._release)
        if write.kind == "put":
            return changes.put(key, columns, condition=condition)
        return changes.update(key, columns, increments=write.increments, condition=condition)


def _values(key: Key) -> tuple[str, ...]:
    return tuple(value for _, value in key)


def _bound(key: Key) -> tuple[Any, ...]:
    return tuple(value or INF_MIN for _, value in key)


def _selection(columns: Sequence[str]) -> Selection:
    return Selection(columns=tuple(columns)) if columns else Selection()


def _condition(write: Write) -> Condition:
    parts = tuple(_column(where) for where in write.where)
    return Condition(write.exists, conditions.All(parts) if len(parts) > 1 else parts[0] if parts else None)


def _column(where: Where) -> conditions.Column:
    return conditions.Column(where.column, where.comparator, where.value, pass_if_missing=where.pass_if_missing)


def _shifted(columns: Columns, by: int) -> Columns:
    """The same row, `by` schemas newer: the column `schema`, and the field of that name at the end of the body."""
    if not by or "schema" not in columns:
        return columns
    old, new = columns["schema"], columns["schema"] + by
    body = columns["body"]
    end = f'"schema":{old}}}'
    if isinstance(body, str) and body.endswith(end):
        body = f'{body.removesuffix(end)}"schema":{new}}}'
    return {**columns, "schema": new, "body": body}


def shifted_wakeup(body: bytes, by: int) -> bytes:
    """A wake-up, `by` schemas newer."""
    return _renumbered(body, '"schema":{}', by)


def shifted_payload(payload: bytes, by: int) -> bytes:
    """What a trigger hands over, with the wake-ups in it `by` schemas newer."""
    return _renumbered(payload, '\\"schema\\":{}', by)


def _renumbered(text: bytes, form: str, by: int) -> bytes:
    if not by:
        return text
    known = range(SCHEMA, SCHEMA + 2) if by < 0 else range(SCHEMA + 1, SCHEMA - 1, -1)
    for number in known:  # in an order in which no number is changed twice
        text = text.replace(form.format(number).encode(), form.format(number + by).encode())
    return text
