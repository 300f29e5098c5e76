"""Calls of the API that are not let in: asked for again with growing pauses, and told plainly when it does not help."""

from __future__ import annotations

import json

import pytest

from cli import exits
from cli.api import PAUSE_S_MAX, TRIES_MAX, Api
from localcloud.http import Response
from shared.core.errors import Refused, Unavailable, UnknownOutcome
from tests.adapters.canned import canned

BUSY = {"ErrorCode": "ResourceThrottled", "ErrorMessage": "reserved concurrency is used up"}
"""Function Compute's own answer: no problem document."""
DOWN = {"code": "NoAnswer", "detail": "the rows cannot be reached", "status": 503}


def answer(status: int, body: object, **headers: str) -> Response:
    told = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Response(status, (("Content-Type", "application/json"), *told), json.dumps(body).encode())


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("refusal", [answer(429, BUSY), answer(503, DOWN)])
def test_a_call_that_was_not_let_in_is_asked_for_again(method: str, refusal: Response) -> None:
    pauses: list[float] = []
    with canned(refusal, refusal, answer(200, {"used": 3})) as server:
        api = Api(server.url, "frk_1_2", pause=pauses.append)

        told = api.get("/v1/quota") if method == "GET" else api.post("/v1/runs", b"{}")

    assert told == {"used": 3}
    assert len(server.requests) == 3
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0


def test_the_server_says_how_long_to_wait_within_reason() -> None:
    pauses: list[float] = []
    answers = [answer(429, BUSY, Retry_After=text) for text in ("2", "86400", "soon")]
    with canned(*answers, answer(200, {})) as server:
        Api(server.url, "frk_1_2", pause=pauses.append).get("/v1/quota")

    assert pauses[:2] == [2.0, PAUSE_S_MAX]
    assert pauses[2] <= 2.0


def test_after_some_tries_it_is_told_as_busy_with_a_code_of_its_own() -> None:
    pauses: list[float] = []
    with canned(*[answer(429, BUSY)] * TRIES_MAX) as server, pytest.raises(Unavailable) as error:
        Api(server.url, "frk_1_2", pause=pauses.append).get("/v1/quota")

    assert len(pauses) == TRIES_MAX - 1
    assert "all instances of the API are busy" in str(error.value)
    assert exits.of_error(error.value) == exits.UNREACHABLE


@pytest.mark.parametrize(
    ("refusal", "family"),
    [
        (answer(422, {"code": "BadRequest", "detail": "no"}), Refused),
        (answer(504, {"code": "Timeout", "detail": "may be"}), UnknownOutcome),
        (answer(503, {"ErrorCode": "ServiceUnavailable", "ErrorMessage": "of something on the way"}), UnknownOutcome),
    ],
)
def test_what_may_have_happened_or_never_will_is_not_repeated(refusal: Response, family: type[Exception]) -> None:
    with canned(refusal) as server, pytest.raises(family):
        Api(server.url, "frk_1_2", pause=lambda _: pytest.fail("it waits")).post("/v1/runs", b"{}")

    assert len(server.requests) == 1
