"""What was acknowledged is there after a kill -9; what was not is there as a whole or not at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tablestore import (
    CapacityUnit,
    Condition,
    OTSClient,
    ReservedThroughput,
    Row,
    RowExistenceExpectation,
    TableMeta,
    TableOptions,
)
from tablestore.retry import NoRetryPolicy
from urllib3.exceptions import HTTPError

from localcloud.file_journal import FileJournal
from localcloud.tablestore.changes import DeleteVersion, PutCell, RowChange, put
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.reads import Selection
from localcloud.tablestore.schema import DefinedColumn, Encryption, IndexMeta, KeyColumn, Stream
from localcloud.tablestore.schema import TableMeta as Meta
from localcloud.tablestore.schema import TableOptions as Options
from localcloud.tablestore.values import AUTO_INCREMENT, INF_MAX, INF_MIN
from tests.contract.tablestore.worlds import ACCOUNT, TWO_KEYS, TablestoreWorld, indexed_table

ANY = Condition(RowExistenceExpectation.IGNORE)
CRASHES = 3
ROOT = Path(__file__).parents[3]


@contextmanager
def opened(folder: Path) -> Iterator[TablestoreWorld]:
    """A world on the directory; whoever leaves it writes what was flushed and nothing more."""
    journal = FileJournal(folder)
    try:
        yield TablestoreWorld(journal=journal)
    finally:
        journal.close()


def numbers(world: TablestoreWorld, table: str = "t") -> list[int]:
    low, high = ("p", INF_MIN), ("p", INF_MAX)
    return [row.key[1] for row in world.service.get_range(table, RangeQuery(low, high)).rows]


def test_every_acknowledged_increment_survives_a_kill(tmp_path: Path) -> None:
    acknowledged = lost = 0
    for crash in range(CRASHES):
        with started(tmp_path) as (process, client):
            if crash == 0:
                client.create_table(
                    TableMeta("t", [("id", "STRING")]), TableOptions(), ReservedThroughput(CapacityUnit(0, 0))
                )
            row = client.get_row("t", [("id", "a")], max_version=1)[1]
            stored = row.attribute_columns[0][1] if row else 0
            assert acknowledged <= stored <= acknowledged + lost
            acknowledged, lost = stored, 0
            killer = threading.Timer(0.05 * (crash + 1), process.kill)
            killer.start()
            while True:
                try:
                    client.update_row("t", Row([("id", "a")], {"INCREMENT": [("n", 1)]}), ANY)
                except HTTPError:
                    lost = 1  # it may have been written before the kill
                    break
                acknowledged += 1
            killer.join()

    with started(tmp_path) as (_, client):
        stored = client.get_row("t", [("id", "a")], max_version=1)[1].attribute_columns[0][1]
    assert acknowledged > 0
    assert acknowledged <= stored <= acknowledged + lost


@contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    command = [sys.executable, "-m", "tests.contract.tablestore.on_disk", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the server did not start"
        yield (
            process,
            OTSClient(
                url,
                ACCOUNT.access_key_id,
                ACCOUNT.access_key_secret,
                ACCOUNT.tablestore_instance,
                retry_policy=NoRetryPolicy(),
                socket_timeout=10,
            ),
        )
    finally:
        process.kill()
        process.communicate()


def test_tables_rows_versions_and_indexes_come_back_as_they_were(tmp_path: Path) -> None:
    meta = Meta(
        "kinds",
        (KeyColumn("text", "STRING"), KeyColumn("bytes", "BINARY"), KeyColumn("number", "INTEGER")),
        (DefinedColumn("flag", "BOOLEAN"),),
    )
    everything = Selection(versions_max=9)
    with opened(tmp_path) as world:
        world.service.create_table(
            meta, Options(86_400, 3, 600), stream=Stream(is_enabled=True), encryption=Encryption(is_enabled=True)
        )
        world.table(indexed_table(), IndexMeta("by_status", ("status",), ("size",)))
        key = ("é", b"\0\xff", -(2**63))
        cells = tuple(PutCell("n", number, world.now_ms - number) for number in range(3))
        columns = {"b": b"\1", "d": 1.0, "t": True, "s": "x"}
        world.service.put_row("kinds", key, columns)
        world.service.write_row("kinds", RowChange("update", key, cells))
        world.service.write_row("kinds", RowChange("update", key, (DeleteVersion("n", world.now_ms - 1),)))
        world.service.put_row("t", ("p", 1), {"status": "new", "size": 1})
        world.service.put_row("t", ("p", 2), {"status": "new"})
        world.service.delete_row("t", ("p", 2))
        before = world.service.describe_table("kinds"), world.service.get_row("kinds", key, everything)

    with opened(tmp_path) as world:
        after = world.service.describe_table("kinds"), world.service.get_row("kinds", key, everything)
        indexed = world.service.get_row("by_status", ("new", "p", 1)).row

        assert after == before
        assert after[1].row is not None
        assert {type(value) for value in after[1].row.columns.values()} == {bytes, float, bool, str, int}
        assert numbers(world) == [1]
        assert indexed is not None
        assert indexed.columns == {"size": 1}


def test_an_index_made_without_old_rows_comes_back_without_them(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        world.table(indexed_table())
        world.service.put_row("t", ("p", 1), {"status": "new"})
        world.advance(1)
        world.service.create_index("t", IndexMeta("i", ("status",)))
        world.service.put_row("t", ("p", 2), {"status": "new"})
        moment = world.now_ms

    with opened(tmp_path) as world:
        world.timeline.advance_to(moment)
        rows = world.service.get_range("i", RangeQuery((INF_MIN,) * 3, (INF_MAX,) * 3)).rows

        assert [row.key for row in rows] == [("new", "p", 2)]


def test_a_chosen_key_is_never_chosen_again(tmp_path: Path) -> None:
    chosen = []
    change = RowChange("put", ("p", AUTO_INCREMENT), returns="key")
    for _ in range(3):
        with opened(tmp_path) as world:
            if not chosen:
                world.table(Meta("t", (KeyColumn("part", "STRING"), KeyColumn("n", "INTEGER", is_auto_increment=True))))
            row = world.service.write_row("t", change).row
            assert row is not None
            chosen.append(row.key[1])
            world.service.delete_row("t", row.key)

    assert chosen == sorted(set(chosen))


def test_an_open_transaction_ends_with_the_process(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        service = world.table(TWO_KEYS)
        service.write_row("t", put(("p", 1)), transaction_id=service.start_transaction("t", ("p",)))

    with opened(tmp_path) as world:
        assert numbers(world) == []
        world.service.put_row("t", ("p", 2), {"n": 1})


def test_a_commit_cut_off_anywhere_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    with opened(tmp_path / "whole") as world:
        service = world.table(TWO_KEYS)
        service.put_row("t", ("p", 0), {"n": 1})
        transaction = service.start_transaction("t", ("p",))
        for number in range(1, 4):
            service.write_row("t", put(("p", number), {"n": number}), transaction_id=transaction)
        service.write_row("t", RowChange("delete", ("p", 0)), transaction_id=transaction)
        world.journal.flush()
        before = (tmp_path / "whole" / "journal").stat().st_size
        service.commit_transaction(transaction)

    assert after_every_cut(tmp_path, before, numbers) == [[0], [1, 2, 3]]


def test_a_table_whose_deletion_was_cut_off_is_there_with_all_its_rows_or_gone(tmp_path: Path) -> None:
    def rows_or_none(world: TablestoreWorld) -> list[int] | None:
        try:
            return numbers(world)
        except TablestoreError:
            world.table(TWO_KEYS)  # the name is free, and nothing of the old table comes back
            assert numbers(world) == []
            return None

    with opened(tmp_path / "whole") as world:
        service = world.table(TWO_KEYS)
        for number in range(3):
            service.put_row("t", ("p", number), {"n": number})
        world.journal.flush()
        before = (tmp_path / "whole" / "journal").stat().st_size
        service.delete_table("t")

    assert after_every_cut(tmp_path, before, rows_or_none) == [[0, 1, 2], None]


def after_every_cut(folder: Path, start: int, look: Any) -> list[Any]:
    """What `look` sees after a restart from the journal's first `start` bytes, then a byte more each time; without
    repeats."""
    whole = (folder / "whole" / "journal").read_bytes()
    seen: list[Any] = []
    for size in range(start, len(whole) + 1):
        copy = folder / "cut"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        (copy / "journal").write_bytes(whole[:size])
        with opened(copy) as world:
            found = look(world)
        if found not in seen:
            seen.append(found)
    return seen


@pytest.mark.parametrize("rows", [1, 50])
def test_a_write_costs_a_record_and_no_more(tmp_path: Path, rows: int) -> None:
    with opened(tmp_path) as world:
        service = world.table(TWO_KEYS)
        sizes = []
        for number in range(rows):
            before = world.journal.size_bytes  # type: ignore[attr-defined]
            service.update_row("t", ("p", number), {"status": "new"}, increments={"n": 1})
            sizes.append(world.journal.size_bytes - before)  # type: ignore[attr-defined]

    assert max(sizes) < 200
