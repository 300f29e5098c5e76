"""The Tablestore adapters against the double: lost replies, few calls, and what only they offer."""

from __future__ import annotations

import pytest

from shared.adapters.quota_ledger import TableQuotaLedger
from shared.adapters.run_store import TableRunStore
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.model import Target
from shared.ports import ChunkWrite, QuotaRow
from tests.adapters.clients import table_calls
from tests.adapters.doubles import Doubles
from tests.adapters.values import a_chunk, a_run, a_stop, an_event


def store_of(cloud: Doubles) -> TableRunStore:
    return TableRunStore(table_calls(cloud.url))


def test_a_write_whose_reply_was_lost_has_happened_and_says_so_when_read(cloud: Doubles) -> None:
    runs = store_of(cloud)
    runs.insert_run(a_run())
    cloud.go_wrong("lost-reply", "UpdateRow")

    with pytest.raises(UnknownOutcome):
        runs.update_run(a_run().next(holder="mine"))

    found = runs.read_run("run-0001")
    assert found is not None
    assert (found.version, found.holder) == (2, "mine")


def test_a_grant_whose_reply_was_lost_is_charged_once(cloud: Doubles) -> None:
    ledger = TableQuotaLedger(table_calls(cloud.url))
    cloud.go_wrong("lost-reply", "UpdateRow")

    with pytest.raises(UnknownOutcome):
        ledger.grant("cn-hangzhou", "2026-01-05", "run-1", held=None, total=3, limit=500)
    again = ledger.grant("cn-hangzhou", "2026-01-05", "run-1", held=None, total=3, limit=500)

    assert not again
    assert ledger.read("cn-hangzhou", "2026-01-05", "run-1") == QuotaRow(used=3, closed=False, granted=3)


def test_a_grant_that_met_a_busy_table_is_charged_once(cloud: Doubles) -> None:
    ledger = TableQuotaLedger(table_calls(cloud.url))
    cloud.go_wrong("throttle", "UpdateRow", count=3)

    assert ledger.grant("cn-hangzhou", "2026-01-05", "run-1", held=None, total=3, limit=500)
    assert ledger.read("cn-hangzhou", "2026-01-05", "run-1").used == 3


def test_an_error_after_the_effect_is_not_taken_for_nothing_happened(cloud: Doubles) -> None:
    runs = store_of(cloud)
    cloud.go_wrong("error-after", "PutRow", code="OTSTimeout")

    with pytest.raises(UnknownOutcome):
        runs.insert_run(a_run())

    assert runs.read_run("run-0001") == a_run()


def test_a_batch_whose_second_call_is_refused_may_have_happened(cloud: Doubles) -> None:
    runs = store_of(cloud)
    runs.put_chunks([a_chunk(number) for number in range(1, 251)])
    cloud.go_wrong("close", "BatchWriteRow", count=1)
    with pytest.raises(UnknownOutcome):
        runs.update_chunks([ChunkWrite(a_chunk(1, version=2), {})])

    assert runs.read_chunks("run-0001", [1]) == [a_chunk(1)]


def test_a_read_over_a_dropped_connection_is_repeated(cloud: Doubles) -> None:
    runs = store_of(cloud)
    runs.insert_run(a_run())
    cloud.go_wrong("close", "GetRow", count=2)

    assert runs.read_run("run-0001") == a_run()


def test_a_missing_table_is_the_operators_matter_and_not_repeated(cloud: Doubles) -> None:
    cloud.sdk.delete_table("recent")
    cloud.sdk.delete_table("unfinished")

    with pytest.raises(Unavailable, match="does not exist"):
        store_of(cloud).unfinished(after="", limit=1)

    assert cloud.calls("GetRange") == 1


def test_each_operation_of_the_store_is_as_few_calls_as_can_be(cloud: Doubles) -> None:
    runs = store_of(cloud)
    targets = tuple(Target(f"i-{number:05d}") for number in range(50))
    chunks = [a_chunk(number, targets=targets) for number in range(1, 101)]

    runs.insert_run(a_run())
    runs.remember(a_run())
    runs.read_run_and_stops("run-0001")
    runs.update_run(a_run().next())
    runs.put_chunks(chunks)
    runs.read_chunks("run-0001", range(1, 101))
    runs.update_chunks([ChunkWrite(a_chunk(number, targets=targets, version=2), {}) for number in range(1, 101)])
    runs.put_events([an_event(number) for number in range(1, 101)], base_version=1)
    runs.read_events("run-0001", after=0, limit=100)
    runs.insert_stop(a_stop())
    runs.forget("run-0001")

    names = ("PutRow", "UpdateRow", "DeleteRow", "GetRow", "BatchWriteRow", "BatchGetRow", "GetRange")
    assert {name: cloud.calls(name) for name in names} == {
        "PutRow": 3,  # the run, a stop, and its line in the list of stops
        "UpdateRow": 1,
        "DeleteRow": 1,
        "GetRow": 0,
        "BatchWriteRow": 4,
        "BatchGetRow": 1,
        "GetRange": 2,
    }


def test_an_update_does_not_write_the_request_again(cloud: Doubles) -> None:
    runs = store_of(cloud)
    runs.insert_run(a_run())
    key = [("run_id", "run-0001"), ("part", "run")]
    cloud.sdk.update_row("runs", _row(key, {"PUT": [("request", '{"kind":"invoke","requestId":"x"}')]}), _always())
    runs.update_run(a_run().next())

    _, row, _ = cloud.sdk.get_row("runs", key)

    assert {name: value for name, value, _ in row.attribute_columns}["request"].endswith('"x"}')


def test_recent_runs_are_listed_newest_first_page_by_page(cloud: Doubles) -> None:
    runs = store_of(cloud)
    for number in range(5):
        runs.remember(a_run(f"run-{number:04d}", accepted_ms=1_767_571_200_000 + number))
    runs.remember(a_run("run-0009", accepted_ms=1_767_571_200_000 + 86_400_000))

    first = runs.recent("2026-01-05", limit=3)
    rest = runs.recent("2026-01-05", after=first[-1].position, limit=3)

    assert [one.run_id for one in first + rest] == ["run-0004", "run-0003", "run-0002", "run-0001", "run-0000"]
    assert runs.recent("2026-01-07") == []


def test_a_quota_day_lists_the_units_of_each_run(cloud: Doubles) -> None:
    ledger = TableQuotaLedger(table_calls(cloud.url))
    for run_id, units in (("run-b", 2), ("run-a", 3)):
        ledger.grant("cn-hangzhou", "2026-01-05", run_id, held=None, total=units, limit=500)
    ledger.close_day("cn-hangzhou", "2026-01-05")

    day = ledger.read_day("cn-hangzhou", "2026-01-05")

    assert (day.used, day.closed, day.by_run) == (5, True, {"run-a": 3, "run-b": 2})


def _row(key: list[tuple[str, str]], changes: dict[str, list[tuple[str, str]]]) -> object:
    from tablestore import Row

    return Row(key, changes)


def _always() -> object:
    from tablestore import Condition, RowExistenceExpectation

    return Condition(RowExistenceExpectation.IGNORE)
