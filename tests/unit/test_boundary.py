"""A batch is handled message by message; what is not done fails the call after all were tried."""

from __future__ import annotations

import json

import pytest

from shared.core.errors import Fenced, Refused, Unavailable, UnknownOutcome
from shared.core.messages import Message
from shared.runtime.boundary import BatchIncomplete, handle_batch, handle_tick
from shared.runtime.log import JsonLog
from tests.app.memory import ManualClock

CLOCK = ManualClock()


class Handled:
    """Answers each body as told, and remembers the order."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.seen: list[str] = []
        self.lines: list[str] = []

    def act(self, message: Message) -> str:
        body = json.loads(message.body)
        self.seen.append(body)
        answer = self.answers[body]
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    def batch(self, *bodies: str) -> dict[str, object]:
        items = [{"messageId": f"id-{body}", "messageBody": json.dumps(body)} for body in bodies]
        log = JsonLog(CLOCK, write=self.lines.append)
        return handle_batch(json.dumps(items).encode(), request_id="r-1", act=self.act, log=log, clock=CLOCK)

    def logged(self, event: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.lines]
        return [line for line in lines if line["event"] == event]


def test_a_good_batch_is_reported_with_its_counts() -> None:
    handled = Handled(a="accepted", b="repeated", c="accepted")

    report = handled.batch("a", "b", "c")

    assert report == {"messages": 3, "results": {"accepted": 2, "repeated": 1}}
    assert handled.logged("function.done")[0]["results"] == {"accepted": 2, "repeated": 1}


@pytest.mark.parametrize("trouble", [Unavailable("busy"), UnknownOutcome("gone"), ValueError("a bug"), KeyError("x")])
def test_one_message_that_is_not_done_fails_the_call_after_its_neighbours_were_handled(trouble: Exception) -> None:
    handled = Handled(a=trouble, b="accepted", c=trouble, d="accepted")

    with pytest.raises(BatchIncomplete, match="2 of 4 messages"):
        handled.batch("a", "b", "c", "d")

    assert handled.seen == ["a", "b", "c", "d"]
    assert handled.logged("function.done")[0]["unfinished"] == 2


@pytest.mark.parametrize("answer", [Refused("no wake-up", code="BadWakeUp"), Fenced("somebody was faster")])
def test_what_repeating_cannot_help_does_not_fail_the_call(answer: Exception) -> None:
    handled = Handled(a=answer, b="accepted")

    report = handled.batch("a", "b")

    assert report["messages"] == 2


def test_the_log_names_code_and_vendor_request_of_what_was_unavailable() -> None:
    handled = Handled(a=Unavailable("busy", code="OTSServerBusy", request_id="0005-ab"))

    with pytest.raises(BatchIncomplete):
        handled.batch("a")

    line = handled.logged("message.unfinished")[0]
    assert (line["message_id"], line["code"], line["vendor_request_id"]) == ("id-a", "OTSServerBusy", "0005-ab")


def test_a_bug_is_logged_by_type_and_place_and_never_with_its_text() -> None:
    handled = Handled(a=RuntimeError("secret script"))

    with pytest.raises(BatchIncomplete) as failed:
        handled.batch("a")

    line = handled.logged("message.crashed")[0]
    assert line["type"] == "RuntimeError"
    assert any("test_boundary.py" in str(place) for place in line["places"])  # type: ignore[attr-defined]
    assert "secret script" not in "".join(handled.lines)
    assert failed.value.__context__ is None


def test_the_text_of_our_own_assert_is_logged() -> None:
    handled = Handled(a=AssertionError("run-1 has a gap after event 3"))

    with pytest.raises(BatchIncomplete):
        handled.batch("a")

    assert handled.logged("message.crashed")[0]["reason"] == "run-1 has a gap after event 3"


def test_a_tick_that_fails_fails_its_call_and_is_logged() -> None:
    lines: list[str] = []

    def act() -> dict[str, object]:
        raise Unavailable("busy", code="OTSServerBusy")

    with pytest.raises(BatchIncomplete):
        handle_tick(act, log=JsonLog(CLOCK, write=lines.append), clock=CLOCK)

    assert json.loads(lines[0])["code"] == "OTSServerBusy"


def test_a_tick_answers_its_report() -> None:
    report = handle_tick(lambda: {"woken": 2}, log=JsonLog(CLOCK, write=lambda _line: None), clock=CLOCK)

    assert report == {"woken": 2}
