"""Which instances there are at the start: a seed file (YAML) of groups, or a number of them.

groups:
  - count: 100            # instances that are alike; default 1
    name: web-{number:03} # {number} counts within the group from 1
    os: linux             # or windows
    status: Running       # or Stopped, …
    agent: online         # or offline, missing
    network: vpc          # or classic
    tags: {env: demo}
    vpcId: vpc-local      # also zone, instanceType, resourceGroupId, region
    ids: [i-…]            # instead of generated ids; as many as count
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import yaml

INSTANCES_MAX = 1_000_000
"""Ours."""
DEMO = Path(__file__).with_name("fleets") / "demo.yml"


class BadFleet(Exception):
    """The seed file is wrong; the message names the field."""


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Instances that are alike."""

    name: str
    count: int = 1
    os: Literal["linux", "windows"] = "linux"
    status: Literal["Pending", "Running", "Starting", "Stopping", "Stopped"] = "Running"
    agent: Literal["online", "offline", "missing"] = "online"
    network: Literal["vpc", "classic"] = "vpc"
    tags: Mapping[str, str] = {}
    vpc_id: str = "vpc-local"
    zone: str | None = None
    instance_type: str = "ecs.g7.large"
    resource_group_id: str = ""
    region: str | None = None
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.count <= INSTANCES_MAX:
            raise ValueError(f"count is {self.count}, it lies from 0 to {INSTANCES_MAX}")
        if self.ids and len(self.ids) != self.count:
            raise ValueError(f"ids has {len(self.ids)} entries for a count of {self.count}")
        try:
            self.name_of(1)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"name is {self.name!r}; only {{number}} may stand in it") from error

    def name_of(self, number: int) -> str:
        return self.name.format(number=number)


class Fleet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All groups, in the file's order."""

    groups: tuple[Group, ...]

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)


def read_fleet(path: Path = DEMO) -> Fleet:
    """Raises BadFleet."""
    try:
        loaded = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        return msgspec.convert(loaded, Fleet)
    except OSError as error:
        raise BadFleet(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise BadFleet(f"{path}: {error}") from error


def scaled(fleet: Fleet, instances: int) -> Fleet:
    """The same fleet with another number of instances: each group keeps its share, rounded so that the sum is right."""
    if instances < 0 or instances > INSTANCES_MAX:
        raise BadFleet(f"{instances} instances; from 0 to {INSTANCES_MAX} are possible")
    total = fleet.count
    if total in (instances, 0):
        return fleet
    counts = [group.count * instances // total for group in fleet.groups]
    remainders = [group.count * instances % total for group in fleet.groups]
    by_remainder = sorted(range(len(counts)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[: instances - sum(counts)]:
        counts[index] += 1
    groups = zip(fleet.groups, counts, strict=True)
    return Fleet(tuple(msgspec.structs.replace(group, count=count, ids=()) for group, count in groups if count))
