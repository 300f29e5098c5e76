"""The platform's own timer as a schedule: a trigger of template.yml whose payload is an invoke request."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from localcloud.clock import ManualClock, Timeline
from localcloud.fc.timer_triggers import TimerTrigger, read_timer_config
from localcloud.template import Template, read_template
from shared.runtime.compose import Composition
from shared.runtime.log import JsonLog
from tests.app.memory import START_MS, linux, memory_policy, memory_ports

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yml"
PSEUDO = {"ALIYUN::Region": "cn-hangzhou", "ALIYUN::TenantId": "1234", "ALIYUN::NoValue": "ALIYUN::NoValue"}
REQUEST = {
    "kind": "invoke",
    "requestId": "hourly-{triggerTime}",
    "command": {"type": "RunShellScript", "content": "uptime"},
    "targets": {"tags": {"env": "demo"}},
}


def template(**parameters: str) -> Template:
    return read_template(TEMPLATE.read_text(), parameters=parameters, pseudo=PSEUDO)


def test_a_timer_of_the_template_starts_one_run_at_each_of_its_times_even_when_a_call_is_doubled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = template(TimedRequest=json.dumps(REQUEST), TimedRequestCron="0 0 * * * *")
    (trigger,) = (one for one in found.resources if one.name == "TimedRequestTimer")
    properties = found.properties(trigger, {"AcceptRequests": {"FunctionName": "accept_requests"}})
    ports, world = memory_ports()
    world.directory.add(linux(1))
    module = importlib.import_module("functions.accept_requests.index")
    composed = Composition(ports, memory_policy(), JsonLog(world.clock, write=lambda _: None), adapters=None)  # type: ignore[arg-type]
    monkeypatch.setattr(module, "_composer", SimpleNamespace(compose=lambda _context: composed))
    context = SimpleNamespace(request_id="r", function=SimpleNamespace(name="f", timeout=60))
    timeline = Timeline(ManualClock(START_MS))

    def hand_over(event: bytes) -> None:
        world.clock.advance_to(timeline.clock.now_ms())
        module.handler(event, context)
        module.handler(event, context)

    timer = TimerTrigger(
        "timed-request", read_timer_config(properties["TriggerConfig"]), timeline=timeline, hand_over=hand_over
    )
    timer.start()
    timeline.advance_to(START_MS + 2 * 3_600_000)

    assert sorted(run.request_id for run in world.runs.runs.values()) == [
        "hourly-2026-01-05T01:00:00Z",
        "hourly-2026-01-05T02:00:00Z",
    ]


def test_without_a_request_there_is_no_such_timer() -> None:
    assert "TimedRequestTimer" not in {one.name for one in template().resources}
