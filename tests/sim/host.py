"""Function instances in virtual time: every port call travels, takes effect, travels back, and may meet trouble.

An instance has a clock of its own (skewed, in some seeds), is killed at its timeout, and may be thought dead while it
goes on (zombie): the trigger then delivers its messages again although it still runs.
"""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.core import limits
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome
from shared.ports import Clock, Ports
from tests.sim.hub import Hub, Killed, Task
from tests.sim.trouble import Trouble

SKEW_MS_MAX = limits.CLOCK_SKEW_MS_MAX
READS = frozenset(
    {
        "describe", "select", "agents", "find_command", "type_of", "find_invocation", "poll_run", "poll_invocation",
        "daily_limit", "read_run", "read_run_and_stops", "read_stops", "read_chunks", "read_events", "unfinished",
        "read_runs", "deliveries_begun", "read", "read_schedule", "schedules", "due", "history",
    }
)  # fmt: skip
TEARABLE = frozenset({"put_chunks", "update_chunks", "put_events"})
"""BatchWriteRow is not atomic: each row on its own."""
POLLS = frozenset({"poll_run", "poll_invocation"})
OF_ECS = POLLS | {
    "describe", "select", "agents", "create_command", "find_command", "type_of", "invoke", "find_invocation", "stop",
    "daily_limit",
}  # fmt: skip
ENDLESS_MS = 1 << 62
POLLS_KEPT = 4
LOCAL = ("access", "clock", "ids", "lanes", "log")
TRAVELLED = tuple(each.name for each in dataclasses.fields(Ports) if each.name not in LOCAL)
ZOMBIE_MS_MAX = (5_000, 200_000, 700_000)
"""Within its lease, beyond the lease of most functions, beyond every lease."""
STALL_MS = (20_000, 120_000)
SLOW_MS_MAX = 19_900
"""A call takes at most CALL_MS_MAX: then the client gives up."""


@dataclass
class Instance:
    """One function instance during one call."""

    name: str
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
            not_after_ms = kwargs.get("not_after_ms", ENDLESS_MS)
            if "not_after_ms" in kwargs:
                kwargs["not_after_ms"] = ENDLESS_MS  # checked where the call begins, by the clock of the caller

            def act(some: Sequence[Any] | None = None) -> Any:
                return operation(*(args if some is None else (some, *args[1:])), **kwargs)

            batch = args[0] if name in TEARABLE and len(args[0]) > 1 else None
            about = repr((args, kwargs)) if name in POLLS else ""
            return self._host.travel(self._instance, name, act, not_after_ms=not_after_ms, batch=batch, about=about)

        self.__dict__[name] = call
        return call


