"""Every sample in events/ is fed to its handler, as the bytes that the trigger would send."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared.core.model import run_id_of
from shared.core.requests import InvokeRequest, decode_request
from shared.runtime.compose import Composition
from shared.runtime.log import JsonLog
from tests.app.access_cases import ADMIN, subscribe
from tests.app.memory import World, linux, memory_policy, memory_ports
from tests.app.memory_access import AccessWorld

EVENTS = Path(__file__).resolve().parents[2] / "events"
RUN = run_id_of("deploy-42")
CONTEXT = SimpleNamespace(request_id="req-1", function=SimpleNamespace(name="f", timeout="60"))

EXPECTED: dict[str, dict[str, int]] = {
    "accept_requests/queue-cloud-events.json": {"accepted": 2},
    "accept_requests/queue-single-cloud-event.json": {"accepted": 1},
    "accept_requests/queue-raw-data.json": {"accepted": 1},
    "accept_requests/queue-base64-body.json": {"accepted": 1},
    "accept_requests/queue-bad-among-good.json": {"accepted": 2, "rejected": 6},
    "accept_requests/queue-same-request-twice.json": {"accepted": 1, "rejected": 1, "repeated": 1},
    "accept_requests/queue-stop-among-requests.json": {"accepted": 1, "stopping": 1},
    "accept_requests/topic-json.json": {"accepted": 1},
    "accept_requests/topic-stream.json": {"accepted": 1},
    "accept_requests/topic-stream-with-attributes.json": {"accepted": 1},
    "accept_requests/timer.json": {"accepted": 1},
    "accept_requests/direct.json": {"accepted": 1},
    "accept_requests/direct-list.json": {"accepted": 2},
    "accept_requests/schedule-add.json": {"scheduled": 1},
    "accept_requests/queue-schedule-changes.json": {
        "active": 1,
        "fired": 1,
        "paused": 1,
        "rejected": 1,
        "removed": 1,
        "scheduled": 1,
    },
    "stop_runs/queue-cloud-events.json": {"stopping": 2},
    "stop_runs/queue-single-cloud-event.json": {"stopping": 1},
    "stop_runs/queue-raw-data.json": {"stopping": 1},
    "stop_runs/queue-unknown-run.json": {"stopping": 1},
    "stop_runs/direct.json": {"stopping": 1},
    "advance_runs/queue-cloud-events.json": {"Running": 1, "stale": 1},
    "advance_runs/queue-single-cloud-event.json": {"Running": 1},
    "advance_runs/queue-raw-data.json": {"Running": 1},
    "advance_runs/queue-no-wakeup.json": {"refused": 1},
    "advance_runs/direct.json": {"Running": 1},
    "fire_schedules/timer.json": {},
    "fire_schedules/queue-cloud-events.json": {"fired": 1, "missing": 1},
    "fire_schedules/queue-raw-data.json": {"fired": 1},
    "fire_schedules/queue-no-wake.json": {"refused": 1},
    "fire_schedules/direct.json": {"fired": 1},
    "push_events/queue-cloud-events.json": {"pushed": 1, "unwanted": 1},
    "push_events/queue-second-try.json": {"pushed": 1},
    "push_events/queue-no-event.json": {"refused": 1},
    "sweep_runs/timer.json": {},
    "sweep_runs/direct.json": {},
}


def call(monkeypatch: pytest.MonkeyPatch, world: World, sample: str) -> dict[str, object]:
    """The function's answer to the sample, on in-memory ports."""
    function = sample.split("/", maxsplit=1)[0]
    module = importlib.import_module(f"functions.{function}.index")
    log = JsonLog(world.clock, write=lambda _line: None)
    ports = world.ports()
    composed = Composition(ports, memory_policy(), log, adapters=None)  # type: ignore[arg-type]
    monkeypatch.setattr(module, "_composer", SimpleNamespace(compose=lambda _context: composed))
    answer: dict[str, object] = module.handler((EVENTS / sample).read_bytes(), CONTEXT)
    return answer


@pytest.fixture
def world() -> World:
    """Ten instances; the run that the samples speak of has been accepted and is due."""
    _, world = memory_ports()
    world.directory.add(*(linux(number) for number in range(10)))
    return world


@pytest.mark.parametrize("sample", sorted(EXPECTED))
def test_a_sample_is_understood_by_its_function(monkeypatch: pytest.MonkeyPatch, world: World, sample: str) -> None:
    if not sample.startswith("accept_requests/"):
        call(monkeypatch, world, "accept_requests/direct.json")
        world.clock.advance(1_500)
    if sample.startswith("push_events/"):
        world.access = AccessWorld()
        subscribe(world.ports(), ADMIN, "ci", types=("run.finished",))
    if sample.startswith("fire_schedules/"):
        call(monkeypatch, world, "accept_requests/schedule-add.json")
        world.clock.advance(60_000)

    answer = call(monkeypatch, world, sample)

    assert answer.get("results", {}) == EXPECTED[sample]


def test_every_sample_has_an_expectation() -> None:
    there = {str(path.relative_to(EVENTS)) for path in EVENTS.glob("*_*/*.json")}
    there = {name for name in there if not name.startswith("serve_http/")}  # tests/web/test_samples.py

    assert there == set(EXPECTED)


def test_every_bad_message_is_rejected_with_its_field_and_is_kept_among_the_dead(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    call(monkeypatch, world, "accept_requests/queue-bad-among-good.json")

    events = [json.loads(body) for body in world.publisher.published]
    fields = [event["data"]["field"] for event in events if event["type"] == "fleetrun.run.rejected"]
    assert fields == ["$", "targets", "instanceIds", "timeout", "command.content", "requestId"]
    assert len(world.queue.dead_letters) == 6


def test_the_demo_request_is_a_good_one() -> None:
    request = decode_request((EVENTS / "demo.json").read_bytes())

    assert isinstance(request, InvokeRequest)
    assert request.targets.tags == {"env": "demo"}
