"""What every RunStore does: the in-memory one that the application is tested on, and Tablestore's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.core.messages import Delivery
from shared.core.model import StopMark, Target
from shared.ports import ChunkWrite
from tests.adapters.stores import AnyRunStore
from tests.adapters.values import a_chunk, a_full_run, a_run, a_stop, an_event, excluded


# -- run --------------------------------------------------------------------------------------------------------------
def test_a_run_is_read_as_it_was_written(runs: AnyRunStore) -> None:
    runs.insert_run(a_full_run())

    assert runs.read_run("run-0001") == a_full_run()


def test_a_run_without_a_request_is_read_as_it_was_written(runs: AnyRunStore) -> None:
    rejected = a_run("rej-0001", request=None, status="Rejected", reason="BadRequest: …")

    runs.insert_run(rejected)

    assert runs.read_run("rej-0001") == rejected


def test_a_run_is_inserted_once(runs: AnyRunStore) -> None:
    assert runs.insert_run(a_run())
    assert not runs.insert_run(a_run(holder="second"))
    assert runs.read_run("run-0001") == a_run()


def test_an_unknown_run_is_none(runs: AnyRunStore) -> None:
    assert runs.read_run("run-0009") is None
    assert runs.read_run_and_stops("run-0009") == (None, [])


def test_an_update_wins_only_on_the_version_it_was_read_on(runs: AnyRunStore) -> None:
    runs.insert_run(a_run())
    mine, theirs = a_run().next(holder="mine"), a_run().next(holder="theirs")

    assert runs.update_run(mine)
    assert not runs.update_run(theirs)
    assert not runs.update_run(mine.next().next())
    assert runs.read_run("run-0001") == mine


def test_an_update_of_a_run_that_does_not_exist_loses_and_creates_nothing(runs: AnyRunStore) -> None:
    assert not runs.update_run(a_run().next())
    assert runs.read_run("run-0001") is None


def test_an_update_clears_what_went_back_to_its_default(runs: AnyRunStore) -> None:
    runs.insert_run(a_full_run())
    cleared = a_full_run().next(active={}, sending=(), halted="", deferred_to="")

    runs.update_run(cleared)

    assert runs.read_run("run-0001") == cleared


def test_heads_are_read_together_and_missing_ones_left_out(runs: AnyRunStore) -> None:
    for number in range(120):
        runs.insert_run(a_run(f"run-{number:04d}"))

    found = runs.read_runs([f"run-{number:04d}" for number in range(118, 122)] + ["run-0118"])

    assert found == {"run-0118": a_run("run-0118"), "run-0119": a_run("run-0119")}


# -- stop marks -------------------------------------------------------------------------------------------------------
def test_a_stop_mark_is_put_once_for_each_request(runs: AnyRunStore) -> None:
    assert runs.insert_stop(a_stop("stop-1"))
    assert not runs.insert_stop(a_stop("stop-1"))
    assert runs.insert_stop(a_stop("stop-0"))
    assert runs.read_stops("run-0001") == [a_stop("stop-0"), a_stop("stop-1")]


def test_a_stop_mark_holds_as_many_instances_as_a_run(runs: AnyRunStore) -> None:
    ids = tuple(f"i-bp1{number:019d}" for number in range(100_000))
    mark = replace(a_stop("stop-1"), instance_ids=ids)

    assert runs.insert_stop(mark)

    assert runs.read_stops("run-0001") == [mark]


def test_head_and_stop_marks_come_in_one_read_and_nothing_else_does(runs: AnyRunStore) -> None:
    runs.insert_run(a_run())
    runs.insert_stop(a_stop("b"))
    runs.insert_stop(a_stop("a"))
    runs.insert_stop(a_stop("a", run_id="run-0002"))
    runs.put_chunks([a_chunk()])
    runs.put_events([an_event(1)], base_version=1)

    assert runs.read_run_and_stops("run-0001") == (a_run(), [a_stop("a"), a_stop("b")])


# -- chunks -----------------------------------------------------------------------------------------------------------
def test_chunks_are_read_as_written_in_the_order_that_was_asked_for(runs: AnyRunStore) -> None:
    ended = replace(a_chunk(3).targets[0], status="Failed", ended_no=1, exit_code=3, output_head="ö" * 512, dropped=4)
    chunks = [a_chunk(1), a_chunk(2, status="Invoked", invoke_id="t-1"), a_chunk(3, targets=(ended, Target("i-9")))]

    assert runs.put_chunks(chunks)

    assert runs.read_chunks("run-0001", [3, 1, 2]) == [chunks[2], chunks[0], chunks[1]]


def test_more_chunks_than_fit_one_call_are_written_and_read(runs: AnyRunStore) -> None:
    chunks = [a_chunk(number) for number in range(1, 251)]

    assert runs.put_chunks(chunks)

    assert runs.read_chunks("run-0001", range(1, 251)) == chunks


def test_reading_a_chunk_that_is_not_there_is_a_bug(runs: AnyRunStore) -> None:
    runs.put_chunks([a_chunk(1)])

    with pytest.raises(AssertionError, match="no chunks"):
        runs.read_chunks("run-0001", [1, 2])


def test_a_newer_plan_overwrites_an_older_ones_chunks_and_never_the_other_way(runs: AnyRunStore) -> None:
    runs.put_chunks([a_chunk(1, plan_no=2), a_chunk(2, plan_no=2)])

    assert runs.put_chunks([a_chunk(1, plan_no=3, wave=1)])
    assert not runs.put_chunks([a_chunk(1, plan_no=2), a_chunk(3, plan_no=2)])
    assert not runs.put_chunks([a_chunk(1, plan_no=3)])

    assert [chunk.plan_no for chunk in runs.read_chunks("run-0001", [1, 2, 3])] == [3, 2, 2]


def test_a_chunk_moves_on_only_from_the_version_it_was_read_on(runs: AnyRunStore) -> None:
    runs.put_chunks([a_chunk(1), a_chunk(2)])
    first = ChunkWrite(a_chunk(1, version=2, status="Invoked"), {})
    late = ChunkWrite(a_chunk(1, version=2, status="Unconfirmed"), {})
    second = ChunkWrite(a_chunk(2, version=2, status="Invoked"), {})

    assert runs.update_chunks([first])
    assert not runs.update_chunks([late, second])

    assert [chunk.status for chunk in runs.read_chunks("run-0001", [1, 2])] == ["Invoked", "Invoked"]


def test_a_chunk_that_was_never_planned_cannot_be_updated(runs: AnyRunStore) -> None:
    assert not runs.update_chunks([ChunkWrite(a_chunk(1, version=2), {})])

    with pytest.raises(AssertionError):
        runs.read_chunks("run-0001", [1])


def test_outputs_are_kept_byte_by_byte_and_added_to_those_before(runs: AnyRunStore) -> None:
    runs.put_chunks([a_chunk(1)])
    runs.update_chunks([ChunkWrite(a_chunk(1, version=2), {1: b"\x00\xff raw"})])
    runs.update_chunks([ChunkWrite(a_chunk(1, version=3), {0: b"first"})])

    assert runs.read_outputs("run-0001", 1) == {0: b"first", 1: b"\x00\xff raw"}
    assert runs.read_outputs("run-0001", 2) == {}


def test_outputs_of_a_full_step_pass_whatever_one_call_can_hold(runs: AnyRunStore) -> None:
    targets = tuple(Target(f"i-{number:05d}") for number in range(50))
    outputs = {index: bytes([index]) * 24_576 for index in range(50)}
    runs.put_chunks([a_chunk(number, targets=targets) for number in range(1, 9)])

    won = runs.update_chunks(
        [ChunkWrite(a_chunk(number, targets=targets, version=2), outputs) for number in range(1, 9)]
    )

    assert won
    assert runs.read_outputs("run-0001", 8) == outputs


def test_planning_anew_forgets_the_outputs_of_the_older_plan(runs: AnyRunStore) -> None:
    runs.put_chunks([a_chunk(1, plan_no=2)])
    runs.update_chunks([ChunkWrite(a_chunk(1, plan_no=2, version=2), {0: b"old"})])

    runs.put_chunks([a_chunk(1, plan_no=3)])

    assert runs.read_outputs("run-0001", 1) == {}


# -- excluded ---------------------------------------------------------------------------------------------------------
def test_all_excluded_targets_are_read_back_in_order(runs: AnyRunStore) -> None:
    runs.put_excluded("run-0001", excluded(1_001), plan_no=2)

    assert runs.read_excluded(a_run(excluded=1_001)) == excluded(1_001)


def test_what_an_older_plan_excluded_does_not_count(runs: AnyRunStore) -> None:
    runs.put_excluded("run-0001", excluded(1_001), plan_no=2)
    runs.put_excluded("run-0001", excluded(3), plan_no=4)
    runs.put_excluded("run-0001", excluded(2), plan_no=3)

    assert runs.read_excluded(a_run(excluded=3)) == excluded(3)


def test_a_run_that_excluded_nobody_has_no_excluded_whatever_an_older_plan_left(runs: AnyRunStore) -> None:
    runs.put_excluded("run-0001", excluded(3), plan_no=2)
    runs.put_excluded("run-0001", [], plan_no=3)

    assert runs.read_excluded(a_run(excluded=0)) == []


# -- events -----------------------------------------------------------------------------------------------------------
def test_events_come_in_order_after_the_one_that_was_named(runs: AnyRunStore) -> None:
    runs.put_events([an_event(number, f'{{"n":"ä{number}"}}') for number in range(1, 12)], base_version=1)

    found = runs.read_events("run-0001", after=8, limit=2)

    assert found == [an_event(9, '{"n":"ä9"}'), an_event(10, '{"n":"ä10"}')]
    assert runs.read_events("run-0001", after=11, limit=5) == []


def test_an_event_prepared_on_an_older_version_is_overwritten_and_a_newer_one_stays(runs: AnyRunStore) -> None:
    runs.put_events([an_event(1, "old"), an_event(2, "old")], base_version=3)
    runs.put_events([an_event(1, "new")], base_version=5)
    runs.put_events([an_event(1, "late"), an_event(2, "late")], base_version=4)

    assert [event.body for event in runs.read_events("run-0001", after=0, limit=9)] == [b"new", b"late"]


def test_preparing_the_same_events_again_changes_nothing(runs: AnyRunStore) -> None:
    for _ in range(2):
        runs.put_events([an_event(1)], base_version=3)

    assert runs.read_events("run-0001", after=0, limit=9) == [an_event(1)]


# -- lists ------------------------------------------------------------------------------------------------------------
def test_unfinished_runs_are_listed_in_order_page_by_page_until_forgotten(runs: AnyRunStore) -> None:
    for number in (3, 1, 2, 1):
        runs.remember(a_run(f"run-000{number}"))
    runs.forget("run-0002")
    runs.forget("run-0009")

    assert runs.unfinished(after="", limit=10) == ["run-0001", "run-0003"]
    assert runs.unfinished(after="", limit=1) == ["run-0001"]
    assert runs.unfinished(after="run-0001", limit=1) == ["run-0003"]
    assert runs.unfinished(after="run-0003", limit=1) == []


def test_an_announced_run_is_unfinished_and_forgotten_only_when_its_line_is_old(runs: AnyRunStore) -> None:
    announced = a_run("run-0001")
    runs.announce(announced)

    assert runs.unfinished(after="", limit=10) == ["run-0001"]
    assert not runs.forget("run-0001", before_ms=announced.accepted_ms)
    assert runs.unfinished(after="", limit=10) == ["run-0001"]
    assert runs.forget("run-0001", before_ms=announced.accepted_ms + 1)
    assert runs.unfinished(after="", limit=10) == []


def test_a_run_with_a_stop_is_on_the_list_of_stops_until_that_one_is_heeded(runs: AnyRunStore) -> None:
    for number, at_ms in ((2, 2_000), (1, 1_000), (2, 3_000)):
        runs.insert_stop(StopMark(f"run-000{number}", f"stop-{at_ms}", (), at_ms))

    assert runs.unheeded(after="", limit=9) == {"run-0001": 1_000, "run-0002": 3_000}
    assert runs.unheeded(after="run-0001", limit=9) == {"run-0002": 3_000}
    assert runs.unheeded(after="", limit=1) == {"run-0001": 1_000}
    assert not runs.heeded("run-0002", stop_ms=2_000), "another one has come since"
    assert runs.heeded("run-0002", stop_ms=3_000)
    assert not runs.heeded("run-0002", stop_ms=3_000)
    assert runs.unheeded(after="", limit=9) == {"run-0001": 1_000}
    assert runs.unfinished(after="", limit=9) == []


# -- deliveries -------------------------------------------------------------------------------------------------------
def test_deliveries_of_a_message_are_counted_until_one_ends(runs: AnyRunStore) -> None:
    begun = [runs.begin_delivery("m-1", now_ms=now_ms) for now_ms in (1_000, 2_000, 3_000)]

    assert begun == [Delivery(number, since_ms=1_000) for number in (1, 2, 3)]
    assert runs.begin_delivery("m-2", now_ms=4_000) == Delivery(1, since_ms=4_000)
    assert runs.deliveries_begun(["m-1", "m-2", "m-3"]) == {"m-1": 3, "m-2": 1}

    runs.end_delivery("m-1")

    assert runs.deliveries_begun(["m-1", "m-2"]) == {"m-2": 1}
    assert runs.begin_delivery("m-1", now_ms=5_000) == Delivery(1, since_ms=5_000)


def test_a_delivery_is_taken_back_alone(runs: AnyRunStore) -> None:
    for now_ms in (1_000, 2_000, 3_000):
        runs.begin_delivery("m-1", now_ms=now_ms)

    runs.take_back_delivery("m-1")

    assert runs.deliveries_begun(["m-1"]) == {"m-1": 2}
    assert runs.begin_delivery("m-1", now_ms=4_000) == Delivery(3, since_ms=1_000)
    for _ in range(3):
        runs.take_back_delivery("m-1")
    assert runs.deliveries_begun(["m-1"]) == {}
    runs.take_back_delivery("m-1")
    assert runs.begin_delivery("m-1", now_ms=5_000) == Delivery(1, since_ms=5_000)


def test_ending_a_delivery_that_was_not_counted_changes_nothing(runs: AnyRunStore) -> None:
    runs.end_delivery("m-9")

    assert runs.deliveries_begun(["m-9"]) == {}


# -- sweeps -----------------------------------------------------------------------------------------------------------
def test_a_sweep_leaves_word_unless_a_later_one_has(runs: AnyRunStore) -> None:
    assert runs.note_sweep(at_ms=1_000, unfinished=3, overdue=1)
    assert runs.note_sweep(at_ms=2_000, unfinished=2, overdue=0)
    assert not runs.note_sweep(at_ms=1_500, unfinished=9, overdue=9)
    assert not runs.note_sweep(at_ms=2_000, unfinished=9, overdue=9)


def test_the_word_of_a_sweep_is_no_unfinished_run(runs: AnyRunStore) -> None:
    runs.note_sweep(at_ms=1_000, unfinished=3, overdue=1)

    assert runs.unfinished(after="", limit=10) == []
