"""Faults that a test plans for an in-memory port: an error before the effect, or after it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class PlannedFault:
    error: Exception
    times: int
    skip: int
    after_effect: bool


class Faults:
    """Mixed into each in-memory port. `calls` lists the operations in the order in which they came."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._planned: dict[str, list[PlannedFault]] = {}

    def fail(
        self, operation: str, error: Exception, *, times: int = 1, skip: int = 0, after_effect: bool = False
    ) -> None:
        """The next `times` calls of `operation` raise `error`, after `skip` calls that do not."""
        assert callable(getattr(self, operation)), operation
        self._planned.setdefault(operation, []).append(PlannedFault(error, times, skip, after_effect))

    def mend(self, operation: str) -> None:
        """No planned fault of it is left."""
        self._planned.pop(operation, None)

    def count(self, operation: str) -> int:
        return self.calls.count(operation)

    def take_fault(self, operation: str) -> PlannedFault | None:
        for fault in self._planned.get(operation, []):
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times:
                fault.times -= 1
                return fault
        return None


def faulty(operation: Callable[P, T]) -> Callable[P, T]:
    """Records the call, and raises what was planned for it."""
    name = operation.__name__

    @functools.wraps(operation)
    def act(*args: P.args, **kwargs: P.kwargs) -> T:
        port = args[0]
        assert isinstance(port, Faults)
        port.calls.append(name)
        fault = port.take_fault(name)
        if fault and not fault.after_effect:
            raise fault.error
        answer = operation(*args, **kwargs)
        if fault:
            raise fault.error
        return answer

    return act
