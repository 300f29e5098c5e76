"""The instances there are: found by id, by tag, by what DescribeInstances filters on; kept in the journal.

Strategy: instances are frozen values in one dict per region, in order of their numbers; a change puts a new value in
the old one's place. Tags have an index, so that a selection by tag looks at what carries the tag and at nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from operator import attrgetter

from localcloud.account import Account
from localcloud.clock import Clock
from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import HOUR_MS, Limits
from localcloud.ecs.values import Instance, Tags
from localcloud.fleet import Fleet, Group
from localcloud.ids import BASE36, Ids
from localcloud.journal import Journal

INSTANCES = "ecs.instances"
SEEDED = "ecs.seeded"
NUMBER = attrgetter("number")


class Instances:
    """All instances of the account. Errors: EcsError."""

    def __init__(self, *, account: Account, clock: Clock, ids: Ids, journal: Journal, limits: Limits) -> None:
        self._account = account
        self._clock = clock
        self._ids = ids
        self._journal = journal
        self._limits = limits
        self._by_region: dict[str, dict[str, Instance]] = {account.region: {}}
        self._by_tag: dict[tuple[str, str, str], dict[str, None]] = {}
        kept = sorted((one for _, one in journal.load(INSTANCES, Instance)), key=lambda one: one.number)
        for instance in kept:
            self._put(instance)
        self._numbers = itertools.count(kept[-1].number + 1 if kept else 1)

    def seed(self, fleet: Fleet) -> None:
        """Makes the fleet, unless an earlier run of this journal made one."""
        if any(True for _ in self._journal.load(SEEDED, bool)):
            return
        for group in fleet.groups:
            for number in range(1, group.count + 1):
                self.add(group, number)
        self._journal.put(SEEDED, "fleet", True)

    def add(self, group: Group, number: int = 1) -> Instance:
        """Makes the `number`th instance of a group."""
        region = group.region or self._account.region
        now_ms = self._clock.now_ms()
        count = next(self._numbers)
        is_up = group.status == "Running" and group.agent == "online"
        # Agents do not beat in step: by their numbers, all over the minute.
        since_ms = now_ms - count * 977 % self._limits.heartbeat_ms
        instance = Instance(
            number=count,
            instance_id=group.ids[number - 1] if group.ids else self._new_id(region),
            region=region,
            name=group.name_of(number),
            os=group.os,
            status=group.status,
            agent=group.agent,
            network=group.network,
            zone=group.zone or f"{region}-h",
            instance_type=group.instance_type,
            vpc_id=group.vpc_id if group.network == "vpc" else "",
            resource_group_id=group.resource_group_id,
            tags=group.tags,
            created_ms=now_ms,
            beats_from_ms=since_ms if is_up else 0,
            last_beat_ms=0 if group.agent == "missing" else now_ms - HOUR_MS,
        )
        if instance.instance_id in self._by_region.setdefault(region, {}):
            raise ValueError(f"the instance id {instance.instance_id} is there already")
        self.put(instance)
        return instance

    def put(self, instance: Instance) -> None:
        """Takes the new value of an instance in."""
        self._put(instance)
        self._journal.put(INSTANCES, instance.instance_id, instance)

    def remove(self, region: str, instance_id: str) -> Instance:
        """Raises InvalidInstanceId.NotFound."""
        instance = self.get(region, instance_id)
        del self._by_region[region][instance_id]
        self._untag(instance)
        self._journal.drop(INSTANCES, instance_id)
        return instance

    def find(self, region: str, instance_id: str) -> Instance | None:
        return self._by_region.get(region, {}).get(instance_id)

    def region_of(self, instance_id: str) -> str:
        """ "": there is no such instance."""
        return next((region for region, found in self._by_region.items() if instance_id in found), "")

    def get(self, region: str, instance_id: str, code: str = "InvalidInstanceId.NotFound") -> Instance:
        """Raises `code`."""
        instance = self.find(region, instance_id)
        if instance is None:
            raise EcsError(code, f"The specified InstanceId does not exist: {instance_id[:64]} in {region}.")
        return instance

    def get_all(self, region: str, instance_ids: Iterable[str], code: str) -> list[Instance]:
        """In the order given. Raises `code` for the first that is not there."""
        return [self.get(region, instance_id, code) for instance_id in instance_ids]

    def in_region(self, region: str) -> Mapping[str, Instance]:
        """By id, in order of their numbers."""
        return self._by_region.get(region, {})

    def everywhere(self) -> Iterator[Instance]:
        for instances in self._by_region.values():
            yield from instances.values()

    @property
    def regions(self) -> list[str]:
        return sorted(self._by_region)

    def tagged(self, region: str, tags: Tags) -> list[Instance]:
        """Those that carry all of `tags` (an empty value asks for the key alone), in order of their numbers."""
        holders = sorted((self._holders(region, key, value) for key, value in tags), key=len)
        if not holders:
            return list(self.in_region(region).values())
        instances = self._by_region[region] if holders[0] else {}
        chosen = (
            [one for one in holders[0] if all(one in other for other in holders[1:])] if holders[1:] else holders[0]
        )
        found = [instances[one] for one in chosen]
        found.sort(key=NUMBER)
        return found

    def retag(self, region: str, instance_id: str, change: Callable[[dict[str, str]], None]) -> None:
        """`change` is given a copy of the tags to work on. Raises InvalidResourceId.NotFound."""
        instance = self.get(region, instance_id, "InvalidResourceId.NotFound")
        tags = dict(instance.tags)
        change(tags)
        self.put(replace(instance, tags=tags))

    def has_group(self, region: str, resource_group_id: str) -> bool:
        return any(one.resource_group_id == resource_group_id for one in self.in_region(region).values())

    def _holders(self, region: str, key: str, value: str) -> Mapping[str, None]:
        if value:
            return self._by_tag.get((region, key, value), {})
        named = [ids for (where, name, _), ids in self._by_tag.items() if where == region and name == key]
        return {instance_id: None for ids in named for instance_id in ids}

    def _put(self, instance: Instance) -> None:
        instances = self._by_region.setdefault(instance.region, {})
        before = instances.get(instance.instance_id)
        instances[instance.instance_id] = instance
        if before is not None:
            if before.tags == instance.tags:
                return
            self._untag(before)
        for key, value in instance.tags.items():
            self._by_tag.setdefault((instance.region, key, value), {})[instance.instance_id] = None

    def _untag(self, instance: Instance) -> None:
        for key, value in instance.tags.items():
            holders = self._by_tag[instance.region, key, value]
            holders.pop(instance.instance_id, None)
            if not holders:
                del self._by_tag[instance.region, key, value]

    def _new_id(self, region: str) -> str:
        """As in cn-hangzhou, "i-bp1…". After a restart a seed draws the same ids again: never one that is there."""
        while True:
            instance_id = "i-bp1" + "".join(self._ids.stream("ecs.instance").choices(BASE36, k=17))
            if instance_id not in self._by_region.get(region, {}):
                return instance_id


def last_beat_ms(instance: Instance, now_ms: int, limits: Limits) -> int:
    """When the server last heard of the agent; 0: never."""
    if instance.beats_from_ms == 0 or instance.beats_from_ms > now_ms:
        return instance.last_beat_ms
    return now_ms - (now_ms - instance.beats_from_ms) % limits.heartbeat_ms


def is_up(instance: Instance, now_ms: int) -> bool:
    """Whether the agent can really be reached now."""
    return instance.status == "Running" and 0 < instance.beats_from_ms <= now_ms


def seems_online(instance: Instance, now_ms: int, limits: Limits) -> bool:
    """What CloudAssistantStatus says: an agent that died within the last two minutes still seems online."""
    beat_ms = last_beat_ms(instance, now_ms, limits)
    return beat_ms > 0 and now_ms - beat_ms < limits.heartbeat_life_ms
