"""Function instances in virtual time: every port call travels, takes effect, travels back, and may meet trouble on the way.

An instance has a clock of its own (skewed, in some seeds), is killed at its timeout, and may be thought dead while it
goes on (zombie): the trigger then delivers its messages again although it still runs.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.core import limits
from shared.core.errors import Unavailable, UnknownOutcome
from shared.ports import Clock, Ports
from tests.sim.hub import Hub, Killed, Task
from tests.sim.trouble import Trouble

TIMEOUT_MS = 60_000
LEASE_MS = TIMEOUT_MS + limits.LEASE_MARGIN_MS
READS = frozenset(
    {
        "describe", "select", "agents", "find_command", "type_of", "find_invocation", "poll_run", "poll_invocation",
        "daily_limit", "read_run", "read_run_and_stops", "read_stops", "read_chunks", "read_events", "unfinished",
        "read_runs", "read",
    }
)  # fmt: skip
_NEVER = 1 << 62
LOCAL = ("clock", "ids", "lanes", "log")


@dataclass
class Instance:
    """One function instance during one call."""

    number: int
    skew_ms: int
    task: Task | None = None
    dead: Callable[[], None] = field(default=lambda: None)
    """Tells the trigger that the call is over, though the code may go on."""


class SkewedClock:
    def __init__(self, clock: Clock, skew_ms: int) -> None:
        self._clock, self._skew_ms = clock, skew_ms

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._skew_ms


class TravellingPort:
    """A port as one instance sees it."""

    def __init__(self, port: Any, host: Host, instance: Instance) -> None:
        self._port, self._host, self._instance = port, host, instance

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._port, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            not_after_ms = kwargs.get("not_after_ms", _NEVER)
            if "not_after_ms" in kwargs:
                kwargs["not_after_ms"] = _NEVER  # it is checked where the call begins, by the clock of the caller
            return self._host.travel(
                self._instance, name, lambda: operation(*args, **kwargs), not_after_ms=not_after_ms
            )

        return call


class Host:
    """Makes instances and lets their calls travel."""

    def __init__(self, hub: Hub, ports: Ports, trouble: Trouble, chance: random.Random) -> None:
        self.hub, self.ports, self.trouble, self.chance = hub, ports, trouble, chance
        self.calls = 0
        self._instances = 0

    def start(self, name: str, act: Callable[[Ports], None], *, over: Callable[[bool], None]) -> None:
        """Runs `act` in an instance of its own; `over(ok)` is called once, when the trigger learns of the end."""
        self._instances += 1
        instance = Instance(self._instances, self._skew())
        told: list[bool] = []

        def tell(ok: bool) -> None:
            if not told:
                told.append(ok)
                over(ok)

        def body() -> None:
            try:
                act(self._ports_of(instance))
            except (Unavailable, UnknownOutcome, AssertionError) as error:
                if isinstance(error, AssertionError):
                    raise
                tell(False)
            else:
                tell(True)

        instance.dead = lambda: tell(False)
        task = instance.task = self.hub.spawn(f"{name}#{instance.number}", body)
        self.hub.timeline.after(TIMEOUT_MS, lambda: self._time_out(instance, task, told))

    def _time_out(self, instance: Instance, task: Task, told: list[bool]) -> None:
        if not told:
            self.trouble.count("function timeout")
            self.hub.kill(task)
            instance.dead()

    def _skew(self) -> int:
        if not self.trouble.has("skewed clocks"):
            return 0
        self.trouble.count("skewed clocks")
        return self.chance.randrange(-1_500, 1_500)

    def _ports_of(self, instance: Instance) -> Ports:
        changed: dict[str, Any] = {
            each.name: TravellingPort(getattr(self.ports, each.name), self, instance)
            for each in dataclasses.fields(Ports)
            if each.name not in LOCAL
        }
        changed["clock"] = SkewedClock(self.ports.clock, instance.skew_ms)
        return dataclasses.replace(self.ports, **changed)

    def travel(self, instance: Instance, name: str, act: Callable[[], Any], *, not_after_ms: int) -> Any:
        """One port call of one instance."""
        self.calls += 1
        kind = self.trouble.draw(name)
        if kind.endswith("before"):
            self._lose(instance, kind)
        if self.hub.now_ms() + instance.skew_ms > not_after_ms:
            raise Unavailable("too late to begin this call")
        self._pass_time(kind)
        if kind in ("unavailable", "throttled"):
            raise Unavailable("not now", code="Throttling.User" if kind == "throttled" else "", throttled=True)
        if kind == "lost request":
            raise _lost(name)
        answer = act()
        self._pass_time(kind)
        if kind.endswith("after"):
            self._lose(instance, kind)
        if kind == "lost reply":
            raise _lost(name)
        return answer

    def _pass_time(self, kind: str) -> None:
        self.hub.sleep(self.chance.choice((1, 2, 3, 8)) + (self.chance.randrange(19_900) if kind == "slow" else 0))

    def _lose(self, instance: Instance, kind: str) -> None:
        """The instance dies here; as a zombie it is thought dead and goes on after a while."""
        instance.dead()
        if kind.startswith("die"):
            raise Killed
        self.hub.sleep(self.chance.randrange(2 * LEASE_MS))


def _lost(name: str) -> Exception:
    return Unavailable("the answer was lost; nothing was asked to change") if name in READS else UnknownOutcome("lost")
