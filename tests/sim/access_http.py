"""Clients of the HTTP API: they start runs under an Idempotency-Key, lose answers, and say the same again; some take a
key that another body has, before that one is written, at the same moment, or after.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from shared.core.model import run_id_of
from shared.core.requests import InvokeRequest
from shared.ports import Ports
from shared.runtime import serve
from shared.runtime.compose import Composition
from shared.runtime.log import JsonLog
from shared.web.authentication import Gate
from tests.sim.functions import Call, FunctionFacts, _handler_of, _policy_of

if TYPE_CHECKING:
    from tests.sim.access import AccessWorld

AGAIN_MS = 2_000
ANSWER_LOST = 0.2
RIVALS = 0.4
BODY = {"command": {"type": "RunShellScript", "content": "true"}, "targets": {"tags": {"env": "demo"}}, "timeout": 10}
OTHER_BODY = {**BODY, "timeout": 33}
REUSED = "RequestIdReused"


class HttpClient:
    """One run, asked for until the answer has come. `rival`: who asks for another one under the same key."""

    promise = 14
    """Of access_verdicts.py."""

    def __init__(
        self, world: AccessWorld, number: int, key: str, at_ms: int, body: dict[str, Any] = BODY, *, asker: str = ""
    ) -> None:
        self._world, self.name, self._key, self.body = world, f"http-{number}", key, body
        self.asker = asker or (self.name if body is BODY else f"{self.name} with another body")
        self.path, self.idempotency_key = "/v1/runs", self.name
        self.is_done = False
        self.answers = self.refusals = 0
        self.rival: HttpClient | None = None
        self._chance = world._stream(self.asker)
        world.timeline.after(at_ms, self._ask)

    @property
    def who(self) -> str:
        """How a complaint begins."""
        return f"{self.promise}: {self.asker}"

    @property
    def run_id(self) -> str:
        return run_id_of(self.name)

    def _ask(self) -> None:
        world, answers = self._world, list[dict[str, Any]]()
        timeout_s = world.platform.timeouts_s["serve_http"]

        def act(ports: Ports) -> bool:
            answers.append(self._call(ports, timeout_s))
            return True

        def over(ok: bool) -> None:
            self._hear(answers[0] if ok else {"statusCode": 502, "body": ""})

        ports = world._ports[world.release]
        world._tell(f"{self.asker} asks for its run")
        world.host.start("serve_http", act, ports=ports, timeout_ms=timeout_s * 1000, over=over)

    def _call(self, ports: Ports, timeout_s: int) -> dict[str, Any]:
        serve._GATE = Gate()  # each call in an instance of its own
        complaints: list[str] = []
        log = JsonLog(ports.clock, write=complaints.append, level="error")
        policy = _policy_of(self._world.policy, timeout_s)
        adapters: Any = SimpleNamespace(runs=ports.runs, quota=ports.quota, library=None)
        composed = Composition(ports, policy, log, adapters=adapters)
        call = Call(f"call of {self.asker}", FunctionFacts("serve_http", timeout_s), composed)
        answer: dict[str, Any] = json.loads(_handler_of("serve_http")(self._event(), call))
        assert not any("http.crashed" in line for line in complaints), f"a bug in a handler: {complaints}"
        return answer

    def _event(self) -> bytes:
        http = {
            "method": "POST",
            "path": self.path,
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.7",
            "userAgent": "",
        }
        context = {"accountId": "1", "domainName": "d", "domainPrefix": "d", "requestId": self.name, "http": http}
        event = {
            "version": "v1",
            "rawPath": self.path,
            "body": self._text(),
            "isBase64Encoded": False,
            "headers": self._headers(),
            "queryParameters": {},
            "requestContext": {**context, "time": "2026-01-05T15:59:50Z", "timeEpoch": "1767628790000"},
        }
        return json.dumps(event).encode()

    def _text(self) -> str:
        return json.dumps(self.body)

    def _headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": self.idempotency_key,
        }

    def _hear(self, answer: dict[str, Any]) -> None:
        world, status = self._world, int(answer["statusCode"])
        world._tell(f"{self.asker} is answered {status}")
        if status < 400:
            self._take(json.loads(answer["body"]))
        elif status == 409:
            self._give_way(json.loads(answer["body"]))
        if status >= 500 or status == 429 or self._loses_answer():
            world.timeline.after(AGAIN_MS, self._ask)
            return
        assert status < 400 or status == 409, f"{self.who} was refused: {answer['body'][:200]}"
        self.is_done = True

    def _loses_answer(self) -> bool:
        return not self._world.trouble.ceased and self._chance.random() < ANSWER_LOST

    def _take(self, told: dict[str, Any]) -> None:
        self.answers += 1
        assert told["runId"] == self.run_id, f"{self.who} got the run {told['runId']}"
        assert self.run_id in self._world.books.heads, f"{self.who} was answered before its run was written"
        assert self.has_the_run(), f"{self.who} was given the run of the other body"

    def _give_way(self, told: dict[str, Any]) -> None:
        self.refusals += 1
        self._world.trouble.fired["key reused"] += 1
        assert self.rival is not None, f"{self.who} has its key alone, and was answered 409: {told}"
        assert told["code"] == REUSED, f"{self.who} was refused for another reason: {told}"
        assert self.rival.has_the_run(), f"{self.who} gave way to nobody"

    def has_the_run(self) -> bool:
        """Whether the run of the key is the one that this client asks for."""
        run = self._world.books.heads.get(self.run_id)
        request = None if run is None else run.request
        return isinstance(request, InvokeRequest) and bool(request.timeout == self.body["timeout"])


def clients_of(world: AccessWorld, key: str) -> list[HttpClient]:
    """In half of the worlds, one or two; four in ten have a rival."""
    chance, rivalry = world._stream("http clients"), world._stream("http rivals")
    count = chance.choice((0, 0, 1, 2))
    clients: list[HttpClient] = []
    for number in range(count):
        at_ms = chance.randrange(20_000)
        clients.append(HttpClient(world, number, key, at_ms))
        if rivalry.random() < RIVALS:
            later_ms = at_ms + rivalry.choice((0, rivalry.randrange(200), rivalry.randrange(40_000)))
            clients.append(_rival(clients[-1], HttpClient(world, number, key, later_ms, OTHER_BODY)))
    return clients


def _rival(first: HttpClient, other: HttpClient) -> HttpClient:
    first.rival, other.rival = other, first
    return other


def check_clients(clients: Sequence[HttpClient]) -> int:
    """At the end: of each key one body has its run, and each other one was told so. Answers how many were checked."""
    for client in clients:
        won = client.has_the_run()
        assert won or client.rival is not None, f"{client.who} does not have its run"
        assert bool(client.answers) == won, f"{client.who} was given a run {client.answers} times"
        assert bool(client.refusals) != won, f"{client.who} was refused {client.refusals} times"
        assert client.rival is None or client.rival.has_the_run() != won, (
            f"{client.who} and its rival have two runs or none"
        )
    return len(clients)


def request_of(client: HttpClient) -> dict[str, Any]:
    return {"kind": "invoke", "requestId": client.name, **client.body}
