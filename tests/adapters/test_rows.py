"""Rows: what is written is read, by this release and by the next one."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters import tablestore_rows as rows
from shared.adapters.tablestore_writes import Where, Write, batches_of
from shared.core.access import Allowed
from shared.core.errors import Unavailable
from shared.core.model import SCHEMA, Event, Excluded, Run, StopMark, Target
from shared.core.requests import Command, InvokeRequest, TargetSelection
from tests.adapters.values import a_chunk, a_full_run, a_run, an_event


def simple(name: str) -> st.SearchStrategy[object]:
    """Values of a field by the text of its type."""
    return {
        "int": st.integers(-(2**53), 2**53),
        "str": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        "bool": st.booleans(),
        "bytes": st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(str.encode),
        "int | None": st.none() | st.integers(0, 255),
        "tuple[int, ...]": st.lists(st.integers(0, 99), max_size=4).map(tuple),
        "tuple[str, ...]": st.lists(st.text("abc", max_size=4), max_size=4).map(tuple),
        "Mapping[int, int]": st.dictionaries(st.integers(1, 99), st.integers(0, 99), max_size=4),
        "Mapping[str, str]": st.dictionaries(st.text("abc", max_size=4), st.text("abc", max_size=4), max_size=4),
        "Mapping[str, int]": st.dictionaries(st.text("abc", max_size=4), st.integers(0, 99), max_size=4),
    }[name]


def values(of: type, **known: st.SearchStrategy[object]) -> st.SearchStrategy:
    fields = {part.name: str(part.type) for part in dataclasses.fields(of)}
    return st.builds(of, **{name: known[name] if name in known else simple(kind) for name, kind in fields.items()})


REQUESTS = st.none() | st.just(a_full_run().request)
RUNS = values(Run, request=REQUESTS, schema=st.just(SCHEMA), allowed=values(Allowed))


@given(RUNS)
def test_any_run_is_read_as_it_was_written(run: Run) -> None:
    assert rows.run_of(rows.run_columns(run) | rows.request_columns(run)) == run


@given(st.lists(values(Target), max_size=4).map(tuple))
def test_any_chunk_is_read_as_it_was_written(targets: tuple) -> None:
    chunk = a_chunk(targets=targets, status="Invoked", invoke_id="t-1")

    assert rows.chunk_of(rows.chunk_columns(chunk)) == chunk


@given(values(StopMark))
def test_any_stop_mark_is_read_as_it_was_written(mark: StopMark) -> None:
    assert rows.stop_of(rows.stop_columns(mark)) == mark


@given(st.lists(values(Excluded), max_size=5).map(tuple))
def test_any_excluded_targets_are_read_as_they_were_written(excluded: tuple[Excluded, ...]) -> None:
    assert rows.excluded_of(rows.excluded_columns(excluded, plan_no=3)) == list(excluded)


def test_a_row_without_what_is_new_is_read_with_the_defaults() -> None:
    columns = rows.run_columns(a_run()) | rows.request_columns(a_run()) | {"schema": SCHEMA - 1}
    body = json.loads(str(columns["body"]))
    body["schema"] = SCHEMA - 1

    read = rows.run_of(columns | {"body": json.dumps(body)})

    assert read == dataclasses.replace(a_run(), schema=SCHEMA - 1)


@pytest.mark.parametrize(("schema", "code"), [(SCHEMA - 2, rows.DAMAGED), (SCHEMA + 1, rows.NEWER)])
def test_a_row_of_another_release_is_left_to_that_release(schema: int, code: str) -> None:
    columns = rows.chunk_columns(a_chunk()) | {"schema": schema}

    with pytest.raises(Unavailable, match="schema") as refused:
        rows.readable(rows.run_key("run-0001", "chunk-00001"), rows.chunk_of, columns)

    assert refused.value.code == code


def test_a_field_that_a_later_release_added_does_not_stop_us() -> None:
    columns = rows.chunk_columns(a_chunk())
    body = {**json.loads(str(columns["body"])), "colour": "blue"}

    assert rows.chunk_of(columns | {"body": json.dumps(body)}) == a_chunk()


def test_the_schema_stands_in_every_body_whatever_the_default_becomes() -> None:
    for columns in (rows.run_columns(a_run()), rows.chunk_columns(a_chunk())):
        assert json.loads(str(columns["body"]))["schema"] == SCHEMA


def test_a_planned_chunk_of_fifty_is_a_small_row() -> None:
    targets = tuple(Target(f"i-bp1azkttqpldxgte{number:04d}", f"web-{number}") for number in range(50))

    assert len(str(rows.chunk_columns(a_chunk(targets=targets))["body"])) < 4_000


@pytest.mark.parametrize("count", [1, 50_000, 100_000])
def test_a_request_that_names_very_many_instances_fits_its_row(count: int) -> None:
    ids = tuple(f"i-bp1azkttqpldxgte{number:06d}" for number in range(count))
    request = InvokeRequest(
        request_id="big",
        command=Command(type="RunShellScript", content="true"),
        targets=TargetSelection(instance_ids=ids),
    )
    run = a_run(request=request)

    columns = rows.request_columns(run)

    assert all(len(value) <= 2_000_000 for value in columns.values())  # type: ignore[arg-type]
    assert Write("put", "runs", (), columns).size() < 4_000_000
    assert rows.run_of(rows.run_columns(run) | columns) == run


def test_parts_sort_as_their_numbers_do_and_stop_marks_follow_the_head() -> None:
    numbers = [1, 9, 10, 99_999]

    assert sorted(map(rows.chunk_part, numbers)) == list(map(rows.chunk_part, numbers))
    assert sorted(map(rows.event_part, numbers)) == list(map(rows.event_part, numbers))
    assert rows.HEAD < rows.stop_part("x") < rows.HEAD_COLUMNS_END
    assert rows.excluded_part(1) < rows.HEAD


def test_recent_runs_come_newest_first_and_on_their_day_in_utc_plus_8() -> None:
    before_midnight, after_midnight = 1_767_542_399_999, 1_767_542_400_000
    keys = [rows.recent_key(a_run("run-1", accepted_ms=ms)) for ms in (before_midnight, after_midnight)]

    assert [key[0][1] for key in keys] == ["2026-01-04", "2026-01-05"]
    assert keys[1][1][1] < keys[0][1][1]


def test_an_event_is_kept_as_it_is_published() -> None:
    event = an_event(7, '{"a":"ö"}')
    columns = rows.event_columns(event, base_version=3)

    assert rows.event_of({"run_id": "run-0001", "part": "event-00000007"}, columns) == event
    assert isinstance(event, Event)


@given(st.lists(st.integers(0, 2_000_000), max_size=30))
def test_batches_lose_nothing_and_stay_within_their_bounds(sizes: list[int]) -> None:
    writes = [Write("put", "t", (("k", str(index)),), {"v": b"x" * size}) for index, size in enumerate(sizes)]

    batches = list(batches_of(writes))

    assert [write for batch in batches for write in batch] == writes
    assert all(len(batch) == 1 or sum(write.size() for write in batch) <= 3_500_000 for batch in batches)


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, [1]), (200, [200]), (201, [200, 1])])
def test_a_batch_has_at_most_two_hundred_rows(count: int, expected: list[int]) -> None:
    writes = [Write("put", "t", (("k", str(index)),)) for index in range(count)]

    assert [len(batch) for batch in batches_of(writes)] == expected


def test_a_condition_must_say_what_a_missing_column_means() -> None:
    with pytest.raises(TypeError, match="pass_if_missing"):
        Where("version", "==", 1)  # type: ignore[call-arg]
