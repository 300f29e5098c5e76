"""The main job over every real part: MNS SDK → queue trigger → worker process → ECS SDK → shells → events."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.world import COUNT, World, executions, invoke, until


def test_one_message_runs_a_script_once_on_every_fit_instance(world: World, tmp_path: Path) -> None:
    run = world.run(invoke("main-1", script=COUNT, parameters={"folder": str(tmp_path)}))

    assert run.status == "PartialFailed"
    assert run.counts == {"Excluded": 20, "Success": 100}
    assert run.requested == 120
    assert sum(run.spent.values()) == 2
    assert list(executions(tmp_path).values()) == [1] * 100


def test_every_excluded_instance_has_its_reason(world: World) -> None:
    run = world.run(invoke("main-2"))

    excluded = world.report(run).excluded
    reasons = sorted(each.reason for each in excluded)
    assert reasons == (
        ["AgentMissing"] * 4 + ["AgentOffline"] * 4 + ["ClassicNetwork"] * 3 + ["NotRunning"] * 6 + ["OsMismatch"] * 3
    )
    assert all(each.detail for each in excluded)


def test_the_events_come_in_order_without_a_gap_and_tell_every_outcome(world: World) -> None:
    run = world.run(invoke("main-3", script="echo told; exit 4"))

    events = until("run.finished", lambda: _complete(world, run.run_id))
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
    kinds = [event["type"].removeprefix("fleetrun.") for event in events]
    assert kinds[:2] == ["run.accepted", "run.planned"]
    assert kinds[-1] == "run.finished"
    assert kinds.count("run.finished") == 1
    told = [
        target for event in events if event["type"].endswith("targets.finished") for target in event["data"]["targets"]
    ]
    assert len({target["instanceId"] for target in told}) == len(told) == 100
    assert {(target["status"], target["exitCode"], target["output"]) for target in told} == {("Failed", 4, "told\n")}


def _complete(world: World, run_id: str) -> list[dict[str, object]] | None:
    events = world.events(run_id)
    return events if events and str(events[-1]["type"]).endswith("run.finished") else None


def test_a_message_delivered_twice_is_one_run(world: World, tmp_path: Path) -> None:
    request = invoke("main-4", script=COUNT, parameters={"folder": str(tmp_path)})

    world.send(request)
    run = world.run(request)

    assert run.counts == {"Excluded": 20, "Success": 100}
    assert set(executions(tmp_path).values()) == {1}


def test_bad_messages_are_rejected_by_field_and_their_neighbours_go_on(world: World) -> None:
    bad = {
        "not json": ("{", ""),
        "unknown field": (json.dumps({**invoke("bad-1"), "colour": "red"}), "colour"),
        "wrong type": (json.dumps({**invoke("bad-2"), "timeout": "soon"}), "timeout"),
        "empty targets": (json.dumps({**invoke("bad-3"), "targets": {"instanceIds": []}}), "targets"),
        "no targets": (json.dumps({**invoke("bad-4"), "targets": {}}), "targets"),
        "long id": (json.dumps(invoke("x" * 200)), "requestId"),
    }

    ids = {name: world.send_text(body) for name, (body, _) in bad.items()}
    run = world.run(invoke("good-among-bad"))

    assert run.counts == {"Excluded": 20, "Success": 100}
    letters = until("all dead letters", lambda: _letters(world, set(ids.values())))
    for name, (_, field) in bad.items():
        letter = letters[ids[name]]
        assert field in letter["field"], f"{name}: {letter}"


def _letters(world: World, message_ids: set[str]) -> dict[str, dict[str, str]] | None:
    found = {letter.get("messageId", ""): letter for letter in world.dead_letters()}
    return found if message_ids <= set(found) else None


def test_stopping_a_run_ends_every_target_truthfully(world: World, tmp_path: Path) -> None:
    script = 'echo begun > "{{folder}}/$ECS_INSTANCE_ID"; sleep 50; echo done >> "{{folder}}/$ECS_INSTANCE_ID"'
    run_id = world.send(invoke("stopped-1", script=script, parameters={"folder": str(tmp_path)}))
    until("the first script to run", lambda: any(tmp_path.iterdir()) or None)

    stop = {"kind": "stop", "requestId": "stop-1", "runId": run_id}
    world.send_text(json.dumps(stop), queue="fleetrun-stops")
    run = world.ended(run_id)

    assert run.status == "Stopped"
    assert sum(run.counts.values()) == 120
    assert set(run.counts) <= {"Excluded", "Terminated", "Cancelled", "NotStarted"}
    assert not any("done" in path.read_text() for path in tmp_path.iterdir())


def test_functions_can_be_called_one_by_one_with_the_fc_sdk(world: World) -> None:
    from shared.adapters.fc import FunctionCalls

    settings = world.connection.settings
    assert settings.credentials is not None
    calls = FunctionCalls(settings.fc_endpoint, settings.credentials)

    answer = calls.invoke("accept_requests", json.dumps(invoke("direct-1")).encode())
    swept = calls.invoke("sweep_runs", b"{}")

    assert json.loads(answer.body)
    assert json.loads(swept.body)
    assert world.ended(world.send(invoke("direct-1"))).counts["Success"] == 100
