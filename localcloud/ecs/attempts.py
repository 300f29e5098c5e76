"""One script on one instance, from the hand-over to its end: what the executor reports becomes the row's story."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec.structs import replace

from localcloud.clock import Clock, Entry
from localcloud.ecs.executors import Execution
from localcloud.ecs.runs import Run, Runs
from localcloud.ecs.statuses import ENDS, MEANINGS, status_of
from localcloud.ecs.values import Row

EXIT_CODE_KILLED = 1
"""What the agent reports of a script that ran out of time (process.go, SyncRun)."""


class End(msgspec.Struct, frozen=True, gc=False):
    """How a script ended. `exit_code` None: there is none."""

    status: str
    exit_code: int | None
    output: bytes
    dropped: int
    error_code: str = ""
    error_info: str = ""
    at_ms: int = 0
    has_run: bool = True


class Surroundings(Protocol):
    """What an attempt needs of the agent that makes it."""

    def is_reachable(self, attempt: Attempt, now_ms: int) -> bool:
        """Whether the server hears what the agent says now."""
        ...

    def on_over(self, attempt: Attempt) -> None:
        """The place of the attempt is free."""
        ...

    def settled(self, run: Run, row: Row) -> Row:
        """The row of a firing that has ended, as it goes on."""
        ...


class Attempt:
    """The executor's `Watcher` for one firing of one row."""

    __slots__ = (
        "_around", "_clock", "_is_over", "_is_settled", "_runs", "_unheard", "deadline", "execution", "instance_id",
        "run", "wants_cancel",
    )  # fmt: skip

    def __init__(self, run: Run, instance_id: str, *, runs: Runs, clock: Clock, around: Surroundings) -> None:
        self.run = run
        self.instance_id = instance_id
        self.execution: Execution | None = None
        self.deadline: Entry | None = None
        """When the server gives up on it: set while nobody hears of it."""
        self.wants_cancel = False
        self._runs = runs
        self._clock = clock
        self._around = around
        self._is_over = False
        self._is_settled = False
        self._unheard: tuple[int, Callable[[], None]] | None = None

    @property
    def row(self) -> Row:
        return self.run.rows[self.instance_id]

    # -- what the executor says ---------------------------------------------------------------------------------------
    def started(self) -> None:
        now_ms = self._clock.now_ms()
        self._say(lambda: self._on_started(now_ms), now_ms)

    def output(self, tail: bytes, dropped: int) -> None:
        """Only one-time scripts show output while they run (basetask.go)."""
        if self._is_settled or self.run.invocation.repeat_mode == "Period":
            return
        if self._around.is_reachable(self, self._clock.now_ms()):
            self._runs.show_output(self.run, self.instance_id, tail, dropped)

    def finished(self, exit_code: int, tail: bytes, dropped: int) -> None:
        if exit_code == 0:
            self._end(End("Success", 0, tail, dropped))
        else:
            self._end(End("Failed", exit_code, tail, dropped, "ExitCodeNonzero"))

    def timed_out(self, tail: bytes, dropped: int) -> None:
        self._end(End("Timeout", EXIT_CODE_KILLED, tail, dropped, "ExecutionTimeout"))

    def failed(self, error_code: str, error_info: str, tail: bytes, dropped: int) -> None:
        status = status_of(error_code)
        self._end(End(status, None, tail, dropped, error_code, error_info, has_run=status == "Error"))

    def cancelled(self, exit_code: int | None, tail: bytes, dropped: int) -> None:
        self._end(End("Terminated", exit_code, tail, dropped))

    def ran(self, exit_code: int, tail: bytes, dropped: int) -> None:
        row, now_ms = self.row, self._clock.now_ms()
        if self._is_settled or row.status in ENDS or not self._around.is_reachable(self, now_ms):
            self.started()
            self.finished(exit_code, tail, dropped)
            return
        self._is_over = self._is_settled = True
        status, error_code = ("Failed", "ExitCodeNonzero") if exit_code else ("Success", "")
        ended = Row(
            instance_id=row.instance_id,
            created_ms=row.created_ms,
            updated_ms=now_ms,
            status=status,
            exit_code=exit_code,
            error_code=error_code,
            error_info=MEANINGS.get(error_code, ""),
            output=tail,
            dropped=dropped,
            repeats=row.repeats + 1,
            start_ms=now_ms,
            finish_ms=now_ms,
            stop_ms=row.stop_ms,
            outcome=status,
        )
        self._runs.put_row(self.run, self._around.settled(self.run, ended))
        self._around.on_over(self)

    # -- what the agent does with it ----------------------------------------------------------------------------------
    def cancel(self, *, tree: bool) -> None:
        self.wants_cancel = True
        if self.execution is not None and not self._is_over:
            self.execution.cancel(tree)

    @property
    def is_unheard(self) -> bool:
        """Whether there is something that nobody could hear."""
        return self._unheard is not None

    def heard_again(self, retry_ms: int) -> None:
        """The agent is back. It goes on reporting what still runs; an end it has tried to report for `retry_ms`."""
        unheard, self._unheard = self._unheard, None
        if not self._is_over and self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None
        if unheard is not None and (not self._is_over or self._clock.now_ms() - unheard[0] <= retry_ms):
            unheard[1]()

    def abandon(self, error_code: str) -> None:
        """Ends it without its word: the machine or the agent is gone, or nothing was heard for too long."""
        row = self.row
        self._settle(End("Error", None, row.output, row.dropped, error_code, at_ms=self._clock.now_ms()))
        if not self._is_over:
            self._is_over = True
            if self.execution is not None:
                self.execution.cancel(True)
            self._around.on_over(self)

    def _on_started(self, now_ms: int) -> None:
        row = self.row
        if self._is_settled or row.status in ENDS:
            return
        status = "Stopping" if row.status == "Stopping" else "Running"
        self._runs.set_row(self.run, replace(row, status=status, start_ms=now_ms, repeats=row.repeats + 1))

    def _end(self, end: End) -> None:
        if self._is_over:
            return
        self._is_over = True
        now_ms = self._clock.now_ms()
        timed = replace(end, at_ms=now_ms)
        self._say(lambda: self._settle(timed), now_ms)
        self._around.on_over(self)

    def _say(self, say: Callable[[], None], now_ms: int) -> None:
        if self._around.is_reachable(self, now_ms):
            say()
        else:
            self._unheard = (now_ms, say)

    def _settle(self, end: End) -> None:
        if self._is_settled:
            return
        self._is_settled = True
        if self.deadline is not None:
            self.deadline.cancel()
        row = self.row
        if row.status in ENDS:
            return  # it was stopped, or given up, before this was heard: what has ended stays as it ended
        start_ms = row.start_ms or (end.at_ms if end.has_run else 0)
        finish_ms = end.at_ms if end.has_run else 0
        if end.status == "Timeout":
            finish_ms = start_ms + self.run.invocation.timeout_s * 1000
        ended = replace(
            row,
            status=end.status,
            exit_code=end.exit_code,
            error_code=end.error_code,
            error_info=end.error_info or MEANINGS.get(end.error_code, ""),
            output=end.output,
            dropped=end.dropped,
            start_ms=start_ms,
            finish_ms=finish_ms,
            handed_over=False,
            outcome=end.status,
        )
        self._runs.set_row(self.run, self._around.settled(self.run, ended))
