"""Requests as bytes: what only the wire can ask, headers, and how replies are signed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.http import Refusal, Request
from localcloud.ids import Ids
from localcloud.tablestore.api import TablestoreEndpoint
from localcloud.tablestore.messages import messages
from localcloud.tablestore.plainbuffer import decode_rows
from tests.contract.tablestore.worlds import ACCOUNT, ONE_KEY, TWO_KEYS, TablestoreWorld
from tests.wire.tablestore_messages import error_of, get_row, less_than, update_with_an_increment


@pytest.fixture
def world() -> TablestoreWorld:
    made = TablestoreWorld()
    made.table(ONE_KEY)
    made.service.put_row("t", ("a",), {"n": 1, "s": "x"})
    return made


# -- what the Python SDK cannot ask -----------------------------------------------------------------------------------
def test_an_increment_answers_the_value_it_has_made(world: TablestoreWorld) -> None:
    first = world.ask("UpdateRow", update_with_an_increment(return_type=2, return_column_names=["n", "none"]))
    second = world.ask("UpdateRow", update_with_an_increment(return_type=2, return_column_names=["n"]))
    key_alone = world.ask("UpdateRow", update_with_an_increment(return_type=1))
    nothing = world.ask("UpdateRow", update_with_an_increment())

    values = []
    for answer in (first, second):
        (row,) = decode_rows(answer.row)
        assert [cell.value for cell in row.key] == ["a"]
        values.append([(cell.name, cell.value, cell.version_ms) for cell in row.cells])
    assert values == [[("n", 6, world.now_ms)], [("n", 11, world.now_ms)]]
    assert decode_rows(key_alone.row)[0].cells == ()
    assert not nothing.HasField("row")


def test_split_points_cut_a_table_into_parts_of_the_size_asked_for() -> None:
    world = TablestoreWorld()
    service = world.table(TWO_KEYS)
    for number in range(10):
        service.put_row("t", ("p", number), {"n": "x" * 80})  # 4+1 + 6+8 + 1+80 = 100 bytes
    pb = messages().table

    def ask(size: int, unit: int | None = None) -> Any:
        request = pb.ComputeSplitPointsBySizeRequest(table_name="t", split_size=size, split_size_unit_in_byte=unit)
        return world.ask("ComputeSplitPointsBySize", request)

    fine, whole, none = ask(300, 1), ask(1), ask(0)

    points = [tuple(cell.value for cell in decode_rows(point)[0].key) for point in fine.split_points]
    assert points == [("p", 3), ("p", 6), ("p", 9)]
    assert [(column.name, column.type) for column in fine.schema] == [("part", 2), ("number", 1)]
    assert [location.repeat for location in fine.locations] == [4]
    assert list(whole.split_points) == []
    assert (none.code, none.message) == ("OTSParameterInvalid", "The split size must be greater than 0.")


@pytest.mark.parametrize("operation", ["ListStream", "ListSearchIndex", "ListTimeseriesTable", "tunnel/list"])
def test_listings_of_what_is_not_offered_are_empty(world: TablestoreWorld, operation: str) -> None:
    response = world.handle(world.request(operation, b""))

    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("GetStreamRecord", "GetStreamRecord"),
        ("Search", "Search"),
        ("tunnel/create", "tunnel/create"),
        ("no-such-thing", "no-such-thing"),
        ("v1/other/GetEverything", "GetEverything"),
    ],
)
def test_what_is_not_offered_is_refused_by_its_name(world: TablestoreWorld, path: str, name: str) -> None:
    sent = world.request(name if name != "no-such-thing" else "Unknown", b"")
    request = Request("POST", f"/{path}", "", sent.headers, b"", sent.received_ms)

    assert error_of(world.handle(request)) == (400, "OTSParameterInvalid", f"Unsupported operation: '{name}'.")


def test_other_methods_are_refused(world: TablestoreWorld) -> None:
    sent = world.request("GetRow", b"")

    for method in ("GET", "PUT", "DELETE"):
        answer = world.handle(Request(method, sent.path, "", sent.headers, b"", sent.received_ms))
        assert error_of(answer) == (405, "OTSMethodNotAllowed", "Only POST method for requests is supported.")


# -- headers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"x_ots_date": ""}, (400, "OTSParameterInvalid", "Missing header: 'x-ots-date'.")),
        ({"x_ots_contentmd5": ""}, (400, "OTSParameterInvalid", "Missing header: 'x-ots-contentmd5'.")),
        ({"x_ots_signature": " "}, (403, "OTSAuthFailed", "Signature mismatch.")),
        ({"x_ots_date": "yesterday"}, (400, "OTSParameterInvalid", "Invalid date format: yesterday.")),
        (
            {"x_ots_date": "2025-12-31T23:44:59.000Z"},
            (403, "OTSAuthFailed", "Mismatch between system time and x-ots-date: 2025-12-31T23:44:59.000Z."),
        ),
        ({"x_ots_date": "2025-12-31T23:45:00.000Z"}, None),
        ({"x_ots_date": "2026-01-01T00:15:00.000Z"}, None),
        (
            {"x_ots_date": "2026-01-01T00:15:01.000Z"},
            (403, "OTSAuthFailed", "Mismatch between system time and x-ots-date: 2026-01-01T00:15:01.000Z."),
        ),
        ({"x_ots_apiversion": "2014-08-08"}, (400, "OTSParameterInvalid", "Invalid API version: '2014-08-08'.")),
        (
            {"x_ots_contentmd5": "AAAA"},
            (403, "OTSAuthFailed", "Mismatch between MD5 value of request body and x-ots-contentmd5 in header."),
        ),
        ({"x_ots_accesskeyid": "nobody"}, (403, "OTSAuthFailed", "The AccessKeyID does not exist.")),
        ({"x_ots_instancename": "elsewhere"}, (403, "OTSAuthFailed", "The instance is not found.")),
        ({"x_ots_added": "later"}, None),
    ],
)
def test_headers_are_checked(
    world: TablestoreWorld, headers: dict[str, str], refusal: tuple[int, str, str] | None
) -> None:
    response = world.handle(world.request("ListTable", b"", **headers))

    assert (None if response.status == 200 else error_of(response)) == refusal


@given(bit=st.integers(0, 28 * 8 - 1))
def test_a_signature_with_a_wrong_bit_is_refused(bit: int) -> None:
    world = TablestoreWorld()
    request = world.request("ListTable", b"")
    signature = bytearray(request.headers["x-ots-signature"].encode())
    signature[bit // 8] ^= 1 << bit % 8
    headers = {**request.headers, "x-ots-signature": signature.decode("latin-1")}

    answer = world.handle(Request("POST", request.path, "", headers, b"", request.received_ms))

    assert error_of(answer) == (403, "OTSAuthFailed", "Signature mismatch.")


def test_replies_and_errors_are_signed_with_the_secret(world: TablestoreWorld) -> None:
    pb = messages().table
    answers = [
        world.handle(world.request("DescribeTable", pb.DescribeTableRequest(table_name=name).SerializeToString()))
        for name in ("t", "none")
    ]

    for answer in answers:
        headers = dict(answer.headers)
        authorization = headers.pop("Authorization")
        lines = "\n".join(sorted(f"{name}:{value}" for name, value in headers.items()))
        digest = hmac.new(ACCOUNT.access_key_secret.encode(), f"{lines}\n/DescribeTable".encode(), hashlib.sha1)
        expected = base64.b64encode(digest.digest()).decode()
        assert authorization == f"OTS {ACCOUNT.access_key_id}:{expected}"
        assert headers["x-ots-contentmd5"] == base64.b64encode(hashlib.md5(answer.body).digest()).decode()
        assert set(headers) == {"x-ots-contentmd5", "x-ots-contenttype", "x-ots-date", "x-ots-requestid"}
    assert [answer.status for answer in answers] == [200, 404]


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (Refusal(), (500, "OTSInternalServerError", "Internal server error.")),
        (Refusal(throttle=True), (503, "OTSServerBusy", "Server is busy.")),
        (Refusal("OTSTimeout"), (503, "OTSTimeout", "Operation timeout.")),
        (
            Refusal("OTSRowOperationConflict"),
            (409, "OTSRowOperationConflict", "Data is being modified by the other request."),
        ),
        (Refusal("OTSStrange", 418, "Strange."), (418, "OTSStrange", "Strange.")),
    ],
)
def test_ordered_errors_are_said_in_the_protocols_words(
    world: TablestoreWorld, refusal: Refusal, expected: tuple[int, str, str]
) -> None:
    assert error_of(world.endpoint.refuse(world.request("GetRow", b""), refusal)) == expected


def test_everybody_is_let_in_where_signatures_are_not_checked(world: TablestoreWorld) -> None:
    endpoint = TablestoreEndpoint(world.service, account=ACCOUNT, ids=Ids(1), checks_signature=False)
    request = world.request("ListTable", b"", x_ots_accesskeyid="anybody", x_ots_signature=" ", x_ots_date="")

    response = asyncio.run(endpoint.handle(request))

    assert response.status == 200
    assert dict(response.headers)["Authorization"].startswith("OTS anybody:")


# -- filters ----------------------------------------------------------------------------------------------------------
def test_a_page_of_columns_is_shown(world: TablestoreWorld) -> None:
    world.service.put_row("t", ("a",), dict.fromkeys("dcba", 1))
    pb = messages().filter
    page = pb.ColumnPaginationFilter(offset=1, limit=2)
    answer = world.ask("GetRow", get_row(filter=pb.Filter(type=3, filter=page.SerializeToString()).SerializeToString()))

    assert [cell.name for cell in decode_rows(answer.row)[0].cells] == ["b", "c"]


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        (3, {"offset": -1, "limit": 1}, "Offset in ColumnPaginationFilter must be greater than or equal to 0."),
        (3, {"offset": 0, "limit": 0}, "Limit in ColumnPaginationFilter must be greater than 0."),
    ],
)
def test_a_page_of_columns_that_is_none_is_refused(
    world: TablestoreWorld, kind: int, message: dict[str, int], said: str
) -> None:
    pb = messages().filter
    rule = pb.Filter(type=kind, filter=pb.ColumnPaginationFilter(**message).SerializeToString())

    answer = world.ask("GetRow", get_row(filter=rule.SerializeToString()))

    assert (answer.code, answer.message) == ("OTSParameterInvalid", said)


def test_a_page_of_columns_is_no_condition_and_no_part_of_a_filter(world: TablestoreWorld) -> None:
    pb = messages().filter
    page = pb.Filter(type=3, filter=pb.ColumnPaginationFilter(offset=0, limit=1).SerializeToString())
    both = pb.CompositeColumnValueFilter(combinator=2, sub_filters=[page, page])
    request = update_with_an_increment()
    request.condition.column_condition = page.SerializeToString()

    as_condition = world.ask("UpdateRow", request)
    as_part = world.ask(
        "GetRow", get_row(filter=pb.Filter(type=2, filter=both.SerializeToString()).SerializeToString())
    )

    assert as_condition.message == "Invalid condition: ColumnPaginationFilter."
    assert as_part.message == "Invalid type of sub-filter: FT_COLUMN_PAGINATION."


def test_filters_in_filters_without_end_are_refused(world: TablestoreWorld) -> None:
    pb = messages().filter
    rule = less_than("n", 1)
    for _ in range(500):
        inner = pb.CompositeColumnValueFilter(combinator=1, sub_filters=[rule])
        rule = pb.Filter(type=2, filter=inner.SerializeToString())

    answer = world.ask("GetRow", get_row(filter=rule.SerializeToString()))

    assert (answer.code, answer.message) == ("OTSParameterInvalid", "The count of filter exceeds the max: 10.")
