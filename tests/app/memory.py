"""Every port in memory, for tests of the use cases. `memory_ports()` puts them together.

ports, world = memory_ports()
world.directory.add(*(linux(number) for number in range(120)))
world.runner.fail("invoke", UnknownOutcome("dropped"), after_effect=True)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from shared.core import limits
from shared.ports import Policy, Ports
from tests.app.memory_access import AccessWorld
from tests.app.memory_ecs import Ending, KnownInstance, MemoryDirectory, MemoryRunner, linux
from tests.app.memory_faults import Faults, faulty
from tests.app.memory_schedules import MemoryScheduleStore
from tests.app.memory_stores import MemoryQuotaLedger, MemoryRunStore

__all__ = [
    "Ending",
    "KnownInstance",
    "ManualClock",
    "MemoryDirectory",
    "MemoryPublisher",
    "MemoryQueue",
    "MemoryQuotaLedger",
    "MemoryRunStore",
    "MemoryRunner",
    "MemoryScheduleStore",
    "RecordingLog",
    "SeededIds",
    "SequentialLanes",
    "World",
    "linux",
    "memory_policy",
    "memory_ports",
]

In = TypeVar("In")
Out = TypeVar("Out")
START_MS = 1_767_571_200_000
"""2026-01-05 00:00:00 UTC: 08:00 of a Monday in UTC+8."""


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, ms: int) -> None:
        assert ms >= 0, "time does not run backwards"
        self._now_ms += ms

    def advance_to(self, now_ms: int) -> None:
        self.advance(max(0, now_ms - self._now_ms))


class SeededIds:
    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(f"ids:{seed}")

    def new_id(self) -> str:
        return f"{self._random.getrandbits(64):016x}"


class SequentialLanes:
    """One after the other; remembers how wide it was asked to go."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def each(self, act: Callable[[In], Out], items: Sequence[In], *, width: int) -> list[Out]:
        assert width >= 1, "at least one lane"
        self.widths.append(width)
        return [act(item) for item in items]


class RecordingLog:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, /, **fields: object) -> None:
        self.lines.append((event, fields))

    def of(self, event: str) -> list[dict[str, object]]:
        return [fields for name, fields in self.lines if name == event]


class MemoryQueue(Faults):
    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock
        self.wakeups: list[tuple[int, bytes]] = []
        """(seen from, body), in the order of sending."""
        self.dead_letters: list[bytes] = []
        self.firings: list[tuple[int, bytes]] = []
        """The same of the queue of schedules."""

    @faulty
    def send_wakeup(self, body: bytes, *, delay_s: int) -> None:
        assert 0 <= delay_s <= limits.DELAY_S_MAX, f"a delay of {delay_s} s"
        assert len(body) * 4 <= limits.MESSAGE_BYTES_MAX * 3, "too large for a queue"
        self.wakeups.append((self._clock.now_ms() + delay_s * 1000, body))

    @faulty
    def send_dead_letter(self, body: bytes) -> None:
        assert len(body) * 4 <= limits.MESSAGE_BYTES_MAX * 3, "too large for a queue"
        self.dead_letters.append(body)

    @faulty
    def send_firing(self, body: bytes, *, delay_s: int) -> None:
        assert 0 <= delay_s <= limits.DELAY_S_MAX, f"a delay of {delay_s} s"
        self.firings.append((self._clock.now_ms() + delay_s * 1000, body))

    def next_due_ms(self) -> int | None:
        return min((due_ms for due_ms, _ in self.wakeups), default=None)

    def take_due(self) -> list[bytes]:
        """Wake-ups that may be seen now, taken out."""
        now_ms = self._clock.now_ms()
        due = sorted((entry for entry in self.wakeups if entry[0] <= now_ms), key=lambda entry: entry[0])
        self.wakeups = [entry for entry in self.wakeups if entry[0] > now_ms]
        return [body for _, body in due]


class MemoryPublisher(Faults):
    def __init__(self) -> None:
        super().__init__()
        self.published: list[bytes] = []

    @faulty
    def publish(self, body: bytes) -> None:
        assert len(body) <= limits.EVENT_BYTES_MAX, f"an event of {len(body)} bytes"
        self.published.append(body)


@dataclass
class World:
    """The ports again, each with its own type, for what a test does to them and asks of them."""

    clock: ManualClock = field(default_factory=ManualClock)
    ids: SeededIds = field(default_factory=SeededIds)
    lanes: SequentialLanes = field(default_factory=SequentialLanes)
    log: RecordingLog = field(default_factory=RecordingLog)
    directory: MemoryDirectory = field(default_factory=MemoryDirectory)
    publisher: MemoryPublisher = field(default_factory=MemoryPublisher)
    runs: MemoryRunStore = field(default_factory=MemoryRunStore)
    quota: MemoryQuotaLedger = field(default_factory=MemoryQuotaLedger)
    schedules: MemoryScheduleStore = field(default_factory=MemoryScheduleStore)
    access: AccessWorld | None = None
    """None: a deployment without keys, where everybody may do anything."""

    def __post_init__(self) -> None:
        self.runner = MemoryRunner(self.clock, self.directory)
        self.queue = MemoryQueue(self.clock)

    def ports(self) -> Ports:
        return Ports(
            clock=self.clock,
            ids=self.ids,
            lanes=self.lanes,
            log=self.log,
            directory=self.directory,
            runner=self.runner,
            queue=self.queue,
            publisher=self.publisher,
            runs=self.runs,
            quota=self.quota,
            schedules=self.schedules,
            access=None if self.access is None else self.access.access(),
        )


def memory_ports(*, seed: int = 0) -> tuple[Ports, World]:
    world = World(ids=SeededIds(seed))
    return world.ports(), world


def memory_policy(*, daily_quota: int | None = 500, instances_per_chunk: int = 50) -> Policy:
    return Policy(
        region="cn-hangzhou",
        account_id="1234567890123456",
        daily_quota=daily_quota,
        instances_per_chunk=instances_per_chunk,
        lease_ms=60_000 + limits.LEASE_MARGIN_MS,
    )
