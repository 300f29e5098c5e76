"""What a message leaves out: the default that the service puts in its place, or the refusal."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.http import Response
from localcloud.tablestore.messages import messages
from localcloud.tablestore.plainbuffer import decode_rows, encode_key, encode_rows
from localcloud.tablestore.schema import DefinedColumn, TableMeta
from tests.contract.tablestore.worlds import ONE_KEY, TablestoreWorld
from tests.wire.tablestore_messages import error_of, get_row, range_of

INVALID = "OTSParameterInvalid"
LIFE, VERSIONS = {"time_to_live": -1}, {"max_versions": 3}
NO_VERSION = "No version condition is specified while querying row."
ALWAYS = {"start_time": 0, "end_time": 2**50}


@pytest.fixture
def world() -> TablestoreWorld:
    made = TablestoreWorld()
    made.table(TableMeta("t", ONE_KEY.key, (DefinedColumn("n", "INTEGER"),)))
    made.service.put_row("t", ("a",), {"n": 1})
    return made


def new_table(**fields: Any) -> Any:
    pb = messages().table
    meta = pb.TableMeta(table_name="u", primary_key=[pb.PrimaryKeySchema(name="id", type=pb.STRING)])
    return pb.CreateTableRequest(table_meta=meta, reserved_throughput=units(), **fields)


def options(**fields: Any) -> Any:
    return messages().table.TableOptions(**fields)


def units(**fields: Any) -> Any:
    return messages().table.ReservedThroughput(capacity_unit=messages().table.CapacityUnit(**fields))


def change(**fields: Any) -> Any:
    return messages().table.UpdateTableRequest(table_name="t", **fields)


def put(key: str, **fields: Any) -> Any:
    pb = messages().table
    row = encode_rows(("id",), [((key,), [])])
    return pb.PutRowRequest(table_name="t", row=row, condition=pb.Condition(row_existence=0), **fields)


def without_versions(message: Any, **time_range: int) -> Any:
    message.ClearField("max_versions")
    if time_range:
        message.time_range.CopyFrom(messages().table.TimeRange(**time_range))
    return message


def batch_without_versions() -> Any:
    pb = messages().table
    group = pb.TableInBatchGetRowRequest(table_name="t", primary_key=[encode_key(("id",), ("a",))])
    return pb.BatchGetRowRequest(tables=[group])


def send(world: TablestoreWorld, message: Any) -> Response:
    """`message` as a request of the operation that it is of, with whatever it lacks."""
    operation = type(message).__name__.removesuffix("Request")
    return world.handle(world.request(operation, message.SerializeToString()))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (new_table(), "Time-to-live is missing while creating table."),
        (new_table(table_options=options()), "Time-to-live is missing while creating table."),
        (new_table(table_options=options(**VERSIONS)), "Time-to-live is missing while creating table."),
        (new_table(table_options=options(**LIFE)), "MaxVersions is missing while creating table."),
        (change(), "No parameter is specified while updating table."),
        (change(table_options=options()), "No parameter is specified in table options."),
        (
            change(reserved_throughput=units()),
            "Invalid Capacity Unit for UpdateTable: Either read(-1) or write(-1) should be non-negative.",
        ),
        (without_versions(get_row()), NO_VERSION),
        (without_versions(range_of()), NO_VERSION),
        (batch_without_versions(), NO_VERSION),
    ],
)
def test_what_has_no_default_is_missed(world: TablestoreWorld, message: Any, text: str) -> None:
    before = world.service.state()

    assert error_of(send(world, message)) == (400, INVALID, text)
    assert world.service.state() == before


def test_a_table_of_which_little_is_said_has_a_day_of_deviation_and_takes_updates(world: TablestoreWorld) -> None:
    world.ask("CreateTable", new_table(table_options=options(**LIFE, **VERSIONS)))
    made = world.ask("DescribeTable", messages().table.DescribeTableRequest(table_name="u"))

    told = made.table_options
    assert (told.time_to_live, told.max_versions) == (-1, 3)
    assert (told.deviation_cell_version_in_sec, told.allow_update) == (86_400, True)
    reserved = made.reserved_throughput_details.capacity_unit
    assert (reserved.read, reserved.write) == (0, 0)
    assert not made.HasField("stream_details")
    assert not made.HasField("sse_details")
    assert not made.reserved_throughput_details.HasField("last_decrease_time")
    assert [column.HasField("option") for column in made.table_meta.primary_key] == [False]


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"table_options": options(max_versions=2)}, {"versions": 2}),
        ({"table_options": options(time_to_live=86_400)}, {"life": 86_400}),
        ({"table_options": options(deviation_cell_version_in_sec=60)}, {"deviation": 60}),
        ({"table_options": options(allow_update=False)}, {"updates": False}),
        ({"reserved_throughput": units(read=1)}, {"read": 1}),
        ({"reserved_throughput": units(write=1)}, {"write": 1}),
    ],
)
def test_an_update_leaves_what_it_does_not_name(fields: dict[str, Any], changed: dict[str, Any]) -> None:
    world = TablestoreWorld()
    world.table()

    answer = world.ask("UpdateTable", change(**fields))

    told, reserved = answer.table_options, answer.reserved_throughput_details.capacity_unit
    assert {
        "life": told.time_to_live,
        "versions": told.max_versions,
        "deviation": told.deviation_cell_version_in_sec,
        "updates": told.allow_update,
        "read": reserved.read,
        "write": reserved.write,
    } == {"life": -1, "versions": 1, "deviation": 86_400, "updates": True, "read": 0, "write": 0} | changed


def test_an_index_made_later_is_empty_unless_old_rows_are_asked_for(world: TablestoreWorld) -> None:
    pb = messages().table
    for name, said in (("quiet", {}), ("without", {"include_base_data": False}), ("with", {"include_base_data": True})):
        index = pb.IndexMeta(name=name, primary_key=["n"], index_update_mode=0, index_type=0)
        world.ask("CreateIndex", pb.CreateIndexRequest(main_table_name="t", index_meta=index, **said))

    found = [world.service.get_row(name, (1, "a")).row is not None for name in ("quiet", "without", "with")]
    assert found == [False, False, True]


@pytest.mark.parametrize("fields", [{}, {"return_content": messages().table.ReturnContent()}])
def test_a_write_answers_no_row_unless_it_is_asked_for(world: TablestoreWorld, fields: dict[str, Any]) -> None:
    assert not world.ask("PutRow", put("b", **fields)).HasField("row")


def test_a_read_without_columns_filter_or_limit_shows_all(world: TablestoreWorld) -> None:
    world.ask("PutRow", put("b"))

    page = world.ask("GetRange", range_of())

    assert [row.key[0].value for row in decode_rows(page.rows)] == ["a", "b"]
    assert not page.HasField("next_start_primary_key")
    assert [cell.name for row in decode_rows(page.rows) for cell in row.cells] == ["n"]


@pytest.mark.parametrize("operation", ["GetRow", "GetRange"])
def test_a_time_range_alone_shows_every_version_in_it(operation: str) -> None:
    world = TablestoreWorld()
    service = world.table(versions_max=3)
    for number in range(4):
        service.update_row("t", ("a",), {"n": number})
        world.advance(1)
    message = get_row() if operation == "GetRow" else range_of()

    answer = world.ask(operation, without_versions(message, **ALWAYS))

    (row,) = decode_rows(answer.row if operation == "GetRow" else answer.rows)
    assert [cell.value for cell in row.cells] == [3, 2, 1]
