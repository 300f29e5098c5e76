"""What DescribeInstances, DescribeInstanceStatus and DescribeCloudAssistantStatus select."""

from __future__ import annotations

from dataclasses import dataclass, replace

from localcloud.ecs.errors import EcsError
from localcloud.ecs.instance_documents import (
    CHARGE_TYPE,
    address_of,
    family_of,
    image_of,
    security_group_of,
    vswitch_of,
)
from localcloud.ecs.instances import Instances
from localcloud.ecs.limits import Limits
from localcloud.ecs.patterns import matches
from localcloud.ecs.tagging import INSTANCE_TAGS, check_tags
from localcloud.ecs.values import Instance, Tags

STATUSES = ("Pending", "Running", "Starting", "Stopping", "Stopped")
NETWORKS = ("vpc", "classic")
CHARGE_TYPES = ("PrePaid", "PostPaid")
OS_TYPES = {"Linux": "linux", "Windows": "windows", "FreeBSD": "freebsd"}


@dataclass(frozen=True, slots=True)
class InstanceFilter:
    """What DescribeInstances can be narrowed by. "" and None: not at all."""

    region: str
    instance_ids: tuple[str, ...] | None = None
    status: str = ""
    name: str = ""
    """With `*` for any text."""
    network: str = ""
    vpc_id: str = ""
    vswitch_id: str = ""
    security_group_id: str = ""
    zone: str = ""
    instance_type: str = ""
    image_id: str = ""
    resource_group_id: str = ""
    instance_type_family: str = ""
    charge_type: str = ""
    private_addresses: tuple[str, ...] = ()
    inner_addresses: tuple[str, ...] = ()
    public_addresses: tuple[str, ...] = ()
    """No local instance has one."""
    tags: Tags = ()


class InstanceQueries:
    """Errors: EcsError."""

    def __init__(self, *, instances: Instances, limits: Limits) -> None:
        self._instances = instances
        self._limits = limits

    def select(self, wanted: InstanceFilter) -> list[Instance]:
        """In order of their numbers; ids that do not exist are left out."""
        self._check(wanted)
        found = self._candidates(wanted)
        if replace(wanted, instance_ids=None, tags=()) != InstanceFilter(wanted.region):
            found = [one for one in found if _fits(one, wanted)]
        capped = bool(wanted.tags or wanted.resource_group_id)
        return found[: self._limits.instances_by_tag_max] if capped else found

    def statuses(self, region: str, instance_ids: tuple[str, ...], zone: str) -> list[Instance]:
        """Of DescribeInstanceStatus. Raises InvalidParameter.TooManyInstanceIds, InvalidZoneId.NotFound."""
        if len(instance_ids) > self._limits.instances_per_describe_max:
            raise EcsError("InvalidParameter.TooManyInstanceIds")
        if zone and not zone.startswith(f"{region}-"):
            raise EcsError("InvalidZoneId.NotFound")
        found = self._by_ids(region, instance_ids) if instance_ids else self._instances.in_region(region).values()
        return [one for one in found if zone in ("", one.zone)]

    def agents(self, region: str, instance_ids: tuple[str, ...], os_type: str) -> list[Instance]:
        """Of DescribeCloudAssistantStatus. One unknown id fails the call with InvalidInstance.NotFound.

        Raises InstanceIds.ExceedLimit, InvalidParameter.
        """
        if len(instance_ids) > self._limits.instances_per_describe_max:
            raise EcsError("InstanceIds.ExceedLimit")
        if os_type and os_type not in OS_TYPES:
            raise EcsError("InvalidParameter", f"OSType is {os_type[:40]!r}; {', '.join(OS_TYPES)}.")
        if instance_ids:
            self._instances.get_all(region, instance_ids, "InvalidInstance.NotFound")
        found = self._by_ids(region, instance_ids) if instance_ids else self._instances.in_region(region).values()
        return [one for one in found if not os_type or OS_TYPES[os_type] == one.os]

    def _candidates(self, wanted: InstanceFilter) -> list[Instance]:
        if wanted.instance_ids is not None:
            return [one for one in self._by_ids(wanted.region, wanted.instance_ids) if _carries(one, wanted.tags)]
        return self._instances.tagged(wanted.region, wanted.tags)

    def _by_ids(self, region: str, instance_ids: tuple[str, ...]) -> list[Instance]:
        found = [self._instances.find(region, instance_id) for instance_id in dict.fromkeys(instance_ids)]
        return sorted((one for one in found if one is not None), key=lambda one: one.number)

    def _check(self, wanted: InstanceFilter) -> None:
        limits = self._limits
        if wanted.instance_ids is not None and len(wanted.instance_ids) > limits.instances_per_describe_max:
            count = len(wanted.instance_ids)
            raise EcsError("InvalidParameter", f"{count} InstanceIds; {limits.instances_per_describe_max} at most.")
        if wanted.status and wanted.status not in STATUSES:
            raise EcsError("InvalidStatus.NotFound")
        if wanted.charge_type and wanted.charge_type not in CHARGE_TYPES:
            raise EcsError("InvalidInstanceChargeType.NotFound")
        if wanted.network and wanted.network not in NETWORKS:
            raise EcsError("InvalidNetworkType.NotFound")
        if wanted.zone and not wanted.zone.startswith(f"{wanted.region}-"):
            raise EcsError("InvalidZoneId.NotFound")
        check_tags(
            wanted.tags, limits, codes=INSTANCE_TAGS, key_chars_max=limits.resource_tag_key_chars_max, reserved=True
        )


def _carries(one: Instance, tags: Tags) -> bool:
    return all(key in one.tags and value in ("", one.tags[key]) for key, value in tags)


def _fits(one: Instance, wanted: InstanceFilter) -> bool:
    return (
        wanted.status in ("", one.status)
        and (not wanted.name or matches(wanted.name, one.name))
        and wanted.network in ("", one.network)
        and wanted.vpc_id in ("", one.vpc_id)
        and (not wanted.vswitch_id or wanted.vswitch_id == vswitch_of(one))
        and (not wanted.security_group_id or wanted.security_group_id == security_group_of(one))
        and wanted.zone in ("", one.zone)
        and wanted.instance_type in ("", one.instance_type)
        and (not wanted.image_id or wanted.image_id == image_of(one))
        and wanted.resource_group_id in ("", one.resource_group_id)
        and wanted.instance_type_family in ("", family_of(one))
        and wanted.charge_type in ("", CHARGE_TYPE)
        and (not wanted.private_addresses or (one.network == "vpc" and address_of(one) in wanted.private_addresses))
        and (not wanted.inner_addresses or (one.network == "classic" and address_of(one) in wanted.inner_addresses))
        and not wanted.public_addresses
    )
