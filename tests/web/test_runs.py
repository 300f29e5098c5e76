"""Runs over HTTP: started durably, followed, listed, stopped."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.days import day_of
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.model import run_id_of
from tests.app.driving import invoke_request
from tests.web.driving import Web


@pytest.fixture
def web() -> Web:
    web = Web()
    web.fleet(12)
    return web


def test_a_run_is_durable_before_the_answer(web: Web) -> None:
    answer = web.post("/v1/runs", invoke_request("deploy-1"))

    assert answer.status_code == 202
    assert answer.json["runId"] == run_id_of("deploy-1")
    assert answer.headers["Location"] == f"runs/{run_id_of('deploy-1')}"
    assert web.run(run_id_of("deploy-1")).status == "Accepted"
    assert run_id_of("deploy-1") in web.world.runs.unfinished_ids
    assert len(web.world.queue.wakeups) == 1
    assert not web.world.runner.executions, "the API itself sends nothing to ECS"


def test_what_was_written_is_read_at_once(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))

    shown = web.get(f"/v1/runs/{run_id}")
    listed = web.get("/v1/runs")

    assert shown.json["requestId"] == "deploy-1"
    assert [run["runId"] for run in listed.json["runs"]] == [run_id]


def test_a_lost_wakeup_loses_no_run(web: Web) -> None:
    web.world.queue.fail("send_wakeup", UnknownOutcome("dropped"))

    run_id = web.started(invoke_request("deploy-1"))
    web.settle()

    assert web.check_settled(run_id).status == "Success"


def test_rows_that_cannot_be_written_are_no_acceptance(web: Web) -> None:
    web.world.runs.fail("insert_run", Unavailable("busy", code="OTSServerBusy"))

    answer = web.post("/v1/runs", invoke_request("deploy-1"))

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert answer.json["code"] == "OTSServerBusy"


def test_an_unknown_outcome_is_told_as_one_and_the_same_again_is_one_run(web: Web) -> None:
    web.world.runs.fail("insert_run", UnknownOutcome("no answer", code="NoAnswer"), after_effect=True)

    first = web.post("/v1/runs", invoke_request("deploy-1"))
    second = web.post("/v1/runs", invoke_request("deploy-1"))
    web.settle()

    assert first.status_code == 504
    assert "may have been done" in first.json["detail"]
    assert second.status_code == 202
    assert second.headers["Idempotent-Replayed"] == "true"
    assert web.check_settled(run_id_of("deploy-1")).status == "Success"


def test_waiting_ends_with_the_run(web: Web) -> None:
    answer = web.post("/v1/runs?wait=50", invoke_request("deploy-1"))

    assert answer.status_code == 200
    assert answer.json["status"] == "Success"
    assert answer.json["counts"] == {"Success": 12}


@pytest.mark.parametrize(("timeout_ms", "waited_ms"), [(55_000, 50_000), (7_000, 7_000), (-1, 0)])
def test_waiting_ends_before_the_function_does(web: Web, timeout_ms: int, waited_ms: int) -> None:
    web.is_working, web.timeout_ms = False, timeout_ms
    begun_ms = web.world.clock.now_ms()

    answer = web.post("/v1/runs?wait=50", invoke_request("deploy-1"))

    assert answer.status_code == 202
    assert web.world.clock.now_ms() - begun_ms == waited_ms
    assert answer.json["ended"] is False


@pytest.mark.parametrize("wait", ["51", "-1", "soon", "1.5", ""])
def test_a_wait_that_is_none_is_refused(web: Web, wait: str) -> None:
    answer = web.get(f"/v1/runs/{run_id_of('x')}?wait={wait}")

    assert answer.status_code == 400
    assert answer.json["field"] == "?wait"


def test_the_key_in_the_header_stands_for_the_request_id(web: Web) -> None:
    request = invoke_request()
    del request["requestId"], request["kind"]

    first = web.post("/v1/runs", request, headers={"Idempotency-Key": "key-1"})
    second = web.post("/v1/runs", request, headers={"Idempotency-Key": '"key-1"'})

    assert first.json["runId"] == second.json["runId"] == run_id_of("key-1")
    assert second.headers["Idempotent-Replayed"] == "true"


def test_without_any_key_each_call_is_a_run_of_its_own(web: Web) -> None:
    request = invoke_request()
    del request["requestId"]

    ids = {web.post("/v1/runs", request).json["runId"] for _ in range(3)}

    assert len(ids) == 3


@pytest.mark.parametrize(
    ("key", "status"), [("other", 422), ("", 400), ("-x", 400), ("x" * 101, 400), ("deploy-1", 202)]
)
def test_key_and_request_id_must_agree(web: Web, key: str, status: int) -> None:
    answer = web.post("/v1/runs", invoke_request("deploy-1"), headers={"Idempotency-Key": key})

    assert answer.status_code == status
    if status >= 400:
        assert answer.json["field"] == "Idempotency-Key"


def test_the_same_key_with_another_body_is_a_conflict(web: Web) -> None:
    web.started(invoke_request("deploy-1"))

    answer = web.post("/v1/runs", invoke_request("deploy-1", timeout=61))

    assert answer.status_code == 409
    assert answer.json["field"] == "requestId"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, "$"),
        (b"\xff", 400, "$"),
        (b"[" * 100_000, 400, "$"),
        ([1], 422, "$"),
        ({"kind": "stop"}, 422, "kind"),
        (invoke_request(timeout="soon"), 422, "timeout"),
        (invoke_request(colour="red"), 422, "colour"),
        (invoke_request(targets={}), 422, "targets"),
        (invoke_request(targets={"instanceIds": ["x"]}), 422, "targets.instanceIds[0]"),
        (invoke_request(requestId="x" * 129), 422, "requestId"),
        (invoke_request(schedule={"frequency": "rate(1h)", "by": "fleetrun"}), 422, "schedule.by"),
    ],
)
def test_a_bad_body_is_refused_by_its_field(web: Web, body: Any, status: int, field: str) -> None:
    answer = web.post("/v1/runs", body)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["field"] == field
    assert not web.world.runs.runs


def test_a_request_of_six_megabytes_is_taken_and_no_more(web: Web) -> None:
    ids = [f"i-{number:055d}" for number in range(99_999)]
    fits = invoke_request("big-1", targets={"instanceIds": ids})

    taken = web.post("/v1/runs", fits)
    refused = web.post("/v1/runs", b" " * (6 * 1024 * 1024 + 1))

    assert taken.status_code == 202
    assert refused.status_code == 413


def test_a_view_has_an_etag_that_changes_with_the_run(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))
    first = web.get(f"/v1/runs/{run_id}")

    same = web.get(f"/v1/runs/{run_id}", headers={"If-None-Match": first.headers["ETag"]})
    web.settle()
    other = web.get(f"/v1/runs/{run_id}", headers={"If-None-Match": first.headers["ETag"]})

    assert same.status_code == 304
    assert same.data == b""
    assert same.headers["ETag"] == first.headers["ETag"]
    assert other.status_code == 200
    assert other.headers["ETag"] != first.headers["ETag"]


def test_a_list_is_read_page_by_page_newest_first(web: Web) -> None:
    ids = []
    for number in range(7):
        ids.append(web.started(invoke_request(f"deploy-{number}")))
        web.world.clock.advance(9 * 3_600_000)  # over several days

    listed = web.pages("/v1/runs?limit=3", "runs")

    assert [run["runId"] for run in listed] == ids[::-1]


@pytest.mark.parametrize("query", ["", "unfinished=true&", "status=Accepted&"])
def test_a_list_tells_the_runs_that_cannot_be_read_beside_the_others(web: Web, query: str) -> None:
    ids = [web.started(invoke_request(f"deploy-{number}")) for number in range(4)]
    web.world.runs.damaged.add(ids[1])

    damaged = web.pages(f"/v1/runs?{query}limit=1", "damaged")
    listed = web.pages(f"/v1/runs?{query}limit=1", "runs")

    assert [(each["runId"], each["code"]) for each in damaged] == [(ids[1], "RowDamaged")]
    assert damaged[0]["reason"] == f"{ids[1]}/run is damaged"
    assert damaged[0]["day"] == (None if "unfinished" in query else day_of(web.world.clock.now_ms()))
    assert {run["runId"] for run in listed} == {*ids} - {ids[1]}


def test_a_search_for_a_request_shows_no_other_damaged_run(web: Web) -> None:
    ids = [web.started(invoke_request(f"deploy-{number}")) for number in range(2)]
    web.world.runs.damaged.update(ids)

    damaged = web.pages("/v1/runs?requestId=deploy-1", "damaged")

    assert [each["runId"] for each in damaged] == [ids[1]]


def test_a_list_can_be_filtered(web: Web) -> None:
    done = web.started(invoke_request("done-1"))
    web.settle()
    new = web.started(invoke_request("new-1"))

    def found(query: str) -> list[str]:
        return [run["runId"] for run in web.pages(f"/v1/runs?{query}", "runs")]

    assert found("status=Success") == [done]
    assert found("status=Accepted,Running") == [new]
    assert found("requestId=done-1") == [done]
    assert found("unfinished=true") == [new]
    assert found("unfinished=true&limit=1") == [new]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=Happy", "?status"),
        ("limit=0", "?limit"),
        ("limit=201", "?limit"),
        ("cursor=%21", "?cursor"),
        ("cursor=a.b", "?cursor"),
        ("day=2026-02-30", "?day"),
        ("day=today", "?day"),
        ("colour=red", "?colour"),
        ("unfinished=perhaps", "?unfinished"),
    ],
)
def test_a_bad_parameter_is_named(web: Web, query: str, field: str) -> None:
    answer = web.get(f"/v1/runs?{query}")

    assert answer.status_code == 400, answer.text
    assert answer.json["field"] == field


def test_a_cursor_of_another_list_is_refused(web: Web) -> None:
    answer = web.get("/v1/runs?cursor=AAAA")

    assert (answer.status_code, answer.json["code"]) == (422, "BadCursor")


def test_a_stop_is_durable_before_the_answer_and_ends_the_run(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))

    answer = web.post(f"/v1/runs/{run_id}/stop", headers={"Idempotency-Key": "stop-1"})
    again = web.post(f"/v1/runs/{run_id}/stop", headers={"Idempotency-Key": "stop-1"})
    web.settle()

    assert answer.status_code == again.status_code == 202
    assert [mark.request_id for mark in web.world.runs.read_stops(run_id)] == ["stop-1"]
    run = web.check_settled(run_id)
    assert run.status == "Stopped"
    assert run.counts == {"NotStarted": 12}


def test_a_part_can_be_stopped(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))

    web.post(f"/v1/runs/{run_id}/stop", {"instanceIds": ["i-00003"]})
    web.settle()

    assert web.check_settled(run_id).counts == {"NotStarted": 1, "Success": 11}


def test_a_stop_under_a_used_id_that_names_other_instances_is_refused_and_stops_nothing_more(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))
    part = {"requestId": "stop-1", "instanceIds": ["i-00003"]}

    first = web.post(f"/v1/runs/{run_id}/stop", part)
    again = web.post(f"/v1/runs/{run_id}/stop", part)
    other = web.post(f"/v1/runs/{run_id}/stop", {**part, "instanceIds": ["i-00004"]})
    whole = web.post(f"/v1/runs/{run_id}/stop", headers={"Idempotency-Key": "stop-1"})
    web.settle()

    assert (first.status_code, again.status_code) == (202, 202)
    assert [(each.status_code, each.json["code"], each.json["field"]) for each in (other, whole)] == [
        (409, "RequestIdReused", "requestId")
    ] * 2
    assert web.check_settled(run_id).counts == {"NotStarted": 1, "Success": 11}


def test_stopping_what_has_ended_answers_how_it_ended(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))
    web.settle()

    answer = web.post(f"/v1/runs/{run_id}/stop")

    assert answer.status_code == 200
    assert answer.json["status"] == "Success"


@pytest.mark.parametrize(
    "path", ["/v1/runs/{id}", "/v1/runs/{id}/targets", "/v1/runs/{id}/events", "/v1/runs/{id}/stop"]
)
@pytest.mark.parametrize("run_id", [run_id_of("nobody"), "run-1", "x" * 3_000, "%2e%2e", "run-%00"])
def test_a_run_that_is_none_is_not_found(web: Web, path: str, run_id: str) -> None:
    method = "POST" if path.endswith("stop") else "GET"

    answer = web.call(method, path.replace("{id}", run_id))

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


def test_a_plan_says_what_would_be_done_and_writes_nothing(web: Web) -> None:
    web.world.directory.change("i-00001", status="Stopped")
    request = invoke_request("plan-1", rateControl={"waves": [1, "100%"]})

    answer = web.post("/v1/plans", request)

    assert answer.status_code == 200
    assert answer.json["requested"] == 12
    assert answer.json["included"] == 11
    assert answer.json["excludedByReason"] == {"NotRunning": 1}
    assert answer.json["excluded"][0]["instanceId"] == "i-00001"
    assert answer.json["chunks"] == [{"wave": 0, "targets": 1}, {"wave": 1, "targets": 10}]
    assert (answer.json["units"], answer.json["unitsLeft"], answer.json["unitsDeferred"]) == (2, 500, 0)
    assert not web.world.runs.runs
    assert not web.world.queue.wakeups
    assert not web.world.quota.used


def test_a_plan_keeps_what_it_says(web: Web) -> None:
    request = invoke_request("deploy-1")
    told = web.post("/v1/plans", request).json

    run_id = web.started(request)
    web.settle()

    run = web.check_settled(run_id)
    assert (run.requested, run.included, run.planned_chunks) == (told["requested"], told["included"], told["units"])


def test_a_plan_tells_that_the_day_is_too_short() -> None:
    web = Web(daily_quota=1, instances_per_chunk=2)
    web.fleet(5)

    answer = web.post("/v1/plans", invoke_request(onQuotaExhausted="reject"))

    assert (answer.json["units"], answer.json["unitsDeferred"]) == (3, 2)
    assert answer.json["wouldReject"] == "QuotaExhausted"


def test_a_plan_without_targets_is_refused_with_the_field(web: Web) -> None:
    answer = web.post("/v1/plans", invoke_request(targets={"tags": {"env": "nowhere"}}))

    assert answer.status_code == 422
    assert answer.json["field"] == "targets"
