"""Webhooks and signed messages over every real part: a push to GitHub → run → shells → an event, pushed and signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cli.local import local_environment
from cli.signing import signed_message
from shared.core.model import run_id_of
from shared.core.signed import secret_bytes, stamp_of, verify
from tests.adapters.receiver import receiving
from tests.e2e.world import World, invoke, until, whole

TIMEOUT_S = 60
SECRET = "It is a secret to everybody"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with whole(instances=6) as made:
        yield made


def admin(world: World, method: str, path: str, body: Any) -> Any:
    key = local_environment(world.cloud.url)["FLEETRUN_API_KEY"]
    headers = {"Authorization": f"Bearer {key}"}
    answer = requests.request(method, f"{world.cloud.url}/api{path}", json=body, headers=headers, timeout=TIMEOUT_S)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def test_a_push_to_github_runs_a_script_and_its_end_is_pushed_on(world: World) -> None:
    with receiving() as ci:
        secret = admin(
            world,
            "PUT",
            "/v1/subscriptions/ci",
            {"url": f"http://127.0.0.1:{ci.port}/done", "types": ["run.finished"]},
        )["secret"]
        mapping = {
            "command": {"type": "RunShellScript", "content": "echo {{commit}}"},
            "targets": {"name": "*"},
            "parameters": {"commit": {"from": "body.after"}},
        }
        admin(world, "PUT", "/v1/hooks/deploy", {"scheme": "github", "secrets": [SECRET], "request": mapping})
        body = json.dumps({"after": "4f2a91c"}).encode()

        answer = requests.post(
            f"{world.cloud.url}/api/v1/hooks/deploy",
            data=body,
            headers={
                "Content-Type": "application/json",
                "X-GitHub-Delivery": "72d3162e-cc78-11e3",
                "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
            },
            timeout=TIMEOUT_S,
        )

        assert answer.status_code == 202, answer.text
        path, headers, pushed = until("the push", lambda: ci.got[0] if ci.got else None)
    lower = {name.lower(): value for name, value in headers.items()}
    assert path == "/done"
    assert verify([secret_bytes(secret)], stamp_of(lower), pushed)
    assert json.loads(pushed)["data"]["runId"] == answer.json()["runId"]
    assert json.loads(pushed)["data"]["counts"]["Success"] >= 1


def test_a_signed_message_runs_within_the_bounds_of_its_key(world: World) -> None:
    key = admin(world, "POST", "/v1/keys", {"grant": {"name": "ci", "targetsMax": 1}})["key"]
    many = invoke("signed-many", script="true")
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")

    world.send_text(signed_message(key, json.dumps(many).encode()))
    world.send_text(signed_message(wrong, json.dumps(invoke("signed-wrong")).encode()))

    def rejected() -> Any:
        run = world.connection.runs.read_run(run_id_of("signed-many"))
        return run if run is not None and run.status == "Rejected" else None

    run = until("the refusal", rejected)
    assert run.allowed.caller == key[4:16]
    assert run.reason.startswith("Forbidden")
    codes = until("the trail", lambda: _codes(world))
    assert "Unauthorized" in codes
    assert world.connection.runs.read_run(run_id_of("signed-wrong")) is None


def _codes(world: World) -> list[str] | None:
    key = local_environment(world.cloud.url)["FLEETRUN_API_KEY"]
    answer = requests.get(
        f"{world.cloud.url}/api/v1/audit", headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S
    ).json()
    codes = [str(line.get("code", "")) for line in answer["entries"] if line["via"] == "queue"]
    return codes if "Unauthorized" in codes else None
