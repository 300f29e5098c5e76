"""What one call works with: the ports of the use cases, what only readers need, and until when it may wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.core.library import NewCommand, StoredCommand
from shared.core.model import Excluded, Run
from shared.ports import Policy, Ports


class RecentLine(Protocol):
    """A line of the list of runs."""

    @property
    def position(self) -> str: ...

    @property
    def run_id(self) -> str: ...


class RunReader(Protocol):
    """What nobody but a reader asks of the rows of runs. Raises Unavailable."""

    def recent(self, day: str, *, after: str = "", limit: int = 100) -> Sequence[RecentLine]:
        """Runs accepted on that day (UTC+8), newest first, after the position `after`."""
        ...

    def read_excluded(self, run: Run) -> list[Excluded]: ...

    def read_outputs(self, run_id: str, number: int) -> dict[int, bytes]:
        """Whole outputs of a chunk, by index of the target; only of targets that had any."""
        ...


class QuotaDay(Protocol):
    @property
    def used(self) -> int: ...

    @property
    def closed(self) -> bool: ...

    @property
    def by_run(self) -> Mapping[str, int]: ...


class QuotaReader(Protocol):
    def read_day(self, region: str, day: str) -> QuotaDay: ...


class CommandLibrary(Protocol):
    """The commands stored in Cloud Assistant. Raises Refused, Unavailable and, where it writes, UnknownOutcome."""

    def page(self, region: str, *, token: str, limit: int, name: str) -> tuple[list[StoredCommand], str]:
        """Without their scripts; and the token of the next page, "" if there is none."""
        ...

    def find(self, region: str, command_id: str) -> StoredCommand | None:
        """With its script."""
        ...

    def create(self, region: str, command: NewCommand, *, token: str) -> str:
        """CommandId; the same `token` again gives the same command."""
        ...

    def delete(self, region: str, command_id: str) -> None:
        """Raises Refused when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    ports: Ports
    policy: Policy
    runs: RunReader
    quota: QuotaReader
    library: CommandLibrary
    sleep_ms: Callable[[int], None]
    until_ms: int
    """A waiting call answers by then: the function's timeout less a margin."""

    def wait(self, seconds: int, is_over: Callable[[], bool], *, first_ms: int, most_ms: int) -> None:
        """Asks `is_over` again and again until it is, `seconds` have passed, or the function must answer."""
        clock = self.ports.clock
        end_ms = min(clock.now_ms() + seconds * 1000, self.until_ms)
        pause_ms = first_ms
        while not is_over():
            left_ms = end_ms - clock.now_ms()
            if left_ms <= 0:
                return
            self.sleep_ms(min(pause_ms, left_ms))
            pause_ms = min(most_ms, pause_ms * 2)
