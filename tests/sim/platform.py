"""The platform of one seed: the local cloud's own MNS, Tablestore and queue triggers, filled from template.yml.

Strategy: the template is read once per process; each seed makes its resources anew, with the makers that the local
cloud itself deploys with. Only the calling of a function is the simulation's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from localcloud.account import Account
from localcloud.clock import Timeline
from localcloud.deploy.attributes import Attributes, Properties
from localcloud.deploy.mns import MnsResources
from localcloud.deploy.stack import Maker, deploy, read
from localcloud.deploy.tablestore import TablestoreResources
from localcloud.fc.mns_queues import MnsQueues
from localcloud.fc.queue_config import read_config
from localcloud.fc.queue_triggers import LEASE_SLACK_MS, Ports, QueueTrigger
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from localcloud.mns.service import MnsService
from localcloud.options import Options
from localcloud.tablestore.service import TablestoreService
from localcloud.template import Template
from tests.sim.background import VirtualBackground
from tests.sim.trouble import Trouble

URL = "http://simulation"
REQUESTS, STOPS, WAKEUPS = "fleetrun-requests", "fleetrun-stops", "fleetrun-wakeups"
EVENTS, DEAD_LETTERS = "fleetrun-events", "fleetrun-dead-letters"
WORKED = (REQUESTS, STOPS, WAKEUPS)
NOT_PLAYED = frozenset({"push_events"})
"""Functions that reach people's own addresses: no run depends on them, their messages stay where they are. The world of
access.py plays them."""
_WORKED_OUT: list[tuple[str, Properties]] = []
"""The template's resources that are more than a name, in order, every function in their properties replaced."""
Call = Callable[[str, bytes, str], Awaitable[bool]]
"""Calls a function (by name and qualifier) synchronously; answers whether it went well. Raises FcError."""


@lru_cache(maxsize=1)
def template() -> Template:
    return read(Options(), url=URL)


class TroubledQueues(MnsQueues):
    """Some deletes get lost: the message that was handled comes again when its lease is over."""

    def __init__(self, mns: MnsService, trouble: Trouble) -> None:
        super().__init__(mns)
        self._trouble = trouble

    def delete(self, queue: str, receipt: str) -> bool:
        return False if self._trouble.strikes("lost deletes") else super().delete(queue, receipt)


class Disturbed:
    """At-least-once and unordered, as MNS and the triggers promise no better."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble

    def duplicate(self, name: str) -> bool:
        return name not in (EVENTS, DEAD_LETTERS) and self._trouble.strikes("doubled messages")

    def reorder(self, name: str) -> bool:
        return name not in (EVENTS, DEAD_LETTERS) and self._trouble.strikes("reordered messages")


@dataclass
class Platform:
    """MNS, Tablestore and the queue triggers; `timeouts_s` says how long each function may take."""

    timeline: Timeline
    seed: int
    trouble: Trouble
    call: Call
    account: Account = field(default_factory=Account)
    timeouts_s: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids, journal = Ids(self.seed), NoJournal()
        self.background = VirtualBackground(self.timeline)
        disturbed = Disturbed(self.trouble)
        self.mns = MnsService(
            account=self.account, timeline=self.timeline, ids=self.ids, journal=journal, disturb=disturbed
        )
        self.tables = TablestoreService(account=self.account, timeline=self.timeline, ids=self.ids, journal=journal)
        self.triggers: list[QueueTrigger] = []
        self.left_out: list[QueueTrigger] = []
        """Not started: a world that plays webhooks does it (access.py)."""
        self._ports = Ports(
            queues=TroubledQueues(self.mns, self.trouble),
            background=self.background,  # type: ignore[arg-type]
            account=self.account,
            ids=self.ids,
            journal=journal,
            disturbance=disturbed,
            call=self.call,
            hand_over=lambda _function, _payload: None,
            lease_ms=lambda function: self.timeouts_s[function] * 1000 + LEASE_SLACK_MS,
        )
        self._deploy()
        for trigger in self.triggers:
            trigger.start()

    def _deploy(self) -> None:
        """The first seed as the local cloud does it; the others make the same, and need not work the template out."""
        makers = self._makers()
        if _WORKED_OUT:
            for kind, properties in _WORKED_OUT:
                makers[kind](properties)
        else:
            deploy(template(), _Makers(makers))

    def is_idle(self) -> bool:
        """No message is left that a function must handle."""
        states = [self.mns.queue(name) for name in (REQUESTS, STOPS)]
        return not any(state.active or state.inactive or state.delayed for state in states)

    def collect(self, queue: str, take: Callable[[str], None]) -> None:
        """A consumer of its own: every message of the queue, as it comes."""

        def drain() -> None:
            for one in self.mns.take(queue, 16):
                self.mns.delete(queue, one.receipt_handle)
                take(one.body)

        self.mns.watch(queue, lambda: self.background.soon(drain))

    def _makers(self) -> dict[str, Maker]:
        mns = MnsResources(self.mns, account=self.account, url=URL)
        tables = TablestoreResources(self.tables, account=self.account, url=URL)
        return {
            "ALIYUN::MNS::Queue": mns.queue,
            "ALIYUN::MNS::Topic": mns.topic,
            "ALIYUN::MNS::Subscription": mns.subscription,
            "ALIYUN::OTS::Instance": tables.instance,
            "ALIYUN::OTS::Table": tables.table,
            "ALIYUN::FC3::Function": self._function,
            "ALIYUN::FC3::Trigger": self._trigger,
        }

    def _function(self, properties: dict[str, Any]) -> dict[str, Any]:
        name = properties["FunctionName"]
        self.timeouts_s[name] = int(properties["Timeout"])
        return _Named(Ref=name, FunctionName=name)

    def _trigger(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Timers are left to the world: a day of waiting needs no sweep in every minute of it."""
        function, name = properties["FunctionName"], properties["TriggerName"]
        if properties["TriggerType"] == "eventbridge":
            trigger = QueueTrigger(function, name, read_config(properties["TriggerConfig"]), self._ports)
            (self.left_out if function in NOT_PLAYED else self.triggers).append(trigger)
        return _Named(Ref=name)


class _Makers(Mapping[str, Maker]):
    """Roles, layers and the like are there by name only."""

    def __init__(self, made: Mapping[str, Maker]) -> None:
        self._made = made

    def __getitem__(self, kind: str) -> Maker:
        if kind not in self._made:
            return _named_only

        def make(properties: Properties) -> Attributes:
            _WORKED_OUT.append((kind, properties))
            return self._made[kind](properties)

        return make

    def __iter__(self) -> Any:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


class _Named(dict[str, Any]):
    """Attributes of what is there by name only: whatever the template asks for."""

    def __missing__(self, attribute: str) -> str:
        return f"{attribute} of {self['Ref']}"


def _named_only(_properties: dict[str, Any]) -> dict[str, Any]:
    return _Named(Ref="named")
