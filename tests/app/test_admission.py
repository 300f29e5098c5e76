"""Messages of the queue: who signed them, what they may, what the trail says, and that a redelivery changes nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from shared.access_ports import AuditTrail
from shared.adapters.audit_trail import TableAuditTrail
from shared.app.keys import revoke_key
from shared.core.access import Grant
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.keys import parse_key
from shared.core.model import run_id_of
from shared.ports import Ports
from tests.app.access_cases import ADMIN, envelope, invoke_body, new_key
from tests.app.driving import Drive
from tests.app.memory import linux
from tests.app.memory_access import AccessWorld

DAY_S = 86_400


class Guarded(Drive):
    """A deployment with access, and ten instances."""

    def __init__(self, *, queue_grant: Grant | None = None) -> None:
        super().__init__()
        self.guard = AccessWorld() if queue_grant is None else AccessWorld(queue_grant=queue_grant)
        self.world.access = self.guard
        self.ports: Ports = self.world.ports()
        self.world.directory.add(*(linux(number) for number in range(10)))

    @property
    def now_s(self) -> int:
        return self.world.clock.now_ms() // 1000

    def signed(self, key: str, body: bytes, **more: Any) -> bytes:
        return envelope(key, body, **{"timestamp_s": self.now_s, **more})

    def refusal(self) -> dict[str, Any]:
        """What the last run.rejected says."""
        told = [json.loads(body) for body in self.world.publisher.published]
        found = [event["data"] for event in told if event["type"] == "fleetrun.run.rejected"]
        return dict(found[-1])


def test_a_signed_message_runs_for_its_signer_and_the_trail_names_both() -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci", targets_max=5))

    drive.send(drive.signed(made.text, invoke_body()), message_id="m-7")

    run = drive.world.runs.runs[run_id_of("deploy-42")]
    assert drive.last_answer == "accepted"
    assert (run.allowed.caller, run.allowed.targets_max) == (made.row.key_id, 5)
    line = drive.guard.audit.lines[-1]
    assert (line.caller, line.action, line.result, line.subject) == (
        made.row.key_id,
        "runs.start",
        "allowed",
        run.run_id,
    )
    assert (line.entry_id, line.targets) == ("m-7", "2 ids")
    assert line.script_sha256 == hashlib.sha256(b"uptime").hexdigest()
    assert "uptime" not in msgspec.json.encode(line).decode()


def test_an_unsigned_message_may_what_the_grant_queue_says() -> None:
    open_, closed = Guarded(), Guarded(queue_grant=Grant(name="queue", inline_scripts=False))

    open_.send(invoke_body())
    closed.send(invoke_body())

    assert open_.last_answer == "accepted"
    assert open_.guard.audit.lines[-1].caller == "queue"
    assert closed.last_answer == "rejected"
    assert closed.refusal()["code"] == "Forbidden"
    assert closed.refusal()["field"] == "command.content"
    assert closed.guard.audit.lines[-1].code == "Forbidden"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"keyId": "ffffffffffff"}, "Unauthorized", "keyId"),
        ({"keyId": "../api_keys"}, "Unauthorized", "keyId"),
        ({"signature": "v1a,AAAA"}, "Unauthorized", "signature"),
        ({"signature": "v1,AAAA"}, "Unauthorized", "signature"),
        ({"messageId": "msg-2"}, "Unauthorized", "signature"),
        ({"request": invoke_body("other").decode()}, "Unauthorized", "signature"),
        ({"extra": 1}, "BadRequest", "$"),
    ],
)
def test_a_signature_that_is_not_right_is_refused_and_nothing_runs(
    changes: dict[str, Any], code: str, field: str
) -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci"))

    drive.send(drive.signed(made.text, invoke_body(), **changes))

    assert drive.last_answer == "rejected"
    assert (drive.refusal()["code"], drive.refusal()["field"]) == (code, field)
    assert run_id_of("deploy-42") not in drive.world.runs.runs
    assert drive.guard.audit.lines[-1].result == "refused"


@pytest.mark.parametrize(
    ("age_s", "answer"), [(7 * DAY_S, "accepted"), (7 * DAY_S + 1, "rejected"), (-301, "rejected")]
)
def test_a_signature_is_good_as_long_as_a_message_may_lie_in_a_queue(age_s: int, answer: str) -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci"))

    drive.send(envelope(made.text, invoke_body(), timestamp_s=drive.now_s - age_s))

    assert drive.last_answer == answer


def test_a_replayed_message_finds_the_run_of_the_first() -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci"))
    body = drive.signed(made.text, invoke_body())
    drive.send(body, message_id="m-1")
    drive.settle()

    drive.send(body, message_id="m-2")

    assert drive.last_answer == "repeated"
    assert len(drive.world.runs.runs) == 1


@pytest.mark.parametrize("ends", ["revoked", "stale"])
def test_a_run_whose_acceptance_died_goes_on_though_its_signer_would_not_be_let_in_any_more(ends: str) -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci"))
    body = drive.signed(made.text, invoke_body())
    drive.world.runs.fail("remember", Unavailable("died"))
    with pytest.raises(Unavailable):
        drive.send(body, message_id="m-7")
    drive.world.runs.forget(run_id_of("deploy-42"))  # nobody but the message knows of the run

    if ends == "revoked":
        revoke_key(drive.ports, ADMIN, made.row.key_id, entry_id="e")
    else:
        drive.world.clock.advance(8 * DAY_S * 1000)
    drive.send(body, message_id="m-7")
    drive.settle()

    assert drive.last_answer == "repeated"
    assert drive.check_settled(run_id_of("deploy-42")).status == "Success"
    assert [run.run_id for run in drive.world.runs.runs.values()] == [run_id_of("deploy-42")], "and no rejection"


def test_a_forged_copy_of_a_request_that_runs_already_is_refused_and_told() -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci"))
    drive.send(drive.signed(made.text, invoke_body()), message_id="m-7")
    revoke_key(drive.ports, ADMIN, made.row.key_id, entry_id="e")

    drive.send(drive.signed(made.text, invoke_body()), message_id="m-8")

    assert drive.last_answer == "rejected"
    assert drive.refusal()["code"] == "Unauthorized"


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_key_that_is_no_longer_in_force_signs_nothing(how: str) -> None:
    drive = Guarded()
    expires_ms = drive.world.clock.now_ms() + 1_000 if how == "expired" else 0
    made = new_key(drive.ports, Grant(name="ci"), expires_ms=expires_ms)
    if how == "revoked":
        revoke_key(drive.ports, ADMIN, made.row.key_id, entry_id="e")
    drive.world.clock.advance(1_000)

    drive.send(drive.signed(made.text, invoke_body()))

    assert drive.refusal()["code"] == "Unauthorized"


def test_a_run_that_was_let_in_goes_on_when_its_key_is_narrowed_before_the_message_comes_again() -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci"))
    body = drive.signed(made.text, invoke_body())
    drive.send(body, message_id="m-1")
    narrowed = msgspec.structs.replace(made.row, grant=Grant(name="ci", inline_scripts=False), version=2)
    assert drive.guard.keys.update_key(narrowed)

    drive.send(body, message_id="m-1")
    drive.settle()

    assert drive.last_answer == "repeated"
    assert drive.world.runs.runs[run_id_of("deploy-42")].status == "Success"


def test_a_message_that_was_refused_stays_refused_when_its_grant_is_widened_before_it_comes_again() -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci", inline_scripts=False))
    body = drive.signed(made.text, invoke_body())
    drive.send(body, message_id="m-1")
    widened = msgspec.structs.replace(made.row, grant=Grant(name="ci", targets_max=9), version=2)
    assert drive.guard.keys.update_key(widened)

    drive.send(body, message_id="m-1")

    assert drive.last_answer == "rejected"
    assert run_id_of("deploy-42") not in drive.world.runs.runs


def test_targets_without_the_tags_of_the_grant_are_refused_at_planning() -> None:
    drive = Guarded(queue_grant=Grant(name="queue", tags={"env": "prod"}))
    drive.world.directory.add(replace(linux(20), tags={"env": "prod"}))

    drive.send(invoke_body("good", targets={"instanceIds": ["i-00020"]}))
    drive.send(invoke_body("bad", targets={"instanceIds": ["i-00020", "i-00001"]}))
    drive.settle()

    assert drive.world.runs.runs[run_id_of("good")].status == "Success"
    assert drive.world.runs.runs[run_id_of("bad")].status == "Rejected"
    assert (drive.refusal()["code"], drive.refusal()["field"]) == ("Forbidden", "targets.instanceIds")
    assert "i-00001" in drive.refusal()["message"]


def test_a_selection_that_finds_too_many_is_refused_at_planning() -> None:
    drive = Guarded(queue_grant=Grant(name="queue", targets_max=9))

    drive.send(invoke_body("all", targets={"name": "*"}))

    assert drive.world.runs.runs[run_id_of("all")].status == "Rejected"
    assert drive.refusal()["field"] == "targets"
    line = drive.guard.audit.lines[-1]
    assert (line.caller, line.via, line.code, line.subject) == ("queue", "planning", "Forbidden", run_id_of("all"))


def test_the_units_of_a_callers_day_are_counted_once_for_a_run_and_start_anew_the_next_day() -> None:
    drive = Guarded(queue_grant=Grant(name="queue", units_per_day=2))

    for name in ("a", "a", "b", "c"):
        drive.send(invoke_body(name))
    statuses = [drive.world.runs.runs[run_id_of(name)].status for name in ("a", "b", "c")]
    drive.world.clock.advance(DAY_S * 1000)
    drive.send(invoke_body("d"))
    drive.settle()

    assert statuses[2] == "Rejected"
    assert "Rejected" not in statuses[:2]
    assert drive.refusal()["code"] == "Forbidden"
    assert drive.world.runs.runs[run_id_of("d")].status == "Success"
    assert sorted(sum(row.values()) for row in drive.guard.usage.columns.values()) == [1, 2]


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_charge_whose_answer_is_lost_is_made_once(after_effect: bool) -> None:
    drive = Guarded(queue_grant=Grant(name="queue", units_per_day=1))
    drive.guard.usage.fail("charge", UnknownOutcome("dropped"), after_effect=after_effect)

    drive.send(invoke_body("a"))
    drive.settle()

    assert drive.world.runs.runs[run_id_of("a")].status == "Success"
    assert [sum(row.values()) for row in drive.guard.usage.columns.values()] == [1]


def test_nothing_is_done_that_is_not_in_the_trail() -> None:
    drive = Guarded()
    drive.guard.audit.fail("append", Unavailable("no trail"))

    with pytest.raises(Unavailable):
        drive.send(invoke_body())

    assert drive.world.runs.runs == {}


def test_who_has_bounds_stops_its_own_runs_only() -> None:
    drive = Guarded(queue_grant=Grant(name="queue", targets_max=5))
    made = new_key(drive.ports, Grant(name="ci"))
    theirs, mine = run_id_of("theirs"), run_id_of("mine")
    drive.send(drive.signed(made.text, invoke_body("theirs")))
    drive.send(invoke_body("mine"))

    answers = []
    for run_id in (mine, theirs):
        drive.send(json.dumps({"kind": "stop", "requestId": f"s-{run_id}", "runId": run_id}).encode())
        answers.append(drive.last_answer)

    assert answers == ["stopping", "rejected"]
    assert drive.refusal()["field"] == "runId"
    assert drive.world.runs.runs[theirs].halted == ""


def test_runs_of_a_schedule_keep_the_bounds_of_who_made_it() -> None:
    drive = Guarded(queue_grant=Grant(name="queue", targets_max=5, units_per_day=7))

    drive.send(invoke_body("nightly", schedule={"frequency": "0 0 3 * * ?", "by": "fleetrun"}))

    (schedule,) = drive.world.schedules.schedules(after="", limit=9)
    assert drive.last_answer == "scheduled"
    assert (schedule.allowed.caller, schedule.allowed.targets_max, schedule.allowed.units_per_day) == ("queue", 5, 7)


def updating(request: bytes, request_id: str = "u-1") -> bytes:
    new = json.loads(request)
    message = {"kind": "schedule", "requestId": request_id, "schedule": new["requestId"], "action": "update"}
    return json.dumps({**message, "request": new}).encode()


def test_an_update_of_a_schedule_is_held_to_the_grant_of_who_updates_it_and_its_script_is_in_the_trail() -> None:
    drive = Guarded(queue_grant=Grant(name="queue", targets_max=1, commands=("c-1",), inline_scripts=False))
    made = new_key(drive.ports, Grant(name="ci"))
    spec = {"frequency": "0 0 3 * * ?", "by": "fleetrun"}
    stored = {"command": {"commandId": "c-1"}, "targets": {"instanceIds": ["i-00001"]}}
    drive.send(invoke_body("mine", schedule=spec, **stored))
    drive.send(drive.signed(made.text, invoke_body("theirs", schedule=spec)))

    answers = []
    for number, body in enumerate(
        (
            invoke_body("mine", schedule=spec),
            invoke_body("mine", schedule=spec, **stored, timeout=30),
            invoke_body("theirs", schedule=spec, **stored),
        )
    ):
        drive.send(updating(body, f"u-{number}"))
        answers.append((drive.last_answer, drive.guard.audit.lines[-1].field))
    drive.send(drive.signed(made.text, updating(invoke_body("mine", schedule=spec), "u-9")))

    assert answers == [("rejected", "command.content"), ("updated", ""), ("rejected", "schedule")]
    line = drive.guard.audit.lines[-1]
    assert (line.action, line.subject, line.request_id) == ("schedules.write", "mine", "u-9")
    assert line.script_sha256 == hashlib.sha256(b"uptime").hexdigest()
    by_name = {each.name: each for each in drive.world.schedules.schedules(after="", limit=9)}
    assert by_name["mine"].allowed.caller == made.row.key_id, "who updates it answers for its runs"


def test_an_update_that_was_let_in_is_made_when_its_key_is_narrowed_before_the_message_comes_again() -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci"))
    spec = {"frequency": "0 0 3 * * ?", "by": "fleetrun"}
    drive.send(drive.signed(made.text, invoke_body("nightly", schedule=spec)))
    update = drive.signed(made.text, updating(invoke_body("nightly", schedule=spec, timeout=30)))
    drive.send(update, message_id="m-1")
    narrowed = msgspec.structs.replace(made.row, grant=Grant(name="ci", inline_scripts=False), version=2)
    assert drive.guard.keys.update_key(narrowed)

    drive.send(update, message_id="m-1")

    assert drive.last_answer == "updated"


# -- secrets ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("is_signed", [False, True])
def test_a_literal_secret_is_refused_and_stands_nowhere(is_signed: bool) -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci"))
    repeated = {"frequency": "0 0 3 * * ?", "by": "fleetrun"}
    body = invoke_body(parameters={"password": "hunter2"}, secretParameters=["password"], schedule=repeated)

    for each in (body, updating(body)):
        drive.send(drive.signed(made.text, each) if is_signed else each)

    assert (drive.refusal()["code"], drive.refusal()["field"]) == ("SecretInClear", "parameters.password")
    letters = [json.loads(letter)["body"] for letter in drive.world.queue.dead_letters]
    everything = [
        *drive.world.publisher.published,
        *[base64.b64decode(letter) for letter in letters],
        msgspec.json.encode(drive.world.runs.runs),
        msgspec.json.encode(drive.guard.audit.lines),
        repr(drive.world.log.lines).encode(),
    ]
    assert len(letters) == 2
    assert [text for text in everything if b"hunter2" in text] == []


def test_a_reference_is_passed_through_to_cloud_assistant() -> None:
    drive = Guarded()
    reference = "{{oos-secret:db-password}}"

    drive.send(invoke_body(parameters={"password": reference, "user": "me"}, secretParameters=["password"]))
    drive.settle()

    assert drive.last_answer == "accepted"
    (made,) = drive.world.runner.invocations.values()
    assert made.invocation.parameters["password"] == reference


def test_the_trail_has_no_way_to_change_or_to_delete_a_line() -> None:
    ports = {name for name in vars(AuditTrail) if not name.startswith("_")}
    adapter = {name for name in vars(TableAuditTrail) if not name.startswith("_")}

    assert ports == adapter == {"append", "entries"}


def test_a_key_of_ours_is_parsed_from_what_its_holder_was_given() -> None:
    drive = Guarded()
    made = new_key(drive.ports, Grant(name="ci"))

    parsed = parse_key(made.text)

    assert parsed is not None
    assert parsed[0] == made.row.key_id
    assert parsed[1] not in msgspec.json.encode(drive.guard.keys.rows).decode()
