"""Calls to Tablestore: rows in and out as plain values, conditions that say what they mean, errors of our families.

Traps of the SDK (6.4.8) that are met here and nowhere else: it repeats calls up to 20 times (off); a condition on a
missing column passes unless told (tablestore_writes); a batch answers success while rows in it
failed; BINARY must go in as bytearray; network errors come as urllib3's; GetRange stops at 4 MB whatever the limit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from shared.adapters import limits
from shared.adapters.credentials import Credentials
from shared.adapters.patience import Patience
from shared.adapters.tablestore_errors import ROW_LOST, family_of_code, is_passing, translated
from shared.adapters.tablestore_writes import (
    Columns,
    Key,
    Write,
    batches_of,
    bound_of,
    columns_of,
    condition_of,
    row_of,
)
from shared.core.errors import Unavailable, UnknownOutcome

Out = TypeVar("Out")


class TableCalls:
    """Safe for threads. Reads raise Unavailable; writes Unavailable and UnknownOutcome, and answer whether they won."""

    def __init__(self, endpoint: str, instance: str, credentials: Credentials, patience: Patience) -> None:
        self._endpoint = endpoint
        self._instance = instance
        self._credentials = credentials
        self._patience = patience
        self._made: Any = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Imports the SDK and makes the client, which takes a good part of a cold start; sends nothing."""
        self._client()

    # -- reads --------------------------------------------------------------------------------------------------------
    def get(self, table: str, key: Key, *, columns: Sequence[str] = ()) -> Columns | None:
        """The row's columns; None if there is no row, or none of `columns` in it."""

        def act() -> Any:
            _, row, _ = self._client().get_row(table, list(key), columns_to_get=list(columns) or None, max_version=1)
            return row

        row = self._read(f"GetRow {table}", act)
        return None if row is None else columns_of(row)

    def get_many(self, table: str, keys: Sequence[Key], *, columns: Sequence[str] = ()) -> list[Columns | None]:
        """The rows of `keys`, in their order; None where there is no row, or none of `columns` in it."""
        found: list[Columns | None] = []
        for start in range(0, len(keys), limits.ROWS_PER_READ_MAX):
            found += self._get_batch(table, keys[start : start + limits.ROWS_PER_READ_MAX], columns)
        return found

    def _get_batch(self, table: str, keys: Sequence[Key], columns: Sequence[str]) -> list[Columns | None]:
        from tablestore import BatchGetRowRequest, TableInBatchGetRowItem

        found: dict[Key, Columns | None] = {}

        def act() -> None:
            left = [key for key in keys if key not in found]
            request = BatchGetRowRequest()
            wanted = list(columns) or None
            request.add(TableInBatchGetRowItem(table, [list(key) for key in left], wanted, max_version=1))
            items = self._client().batch_get_row(request).get_result_by_table(table)
            for key, item in zip(left, items, strict=True):
                if item.is_ok:
                    found[key] = None if item.row is None else columns_of(item.row)
            failed = [item for item in items if not item.is_ok]
            if failed:
                raise family_of_code(
                    f"BatchGetRow {table}", failed[0].error_code, failed[0].error_message, effect=False
                )

        self._read(f"BatchGetRow {table}", act)
        return [found[key] for key in keys]

    def get_range(
        self, table: str, start: Key, end: Key, *, limit: int | None = None, columns: Sequence[str] = ()
    ) -> list[tuple[dict[str, str], Columns]]:
        """Rows from `start` up to, without, `end`: (key, columns) in the order of keys, at most `limit`."""
        rows: list[tuple[dict[str, str], Columns]] = []
        next_key: Any = bound_of(start)
        for _ in range(limits.PAGES_MAX):
            if next_key is None or (limit is not None and len(rows) >= limit):
                return rows
            page, next_key = self._page(table, next_key, end, columns, None if limit is None else limit - len(rows))
            rows += page
        raise Unavailable(f"GetRange {table} did not end after {limits.PAGES_MAX} pages", code="EndlessPages")

    def _page(
        self, table: str, start: Any, end: Key, columns: Sequence[str], left: int | None
    ) -> tuple[list[tuple[dict[str, str], Columns]], Any]:
        count = min(left or limits.ROWS_PER_RANGE_MAX, limits.ROWS_PER_RANGE_MAX)

        def act() -> Any:
            return self._client().get_range(
                table, "FORWARD", start, bound_of(end), columns_to_get=list(columns) or None, limit=count, max_version=1
            )

        _, next_key, rows, _ = self._read(f"GetRange {table}", act)
        return [(dict(row.primary_key), columns_of(row)) for row in rows], next_key or None

    def _read(self, what: str, act: Callable[[], Out]) -> Out:
        return self._patience.repeat(lambda: translated(what, act, effect=False), when=is_passing)

    # -- writes -------------------------------------------------------------------------------------------------------
    def write(self, write: Write) -> bool:
        """False: the condition does not hold. Repeated here only when Tablestore says that it did nothing."""
        what = f"{write.kind} {write.table}"

        def act() -> bool:
            return translated(what, lambda: self._write(write), effect=True)

        try:
            return self._patience.repeat(act, when=is_passing)
        except Unavailable as error:
            if error.code == ROW_LOST:
                return False
            raise

    def _write(self, write: Write) -> bool:
        row, condition = row_of(write), condition_of(write)
        client = self._client()
        if write.kind == "put":
            client.put_row(write.table, row, condition)
        elif write.kind == "update":
            client.update_row(write.table, row, condition)
        else:
            client.delete_row(write.table, list(write.key), condition)
        return True

    def write_many(self, writes: Sequence[Write]) -> list[bool]:
        """Whether each won; not atomic: each row on its own. A key comes once.

        Raises Unavailable only if nothing at all was written; UnknownOutcome if some rows may have been.
        """
        won: list[bool] = []
        for batch in batches_of(writes):
            try:
                won += self._write_batch(batch)
            except Unavailable as error:
                if not any(won):
                    raise
                raise UnknownOutcome(
                    f"a part was written: {error.message}", code=error.code, request_id=error.request_id
                ) from None
        return won

    def _write_batch(self, batch: Sequence[Write]) -> list[bool]:
        settled: dict[int, bool] = {}

        def act() -> None:
            left = [index for index in range(len(batch)) if index not in settled]
            items = self._send_batch([batch[index] for index in left])
            failures = []
            for index, item in zip(left, items, strict=True):
                if item.is_ok or item.error_code == ROW_LOST:
                    settled[index] = bool(item.is_ok)
                else:
                    what = f"BatchWriteRow {batch[index].table}"
                    failures.append(family_of_code(what, item.error_code, item.error_message, effect=True))
            # One row that may have been written outweighs those that were not.
            failures.sort(key=lambda failure: isinstance(failure, Unavailable))
            if failures:
                raise failures[0]

        try:
            self._patience.repeat(lambda: translated("BatchWriteRow", act, effect=True), when=is_passing)
        except Unavailable as error:
            if any(settled.values()):
                raise UnknownOutcome(f"a part was written: {error.message}", code=error.code) from None
            raise
        return [settled[index] for index in range(len(batch))]

    def _send_batch(self, writes: Sequence[Write]) -> list[Any]:
        """The answer's items in the order of `writes`."""
        from tablestore import BatchWriteRowRequest, DeleteRowItem, PutRowItem, TableInBatchWriteRowItem, UpdateRowItem

        makers = {"put": PutRowItem, "update": UpdateRowItem, "delete": DeleteRowItem}
        by_table: dict[str, list[int]] = {}
        for index, write in enumerate(writes):
            by_table.setdefault(write.table, []).append(index)
        request = BatchWriteRowRequest()
        for table, indexes in by_table.items():
            items = [makers[writes[at].kind](row_of(writes[at]), condition_of(writes[at])) for at in indexes]
            # One group for each table: a second group of the same table would replace the first.
            request.add(TableInBatchWriteRowItem(table, items))
        response = self._client().batch_write_row(request)
        answers: list[Any] = [None] * len(writes)
        for table, indexes in by_table.items():
            groups = (response.table_of_put, response.table_of_update, response.table_of_delete)
            for item in (item for group in groups for item in group[table]):
                answers[indexes[item.index]] = item
        return answers

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._new_client()
            return self._made

    def _new_client(self) -> Any:
        from tablestore import OTSClient
        from tablestore.retry import NoRetryPolicy
        from urllib3 import Timeout

        keys = self._credentials
        return OTSClient(
            self._endpoint,
            keys.access_key_id,
            keys.access_key_secret,
            self._instance,
            sts_token=keys.security_token or None,
            socket_timeout=Timeout(connect=limits.CONNECT_S_MAX, read=limits.READ_S_MAX),
            max_connection=limits.CONNECTIONS_MAX,
            retry_policy=NoRetryPolicy(),
        )
