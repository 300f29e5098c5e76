"""The HTTP API over every real part: FC's HTTP trigger → worker process → rows → functions → shells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from cli.local import local_environment
from localcloud.cloud import LocalCloud
from tests.e2e.world import COUNT, World, executions, invoke, until, whole

TIMEOUT_S = 90


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with whole(instances=24) as made:
        yield made


class Api:
    """A client with a key."""

    def __init__(self, world: World, *, base: str = "", key: str | None = None) -> None:
        self._base = base or f"{world.cloud.url}/api"
        self._session = requests.Session()
        self._session.headers["Authorization"] = (
            f"Bearer {key or local_environment(world.cloud.url)['FLEETRUN_API_KEY']}"
        )

    def get(self, path: str, **more: Any) -> requests.Response:
        return self._session.get(self._base + path, timeout=TIMEOUT_S, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self._session.post(self._base + path, json=body, timeout=TIMEOUT_S, **more)

    def delete(self, path: str, **more: Any) -> requests.Response:
        return self._session.delete(self._base + path, timeout=TIMEOUT_S, **more)


@pytest.fixture
def api(world: World) -> Api:
    return Api(world)


def test_one_call_runs_a_script_once_on_every_fit_instance(world: World, api: Api, tmp_path: Path) -> None:
    request = invoke("http-1", script=COUNT, parameters={"folder": str(tmp_path)})

    first = api.post("/v1/runs?wait=45", request)
    again = api.post("/v1/runs?wait=45", request)

    assert first.status_code == again.status_code == 200, first.text
    assert first.json()["counts"] == {"Excluded": 4, "Success": 20}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert list(executions(tmp_path).values()) == [1] * 20
    page = api.get(f"/v1/runs/{first.json()['runId']}/targets?status=Success&limit=200&output=full").json()
    assert [target["output"] for target in page["targets"]] == ["counted\n"] * 20


def test_what_one_call_writes_the_next_one_reads(world: World, api: Api) -> None:
    """On whichever instance of the function, and from the rows themselves: Tablestore's reads are strong."""
    for number in range(5):
        run_id = api.post("/v1/runs", invoke(f"ryw-{number}", script="true")).json()["runId"]

        assert api.get(f"/v1/runs/{run_id}").status_code == 200
        assert run_id in {run["runId"] for run in api.get("/v1/runs?limit=200").json()["runs"]}
        stored = world.connection.runs.read_run(run_id)
        assert stored is not None
        assert stored.request_id == f"ryw-{number}"


def test_events_are_followed_to_the_last(world: World, api: Api) -> None:
    run_id = api.post("/v1/runs", invoke("follow-1")).json()["runId"]
    seen: list[int] = []
    after, is_over = 0, False

    while not is_over:
        page = api.get(f"/v1/runs/{run_id}/events?after={after}&wait=20").json()
        seen += [int(event["sequence"]) for event in page["events"]]
        after, is_over = page["last"], page["ended"]

    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 4


def test_a_stop_over_http_stops_what_runs(world: World, api: Api, tmp_path: Path) -> None:
    script = 'echo begun > "{{folder}}/$ECS_INSTANCE_ID"; sleep 50; echo done >> "{{folder}}/$ECS_INSTANCE_ID"'
    run_id = api.post("/v1/runs", invoke("stop-1", script=script, parameters={"folder": str(tmp_path)})).json()["runId"]
    until("the first script to run", lambda: any(tmp_path.iterdir()) or None)

    answer = api.post(f"/v1/runs/{run_id}/stop?wait=45")

    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "Stopped"
    assert not any("done" in path.read_text() for path in tmp_path.iterdir())


def test_a_plan_says_what_the_run_then_does(api: Api) -> None:
    plan = api.post("/v1/plans", invoke("plan-1")).json()

    run = api.post("/v1/runs?wait=45", invoke("plan-1")).json()

    assert (plan["requested"], plan["included"], plan["units"]) == (24, 20, 1)
    assert (run["requested"], run["included"], run["unitsSpent"]) == (24, 20, 1)


def test_a_command_is_stored_read_and_deleted_in_cloud_assistant(api: Api) -> None:
    body = {"name": "http-say", "type": "RunShellScript", "content": "echo stored", "timeout": 30}
    key = {"Idempotency-Key": "http-say-1"}

    stored = api.post("/v1/commands", body, headers=key)
    again = api.post("/v1/commands", body, headers=key)
    command_id = stored.json()["commandId"]
    run = api.post("/v1/runs?wait=45", {**invoke("stored-1"), "command": {"commandId": command_id}})
    listed = api.get("/v1/commands?name=http-say").json()["commands"]
    deleted = api.delete(f"/v1/commands/{command_id}")

    assert stored.status_code == 201, stored.text
    assert again.json()["commandId"] == command_id
    assert stored.json()["content"] == "echo stored"
    assert run.json()["counts"]["Success"] == 20
    assert [each["commandId"] for each in listed] == [command_id]
    assert deleted.status_code == 204
    assert api.get(f"/v1/commands/{command_id}").status_code == 404


def test_a_schedule_fires_now_over_http(api: Api) -> None:
    spec = {"frequency": "0 0 3 * * ?", "by": "fleetrun"}
    schedule = api.post("/v1/schedules", {**invoke("http-nightly", script="true"), "schedule": spec})
    schedule_id = schedule.json()["scheduleId"]

    fired = api.post(f"/v1/schedules/{schedule_id}/fire-now")
    run = api.get(f"/v1/runs/{fired.json()['runId']}?wait=45")
    removed = api.delete(f"/v1/schedules/{schedule_id}")

    assert schedule.status_code == 201, schedule.text
    assert run.json()["ended"], run.text
    assert removed.json()["schedule"]["status"] == "Removed"


def test_instances_and_units_are_shown(api: Api) -> None:
    instances = api.get("/v1/instances?tag=env=demo&limit=7").json()
    quota = api.get("/v1/quota").json()

    assert (instances["total"], len(instances["instances"])) == (24, 7)
    assert quota["limit"] == 500
    assert quota["used"] == sum(quota["byRun"].values())


def test_the_platforms_own_address_is_the_same_api(world: World) -> None:
    def address(cloud: LocalCloud) -> str:
        return str(cloud.outputs["ApiUrl"])

    answer = Api(world, base=world.cloud.do(address).rstrip("/")).get("/v1/quota")

    assert answer.status_code == 200


def test_strangers_stay_outside(world: World) -> None:
    for key in ("nonsense", f"frk_{'0' * 12}_{'0' * 64}"):
        answer = Api(world, key=key).post("/v1/runs", invoke("stranger-1"))

        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(answer.text)["code"] == "Unauthorized"
