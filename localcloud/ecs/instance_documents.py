"""How instances and their agents look in answers: `linux` in one operation, `Linux` in another."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from localcloud.ecs.documents import Document, minute_of, tags_of, time_of
from localcloud.ecs.instances import last_beat_ms, seems_online
from localcloud.ecs.limits import Limits
from localcloud.ecs.values import Instance

AGENT_VERSIONS = {"linux": "2.2.3.1046", "windows": "2.1.3.1046"}
"""Ours: new enough for every feature."""
OS_NAMES = {
    "linux": ("Alibaba Cloud Linux 3.2104 LTS 64位", "Alibaba Cloud Linux 3.2104 LTS 64 bit"),
    "windows": ("Windows Server 2022 数据中心版 64位中文版", "Windows Server 2022 Data Center Edition 64bit"),
}
CHARGE_TYPE = "PostPaid"
EXPIRES_NEVER = "2099-12-31T15:59Z"
ALIKE: Mapping[str, Any] = MappingProxyType({
    "AutoReleaseTime": "",
    "ClusterId": "",
    "Cpu": 2,
    "CreditSpecification": "",
    "DedicatedHostAttribute": {"DedicatedHostClusterId": "", "DedicatedHostId": "", "DedicatedHostName": ""},
    "DedicatedInstanceAttribute": {"Affinity": "", "Tenancy": ""},
    "DeletionProtection": False,
    "DeploymentSetId": "",
    "Description": "",
    "DeviceAvailable": True,
    "EcsCapacityReservationAttr": {"CapacityReservationId": "", "CapacityReservationPreference": ""},
    "EipAddress": {"AllocationId": "", "InternetChargeType": "", "IpAddress": ""},
    "GPUAmount": 0,
    "GPUSpec": "",
    "HpcClusterId": "",
    "InternetChargeType": "PayByTraffic",
    "InternetMaxBandwidthIn": 0,
    "InternetMaxBandwidthOut": 0,
    "IoOptimized": True,
    "KeyPairName": "",
    "Memory": 8192,
    "MetadataOptions": {"HttpEndpoint": "", "HttpTokens": ""},
    "NetworkInterfaces": {"NetworkInterface": []},
    "OperationLocks": {"LockReason": []},
    "PublicIpAddress": {"IpAddress": []},
    "RdmaIpAddress": {"IpAddress": []},
    "Recyclable": False,
    "SaleCycle": "",
    "SpotPriceLimit": 0.0,
    "SpotStrategy": "NoSpot",
    "VlanId": "",
})  # fmt: skip
"""What is the same for all local instances."""


def instance(one: Instance) -> Document:
    """As DescribeInstances shows it."""
    os_name, os_name_en = OS_NAMES[one.os]
    address = address_of(one)
    is_vpc = one.network == "vpc"
    return {
        **ALIKE,
        "InstanceId": one.instance_id,
        "InstanceName": one.name,
        "HostName": one.name,
        "Status": one.status,
        "OSType": one.os,
        "OSName": os_name,
        "OSNameEn": os_name_en,
        "InstanceType": one.instance_type,
        "InstanceTypeFamily": family_of(one),
        "ImageId": image_of(one),
        "InstanceChargeType": CHARGE_TYPE,
        "InstanceNetworkType": one.network,
        "VpcAttributes": {
            "VpcId": one.vpc_id,
            "VSwitchId": vswitch_of(one),
            "PrivateIpAddress": {"IpAddress": [address] if is_vpc else []},
            "NatIpAddress": "",
        },
        "InnerIpAddress": {"IpAddress": [] if is_vpc else [address]},
        "SecurityGroupIds": {"SecurityGroupId": [security_group_of(one)]},
        "RegionId": one.region,
        "ZoneId": one.zone,
        "ResourceGroupId": one.resource_group_id,
        "Tags": tags_of(one.tags),
        "StoppedMode": one.stopped_mode if one.status == "Stopped" else "Not-applicable",
        "CreationTime": minute_of(one.created_ms),
        "StartTime": minute_of(one.created_ms),
        "SerialNumber": f"{one.number:08x}-0000-4000-8000-{one.number:012x}",
        "ExpiredTime": EXPIRES_NEVER,
    }


def agent(one: Instance, counts: tuple[int, int, int], *, now_ms: int, limits: Limits) -> Document:
    """As DescribeCloudAssistantStatus shows it. `counts`: running tasks, invocations, time of the last one."""
    running, invocations, last_invoked_ms = counts
    online = seems_online(one, now_ms, limits)
    status: Any = online if limits.status_as_boolean else str(online).lower()
    return {
        "InstanceId": one.instance_id,
        "CloudAssistantStatus": status,
        "CloudAssistantVersion": "" if one.agent == "missing" else AGENT_VERSIONS[one.os],
        "LastHeartbeatTime": time_of(last_beat_ms(one, now_ms, limits)),
        "LastInvokedTime": time_of(last_invoked_ms),
        "ActiveTaskCount": running,
        "InvocationCount": invocations,
        "OSType": one.os.capitalize(),
        "SupportSessionManager": online,
    }


def address_of(one: Instance) -> str:
    """A private address that no other instance has."""
    number = one.number
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def vswitch_of(one: Instance) -> str:
    return f"{one.vpc_id.replace('vpc-', 'vsw-', 1)}-{one.zone.rpartition('-')[2]}" if one.network == "vpc" else ""


def security_group_of(one: Instance) -> str:
    """The one group of its VPC, or of the classic network."""
    return one.vpc_id.replace("vpc-", "sg-", 1) if one.network == "vpc" else "sg-classic"


def family_of(one: Instance) -> str:
    return one.instance_type.rpartition(".")[0]


def image_of(one: Instance) -> str:
    return "aliyun_3_x64_20G_alibase.vhd" if one.os == "linux" else "win2022_x64_dtc_en-us_40G_alibase.vhd"
