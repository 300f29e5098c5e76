"""The ECS adapters against the double of ECS, over HTTP: selections of every size, and what a listing hides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from localcloud.account import Account
from localcloud.clock import SystemClock, Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.ecs.api import EcsEndpoint
from localcloud.ecs.executor_simulated import SimulatedExecutor
from localcloud.ecs.service import EcsService
from localcloud.fleet import Fleet, Group
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from shared.adapters.ecs_directory import EcsDirectory
from shared.adapters.system import ThreadLanes
from shared.core.requests import TargetSelection
from tests.adapters.clients import ecs_calls
from tests.contract.serve import Served, serve

REGION = "cn-hangzhou"


@contextmanager
def ecs(*groups: Group) -> Iterator[Served]:
    account, ids, timeline = Account(), Ids(1), Timeline(ControlledClock())
    service = EcsService(
        account=account,
        timeline=timeline,
        ids=ids,
        journal=NoJournal(),
        executor=SimulatedExecutor(timeline=timeline),
        fleet=Fleet(groups),
    )
    with serve(
        {"ecs": EcsEndpoint(service, account=account, ids=ids, date_clock=SystemClock())}, timeline=timeline
    ) as it:
        yield it


def directory(served: Served) -> EcsDirectory:
    return EcsDirectory(ecs_calls(served.url), ThreadLanes(threads_max=4))


def calls(served: Served) -> int:
    return served.call(lambda: sum(1 for entry in served.log.entries() if entry.operation == "DescribeInstances"))


def test_a_selection_by_tag_beyond_a_thousand_is_complete() -> None:
    web = Group(name="web-{number:05}", count=1_001, tags={"env": "demo", "part": "a"})
    other = Group(name="web-x{number:05}", count=5, tags={"env": "test"})
    with ecs(web, other) as served:
        found = directory(served).select(REGION, TargetSelection(tags={"env": "demo"}))

        assert len(found) == 1_001
        assert calls(served) == 10 + 11


def test_a_selection_by_tag_below_a_thousand_is_listed_once() -> None:
    with ecs(Group(name="web-{number:05}", count=999, tags={"env": "demo"})) as served:
        found = directory(served).select(REGION, TargetSelection(tags={"env": "demo"}))

        assert len(found) == 999
        assert calls(served) == 10


def test_a_large_selection_keeps_to_all_its_filters() -> None:
    groups = (
        Group(name="web-{number:05}", count=1_000, tags={"env": "demo"}, resource_group_id="rg-1"),
        Group(name="web-b{number:05}", count=20, tags={"env": "demo"}, resource_group_id="rg-2"),
        Group(name="db-{number:05}", count=20, tags={"env": "demo"}, resource_group_id="rg-1"),
        Group(name="web-c{number:05}", count=20, tags={"env": "other"}, resource_group_id="rg-1"),
        Group(name="web-d{number:05}", count=20, tags={"env": "demo"}, resource_group_id="rg-1", vpc_id="vpc-2"),
        Group(name="web-e{number:05}", count=5, tags={"env": "demo"}, resource_group_id="rg-1"),
    )
    selection = TargetSelection(tags={"env": "demo"}, name="web-*", resource_group_id="rg-1", vpc_id="vpc-local")
    with ecs(*groups) as served:
        found = directory(served).select(REGION, selection)

    assert len(found) == 1_005
    assert {instance.name.rstrip("0123456789") for instance in found} == {"web-", "web-e"}
