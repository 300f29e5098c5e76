"""Function Compute on a clock that stands still: real service, real queues, and functions that do as they are told.

async def story(world: FcWorld) -> None:
    world.functions.answers("f", FAILS, RETURNS)
    world.fc.invoke_async("f", b"1")
    await world.advance(1_000)

world.play(story)
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.account import Account
from localcloud.clock import ManualClock, Timeline
from localcloud.fc.errors import FcError
from localcloud.fc.instances import UNHANDLED
from localcloud.fc.limits import STRICT, Limits
from localcloud.fc.mns_queues import MnsQueues
from localcloud.fc.queue_triggers import Disturbance
from localcloud.fc.service import FcService
from localcloud.fc.values import Call, Function, FunctionSpec, Outcome, TriggerSpec
from localcloud.ids import Ids
from localcloud.journal import Journal, NoJournal
from localcloud.mns.service import MnsService
from localcloud.mns.values import Outgoing

ACCOUNT = Account()
RETURNS = Outcome(b'"done"')
FAILS = Outcome(b'{"errorMessage": "boom"}', UNHANDLED)
THROTTLED = FcError("ResourceThrottled", "all instances are busy")
BROKEN = FcError("InternalServerError", "the platform has a problem")
TOO_LARGE = FcError("EntityTooLarge", "the payload is too large")

Answer = Outcome | FcError
TURNS = 50
"""Of the event loop, after which everything that could go on has gone on."""


@dataclass
class Functions:
    """The port `Workers`: answers what was set for the function, in order; the last for ever, RETURNS without any."""

    calls: list[tuple[str, Call]] = field(default_factory=list)
    provisioned: dict[str, int] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """Calls of the function wait until its gate is set."""
    seen_ms: list[int] = field(default_factory=list)
    now_ms: Callable[[], int] = lambda: 0
    _answers: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))

    def answers(self, key: str, *answers: Answer) -> None:
        self._answers[key] = deque(answers)

    def events(self, key: str) -> list[bytes]:
        return [call.event for name, call in self.calls if name == key]

    async def run(self, function: Function, call: Call) -> Outcome:
        self.calls.append((function.key, call))
        self.seen_ms.append(self.now_ms())
        if function.key in self.gates:
            await self.gates[function.key].wait()
        answers = self._answers[function.key]
        answer: Answer = RETURNS
        if answers:
            answer = answers.popleft() if len(answers) > 1 else answers[0]
        if isinstance(answer, FcError):
            raise answer
        return answer

    async def provision(self, function: Function, count: int) -> None:
        self.provisioned[function.key] = count

    def retire(self, key: str) -> None:
        self.provisioned.pop(key, None)

    def instances(self, key: str) -> list[str]:
        return [f"c-{number}" for number in range(self.provisioned.get(key, 0))]

    def kill_one(self, key: str) -> str | None:
        return next(iter(self.instances(key)), None)

    async def close(self) -> None:
        self.provisioned.clear()


class FcWorld:
    """A service with the functions "f" and "g", on real queues "q" and "dlq" and the topic "t"."""

    def __init__(
        self,
        *,
        limits: Limits = STRICT,
        journal: Journal | None = None,
        disturb: Disturbance | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        self.timeline = timeline or Timeline(ManualClock())
        self.ids = Ids(1)
        journal = journal or NoJournal()
        self.mns = MnsService(account=ACCOUNT, timeline=self.timeline, ids=self.ids, journal=journal)
        self.functions = Functions(now_ms=self.timeline.clock.now_ms)
        self.fc = FcService(
            account=ACCOUNT,
            timeline=self.timeline,
            ids=self.ids,
            journal=journal,
            queues=MnsQueues(self.mns),
            workers=self.functions,
            limits=limits,
            disturb=disturb,
        )
        self.fc.restore()
        for name in ("q", "dlq", "told"):
            self.mns.create_queue(name)
        self.mns.create_topic("t")
        for name in ("f", "g"):
            if not self.fc.functions.has(name):
                self.fc.create_function(spec(name))

    @property
    def now_ms(self) -> int:
        return self.timeline.clock.now_ms()

    def play(self, story: Callable[[FcWorld], Awaitable[None]]) -> None:
        """The story between start and close."""

        async def whole() -> None:
            await self.fc.start()
            try:
                await story(self)
            finally:
                await self.fc.close()

        asyncio.run(whole())

    async def settle(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def advance(self, ms: int) -> None:
        """Moves the clock; what falls due on the way happens at its own time, with all that follows from it."""
        await self.settle()
        clock, end_ms = self.timeline.clock, self.now_ms + ms
        assert isinstance(clock, ManualClock)
        while (due_ms := self.timeline.next_due_ms) is not None and due_ms <= end_ms:
            clock.set_ms(max(due_ms, self.now_ms))
            self.timeline.run_due()
            await self.settle()
        clock.set_ms(end_ms)

    def send(self, *bodies: str, queue: str = "q") -> list[str]:
        """As SDKs send: Base64. Answers the messages' ids."""
        return [self.mns.send(queue, Outgoing(base64.b64encode(one.encode()).decode())).message_id for one in bodies]

    def waiting(self, queue: str) -> int:
        """Messages that are there, visible or not."""
        state = self.mns.queue(queue)
        return state.active + state.inactive + state.delayed

    def documents(self, queue: str) -> list[Any]:
        """What lies in a queue, as JSON; it is taken out."""
        found = []
        while (delivery := self.mns.receive(queue)) is not None:
            found.append(json.loads(delivery.body))
            self.mns.delete(queue, delivery.receipt_handle)
        return found

    def bodies(self, key: str) -> list[list[str]]:
        """The messages of each call of a queue trigger."""
        return [[one["data"]["messageBody"] for one in json.loads(event)] for event in self.functions.events(key)]


def spec(name: str, **fields: Any) -> FunctionSpec:
    return FunctionSpec(
        **{
            "name": name,
            "handler": "index.handler",
            "runtime": "python3.10",
            "code_dir": Path(__file__).parent,
            "timeout": 60,
            **fields,
        }
    )


def queue_trigger(name: str = "from-q", *, function: str = "f", queue: str = "q", **run: Any) -> TriggerSpec:
    """`run`: runOptions, and `config` for what stands beside them."""
    config = {
        "triggerEnable": True,
        "asyncInvocationType": False,
        "eventSourceConfig": {
            "eventSourceType": "MNS",
            "eventSourceParameters": {
                "sourceMNSParameters": {"RegionId": "cn-hangzhou", "QueueName": queue, "IsBase64Decode": True}
            },
        },
        "runOptions": {"mode": "event-streaming", "errorsTolerance": "ALL", **run},
    }
    extra = config["runOptions"].pop("config", {})  # type: ignore[attr-defined]
    return TriggerSpec(function, name, "eventbridge", {**config, **extra})
