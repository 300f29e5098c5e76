"""Events of the worst texts that a script, an agent or an operator can come up with: each still fits the topic."""

from __future__ import annotations

import json

import pytest

from shared.adapters.mns import xml_safe
from shared.core import limits
from tests.app.driving import Drive, invoke_request
from tests.app.memory import Ending, linux

NAME = "服" * 128
"""As long as ECS takes it, three bytes each."""
TEXTS = {
    "control characters": "\x01",
    "Chinese": "错",
    "what XML forbids": "\ufffe",
    "emoji": "🚒",
    "quotes": '"',
}


def sizes_on_the_wire(drive: Drive) -> list[int]:
    return [len(xml_safe(body.decode()).encode()) for body in drive.world.publisher.published]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_fifty_outcomes_of_long_names_errors_and_outputs_fit_one_event(text: str) -> None:
    drive = Drive()
    drive.world.directory.add(*(linux(number, name=NAME) for number in range(50)))
    drive.world.runner.ending = lambda _invocation, _one: Ending(
        status="Failed", exit_code=1, error_info=text * 1_000, output=(text * 8_000).encode()
    )

    run_id = drive.send(invoke_request())
    drive.settle()

    drive.check_settled(run_id)
    assert max(sizes_on_the_wire(drive)) <= limits.EVENT_BYTES_MAX


def test_outputs_that_xml_forbids_are_counted_as_they_are_sent() -> None:
    drive = Drive()
    drive.world.directory.add(*(linux(number) for number in range(50)))
    drive.world.runner.ending = lambda _invocation, _one: Ending(output=("\uffff" * 8_000).encode())

    run_id = drive.send(invoke_request())
    drive.settle()

    drive.check_settled(run_id)
    assert 50_000 < max(sizes_on_the_wire(drive)) <= limits.EVENT_BYTES_MAX


def test_a_hundred_excluded_with_long_names_fit_the_plan() -> None:
    drive = Drive()
    drive.world.directory.add(*(linux(number, name="\ufffe" * 128, status="Stopped") for number in range(150)))

    run_id = drive.send(invoke_request())
    drive.settle()

    drive.check_settled(run_id)
    assert max(sizes_on_the_wire(drive)) <= limits.EVENT_BYTES_MAX
    planned = next(event for event in drive.events(run_id) if event["type"] == "fleetrun.run.planned")
    assert planned["data"]["excludedByReason"] == {"NotRunning": 150}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_longest_unknown_field_of_the_longest_message_becomes_a_dead_letter(text: str) -> None:
    drive = Drive()

    drive.send(json.dumps({"kind": "invoke", text * 30_000: 1}, ensure_ascii=False).encode())

    assert drive.last_answer == "rejected"
    assert len(drive.world.queue.dead_letters) == 1
