"""Stage 3: chunks lose no target, double none, and stay within their bounds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shared.core.chunk import cut, split, wave_ends
from shared.core.model import Chunk, Instance, Target

numbers = st.sets(st.integers(0, 5_000), max_size=400)


def instances(wanted: set[int]) -> list[Instance]:
    return [Instance(f"i-{number}", f"web-{number}", "Running", "linux", "vpc") for number in wanted]


def cut_evenly(wanted: set[int], waves: list[int], size_max: int) -> list[Chunk]:
    return cut(instances(wanted), run_id="run-x", waves=waves, size_max=size_max, plan_no=1)


@given(numbers, st.integers(1, 100), st.data())
def test_cutting_loses_and_repeats_no_target(wanted: set[int], size_max: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(wanted)))
    waves = [size for size in (first, len(wanted) - first) if size]

    chunks = cut_evenly(wanted, waves, size_max)

    ids = [target.instance_id for chunk in chunks for target in chunk.targets]
    assert sorted(ids) == sorted(f"i-{number}" for number in wanted)
    assert all(1 <= len(chunk.targets) <= size_max for chunk in chunks)
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert [sum(len(c.targets) for c in chunks if c.wave == wave) for wave in range(len(waves))] == waves


@given(numbers, st.integers(1, 100))
def test_no_more_chunks_than_the_number_of_targets_needs(wanted: set[int], size_max: int) -> None:
    chunks = cut_evenly(wanted, [len(wanted)] if wanted else [], size_max)

    assert len(chunks) == -(-len(wanted) // size_max)


def test_120_targets_make_three_chunks_of_40() -> None:
    chunks = cut_evenly(set(range(120)), [120], 50)

    assert [len(chunk.targets) for chunk in chunks] == [40, 40, 40]


def test_the_order_of_the_fleet_does_not_change_the_chunks() -> None:
    one = cut(instances({1, 2, 3, 4}), run_id="run-x", waves=[4], size_max=2, plan_no=1)
    other = cut(instances({1, 2, 3, 4})[::-1], run_id="run-x", waves=[4], size_max=2, plan_no=1)

    assert one == other


def test_wave_ends_name_the_last_chunk_of_each_wave() -> None:
    chunks = cut_evenly(set(range(111)), [1, 10, 100], 50)

    assert wave_ends(chunks) == (1, 2, 4)


@given(st.integers(2, 50), st.data())
def test_splitting_moves_targets_and_loses_none(size: int, data: st.DataObject) -> None:
    targets = tuple(Target(f"i-{number}") for number in range(size))
    chunk = Chunk("run-x", 3, 0, targets, unit_day="2026-01-05", sent_ms=7)
    keep = data.draw(st.integers(1, size - 1))

    stays, rest = split(chunk, keep=keep, rest_number=9, plan_no=2)

    assert stays.targets + rest.targets == targets
    assert len(stays.targets) == keep
    assert stays.rest == rest.number == 9
    assert stays.chunk_id != chunk.chunk_id


def test_targets_that_have_ended_stay_where_they_ended() -> None:
    ended = replace(Target("i-0"), status="Excluded", ended_no=1)
    chunk = Chunk("run-x", 1, 0, (ended, Target("i-1"), Target("i-2")))

    stays, rest = split(chunk, keep=1, rest_number=2, plan_no=2)

    assert [target.instance_id for target in stays.targets] == ["i-0", "i-1"]
    assert [target.instance_id for target in rest.targets] == ["i-2"]


def test_the_client_token_fits_ecs() -> None:
    chunk = Chunk("run-" + "f" * 20, 99_999, 0, (Target("i-0"),), cut=99)

    assert len(chunk.chunk_id) <= 64
    assert chunk.chunk_id.isascii()
