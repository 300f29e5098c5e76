"""Cloud schedules on in-memory ports: one call per chunk, every repetition told once, until stopped or out of time."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from shared.app.accept import accept_run
from shared.core.access import Allowed
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.model import Run, run_id_of
from shared.core.requests import InvokeRequest, decode_request
from tests.app.driving import Drive, invoke_request
from tests.app.memory import Ending, linux

HOUR_MS = 3_600_000
# It begins at 2026-01-05T00:00:00Z, 08:00 in UTC+8.


def by_cloud(frequency: str) -> dict[str, Any]:
    return {"schedule": {"frequency": frequency}, "timeout": 30}


class CloudDrive(Drive):
    def pass_time(self, ms: int) -> None:
        """Wake-ups come when they are due; the sweep every ten minutes."""
        until_ms = self.world.clock.now_ms() + ms
        while True:
            due_ms = self.world.queue.next_due_ms()
            if due_ms is None or due_ms > until_ms:
                break
            self.step()
        self.world.clock.advance_to(until_ms)
        self.sweep()

    def repetitions(self, run_id: str) -> list[dict[str, Any]]:
        """As announced, in order."""
        events = [each for each in self.events(run_id) if each["type"] == "fleetrun.repetitions.finished"]
        return [repetition for event in events for repetition in event["data"]["repetitions"]]

    def told(self, run_id: str) -> dict[str, list[int]]:
        """Repeats by instance, in the order in which they were announced."""
        found: dict[str, list[int]] = {}
        for each in self.repetitions(run_id):
            found.setdefault(each["instanceId"], []).append(each["repeat"])
        return found


@pytest.fixture
def drive() -> CloudDrive:
    made = CloudDrive()
    made.world.directory.add(*(linux(number) for number in range(60)))
    return made


def ends(drive: CloudDrive, run_id: str) -> Run:
    drive.settle()
    return drive.run(run_id)


def test_one_call_per_chunk_and_the_run_stays_scheduled(drive: CloudDrive) -> None:
    run_id = drive.send(invoke_request(**by_cloud("0 0 * * * ?")))

    drive.pass_time(3 * HOUR_MS + 60_000)

    run = drive.run(run_id)
    assert run.status == "Scheduled"
    assert run.counts == {"Scheduled": 60}
    assert drive.world.runner.count("invoke") == 2
    assert {known.invocation.frequency for known in drive.world.runner.invocations.values()} == {
        "0 0 * * * ? Asia/Shanghai"
    }
    assert sum(run.spent.values()) == 2


def test_each_repetition_of_each_target_is_told_once_with_its_outcome(drive: CloudDrive) -> None:
    drive.world.runner.ending_of_repetition = lambda instance_id, repeat: (
        Ending("Failed", exit_code=3, output=b"disk full\n") if (instance_id, repeat) == ("i-00007", 2) else Ending()
    )
    run_id = drive.send(invoke_request(**by_cloud("0 0 * * * ?")))

    drive.pass_time(3 * HOUR_MS + 60_000)

    assert drive.told(run_id) == {f"i-{number:05d}": [1, 2, 3] for number in range(60)}
    failed = [each for each in drive.repetitions(run_id) if each["status"] == "Failed"]
    assert [(each["instanceId"], each["repeat"], each["exitCode"], each["output"]) for each in failed] == [
        ("i-00007", 2, 3, "disk full\n")
    ]
    assert drive.outcomes(run_id) == {}


def test_between_firings_nothing_is_asked(drive: CloudDrive) -> None:
    drive.send(invoke_request(**by_cloud("0 0 * * * ?")))
    drive.pass_time(HOUR_MS + 120_000)
    polls = drive.world.runner.count("poll_invocation") + drive.world.runner.count("poll_run")

    drive.pass_time(50 * 60_000)

    assert drive.world.runner.count("poll_invocation") + drive.world.runner.count("poll_run") == polls


def test_a_short_period_is_caught_up_from_history(drive: CloudDrive) -> None:
    drive.world.runner.ending_of_repetition = lambda _instance_id, _repeat: Ending(after_ms=1_000)
    run_id = drive.send(invoke_request(schedule={"frequency": "0/10 * * * * ?"}, timeout=10))
    drive.world.runner.fail("poll_invocation", Unavailable("down"), skip=6, times=5)
    drive.world.runner.fail("poll_run", Unavailable("down"), skip=6, times=5)

    drive.pass_time(5 * 60_000)

    told = drive.told(run_id)
    assert set(map(len, told.values())) <= {29, 30}
    assert all(repeats == list(range(1, len(repeats) + 1)) for repeats in told.values())


def test_an_instance_that_lets_a_firing_go_is_not_waited_for(drive: CloudDrive) -> None:
    drive.world.runner.ending_of_repetition = lambda instance_id, _repeat: (
        Ending(after_ms=70_000) if instance_id == "i-00001" else Ending(after_ms=1_000)
    )
    run_id = drive.send(invoke_request(schedule={"frequency": "0 * * * * ?"}, timeout=60))

    drive.pass_time(10 * 60_000 + 30_000)

    told = Counter({instance_id: len(repeats) for instance_id, repeats in drive.told(run_id).items()})
    assert told["i-00001"] == 5, "it takes longer than the period: every other firing is skipped there"
    assert told["i-00002"] == 10


def test_a_stop_ends_all_chunks(drive: CloudDrive) -> None:
    run_id = drive.send(invoke_request(**by_cloud("0 0 * * * ?")))
    drive.pass_time(90 * 60_000)

    drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id})
    run = ends(drive, run_id)

    assert run.status == "Stopped"
    assert run.counts == {"Cancelled": 60}
    assert drive.told(run_id) == {f"i-{number:05d}": [1] for number in range(60)}
    assert drive.kinds(run_id)[-1] == "run.finished"
    drive.check_settled(run_id)


def test_a_stop_in_the_middle_of_a_firing_tells_what_was_cut_off(drive: CloudDrive) -> None:
    drive.world.runner.ending_of_repetition = lambda _instance_id, _repeat: Ending(after_ms=25_000)
    run_id = drive.send(invoke_request(**by_cloud("0 0 * * * ?")))
    drive.pass_time(HOUR_MS + 10_000)

    drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id})
    run = ends(drive, run_id)

    assert run.counts == {"Terminated": 60}
    assert {each["status"] for each in drive.repetitions(run_id)} == {"Terminated"}
    assert drive.told(run_id) == {f"i-{number:05d}": [1] for number in range(60)}


def test_a_partial_stop_lets_the_others_go_on(drive: CloudDrive) -> None:
    run_id = drive.send(invoke_request(**by_cloud("0 0 * * * ?")))
    drive.pass_time(90 * 60_000)

    drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id, "instanceIds": ["i-00003"]})
    drive.pass_time(HOUR_MS)

    assert drive.run(run_id).status == "Scheduled"
    assert drive.run(run_id).counts == {"Cancelled": 1, "Scheduled": 59}
    assert drive.told(run_id)["i-00003"] == [1]
    assert drive.told(run_id)["i-00004"] == [1, 2]


def test_a_schedule_whose_time_is_over_ends_with_what_its_last_repetition_was(drive: CloudDrive) -> None:
    drive.world.runner.ending_of_repetition = lambda instance_id, _repeat: (
        Ending("Failed", exit_code=1) if instance_id == "i-00009" else Ending()
    )
    run_id = drive.send(invoke_request(**by_cloud("at(2026-01-05 09:00:00)")))

    drive.pass_time(2 * HOUR_MS)

    run = drive.check_settled(run_id)
    assert run.status == "PartialFailed"
    assert run.counts == {"Failed": 1, "Success": 59}
    assert set(map(tuple, drive.told(run_id).values())) == {(1,)}


@pytest.mark.parametrize(
    ("spec", "code"), [("0 0 0 30 2 ?", "ImpossibleDate"), ("at(2020-01-01 00:00:00)", "ExpressionExpired")]
)
def test_what_never_fires_is_rejected(drive: CloudDrive, spec: str, code: str) -> None:
    run_id = drive.send(invoke_request(**by_cloud(spec)))
    drive.settle()

    assert drive.run(run_id).status == "Rejected"
    assert code in drive.run(run_id).reason
    assert drive.world.runner.count("invoke") == 0


def test_rate_control_is_refused_for_what_fires_everywhere_at_once(drive: CloudDrive) -> None:
    drive.send(invoke_request(**by_cloud("0 0 * * * ?"), rateControl={"maxConcurrency": 1}))

    assert drive.last_answer == "rejected"


def test_what_history_has_forgotten_is_unknown_and_told_once(drive: CloudDrive) -> None:
    run_id = drive.send(invoke_request(**by_cloud("0 * * * * ?")))
    drive.pass_time(90_000)
    for known in drive.world.runner.invocations.values():
        assert known.repeats is not None
        known.repeats.kept = 3
    drive.world.queue.wakeups.clear()
    drive.world.clock.advance(10 * 60_000)

    drive.sweep()
    drive.pass_time(60_000)

    told = drive.repetitions(run_id)
    assert drive.told(run_id)["i-00000"] == list(range(1, 13))
    lost = [each["repeat"] for each in told if each["instanceId"] == "i-00000" and each["status"] == "Unknown"]
    assert lost == list(range(2, 9))


# -- sync -------------------------------------------------------------------------------------------------------------
def sync(drive: CloudDrive, name: str, request_id: str = "sync-1") -> str:
    drive.send({"kind": "schedule", "requestId": request_id, "schedule": name, "action": "sync"})
    return drive.last_answer


def test_sync_adds_who_joined_and_stops_who_left(drive: CloudDrive) -> None:
    run_id = drive.send(invoke_request("repeat", **by_cloud("0 0 * * * ?")))
    drive.pass_time(90 * 60_000)
    del drive.world.directory.known["i-00005"]
    drive.world.directory.add(linux(100), linux(101), linux(102, status="Stopped"))

    assert sync(drive, "repeat") == "synced"
    drive.pass_time(HOUR_MS)

    run = drive.run(run_id)
    assert (run.status, run.requested) == ("Scheduled", 62)
    assert run.counts == {"Cancelled": 1, "Scheduled": 61}
    told = drive.told(run_id)
    assert (told["i-00005"], told["i-00006"], told["i-00100"]) == ([1], [1, 2], [1])
    assert "i-00102" not in told
    assert sum(run.spent.values()) == 3


def test_sync_once_more_changes_nothing(drive: CloudDrive) -> None:
    run_id = drive.send(invoke_request("repeat", **by_cloud("0 0 * * * ?")))
    drive.pass_time(60_000)
    drive.world.directory.add(linux(100))

    answers = []
    for number in range(3):
        answers.append(sync(drive, run_id, f"sync-{number}"))
        drive.pass_time(60_000)

    assert answers == ["synced"] * 3
    assert drive.run(run_id).requested == 61
    assert drive.world.runner.count("invoke") == 3


def test_a_sync_that_died_and_comes_again_stops_also_who_has_left_meanwhile(drive: CloudDrive) -> None:
    run_id = drive.send(invoke_request("repeat", **by_cloud("0 0 * * * ?")))
    drive.pass_time(60_000)
    del drive.world.directory.known["i-00005"]
    drive.world.runs.fail("update_run", Unavailable("died"), skip=1)  # the claim is written, the commit is not
    with pytest.raises(Unavailable):
        sync(drive, "repeat")

    del drive.world.directory.known["i-00006"]
    drive.world.clock.advance_to(drive.run(run_id).lease_until_ms + 1)
    assert sync(drive, "repeat") == "synced"
    drive.pass_time(HOUR_MS)

    assert drive.run(run_id).counts == {"Cancelled": 2, "Scheduled": 58}


def test_a_stop_after_a_sync_ends_the_new_chunks_too(drive: CloudDrive) -> None:
    run_id = drive.send(invoke_request("repeat", **by_cloud("0 0 * * * ?")))
    drive.pass_time(60_000)
    drive.world.directory.add(linux(100))
    sync(drive, "repeat")
    drive.pass_time(60_000)

    drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id})
    drive.settle()

    assert drive.check_settled(run_id).counts == {"Cancelled": 61}


def test_sync_never_stops_everything(drive: CloudDrive) -> None:
    drive.send(invoke_request("repeat", **by_cloud("0 0 * * * ?")))
    drive.pass_time(60_000)
    drive.world.directory.known.clear()

    assert sync(drive, "repeat") == "rejected"


def test_sync_keeps_to_what_the_schedules_owner_may(drive: CloudDrive) -> None:
    request = decode_request(json.dumps(invoke_request("repeat", **by_cloud("0 0 * * * ?"))).encode())
    assert isinstance(request, InvokeRequest)
    accept_run(drive.ports, drive.policy, request, allowed=Allowed(caller="key-1", targets_max=60))
    drive.pass_time(60_000)
    drive.world.directory.add(linux(100))

    assert sync(drive, "repeat") == "rejected"
    assert drive.run(run_id_of("repeat")).requested == 60


@pytest.mark.parametrize("name", ["nobody", "once"])
def test_only_a_cloud_schedule_can_be_synced(drive: CloudDrive, name: str) -> None:
    drive.send(invoke_request("once"))
    drive.settle()

    assert sync(drive, name) == "rejected"


@pytest.mark.parametrize("operation", ["history", "poll_run", "poll_invocation", "invoke", "find_invocation", "stop"])
@pytest.mark.parametrize("skip", range(2))
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_call_may_fail_anywhere_and_nothing_runs_or_is_told_twice(
    operation: str, skip: int, after_effect: bool
) -> None:
    drive = CloudDrive()
    drive.world.directory.add(*(linux(number) for number in range(60)))
    error = UnknownOutcome("lost") if operation in ("invoke", "stop") else Unavailable("down")
    drive.world.runner.fail(operation, error, skip=skip, after_effect=after_effect)
    drive.world.runner.fail("invoke", UnknownOutcome("lost"), after_effect=after_effect)
    run_id = drive.send(invoke_request(**by_cloud("0 0 * * * ?")))
    drive.pass_time(3 * HOUR_MS + 120_000)

    drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id})
    drive.settle()

    drive.check_settled(run_id)
    assert drive.told(run_id) == {f"i-{number:05d}": [1, 2, 3] for number in range(60)}
    assert len(drive.world.runner.invocations) == 2


@pytest.mark.parametrize("operation", ["update_run", "update_chunks", "put_events"])
@pytest.mark.parametrize("skip", range(6, 30, 3))
def test_a_write_may_fail_anywhere_and_each_repetition_is_still_told_once(operation: str, skip: int) -> None:
    drive = CloudDrive()
    drive.world.directory.add(linux(1))
    drive.world.runs.fail(operation, UnknownOutcome("lost"), skip=skip, after_effect=skip % 2 == 0)
    run_id = drive.send(invoke_request(**by_cloud("0 0/10 * * * ?")))

    for _ in range(33):
        drive.pass_time(2 * 60_000)  # the sweep comes by after each

    assert drive.told(run_id) == {"i-00001": [1, 2, 3, 4, 5, 6]}
