"""The samples of webhooks, fed to serve_http as Function Compute would: signatures over the decoded raw bytes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.runtime.compose import Composition
from shared.runtime.log import JsonLog
from shared.runtime.serve import handle_http
from tests.app.access_cases import GITHUB_SECRET, deploy_hook
from tests.web.driving import APPLICATION, Web

SAMPLES = Path(__file__).resolve().parents[2] / "events" / "serve_http"
EXPECTED = {
    "hook-github-push": 202,
    "hook-github-forged": 401,
    "hook-standard": 202,
    "hook-standard-stale": 401,
}


def serve(name: str, times: int = 1) -> tuple[list[dict[str, Any]], Web, str]:
    """The answers to the sample, as often as it is sent; and all that was logged."""
    web, lines = Web(), list[str]()
    deploy_hook(web.ports, scheme="github" if "github" in name else "standard")
    adapters: Any = SimpleNamespace(runs=web.reader, quota=web.reader, library=web.shelf)
    it = Composition(web.ports, web.policy, JsonLog(web.world.clock, write=lines.append), adapters)
    context = SimpleNamespace(request_id="req-1", function=SimpleNamespace(name="serve_http", timeout="60"))
    payload = (SAMPLES / f"{name}.json").read_bytes()
    return [json.loads(handle_http(payload, context, it, APPLICATION)) for _ in range(times)], web, "".join(lines)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_of_a_webhook_is_answered(name: str) -> None:
    (told,), web, log = serve(name)

    assert told["statusCode"] == EXPECTED[name], told
    assert len(web.world.runs.runs) == (1 if EXPECTED[name] == 202 else 0)
    assert GITHUB_SECRET not in log
    assert "deploy {{commit}}" not in log


def test_the_bytes_are_verified_as_they_were_before_base64() -> None:
    """GitHub's body has letters beyond ASCII; as text it would be other bytes."""
    (told,), web, _ = serve("hook-github-push")

    (run,) = web.world.runs.runs.values()
    assert told["statusCode"] == 202
    assert run.request is not None
    assert run.request.parameters["commit"] == "4f2a91c0ffee1d2c3b4a5968778695a4b3c2d1e0"


@pytest.mark.parametrize("name", ["hook-github-push", "hook-standard"])
def test_a_sample_that_is_sent_again_finds_the_run_of_the_first(name: str) -> None:
    answers, web, _ = serve(name, times=3)

    assert [json.loads(told["body"])["result"] for told in answers] == ["accepted", "repeated", "repeated"]
    assert len(web.world.runs.runs) == 1


def test_every_sample_of_a_webhook_has_an_expectation() -> None:
    assert {path.stem for path in SAMPLES.glob("hook-*.json")} == set(EXPECTED)
