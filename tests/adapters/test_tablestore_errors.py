"""Every way in which a call to Tablestore can end is one of our families."""

from __future__ import annotations

import socket

import pytest
from tablestore.protobuf import table_store_pb2 as pb

from localcloud.http import Response
from shared.adapters.run_store import TableRunStore
from shared.adapters.tablestore_calls import TableCalls
from shared.adapters.tablestore_writes import Write
from shared.core.errors import FleetrunError, Unavailable, UnknownOutcome
from tests.adapters.canned import HANG_UP, canned
from tests.adapters.clients import Sleepless, table_calls
from tests.adapters.values import a_run

WRITE = Write("put", "runs", (("run_id", "r"), ("part", "run")), {"a": 1}, exists=False)


def error(status: int, code: str) -> Response:
    return Response(status, (), pb.Error(code=code, message="m").SerializeToString())


BUSY = [
    error(503, "OTSServerBusy"),
    error(503, "OTSPartitionUnavailable"),
    error(404, "OTSTableNotReady"),
    error(403, "OTSNotEnoughCapacityUnit"),
    error(409, "OTSRowOperationConflict"),
]
UNKNOWN = [
    error(503, "OTSTimeout"),
    error(500, "OTSInternalServerError"),
    error(503, "OTSServerUnavailable"),
    error(408, "OTSRequestTimeout"),
    error(500, "OTSSomethingNew"),
    Response(502, (), b"<html>bad gateway</html>"),
    Response(200, (), b"no signature"),
    HANG_UP,
]
REFUSED = [error(403, "OTSAuthFailed"), error(404, "OTSObjectNotExist"), error(400, "OTSParameterInvalid")]


@pytest.mark.parametrize(
    ("answer", "family"),
    [(answer, Unavailable) for answer in BUSY + REFUSED] + [(answer, UnknownOutcome) for answer in UNKNOWN],
)
def test_a_failed_write_is_of_the_family_that_says_what_may_have_happened(
    answer: Response | None, family: type[FleetrunError]
) -> None:
    with canned(answer) as server, pytest.raises(family) as raised:
        table_calls(server.url).write(WRITE)

    assert type(raised.value) is family


@pytest.mark.parametrize(
    ("answer", "family"),
    [(answer, Unavailable) for answer in BUSY + REFUSED] + [(answer, UnknownOutcome) for answer in UNKNOWN],
)
def test_a_failed_batch_is_of_the_same_families(answer: Response | None, family: type[FleetrunError]) -> None:
    with canned(answer) as server, pytest.raises(family) as raised:
        table_calls(server.url).write_many([WRITE])

    assert type(raised.value) is family


@pytest.mark.parametrize("answer", BUSY + UNKNOWN + REFUSED)
def test_a_failed_read_is_unavailable(answer: Response | None) -> None:
    with canned(answer) as server, pytest.raises(Unavailable):
        table_calls(server.url).get("runs", WRITE.key)


@pytest.mark.parametrize("answer", BUSY)
def test_a_busy_table_is_asked_four_times_and_no_more(answer: Response) -> None:
    sleepless = Sleepless()
    with canned(answer) as server, pytest.raises(Unavailable):
        table_calls(server.url, sleepless).write(WRITE)

    assert len(server.requests) == 4
    assert sum(sleepless.pauses) <= 8_000


@pytest.mark.parametrize("answer", UNKNOWN + REFUSED)
def test_a_write_that_may_have_happened_or_is_refused_is_not_repeated(answer: Response | None) -> None:
    with canned(answer) as server, pytest.raises(FleetrunError):
        table_calls(server.url).write(WRITE)

    assert len(server.requests) == 1


def test_a_failed_condition_is_an_answer_and_not_an_error() -> None:
    with canned(error(403, "OTSConditionCheckFail")) as server:
        assert not TableRunStore(table_calls(server.url)).insert_run(a_run())


def test_a_refused_connection_says_that_nothing_happened() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        calls: TableCalls = table_calls(f"http://127.0.0.1:{unused.getsockname()[1]}")

        with pytest.raises(Unavailable, match="cannot be reached"):
            calls.write(WRITE)


def test_the_code_of_tablestore_is_kept() -> None:
    with canned(error(404, "OTSObjectNotExist")) as server, pytest.raises(Unavailable) as raised:
        table_calls(server.url).write(WRITE)

    assert raised.value.code == "OTSObjectNotExist"
