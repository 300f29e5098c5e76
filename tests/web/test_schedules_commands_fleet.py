"""Schedules, stored commands, instances and units over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.model import run_id_of
from tests.app.driving import invoke_request
from tests.app.memory import linux
from tests.web.driving import Web


@pytest.fixture
def web() -> Web:
    web = Web()
    web.fleet(3)
    return web


def schedule(name: str = "nightly", **spec: Any) -> dict[str, Any]:
    return invoke_request(name, schedule={"frequency": "0 0 3 * * ?", "by": "fleetrun", **spec})


def kept(web: Web, name: str = "nightly") -> str:
    answer = web.post("/v1/schedules", schedule(name))
    assert answer.status_code == 201, answer.text
    return str(answer.json["scheduleId"])


def test_a_schedule_is_kept_once_however_often_it_is_sent(web: Web) -> None:
    first = web.post("/v1/schedules", schedule())
    second = web.post("/v1/schedules", schedule())
    other = web.post("/v1/schedules", schedule(overlap="queue"))

    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 409)
    assert first.json == second.json
    assert first.json["nextFire"] == "2026-01-05T19:00:00Z"
    assert len(first.json["nextFires"]) == 5


def test_a_schedule_is_paused_resumed_fired_and_removed(web: Web) -> None:
    schedule_id = kept(web)

    paused = web.post(f"/v1/schedules/{schedule_id}/pause")
    resumed = web.post(f"/v1/schedules/{schedule_id}/resume", {"requestId": "again-1"})
    fired = web.post(f"/v1/schedules/{schedule_id}/fire-now", headers={"Idempotency-Key": "now-1"})
    fired_again = web.post(f"/v1/schedules/{schedule_id}/fire-now", headers={"Idempotency-Key": "now-1"})
    removed = web.call("DELETE", f"/v1/schedules/{schedule_id}")
    resumed_late = web.post(f"/v1/schedules/{schedule_id}/resume")

    assert (paused.json["result"], paused.json["schedule"]["status"]) == ("paused", "Paused")
    assert resumed.json["schedule"]["status"] == "Active"
    assert fired.json["runId"] == fired_again.json["runId"] == run_id_of("nightly@now-1")
    assert list(web.world.runs.runs) == [run_id_of("nightly@now-1")]
    assert removed.json["schedule"]["status"] == "Removed"
    assert resumed_late.status_code == 409


def test_schedules_are_listed_page_by_page_and_by_name(web: Web) -> None:
    ids = {kept(web, f"job-{number}") for number in range(5)}
    web.call("DELETE", f"/v1/schedules/{sorted(ids)[0]}")

    listed = web.pages("/v1/schedules?limit=2", "schedules")
    removed = web.pages("/v1/schedules?status=Removed", "schedules")
    named = web.pages("/v1/schedules?name=job-3&status=Active,Removed", "schedules")

    assert [each["scheduleId"] for each in listed] == sorted(ids)[1:]
    assert [each["scheduleId"] for each in removed] == sorted(ids)[:1]
    assert [each["name"] for each in named] == ["job-3"]


def test_a_schedule_by_the_cloud_belongs_to_runs(web: Web) -> None:
    body = invoke_request("cloud-1", schedule={"frequency": "0 0 3 * * ?"})

    refused = web.post("/v1/schedules", body)
    taken = web.post("/v1/runs", body)

    assert (refused.status_code, refused.json["field"]) == (422, "schedule.by")
    assert taken.status_code == 202
    assert taken.json["repeating"] is True


def test_a_preview_shows_firings_and_units(web: Web) -> None:
    answer = web.post("/v1/previews", {"frequency": "rate(12h)", "count": 2, "targets": 120})
    wrong = web.post("/v1/previews", {"frequency": "every day"})

    assert answer.status_code == 200
    assert (answer.json["firesPerDay"], answer.json["callsPerFire"], answer.json["unitsPerDay"]) == (2, 3, 6)
    assert len(answer.json["fires"]) == 2
    assert wrong.status_code == 422


def test_a_cloud_schedule_is_brought_in_line_over_the_api(web: Web) -> None:
    run_id = web.started(invoke_request("cloud-1", schedule={"frequency": "0 0 3 * * ?"}))
    for _ in range(4):
        web.step()
    web.world.directory.add(linux(77))

    answer = web.post(f"/v1/runs/{run_id}/sync")

    assert answer.status_code == 200, answer.text
    assert answer.json["included"] == 4


def test_a_schedule_that_is_none_is_not_found(web: Web) -> None:
    for path in ("sch-00000000000000000000", "nightly", "sch-"):
        assert web.get(f"/v1/schedules/{path}").status_code == 404
        assert web.post(f"/v1/schedules/{path}/pause").status_code == 404


# -- updates ----------------------------------------------------------------------------------------------------------
def put(web: Web, schedule_id: str, body: Any, **headers: str) -> Any:
    return web.call(
        "PUT", f"/v1/schedules/{schedule_id}", body, headers={name.replace("_", "-"): headers[name] for name in headers}
    )


def test_a_schedule_is_read_changed_and_put_back_and_who_read_it_earlier_loses(web: Web) -> None:
    schedule_id = kept(web)
    shown = web.get(f"/v1/schedules/{schedule_id}/request")
    mine = {**shown.json, "timeout": 99}
    theirs = {**shown.json, "schedule": {**shown.json["schedule"], "frequency": "0 30 3 * * ?"}}

    first = put(web, schedule_id, mine, If_Match=shown.headers["ETag"])
    second = put(web, schedule_id, theirs, If_Match=shown.headers["ETag"])
    third = put(web, schedule_id, theirs, If_Match=first.headers["ETag"])

    assert shown.headers["ETag"] == '"1"'
    assert (first.status_code, first.json["revision"], first.headers["ETag"]) == (200, 2, '"2"')
    assert (second.status_code, second.json["code"], second.json["field"]) == (412, "RevisionChanged", "If-Match")
    assert second.content_type == "application/problem+json"
    assert (third.status_code, third.json["nextFire"]) == (200, "2026-01-05T19:30:00Z")
    stored = web.get(f"/v1/schedules/{schedule_id}/request").json
    assert (stored["timeout"], stored["schedule"]["frequency"]) == (shown.json["timeout"], "0 30 3 * * ?")


@pytest.mark.parametrize("tag", ["", 'W/"1"', '"2"', '"abc"', "1", '"0"'])
def test_a_tag_that_is_not_the_schedules_own_matches_nothing(web: Web, tag: str) -> None:
    schedule_id = kept(web)

    updated = put(web, schedule_id, {**schedule(), "timeout": 99}, If_Match=tag)
    removed = web.call("DELETE", f"/v1/schedules/{schedule_id}", headers={"If-Match": tag})

    assert (updated.status_code, removed.status_code) == (412, 412)
    assert web.get(f"/v1/schedules/{schedule_id}").json["status"] == "Active"


@pytest.mark.parametrize("tag", ["*", '"1"', '"7", "1"'])
def test_one_tag_of_several_is_enough(web: Web, tag: str) -> None:
    schedule_id = kept(web)

    assert put(web, schedule_id, {**schedule(), "timeout": 99}, If_Match=tag).status_code == 200


def test_a_firing_leaves_the_tag_as_it_is(web: Web) -> None:
    schedule_id = kept(web)
    tag = web.get(f"/v1/schedules/{schedule_id}").headers["ETag"]

    web.post(f"/v1/schedules/{schedule_id}/fire-now")

    assert web.get(f"/v1/schedules/{schedule_id}").headers["ETag"] == tag
    assert put(web, schedule_id, {**schedule(), "timeout": 99}, If_Match=tag).status_code == 200


def test_an_update_whose_answer_was_lost_is_asked_for_again_with_the_old_tag(web: Web) -> None:
    schedule_id, body = kept(web), {**schedule(), "timeout": 99}

    answers = [put(web, schedule_id, body, If_Match='"1"', Idempotency_Key="u-1") for _ in range(2)]
    bare = put(web, schedule_id, body, If_Match='"1"')
    other = put(web, schedule_id, {**body, "timeout": 98}, Idempotency_Key="u-1")

    assert [each.status_code for each in (*answers, bare)] == [200] * 3
    assert bare.json["revision"] == 2
    assert (other.status_code, other.json["code"]) == (409, "RequestIdReused")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**schedule(), "timeout": 5}, "timeout"),
        (invoke_request("other", schedule=schedule()["schedule"]), "request.requestId"),
        (invoke_request("nightly"), "schedule.by"),
        (invoke_request("nightly", schedule={"frequency": "0 0 3 * * ?"}), "schedule.by"),
        (schedule(endAt="2026-01-05T00:00:01Z"), "schedule.endAt"),
        (schedule(frequency="at(2025-01-01 00:00:00)"), "schedule.frequency"),
    ],
)
def test_an_update_that_cannot_be_is_refused_by_its_field(web: Web, body: dict[str, Any], field: str) -> None:
    schedule_id = kept(web)

    answer = put(web, schedule_id, body)

    assert (answer.status_code, answer.json["field"]) == (422, field)
    assert web.get(f"/v1/schedules/{schedule_id}").json["revision"] == 1


def test_a_cloud_schedule_is_not_updated_and_the_problem_says_what_to_do(web: Web) -> None:
    run_id = web.started(invoke_request("cloud-1", schedule={"frequency": "0 0 3 * * ?"}))

    answer = put(web, run_id, schedule("cloud-1"))

    assert (answer.status_code, answer.json["code"]) == (409, "CloudSchedule")
    assert "stop the run" in answer.json["detail"]


def test_a_removed_name_is_free_for_another_request_and_a_put_begins_it_anew(web: Web) -> None:
    schedule_id = kept(web)
    web.call("DELETE", f"/v1/schedules/{schedule_id}")

    same = web.post("/v1/schedules", schedule())
    again = put(web, schedule_id, schedule())
    web.call("DELETE", f"/v1/schedules/{schedule_id}")
    other = web.post("/v1/schedules", schedule(overlap="queue"))

    assert (same.status_code, same.json["code"]) == (409, "ScheduleOver")
    assert "PUT /v1/schedules/" in same.json["detail"]
    assert (again.status_code, again.json["status"], again.json["fired"]) == (200, "Active", 0)
    assert (other.status_code, other.json["overlap"]) == (201, "queue")


def test_a_viewer_does_not_read_what_a_schedule_repeats() -> None:
    web = Web()
    web.fleet(1)
    schedule_id = kept(web)
    web.role = "viewer"

    assert web.get(f"/v1/schedules/{schedule_id}").status_code == 200
    assert web.get(f"/v1/schedules/{schedule_id}/request").status_code == 403
    assert put(web, schedule_id, schedule()).status_code == 403


COMMAND = {"name": "say", "type": "RunShellScript", "content": "echo hi", "timeout": 30}


def test_a_command_is_stored_shown_listed_and_deleted(web: Web) -> None:
    stored = web.post("/v1/commands", COMMAND, headers={"Idempotency-Key": "cmd-1"})
    again = web.post("/v1/commands", COMMAND, headers={"Idempotency-Key": "cmd-1"})
    command_id = stored.json["commandId"]
    shown = web.get(f"/v1/commands/{command_id}")
    listed = web.pages("/v1/commands", "commands")
    deleted = web.call("DELETE", f"/v1/commands/{command_id}")
    gone = web.call("DELETE", f"/v1/commands/{command_id}")

    assert stored.status_code == 201
    assert again.json["commandId"] == command_id
    assert shown.json["content"] == "echo hi"
    assert [(each["commandId"], each["content"]) for each in listed] == [(command_id, None)]
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert gone.status_code == 404


def test_commands_are_listed_page_by_page(web: Web) -> None:
    for number in range(5):
        web.post("/v1/commands", {**COMMAND, "name": f"say-{number}"})

    listed = web.pages("/v1/commands?limit=2", "commands")

    assert [each["name"] for each in listed] == [f"say-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"content": "x" * 18_433}, "content"),
        ({"content": "!", "contentEncoding": "Base64"}, "content"),
        ({"content": ""}, "content"),
        ({"type": "RunPython"}, "type"),
        ({"timeout": 5}, "timeout"),
        ({"name": "a b"}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_command_is_refused_by_its_field(web: Web, change: dict[str, Any], field: str) -> None:
    answer = web.post("/v1/commands", {**COMMAND, **change})

    assert answer.status_code == 422
    assert answer.json["field"] == field


def test_instances_are_chosen_by_tag_and_name_and_come_in_pages(web: Web) -> None:
    everything = web.pages("/v1/instances?limit=1", "instances")
    by_tag = web.get("/v1/instances?tag=env=demo&name=web-1").json
    none = web.get("/v1/instances?tag=env=prod").json

    assert [each["instanceId"] for each in everything] == ["i-00000", "i-00001", "i-00002"]
    assert everything[0]["agentOnline"] is True
    assert [each["name"] for each in by_tag["instances"]] == ["web-1"]
    assert (none["instances"], none["total"], none["next"]) == ([], 0, None)


def test_the_units_of_a_day_are_told_with_the_runs_that_took_them(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))
    web.settle()

    answer = web.get("/v1/quota")
    closed = web.world.quota.closed
    closed.add(("cn-hangzhou", "2026-01-05"))
    after = web.get("/v1/quota?day=2026-01-05&region=cn-hangzhou")

    assert (answer.json["used"], answer.json["limit"], answer.json["left"]) == (1, 500, 499)
    assert answer.json["byRun"] == {run_id: 1}
    assert (after.json["left"], after.json["closed"]) == (0, True)
