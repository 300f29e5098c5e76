"""Access, webhooks out and poison in the simulation: callers with keys and grants, keys revoked on the way, units of
a caller's day, messages that kill their function, subscribers that fail; trouble at every call of all of it.

    python -m tests.sim --world access --seeds 200
    python -m tests.sim --world access --replay 17      # its story
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from localcloud.mns.values import Outgoing
from shared.access_ports import Access
from shared.adapters.access_rows import TableHookStore, TableKeyStore, TableSubscriptionStore
from shared.adapters.audit_trail import TableAuditTrail
from shared.adapters.sealing import AesSealer, Ed25519Signatures
from shared.adapters.usage_ledger import TableUsageLedger
from shared.app.keys import revoke_key
from shared.core.access import Grant
from shared.core.audit import AuditEntry
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.push import GONE, Push
from shared.ports import Ports
from tests.app.access_cases import ADMIN, envelope, new_key, subscribe
from tests.app.memory_access import (
    SEALING_KEY,
    MemoryAuditTrail,
    MemoryHookStore,
    MemoryKeyStore,
    MemorySubscriptionStore,
    MemoryUsageLedger,
)
from tests.sim.access_callers import WEEK_S, Sender, Sent, as_json, grant_of, requests_of
from tests.sim.access_hooks import hook_senders_of, requests_of_hooks
from tests.sim.access_host import AccessHost
from tests.sim.access_http import clients_of, request_of
from tests.sim.access_stops import stoppers_of
from tests.sim.access_subscribers import (
    UNAUTHORIZED,
    Subscriber,
    WatchedSubscriptions,
    check_push,
    draw_going,
)
from tests.sim.books import CloudStores
from tests.sim.platform import REQUESTS, STOPS
from tests.sim.workload import Arrival, Workload
from tests.sim.world import World

PUSHES = "fleetrun-pushes"
INSTANCES = 12
HANGING = 0.4
"""Of the messages that kill, these hang until their function's timeout."""
OTHER_KEY = "frk_" + "ab" * 6 + "_" + "cd" * 32
"""Nobody has it."""
ANSWERS = ("refused", "unreachable", "unanswered", "unanswered", "redirected")


class Audit:
    """The trail, and what it holds for whoever checks."""

    def __init__(self, trail: Any, lines: list[AuditEntry]) -> None:
        self._trail, self._lines = trail, lines

    def append(self, entry: AuditEntry) -> None:
        self._trail.append(entry)
        self._lines.append(entry)

    def entries(self, day: str, *, after: str, limit: int) -> Any:
        return self._trail.entries(day, after=after, limit=limit)


class Usage:
    """The ledger; `on_charge(caller, day, run, units, limit, used afterwards)` is told of each charge that was made."""

    def __init__(self, ledger: Any, on_charge: Callable[..., None]) -> None:
        self._ledger, self._on_charge = ledger, on_charge

    def charge(self, caller: str, day: str, run_id: str, *, units: int, limit: int) -> bool:
        won = bool(self._ledger.charge(caller, day, run_id, units=units, limit=limit))
        if won:
            self._on_charge(caller, day, run_id, units, limit, self._ledger.used(caller, day, run_id)[0])
        return won

    def used(self, caller: str, day: str, run_id: str) -> Any:
        return self._ledger.used(caller, day, run_id)


