"""Nobody may come again, least over HTTP: whoever begins a run leaves a line first; the sweep goes on from there."""

from __future__ import annotations

import json

import pytest

from shared.app.accept import start_run
from shared.core import limits
from shared.core.errors import Unavailable
from shared.core.model import rejection_id_of, run_id_of
from shared.core.requests import InvokeRequest, decode_request
from tests.app.driving import Crash, Drive, invoke_request
from tests.app.memory import linux


def a_request() -> InvokeRequest:
    request = decode_request(json.dumps(invoke_request()).encode())
    assert isinstance(request, InvokeRequest)
    return request


RUN_ID = run_id_of(a_request().request_id)


def killed_at(drive: Drive, port: str, operation: str) -> None:
    """Its acceptance ends there, and nobody asks again."""
    drive.world.directory.add(linux(2))
    getattr(drive.world, port).fail(operation, Crash())
    with pytest.raises(Crash):
        start_run(drive.ports, drive.policy, a_request())


@pytest.mark.parametrize(("port", "operation"), [("runs", "remember"), ("queue", "send_wakeup")])
def test_a_run_whose_acceptance_died_after_its_row_is_carried_out(port: str, operation: str) -> None:
    drive = Drive()
    killed_at(drive, port, operation)

    drive.settle()

    assert drive.check_settled(RUN_ID).status == "Success"
    assert list(drive.world.runs.recent_runs.values()) == [RUN_ID], "and it is listed"


def test_a_line_without_a_row_stays_as_long_as_the_row_may_come() -> None:
    drive = Drive()
    killed_at(drive, "runs", "insert_run")

    drive.world.clock.advance(limits.ANNOUNCED_MS)
    drive.sweep()
    assert RUN_ID in drive.world.runs.unfinished_ids

    drive.world.clock.advance(1)
    drive.sweep()
    assert not drive.world.runs.unfinished_ids
    assert not drive.world.runs.recent_runs, "a run that never was is listed nowhere"


def test_a_request_that_is_repeated_after_its_run_has_ended_leaves_no_line() -> None:
    drive = Drive()
    drive.world.directory.add(linux(2))
    start_run(drive.ports, drive.policy, a_request())
    drive.settle()

    assert start_run(drive.ports, drive.policy, a_request()) == "repeated"

    assert not drive.world.runs.unfinished_ids


def test_nothing_is_written_when_the_line_cannot_be() -> None:
    drive = Drive()
    drive.world.runs.fail("announce", Unavailable("down"))

    with pytest.raises(Unavailable):
        start_run(drive.ports, drive.policy, a_request())

    assert not drive.world.runs.runs


def test_a_rejection_whose_acceptance_died_after_its_row_is_told() -> None:
    drive = Drive()
    drive.world.runs.fail("remember", Crash())
    with pytest.raises(Crash):
        drive.send(b"{}", message_id="m-1")

    drive.settle()

    assert drive.kinds(rejection_id_of("m-1")) == ["run.rejected"]


def test_a_rejection_that_is_repeated_after_its_end_leaves_no_line() -> None:
    drive = Drive()
    for _ in range(2):
        drive.send(b"{}", message_id="m-1")

    assert not drive.world.runs.unfinished_ids
    assert drive.kinds(rejection_id_of("m-1")) == ["run.rejected"]
