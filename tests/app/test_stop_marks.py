"""Stop requests: each is heeded once; one that cannot be is refused, not swallowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from tests.app.driving import Drive, invoke_request
from tests.app.memory import Ending, linux


def stop_request(run_id: str, request_id: str = "stop-1", **changes: Any) -> dict[str, Any]:
    return {"kind": "stop", "requestId": request_id, "runId": run_id, **changes}


def running(drive: Drive) -> str:
    drive.world.directory.add(*(linux(number) for number in range(4)))
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=40_000)
    run_id = drive.send(invoke_request())
    drive.step()
    return run_id


def test_a_second_stop_with_the_id_of_another_is_refused() -> None:
    drive = Drive()
    run_id = running(drive)
    drive.send(stop_request(run_id, instanceIds=["i-00001"]))

    drive.send(stop_request(run_id, instanceIds=["i-00002"]))

    assert drive.last_answer == "rejected"
    drive.settle()
    assert drive.outcomes(run_id)["i-00002"] == "Success"


def test_a_stop_that_comes_twice_is_one() -> None:
    drive = Drive()
    run_id = running(drive)
    drive.send(stop_request(run_id, instanceIds=["i-00001", "i-00002"]))

    drive.send(stop_request(run_id, instanceIds=["i-00002", "i-00001"]))

    assert drive.last_answer == "stopping"
    drive.settle()
    assert sorted(drive.outcomes(run_id).values()) == ["Cancelled", "Cancelled", "Success", "Success"]


def test_the_same_id_may_stop_two_runs() -> None:
    drive = Drive()
    one = running(drive)
    other = drive.send(invoke_request("deploy-2"))
    drive.step()

    drive.send(stop_request(one))
    drive.send(stop_request(other))

    drive.settle()
    assert {drive.run(run_id).status for run_id in (one, other)} == {"Stopped"}


def test_stops_of_parts_leave_the_head_row_small() -> None:
    drive = Drive()
    run_id = running(drive)

    for number in range(5):
        ids = [f"i-{number}-{index:05d}" for index in range(20_000)]
        drive.send(stop_request(run_id, f"stop-{number}", instanceIds=[*ids, f"i-{number:05d}"]))
    drive.settle()

    assert set(drive.outcomes(run_id).values()) == {"Cancelled"}
    assert len(msgspec.json.encode(replace(drive.run(run_id), request=None))) < 4_000
