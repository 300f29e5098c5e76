"""A deployment that the command line can be pointed at: the doubles of MNS and Tablestore over HTTP, with our queues,
and the real use cases on them. ECS is in memory, and time in it moves when a run waits for it.

    deployment.fleet(120)
    run_id = deployment.run(invoke_request("deploy-1"))    # accepted and driven to its end
    with deployment.functions():                           # takes from the queues, as the triggers do
        …
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cli.queues import DEAD_LETTERS, REQUESTS, STOPS
from shared.adapters.mns import EVENTS, FIRINGS, WAKEUPS, MnsEvents, MnsQueues
from shared.adapters.quota_ledger import TableQuotaLedger
from shared.adapters.run_store import TableRunStore
from shared.adapters.schedule_store import TableScheduleStore
from shared.app.advance import advance
from shared.app.receive import receive
from shared.core.days import DAY_MS, next_day_start_ms
from shared.core.messages import Message
from shared.core.model import run_id_of
from shared.core.wakeups import decode_wakeup
from shared.ports import Ports
from tests.adapters.clients import Sleepless, mns_accounts, table_calls
from tests.adapters.doubles import Doubles
from tests.app.memory import (
    Ending,
    ManualClock,
    MemoryDirectory,
    MemoryQueue,
    MemoryRunner,
    World,
    linux,
    memory_policy,
)

QUEUES = (REQUESTS, STOPS, WAKEUPS, FIRINGS, DEAD_LETTERS, "fleetrun-events")
STEPS_MAX = 500


class QueueWithLetters(MemoryQueue):
    """Wake-ups in memory, so that waiting for one costs no time; dead letters where the operator looks for them."""

    def __init__(self, clock: ManualClock, letters: MnsQueues) -> None:
        super().__init__(clock)
        self._letters = letters

    def send_dead_letter(self, body: bytes) -> None:
        self._letters.send_dead_letter(body)


@dataclass
class Deployment:
    cloud: Doubles
    world: World
    ports: Ports
    account: Any
    """Of the MNS SDK, for this thread."""
    policy: Any = field(default_factory=memory_policy)
    _messages: int = 0

    def fleet(self, count: int, *, prefix: str = "") -> None:
        """Instances with the tag env=demo."""
        self.world.directory.add(*(linux(number) for number in range(1, count + 1)))

    def ends(self, **by_instance: Ending) -> None:
        """How scripts end: `i_00001=Ending(…)`; others succeed."""
        known = {name.replace("_", "-"): ending for name, ending in by_instance.items()}
        self.world.runner.ending = lambda _invocation, instance_id: known.get(instance_id, Ending())

    def receive(self, body: bytes | dict[str, Any]) -> str:
        """One message as accept_requests handles it; answers its message id."""
        self._messages += 1
        message_id = f"message-{self._messages}"
        encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
        receive(self.ports, self.policy, Message(encoded, message_id, "queue"))
        return message_id

    def run(self, request: dict[str, Any]) -> str:
        """Accepted and driven to its end; answers the run id."""
        self.receive(request)
        self.settle()
        return run_id_of(request["requestId"])

    def settle(self) -> None:
        for _ in range(STEPS_MAX):
            if not self.step():
                return
        raise AssertionError("not settled")

    def step(self) -> bool:
        """Moves time to the next wake-ups and delivers them. False: none is left."""
        queue = self.world.queue
        due_ms = queue.next_due_ms()
        if due_ms is None:
            return False
        self.world.clock.advance_to(due_ms)
        for body in queue.take_due():
            advance(self.ports, self.policy, decode_wakeup(body))
        return True

    def put(self, queue: str, text: str, *, is_encoded: bool = False) -> str:
        """A message of somebody else's; answers its id."""
        from mns.queue import Message as MnsMessage

        made = self.account.get_queue(queue)
        made.set_encoding(not is_encoded)
        return str(made.send_message(MnsMessage(text)).message_id)

    def taken(self, queue: str) -> list[bytes]:
        """Bodies that could be received from the queue, taken out."""
        return [body for _, body in _take(self.account, queue)]

    @contextmanager
    def functions(self) -> Iterator[None]:
        """In a thread of its own: takes what comes to the two queues, and drives it to its end."""
        finish = threading.Event()
        failures: list[BaseException] = []

        def work() -> None:
            account = mns_accounts(self.cloud.url).get()
            try:
                while not finish.is_set():
                    for queue in (STOPS, REQUESTS):
                        for message_id, body in _take(account, queue):
                            receive(self.ports, self.policy, Message(body, message_id, "queue"))
                    if not self.step():
                        finish.wait(0.02)
            except BaseException as error:
                failures.append(error)
                raise

        thread = threading.Thread(target=work, name="functions", daemon=True)
        thread.start()
        try:
            yield
        finally:
            finish.set()
            thread.join(30)
        assert not failures


def _take(account: Any, queue: str) -> list[tuple[str, bytes]]:
    from mns.mns_exception import MNSServerException

    made = account.get_queue(queue)
    made.set_encoding(False)
    try:
        found = made.batch_receive_message(16)
    except MNSServerException as error:
        if error.type != "MessageNotExist":
            raise
        return []
    made.batch_delete_message([message.receipt_handle for message in found])
    return [(str(message.message_id), _plain(message.message_body)) for message in found]


def _plain(text: str) -> bytes:
    """As a queue trigger hands it over: JSON as it is, Base64 undone."""
    return text.encode() if text.startswith("{") else base64.b64decode(text, validate=True)


def deployment_on(cloud: Doubles) -> Deployment:
    account = mns_accounts(cloud.url).get()
    _make_queues(account)
    clock = ManualClock(_start_ms())
    directory = MemoryDirectory()
    world = World(clock=clock, directory=directory)
    world.runner = MemoryRunner(clock, directory)
    accounts, sleepless = mns_accounts(cloud.url), Sleepless()
    world.queue = QueueWithLetters(clock, MnsQueues(accounts, sleepless.patience))
    tables = table_calls(cloud.url, sleepless)
    ports = replace(
        world.ports(),
        publisher=MnsEvents(accounts, sleepless.patience),
        runs=TableRunStore(tables),
        quota=TableQuotaLedger(tables),
        schedules=TableScheduleStore(tables),
    )
    return Deployment(cloud, world, ports, account)


def _start_ms() -> int:
    """Now, because the command goes by the machine's clock; but not where a quota day ends or begins."""
    now_ms = time.time_ns() // 1_000_000
    latest_ms = next_day_start_ms(now_ms) - 600_000
    return max(next_day_start_ms(now_ms) - DAY_MS + 40_000, min(now_ms, latest_ms))


def _make_queues(account: Any) -> None:
    from mns.queue import QueueMeta
    from mns.subscription import SubscriptionMeta
    from mns.topic import TopicMeta

    for name in QUEUES:
        account.get_queue(name).create(QueueMeta())
    account.get_topic(EVENTS).create(TopicMeta())
    endpoint = "acs:mns:cn-hangzhou:1234567890123456:queues/fleetrun-events"
    meta = SubscriptionMeta(endpoint, notify_content_format="SIMPLIFIED")
    account.get_topic(EVENTS).get_subscription("fleetrun-events").subscribe(meta)
