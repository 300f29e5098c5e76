"""Random messages for every operation of Tablestore, signed rightly. A refusal has its form and changes nothing."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from localcloud.http import Response
from localcloud.journal import NoJournal
from localcloud.tablestore.crc8 import crc8
from localcloud.tablestore.messages import messages
from localcloud.tablestore.operations import OPERATIONS
from localcloud.tablestore.plainbuffer import encode_key, encode_rows, encode_variant
from localcloud.tablestore.schema import DefinedColumn, IndexMeta, KeyColumn, TableMeta, TableOptions
from localcloud.tablestore.values import AUTO_INCREMENT, INF_MAX, INF_MIN
from tests.contract.tablestore.worlds import ONE_KEY, TablestoreWorld
from tests.wire.tablestore_messages import INCREMENT_OF_N_BY_5, get_row, less_than, range_of, update_with_an_increment

ROUNDS = 120
"""Messages of each operation, two thirds of them right but for a few fields; the numbers are their seeds."""
STATUSES = {400, 403, 404, 409}
TEXTS = ["t", "u", "i", "n", "s", "id", "number", "none", "", "é", "\0", "x" * 256, "0" * 32, "F" * 32, "1-1"]
NUMBERS = [-(2**31), -1, 0, 1, 2, 5, 100, 86_400, 2**31 - 1]
LONG_NUMBERS = [*NUMBERS, -(2**63), 2**63 - 1, 2**40]


class CountingJournal(NoJournal):
    """What was written down, except for the counter of chosen keys, which may skip numbers."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, str]] = []

    def put(self, collection: str, key: str, value: Any) -> None:
        if collection != "tablestore.counters":
            self.writes.append((collection, key))

    def drop(self, collection: str, key: str) -> None:
        self.writes.append((collection, key))


def furnished() -> tuple[TablestoreWorld, CountingJournal]:
    """ "t" with a row and an index "i", and "u" whose second key column the table chooses."""
    journal = CountingJournal()
    world = TablestoreWorld(journal=journal)
    defined = (DefinedColumn("n", "INTEGER"), DefinedColumn("s", "STRING"))
    world.table(TableMeta("t", ONE_KEY.key, defined), IndexMeta("i", ("n",), ("s",)))
    key = (KeyColumn("id", "STRING"), KeyColumn("number", "INTEGER", is_auto_increment=True))
    world.service.create_table(TableMeta("u", key), TableOptions(versions_max=3))
    world.service.put_row("t", ("a",), {"n": 1, "s": "x"})
    return world, journal


def value(lots: Random) -> Any:
    return lots.choice(
        [
            "a",
            "",
            "é",
            "x" * 1025,
            0,
            5,
            -(2**63),
            2**63 - 1,
            0.5,
            float("nan"),
            float("inf"),
            True,
            b"",
            b"\xff",
            INF_MIN,
            INF_MAX,
            AUTO_INCREMENT,
        ]
    )


def blob(lots: Random) -> bytes:
    """A row, a key, a filter or a variant; whole, or with bytes changed, cut off or added; or noise."""
    names = lots.choice([("id",), ("id",), ("id", "number"), ("number", "id"), ("id", "id"), ("n",), ()])
    key = tuple(value(lots) if lots.random() < 0.4 else "a" for _ in names)
    cells = [(lots.choice(TEXTS), value(lots), lots.choice(LONG_NUMBERS)) for _ in range(lots.randrange(3))]
    made: list[bytes] = [
        encode_key(("id",), ("a",)),
        encode_key(names, key),
        encode_rows(names, [(key, cells)]),
        encode_rows(names, [(key, cells)] * 2),
        encode_rows(("id",), [(("a",), [("n", 7, 0)])])[:-2] + INCREMENT_OF_N_BY_5,
        less_than(lots.choice(TEXTS), value(lots)).SerializeToString(),
        encode_variant(value(lots)),
        nested(lots.randrange(60)),
        lots.randbytes(lots.randrange(60)),
    ]
    data = bytearray(lots.choice(made))
    for _ in range(lots.choice([0, 0, 0, 1, 3])):
        at = lots.randrange(len(data) + 1)
        data[at : at + lots.randrange(3)] = lots.randbytes(lots.randrange(4))
    return bytes(data)


