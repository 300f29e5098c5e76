"""Operations on instances, their agents, their tags, and the account: arguments out of the call, an answer in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localcloud.ecs import instance_documents as out
from localcloud.ecs import rpc
from localcloud.ecs.asking import Desk
from localcloud.ecs.documents import Document, paging_of
from localcloud.ecs.errors import EcsError
from localcloud.ecs.instance_queries import InstanceFilter
from localcloud.ecs.paging import page_of
from localcloud.ecs.regions import REGIONS, local_name
from localcloud.ecs.values import Instance

ATTRIBUTES_MAX = 8


def _number(instance: Instance) -> tuple[int]:
    return (instance.number,)


def _describe_instances(desk: Desk) -> Document:
    wanted = InstanceFilter(
        region=desk.region,
        instance_ids=_ids_of_json(desk),
        status=desk.text("Status"),
        name=desk.text("InstanceName"),
        network=desk.text("InstanceNetworkType"),
        vpc_id=desk.text("VpcId"),
        vswitch_id=desk.text("VSwitchId"),
        security_group_id=desk.text("SecurityGroupId"),
        zone=desk.text("ZoneId"),
        instance_type=desk.text("InstanceType"),
        image_id=desk.text("ImageId"),
        resource_group_id=desk.text("ResourceGroupId"),
        instance_type_family=desk.text("InstanceTypeFamily"),
        charge_type=desk.text("InstanceChargeType"),
        private_addresses=rpc.json_list(desk.call, "PrivateIpAddresses"),
        inner_addresses=rpc.json_list(desk.call, "InnerIpAddresses"),
        public_addresses=rpc.json_list(desk.call, "PublicIpAddresses") + rpc.json_list(desk.call, "EipAddresses"),
        tags=desk.tags(),
    )
    if desk.is_true("DryRun"):
        raise EcsError("DryRunOperation")
    found = desk.service.instance_queries.select(wanted)
    page = page_of(found, desk.instances_page(), listing="instances", key=_number)
    return {**paging_of(page), "Instances": {"Instance": [out.instance(one) for one in page.items]}}


def _ids_of_json(desk: Desk) -> tuple[str, ...] | None:
    """The odd one out: ids as one JSON array. None: not said."""
    if not desk.text("InstanceIds"):
        return None
    return rpc.json_list(desk.call, "InstanceIds")


def _describe_instance_status(desk: Desk) -> Document:
    found = desk.service.instance_queries.statuses(desk.region, desk.ids(), desk.text("ZoneId"))
    limits = desk.limits
    asked = desk.instances_numbered_page(limits.instance_status_page_size, limits.page_size_default)
    page = page_of(found, asked, listing="statuses", key=_number)
    rows = [{"InstanceId": one.instance_id, "Status": one.status} for one in page.items]
    return {
        "TotalCount": page.total,
        "PageNumber": page.number,
        "PageSize": page.size,
        "InstanceStatuses": {"InstanceStatus": rows},
    }


def _describe_agents(desk: Desk) -> Document:
    service, ids = desk.service, desk.ids()
    found = service.instance_queries.agents(desk.region, ids, desk.text("OSType"))
    asked = desk.page()
    if ids and asked.by_token:
        # With ids MaxResults has no effect: all of them are one page.
        page = page_of(found, type(asked)(1, len(ids)), listing="agents", key=_number)
    else:
        page = page_of(found, asked, listing="agents", key=_number)
    now_ms = service.timeline.clock.now_ms()
    rows = [out.agent(one, service.agents.counts(one), now_ms=now_ms, limits=desk.limits) for one in page.items]
    return {**paging_of(page), "InstanceCloudAssistantStatusSet": {"InstanceCloudAssistantStatus": rows}}


def _install_agent(desk: Desk) -> Document:
    ids, count_max = desk.ids(), desk.limits.instances_per_install_max
    if not ids:
        raise EcsError("MissingParam.InstanceId")
    if len(ids) > count_max:
        raise EcsError("InstanceIds.ExceedLimit", f"{len(ids)} instances are given; {count_max} at most.")
    desk.service.power.install_agent(desk.region, ids)
    return {}


def _describe_account_attributes(desk: Desk) -> Document:
    """Unknown names are left out. The used part of the day's quota has no field, as with the real thing."""
    names, service = desk.ids("AttributeName"), desk.service
    if len(names) > ATTRIBUTES_MAX:
        raise EcsError("InvalidParameter", f"{len(names)} attributes are named; {ATTRIBUTES_MAX} at most.")
    values = {
        "max-axt-command-count": service.limits.commands_max,
        "max-axt-invocation-daily": service.quota.limit(desk.region),
        "max-cloud-assistant-activation-count": 0,
    }
    chosen = [name for name in names or values if name in values]
    return {"AccountAttributeItems": {"AccountAttributeItem": [_attribute(name, values[name]) for name in chosen]}}


def _attribute(name: str, value: int) -> Document:
    item = {
        "Value": str(value),
        "ExpiredTime": "",
        "ZoneId": "",
        "InstanceChargeType": "",
        "InstanceType": "",
        "DiskCategory": "",
        "Count": 0,
    }
    return {"AttributeName": name, "AttributeValues": {"ValueItem": [item]}}


def _tag_resources(desk: Desk) -> Document:
    desk.service.tags.tag(desk.region, desk.text("ResourceType"), desk.ids("ResourceId"), desk.tags())
    return {}


def _untag_resources(desk: Desk) -> Document:
    desk.service.tags.untag(
        desk.region,
        desk.text("ResourceType"),
        desk.ids("ResourceId"),
        desk.ids("TagKey"),
        all_tags=desk.is_true("All"),
    )
    return {}


def _list_tag_resources(desk: Desk) -> Document:
    found = desk.service.tags.listed(desk.region, desk.text("ResourceType"), desk.ids("ResourceId"), desk.tags())
    page = page_of(found, desk.token_page(), listing="tags", key=lambda one: one.place, code="Invalid.NextToken")
    rows = [
        {
            "ResourceId": one.resource_id,
            "ResourceType": one.resource_type,
            "TagKey": one.key,
            "TagValue": one.value,
        }
        for one in page.items
    ]
    return {"NextToken": page.next_token, "TagResources": {"TagResource": rows}}


def _describe_regions(desk: Desk) -> Document:
    language = desk.text("AcceptLanguage")
    rows = [
        {
            "RegionId": region,
            "LocalName": local_name(region, language),
            "RegionEndpoint": f"ecs.{region}.aliyuncs.com",
            "Status": "available",
        }
        for region in REGIONS
    ]
    return {"Regions": {"Region": rows}}


INSTANCE_OPERATIONS: Mapping[str, Callable[[Desk], Document]] = {
    "DescribeAccountAttributes": _describe_account_attributes,
    "DescribeCloudAssistantStatus": _describe_agents,
    "DescribeInstanceStatus": _describe_instance_status,
    "DescribeInstances": _describe_instances,
    "DescribeRegions": _describe_regions,
    "InstallCloudAssistant": _install_agent,
    "ListTagResources": _list_tag_resources,
    "TagResources": _tag_resources,
    "UntagResources": _untag_resources,
}
