"""Instances that only pretend: what the comments of a script make of it, on virtual time."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections import Counter
from typing import Any

import pytest

from localcloud.clock import Timeline
from localcloud.ecs.executor_output import Tail
from localcloud.ecs.executor_simulated import Behaviour, Outcome, SimulatedExecutor
from localcloud.ecs.executors import Job
from localcloud.ids import Ids
from tests.contract.ecs_edge.stage import Notes, Stage


def stage_of(seed: int = 1, behaviour: Behaviour | None = None, **fields: Any) -> Stage:
    def make(timeline: Timeline) -> SimulatedExecutor:
        return SimulatedExecutor(timeline=timeline, ids=Ids(seed), behaviour=behaviour, **fields)

    return Stage(make)


def run(script: str, seconds: float = 3600, instance_id: str = "i-1", **fields: Any) -> tuple[Any, ...] | None:
    """The last word, if it was spoken after `seconds`."""
    stage = stage_of()
    notes, _ = stage.start(script, instance_id, **fields)
    stage.advance(seconds)
    return notes.last


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo hello", ("finished", 0, b"", 0)),
        ("", ("finished", 0, b"", 0)),
        ("# simulate: exit=3", ("finished", 3, b"", 0)),
        ("#!/bin/sh\nset -e\n  # SIMULATE: exit=4 output='two words'\necho", ("finished", 4, b"two words", 0)),
        ("rem simulate: exit=5\r\n", ("finished", 5, b"", 0)),
        (":: simulate: exit=-1", ("finished", -1, b"", 0)),
        (
            '# simulate: output="$ECS_INSTANCE_ID is $ECS_INSTANCE_NAME\\n"',
            ("finished", 0, b"i-1 is name-of-i-1\n", 0),
        ),
        ("# simulate: error=ClientNotResponse", ("failed", "ClientNotResponse", "simulated", b"", 0)),
        ("# simulate: exit=1\n# simulate: exit=2", ("finished", 1, b"", 0)),
        ("# simulate: share=0% exit=1\n# simulate: exit=2", ("finished", 2, b"", 0)),
    ],
)
def test_a_comment_decides_how_a_script_ends(script: str, expected: tuple[Any, ...]) -> None:
    assert run(script) == expected


@pytest.mark.parametrize(
    ("directive", "named"),
    [
        ("exit=three", "exit is 'three'"),
        ("duration=5", "duration is '5'"),
        ("duration=1h", "duration is '1h'"),
        ("duration=2s..1s", "duration is '2s..1s'"),
        ("share=half", "share is 'half'"),
        ("colour=red", "'colour=red' is not known"),
        ("exit", "'exit' is not known"),
        ('output="open', "No closing quotation"),
    ],
)
def test_a_directive_that_can_not_be_read_is_named(directive: str, named: str) -> None:
    last = run(f"# simulate: {directive}")

    assert last is not None
    assert last[:2] == ("failed", "ExecutionException")
    assert named in last[2]


def test_it_takes_its_time_and_tells_of_its_output_on_the_way() -> None:
    stage = stage_of()
    notes, _ = stage.start("# simulate: duration=2500ms output=x exit=1")

    stage.advance(0)
    assert notes.names == ["started"]
    stage.advance(2.4)
    assert notes.words == [("started",), ("output", b"x", 0)]
    stage.advance(0.1)
    assert notes.last == ("finished", 1, b"x", 0)


def test_what_takes_longer_than_its_timeout_is_killed_at_it() -> None:
    assert run("# simulate: duration=61s output=x", 59.9) is None
    assert run("# simulate: duration=61s output=x", 60) == ("timed_out", b"x", 0)
    assert run("# simulate: duration=60s", 60) == ("finished", 0, b"", 0)


def test_a_cancel_ends_it_running_or_not() -> None:
    stage = stage_of()
    waiting, before = stage.start("# simulate: duration=60s output=x")
    before.cancel(False)
    running, execution = stage.start("# simulate: duration=60s output=x")
    stage.advance(1)
    execution.cancel(True)
    execution.cancel(True)
    ended, over = stage.start("exit 0")
    stage.advance(1)
    over.cancel(True)
    stage.advance(100)

    assert waiting.words == [("cancelled", None, b"", 0)]
    assert running.last == ("cancelled", None, b"x", 0)
    assert ended.last == ("finished", 0, b"", 0)


def test_an_eleventh_script_on_an_instance_is_refused() -> None:
    stage = stage_of()
    ten = [stage.start("# simulate: duration=10s")[0] for _ in range(10)]
    eleventh, _ = stage.start("exit 0")
    elsewhere, _ = stage.start("exit 0", "i-2")
    stage.advance(5)
    stage.advance(5)
    after, _ = stage.start("exit 0")
    stage.advance(0)

    assert eleventh.last is not None
    assert eleventh.last[:2] == ("failed", "TaskConcurrencyLimit")
    assert elsewhere.last == after.last == ("finished", 0, b"", 0)
    assert [notes.last for notes in ten] == [("finished", 0, b"", 0)] * 10


def test_after_close_nothing_is_told() -> None:
    stage = stage_of()
    notes, _ = stage.start("# simulate: duration=5s")
    stage.advance(1)
    stage.executor.close()
    stage.advance(100)

    assert notes.names == ["started"]


def test_a_test_may_decide_itself() -> None:
    def behaviour(job: Job) -> Outcome:
        return Outcome(duration_ms=10, exit_code=int(job.instance_id[2:]), output=job.content)

    stage = stage_of(behaviour=behaviour)
    notes = [stage.start("content", f"i-{number}")[0] for number in range(3)]
    stage.advance(1)

    assert [each.last for each in notes] == [("finished", number, b"content", 0) for number in range(3)]


def ends_of_a_fleet(seed: int, count: int = 1000, *, backwards: bool = False) -> dict[str, tuple[Any, ...] | None]:
    script = "# simulate: share=10% exit=3 duration=1s..9s\n# simulate: share=5% error=ClientNotResponse\n# simulate:"
    stage = stage_of(seed)
    names = [f"i-{number}" for number in range(count)]
    notes = {name: stage.start(script, name)[0] for name in (reversed(names) if backwards else names)}
    stage.advance(20)
    return {name: notes[name].last for name in names}


def test_shares_are_kept_and_come_from_the_seed_alone() -> None:
    first = ends_of_a_fleet(7)

    counts = Counter(end[0] if end is None or end[0] == "failed" else end[1] for end in first.values() if end)
    assert 70 <= counts[3] <= 130
    assert 30 <= counts["failed"] <= 75
    assert ends_of_a_fleet(7) == first
    assert ends_of_a_fleet(7, backwards=True) == first
    assert ends_of_a_fleet(8) != first


def test_ten_thousand_running_scripts_fit_into_ten_megabytes() -> None:
    """Of our own: what a watcher remembers comes on top."""

    stage, deaf = stage_of(), Notes()
    content = b"# simulate: duration=5s output=hello"
    jobs = [Job(f"i-{number}", "", "t-1", "RunShellScript", content) for number in range(10_000)]
    tracemalloc.start()
    try:
        kept = stage.executor.start_all([(job, deaf) for job in jobs])
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(kept) == 10_000
    assert used < 10 * 1024 * 1024


def test_a_tail_counts_what_it_lets_go() -> None:
    tail = Tail(4)
    for part in (b"ab", b"", b"cd", b"efghijklmno", b"p"):
        tail.add(part)

    assert (tail.tail, tail.dropped) == (b"mnop", 12)
    assert (Tail(4).tail, Tail(4).dropped) == (b"", 0)


def test_it_needs_no_event_loop() -> None:
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()

    assert run("exit 0") == ("finished", 0, b"", 0)


def test_scripts_of_one_call_begin_in_their_order_but_those_that_were_cancelled() -> None:
    stage = stage_of(behaviour=lambda _job: Outcome(duration_ms=1_000))
    told: list[tuple[str, str]] = []

    class Teller(Notes):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def started(self) -> None:
            told.append((self.name, "started"))

        def cancelled(self, exit_code: int | None, tail: bytes, dropped: int) -> None:
            told.append((self.name, f"cancelled {exit_code} {tail!r} {dropped}"))

    tasks = [(Job(f"i-{name}", "", "t-1", "RunShellScript", b""), Teller(name)) for name in "abc"]

    executions = stage.executor.start_all(tasks)
    executions[1].cancel(False)
    executions[1].cancel(False)
    stage.advance(0)

    assert told == [("a", "started"), ("c", "started"), ("b", "cancelled None b'' 0")]


def test_a_job_does_not_show_its_script() -> None:
    job = Job("i-1", "", "t-1", "RunShellScript", b"echo secret", environment={"TOKEN": "hidden"})

    assert repr(job) == "Job(t-1 on i-1, RunShellScript)"