def nested(depth: int) -> bytes:
    """A filter in a NOT, `depth` times."""
    pb = messages().filter
    rule = less_than("n", 5)
    for _ in range(depth):
        inner = pb.CompositeColumnValueFilter(combinator=pb.LO_NOT, sub_filters=[rule]).SerializeToString()
        rule = pb.Filter(type=pb.FT_COMPOSITE_COLUMN_VALUE, filter=inner)
    return bytes(rule.SerializeToString())


def fill(message: Any, lots: Random) -> Any:
    """Sets what is required, and of the rest what chance says."""
    for field in message.DESCRIPTOR.fields:
        if field.label == FieldDescriptor.LABEL_REPEATED:
            for _ in range(lots.choice([0, 1, 1, 2, 3])):
                if field.message_type is not None:
                    fill(getattr(message, field.name).add(), lots)
                else:
                    getattr(message, field.name).append(scalar(field, lots))
        elif lots.random() < (0.95 if field.number <= 3 else 0.4):
            if field.message_type is not None:
                getattr(message, field.name).SetInParent()
                fill(getattr(message, field.name), lots)
            else:
                setattr(message, field.name, scalar(field, lots))
    return message


def scalar(field: Any, lots: Random) -> Any:
    if field.enum_type is not None:
        return lots.choice([known.number for known in field.enum_type.values])
    if field.type == FieldDescriptor.TYPE_STRING:
        return lots.choice(["t", "t", "u", lots.choice(TEXTS)])
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lots.choice([encode_key(("id",), ("a",)), blob(lots)])
    if field.type == FieldDescriptor.TYPE_BOOL:
        return lots.random() < 0.5
    return lots.choice(NUMBERS if field.type == FieldDescriptor.TYPE_INT32 else LONG_NUMBERS)


def shake(message: Any, lots: Random) -> Any:
    """Changes a few fields of a message that was right, takes a few away and adds a few."""
    for field in message.DESCRIPTOR.fields:
        is_list = field.label == FieldDescriptor.LABEL_REPEATED
        there = getattr(message, field.name)
        if field.message_type is not None:
            for part in there if is_list else [there] if message.HasField(field.name) else []:
                shake(part, lots)
        elif lots.random() < 0.08:
            if is_list:
                there.append(scalar(field, lots))
            else:
                setattr(message, field.name, scalar(field, lots))
        if lots.random() < 0.01:
            message.ClearField(field.name)
    return message


def deletion() -> bytes:
    """A key with the mark of DeleteRow behind it."""
    key = encode_key(("id",), ("a",))
    return key[:-2] + bytes([8, 9, crc8(bytes([key[-3], 1]))])