class Host:
    """Makes instances and lets their calls travel. `begun` numbers the calls; `acting` is the one that lands now."""

    def __init__(
        self, hub: Hub, trouble: Trouble, chance: random.Random, tell: Callable[[str], None] = lambda _line: None
    ) -> None:
        self.hub, self.trouble, self.chance, self.tell = hub, trouble, chance, tell
        self.begun = self.acting = 0
        self.alive = 0
        self._instances = 0
        self._polled: dict[str, deque[Any]] = defaultdict(lambda: deque(maxlen=POLLS_KEPT))
        """What ECS showed last, by question."""

    def start(
        self,
        function: str,
        act: Callable[[Ports], bool],
        *,
        ports: Ports,
        timeout_ms: int,
        over: Callable[[bool], None],
    ) -> None:
        """Runs `act` in an instance of its own; `over(ok)` is called once, when the platform learns of the end."""
        self._instances += 1
        instance = Instance(f"{function}#{self._instances}", self._skew())
        told: list[bool] = []

        def tell(ok: bool) -> None:
            if not told:
                told.append(ok)
                over(ok)

        def body() -> None:
            self.alive += 1
            try:
                tell(act(self._ports_of(instance, ports)))
            finally:
                self.alive -= 1

        instance.dead = lambda: tell(False)
        task = instance.task = self.hub.spawn(instance.name, body)
        self.hub.timeline.after(timeout_ms, lambda: self._time_out(instance, task, told))

    def _time_out(self, instance: Instance, task: Task, told: list[bool]) -> None:
        if not told:
            self.trouble.fired["function timeout"] += 1
            self.tell(f"{instance.name} ran into its timeout")
            self.hub.kill(task)
            instance.dead()

    def _skew(self) -> int:
        return self.chance.randint(-SKEW_MS_MAX, SKEW_MS_MAX) if self.trouble.strikes("skewed clocks") else 0

    def _ports_of(self, instance: Instance, ports: Ports) -> Ports:
        changed: dict[str, Any] = {name: TravellingPort(getattr(ports, name), self, instance) for name in TRAVELLED}
        changed["clock"] = SkewedClock(ports.clock, instance.skew_ms)
        changed["log"] = lambda event, /, **fields: ports.log(f"{instance.name} {event}", **fields)
        return dataclasses.replace(ports, **changed)

    def travel(
        self,
        instance: Instance,
        name: str,
        act: Callable[..., Any],
        *,
        not_after_ms: int = ENDLESS_MS,
        batch: Sequence[Any] | None = None,
        about: str = "",
    ) -> Any:
        """One port call of one instance. `about`: of a poll, what it asks for."""
        kind = self._trouble_of(name, instance, batch=batch, about=about)
        if kind.endswith("before"):
            self._lose(instance, kind)
        if kind == "stall":
            self.hub.sleep(self.chance.randrange(*STALL_MS))
        if self.hub.now_ms() + instance.skew_ms > not_after_ms:
            raise Unavailable("too late to begin this call")
        self.begun += 1
        number = self.begun
        if kind == "late effect":
            # The call's whole life is at most CALL_MS_MAX, even if nobody waits for its answer.
            self.hub.timeline.after(self.chance.randrange(100, SLOW_MS_MAX), lambda: self._land_late(number, act))
        self._pass_time(kind)
        if kind in ("unavailable", "throttled"):
            raise Unavailable("not now", code="Throttling.User" if kind == "throttled" else "", throttled=True)
        if kind in ("lost request", "late effect"):
            raise _lost(name)
        if kind == "forbidden":
            raise Refused("the role may not do that", code="Forbidden.RAM")
        if kind == "stale poll":
            return self.chance.choice(self._polled[about])
        answer = self._land(number, act, self._torn(batch) if kind == "torn batch" else None)
        if about:
            self._polled[about].append(answer)
        self._pass_time(kind)
        if kind.endswith("after"):
            self._lose(instance, kind)
        if kind in ("lost reply", "torn batch"):
            raise _lost(name)
        return answer

    def _trouble_of(self, name: str, instance: Instance, *, batch: Sequence[Any] | None, about: str) -> str:
        kind = self.trouble.draw(name)
        cannot = {
            "torn batch": batch is None,
            "late effect": name in READS,
            "stale poll": about not in self._polled,
            "forbidden": name not in OF_ECS,
        }
        if cannot.get(kind):
            return ""
        if kind:
            self.trouble.strike(kind, name)
            self.tell(f"{instance.name} meets trouble: {kind}, at {name}")
        return kind

    def _land(self, number: int, act: Callable[..., Any], some: Sequence[Any] | None = None) -> Any:
        self.acting = number
        return act() if some is None else act(some)

    def _land_late(self, number: int, act: Callable[..., Any]) -> None:
        try:
            self._land(number, act)
        except FleetrunError:
            return  # refused, and nobody listens any more

    def _torn(self, batch: Sequence[Any] | None) -> list[Any]:
        assert batch is not None
        kept = self.chance.randrange(1, len(batch))
        return [batch[index] for index in sorted(self.chance.sample(range(len(batch)), kept))]

    def _pass_time(self, kind: str) -> None:
        self.hub.sleep(self.chance.choice((1, 2, 3, 8)) + (self.chance.randrange(SLOW_MS_MAX) if kind == "slow" else 0))

    def _lose(self, instance: Instance, kind: str) -> None:
        """The instance dies here; as a zombie it is thought dead and goes on after a while."""
        instance.dead()
        if kind.startswith("die"):
            raise Killed
        self.hub.sleep(self.chance.randrange(self.chance.choice(ZOMBIE_MS_MAX)))


def _lost(name: str) -> Exception:
    return Unavailable("the answer was lost; nothing was asked to change") if name in READS else UnknownOutcome("lost")
