"""Callers, keys, hooks and subscriptions that the tests of access share."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from shared.adapters.sealing import Ed25519Signatures
from shared.app.hooks import put_hook
from shared.app.keys import NewKey, add_key
from shared.app.subscriptions import NewSubscription, put_subscription
from shared.core.access import Caller, Grant
from shared.core.hooks import HookRow, HookSpec
from shared.core.keys import parse_key, signing_seed
from shared.core.messages import Message
from shared.core.signed import signed_content
from shared.ports import Ports

ADMIN = Caller("0123456789ab", "admin", Grant(name="boss", role="admin"), via="key", address="192.0.2.7")
HOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of enough bytes").decode()
GITHUB_SECRET = "a-secret-that-github-was-given"


def caller_of(grant: Grant, *, name: str = "feedc0ffee00") -> Caller:
    return Caller(name, grant.role, grant, via="key", address="192.0.2.8")


def new_key(ports: Ports, grant: Grant, *, expires_ms: int = 0) -> NewKey:
    return add_key(ports, ADMIN, grant=grant, expires_ms=expires_ms, entry_id="made")


def subscribe(ports: Ports, caller: Caller, name: str, *, types: tuple[str, ...] = ()) -> NewSubscription:
    return put_subscription(
        ports, caller, name=name, url="https://hooks.example.com/fleetrun", types=types, entry_id="subscribed"
    )


def deploy_hook(ports: Ports, *, scheme: str = "github", grant: Grant | None = None, when: str = "") -> HookRow:
    """Runs a script with the commit that was pushed."""
    spec = HookSpec(
        name="deploy",
        scheme=scheme,  # type: ignore[arg-type]
        secrets=(GITHUB_SECRET if scheme == "github" else HOOK_SECRET,),
        when=when,
        grant=grant,
        request={
            "command": {"type": "RunShellScript", "content": "deploy {{commit}}"},
            "targets": {"tags": {"env": "prod"}},
            "parameters": {"commit": {"from": "body.after"}},
        },
    )
    return put_hook(ports, ADMIN, spec, entry_id="hooked")


def invoke_body(request_id: str = "deploy-42", **changes: Any) -> bytes:
    request = {
        "kind": "invoke",
        "requestId": request_id,
        "command": {"type": "RunShellScript", "content": "uptime"},
        "targets": {"instanceIds": ["i-00000", "i-00001"]},
        **changes,
    }
    return json.dumps(request).encode()


def message(body: bytes, message_id: str = "") -> Message:
    return Message(body, message_id or hashlib.sha256(body).hexdigest()[:16], "queue")


def envelope(key: str, body: bytes, *, timestamp_s: int, message_id: str = "msg-1", **changes: Any) -> bytes:
    """As a client of the queue signs."""
    parsed = parse_key(key)
    assert parsed is not None, "no key"
    content = signed_content(message_id, timestamp_s, body)
    signature = Ed25519Signatures().sign(signing_seed(parsed[1]), content)
    signed = {
        "kind": "signed",
        "keyId": parsed[0],
        "messageId": message_id,
        "timestamp": timestamp_s,
        "signature": "v1a," + base64.b64encode(signature).decode(),
        "request": body.decode(),
        **changes,
    }
    return json.dumps(signed).encode()
