"""Two hundred callers at once: a conditional counter gives out what there is, and not one unit more."""

from __future__ import annotations

import threading
from collections import Counter

from tablestore import (
    CapacityUnit,
    ComparatorType,
    Condition,
    ReservedThroughput,
    Row,
    RowExistenceExpectation,
    SingleColumnCondition,
    TableMeta,
    TableOptions,
)
from tablestore.error import OTSServiceError

from tests.contract.tablestore.worlds import TablestoreServer

KEY = [("id", "day")]
CALLERS, LIMIT, LEFT = 200, 200_000, 50


def test_two_hundred_callers_get_the_last_fifty_units_and_no_more(server: TablestoreServer) -> None:
    client = server.client(max_connection=CALLERS)
    client.create_table(TableMeta("t", [("id", "STRING")]), TableOptions(), ReservedThroughput(CapacityUnit(0, 0)))
    client.put_row("t", Row(KEY, [("used", LIMIT - LEFT)]), Condition(RowExistenceExpectation.IGNORE))
    below = Condition(
        RowExistenceExpectation.EXPECT_EXIST, SingleColumnCondition("used", LIMIT, ComparatorType.LESS_THAN, False)
    )
    outcomes: list[str] = []
    start = threading.Barrier(CALLERS)

    def take_one() -> None:
        start.wait()
        try:
            client.update_row("t", Row(KEY, {"INCREMENT": [("used", 1)]}), below)
        except OTSServiceError as error:
            outcomes.append(error.code)
        else:
            outcomes.append("taken")

    threads = [threading.Thread(target=take_one) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert Counter(outcomes) == {"taken": LEFT, "OTSConditionCheckFail": CALLERS - LEFT}
    row = client.get_row("t", KEY, max_version=1)[1]
    assert row.attribute_columns[0][:2] == ("used", LIMIT)


def test_callers_that_take_different_amounts_never_pass_the_limit(server: TablestoreServer) -> None:
    client = server.client(max_connection=50)
    client.create_table(TableMeta("t", [("id", "STRING")]), TableOptions(), ReservedThroughput(CapacityUnit(0, 0)))
    client.put_row("t", Row(KEY, [("used", 0)]), Condition(RowExistenceExpectation.IGNORE))
    taken: list[int] = []
    start = threading.Barrier(50)

    def take(amount: int) -> None:
        fits = Condition(
            RowExistenceExpectation.EXPECT_EXIST,
            SingleColumnCondition("used", 100 - amount, ComparatorType.LESS_EQUAL, False),
        )
        start.wait()
        try:
            client.update_row("t", Row(KEY, {"INCREMENT": [("used", amount)]}), fits)
        except OTSServiceError as error:
            taken.extend([] if error.code == "OTSConditionCheckFail" else [-1000])
        else:
            taken.append(amount)

    threads = [threading.Thread(target=take, args=(1 + number % 7,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    used = client.get_row("t", KEY, max_version=1)[1].attribute_columns[0][1]
    assert used == sum(taken)
    assert 93 < used <= 100