def right(transaction: str) -> dict[str, Any]:
    """A message of each operation that is answered."""
    pb = messages().table
    anyhow, units = pb.Condition(row_existence=0), pb.CapacityUnit(read=0, write=0)
    row = plain_row()
    rule = less_than("n", 100).SerializeToString()
    selection = {"columns_to_get": ["n", "s"], "max_versions": 1, "filter": rule}
    index = pb.IndexMeta(name="j", primary_key=["s"], defined_column=["n"], index_update_mode=0, index_type=0)
    meta = pb.TableMeta(
        table_name="new",
        primary_key=[pb.PrimaryKeySchema(name="id", type=pb.STRING)],
        defined_column=[pb.DefinedColumnSchema(name=name, type=pb.DCT_STRING) for name in ("n", "s")],
    )
    put = pb.RowInBatchWriteRowRequest(type=pb.PUT, row_change=row, condition=anyhow)
    delete = pb.RowInBatchWriteRowRequest(type=pb.DELETE, row_change=deletion(), condition=anyhow)
    return {
        "AbortTransaction": pb.AbortTransactionRequest(transaction_id=transaction),
        "BatchGetRow": pb.BatchGetRowRequest(
            tables=[
                pb.TableInBatchGetRowRequest(table_name="t", primary_key=[encode_key(("id",), ("a",))], **selection)
            ]
        ),
        "BatchWriteRow": pb.BatchWriteRowRequest(
            tables=[pb.TableInBatchWriteRowRequest(table_name="t", rows=[put, delete])]
        ),
        "CommitTransaction": pb.CommitTransactionRequest(transaction_id=transaction),
        "ComputeSplitPointsBySize": pb.ComputeSplitPointsBySizeRequest(table_name="t", split_size=1),
        "CreateIndex": pb.CreateIndexRequest(main_table_name="t", index_meta=index, include_base_data=True),
        "CreateTable": pb.CreateTableRequest(
            table_meta=meta,
            reserved_throughput=pb.ReservedThroughput(capacity_unit=units),
            table_options=pb.TableOptions(time_to_live=-1, max_versions=1),
            index_metas=[index],
        ),
        "DeleteRow": pb.DeleteRowRequest(table_name="t", primary_key=deletion(), condition=anyhow),
        "DeleteTable": pb.DeleteTableRequest(table_name="t"),
        "DescribeTable": pb.DescribeTableRequest(table_name="t"),
        "DropIndex": pb.DropIndexRequest(main_table_name="t", index_name="i"),
        "GetRange": range_of(limit=2, columns_to_get=["n", "s"], filter=rule),
        "GetRow": get_row(columns_to_get=["n", "s"], filter=rule),
        "ListTable": pb.ListTableRequest(),
        "PutRow": pb.PutRowRequest(table_name="t", row=row, condition=anyhow),
        "StartLocalTransaction": pb.StartLocalTransactionRequest(table_name="t", key=encode_key(("id",), ("b",))),
        "UpdateRow": update_with_an_increment(return_type=2, return_column_names=["n"]),
        "UpdateTable": pb.UpdateTableRequest(table_name="t", table_options=pb.TableOptions(max_versions=1)),
    }


def plain_row() -> bytes:
    """A row with a column whose version is left to the service."""
    key = encode_key(("id",), ("b",))
    cell = crc8(b"s" + encode_variant("y"))
    value = encode_variant("y")
    content = b"\2\3\4\1\0\0\0s\5" + bytes([len(value), 0, 0, 0]) + value + bytes([10, cell, 9])
    return key[:-2] + content + bytes([crc8(bytes([key[-3], cell, 0]))])


def seen(world: TablestoreWorld) -> Any:
    service = world.service
    return service.state(), [service.describe_table(name) for name in (*service.list_tables(), "i")]


def check_refusal(response: Response) -> str:
    error = messages().table.Error.FromString(response.body)
    assert response.status in STATUSES, error
    assert error.code.startswith("OTS")
    assert error.message
    assert dict(response.headers)["x-ots-requestid"]
    return str(error.code)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_random_message_is_answered_or_refused_in_form_and_then_nothing_has_changed(operation: str) -> None:
    known = messages().table
    request_kind, response_kind = getattr(known, f"{operation}Request"), getattr(known, f"{operation}Response")
    answered, refused = 0, set()

    for seed in range(ROUNDS):
        lots = Random(f"{operation} {seed}")
        world, journal = furnished()
        is_open = "Transaction" in operation or lots.random() < 0.1
        transaction = world.service.start_transaction("t", ("a",)) if is_open else ""
        message = shake(right(transaction)[operation], lots) if seed % 3 else fill(request_kind(), lots)
        before, writes = seen(world), len(journal.writes)

        response = world.handle(world.request(operation, message.SerializePartialToString()))

        if response.status == 200:
            response_kind.FromString(response.body)
            answered += 1
            continue
        refused.add(check_refusal(response))
        assert (seen(world), len(journal.writes)) == (before, writes), (seed, message)

    assert answered >= 10
    assert refused or operation == "ListTable"
