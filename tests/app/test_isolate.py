"""A message that breaks its function at every delivery is put aside; its neighbours, and outages, are no such thing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cli.letters import queue_of
from shared.adapters.mns import FIRINGS
from shared.app import advance as advancing
from shared.app import isolate
from shared.app.isolate import broken_last, broken_schedules_last, fire_or_isolate, receive_or_isolate
from shared.core import limits
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.messages import Message
from shared.core.model import rejection_id_of, run_id_of
from shared.core.schedule import schedule_id_of
from shared.core.schedule_wake import ScheduleWake, encode_wake
from shared.core.wakeups import decode_wakeup
from shared.ports import Policy, Ports
from tests.app.driving import Crash, Drive
from tests.app.memory import linux
from tests.app.schedule_driving import MINUTE_MS, ScheduleDrive

PAUSE_MS = limits.DELIVERIES_SPREAD_MS // limits.DELIVERIES_MAX
Receive = Callable[[Ports, Policy, Message], str]


def message(name: str, **fields: Any) -> Message:
    request = {
        "kind": "invoke",
        "requestId": name,
        "command": {"type": "RunShellScript", "content": "uptime"},
        "targets": {"instanceIds": ["i-00001"]},
        **fields,
    }
    return Message(json.dumps(request).encode(), f"m-{name}", "queue")


def kills_at(name: str, receive: Receive, *, error: BaseException) -> Receive:
    def act(ports: Ports, policy: Policy, it: Message) -> str:
        if it.message_id == f"m-{name}":
            raise error
        return receive(ports, policy, it)

    return act


def delivered(drive: Drive, batch: list[Message], *, pause_ms: int = PAUSE_MS) -> list[str]:
    """What the function answers until it dies; as the boundary goes through a batch. The trigger makes a pause."""
    answers: list[str] = []
    try:
        for each in broken_last(drive.ports, batch):
            answers.append(receive_or_isolate(drive.ports, drive.policy, each))
    except (Crash, ZeroDivisionError):
        answers.append("broke")
    drive.world.clock.advance(pause_ms)
    return answers


@pytest.mark.parametrize("error", [Crash(), ZeroDivisionError()])
def test_a_message_that_breaks_its_function_is_rejected_after_some_deliveries(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    drive, poison = Drive(), message("poison")
    monkeypatch.setattr(isolate, "receive", kills_at("poison", isolate.receive, error=error))

    answers = [delivered(drive, [poison]) for _ in range(limits.DELIVERIES_MAX + 2)]

    assert answers == [["broke"]] * limits.DELIVERIES_MAX + [["rejected"]] * 2
    rejection = drive.world.runs.runs[rejection_id_of("m-poison")]
    assert (rejection.refusal["code"], rejection.request_id) == ("Poisoned", "poison")
    letters = [json.loads(letter) for letter in drive.world.queue.dead_letters]
    assert [base64.b64decode(letter["body"]) for letter in letters] == [poison.body]
    events = [json.loads(event) for event in drive.world.publisher.published]
    assert [(event["type"], event["data"]["code"]) for event in events] == [("fleetrun.run.rejected", "Poisoned")]


def test_its_neighbours_are_handled_with_the_second_delivery_at_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = Drive()
    batch = [message("before"), message("poison"), message("after-1"), message("after-2")]
    monkeypatch.setattr(isolate, "receive", kills_at("poison", isolate.receive, error=Crash()))

    first, second = delivered(drive, batch), delivered(drive, batch)

    assert first == ["accepted", "broke"]
    assert second == ["repeated", "accepted", "accepted", "broke"]
    assert {run_id_of(name) for name in ("before", "after-1", "after-2")} == set(drive.world.runs.runs)


def test_neighbours_of_a_killer_are_never_counted_as_killers(monkeypatch: pytest.MonkeyPatch) -> None:
    drive, batch = Drive(), [message("before"), message("poison"), message("after")]
    monkeypatch.setattr(isolate, "receive", kills_at("poison", isolate.receive, error=Crash()))

    for _ in range(3 * limits.DELIVERIES_MAX):
        delivered(drive, batch)

    rejected = [run.request_id for run in drive.world.runs.runs.values() if run.refusal]
    assert rejected == ["poison"]
    assert len(drive.world.queue.dead_letters) == 1


def test_an_outage_is_not_the_fault_of_the_message() -> None:
    drive, patient = Drive(), message("patient")
    drive.world.runs.fail("insert_run", Unavailable("down"), times=3 * limits.DELIVERIES_MAX)

    for _ in range(3 * limits.DELIVERIES_MAX):
        with pytest.raises(Unavailable):
            receive_or_isolate(drive.ports, drive.policy, patient)

    assert receive_or_isolate(drive.ports, drive.policy, patient) == "accepted"
    assert not drive.world.runs.deliveries


def test_a_count_whose_answer_is_lost_is_not_the_fault_of_the_message() -> None:
    drive, patient = Drive(), message("patient")
    lost, times = UnknownOutcome("no answer"), 3 * limits.DELIVERIES_MAX
    drive.world.runs.fail("begin_delivery", lost, times=times, after_effect=True)

    for _ in range(times):
        with pytest.raises(UnknownOutcome):
            receive_or_isolate(drive.ports, drive.policy, patient)
        drive.world.clock.advance(PAUSE_MS)

    assert receive_or_isolate(drive.ports, drive.policy, patient) == "accepted"
    assert not drive.world.queue.dead_letters


@pytest.mark.parametrize("was_counted", [True, False])
def test_an_outage_does_not_shelter_a_killer(was_counted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    drive, poison = Drive(), message("poison")
    monkeypatch.setattr(isolate, "receive", kills_at("poison", isolate.receive, error=Crash()))
    for _ in range(limits.DELIVERIES_MAX - 1):
        assert delivered(drive, [poison]) == ["broke"]

    drive.world.runs.fail("begin_delivery", UnknownOutcome("no answer"), after_effect=was_counted)
    with pytest.raises(UnknownOutcome):
        receive_or_isolate(drive.ports, drive.policy, poison)

    more = 1 if was_counted else 2  # one death is given up where the count was not made
    assert [delivered(drive, [poison]) for _ in range(more + 1)] == [["broke"]] * more + [["rejected"]]


def test_a_message_that_has_its_run_already_is_put_aside_without_a_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    drive, late = Drive(), message("late")
    drive.world.directory.add(linux(1))

    def dies_after(ports: Ports, policy: Policy, it: Message) -> str:
        original(ports, policy, it)
        raise Crash

    original = isolate.receive
    monkeypatch.setattr(isolate, "receive", dies_after)
    for _ in range(limits.DELIVERIES_MAX):
        delivered(drive, [late], pause_ms=0)
    drive.world.clock.advance(limits.DELIVERIES_SPREAD_MS)

    assert delivered(drive, [late]) == ["isolated"]
    assert rejection_id_of("m-late") not in drive.world.runs.runs
    assert run_id_of("late") in drive.world.runs.unfinished_ids
    assert len(drive.world.queue.dead_letters) == 1


@pytest.mark.parametrize("begun", [False, True], ids=["not begun", "begun"])
def test_a_killer_with_the_request_id_of_another_run_is_rejected(begun: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun: the rejection's row was written, and the function died before it was put on a list (sim 1003789)."""
    drive = Drive()
    drive.world.directory.add(linux(1))
    assert delivered(drive, [message("same")]) == ["accepted"]
    other = Message(message("same", timeout=33).body, "m-other", "queue")

    def dies(ports: Ports, policy: Policy, it: Message) -> str:
        if begun:
            monkeypatch.setattr(drive.world.runs, "remember", crash)
            original(ports, policy, it)
        raise Crash

    def crash(_run: object) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(isolate, "receive", dies)
        raise Crash

    original = isolate.receive
    monkeypatch.setattr(isolate, "receive", dies)
    for _ in range(limits.DELIVERIES_MAX):
        delivered(drive, [other])
    assert (rejection_id_of("m-other") in drive.world.runs.runs) == begun

    assert delivered(drive, [other]) == ["rejected"]
    rejection = drive.run(rejection_id_of("m-other"))
    assert (rejection.status, rejection.due_ms) == ("Rejected", 0)
    assert drive.kinds(rejection.run_id) == ["run.rejected"]


