"""Senders of webhooks: what a hook's secret signs starts a run, once, however often and by whatever delivery it comes;
what it does not sign, what the hook does not want and what its grant forbids starts none. Answers are lost as those of
other clients are (access_http.py).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from typing import TYPE_CHECKING, Any

from shared.app.hooks import put_hook
from shared.core.access import Grant
from shared.core.hooks import HookSpec, request_id_of
from shared.core.model import run_id_of
from tests.app.access_cases import ADMIN, GITHUB_SECRET, HOOK_SECRET
from tests.sim.access_callers import REGION
from tests.sim.access_http import AGAIN_MS, HttpClient, check_clients

if TYPE_CHECKING:
    from tests.sim.access import AccessWorld

WORLDS = 0.4
REPEATED = 0.5
OTHER_BODIES = 0.3
FORGED = 0.5
FORGERIES = ("other secret", "altered", "unsigned", "stale", "unknown hook")
USELESS = 0.4
FORBIDDEN, UNWANTED = "forbidden", "unwanted"
ANSWERED = {**dict.fromkeys(FORGERIES, 401), FORBIDDEN: 403, UNWANTED: 202}
"""Why a delivery must start no run, and what its sender is told."""
SECRETS = {"github": GITHUB_SECRET, "standard": HOOK_SECRET}
HOOKS = {"github": "deploy", "standard": "alert"}
STALE_S = 4_000
MAPPING = {
    "command": {"type": "RunShellScript", "content": "true"},
    "targets": {"tags": {"env": "demo"}},
    "region": {"from": "body.region", "default": REGION},
    "timeout": {"from": "body.timeout"},
}
WHEN = "!(body.draft)"
GRANT = Grant(name="hook", regions=(REGION,))


class HookSender(HttpClient):
    """Delivers one body until it is answered. `delivery`: what the sender calls it; `fault`: why it must start no run,
    and be told so each time."""

    promise = 16

    def __init__(
        self,
        world: AccessWorld,
        asker: str,
        at_ms: int,
        *,
        scheme: str,
        delivery: str,
        body: dict[str, Any],
        fault: str = "",
    ) -> None:
        super().__init__(world, 0, "", at_ms, body, asker=asker)
        self.name = asker.replace(" ", "-")
        self.scheme, self.delivery, self.fault = scheme, delivery, fault
        self.path = f"/v1/hooks/{'nobody' if fault == 'unknown hook' else HOOKS[scheme]}"

    @property
    def request_id(self) -> str:
        """Written down here once more, by what each scheme's signature covers."""
        is_github = self.scheme == "github"
        signed = hashlib.sha256(self._text().encode()).hexdigest() if is_github else self.delivery
        return request_id_of(HOOKS[self.scheme], signed)

    @property
    def run_id(self) -> str:
        return run_id_of(self.request_id)

    def _headers(self) -> dict[str, str]:
        secret = b"a secret of somebody else" if self.fault == "other secret" else _secret_of(self.scheme)
        signed = (self._text() + (" " if self.fault == "altered" else "")).encode()
        headers = {"Content-Type": "application/json"}
        if self.scheme == "github":
            signature = "sha256=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()
            signature = "" if self.fault == "unsigned" else signature
            named = {"X-GitHub-Event": "push", "X-GitHub-Delivery": self.delivery}
            return {**headers, **named, "X-Hub-Signature-256": signature}
        age_s = STALE_S if self.fault == "stale" else 0
        timestamp = str(self._world.clock.now_ms() // 1000 - age_s)
        content = f"{self.delivery}.{timestamp}.".encode() + signed
        signature = "v1," + base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
        signature = "v1," if self.fault == "unsigned" else signature
        named = {"webhook-id": self.delivery, "webhook-timestamp": timestamp}
        return {**headers, **named, "webhook-signature": signature}

    def _hear(self, answer: dict[str, Any]) -> None:
        if not self.fault:
            super()._hear(answer)
            return
        world, status = self._world, int(answer["statusCode"])
        world._tell(f"{self.asker} is answered {status}")
        if status >= 500 or status == 429:
            world.timeline.after(AGAIN_MS, self._ask)
            return
        wanted = ANSWERED[self.fault]
        assert status == wanted, f"16: {self.asker} ({self.fault}) was answered {status}: {answer['body'][:200]}"
        if self.fault == UNWANTED:
            told = json.loads(answer["body"])
            assert told["result"] == "ignored", f"16: {self.asker} was to be ignored: {told}"
        world.trouble.fired[f"webhook {'forged' if wanted == 401 else self.fault}"] += 1
        self.refusals += 1
        self.is_done = True

    def _take(self, told: dict[str, Any]) -> None:
        super()._take(told)
        self._world.trouble.fired[f"webhook {told['result']}"] += 1


def _secret_of(scheme: str) -> bytes:
    text = SECRETS[scheme]
    return base64.b64decode(text.removeprefix("whsec_")) if scheme == "standard" else text.encode()


def hook_senders_of(world: AccessWorld) -> list[HookSender]:
    """In four worlds of ten, one delivery or two, and what goes with each."""
    chance, senders = world._stream("hook senders"), list[HookSender]()
    if chance.random() >= WORLDS:
        return senders
    for scheme, name in HOOKS.items():
        spec = HookSpec(
            name=name,
            scheme=scheme,  # type: ignore[arg-type]
            secrets=(SECRETS[scheme],),
            request=MAPPING,
            when=WHEN,
            grant=GRANT,
        )
        put_hook(world._ports[0], ADMIN, spec, entry_id=f"hooked {name}")
    for number in range(chance.choice((1, 1, 2))):
        senders += _deliveries(world, chance, number)
    return senders


def _deliveries(world: AccessWorld, chance: random.Random, number: int) -> list[HookSender]:
    scheme, delivery = chance.choice(tuple(HOOKS)), f"delivery-{number}"
    body = {"delivery": number, "timeout": 10}
    at_ms = chance.randrange(20_000)

    def sender(what: str, body: dict[str, Any], *, delivery: str = delivery, fault: str = "") -> HookSender:
        later_ms = at_ms if what == "sender" else at_ms + chance.choice((0, chance.randrange(200), 30_000))
        asker = f"the {what} of {scheme} {number}"
        return HookSender(world, asker, later_ms, scheme=scheme, delivery=delivery, body=body, fault=fault)

    senders = [sender("sender", body)]
    if chance.random() < REPEATED:
        senders.append(sender("repeater", body))
    if scheme == "github" and chance.random() < REPEATED:
        senders.append(sender("thief", body, delivery=f"stolen-{number}"))  # GitHub does not sign its delivery's id
    if chance.random() < OTHER_BODIES and len(senders) == 1:
        senders.append(sender("other body", {**body, "timeout": 33}))
        if scheme == "standard":
            senders[0].rival, senders[1].rival = senders[1], senders[0]
    if chance.random() < FORGED:
        forgery = chance.choice([each for each in FORGERIES if scheme == "standard" or each != "stale"])
        senders.append(sender("forger", {**body, "forged": True}, delivery=f"forged-{number}", fault=forgery))
    if chance.random() < USELESS:
        senders.append(sender("drafter", {**body, "draft": True}, delivery=f"draft-{number}", fault=UNWANTED))
    if chance.random() < USELESS:
        elsewhere = {**body, "region": "cn-beijing"}
        senders.append(sender("stranger", elsewhere, delivery=f"elsewhere-{number}", fault=FORBIDDEN))
    return senders


def requests_of_hooks(senders: list[HookSender]) -> dict[str, dict[str, Any]]:
    """The requests that may become runs; of what has a fault, none."""
    return {
        each.request_id: {
            "kind": "invoke",
            "requestId": each.request_id,
            **MAPPING,
            "region": REGION,
            "timeout": each.body["timeout"],
        }
        for each in senders
        if not each.fault
    }


def check_hooks(world: AccessWorld) -> int:
    """At the end: each delivery has its run; what was refused has none, and a line in the trail, but for what nobody
    wanted. Answers how many there were."""
    check_clients([sender for sender in world.hook_senders if not sender.fault])
    for sender in world.hook_senders:
        if not sender.fault:
            continue
        refused = {
            line.subject
            for line in world.lines
            if line.entry_id == f"call of {sender.asker}" and line.result == "refused"
        }
        assert sender.refusals == 1, f"16: {sender.asker} was refused {sender.refusals} times"
        assert sender.run_id not in world.books.heads, f"16: {sender.asker} has a run"
        assert bool(refused) == (sender.fault != UNWANTED), f"16: {sender.asker} was refused, and the trail: {refused}"
    return len(world.hook_senders)
