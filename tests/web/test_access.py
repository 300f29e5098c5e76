"""Who comes in, over HTTP, with the real gate: every route for every role and every bad proof; hooks; the trail.

The matrix is made out of the table of routes: a route that is added is tested, and an open one has to be named here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest

from shared.core import limits
from shared.core.access import ACTIONS, ROLES, Grant, Role
from shared.core.keys import hash_of_secret, key_text
from shared.core.model import run_id_of
from shared.core.signed import secret_bytes, sign
from shared.web.application import AUTHENTICATOR, REQUEST_ID, STRANGER
from shared.web.authentication import Gate
from shared.web.route import Route
from shared.web.routes import ROUTES
from tests.app.access_cases import GITHUB_SECRET, HOOK_SECRET, deploy_hook, new_key
from tests.app.driving import invoke_request
from tests.app.memory_access import AccessWorld
from tests.web.driving import Web
from tests.web.test_the_door import named, path_of

OPEN = {"GET /healthz", "GET /v1/openapi.json"}
SIGNED = {"POST /v1/hooks/{hookName}"}
KEYED = [route for route in ROUTES if route.action]
ADMIN_SECRET = "ad" * 32
ADMIN_KEY = key_text("0123456789ab", ADMIN_SECRET)
PUSH = {"after": "4f2a91", "ref": "refs/heads/main"}


class Door(Web):
    """The API with its real gate and real keys."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.gate = Gate()
        self.guard = AccessWorld(admin_key=f"0123456789ab:{hash_of_secret(ADMIN_SECRET)}")
        self.world.access = self.guard
        self.ports = self.world.ports()

    def environ(self) -> dict[str, Any]:
        self.calls += 1
        return super().environ() | {
            REQUEST_ID: f"call-{self.calls}",
            AUTHENTICATOR: lambda parts: self.gate.authenticate(parts, ports=self.ports),
            STRANGER: lambda address: self.gate.count_stranger(address, now_ms=self.world.clock.now_ms()),
        }

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer; Any, because the type of its `json` is one."""
        return super().call(method, path, body, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.call("POST", path, body, **more)

    def key(self, role: Role = "operator", **bounds: Any) -> str:
        return "Bearer " + new_key(self.ports, Grant(name="k", role=role, **bounds)).text

    def knock(self, route: Route, key: str | None) -> int:
        return int(self.call(route.method, path_of(route), b"{" if route.body else None, key=key).status_code)

    def hook(self, body: bytes, **headers: str) -> Any:
        return self.call("POST", "/v1/hooks/deploy", body, headers=headers, key=None)

    def github(self, body: bytes, *, secret: str = GITHUB_SECRET, delivery: str = "72d3162e-cc78-11e3") -> Any:
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return self.hook(body, **{"X-GitHub-Delivery": delivery, "X-Hub-Signature-256": signature})

    def standard(self, body: bytes, *, age_s: int = 0, message_id: str = "msg_1", secret: str = HOOK_SECRET) -> Any:
        at = self.world.clock.now_ms() // 1000 - age_s
        signature = sign(secret_bytes(secret), message_id, at, body)
        return self.hook(
            body, **{"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signature}
        )


def test_every_route_needs_a_key_or_is_named_here() -> None:
    assert {route.name for route in ROUTES if not route.action} == OPEN | SIGNED
    assert {route.action for route in KEYED} <= set(ACTIONS)


def bad_keys(door: Door) -> dict[str, str | None]:
    expired = new_key(door.ports, Grant(name="k", role="admin"), expires_ms=door.world.clock.now_ms() + 1).text
    revoked = new_key(door.ports, Grant(name="k", role="admin"))
    row = msgspec.structs.replace(revoked.row, revoked_ms=1, version=2)
    assert door.guard.keys.update_key(row)
    door.world.clock.advance(1)
    good = new_key(door.ports, Grant(name="k", role="admin")).text
    return {
        "no key": None,
        "an empty one": "Bearer ",
        "another scheme": "Basic " + good,
        "an unknown id": "Bearer " + key_text("f" * 12, "0" * 64),
        "a wrong secret": "Bearer " + key_text(good[4:16], "0" * 64),
        "the hash for the secret": "Bearer " + key_text(revoked.row.key_id, revoked.row.hash),
        "one more character": f"Bearer {good}0",
        "an expired one": f"Bearer {expired}",
        "a revoked one": f"Bearer {revoked.text}",
    }


@pytest.mark.parametrize("route", KEYED, ids=named)
def test_without_a_good_key_nothing_is_reached_and_the_trail_says_so(route: Route) -> None:
    door = Door()
    keys = bad_keys(door)

    answers = {what: door.knock(route, key) for what, key in keys.items()}

    assert answers == dict.fromkeys(keys, 401)
    lines = [line for line in door.guard.audit.lines if line.result == "refused"]
    assert {(line.action, line.code) for line in lines} == {(route.action, "Unauthorized")}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", KEYED, ids=named)
def test_a_key_reaches_what_its_role_may_and_nothing_else(route: Route, role: Role) -> None:
    door = Door()
    may = ROLES.index(role) >= ROLES.index(ACTIONS[route.action])

    status = door.knock(route, door.key(role))

    assert (status == 403) is not may
    assert status != 401
    refused = [line for line in door.guard.audit.lines if line.result == "refused" and line.field == "$"]
    assert [line.action for line in refused if line.code == "Forbidden"] == ([] if may else [route.action])


def test_the_first_admin_comes_in_by_the_template_makes_keys_and_can_be_revoked() -> None:
    door = Door()
    first = f"Bearer {ADMIN_KEY}"

    made = door.post("/v1/keys", {"grant": {"name": "boss", "role": "admin"}}, key=first)
    theirs = f"Bearer {made.json['key']}"
    revoked = door.call("DELETE", "/v1/keys/0123456789ab", key=theirs)

    assert (made.status_code, revoked.status_code) == (201, 200)
    assert door.get("/v1/keys", key=first).status_code == 401
    listed = door.get("/v1/keys", key=theirs)
    assert len(listed.json["keys"]) == 2
    secret = made.json["key"].rpartition("_")[2]
    assert secret not in listed.text
    assert secret not in msgspec.json.encode([door.guard.keys.rows, door.guard.audit.lines]).decode()


def test_bounds_of_a_key_hold_over_http() -> None:
    door = Door()
    door.fleet(5)
    key = door.key(targets_max=1, regions=("cn-hangzhou",))
    request = invoke_request("deploy-1", targets={"instanceIds": ["i-00000", "i-00001"]})

    answer = door.post("/v1/runs", request, key=key)

    assert answer.status_code == 403
    assert (answer.json["code"], answer.json["field"]) == ("Forbidden", "targets.instanceIds")
    assert door.world.runs.runs == {}


def test_a_run_over_http_carries_its_caller_and_stands_in_the_trail_before_it_is_made() -> None:
    door = Door()
    door.fleet(2)
    key = door.key()

    door.post("/v1/runs", invoke_request("deploy-1"), key=key)

    run = door.world.runs.runs[run_id_of("deploy-1")]
    assert run.allowed.caller == key[11:23]
    told = door.get(f"/v1/audit?subject={run.run_id}", key=f"Bearer {ADMIN_KEY}").json["entries"]
    assert [(line["caller"], line["action"], line["result"]) for line in told] == [
        (run.allowed.caller, "runs.start", "allowed")
    ]
    assert told[0]["scriptSha256"]
    assert told[0]["address"] == "127.0.0.1"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
def test_the_trail_cannot_be_changed_through_the_api(method: str) -> None:
    answer = Door().call(method, "/v1/audit", b"{}", key=f"Bearer {ADMIN_KEY}")

    assert answer.status_code == 405


def test_the_trail_is_read_page_by_page_newest_first() -> None:
    door = Door()
    for number in range(5):
        door.post("/v1/keys", {"grant": {"name": f"k{number}"}}, key=f"Bearer {ADMIN_KEY}")
        door.world.clock.advance(1_000)

    first = door.get("/v1/audit?limit=2", key=f"Bearer {ADMIN_KEY}").json
    second = door.get(f"/v1/audit?limit=3&cursor={first['next']}", key=f"Bearer {ADMIN_KEY}").json

    times = [line["atMs"] for line in first["entries"] + second["entries"]]
    assert len(times) == 5
    assert times == sorted(times, reverse=True)


# -- rates ------------------------------------------------------------------------------------------------------------
def test_who_guesses_is_slowed_down_before_a_key_is_looked_up_and_others_are_not() -> None:
    door = Door()
    bad, good = "Bearer " + key_text("f" * 12, "0" * 64), door.key()
    most = limits.RATE_PER_ADDRESS * limits.RATE_BURST_S

    statuses = [door.get("/v1/runs", key=bad).status_code for _ in range(most + 3)]
    lines = len(door.guard.audit.lines)
    blocked = door.get("/v1/runs", key=good)
    door.world.clock.advance(1_000)

    assert statuses == [401] * most + [429] * 3
    assert lines == most + 1
    assert blocked.status_code == 429
    assert blocked.headers["Retry-After"]
    assert door.get("/v1/runs", key=good).status_code == 200


def test_a_key_has_a_rate_of_its_own() -> None:
    door = Door()
    one, other = door.key(), door.key()
    most = limits.RATE_PER_KEY * limits.RATE_BURST_S

    statuses = {door.get("/v1/runs?limit=1", key=one).status_code for _ in range(most)}
    over = door.get("/v1/runs", key=one)

    assert statuses == {200}
    assert over.status_code == 429
    assert door.get("/v1/runs", key=other).status_code == 200


# -- hooks ------------------------------------------------------------------------------------------------------------
BODY = json.dumps(PUSH).encode()


@pytest.mark.parametrize("scheme", ["github", "standard"])
def test_a_signed_hook_is_a_run_with_what_the_sender_said(scheme: str) -> None:
    door = Door()
    door.fleet(1)
    deploy_hook(door.ports, scheme=scheme)

    answer = door.github(BODY) if scheme == "github" else door.standard(BODY)

    assert answer.status_code == 202, answer.text
    run = door.world.runs.runs[answer.json["runId"]]
    assert run.request is not None
    assert run.request.parameters == {"commit": "4f2a91"}
    assert run.allowed.caller == "hook:deploy"


@pytest.mark.parametrize("scheme", ["github", "standard"])
def test_a_hook_that_comes_again_finds_its_run(scheme: str) -> None:
    door = Door()
    deploy_hook(door.ports, scheme=scheme)

    # GitHub's delivery id is not signed: whoever repeats a body under another one gets the same run.
    answers = [
        door.github(BODY, delivery=f"d-{n}") if scheme == "github" else door.standard(BODY, age_s=n) for n in range(3)
    ]

    assert [answer.json["result"] for answer in answers] == ["accepted", "repeated", "repeated"]
    assert len(door.world.runs.runs) == 1


def test_a_hook_without_a_good_signature_starts_nothing_and_stands_in_the_trail() -> None:
    door = Door()
    deploy_hook(door.ports, scheme="standard")
    at = str(door.world.clock.now_ms() // 1000)
    good = sign(secret_bytes(HOOK_SECRET), "msg_1", int(at), BODY)
    named_ = {"webhook-id": "msg_1", "webhook-timestamp": at}

    answers = {
        "none": door.hook(BODY),
        "another secret": door.standard(BODY, secret="whsec_" + "QUFB" * 8),
        "another body": door.hook(BODY + b" ", **named_, **{"webhook-signature": good}),
        "another id": door.hook(BODY, **{**named_, "webhook-id": "msg_2"}, **{"webhook-signature": good}),
        "stale": door.standard(BODY, age_s=301),
        "from the future": door.standard(BODY, age_s=-301),
        "github's": door.github(BODY),
        "another hook": door.call("POST", "/v1/hooks/none", BODY, key=None),
        "an admin's key": door.call("POST", "/v1/hooks/deploy", BODY, key=f"Bearer {ADMIN_KEY}"),
    }

    assert {what: answer.status_code for what, answer in answers.items()} == dict.fromkeys(answers, 401)
    assert door.world.runs.runs == {}
    refused = [line for line in door.guard.audit.lines if line.result == "refused"]
    assert len(refused) == len(answers)
    assert {line.action for line in refused} == {"hooks.call"}


def test_which_hooks_there_are_is_not_told_to_strangers() -> None:
    door = Door()
    deploy_hook(door.ports, scheme="github")

    there = door.github(BODY, secret="a wrong secret of 16")
    not_there = door.call("POST", "/v1/hooks/other", BODY, key=None)

    assert there.json["detail"] == not_there.json["detail"]


def test_a_hook_keeps_to_its_grant_and_its_condition() -> None:
    door = Door()
    deploy_hook(door.ports, grant=Grant(name="h", inline_scripts=False), when="body.ref == 'refs/heads/main'")

    refused = door.github(BODY)
    ignored = door.github(json.dumps({**PUSH, "ref": "refs/heads/try"}).encode())

    assert (refused.status_code, refused.json["field"]) == (403, "command.content")
    assert (ignored.status_code, ignored.json["result"]) == (202, "ignored")
    assert door.world.runs.runs == {}


def test_a_message_that_lacks_what_the_mapping_needs_is_refused_with_the_place() -> None:
    door = Door()
    deploy_hook(door.ports)

    answer = door.github(b'{"ref": "refs/heads/main"}')

    assert answer.status_code == 422
    assert answer.json["field"] == "request.parameters.commit"
    assert "body.after" in answer.json["detail"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"secrets": []}, "secrets"),
        ({"secrets": ["short"]}, "secret"),
        ({"when": "body.[["}, "when"),
        ({"request": {"requestId": "x"}}, "request.requestId"),
        ({"request": {"schedule": {}}}, "request.schedule"),
        ({"request": {"command": {"from": "a b"}}}, "request.command.from"),
        ({"request": {"command": {"from": 7}}}, "request.command.from"),
        ({"request": {"command": {"from": "a" * 1_001}}}, "request.command.from"),
        ({"grant": {"name": "h", "role": "admin"}}, "grant.role"),
        ({"request": {"a": [{"from": "b"}] * 41}}, "request"),
    ],
)
def test_a_hook_that_makes_no_sense_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    hook = {"scheme": "github", "secrets": [GITHUB_SECRET], "request": {"command": {"commandId": "c-1"}}, **changes}

    answer = Door().call("PUT", "/v1/hooks/deploy", hook, key=f"Bearer {ADMIN_KEY}")

    assert answer.status_code == 422, answer.text
    assert answer.json["field"] == field


def test_secrets_of_hooks_and_subscriptions_are_never_shown_again() -> None:
    door = Door()
    key = f"Bearer {ADMIN_KEY}"
    hook = {"scheme": "github", "secrets": [GITHUB_SECRET], "request": {"command": {"commandId": "c-1"}}}
    door.call("PUT", "/v1/hooks/deploy", hook, key=key)
    made = door.call("PUT", "/v1/subscriptions/ci", {"url": "https://ci.example.com/"}, key=key)
    secret = made.json["secret"]

    shown = door.get("/v1/hooks", key=key).text + door.get("/v1/subscriptions", key=key).text
    kept = msgspec.json.encode([door.guard.hooks.rows, door.guard.subscriptions.rows, door.guard.audit.lines]).decode()

    assert secret.startswith("whsec_")
    assert [text for text in (shown, kept) for hidden in (secret, GITHUB_SECRET) if hidden in text] == []


def test_a_secret_that_we_cannot_open_is_our_trouble_and_not_the_senders() -> None:
    door = Door()
    row = deploy_hook(door.ports)
    door.guard.hooks.rows["deploy"] = msgspec.structs.replace(row, sealed_secrets=("aesgcm1:AAAA",))

    answer = door.github(BODY)

    assert (answer.status_code, answer.json["code"]) == (503, "SealBroken")
    assert door.world.runs.runs == {}
