"""The published schemas are those of the types, and the types are those of what is published."""

from __future__ import annotations

import json

import msgspec
import pytest

from cli.event_types import decode_event
from cli.schemas import FOLDER, schemas
from shared.core import emit, schedule_events
from shared.core.model import Chunk, Excluded, Repetition, Run, Target
from shared.core.schedule import Start
from tests.adapters.values import a_full_run, a_schedule

TARGET = Target("i-1", "web-1", "Failed", ended_no=1, exit_code=3, output_head="x")
REPETITION = Repetition(1, "i-1", "web-1", 7, "Failed", exit_code=3, output_head="x")
CHUNK = Chunk("run-0001", 1, 0, (TARGET,), invoke_id="t-1", repetitions=(REPETITION,), repeated=1)
DRAFTS = [
    emit.accepted(a_full_run()),
    emit.rejected(code="BadRequest", field="timeout", message="no"),
    emit.planned(a_full_run(), [Excluded("i-1", "web-1", "NotRunning", "It is Stopped.")]),
    emit.deferred(day="2026-01-06", chunks=2, reason="no units"),
    emit.invoked(CHUNK),
    *emit.targets_finished(CHUNK, announced=0),
    *emit.repetitions_finished(CHUNK, announced=0),
    emit.stopping(reason="StopRequested"),
    emit.finished(a_full_run()),
]


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_schema_files_are_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_bytes() == schemas()[name], "run: python -m cli.schemas"


def test_there_is_a_draft_of_every_event_type() -> None:
    assert [draft.kind for draft in DRAFTS] == list(emit.TYPES)


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.kind)
def test_an_event_has_exactly_the_fields_of_its_type(draft: emit.Draft) -> None:
    run: Run = a_full_run()

    body = emit.numbered(run, [draft], account_id="1234567890123456", now_ms=run.accepted_ms)[0].body

    assert msgspec.to_builtins(decode_event(body)) == json.loads(body)


def test_an_event_of_a_schedule_has_exactly_the_fields_of_its_type() -> None:
    schedule = a_schedule()
    drafts = [
        schedule_events.fired(Start("nightly@2026-01-05T00:00:00Z"), fire_ms=1_767_571_200_000),
        schedule_events.missed([1_767_571_200_000], reason="Late", more=True),
    ]

    said = schedule_events.said(schedule, drafts, now_ms=schedule.created_ms)

    assert tuple(event.kind for event in said) == schedule_events.TYPES
    for event in said:
        body = schedule_events.encode(schedule, event, account_id="1234567890123456")
        assert msgspec.to_builtins(decode_event(body)) == json.loads(body)
