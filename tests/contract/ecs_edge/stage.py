"""An executor on a clock that stands still, and watchers that write down what they are told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from localcloud.clock import ManualClock, Timeline
from localcloud.ecs.executor_process import ProcessExecutor
from localcloud.ecs.executors import Execution, Executor, Job

WAIT_S_MAX = 20.0
PAUSE_S = 0.002
LAST_WORDS = ("finished", "timed_out", "failed", "cancelled")


class Notes:
    """A watcher: each word is (name, *arguments)."""

    def __init__(self) -> None:
        self.words: list[tuple[Any, ...]] = []

    def started(self) -> None:
        self.words.append(("started",))

    def output(self, tail: bytes, dropped: int) -> None:
        self.words.append(("output", tail, dropped))

    def finished(self, exit_code: int, tail: bytes, dropped: int) -> None:
        self.words.append(("finished", exit_code, tail, dropped))

    def timed_out(self, tail: bytes, dropped: int) -> None:
        self.words.append(("timed_out", tail, dropped))

    def failed(self, error_code: str, error_info: str, tail: bytes, dropped: int) -> None:
        self.words.append(("failed", error_code, error_info, tail, dropped))

    def cancelled(self, exit_code: int | None, tail: bytes, dropped: int) -> None:
        self.words.append(("cancelled", exit_code, tail, dropped))

    def ran(self, exit_code: int, tail: bytes, dropped: int) -> None:
        self.started()
        self.finished(exit_code, tail, dropped)

    @property
    def last(self) -> tuple[Any, ...] | None:
        """The last word, if it was spoken. It must be the only one of its kind."""
        spoken = [word for word in self.words if word[0] in LAST_WORDS]
        assert len(spoken) <= 1, self.words
        assert not spoken or self.words[-1] is spoken[0], self.words
        return spoken[0] if spoken else None

    @property
    def names(self) -> list[str]:
        return [word[0] for word in self.words]

    @property
    def printed(self) -> bytes:
        return max((word[1] for word in self.words if word[0] == "output"), key=len, default=b"")


class Stage:
    """Where a test plays: `advance` moves the clock, `until` waits for the processes of this machine."""

    def __init__(self, make: Callable[[Timeline], Executor]) -> None:
        self.clock = ManualClock()
        self.timeline = Timeline(self.clock)
        self.executor = make(self.timeline)

    def start(self, content: bytes | str, instance_id: str = "i-1", **fields: Any) -> tuple[Notes, Execution]:
        notes = Notes()
        job = Job(
            **{
                "instance_id": instance_id,
                "instance_name": f"name-of-{instance_id}",
                "invoke_id": "t-1",
                "command_type": "RunShellScript",
                "content": content if isinstance(content, bytes) else content.encode(),
                **fields,
            }
        )
        (execution,) = self.executor.start_all([(job, notes)])
        return notes, execution

    async def run(self, content: bytes | str, instance_id: str = "i-1", **fields: Any) -> tuple[Any, ...]:
        """The last word about a script."""
        notes, _ = self.start(content, instance_id, **fields)
        return await self.end_of(notes)

    async def end_of(self, notes: Notes) -> tuple[Any, ...]:
        await self.until(lambda: notes.last is not None)
        assert notes.last is not None
        return notes.last

    async def until(self, seen: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S_MAX
        self.timeline.run_due()
        while not seen():
            assert time.monotonic() < end, "waited in vain"
            await asyncio.sleep(PAUSE_S)
            self.timeline.run_due()

    def advance(self, seconds: float) -> None:
        self.timeline.advance_to(self.clock.now_ms() + int(seconds * 1000))


def play(folder: Path, scenario: Callable[[Stage], Awaitable[None]], **fields: Any) -> None:
    """Plays a scenario with real processes; none is left behind."""

    async def main() -> None:
        stage = Stage(lambda timeline: ProcessExecutor(folder, timeline=timeline, **fields))
        try:
            await scenario(stage)
        finally:
            stage.executor.close()

    asyncio.run(main())


def is_alive(pid: int) -> bool:
    """Not of a zombie: that only waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
