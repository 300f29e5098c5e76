"""A run's life on in-memory ports: what happens when everything goes well, and when the request says how."""

from __future__ import annotations

import pytest

from shared.core.errors import Refused
from shared.core.model import Agent, run_id_of
from tests.app.driving import Drive, invoke_request
from tests.app.memory import Ending, linux


def fleet(drive: Drive, count: int) -> None:
    drive.world.directory.add(*(linux(number) for number in range(count)))


def test_120_targets_go_out_in_3_calls_and_all_succeed() -> None:
    drive = Drive()
    fleet(drive, 120)

    run_id = drive.send(invoke_request())
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.status == "Success"
    assert run.counts == {"Success": 120}
    assert drive.world.runner.count("invoke") == 3
    assert drive.kinds(run_id)[:2] == ["run.accepted", "run.planned"]
    assert drive.kinds(run_id)[-1] == "run.finished"
    assert drive.kinds(run_id).count("chunk.invoked") == 3


def test_every_unfit_target_is_excluded_with_its_reason() -> None:
    drive = Drive()
    fleet(drive, 3)
    drive.world.directory.add(
        linux(10, status="Stopped"),
        linux(11, network_type="classic"),
        linux(12, os_type="windows"),
        linux(13, online=False),
        linux(14, online=False, version=""),
    )
    ids = [f"i-{number:05d}" for number in (0, 1, 2, 2, 10, 11, 12, 13, 14, 99)]

    run_id = drive.send(invoke_request(targets={"instanceIds": ids}))
    drive.settle()

    run = drive.check_settled(run_id)
    reasons = {(each.instance_id, each.reason) for each in drive.world.runs.read_excluded(run)}
    assert reasons == {
        ("i-00002", "Duplicate"),
        ("i-00010", "NotRunning"),
        ("i-00011", "ClassicNetwork"),
        ("i-00012", "OsMismatch"),
        ("i-00013", "AgentOffline"),
        ("i-00014", "AgentMissing"),
        ("i-00099", "NotFound"),
    }
    assert run.requested == 10
    assert run.counts == {"Excluded": 7, "Success": 3}
    assert run.status == "PartialFailed"


def test_on_unfit_reject_sends_nothing_and_ends_every_target() -> None:
    drive = Drive()
    fleet(drive, 3)
    drive.world.directory.add(linux(10, status="Stopped"))

    run_id = drive.send(invoke_request(onUnfit="reject"))
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.status == "Rejected"
    assert run.counts == {"Excluded": 1, "NotStarted": 3}
    assert drive.world.runner.count("invoke") == 0
    assert drive.world.quota.used == {}


def test_a_selection_that_matches_nothing_is_rejected_by_name() -> None:
    drive = Drive()

    run_id = drive.send(invoke_request())
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.status == "Rejected"
    assert drive.kinds(run_id) == ["run.accepted", "run.rejected", "run.finished"]
    assert drive.events(run_id)[1]["data"]["field"] == "targets"


def test_failed_targets_keep_exit_code_and_output() -> None:
    drive = Drive()
    fleet(drive, 60)
    drive.world.runner.ending = lambda _invocation, one: (
        Ending(status="Failed", exit_code=3, output=b"disk full\n") if one.endswith("7") else Ending()
    )

    run_id = drive.send(invoke_request())
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.status == "PartialFailed"
    assert run.counts == {"Failed": 6, "Success": 54}
    chunk = drive.world.runs.chunks[run_id, 1]
    failed = [(index, target) for index, target in enumerate(chunk.targets) if target.status == "Failed"]
    assert {target.exit_code for _, target in failed} == {3}
    assert drive.world.runs.outputs[run_id, 1][failed[0][0]] == b"disk full\n"


def test_the_quota_defers_what_it_cannot_pay_for_to_the_next_day_of_utc8() -> None:
    drive = Drive(daily_quota=2)
    fleet(drive, 150)

    run_id = drive.send(invoke_request())
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.status == "Success"
    assert drive.world.runner.calls_by_day == {"2026-01-05": 2, "2026-01-06": 1}
    deferred = [event["data"] for event in drive.events(run_id) if event["type"] == "fleetrun.run.deferred"]
    assert [(each["toDay"], each["chunks"]) for each in deferred] == [("2026-01-06", 1)]


def test_on_quota_exhausted_reject_sends_nothing_and_gives_the_units_back() -> None:
    drive = Drive(daily_quota=2)
    fleet(drive, 150)

    run_id = drive.send(invoke_request(onQuotaExhausted="reject"))
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.status == "Rejected"
    assert run.counts == {"NotStarted": 150}
    assert drive.world.runner.count("invoke") == 0
    assert drive.world.quota.used == {("cn-hangzhou", "2026-01-05"): 0}


def test_when_ecs_says_the_day_is_used_up_the_rest_waits_for_the_next() -> None:
    drive = Drive()
    drive.world.runner.quota = 1
    fleet(drive, 150)

    run_id = drive.send(invoke_request())
    while drive.run(run_id).status != "Deferred":
        assert drive.step()
    drive.world.runner.quota = 500
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.status == "Success"
    assert drive.world.quota.closed == {("cn-hangzhou", "2026-01-05")}
    assert drive.world.runner.calls_by_day == {"2026-01-05": 1, "2026-01-06": 2}


def test_a_stop_ends_what_runs_and_never_starts_the_rest() -> None:
    drive = Drive(daily_quota=2)
    fleet(drive, 150)
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=600_000)
    run_id = drive.send(invoke_request(timeout=3600))
    drive.step()
    drive.world.clock.advance(700)

    drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id})
    calls_at_stop = drive.world.runner.count("invoke")
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.status == "Stopped"
    assert run.counts == {"NotStarted": 50, "Terminated": 100}
    assert drive.world.runner.count("invoke") == calls_at_stop == 2
    assert drive.kinds(run_id).count("run.stopping") == 1