class AccessWorld(World):
    """One seed's world of callers and subscribers."""

    @property
    def workload(self) -> Workload:
        return self._workload

    @workload.setter
    def workload(self, drawn: Workload) -> None:
        self._workload = replace(drawn, instances=min(drawn.instances, INSTANCES), stop_at_claim=0)

    # -- what is there ------------------------------------------------------------------------------------------------
    def _ports_of(self, release: int) -> Ports:
        if not hasattr(self, "lines"):
            self.lines: list[AuditEntry] = []
            self.on_charge: Callable[..., None] = lambda *_charge: None
            self.on_push: Callable[[AccessWorld, str], None] = check_push
            self.queue_grant = self._queue_grant()
            self._memory = (MemoryKeyStore(), MemoryAuditTrail(), MemoryUsageLedger())
            self._memory_hooks = (MemoryHookStore(), MemorySubscriptionStore())
            self.arrived: dict[str, Counter[str]] = defaultdict(Counter)
            self.subscribers: dict[str, Subscriber] = {}
            self._replies = self._stream("subscribers")
        return replace(super()._ports_of(release), access=self._access(release))

    def _queue_grant(self) -> Grant:
        chance = self._stream("queue grant")
        return Grant(name="queue") if chance.random() < 0.5 else grant_of(chance, "queue")

    def _access(self, release: int) -> Access:
        keys: Any
        keys, trail, ledger = self._memory
        hooks, subscriptions = self._memory_hooks
        if isinstance(self.stores, CloudStores):
            calls: Any = self.stores._calls[release]
            keys, trail, ledger = TableKeyStore(calls), TableAuditTrail(calls), TableUsageLedger(calls)  # type: ignore[assignment]
            hooks, subscriptions = TableHookStore(calls), TableSubscriptionStore(calls)  # type: ignore[assignment]
        return Access(
            keys=keys,
            audit=Audit(trail, self.lines),
            usage=Usage(ledger, self._charged),
            hooks=hooks,
            subscriptions=WatchedSubscriptions(subscriptions, self),
            sealer=AesSealer(SEALING_KEY, chance=self._stream("sealing").randbytes),
            signatures=Ed25519Signatures(),
            pusher=self,
            queue_grant=self.queue_grant,
        )

    def _charged(self, *charge: Any) -> None:
        self.on_charge(*charge)

    # -- who sends ----------------------------------------------------------------------------------------------------
    def _schedule(self) -> None:
        self.host: AccessHost = AccessHost(self.hub, self.trouble, self._stream("travel"), self._tell)
        chance = self._stream("callers")
        self.senders = [self._sender(chance, number) for number in range(chance.choice((1, 2, 3)))]
        self.senders.append(Sender("", "queue", self.queue_grant))
        self.messages = requests_of(chance, self.senders, self.workload.instances)
        arrivals = [self._arrival(sent) for sent in self.messages]
        requests = {sent.request_id: sent.body for sent in self.messages if not sent.is_stop}
        http_key = new_key(self._ports[0], Grant(name="http")).text
        self.clients = clients_of(self, http_key)
        self.stoppers = stoppers_of(self, self.clients, http_key)
        self.hook_senders = hook_senders_of(self)
        requests |= {client.name: request_of(client) for client in self.clients}
        requests |= requests_of_hooks(self.hook_senders)
        self.workload = replace(self.workload, arrivals=tuple(arrivals), run_requests=requests)
        self.by_name = {sent.name: sent for sent in self.messages}
        self._subscribe(chance)
        for trigger in self.platform.left_out:
            trigger.start()
        super()._schedule()

    def _sender(self, chance: random.Random, number: int) -> Sender:
        grant = grant_of(chance, f"caller-{number}")
        made = new_key(self._ports[0], grant)
        sender = Sender(made.text, made.row.key_id, grant)
        if chance.random() < 0.3:
            sender.changed_at_ms, sender.is_revoked = chance.randrange(1, 20_000), chance.random() < 0.6
            self.timeline.after(sender.changed_at_ms, lambda: self._change(sender))
        return sender

    def _change(self, sender: Sender) -> None:
        """By an admin, whose own troubles are not played here."""
        self._tell(f"the key {sender.key_id} {'is revoked' if sender.is_revoked else 'may only look from now on'}")
        if sender.is_revoked:
            revoke_key(self._ports[0], ADMIN, sender.key_id, entry_id="revoked")
            return
        keys = self._access(0).keys
        row = keys.read_key(sender.key_id)
        assert row is not None
        changed = msgspec.structs.replace(row, grant=Grant(name=row.grant.name, role="viewer"), version=row.version + 1)
        assert keys.update_key(changed)

    def _arrival(self, sent: Sent) -> Arrival:
        body = as_json(sent.body)
        if sent.sender.key:
            body = self._signed(sent, body)
        return Arrival(sent.at_ms, STOPS if sent.is_stop else REQUESTS, sent.name, body)

    def _signed(self, sent: Sent, body: bytes) -> bytes:
        key = OTHER_KEY if sent.door in ("forged", "unknown key") else sent.sender.key
        age_s = WEEK_S + 4_000 if sent.door == "stale" else 0
        changes = {"keyId": sent.sender.key_id} if sent.door == "forged" else {}
        timestamp_s = (self.workload.start_ms + sent.at_ms) // 1000 - age_s
        return envelope(key, body, timestamp_s=timestamp_s, message_id=sent.name.replace(" ", "-"), **changes)

    def _arrive(self, arrival: Arrival) -> None:
        super()._arrive(arrival)
        if self.by_name[arrival.name].is_poison:
            message_id = self.sent[-1][1]
            self.host.poisons.add(message_id)
            if self._stream(f"poison of {arrival.name}").random() < HANGING:
                self.host.hanging.add(message_id)

    # -- who is told --------------------------------------------------------------------------------------------------
    def _subscribe(self, chance: random.Random) -> None:
        for number in range(chance.choice((0, 1, 1, 2))):
            types = chance.choice(((), (), ("run.finished",), ("run.finished", "run.rejected")))
            made = subscribe(self._ports[0], ADMIN, f"subscriber-{number}", types=types)
            is_dead = chance.random() < 0.03
            subscriber = Subscriber([made.secret], types, chance.choice((0.0, 0.2, 0.7)), is_dead)
            draw_going(self._stream(f"going of {made.row.name}"), subscriber)
            self.subscribers[made.row.name] = subscriber

    def push(self, push: Push) -> int:
        """Port Pusher: whose secret it is signed with tells to whom it goes, for all have one address."""
        headers = dict(push.headers)
        name, secret = self._addressee(headers, push.body)
        subscriber = self.subscribers[name]
        self.on_push(self, name)
        if secret != subscriber.secrets[-1]:
            return UNAUTHORIZED
        if subscriber.answers_gone():
            return GONE
        if subscriber.is_dead or (not self.trouble.ceased and self._replies.random() < subscriber.failing):
            return self._fail(name, headers["webhook-id"])
        self.arrived[name][headers["webhook-id"]] += 1
        return 204

    def _fail(self, name: str, event_id: str) -> int:
        how = "refused" if self.subscribers[name].is_dead else self._replies.choice(ANSWERS)
        self.trouble.fired[f"push {how}"] += 1
        if how == "unreachable":
            raise Unavailable("nobody is there", code="NoConnection")
        if how == "unanswered":
            if self._replies.random() < 0.5:
                self.arrived[name][event_id] += 1
            raise UnknownOutcome("no answer")
        return 302 if how == "redirected" else 500

    def _addressee(self, headers: dict[str, str], body: bytes) -> tuple[str, str]:
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        every = [(name, secret) for name, subscriber in self.subscribers.items() for secret in subscriber.secrets]
        for name, secret in every:
            known = base64.b64decode(secret.removeprefix("whsec_"))
            mine = base64.b64encode(hmac.new(known, content, hashlib.sha256).digest()).decode()
            if headers["webhook-signature"] == f"v1,{mine}":
                assert msgspec.json.decode(body)["id"] == headers["webhook-id"], "10: a push is named after no event"
                return name, secret
        raise AssertionError("10: a push is signed with the secret of no subscriber")

    def send_later(self, body: bytes, *, delay_s: int) -> None:
        self.platform.mns.send(PUSHES, Outgoing(base64.b64encode(body).decode(), delay_seconds=delay_s))

    # -- running ------------------------------------------------------------------------------------------------------
    def is_settled(self) -> bool:
        pushes = self.platform.mns.queue(PUSHES)
        if not all(client.is_done for client in (*self.clients, *self.stoppers, *self.hook_senders)):
            return False
        return super().is_settled() and not (pushes.active or pushes.inactive or pushes.delayed)
