"""Instances whose calls of access travel, too, and messages that kill whichever function reads them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shared.access_ports import Access
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.limits import DELIVERIES_MAX
from shared.ports import Ports
from tests.sim.host import Host, Instance, TravellingPort
from tests.sim.hub import Task

OF_ACCESS = ("keys", "audit", "usage", "hooks", "subscriptions", "pusher")
READS = frozenset({"read_key", "keys", "used", "subscriptions", "read_subscription", "entries"})
READERS = frozenset({"read_key", "append"})
"""A signed message asks for its key first, one that nobody signed is entered into the trail: a message that kills its
function does so there, after it was counted and before anything was done for it."""
HANG_MS = 900_000
"""Longer than any function of the template may take: whoever hangs is killed by its timeout."""


class Counting:
    """A run store that notices which message its instance is at, and whose deaths are forgotten or may go uncounted."""

    def __init__(self, runs: Any, at: list[str], host: AccessHost) -> None:
        self._runs, self._at, self._host = runs, at, host

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runs, name)

    def begin_delivery(self, message_id: str, *, now_ms: int) -> Any:
        self._at[:] = [message_id, str(self._host.endings[message_id])]
        with self._alone(message_id):
            return self._runs.begin_delivery(message_id, now_ms=now_ms)

    def take_back_delivery(self, message_id: str) -> None:
        """What it takes back may not have been counted: then it is a death."""
        self._host.slack[message_id] += 1
        with self._alone(message_id):
            self._runs.take_back_delivery(message_id)

    def end_delivery(self, message_id: str) -> None:
        """What ended as an outage begins anew: only deaths in a row are counted."""
        self._host.deaths.pop(message_id, None)
        self._host.endings[message_id] += 1
        with self._alone(message_id):
            try:
                self._runs.end_delivery(message_id)
            except UnknownOutcome:
                self._host.slack[message_id] += DELIVERIES_MAX  # it may happen later, and forget what died meanwhile
                raise

    @contextmanager
    def _alone(self, message_id: str) -> Iterator[None]:
        """Two deliveries that begin or end at one moment may share one count."""
        counting = self._host.counting
        self._host.slack[message_id] += counting[message_id]
        counting[message_id] += 1
        try:
            yield
        finally:
            counting[message_id] -= 1


class AccessHost(Host):
    """`poisons`: ids of messages that kill; `deaths`: how often each has in a row, `victims`: at all.

    `hanging`: those of them that never let their function go, until its timeout kills it.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.poisons: set[str] = set()
        self.hanging: set[str] = set()
        self.hung: dict[str, tuple[str, str]] = {}
        """By the name of an instance: what it hangs at, and since which ending."""
        self.deaths: Counter[str] = Counter()
        self.victims: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()
        """How often the count of a message was forgotten."""
        self.slack: Counter[str] = Counter()
        """So many deaths of a message may have gone uncounted."""
        self.counting: Counter[str] = Counter()
        self.died: Callable[[str], None] = lambda _message_id: None
        self.began_ms: dict[str, int] = {}
        """By the name of an instance."""
        self.landing = ""
        """The instance whose call lands now."""
        self.lands_late = False

    def _ports_of(self, instance: Instance, ports: Ports) -> Ports:
        travelling = super()._ports_of(instance, ports)
        self.began_ms[instance.name] = self.hub.now_ms()
        assert ports.access is not None
        at = ["", ""]
        changed: dict[str, Any] = {
            name: _Fatal(TravellingPort(getattr(ports.access, name), self, instance), self, instance, at)
            for name in OF_ACCESS
        }
        access: Access = dataclasses.replace(ports.access, **changed)
        runs: Any = Counting(travelling.runs, at, self)
        return dataclasses.replace(travelling, access=access, runs=runs)

    def travel(self, instance: Instance, name: str, act: Callable[..., Any], **kwargs: Any) -> Any:
        def landed(*some: Any) -> Any:
            self.landing = instance.name
            return act(*some)

        try:
            return super().travel(instance, name, landed, **kwargs)
        except UnknownOutcome:
            if name in READS:
                raise Unavailable("the answer was lost; nothing was asked to change") from None
            raise

    def _land_late(self, number: int, act: Callable[..., Any]) -> None:
        self.lands_late = True
        super()._land_late(number, act)
        self.lands_late = False

    def die_of(self, message_id: str, since: str, instance: Instance) -> None:
        if message_id in self.hanging:
            self.trouble.fired["hang"] += 1
            self.tell(f"{instance.name} hangs at {message_id}")
            self.hung[instance.name] = (message_id, since)
            self.hub.sleep(HANG_MS)  # only a zombie wakes up: it was thought dead before its timeout came
        self._count_death(message_id, since, instance)
        self._lose(instance, "die")

    def _time_out(self, instance: Instance, task: Task, told: list[bool]) -> None:
        if not told and instance.name in self.hung:
            self._count_death(*self.hung[instance.name], instance)
        super()._time_out(instance, task, told)

    def _count_death(self, message_id: str, since: str, instance: Instance) -> None:
        self.deaths[message_id] += since == str(self.endings[message_id])  # else a zombie's, whose count is forgotten
        self.victims[message_id] += 1
        self.trouble.fired["poison"] += 1
        self.tell(f"{instance.name} is killed by {message_id}, for the {self.deaths[message_id]}. time")
        self.died(message_id)


class _Fatal:
    """A port that a message which kills does not get past."""

    def __init__(self, port: Any, host: AccessHost, instance: Instance, at: list[str]) -> None:
        self._port, self._host, self._instance, self._at = port, host, instance, at

    def __getattr__(self, name: str) -> Any:
        if name in READERS and self._at[0] in self._host.poisons:
            self._host.die_of(self._at[0], self._at[1], self._instance)
        return getattr(self._port, name)
