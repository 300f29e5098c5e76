"""Receivers of webhooks that have gone: they answer 410 from some push on, and may subscribe again once heard.

What is promised to them is judged here, by when the end of a subscription was written, and by whom.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.core.push import GONE, SubscriptionRow
from tests.app.access_cases import ADMIN, subscribe
from tests.sim.checkers import judged
from tests.sim.host import SKEW_MS_MAX

if TYPE_CHECKING:
    from tests.sim.access import AccessWorld

GOING = 0.3
RESUMED = 0.6
UNAUTHORIZED = 401


@dataclass
class Subscriber:
    """What came, by event id. `failing`: how often it does so while there is trouble; `is_dead`: always, for ever."""

    secrets: list[str]
    """The newest last; the others are good for nothing any more."""
    types: tuple[str, ...]
    failing: float
    is_dead: bool = False
    pushes_taken: int | None = None
    """After so many it answers 410; None: never."""
    resumed_after_ms: int = 0
    """So long after its end was written it subscribes again; 0: never."""
    pushes: int = 0
    told_gone: int = 0
    ended_ms: int | None = None
    """When its end was written; None: it is subscribed."""
    ended_by: str = ""
    """The instance that knows of the end; "" = its write landed when nobody waited for it."""
    resumed_ms: int | None = None

    def answers_gone(self) -> bool:
        self.pushes += 1
        if self.pushes_taken is None or self.resumed_ms is not None or self.pushes <= self.pushes_taken:
            return False
        self.told_gone += 1
        return True


@dataclass
class WatchedSubscriptions:
    """The store, and a look at each end that is written."""

    store: Any
    world: AccessWorld = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def put_subscription(self, row: SubscriptionRow) -> bool:
        won = bool(self.store.put_subscription(row))
        if won and row.status == "Gone":
            judged(_ended)(self.world, row.name)
        return won


def draw_going(chance: random.Random, subscriber: Subscriber) -> None:
    if chance.random() < GOING and not subscriber.is_dead:
        subscriber.pushes_taken = chance.choice((0, 0, 1, 3))
        subscriber.resumed_after_ms = chance.randrange(1, 60_000) if chance.random() < RESUMED else 0


def _ended(world: AccessWorld, name: str) -> None:
    subscriber, host = world.subscribers[name], world.host
    assert subscriber.told_gone, f"17: {name} never answered {GONE}, and its subscription has ended"
    subscriber.ended_ms = world.clock.now_ms()
    subscriber.ended_by = "" if host.lands_late else host.landing
    world.trouble.fired["subscription ended"] += 1
    if subscriber.resumed_after_ms:
        world.timeline.after(subscriber.resumed_after_ms, lambda: _resume(world, name))


def _resume(world: AccessWorld, name: str) -> None:
    subscriber = world.subscribers[name]
    world._tell(f"{name} subscribes again")
    made = subscribe(world._ports[world.release], ADMIN, name, types=subscriber.types)
    subscriber.secrets.append(made.secret)
    subscriber.ended_ms, subscriber.resumed_ms = None, world.clock.now_ms()
    world.trouble.fired["subscription resumed"] += 1


def check_push(world: AccessWorld, name: str) -> None:
    """At each push: the subscription has not ended, or whoever pushes had begun before and could not know."""
    subscriber, host = world.subscribers[name], world.host
    if subscriber.ended_ms is None:
        return
    assert host.began_ms[host.landing] <= subscriber.ended_ms, f"17: {name} has gone, and {host.landing} pushes to it"
    assert host.landing != subscriber.ended_by, f"17: {host.landing} has ended {name}, and pushes to it again"


def is_owed(subscriber: Subscriber, event: dict[str, Any]) -> bool:
    """Whether it must have the event, or a dead letter of it: all that was made after its last subscription."""
    if not subscriber.told_gone:
        return True
    if subscriber.resumed_ms is None:
        return False
    made_ms = datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp() * 1000
    return bool(made_ms > subscriber.resumed_ms + SKEW_MS_MAX)


def check_gone(world: AccessWorld) -> int:
    """At the end: who answered 410 has no subscription but one that was made since. Answers how many were checked."""
    for name, subscriber in world.subscribers.items():
        row = world._ports[-1].access.subscriptions.read_subscription(name)  # type: ignore[union-attr]
        assert row is not None, f"17: {name} is not there any more"
        wanted = "Gone" if subscriber.told_gone and subscriber.resumed_ms is None else "Active"
        assert row.status == wanted, f"17: {name} answered {GONE} {subscriber.told_gone} times and is {row.status}"
    return len(world.subscribers)
