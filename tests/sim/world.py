"""One seed's world: the real handlers on the local cloud's queues and tables, people who send things, and a sweep."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from localcloud.clock import ManualClock, Timeline
from localcloud.fc.errors import FcError
from localcloud.mns.values import Outgoing
from shared.core.model import Run, run_id_of
from shared.ports import Policy, Ports
from tests.app.memory import SeededIds, SequentialLanes
from tests.sim.books import Books, CloudStores, MemoryStores
from tests.sim.cloud_ecs import CloudEcs
from tests.sim.fleet import MemoryEcs
from tests.sim.functions import run
from tests.sim.host import Host
from tests.sim.hub import Hub
from tests.sim.platform import DEAD_LETTERS, EVENTS, Platform
from tests.sim.trouble import Aim, Trouble, trouble_of
from tests.sim.wire import ServiceQueues, shifted_payload
from tests.sim.workload import Arrival, Workload, stop_of_all, with_command, workload_of

SWEEP_MS = 60_000
SWEEP_MS_CALM = 600_000
"""Once faults have ceased: a day of waiting has fewer steps."""
CALM_MS = 30_000
"""A world is played at least so long."""


@dataclass
class World:
    """Everything of one seed; `trace` is the readable story."""

    seed: int
    aim: Aim | None = None
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workload: Workload = workload_of(self._stream("workload"))
        self.trouble: Trouble = trouble_of(self._stream, self.aim)
        self.clock = ManualClock(self.workload.start_ms)
        self.timeline = Timeline(self.clock)
        self.hub = Hub(self.clock, self.timeline, self._stream("interleaving"))
        self.platform = Platform(self.timeline, self.seed, self.trouble, self._call)
        self.ecs = self._ecs()
        self.books = Books()
        self.stores = self._stores()
        self.published: list[str] = []
        self.dead_letters: list[str] = []
        self.platform.collect(EVENTS, self.published.append)
        self.platform.collect(DEAD_LETTERS, self.dead_letters.append)
        self.host = Host(self.hub, self.trouble, self._stream("travel"), self._tell)
        self.policy = Policy(
            region=self.platform.account.region,
            account_id=self.platform.account.account_id,
            daily_quota=None if self.workload.asks_for_quota else self.workload.daily_quota,
            instances_per_chunk=self.workload.instances_per_chunk,
            lease_ms=0,  # of each function: its timeout and the margin
        )
        self.release = 0
        self._ports = [self._ports_of(release) for release in (0, 1)]
        self.sent: list[tuple[Arrival, str]] = []
        """What has arrived, with the message id that it got."""
        self._claims = 0
        """Of the run that is stopped just when it is held."""
        self.books.on_claim = self._claimed
        self._schedule()

    def _stream(self, purpose: str) -> random.Random:
        return random.Random(f"{self.seed}:{purpose}")

    def _stores(self) -> MemoryStores | CloudStores:
        if self.workload.store == "cloud":
            return CloudStores(self.books, self.platform.tables)
        return MemoryStores(self.books)

    def _ecs(self) -> MemoryEcs | CloudEcs:
        parts = (self.workload, self.trouble, self.timeline, self._stream("fleet"))
        if self.workload.store == "memory":
            return MemoryEcs(*parts)
        ecs = CloudEcs(*parts, account=self.platform.account)
        self.workload = with_command(self.workload, ecs.stored_command())
        return ecs

    def _ports_of(self, release: int) -> Ports:
        runs, quota = self.stores.ports(release=release)
        queues = ServiceQueues(self.platform.mns, self.trouble, release=release)
        return Ports(
            clock=self.clock,
            ids=SeededIds(self.seed),
            lanes=SequentialLanes(),
            log=self._log,
            directory=self.ecs.directory,
            runner=self.ecs.runner,
            queue=queues,
            publisher=queues,
            runs=runs,
            quota=quota,
        )

    # -- the trace ----------------------------------------------------------------------------------------------------
    def _log(self, event: str, /, **fields: object) -> None:
        self._tell(f"{event} " + " ".join(f"{name}={value}" for name, value in fields.items()))

    def _tell(self, line: str) -> None:
        self.trace.append(f"{self.clock.now_ms() - self.workload.start_ms:>9} {line}")

    # -- what comes from outside --------------------------------------------------------------------------------------
    def _schedule(self) -> None:
        for arrival in self.workload.arrivals:
            self.timeline.after(arrival.at_ms, lambda each=arrival: self._arrive(each))  # type: ignore[misc]
        self.timeline.after(SWEEP_MS, self._sweep)
        if self.stores.name == "cloud" and self.trouble.has("deployment"):
            self.timeline.after(self._stream("deployment").randrange(60_000), self._deploy)

    def _arrive(self, arrival: Arrival) -> None:
        self._tell(f"arrives: {arrival.name}, in {arrival.queue}")
        text = arrival.body.decode("latin-1") if arrival.is_plain else base64.b64encode(arrival.body).decode()
        self.sent.append((arrival, self.platform.mns.send(arrival.queue, Outgoing(text)).message_id))

    def _claimed(self, run: Run) -> None:
        """A stop comes at the moment when nobody but the run's holder may write, and the holder does not know of it."""
        if run.run_id == run_id_of("request-0") and not self._is_stopped_at_claim:
            self._claims += 1
            if self._is_stopped_at_claim:
                self.timeline.after(1, lambda: self._arrive(stop_of_all(run.run_id, at_ms=0)))

    @property
    def _is_stopped_at_claim(self) -> bool:
        return 0 < self.workload.stop_at_claim <= self._claims

    def _deploy(self) -> None:
        """The next release: instances that start from now on are of it, those that run go on as they are."""
        if self.trouble.strikes("deployment"):
            self.release = 1
            self._tell("deployed: the next release")

    def _sweep(self) -> None:
        self.timeline.after(SWEEP_MS_CALM if self.trouble.ceased else SWEEP_MS, self._sweep)
        tick = {"triggerTime": str(self.clock.now_ms()), "triggerName": "every-minute", "payload": ""}
        self._start("sweep_runs", json.dumps(tick).encode(), lambda _ok: None)

    # -- functions ----------------------------------------------------------------------------------------------------
    async def _call(self, function: str, payload: bytes, _qualifier: str = "") -> bool:
        """What a queue trigger does with a batch."""
        if self.trouble.strikes("busy platform"):
            raise FcError("ResourceExhausted", "no instance is free")
        gate = self.platform.background.gate()
        self._start(function, payload, gate.open)
        ok = await gate
        return bool(ok)

    def _start(self, function: str, payload: bytes, over: Callable[[bool], None]) -> None:
        timeout_s = self.platform.timeouts_s[function]
        payload = shifted_payload(payload, -self.release)

        def act(ports: Ports) -> bool:
            return run(function, payload, ports, self.policy, timeout_s=timeout_s, clock=ports.clock)

        self.host.start(function, act, ports=self._ports[self.release], timeout_ms=timeout_s * 1000, over=over)

    # -- running ------------------------------------------------------------------------------------------------------
    def is_settled(self) -> bool:
        """Every message has been handled and every run has ended, with all its events out; nothing runs any more."""
        return (
            not self.books.open_runs
            and len(self.sent) == len(self.workload.arrivals) + self._is_stopped_at_claim
            and not self.host.alive
            and self.platform.is_idle()
            and not self.stores.unfinished()
        )

    def play(self, check: Callable[[], None], *, faults_ms: int, bound_ms: int) -> bool:
        """Safety first: trouble for `faults_ms`. Then liveness: no trouble any more, and all ends within the bound."""
        start_ms = self.workload.start_ms
        while self.hub.step(until_ms=start_ms + faults_ms):
            check()
            if self.clock.now_ms() > start_ms + CALM_MS and self.is_settled():
                return True
        self.trouble.ceased = True
        self.ecs.cease()
        self._tell("faults cease")
        while self.hub.step(until_ms=start_ms + bound_ms):
            check()
            if self.is_settled():
                return True
        return False
