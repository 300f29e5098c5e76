"""`dlq list | show | redrive`: what fleetrun, Function Compute and MNS put there, read and sent once more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.letters import letter_json, queue_of, understood
from cli.queues import DEAD_LETTERS, REQUESTS, STOPS, Letter
from shared.adapters.mns import FIRINGS, WAKEUPS
from tests.adapters.doubles import Doubles
from tests.app.driving import invoke_request
from tests.cli.command_line import CommandLine
from tests.cli.deployment import Deployment

BAD = b'{"kind": "invoke", "requestId": "deploy-1", "tagets": {}}'
GOOD = json.dumps(invoke_request("deploy-1"))
STOP = '{"kind": "stop", "requestId": "stop-1", "runId": "run-0123456789abcdef0123"}'
WAKEUP = '{"runId": "run-0123456789abcdef0123", "wakeupNo": 7}'
FIRING = '{"scheduleId": "sch-0123456789abcdef0123", "minute": "2026-01-05T00:01"}'
CLOUD_EVENTS = json.dumps([{"specversion": "1.0", "id": "1", "data": {"messageId": "A", "messageBody": GOOD}}])
FAILED_CALL = json.dumps(
    {
        "timestamp": 1,
        "requestContext": {"requestId": "r", "functionArn": "acs:fc:f", "condition": "RetriesExhausted"},
        "requestPayload": GOOD,
        "responseContext": {"statusCode": 200, "functionError": "BatchIncomplete"},
        "responsePayload": "",
    }
)


def the_letter(fleetrun: CommandLine) -> Any:
    (letter,) = fleetrun("dlq", "list", "--json").json
    return letter


def test_an_empty_queue_is_said_on_standard_error(fleetrun: CommandLine) -> None:
    said = fleetrun("dlq", "list")

    assert (said.code, said.out) == (0, "")
    assert "No dead letters" in said.err
    assert fleetrun("dlq", "list", "--json").json == []


def test_a_rejected_message_lies_there_with_field_and_reason(deployment: Deployment, fleetrun: CommandLine) -> None:
    message_id = deployment.receive(BAD)

    letter = the_letter(fleetrun)
    listed = fleetrun("dlq", "list")
    shown = fleetrun("dlq", "show", letter["id"])

    assert letter["messageId"] == message_id
    assert letter["field"] == "tagets"
    assert letter["bodies"] == [BAD.decode()]
    assert "tagets" in listed.out
    assert "tagets" in shown.out
    assert BAD.decode() in shown.out
    assert fleetrun("dlq", "show", letter["id"], "--json").json == letter


def test_looking_takes_nothing_out_and_hides_nothing(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.receive(BAD)
    letter = the_letter(fleetrun)

    for _ in range(3):
        fleetrun("dlq", "list")
        fleetrun("dlq", "show", letter["id"])

    assert the_letter(fleetrun) == letter


@pytest.mark.parametrize(
    ("text", "queue", "body"),
    [
        (GOOD, REQUESTS, GOOD),
        (CLOUD_EVENTS, REQUESTS, GOOD),
        (FAILED_CALL, REQUESTS, GOOD),
        (STOP, STOPS, STOP),
        (WAKEUP, WAKEUPS, WAKEUP),
        (FIRING, FIRINGS, FIRING),
        ("no JSON at all", REQUESTS, "no JSON at all"),
    ],
)
@pytest.mark.parametrize("is_encoded", [True, False])
def test_each_letter_goes_back_to_its_queue(
    text: str, queue: str, body: str, is_encoded: bool, deployment: Deployment, fleetrun: CommandLine
) -> None:
    message_id = deployment.put(DEAD_LETTERS, text, is_encoded=is_encoded)

    said = fleetrun("dlq", "redrive", message_id, "--json")

    assert said.code == 0
    assert said.json == {"redriven": [message_id], "kept": []}
    assert deployment.taken(queue) == [body.encode()]
    assert fleetrun("dlq", "list", "--json").json == []


def test_a_failed_call_says_which_function_and_why(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.put(DEAD_LETTERS, FAILED_CALL)

    assert the_letter(fleetrun)["reason"] == "RetriesExhausted · BatchIncomplete · acs:fc:f"


def test_a_letter_of_a_queue_trigger_names_the_message_that_failed(
    deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.put(DEAD_LETTERS, json.dumps(json.loads(CLOUD_EVENTS)[0]), is_encoded=True)

    letter = the_letter(fleetrun)

    assert (letter["messageId"], letter["bodies"]) == ("A", [GOOD])
    assert letter["reason"] == "delivered too often"


@pytest.mark.parametrize("text", ["[]", "[[]]", "null", '{"requestContext": 1, "requestPayload": "[]"}', "{}"])
def test_a_letter_that_nobody_understands_is_listed_all_the_same(
    text: str, deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.put(DEAD_LETTERS, text)

    letter = the_letter(fleetrun)

    assert fleetrun("dlq", "show", letter["id"]).code == 0
    assert fleetrun("dlq", "redrive", letter["id"]).code in (0, 2)


def test_a_message_that_is_no_text_survives_the_round_trip(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.receive(b"\xff\x00\xfe")

    shown = fleetrun("dlq", "show", the_letter(fleetrun)["id"])
    said = fleetrun("dlq", "redrive", "--all")

    assert "\x00" not in shown.out
    assert said.code == 0
    assert deployment.taken(REQUESTS) == [b"\xff\x00\xfe"]


def test_a_message_that_was_cut_is_kept_and_said_to_be(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.receive(b'{"kind": "invoke", "x": "' + b"x" * 40_000 + b'"}')
    letter = the_letter(fleetrun)

    everything = fleetrun("dlq", "redrive", "--all")
    shown = fleetrun("dlq", "show", letter["id"])

    assert everything.code == 0
    assert "0 messages sent again" in everything.out
    assert "it was cut" in everything.err
    assert "too long to be kept whole" in shown.err or shown.code == 2
    assert deployment.taken(REQUESTS) == []


def test_redriving_one_leaves_the_others_to_be_seen_at_once(
    deployment: Deployment, cloud_of: Doubles, fleetrun: CommandLine
) -> None:
    ids = [deployment.put(DEAD_LETTERS, GOOD) for _ in range(5)]

    said = fleetrun("dlq", "redrive", ids[3])
    cloud_of.served.advance(1_000)
    left = [letter["id"] for letter in fleetrun("dlq", "list", "--json").json]

    assert "1 message sent again" in said.out
    assert sorted(left) == sorted(set(ids) - {ids[3]})


def test_several_can_be_named(deployment: Deployment, fleetrun: CommandLine) -> None:
    ids = [deployment.put(DEAD_LETTERS, GOOD) for _ in range(3)]

    said = fleetrun("dlq", "redrive", ids[0], ids[2], "--json")

    assert sorted(said.json["redriven"]) == sorted((ids[0], ids[2]))


def test_all_means_what_lies_there_now_and_ends(deployment: Deployment, fleetrun: CommandLine) -> None:
    for _ in range(40):
        deployment.put(DEAD_LETTERS, GOOD)

    said = fleetrun("dlq", "redrive", "--all", "--json")

    assert len(said.json["redriven"]) == 40
    assert fleetrun("dlq", "list", "--json").json == []


def test_a_letter_that_is_not_there_is_refused(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.put(DEAD_LETTERS, GOOD)

    shown, redriven = fleetrun("dlq", "show", "nothing"), fleetrun("dlq", "redrive", "nothing")

    assert (shown.code, redriven.code) == (2, 2)
    assert "no dead letter 'nothing' is visible now" in shown.err
    assert "not sent again: nothing" in redriven.err


@pytest.mark.parametrize("words", [["redrive"], ["redrive", "--all", "some-id"], ["show"], ["send"]])
def test_what_is_not_said_clearly_is_refused(words: list[str], fleetrun: CommandLine) -> None:
    assert fleetrun("dlq", *words).code == 2


def test_a_long_list_says_how_many_more_there_are(deployment: Deployment, fleetrun: CommandLine) -> None:
    for _ in range(20):
        deployment.put(DEAD_LETTERS, GOOD)

    said = fleetrun("dlq", "list")

    assert len(said.out.splitlines()) == 16
    assert "16 of about 20" in said.err


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    "schema",
    "messageId",
    "reason",
    "body",
    "bytes",
    "requestContext",
    "requestPayload",
    "responseContext",
    "kind",
)


@given(
    st.one_of(
        st.binary(max_size=40),
        st.dictionaries(st.sampled_from(NAMES), JSON).map(lambda value: json.dumps(value).encode()),
        JSON.map(lambda value: json.dumps(value).encode()),
        st.just(b"[" * 50_000),
    )
)
def test_any_letter_is_understood_as_far_as_it_can_be(body: bytes) -> None:
    dead = understood(Letter("letter-1", body, "", 0, 1))

    json.dumps(letter_json(dead)).encode()
    assert all(queue_of(each).startswith("fleetrun-") for each in dead.bodies)
