"""Clients of the HTTP API: they start runs under an Idempotency-Key, lose answers, and say the same again."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from shared.core.access import Grant
from shared.core.model import run_id_of
from shared.ports import Ports
from shared.runtime import serve
from shared.runtime.compose import Composition
from shared.runtime.log import JsonLog
from shared.web.authentication import Gate
from tests.app.access_cases import new_key
from tests.sim.functions import Call, FunctionFacts, _handler_of, _policy_of

if TYPE_CHECKING:
    from tests.sim.access import AccessWorld

AGAIN_MS = 2_000
ANSWER_LOST = 0.2
BODY = {"command": {"type": "RunShellScript", "content": "true"}, "targets": {"tags": {"env": "demo"}}, "timeout": 10}


class HttpClient:
    """One run, asked for until the answer has come. `refusal` says what was wrong with an answer."""

    def __init__(self, world: AccessWorld, number: int, key: str, at_ms: int) -> None:
        self._world, self.name, self._key = world, f"http-{number}", key
        self.is_done = False
        self.answers = 0
        self._chance = world._stream(self.name)
        world.timeline.after(at_ms, self._ask)

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
        world._tell(f"{self.name} asks for its run")
        world.host.start("serve_http", act, ports=ports, timeout_ms=timeout_s * 1000, over=over)

    def _call(self, ports: Ports, timeout_s: int) -> dict[str, Any]:
        serve._GATE = Gate()  # each call in an instance of its own
        complaints: list[str] = []
        log = JsonLog(ports.clock, write=complaints.append, level="error")
        policy = _policy_of(self._world.policy, timeout_s)
        adapters: Any = SimpleNamespace(runs=ports.runs, quota=ports.quota, library=None)
        composed = Composition(ports, policy, log, adapters=adapters)
        call = Call(f"call of {self.name}", FunctionFacts("serve_http", timeout_s), composed)
        answer: dict[str, Any] = json.loads(_handler_of("serve_http")(self._event(), call))
        assert not any("http.crashed" in line for line in complaints), f"a bug in a handler: {complaints}"
        return answer

    def _event(self) -> bytes:
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": self.name,
        }
        http = {
            "method": "POST",
            "path": "/v1/runs",
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.7",
            "userAgent": "",
        }
        context = {"accountId": "1", "domainName": "d", "domainPrefix": "d", "requestId": self.name, "http": http}
        event = {
            "version": "v1",
            "rawPath": "/v1/runs",
            "body": json.dumps(BODY),
            "isBase64Encoded": False,
            "headers": headers,
            "queryParameters": {},
            "requestContext": {**context, "time": "2026-01-05T15:59:50Z", "timeEpoch": "1767628790000"},
        }
        return json.dumps(event).encode()

    def _hear(self, answer: dict[str, Any]) -> None:
        world, status = self._world, int(answer["statusCode"])
        world._tell(f"{self.name} is answered {status}")
        if status < 400:
            self.answers += 1
            told = json.loads(answer["body"])
            assert told["runId"] == self.run_id, f"14: {self.name} got the run {told['runId']}"
            assert self.run_id in world.books.heads, f"14: {self.name} was answered before its run was written"
        is_lost = not world.trouble.ceased and self._chance.random() < ANSWER_LOST
        if status >= 500 or status == 429 or is_lost:
            world.timeline.after(AGAIN_MS, self._ask)
            return
        assert status < 400, f"14: {self.name} was refused: {answer['body'][:200]}"
        self.is_done = True


def clients_of(world: AccessWorld) -> list[HttpClient]:
    """In half of the worlds, one or two."""
    chance = world._stream("http clients")
    count = chance.choice((0, 0, 1, 2))
    if not count:
        return []
    key = new_key(world._ports[0], Grant(name="http")).text
    return [HttpClient(world, number, key, chance.randrange(20_000)) for number in range(count)]


def request_of(client: HttpClient) -> dict[str, Any]:
    return {"kind": "invoke", "requestId": client.name, **BODY}
