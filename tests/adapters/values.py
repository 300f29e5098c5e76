"""Values for tests of the stores."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.core.model import Chunk, Event, Excluded, Run, StopMark, Target
from shared.core.requests import Command, InvokeRequest, RateControl, TargetSelection
from shared.core.schedule import Schedule
from shared.core.schedule_spec import ScheduleSpec

REQUEST = InvokeRequest(
    request_id="deploy-42",
    command=Command(type="RunShellScript", content="echo 'größer' {{who}}\n"),
    targets=TargetSelection(tags={"env": "demo"}),
    parameters={"who": "wörld"},
    rate_control=RateControl(max_concurrency="10%", waves=(1, "50%")),
)


def a_run(run_id: str = "run-0001", **changes: object) -> Run:
    fields: dict[str, object] = {
        "run_id": run_id,
        "request_id": "deploy-42",
        "request": REQUEST,
        "body_hash": "abc",
        "region": "cn-hangzhou",
        "accepted_ms": 1_767_571_200_000,
    }
    return Run(**{**fields, **changes})  # type: ignore[arg-type]


def a_full_run(run_id: str = "run-0001") -> Run:
    """Every field away from its default."""
    return a_run(
        run_id,
        status="Running",
        version=1,
        holder="h1",
        lease_until_ms=5,
        due_ms=6,
        wakeup_no=7,
        attempts=2,
        planned_chunks=3,
        opened=2,
        active={1: 10, 2: 0},
        sending=(2, 4),
        wave_ends=(1, 3),
        included=120,
        requested=130,
        excluded=10,
        closed_counts={"Excluded": 10},
        counts={"Excluded": 10, "Running": 120},
        grants={"2026-01-05": 3},
        spent={"2026-01-05": 2},
        deferred_to="2026-01-06",
        command_id="c-1",
        command_owned=True,
        halted="StopRequested",
        stops_seen=1,
        reason="…",
        width=4,
        event_seq=9,
        event_sent=8,
    )


def a_chunk(number: int = 1, run_id: str = "run-0001", **changes: object) -> Chunk:
    fields: dict[str, object] = {
        "run_id": run_id,
        "number": number,
        "wave": 0,
        "targets": (Target("i-00001", "web-1"), Target("i-00002", "wéb-2")),
        "plan_no": 2,
    }
    return Chunk(**{**fields, **changes})  # type: ignore[arg-type]


def a_stop(request_id: str = "stop-1", run_id: str = "run-0001") -> StopMark:
    return StopMark(run_id, request_id, ("i-00001",), requested_ms=17)


def an_event(sequence: int, text: str = "{}", run_id: str = "run-0001") -> Event:
    return Event(run_id, sequence, "run.planned", text.encode())


def excluded(count: int) -> list[Excluded]:
    return [Excluded(f"i-{number:05d}", f"web-{number}", "NotRunning", "It is Stopped.") for number in range(count)]


def a_schedule(name: str = "nightly", **changes: Any) -> Schedule:
    spec = ScheduleSpec(frequency="0 0 3 * * ?", by="fleetrun", overlap="queue", jitter=30)
    fields: dict[str, Any] = {
        "schedule_id": f"sch-{name}",
        "name": name,
        "request": msgspec.structs.replace(REQUEST, request_id=name, schedule=spec),
        "body_hash": "abc",
        "region": "cn-hangzhou",
        "created_ms": 1_767_571_200_000,
    }
    return Schedule(**{**fields, **changes})
