"""How often each function was called, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from localcloud.fc.errors import FcError


@dataclass(slots=True)
class Count:
    """Attempts; of them `errors` ended with a function error, `refused` never began (429, 5xx)."""

    calls: int = 0
    errors: int = 0
    refused: int = 0
    running: int = 0


class Counters:
    """By the function's key, since the start."""

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}

    @contextmanager
    def counting(self, key: str) -> Iterator[Count]:
        count = self._counts.setdefault(key, Count())
        count.calls += 1
        count.running += 1
        try:
            yield count
        except FcError:
            count.refused += 1
            raise
        finally:
            count.running -= 1

    def of(self, key: str) -> dict[str, int]:
        count = self._counts.get(key) or Count()
        return {"calls": count.calls, "errors": count.errors, "refused": count.refused, "running": count.running}
