"""One seed's world: the real handlers and use cases on virtual time, with queues, a sweep and people who send things."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from localcloud.clock import ManualClock, Timeline
from shared.app.advance import advance
from shared.app.receive import receive
from shared.app.sweep import sweep
from shared.core.errors import Refused, Unavailable
from shared.core.messages import Message
from shared.core.wakeups import decode_wakeup
from shared.ports import Invocation, Policy, Ports
from shared.runtime.boundary import BatchIncomplete, handle_batch
from shared.runtime.log import JsonLog
from tests.app.memory import (
    Ending,
    MemoryDirectory,
    MemoryPublisher,
    MemoryQuotaLedger,
    MemoryRunner,
    MemoryRunStore,
    SeededIds,
    SequentialLanes,
    linux,
)
from tests.sim.host import LEASE_MS, Host
from tests.sim.hub import Hub
from tests.sim.trouble import Trouble, trouble_of
from tests.sim.workload import Workload, workload_of

REGION = "cn-hangzhou"


@dataclass
class Delivery:
    """A message in a queue of the world."""

    queue: str
    message_id: str
    body: bytes
    attempts: int = 0


@dataclass
class World:
    """Everything of one seed; `trace` is the readable story."""

    seed: int
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workload: Workload = workload_of(self._stream("workload"))
        self.trouble: Trouble = trouble_of(self._stream("trouble"))
        self.clock = ManualClock(self.workload.start_ms)
        self.timeline = Timeline(self.clock)
        self.hub = Hub(self.clock, self.timeline, self._stream("interleaving"))
        self.chance = self._stream("world")
        self.directory = MemoryDirectory()
        self.runner = MemoryRunner(self.clock, self.directory)
        self.runs = MemoryRunStore()
        self.quota = MemoryQuotaLedger()
        self.publisher = MemoryPublisher()
        self.pending: list[Delivery] = []
        self.dead_letters: list[bytes] = []
        self.in_hand = 0
        self._fill()
        ports = Ports(
            clock=self.clock,
            ids=SeededIds(self.seed),
            lanes=SequentialLanes(),
            log=self._log,
            directory=self.directory,
            runner=self.runner,
            queue=self,
            publisher=self.publisher,
            runs=self.runs,
            quota=self.quota,
        )
        self.policy = Policy(
            region=REGION,
            account_id="1234567890123456",
            daily_quota=self.workload.daily_quota,
            instances_per_chunk=self.workload.instances_per_chunk,
            lease_ms=LEASE_MS,
        )
        self.host = Host(self.hub, ports, self.trouble, self._stream("travel"))
        for arrival in self.workload.arrivals:
            delivery = Delivery(arrival.queue, arrival.message_id, arrival.body)
            self.timeline.after(arrival.at_ms, lambda each=delivery: self._arrive(each))  # type: ignore[misc]
        self.timeline.after(60_000, self._sweep)

    def _stream(self, purpose: str) -> random.Random:
        return random.Random(f"{self.seed}:{purpose}")

    def _log(self, event: str, /, **fields: object) -> None:
        told = " ".join(f"{name}={value}" for name, value in fields.items())
        self.trace.append(f"{self.clock.now_ms() - self.workload.start_ms:>9} {event} {told}")

    # -- the fleet ----------------------------------------------------------------------------------------------------
    def _fill(self) -> None:
        workload, chance = self.workload, self.chance
        self.directory.add(*(linux(number) for number in range(workload.instances)))
        unfit = ({"status": "Stopped"}, {"os_type": "windows"}, {"network_type": "classic"})
        self.directory.add(*(linux(900 + number, **unfit[number]) for number in range(workload.unfit)))
        self.runner.token_life_ms = workload.token_life_ms
        self.runner.listing_delay_ms = workload.listing_delay_ms
        self.runner.quota = workload.daily_quota
        self.runner.ending = lambda _invocation, _one: self._ending()
        self.runner.refuse = self._refuse
        if self.trouble.has("vanishing instances") and workload.instances > 1:
            victim = f"i-{chance.randrange(workload.instances):05d}"
            self.timeline.after(chance.randrange(30_000), lambda: self._vanish(victim))
        if self.trouble.has("stolen quota"):
            self.timeline.after(chance.randrange(20_000), self._steal)

    def _ending(self) -> Ending:
        after_ms = self.chance.randrange(1, self.workload.script_ms_max + 1)
        if self.trouble.has("dying agents") and self.chance.random() < 0.05:
            self.trouble.count("dying agents")
            return Ending(silent=True) if self.chance.random() < 0.5 else Ending(missing=True)
        if self.chance.random() < self.workload.failing:
            return Ending(status="Failed", exit_code=3, after_ms=after_ms)
        return Ending(after_ms=after_ms)

    def _vanish(self, instance_id: str) -> None:
        self.trouble.count("vanishing instances")
        if self.chance.random() < 0.5:
            self.directory.known.pop(instance_id, None)
        else:
            self.directory.change(instance_id, status="Stopped")

    def _refuse(self, invocation: Invocation) -> Refused | None:
        for one in invocation.instance_ids:
            if self.directory.known[one].instance.status != "Running":
                return Refused("not running", code="InvalidInstanceStatus")
        return None

    def _steal(self) -> None:
        """Somebody else's calls, by the console, use up the day's quota of ECS without our ledger knowing."""
        self.trouble.count("stolen quota")
        self.runner.quota = max(1, self.workload.daily_quota // 2)

    # -- queues ---------------------------------------------------------------------------------------------------------
    def send_wakeup(self, body: bytes, *, delay_s: int) -> None:
        late_ms = self.chance.randrange(5_000) if self.trouble.has("late messages") else 0
        delivery = Delivery("wakeups", f"w-{len(self.trace)}-{self.chance.randrange(1 << 30)}", body)
        self.timeline.after(delay_s * 1000 + late_ms, lambda: self._arrive(delivery))

    def send_dead_letter(self, body: bytes) -> None:
        self.dead_letters.append(body)

    def _arrive(self, delivery: Delivery) -> None:
        self._deliver(delivery)
        if self.trouble.has("doubled messages") and self.chance.random() < 0.2:
            self.trouble.count("doubled messages")
            copy = replace(delivery, attempts=0)
            self.timeline.after(self.chance.randrange(90_000), lambda: self._deliver(copy))

    def _deliver(self, delivery: Delivery) -> None:
        """The queue trigger: a function call for the message, repeated until one returns."""
        delivery.attempts += 1
        if delivery.attempts == 1:
            self.in_hand += 1

        def over(ok: bool) -> None:
            if ok:
                self.in_hand -= 1
            else:
                again_ms = min(512_000, 1_000 << min(delivery.attempts, 9))
                self.timeline.after(again_ms, lambda: self._deliver(delivery))

        self.host.start(delivery.queue, lambda ports: self._handle(ports, delivery), over=over)

    def _handle(self, ports: Ports, delivery: Delivery) -> None:
        payload = json.dumps(
            [
                {
                    "id": delivery.message_id,
                    "data": _data(delivery),
                    "specversion": "1.0",
                    "type": "mns:Queue:SendMessage",
                }
            ]
        )
        crashes: list[str] = []

        def act(message: Message) -> str:
            if delivery.queue == "wakeups":
                return advance(ports, self.policy, decode_wakeup(message.body))
            return receive(ports, self.policy, message)

        log = JsonLog(self.clock, write=crashes.append, level="error")
        try:
            handle_batch(payload.encode(), request_id=delivery.message_id, act=act, log=log, clock=ports.clock)
        except BatchIncomplete:
            bugs = [line for line in crashes if "message.crashed" in line]
            assert not bugs, f"a bug in a handler: {bugs}"
            raise Unavailable("the call failed") from None

    def _sweep(self) -> None:
        self.timeline.after(600_000 if self.trouble.ceased else 60_000, self._sweep)  # a day of waiting has fewer steps
        self.host.start("sweep", lambda ports: _ignore(sweep(ports, self.policy)), over=lambda _ok: None)

    # -- running --------------------------------------------------------------------------------------------------------
    def is_settled(self) -> bool:
        """Every message has been handled and every run has ended, with all its events out."""
        sent = len(self.workload.arrivals)
        arrived = self.clock.now_ms() >= self.workload.start_ms + max(
            (a.at_ms for a in self.workload.arrivals), default=0
        )
        return arrived and sent > 0 and not self.runs.unfinished_ids and self.in_hand == 0

    def run(self, check: Callable[[], None], *, faults_ms: int, bound_ms: int) -> bool:
        """Safety first: trouble for `faults_ms`. Then liveness: no trouble any more, and all must end within the bound."""
        start_ms = self.workload.start_ms
        while self.hub.step(until_ms=start_ms + faults_ms):
            check()
            if self.is_settled() and self.clock.now_ms() > start_ms + 30_000:
                return True
        self.trouble.ceased = True
        self.runner.quota = max(self.runner.quota, self.workload.daily_quota)
        while self.hub.step(until_ms=start_ms + bound_ms):
            check()
            if self.is_settled():
                return True
        return False


def _data(delivery: Delivery) -> dict[str, Any]:
    return {
        "messageId": delivery.message_id,
        "requestId": delivery.message_id,
        "messageBody": delivery.body.decode("latin-1"),
    }


def _ignore(_report: object) -> None:
    return
