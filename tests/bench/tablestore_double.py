"""What the local Tablestore does in a second: one client of the official SDK, one after the other, over HTTP.

The double runs in a process of its own, as `fleetrun local` does, and shares the machine's cores with the client. The
SDK takes most of the time (it writes and reads rows in Python); `alone` is what the double takes of it, without a
socket.

    conditional_counter()    the figure to lay beside moto's DynamoDB
    measure()                everything
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localcloud.account import Account

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 2.0
"""How long each figure is measured."""
RANGE_ROWS, BATCH_ROWS = 100_000, 50
FILL_BATCH_ROWS = 200
LIMIT = 10**12
TABLE, COUNTER = "bench", [("part", "counter"), ("number", 0)]


def conditional_counter(*, seconds: float = SECONDS, rows: int = 0, data: Path | None = None) -> dict[str, float]:
    """UpdateRow that adds 1 where a column is below a limit, beside `rows` other rows; with `data` kept on disk."""
    with serving(data) as client:
        fill(client, rows)
        return _rate(seconds, taking(client))


def measure(*, seconds: float = SECONDS) -> dict[str, dict[str, float]]:
    """Every figure by its name. The ranges go over 100,000 rows."""
    with serving() as client:
        fill(client, 0)
        figures = {
            "conditional counter": _rate(seconds, taking(client)),
            "get row": _rate(seconds, lambda: client.get_row(TABLE, COUNTER, max_version=1)),
            f"batch of {BATCH_ROWS} rows": _per_row(_rate(seconds, _writing(client)), BATCH_ROWS),
        }
        fill(client, RANGE_ROWS)
        figures[f"range over {RANGE_ROWS} rows"] = _range(client)
        figures[f"conditional counter beside {RANGE_ROWS} rows"] = _rate(seconds, taking(client))
    with tempfile.TemporaryDirectory() as folder:
        figures["conditional counter, kept on disk"] = conditional_counter(seconds=seconds, data=Path(folder))
    figures["conditional counter, alone"] = alone(seconds=seconds)
    return figures


def alone(*, seconds: float = SECONDS) -> dict[str, float]:
    """The double's part of a conditional update: from the request's bytes to the answer's, in this process."""
    from localcloud.clock import SystemClock, Timeline
    from localcloud.http import Request
    from localcloud.ids import Ids
    from localcloud.journal import NoJournal
    from localcloud.tablestore.api import TablestoreEndpoint
    from localcloud.tablestore.service import TablestoreService

    account, ids = Account(), Ids(1)
    service = TablestoreService(account=account, timeline=Timeline(SystemClock()), ids=ids, journal=NoJournal())
    endpoint = TablestoreEndpoint(service, account=account, ids=ids)
    loop = asyncio.new_event_loop()

    def handle(query: str, headers: dict[str, str], body: bytes) -> Any:
        sent = {name.lower(): value for name, value in headers.items()}
        response = loop.run_until_complete(endpoint.handle(Request("POST", query, "", sent, body, 0)))
        assert response.status == 200, response
        return 200, "OK", {name.lower(): value for name, value in response.headers}, response.body

    client = client_of("http://127.0.0.1:1")
    client.connection.send_receive = handle
    fill(client, 0)
    caught: list[Any] = []

    def catch(*request: Any) -> Any:
        caught.append(request)
        return handle(*request)

    client.connection.send_receive = catch
    taking(client)()
    figure = _rate(seconds, lambda: handle(*caught[0]))
    loop.close()
    return figure


@contextmanager
def serving(data: Path | None = None) -> Iterator[Any]:
    """A client of the SDK on a double that was started for it."""
    command = [sys.executable, "-m", "tests.contract.tablestore.on_disk", *([str(data)] if data else [])]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the double did not start"
        yield client_of(url)
    finally:
        process.kill()
        process.communicate()


def client_of(url: str) -> Any:
    from tablestore import OTSClient
    from tablestore.retry import NoRetryPolicy

    account = Account()
    return OTSClient(
        url,
        account.access_key_id,
        account.access_key_secret,
        account.tablestore_instance,
        retry_policy=NoRetryPolicy(),
    )


def taking(client: Any) -> Callable[[], Any]:
    from tablestore import ComparatorType, Condition, Row, RowExistenceExpectation, SingleColumnCondition

    below = SingleColumnCondition("used", LIMIT, ComparatorType.LESS_THAN, False)
    condition = Condition(RowExistenceExpectation.EXPECT_EXIST, below)
    row = Row(COUNTER, {"INCREMENT": [("used", 1)]})
    return lambda: client.update_row(TABLE, row, condition)


def _writing(client: Any) -> Callable[[], Any]:
    return lambda: _put(client, [("batch", number) for number in range(BATCH_ROWS)])


def _put(client: Any, keys: list[tuple[str, int]]) -> None:
    from tablestore import (
        BatchWriteRowRequest,
        Condition,
        PutRowItem,
        Row,
        RowExistenceExpectation,
        TableInBatchWriteRowItem,
    )

    any_row = Condition(RowExistenceExpectation.IGNORE)
    items = [
        PutRowItem(Row([("part", part), ("number", number)], [("a", number), ("b", "text"), ("c", 1.5)]), any_row)
        for part, number in keys
    ]
    request = BatchWriteRowRequest()
    request.add(TableInBatchWriteRowItem(TABLE, items))
    assert client.batch_write_row(request).is_all_succeed()


def fill(client: Any, rows: int) -> None:
    """The table with the counter in it, and `rows` more."""
    from tablestore import CapacityUnit, Condition, ReservedThroughput, Row, TableMeta, TableOptions

    if TABLE not in client.list_table():
        meta = TableMeta(TABLE, [("part", "STRING"), ("number", "INTEGER")])
        client.create_table(meta, TableOptions(), ReservedThroughput(CapacityUnit(0, 0)))
        client.put_row(TABLE, Row(COUNTER, [("used", 0), ("note", "x" * 50)]), Condition("IGNORE"))
    for start in range(0, rows, FILL_BATCH_ROWS):
        _put(client, [("range", number) for number in range(start, min(rows, start + FILL_BATCH_ROWS))])


def _range(client: Any) -> dict[str, float]:
    from tablestore import INF_MAX, INF_MIN

    start: Any = [("part", "range"), ("number", INF_MIN)]
    end = [("part", "range"), ("number", INF_MAX)]
    rows = pages = 0
    began = time.perf_counter()
    while start:
        _, start, found, _ = client.get_range(TABLE, "FORWARD", start, end, max_version=1)
        rows += len(found)
        pages += 1
    took = time.perf_counter() - began
    assert rows == RANGE_ROWS, rows
    return {"rows_per_s": rows / took, "us_per_row": took / rows * 1e6, "pages": pages}


def _rate(seconds: float, act: Callable[[], Any]) -> dict[str, float]:
    """How often a second `act` can be done, and how long it takes in the middle and in the worst one of twenty."""
    for _ in range(20):
        act()  # warm: connection, caches
    times: list[float] = []
    began = time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        act()
        times.append(time.perf_counter() - now)
    total = time.perf_counter() - began
    return {
        "ops_per_s": len(times) / total,
        "median_ms": statistics.median(times) * 1000,
        "p95_ms": statistics.quantiles(times, n=20)[-1] * 1000,
    }


def _per_row(figure: dict[str, float], rows: int) -> dict[str, float]:
    return {**figure, "rows_per_s": figure["ops_per_s"] * rows}
