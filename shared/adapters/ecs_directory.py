"""InstanceDirectory on DescribeInstances and DescribeCloudAssistantStatus."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from shared.adapters import limits
from shared.adapters.ecs_calls import EcsCalls, new_request, tags_of
from shared.core.errors import FleetrunError, Refused
from shared.core.limits import CALL_WIDTH_MAX
from shared.core.model import Agent, Instance
from shared.core.requests import TargetSelection
from shared.ports import Lanes

Out = TypeVar("Out")
Batch = tuple[str, ...]

_NOT_FOUND = frozenset({"InvalidInstance.NotFound", "InvalidInstanceId.NotFound"})


class EcsDirectory:
    """Raises Refused (e.g. no permission) and Unavailable."""

    def __init__(self, calls: EcsCalls, lanes: Lanes) -> None:
        self._calls = calls
        self._lanes = lanes

    def describe(self, region: str, instance_ids: Sequence[str]) -> list[Instance]:
        def read(batch: Batch) -> list[Instance]:
            request = new_request("DescribeInstances")
            # Here, and only here, ids are one JSON array: DescribeInstances, SDK docs 2026.
            request.set_InstanceIds(json.dumps(batch))
            return [_instance(row) for row in self._pages(region, request)]

        found = [instance for part in self._side_by_side(read, instance_ids) for instance in part]
        return sorted(found, key=lambda instance: instance.instance_id)

    def select(self, region: str, selection: TargetSelection) -> list[Instance]:
        """A filter by tag or resource group shows SELECTED_SHOWN_MAX instances and no more, without a word.

        So many that there may be more: all instances of the region are listed instead (names and VPCs are not capped),
        and tags and group compared here. That costs a call per 100 instances of the region.
        """
        rows = self._rows(region, _selecting(selection))
        if (selection.tags or selection.resource_group_id) and len(rows) >= limits.SELECTED_SHOWN_MAX:
            every = self._rows(region, _selecting(TargetSelection(name=selection.name or "*", vpc_id=selection.vpc_id)))
            rows = {instance_id: row for instance_id, row in every.items() if _is_selected(row, selection)}
        return [_instance(rows[instance_id]) for instance_id in sorted(rows)]

    def _rows(self, region: str, request: Any) -> dict[str, dict[str, Any]]:
        """By id: an instance may move from one page to the next while we read, and is taken once."""
        return {str(row["InstanceId"]): row for row in self._pages(region, request)}

    def agents(self, region: str, instance_ids: Sequence[str]) -> dict[str, Agent]:
        def read(batch: Batch) -> list[Agent]:
            return self._agents(region, batch)

        found = [agent for part in self._side_by_side(read, instance_ids) for agent in part]
        return {agent.instance_id: agent for agent in sorted(found, key=lambda agent: agent.instance_id)}

    def _pages(self, region: str, request: Any) -> Iterator[dict[str, Any]]:
        request.set_MaxResults(limits.INSTANCES_PER_PAGE_MAX)
        for page in self._calls.pages(region, request):
            yield from _rows(page, "Instances", "Instance")

    def _agents(self, region: str, batch: Batch) -> list[Agent]:
        """Of existing instances. One that has vanished since fails the whole call: then each half on its own."""
        request = new_request("DescribeCloudAssistantStatus")
        request.set_InstanceIds(list(batch))
        request.set_MaxResults(limits.AGENTS_PER_PAGE_MAX)
        try:
            pages = list(self._calls.pages(region, request))
        except Refused as refusal:
            if refusal.code not in _NOT_FOUND:
                raise
            if len(batch) == 1:
                return []
            half = len(batch) // 2
            return self._agents(region, batch[:half]) + self._agents(region, batch[half:])
        rows = [row for page in pages for row in _rows(page, *_AGENT_ROWS)]
        return [_agent(row) for row in rows]

    def _side_by_side(self, read: Callable[[Batch], Out], instance_ids: Sequence[str]) -> list[Out]:
        """`read` for batches of distinct ids, concurrently. Raises the first batch's error if any failed."""
        batches = list(_batches(sorted(set(instance_ids))))

        def attempt(batch: Batch) -> Out | FleetrunError:
            try:
                return read(batch)
            except FleetrunError as error:
                return error

        answers = self._lanes.each(attempt, batches, width=CALL_WIDTH_MAX)
        parts: list[Out] = []
        for answer in answers:
            if isinstance(answer, FleetrunError):
                raise answer
            parts.append(answer)
        return parts


def _selecting(selection: TargetSelection) -> Any:
    request = new_request("DescribeInstances")
    if selection.tags:
        request.set_Tags(tags_of(selection.tags))
    if selection.name is not None:
        request.set_InstanceName(selection.name)
    if selection.resource_group_id is not None:
        request.set_ResourceGroupId(selection.resource_group_id)
    if selection.vpc_id is not None:
        request.set_VpcId(selection.vpc_id)
    return request


def _is_selected(row: dict[str, Any], selection: TargetSelection) -> bool:
    """Whether tags and resource group fit; an empty value of a tag fits every value, as in ECS's own filter."""
    tags = {str(tag.get("TagKey")): str(tag.get("TagValue") or "") for tag in _rows(row, "Tags", "Tag")}
    wanted = selection.tags or {}
    in_group = selection.resource_group_id in (None, row.get("ResourceGroupId"))
    return in_group and all(key in tags and value in ("", tags[key]) for key, value in wanted.items())


_AGENT_ROWS = ("InstanceCloudAssistantStatusSet", "InstanceCloudAssistantStatus")


def _batches(instance_ids: Sequence[str]) -> Iterator[Batch]:
    for start in range(0, len(instance_ids), limits.IDS_PER_DESCRIBE_MAX):
        yield tuple(instance_ids[start : start + limits.IDS_PER_DESCRIBE_MAX])


def _rows(page: dict[str, Any], outer: str, inner: str) -> list[dict[str, Any]]:
    """ECS wraps every list twice."""
    rows: list[dict[str, Any]] = (page.get(outer) or {}).get(inner) or []
    return rows


def _instance(row: dict[str, Any]) -> Instance:
    return Instance(
        instance_id=str(row["InstanceId"]),
        name=str(row.get("InstanceName") or ""),
        status=str(row.get("Status") or ""),
        os_type=str(row.get("OSType") or "").lower(),
        network_type=str(row.get("InstanceNetworkType") or "").lower(),
    )


def _agent(row: dict[str, Any]) -> Agent:
    return Agent(
        instance_id=str(row["InstanceId"]),
        # Typed as a string, shown as a boolean in the page's own sample: both are taken.
        online=str(row.get("CloudAssistantStatus")).lower() == "true",
        version=str(row.get("CloudAssistantVersion") or ""),
    )
