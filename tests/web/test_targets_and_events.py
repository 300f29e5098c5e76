"""Targets page by page with their outputs; events again and as they come."""

from __future__ import annotations

import json

import pytest

from tests.app.driving import invoke_request
from tests.app.memory import Ending
from tests.web.driving import Web


@pytest.fixture
def web() -> Web:
    web = Web(instances_per_chunk=4)
    web.fleet(11)
    web.world.directory.change("i-00004", status="Stopped")
    return web


def ended(web: Web) -> str:
    run_id = web.started(invoke_request("deploy-1"))
    web.settle()
    return run_id


def test_every_target_comes_once_over_all_pages(web: Web) -> None:
    run_id = ended(web)

    for limit in (1, 3, 4, 200):
        found = web.pages(f"/v1/runs/{run_id}/targets?limit={limit}", "targets")

        assert sorted(target["instanceId"] for target in found) == [f"i-{number:05d}" for number in range(11)]
        assert found[0]["instanceId"] == "i-00004"
        assert (found[0]["status"], found[0]["reason"]) == ("Excluded", "NotRunning")
        assert all(target["ended"] for target in found)


def test_targets_can_be_filtered(web: Web) -> None:
    web.world.runner.ending = lambda _invocation, _instance_id: Ending(status="Failed", exit_code=3)
    run_id = ended(web)

    def found(query: str) -> list[str]:
        return [target["instanceId"] for target in web.pages(f"/v1/runs/{run_id}/targets?{query}", "targets")]

    assert found("status=Excluded") == ["i-00004"]
    assert len(found("status=Failed,Excluded&limit=4")) == 11
    assert found("instanceId=i-00003,i-00009&limit=1") == ["i-00003", "i-00009"]
    assert found("status=Excluded&instanceId=i-00003") == []


def test_outputs_come_whole_in_part_or_not_at_all(web: Web) -> None:
    run_id = ended(web)
    chunk = next(key for key in web.world.runs.chunks if key[0] == run_id)
    instance_id = web.world.runs.chunks[chunk].targets[0].instance_id
    web.world.runs.outputs[chunk] = {0: b"x" * 20_000 + b"\xff"}

    def output(wanted: str) -> tuple[str | None, str | None]:
        page = web.get(f"/v1/runs/{run_id}/targets?instanceId={instance_id}&output={wanted}").json
        return page["targets"][0]["output"], page["targets"][0]["outputBase64"]

    assert output("none") == (None, None)
    assert len(output("head")[0] or "") <= 512
    text, encoded = output("full")
    assert text == "x" * 20_000 + "\ufffd"
    assert encoded is not None


def test_whole_outputs_come_in_pages_that_fit_an_answer(web: Web) -> None:
    run_id = ended(web)
    for key in list(web.world.runs.chunks):
        web.world.runs.outputs[key] = dict.fromkeys(range(4), b"x" * 900000)

    first = web.get(f"/v1/runs/{run_id}/targets?output=full").json
    found = web.pages(f"/v1/runs/{run_id}/targets?output=full", "targets")

    assert 0 < len(first["targets"]) < 11
    assert len({target["instanceId"] for target in found}) == len(found) == 11


def test_events_are_replayed_after_a_number(web: Web) -> None:
    run_id = ended(web)

    everything = web.get(f"/v1/runs/{run_id}/events").json
    rest = web.get(f"/v1/runs/{run_id}/events?after=2&limit=2").json

    assert [int(event["sequence"]) for event in everything["events"]] == list(range(1, everything["last"] + 1))
    assert everything["events"] == web.events(run_id)
    assert everything["ended"] is True
    assert rest["events"] == everything["events"][2:4]
    assert (rest["last"], rest["ended"]) == (4, False)


def test_an_event_that_is_prepared_and_not_committed_is_not_shown(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))
    web.settle()
    shown = web.get(f"/v1/runs/{run_id}/events").json["last"]
    last = web.world.runs.events[run_id, shown]
    web.world.runs.events[run_id, shown + 1] = last

    assert web.get(f"/v1/runs/{run_id}/events").json["last"] == shown


def test_waiting_for_an_event_ends_with_the_first(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))
    begun_ms = web.world.clock.now_ms()

    answer = web.get(f"/v1/runs/{run_id}/events?wait=30")

    assert answer.json["events"][0]["type"] == "fleetrun.run.accepted"
    assert 0 < web.world.clock.now_ms() - begun_ms < 30_000


def test_waiting_in_vain_answers_with_none(web: Web) -> None:
    web.is_working = False
    run_id = web.started(invoke_request("deploy-1"))

    answer = web.get(f"/v1/runs/{run_id}/events?wait=3")

    assert (answer.status_code, answer.json["events"], answer.json["last"]) == (200, [], 0)


def test_following_page_by_page_yields_every_event_once(web: Web) -> None:
    run_id = web.started(invoke_request("deploy-1"))
    seen: list[str] = []
    after, is_over = 0, False

    while not is_over:
        page = web.get(f"/v1/runs/{run_id}/events?after={after}&wait=20").json
        seen += [event["id"] for event in page["events"]]
        after, is_over = page["last"], page["ended"]

    assert seen == [event["id"] for event in web.events(run_id)]


def test_a_stream_is_what_there_is_with_ids_to_go_on_from(web: Web) -> None:
    run_id = ended(web)
    accept = {"Accept": "text/event-stream"}

    first = web.get(f"/v1/runs/{run_id}/events?limit=2", headers=accept)
    second = web.get(f"/v1/runs/{run_id}/events", headers={**accept, "Last-Event-ID": "2"})
    last = web.get(f"/v1/runs/{run_id}/events", headers={**accept, "Last-Event-ID": "99"})

    assert first.content_type.startswith("text/event-stream")
    blocks = first.text.split("\n\n")
    assert blocks[0] == "retry: 1000"
    assert [block.split("\n")[0] for block in blocks[1:3]] == ["id: 1", "id: 2"]
    data = json.loads(blocks[1].split("\n")[2].removeprefix("data: "))
    assert data["type"] == "fleetrun.run.accepted"
    assert second.text.split("\n\n")[1].startswith("id: 3\n")
    assert last.status_code == 204, "an EventSource stops coming at 204"
