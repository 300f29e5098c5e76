"""What the use cases need from the outside, by role. Adapters fulfil these; the simulation does too.

Every method may raise `Unavailable` (nothing happened) or, where it has an effect, `UnknownOutcome` (may have
happened). Methods whose write is conditional answer whether it won; the caller must read the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from shared.access_ports import Access
from shared.core.messages import Delivery
from shared.core.model import Chunk, Event, Excluded, Run, StopMark
from shared.core.schedule import Due, NoSchedules, Schedule
from shared.ecs_ports import CommandRunner, InstanceDirectory

In = TypeVar("In")
Out = TypeVar("Out")


class Clock(Protocol):
    def now_ms(self) -> int:
        """Epoch milliseconds, UTC."""
        ...


class Ids(Protocol):
    def new_id(self) -> str:
        """A fresh random name of 16 characters, for a holder of a lease."""
        ...


class Lanes(Protocol):
    """Does several calls side by side."""

    def each(self, act: Callable[[In], Out], items: Sequence[In], *, width: int) -> list[Out]:
        """`act` on every item, at most `width` at once; answers in the order of `items`. `act` must not raise."""
        ...


class Log(Protocol):
    def __call__(self, event: str, /, **fields: object) -> None:
        """One line: a constant event name (`chunk.invoked`) and fields. Never scripts, parameters or output."""
        ...


# -- MNS --------------------------------------------------------------------------------------------------------------
class WorkQueue(Protocol):
    """The queues that drive the functions."""

    def send_wakeup(self, body: bytes, *, delay_s: int) -> None:
        """To `fleetrun-wakeups`; seen after `delay_s` seconds."""
        ...

    def send_dead_letter(self, body: bytes) -> None:
        """To `fleetrun-dead-letters`."""
        ...

    def send_firing(self, body: bytes, *, delay_s: int) -> None:
        """To `fleetrun-firings`; seen after `delay_s` seconds."""
        ...


class EventPublisher(Protocol):
    def publish(self, body: bytes) -> None:
        """To topic `fleetrun-events`; at most EVENT_BYTES_MAX. A repeat is allowed: ids tell."""
        ...


# -- Tablestore -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ChunkWrite:
    """A chunk's next version with the outputs that came with it."""

    chunk: Chunk
    """Its version is the one to be written: one more than the one read."""
    outputs: Mapping[int, bytes]
    """Whole output by index of the target in the chunk; only new ones."""


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """A region's day, as read."""

    used: int
    closed: bool
    """ECS answered Invocation.ExceedQuota: nothing more today, whatever we counted."""
    granted: int | None
    """What the asking run holds; None = it has no column yet."""