def test_a_batch_whose_counts_cannot_be_read_is_handled_in_its_own_order() -> None:
    drive, batch = Drive(), [message("one"), message("two")]
    drive.world.runs.fail("deliveries_begun", Unavailable("down"))

    assert broken_last(drive.ports, batch) == batch


# -- many at once ------------------------------------------------------------------------------------------------------
def test_many_deliveries_of_one_good_message_at_once_are_no_poison(monkeypatch: pytest.MonkeyPatch) -> None:
    drive, doubled, answers = Drive(), message("doubled"), list[str]()

    def while_others_are_at_work(ports: Ports, policy: Policy, it: Message) -> str:
        if drive.world.runs.deliveries["m-doubled"].begun < 3 * limits.DELIVERIES_MAX:
            try:
                answers.append(receive_or_isolate(ports, policy, it))
            except Unavailable as error:
                answers.append(error.code)
        return receive(ports, policy, it)

    receive = isolate.receive
    monkeypatch.setattr(isolate, "receive", while_others_are_at_work)

    answers.append(receive_or_isolate(drive.ports, drive.policy, doubled))

    assert answers == ["ManyDeliveries", "accepted", *["repeated"] * (limits.DELIVERIES_MAX - 1)]
    assert not drive.world.queue.dead_letters
    assert set(drive.world.runs.runs) == {run_id_of("doubled")}


