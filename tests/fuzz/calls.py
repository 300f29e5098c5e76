"""One call of the HTTP API over a world of its own, and what holds of every answer, whatever was asked.

Everything from Function Compute's event to the rows: the bridge, the door, the route, the use case, the problem.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.app.accept import accept_run
from shared.core.access import UNBOUND, Grant
from shared.core.errors import Refused
from shared.core.hooks import HookSpec
from shared.core.model import run_id_of
from shared.core.requests import decode_request
from shared.core.signed import secret_bytes, sign
from shared.web.application import AUTHENTICATOR
from shared.web.authentication import Gate
from shared.web.bridge import decode_event, serve
from tests.app.access_cases import GITHUB_SECRET, HOOK_SECRET, new_key
from tests.fuzz.hostile import GOOD, dumps
from tests.web.driving import APPLICATION, Web

WITHOUT_FIELD = {"NoRoute", "NotAllowed", "HeadersTooLong", "BadHttp", "RateLimited", "NoRun", "NoSchedule"}
"""Refusals of the whole call: there is no field to name."""
DETAIL_CHARS_MAX = 5_000
MAPPINGS: tuple[dict[str, Any], ...] = (
    {
        "command": {"type": "RunShellScript", "content": "deploy {{commit}}"},
        "targets": {"tags": {"env": {"from": "body.env", "default": "prod"}}},
        "parameters": {"commit": {"from": "body.after"}, "event": {"from": "event"}},
    },
    {
        "command": {"type": "RunShellScript", "content": {"from": "body.script"}, "workingDir": {"from": "body.dir"}},
        "targets": {"from": "body.targets"},
        "parameters": {"from": "body.parameters", "default": {}},
        "timeout": {"from": "body.timeout", "default": 60},
    },
    {
        "command": {"from": "body.command"},
        "targets": {"instanceIds": {"from": "body.commits[*].id | sort(@)"}},
        "username": {"from": "join('-', body.names)", "default": None},
    },
)

RUN = {**GOOD, "targets": {"instanceIds": ["i-00000", "i-gone"]}}
NAMES = {
    "runId": run_id_of(GOOD["requestId"]),
    "scheduleId": "sch-0123456789abcdef0123",
    "commandId": "c-0001",
    "keyId": "0123456789ab",
    "hookName": "deploy",
    "subscriptionName": "everybody",
}
"""What stands in the paths of routes."""


@dataclass(frozen=True)
class Served:
    """What came back."""

    status: int
    document: Any
    """None where there is no body, or none that is JSON."""
    crash: object
    web: Web


@cache
def _admin() -> tuple[Web, str]:
    """A world with an admin's key: its row is copied into each other world."""
    web = Web()
    return web, new_key(web.ports, Grant(name="boss", role="admin")).text


def admin_key() -> str:
    return f"Bearer {_admin()[1]}"


def world() -> Web:
    web = Web()
    web.fleet(1)
    assert web.world.access is not None
    web.world.access.keys.rows.update(_admin()[0].world.access.keys.rows)  # type: ignore[union-attr]
    return web


def world_with_run() -> Web:
    """And the run of NAMES, with one target, and one excluded."""
    web = world()
    accept_run(web.ports, web.policy, decode_request(dumps(RUN)), allowed=UNBOUND)  # type: ignore[arg-type]
    return web


def call_event(
    method: str, path: str, *, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """As Function Compute's HTTP trigger writes a call."""
    return {
        "version": "v1",
        "rawPath": path,
        "headers": dict(headers),
        "queryParameters": dict(query),
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}, "requestId": "call-1"},
    }


def dumped(event: Any) -> bytes:
    return json.dumps(event).encode("utf-8", "surrogatepass")


def served(payload: bytes, web: Web) -> Served | None:
    """None: this is no event of an HTTP trigger, and said to be none."""
    try:
        event = decode_event(payload)
    except Refused:
        return None
    gate, clock = Gate(), web.world.clock
    environ = {
        **web.environ(),
        AUTHENTICATOR: lambda parts: gate.authenticate(parts, ports=web.ports),
    }
    started_ms = clock.now_ms()
    answer = serve(APPLICATION, event, environ)
    assert clock.now_ms() - started_ms <= web.timeout_ms, "it has waited for longer than the function may"
    body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else str(answer["body"]).encode()
    is_json = "json" in answer["headers"].get("Content-Type", "")
    document = json.loads(body) if is_json and event.context.http.method != "HEAD" else None
    return Served(answer["statusCode"], document, web.report.get("crash"), web)


def judged(found: Served | None) -> Served | None:
    """Raises AssertionError for an answer that must not be."""
    if found is None:
        return None
    assert found.crash is None, found.crash
    assert found.status < 500, found.document
    if found.status >= 400 and found.document is not None:
        problem = found.document
        assert problem["code"]
        assert 0 < len(problem["detail"]) <= DETAIL_CHARS_MAX, problem
        assert problem.get("field") or problem["code"] in WITHOUT_FIELD, problem
    for run in found.web.world.runs.runs.values():
        assert not run.refusal or run.refusal["field"], run.refusal
    return found


# -- webhooks ---------------------------------------------------------------------------------------------------------
def hook_spec(scheme: str, mapping: Mapping[str, Any], *, when: str = "") -> HookSpec:
    secret = GITHUB_SECRET if scheme == "github" else HOOK_SECRET
    return HookSpec(name="deploy", scheme=scheme, secrets=(secret,), request=dict(mapping), when=when)  # type: ignore[arg-type]


def signed_headers(scheme: str, body: bytes, *, now_ms: int, message_id: str = "msg-1") -> dict[str, str]:
    """As the sender signs: what is fuzzed lies behind the signature, and a signature is not to be found by chance."""
    if scheme == "github":
        digest = hmac.new(secret_bytes(GITHUB_SECRET), body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            "X-Hub-Signature-256": f"sha256={digest}",
        }
    stamp_s = now_ms // 1000
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp_s),
        "webhook-signature": sign(secret_bytes(HOOK_SECRET), message_id, stamp_s, body),
    }


def hook_called(web: Web, scheme: str, body: bytes, headers: Mapping[str, str] | None = None) -> Served | None:
    """`headers` beside the signed ones, or in their place."""
    signed = signed_headers(scheme, body, now_ms=web.world.clock.now_ms())
    event = call_event("POST", "/v1/hooks/deploy", query={}, headers={**signed, **(headers or {})}, body=body)
    return judged(served(dumped(event), web))