def test_a_stop_that_overtakes_its_run_is_heeded_when_the_run_comes() -> None:
    drive = Drive()
    fleet(drive, 10)
    request = invoke_request()
    drive.send({"kind": "stop", "requestId": "stop-1", "runId": "run-" + "0" * 20})
    drive.send({"kind": "stop", "requestId": "stop-2", "runId": run_id_of("deploy-1")})
    run_id = drive.send(request)
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.counts == {"NotStarted": 10}
    assert run.status == "Stopped"


def test_a_partial_stop_stops_only_the_named_targets() -> None:
    drive = Drive()
    fleet(drive, 4)
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=20_000)
    run_id = drive.send(invoke_request())
    drive.step()
    drive.world.clock.advance(1_000)

    drive.send({"kind": "stop", "requestId": "s", "runId": run_id, "instanceIds": ["i-00001", "i-00003"]})
    drive.settle()

    drive.check_settled(run_id)
    assert drive.outcomes(run_id) == {
        "i-00000": "Success",
        "i-00001": "Terminated",
        "i-00002": "Success",
        "i-00003": "Terminated",
    }


def test_stopping_a_finished_run_is_answered_and_changes_nothing() -> None:
    drive = Drive()
    fleet(drive, 1)
    run_id = drive.send(invoke_request())
    drive.settle()
    before = drive.run(run_id)

    drive.send({"kind": "stop", "requestId": "late", "runId": run_id})

    assert drive.last_answer == "settled"
    assert drive.run(run_id) == before


def test_a_redelivered_request_is_the_same_run() -> None:
    drive = Drive()
    fleet(drive, 5)

    run_id = drive.send(invoke_request())
    drive.send(invoke_request())
    drive.settle()
    drive.send(invoke_request())
    drive.settle()

    drive.check_settled(run_id)
    assert drive.last_answer == "repeated"
    assert len(drive.world.runs.runs) == 1


def test_the_same_request_id_with_another_body_is_rejected_and_the_first_run_goes_on() -> None:
    drive = Drive()
    fleet(drive, 5)

    run_id = drive.send(invoke_request())
    drive.send(invoke_request(timeout=99))
    drive.settle()

    assert drive.last_answer == "rejected"
    assert drive.check_settled(run_id).status == "Success"
    assert len(drive.world.queue.dead_letters) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "$"),
        (b'{"kind": "invoke", "requestId": "a", "oops": 1}', "oops"),
        (b'{"kind": "invoke", "requestId": "a", "command": {"commandId": "c-1"}, "targets": {}}', "targets"),
    ],
)
def test_a_bad_message_is_one_rejection_and_one_dead_letter_however_often_it_comes(body: bytes, field: str) -> None:
    drive = Drive()

    for _ in range(3):
        drive.send(body, message_id="m-same")

    (rejected,) = drive.world.runs.runs.values()
    assert [event["data"]["field"] for event in drive.events(rejected.run_id)] == [field]
    assert len(drive.world.publisher.published) == 1
    assert len(drive.world.queue.dead_letters) == 1


def test_a_target_that_turned_unfit_after_preflight_is_excluded_and_the_others_run() -> None:
    drive = Drive()
    fleet(drive, 50)
    run_id = drive.send(invoke_request())
    del drive.world.directory.known["i-00007"]

    drive.settle()

    drive.check_settled(run_id)
    assert drive.run(run_id).counts == {"Excluded": 1, "Success": 49}
    assert drive.outcomes(run_id)["i-00007"] == "Excluded"


def test_one_instance_that_ecs_refuses_for_no_reason_we_see_is_found_by_halving() -> None:
    drive = Drive()
    fleet(drive, 50)
    drive.world.runner.refuse = lambda invocation: (
        Refused("no", code="InvalidInstance.NotMatch") if "i-00031" in invocation.instance_ids else None
    )

    run_id = drive.send(invoke_request())
    drive.settle()

    drive.check_settled(run_id)
    assert drive.outcomes(run_id)["i-00031"] == "Excluded"
    assert drive.run(run_id).counts == {"Excluded": 1, "Success": 49}


def test_a_command_that_ecs_refuses_ends_the_run_as_rejected() -> None:
    drive = Drive()
    fleet(drive, 5)

    run_id = drive.send(invoke_request(command={"commandId": "c-none"}))
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.status == "Rejected"
    assert "InvalidCmdId.NotFound" in run.reason


def test_results_that_never_come_are_unknown_at_the_deadline_not_failed() -> None:
    drive = Drive()
    fleet(drive, 4)
    drive.world.runner.ending = lambda _invocation, one: (
        Ending(missing=True) if one == "i-00001" else Ending(silent=True) if one == "i-00002" else Ending()
    )

    run_id = drive.send(invoke_request())
    drive.settle()

    run = drive.check_settled(run_id)
    assert run.counts == {"Success": 2, "Unknown": 2}
    assert run.status == "PartialFailed"


def test_the_command_made_for_the_run_is_deleted_at_its_end() -> None:
    drive = Drive()
    fleet(drive, 1)

    drive.send(invoke_request())
    drive.settle()

    assert drive.world.runner.commands == {}
    assert drive.world.runner.count("create_command") == 1


def test_agents_are_asked_for_only_where_it_can_matter() -> None:
    drive = Drive()
    drive.world.directory.add(linux(1, status="Stopped"))
    drive.world.directory.set_agent("i-00001", Agent("i-00001", online=False, version=""))

    drive.send(invoke_request())
    drive.settle()

    assert drive.world.directory.count("agents") == 0