def test_a_killer_that_came_many_times_at_once_is_put_aside_when_time_has_told(monkeypatch: pytest.MonkeyPatch) -> None:
    drive, poison = Drive(), message("poison")
    monkeypatch.setattr(isolate, "receive", kills_at("poison", isolate.receive, error=Crash()))
    for _ in range(limits.DELIVERIES_MAX):
        with pytest.raises(Crash):
            receive_or_isolate(drive.ports, drive.policy, poison)

    with pytest.raises(Unavailable):
        receive_or_isolate(drive.ports, drive.policy, poison)
    drive.world.clock.advance(limits.DELIVERIES_SPREAD_MS)

    assert receive_or_isolate(drive.ports, drive.policy, poison) == "rejected"


# -- a schedule that breaks every firing ------------------------------------------------------------------------------
def killing_schedule(monkeypatch: pytest.MonkeyPatch) -> ScheduleDrive:
    """Of two that fire every minute, the first breaks its function each time."""
    drive = ScheduleDrive()
    drive.world.directory.add(linux(1))
    for name in ("killer", "neighbour"):
        drive.add(name, "0 * * * * ?", force=True)
    whole = isolate.fire

    def fire(ports: Ports, policy: Policy, wake: ScheduleWake) -> str:
        if wake.schedule_id == schedule_id_of("killer"):
            raise Crash
        return whole(ports, policy, wake)

    monkeypatch.setattr(isolate, "fire", fire)
    return drive


def test_a_schedule_that_breaks_every_firing_is_put_aside_and_its_neighbours_fire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drive = killing_schedule(monkeypatch)

    drive.pass_time(30 * MINUTE_MS)

    assert drive.answers.count("crashed") == limits.DELIVERIES_MAX
    assert drive.answers.count("isolated") >= 20
    assert len(drive.runs_of("neighbour")) == 30
    letters = [json.loads(letter) for letter in drive.world.queue.dead_letters]
    assert [(letter["code"], letter["messageId"]) for letter in letters] == [("Poisoned", schedule_id_of("killer"))]
    assert queue_of(base64.b64decode(letters[0]["body"])) == FIRINGS


def test_it_is_tried_again_after_an_hour_and_told_of_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = killing_schedule(monkeypatch)

    drive.pass_time(limits.POISONED_MS + 30 * MINUTE_MS)

    assert drive.answers.count("crashed") == 2 * limits.DELIVERIES_MAX
    assert len(drive.world.queue.dead_letters) == 2