class RunStore(Protocol):
    """Tables `runs`, `unfinished` and `recent`."""

    def insert_run(self, run: Run) -> bool:
        """Puts the head row if the run does not exist. False: it does (read it)."""
        ...

    def read_run(self, run_id: str) -> Run | None: ...

    def read_run_and_stops(self, run_id: str) -> tuple[Run | None, list[StopMark]]:
        """Head row and stop marks (sorted by request id) in one read."""
        ...

    def update_run(self, run: Run) -> bool:
        """Writes `run` if the stored version is `run.version - 1`. False: lost."""
        ...

    def insert_stop(self, mark: StopMark) -> bool:
        """Puts the mark if there is none of this request id. False: there is."""
        ...

    def read_stops(self, run_id: str) -> list[StopMark]: ...

    def put_chunks(self, chunks: Sequence[Chunk]) -> bool:
        """Puts planned chunks where there is none, or one of an older plan (`plan_no` below ours). False: one lost."""
        ...

    def read_chunks(self, run_id: str, numbers: Sequence[int]) -> list[Chunk]:
        """Those chunks, in the order of `numbers`, without their outputs. A missing one is a bug of the caller."""
        ...

    def update_chunks(self, writes: Sequence[ChunkWrite]) -> bool:
        """Writes each if the stored version is one less. False: at least one lost."""
        ...

    def put_excluded(self, run_id: str, excluded: Sequence[Excluded], *, plan_no: int) -> None: ...

    def put_events(self, events: Sequence[Event], *, base_version: int) -> None:
        """Prepares events under numbers that the run row has not committed yet.

        Overwrites rows prepared on an older `base_version` of the run; a newer one's stay (we have been fenced
        then, and our commit will lose).
        """
        ...

    def read_events(self, run_id: str, *, after: int, limit: int) -> list[Event]:
        """Events after+1, after+2, … in order; prepared ones too: the run's `event_seq` says which are real."""
        ...

    def announce(self, run: Run) -> None:
        """Puts a run that has no row yet into `unfinished`: for who would not come again if he died in between."""
        ...

    def remember(self, run: Run) -> None:
        """Puts the run into `unfinished` and `recent`. Repeating it changes nothing."""
        ...

    def forget(self, run_id: str, *, before_ms: int | None = None) -> bool:
        """Takes the run off `unfinished`. False: its line was written at `before_ms` or later, and stays."""
        ...

    def unheeded(self, *, after: str, limit: int) -> dict[str, int]:
        """Runs above `after` with a stop that their holder may not have seen, sorted, and when the last one came."""
        ...

    def heeded(self, run_id: str, *, stop_ms: int) -> bool:
        """Takes the run off `unheeded`. False: another stop has come since."""
        ...

    def unfinished(self, *, after: str, limit: int) -> list[str]:
        """Run ids in `unfinished` above `after`, sorted."""
        ...

    def note_sweep(self, *, at_ms: int, unfinished: int, overdue: int) -> bool:
        """Leaves word of a sweep. False: a later one has."""
        ...

    def read_runs(self, run_ids: Sequence[str]) -> dict[str, Run]:
        """Head rows of those that exist and can be read; `read_run` tells why one is not there."""
        ...

    def begin_delivery(self, message_id: str, *, now_ms: int) -> Delivery:
        """Counts a delivery of the message."""
        ...

    def take_back_delivery(self, message_id: str) -> None:
        """One fewer: a delivery that may have been counted, and was not begun."""
        ...

    def end_delivery(self, message_id: str) -> None:
        """Forgets the count."""
        ...

    def deliveries_begun(self, message_ids: Sequence[str]) -> dict[str, int]:
        """The counts of those that have one."""
        ...


class QuotaLedger(Protocol):
    """Table `quota`: one row for a region's day, one column for each run in it."""

    def grant(self, region: str, day: str, run_id: str, *, held: int | None, total: int, limit: int) -> bool:
        """Raises the run's units from `held` (None = no column) to `total` in ONE conditional update.

        Condition: the column is as `held` says, used ≤ limit - (total - held), and the day is not closed.
        False: the condition failed (read the row). Repeating it changes nothing.
        """
        ...

    def give_back(self, region: str, day: str, run_id: str, *, held: int, total: int) -> bool:
        """Lowers the run's units from `held` to `total`. False: the column is not `held` (read the row)."""
        ...

    def close_day(self, region: str, day: str) -> None:
        """Marks the day as used up by ECS's own word."""
        ...

    def read(self, region: str, day: str, run_id: str) -> QuotaRow: ...


class ScheduleStore(Protocol):
    """Tables `schedules` and `due`."""

    def insert_schedule(self, schedule: Schedule) -> bool:
        """Puts the row if there is none. False: there is (read it)."""
        ...

    def read_schedule(self, schedule_id: str) -> Schedule | None: ...

    def update_schedule(self, schedule: Schedule) -> bool:
        """Writes `schedule` if the stored version is `schedule.version - 1`. False: lost."""
        ...

    def schedules(self, *, after: str, limit: int) -> list[Schedule]:
        """Those with an id above `after`, sorted by id."""
        ...

    def put_due(self, due: Due) -> None:
        """Puts the line, in place of an older one of the same minute and schedule."""
        ...

    def drop_due(self, minute: str, schedule_id: str, *, version: int) -> None:
        """Takes the line away unless it was written for a later version of the schedule; none is fine."""
        ...

    def due(self, *, until: str, limit: int) -> list[Due]:
        """Lines of all minutes up to and with `until`, in the order of time. Reads no other row."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything the use cases act through, put together by the composition root."""

    clock: Clock
    ids: Ids
    lanes: Lanes
    log: Log
    directory: InstanceDirectory
    runner: CommandRunner
    queue: WorkQueue
    publisher: EventPublisher
    runs: RunStore
    quota: QuotaLedger
    schedules: ScheduleStore = NoSchedules()  # noqa: RUF009  it has no state
    access: Access | None = None
    """None: whoever can send may do anything."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings that the use cases decide by."""

    region: str
    """The deployment's region."""
    account_id: str
    daily_quota: int | None
    """Units per region and day; None = ask ECS (auto)."""
    instances_per_chunk: int
    lease_ms: int
    """The function's timeout plus a margin."""
