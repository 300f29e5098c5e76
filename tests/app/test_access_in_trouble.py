"""Whatever happens at whichever call of access or of the rows: a signed message has one run, is charged once, and
stands in the trail. Played for every call and every kind of trouble, as tests/app/test_every_call_may_fail.py does."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from shared.access_ports import Access
from shared.core.access import Grant
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.model import run_id_of
from shared.ports import Ports
from tests.app.access_cases import envelope, invoke_body, new_key
from tests.app.driving import Crash
from tests.app.test_admission import Guarded
from tests.app.test_every_call_may_fail import LOCAL, TROUBLE, Trip, Troubled

DAY = "2026-01-05"
OF_ACCESS = ("keys", "audit", "usage", "hooks", "subscriptions")


def play(at: int, trouble: str, *, units: int) -> tuple[Guarded, Trip, str]:
    """A signed message for two targets, delivered until its function returned; then the run to its end.

    `units`: what the caller's day has left; 0: another run has used its only one.
    """
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci", units_per_day=1, targets_max=5, tags={"env": "demo"}))
    if not units:
        assert drive.guard.usage.charge(made.row.key_id, DAY, "run-other", units=1, limit=1)
    body = envelope(made.text, invoke_body(), timestamp_s=drive.now_s)
    trip = Trip(at, trouble)
    access = drive.ports.access
    assert access is not None
    wrapped: dict[str, Any] = {
        field.name: Troubled(getattr(drive.ports, field.name), trip)
        for field in dataclasses.fields(Ports)
        if field.name not in LOCAL
    }
    guarded: dict[str, Any] = {name: Troubled(getattr(access, name), trip) for name in OF_ACCESS}
    drive.ports = dataclasses.replace(drive.ports, **wrapped, access=dataclasses.replace(access, **guarded))
    while True:
        try:
            drive.send(body, message_id="m-1")
            break
        except (Crash, Unavailable, UnknownOutcome):
            drive.world.clock.advance(3_000)
    drive.settle()
    return drive, trip, made.row.key_id


def test_every_port_of_access_that_a_message_touches_is_troubled() -> None:
    assert set(OF_ACCESS) < {field.name for field in dataclasses.fields(Access)}


@pytest.mark.parametrize("trouble", list(TROUBLE))
@pytest.mark.parametrize(("units", "end"), [(1, "Success"), (0, "Rejected")])
def test_trouble_at_any_one_call_charges_once_and_leaves_a_line(trouble: str, units: int, end: str) -> None:
    calls = play(0, trouble, units=units)[1].calls
    assert calls > 12, "a scenario that calls nothing proves nothing"

    for at in range(1, calls + 1):
        drive, trip, key_id = play(at, trouble, units=units)
        where = f"{trouble} at call {at} ({trip.name})"

        run = drive.world.runs.runs[run_id_of("deploy-42")]
        assert run.status == end, where
        assert [sum(row.values()) for row in drive.guard.usage.columns.values()] == [1], where
        assert drive.world.runner.calls_by_day.get(DAY, 0) == units, where
        lines = [line for line in drive.guard.audit.lines if line.caller == key_id and line.subject == run.run_id]
        assert "allowed" in {line.result for line in lines}, where
        assert ("refused" in {line.result for line in lines}) is (end == "Rejected"), where