def test_its_dead_letter_sent_again_makes_it_fire_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = killing_schedule(monkeypatch)
    drive.pass_time(30 * MINUTE_MS)
    monkeypatch.undo()
    before = drive.runs_of("killer")

    drive.take(base64.b64decode(json.loads(drive.world.queue.dead_letters[0])["body"]))
    drive.pass_time(3 * MINUTE_MS)

    assert before == []
    assert len(drive.runs_of("killer")) >= 3
    assert not drive.world.runs.deliveries


def test_its_dead_letter_sent_again_too_early_is_put_aside_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = killing_schedule(monkeypatch)
    wake = ScheduleWake(schedule_id=schedule_id_of("killer"), minute="202601050000", is_redriven=True)
    answers = []

    for _ in range(2 * limits.DELIVERIES_MAX):
        try:
            answers.append(fire_or_isolate(drive.ports, drive.policy, Message(encode_wake(wake), "m-again", "queue")))
        except Crash:
            answers.append("crashed")
        drive.world.clock.advance(PAUSE_MS)

    assert answers == ["crashed"] * limits.DELIVERIES_MAX + ["isolated"] * limits.DELIVERIES_MAX
    assert len(drive.world.queue.dead_letters) == 1


def test_in_a_batch_the_schedule_that_broke_its_function_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = killing_schedule(monkeypatch)
    wakes = [ScheduleWake(schedule_id=schedule_id_of(name), minute="202601050000") for name in ("killer", "neighbour")]
    killer, neighbour = (Message(encode_wake(wake), f"m-{wake.schedule_id}", "queue") for wake in wakes)
    with pytest.raises(Crash):
        fire_or_isolate(drive.ports, drive.policy, killer)

    # Another message of the same schedule, as the next minute brings.
    again, other = replace(killer, message_id="m-next"), Message(b"{", "m-none", "queue")

    assert broken_schedules_last(drive.ports, [again, other, neighbour]) == [other, neighbour, again]


# -- a run that breaks every advance ----------------------------------------------------------------------------------
def poisoned_run(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run whose advances break until it is put aside."""

    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise Crash

    drive.world.directory.add(linux(1))
    drive.send(json.loads(message("run-1").body))
    monkeypatch.setattr(advancing, "track", broken)
    run_id = run_id_of("run-1")
    while not drive.world.queue.dead_letters:
        if not drive.step():
            drive.world.clock.advance(60_000)
            drive.sweep()
    return run_id


def test_a_run_that_breaks_every_advance_is_put_aside_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = Drive()

    run_id = poisoned_run(drive, monkeypatch)

    run = drive.run(run_id)
    assert run.attempts == limits.STEP_ATTEMPTS_MAX + 1
    assert (run.lease_until_ms, run.due_ms) == (0, drive.world.clock.now_ms() + limits.POISONED_MS)
    letter = json.loads(drive.world.queue.dead_letters[0])
    assert letter["code"] == "Poisoned"
    assert decode_wakeup(base64.b64decode(letter["body"])).run_id == run_id


def test_it_is_tried_once_an_hour_and_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = Drive()
    run_id = poisoned_run(drive, monkeypatch)

    start_ms = drive.world.clock.now_ms()
    while drive.world.clock.now_ms() < start_ms + 5 * limits.POISONED_MS:
        if not drive.step():
            drive.world.clock.advance(60_000)
            drive.sweep()

    assert len(drive.world.queue.dead_letters) == 1
    assert 8 <= drive.run(run_id).attempts - limits.STEP_ATTEMPTS_MAX <= 12


def test_its_dead_letter_sent_again_takes_it_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = Drive()
    run_id = poisoned_run(drive, monkeypatch)
    monkeypatch.undo()

    answer = drive.deliver(base64.b64decode(json.loads(drive.world.queue.dead_letters[0])["body"]))
    drive.settle()

    assert answer not in ("stale", "held", "fenced")
    assert drive.run(run_id).status == "Success"
    assert drive.run(run_id).attempts <= 1
