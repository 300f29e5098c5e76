"""The control endpoints: what can be asked and done, and how a mistake is answered."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from localcloud import control
from localcloud.clock import Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.faults import FaultPlan
from localcloud.http import Request, Response
from localcloud.ids import Ids
from localcloud.request_log import RequestLog


class BareControls:
    """A cloud without services: what the control endpoints are promised."""

    def __init__(self) -> None:
        self.ids = Ids(1)
        self.faults = FaultPlan(self.ids)
        self.log = RequestLog()
        self.clock = ControlledClock(frozen_at_ms=1_000)
        self.timeline = Timeline(self.clock)
        self.resets = 0

    def health(self) -> dict[str, Any]:
        return {"status": "ready"}

    async def reset(self) -> None:
        self.resets += 1

    def reseed(self, seed: int) -> None:
        self.ids.reseed(seed)

    def clock_state(self) -> dict[str, Any]:
        return {"nowMs": self.clock.now_ms(), "frozen": self.clock.is_frozen}

    def freeze_clock(self) -> None:
        self.clock.freeze()

    def advance_clock(self, ms: int) -> None:
        self.timeline.advance_to(self.clock.now_ms() + ms)

    def follow_clock(self) -> None:
        self.clock.follow()

    def state(self) -> dict[str, Any]:
        return {"mns": {}}


def ask(
    controls: BareControls, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    path, _, query = path.partition("?")
    request = Request(method, path, query, headers or {}, content, 0)
    response = asyncio.run(control.answer(controls, request))
    return response.status, json.loads(response.body)


def test_an_unknown_path_is_named_with_what_is_offered() -> None:
    status, answer = ask(BareControls(), "GET", "/_local/helth")

    assert status == 404
    assert answer["error"] == "there is no /_local/helth"
    assert "GET /_local/health" in answer["offered"]


def test_a_wrong_method_names_the_right_one() -> None:
    status, answer = ask(BareControls(), "GET", "/_local/reset")

    assert status == 405
    assert answer["error"] == "GET is not offered on /_local/reset; POST is"


def test_a_web_page_cannot_control_the_cloud() -> None:
    controls = BareControls()

    status, _ = ask(controls, "POST", "/_local/reset", headers={"origin": "https://evil.example"})

    assert status == 403
    assert controls.resets == 0


def test_reset_resets_and_health_answers() -> None:
    controls = BareControls()

    reset = ask(controls, "POST", "/_local/reset")
    health = ask(controls, "GET", "/_local/health/")

    assert reset == health == (200, {"status": "ready"})
    assert controls.resets == 1


def test_a_seed_makes_the_ids_repeat() -> None:
    controls = BareControls()

    ask(controls, "POST", "/_local/seed", {"seed": 41})
    first = controls.ids.hexadecimal("x", 24)
    ask(controls, "POST", "/_local/seed", {"seed": 41})

    assert controls.ids.hexadecimal("x", 24) == first
    assert Ids(41).hexadecimal("x", 24) == first


@pytest.mark.parametrize(
    ("body", "now_ms"),
    [({"ms": 5}, 1_005), ({"seconds": 5}, 6_000), ({"toMs": 2_000}, 2_000), ({"ms": 0}, 1_000)],
)
def test_the_clock_is_moved_ahead(body: dict[str, int], now_ms: int) -> None:
    status, answer = ask(BareControls(), "POST", "/_local/clock/advance", body)

    assert (status, answer) == (200, {"nowMs": now_ms, "frozen": True})


def test_the_clock_can_follow_the_machine_and_be_frozen_again() -> None:
    controls = BareControls()

    real = ask(controls, "POST", "/_local/clock/real")[1]
    frozen = ask(controls, "POST", "/_local/clock/freeze")[1]

    assert real["frozen"] is False
    assert frozen["frozen"] is True
    assert ask(controls, "GET", "/_local/clock")[1] == frozen


def test_faults_are_added_listed_and_removed() -> None:
    controls = BareControls()

    added = ask(controls, "POST", "/_local/faults", {"kind": "throttle", "service": "ecs", "probability": 0.5})
    listed = ask(controls, "GET", "/_local/faults")[1]["faults"]
    removed = ask(controls, "DELETE", f"/_local/faults/{added[1]['id']}")

    assert added == (200, {"id": "fault-1"})
    assert [(rule["id"], rule["kind"], rule["probability"], rule["fired"]) for rule in listed] == [
        ("fault-1", "throttle", 0.5, 0)
    ]
    assert removed == (200, {"faults": []})


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "/_local/seed", {"seed": "x"}, "seed is 'x'"),
        ("POST", "/_local/seed", b"{", "the body must be a JSON object"),
        ("POST", "/_local/seed", [], "the body must be a JSON object"),
        ("POST", "/_local/clock/advance", {"ms": -1}, "not by -1"),
        ("POST", "/_local/clock/advance", {"toMs": 999}, "not by -1"),
        ("POST", "/_local/clock/advance", {"hours": 1}, "is needed"),
        ("POST", "/_local/faults", {"kind": "explode"}, "kind"),
        ("DELETE", "/_local/faults/fault-9", None, "there is no fault 'fault-9'"),
        ("GET", "/_local/requests?limit=many", None, "limit is 'many'"),
    ],
)
def test_a_mistake_is_answered_by_its_name(method: str, path: str, body: object, said: str) -> None:
    status, answer = ask(BareControls(), method, path, body)

    assert status == 400
    assert said in answer["error"]


def test_the_request_log_can_be_read_by_service_counted_and_cleared() -> None:
    controls = BareControls()
    for service in ("ecs", "mns", "mns"):
        request = Request("GET", "/", "", {}, b"", 0)
        controls.log.add(request, Response(200), service=service, operation="Echo", duration_ms=1.5, faults=())

    entries = ask(controls, "GET", "/_local/requests?service=mns&limit=1")[1]["requests"]
    counters = ask(controls, "GET", "/_local/counters")[1]["counters"]
    ask(controls, "DELETE", "/_local/requests")

    assert [entry["number"] for entry in entries] == [3]
    assert counters["mns"]["Echo"] == {"requests": 2, "errors": 0, "durationMs": 3.0}
    assert ask(controls, "GET", "/_local/requests")[1] == {"requests": []}
