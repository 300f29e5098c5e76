"""Following a run to its end by its row: progress on standard error, the answer to the caller."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from cli.report import is_ended
from cli.show import err, number
from shared.core.errors import Unavailable
from shared.core.model import Run, rejection_id_of
from shared.core.transitions import OUTCOMES

if TYPE_CHECKING:
    from cli.connection import Connection

POLL_S_FIRST = 0.15
POLL_S_MAX = 2.0
"""Ours: a run's row costs one read; nobody needs it more often."""
POLL_GROWTH = 1.1
SILENCE_S = 20.0
"""Ours: after so long without a row, the user is told what may be wrong."""
TROUBLES_MAX = 5
"""Ours: reads in a row that may fail before following is given up (the run goes on)."""

Tell = Callable[[Run], None]
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Awaited:
    """Rows that can tell how a message ended."""

    run_id: str
    rejection_id: str
    """Where a rejection of this very message would stand; "" if none can."""
    body_hash: str = ""
    """When the row of `run_id` has another, it is somebody else's run: ours will be rejected. "" = any."""


def awaited(connection: Connection, run_id: str, message_id: str, *, body_hash: str = "") -> Awaited:
    """What tells how the message just sent ends. The HTTP API has said no already if it will not be a run."""
    if connection.is_api:
        return Awaited(run_id, "")
    return Awaited(run_id, rejection_id_of(message_id), body_hash)


class Patient:
    """Bears a cloud that is away for a moment: TROUBLES_MAX reads in a row may fail."""

    def __init__(self) -> None:
        self._troubles = 0

    @property
    def is_troubled(self) -> bool:
        """Whether the last read failed."""
        return self._troubles > 0

    def __call__(self, read: Callable[[], Out]) -> Out | None:
        """What `read` answers; None if it was Unavailable. Raises Unavailable once too often, and all else at once."""
        try:
            found = read()
        except Unavailable:
            self._troubles += 1
            if self._troubles > TROUBLES_MAX:
                raise
            return None
        self._troubles = 0
        return found


def follow(connection: Connection, awaited: Awaited, *, tell: Tell) -> Run:
    """The run once it has ended, or the rejection. `tell` is called with each row that is read. Raises Unavailable."""
    pause_s, started_s, patient, is_told = POLL_S_FIRST, time.monotonic(), Patient(), False
    while True:
        run = patient(lambda: _read(connection, awaited))
        if run is not None:
            is_told = True
            tell(run)
            if is_ended(run):
                return run
        elif not is_told and not patient.is_troubled and time.monotonic() - started_s > SILENCE_S:
            is_told = True
            err().print(
                f"No row of {awaited.run_id} yet: are the functions deployed and their triggers on? Still waiting."
            )
        time.sleep(pause_s)
        pause_s = min(POLL_S_MAX, pause_s * POLL_GROWTH)


def _read(connection: Connection, awaited: Awaited) -> Run | None:
    wanted = [each for each in (awaited.run_id, awaited.rejection_id) if each]
    found = connection.runs.read_runs(wanted)
    rejection, run = found.get(awaited.rejection_id), found.get(awaited.run_id)
    if rejection is not None:
        return rejection
    if run is not None and awaited.body_hash and run.body_hash != awaited.body_hash:
        return None
    return run


@contextmanager
def progress() -> Iterator[Tell]:
    """A bar on a terminal, a plain line for each change elsewhere; both on standard error."""
    if err().is_terminal:
        with _bar() as tell:
            yield tell
    else:
        yield _Lines()


class _Lines:
    """A line whenever what it says has changed."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, run: Run) -> None:
        line = f"{run.status}: {ended_of(run.counts):,} of {number(run.requested, 'target')} ended" + _rest(run)
        if line != self._last:
            err().print(line)
            self._last = line


@contextmanager
def _bar() -> Iterator[Tell]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rest]}", style="dim"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task("Sent", total=None, rest="")

        def tell(run: Run) -> None:
            bar.update(
                task,
                description=run.status,
                total=run.requested or None,
                completed=ended_of(run.counts),
                rest=_failures(run.counts),
            )

        yield tell


def ended_of(counts: Mapping[str, int]) -> int:
    """Targets that have their outcome."""
    return sum(counts[status] for status in counts if status in OUTCOMES)


def _failures(counts: Mapping[str, int]) -> str:
    bad = ended_of(counts) - counts.get("Success", 0) - counts.get("Excluded", 0)
    return f"{bad:,} failed" if bad else ""


def _rest(run: Run) -> str:
    parts = [f"{run.counts[status]:,} {status}" for status in sorted(run.counts)]
    deferred = [f"the rest waits for {run.deferred_to}"] if run.deferred_to and not is_ended(run) else []
    return "".join(f", {part}" for part in parts + deferred)
