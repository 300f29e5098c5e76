"""What the tests of the stores call: the port, and what goes beyond it for the command line."""

from __future__ import annotations

from typing import Protocol

from shared.core.model import Excluded, Run
from shared.ports import RunStore


class AnyRunStore(RunStore, Protocol):
    def read_outputs(self, run_id: str, number: int) -> dict[int, bytes]: ...

    def read_excluded(self, run: Run) -> list[Excluded]: ...
