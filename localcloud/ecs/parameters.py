"""What becomes of every parameter that an SDK can send to an operation that is offered.

Three kinds: it is read; it is taken without effect, for a reason; or the call is refused by the parameter's name,
because a filter that is overlooked selects too much, and a target that is overlooked is none. A name that stands in no
table is ignored, as the real service does with names that it does not know, unless `Limits.unknown_parameters` says
otherwise.

Names are those of aliyun-python-sdk-ecs 4.24.83 and alibabacloud-ecs20140526 7.11.8, of lists and tags without what
follows the first dot (`Tag` for `Tag.1.Key`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from localcloud.ecs.errors import EcsError

OWNERS: Final = dict.fromkeys(
    ("OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"), "one account owns everything here"
)
ACCOUNT_NAME = re.compile(r"[\w.@:-]+")
"""What OwnerAccount may look like; which letters exactly is unpublished. `&` is refused by the vendor's own tests."""
PAGES = "MaxResults NextToken PageNumber PageSize"
COMMAND = "CommandContent ContentEncoding Description EnableParameter Launcher Name Timeout Type WorkingDir"
INVOCATION = (
    "ClientToken ContainerId ContainerName Frequency InstanceId Launcher OssOutputDelivery Parameters RegionId "
    "RepeatMode ResourceGroupId ResourceTag Tag TerminationMode Timeout Username WindowsPasswordName WorkingDir"
)
TIMED = {"Timed": "documented so; Frequency and RepeatMode say it"}
LIST_NAMES = (
    "AdditionalAttributes AttributeName Filter InstanceId Ipv6Address ResourceId ResourceTag Tag TagFilter TagKey"
)
LISTS = frozenset(LIST_NAMES.split())
ONE = frozenset({"InstanceId"})
FORCE = "what runs on a local instance ends with it at once, forced or not"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Those of one operation."""

    reads: frozenset[str]
    ignores: Mapping[str, str] = field(default_factory=dict)
    """Taken without effect, with the reason."""
    refuses: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    """Of `LISTS`, those that are one text in this operation."""

    def check(self, sent: Mapping[str, str], *, refuses_unknown: bool = False) -> None:
        """Raises UnsupportedParameter for one of `refuses` with a value; `refuses_unknown`: for any strange name.

        Raises InvalidParameter.OwnerAccount for what is no name of an account.
        """
        owner = sent.get("OwnerAccount")
        if owner and not ACCOUNT_NAME.fullmatch(owner):
            raise EcsError("InvalidParameter.OwnerAccount")
        for name, value in sent.items() if self.refuses else ():
            if value and name.partition(".")[0] in self.refuses:
                raise EcsError("UnsupportedParameter", f"The local cloud does not offer the parameter {name[:60]}.")
        for name in sent if refuses_unknown else ():
            if not self._knows(name):
                raise EcsError("UnsupportedParameter", f"The operation has no parameter {name[:60]}.")

    def _knows(self, name: str) -> bool:
        """A list may be numbered or whole, what is no list can not be numbered."""
        head, dot, _ = name.partition(".")
        is_list = head in LISTS and head not in self.single
        known = head in self.reads or head in self.ignores or head in self.refuses or name == "RegionId"
        return known and (is_list or not dot)


def _of(
    *names: str,
    ignores: Mapping[str, str] | None = None,
    refuses: str = "",
    single: frozenset[str] = frozenset(),
) -> Parameters:
    reads = frozenset(" ".join(names).split())
    return Parameters(reads, {**OWNERS, **(ignores or {})}, frozenset(refuses.split()), single)


PARAMETERS: Mapping[str, Parameters] = {
    "CreateCommand": _of(COMMAND, "ClientToken RegionId ResourceGroupId Tag"),
    "DeleteCommand": _of("CommandId RegionId"),
    "DescribeAccountAttributes": _of("AttributeName RegionId", ignores={"ZoneId": "no attribute differs by zone"}),
    "DescribeCloudAssistantStatus": _of(PAGES, "InstanceId OSType RegionId"),
    "DescribeCommands": _of(
        PAGES,
        "CommandId ContentEncoding Description Name Provider RegionId ResourceGroupId Tag Type",
        ignores={"Latest": "of public commands, of which there are none"},
    ),
    "DescribeInstanceStatus": _of("InstanceId PageNumber PageSize RegionId ZoneId", refuses="ClusterId"),
    "DescribeInstances": _of(
        PAGES,
        "DryRun EipAddresses ImageId InnerIpAddresses InstanceChargeType InstanceIds InstanceName InstanceNetworkType "
        "InstanceType InstanceTypeFamily PrivateIpAddresses PublicIpAddresses RegionId ResourceGroupId SecurityGroupId "
        "Status Tag VSwitchId VpcId ZoneId",
        ignores={
            "AdditionalAttributes": "by invitation only; the fields that it adds are not shown",
            "NeedSaleCycle": "of subscriptions: local instances are paid by use",
        },
        refuses="DeviceAvailable Filter HpcClusterId HttpEndpoint HttpPutResponseHopLimit HttpTokens "
        "InternetChargeType IoOptimized Ipv6Address KeyPairName LockReason RdmaIpAddresses",
    ),
    "DescribeInvocationResults": _of(
        PAGES,
        "CommandId ContentEncoding IncludeHistory InstanceId InvokeId InvokeRecordStatus RegionId ResourceGroupId Tag",
        single=ONE,
    ),
    "DescribeInvocations": _of(
        PAGES,
        "CommandId CommandName CommandType ContentEncoding IncludeOutput InstanceId InvokeId InvokeStatus RegionId "
        "RepeatMode ResourceGroupId Tag Timed",
        single=ONE,
    ),
    "DescribeRegions": _of(
        "AcceptLanguage",
        ignores={
            "InstanceChargeType": "every region has all of them",
            "ResourceType": "every region has all of them",
        },
    ),
    "InstallCloudAssistant": _of("InstanceId RegionId"),
    "InvokeCommand": _of(INVOCATION, "CommandId", ignores=TIMED),
    "ListTagResources": _of("NextToken RegionId ResourceId ResourceType Tag", refuses="TagFilter"),
    "ModifyCommand": _of(
        "CommandId Description Launcher Name RegionId Timeout WorkingDir",
        ignores={"CommandContent": "documented so"},
    ),
    "ModifyInvocationAttribute": _of(
        "ClientToken CommandContent ContentEncoding EnableParameter Frequency InstanceId InvokeId Parameters RegionId"
    ),
    "RebootInstance": _of("DryRun InstanceId", ignores={"ForceStop": FORCE}, single=ONE),
    "RebootInstances": _of("BatchOptimization DryRun InstanceId RegionId", ignores={"ForceReboot": FORCE}),
    "RunCommand": _of(INVOCATION, COMMAND, "KeepCommand", ignores=TIMED),
    "StartInstance": _of(
        "DryRun InstanceId", ignores={"InitLocalDisk": "local instances have no local disks to heal"}, single=ONE
    ),
    "StartInstances": _of("BatchOptimization DryRun InstanceId RegionId"),
    "StopInstance": _of(
        "DryRun Hibernate InstanceId StoppedMode",
        ignores={"ConfirmStop": "documented so", "ForceStop": FORCE},
        single=ONE,
    ),
    "StopInstances": _of("BatchOptimization DryRun InstanceId RegionId StoppedMode", ignores={"ForceStop": FORCE}),
    "StopInvocation": _of("InstanceId InvokeId RegionId"),
    "TagResources": _of("RegionId ResourceId ResourceType Tag"),
    "UntagResources": _of("All RegionId ResourceId ResourceType TagKey"),
}


def kinds() -> Iterator[tuple[str, str, str]]:
    """(operation, parameter, "read", "taken" or "refused"), for each that an SDK knows."""
    for action, known in PARAMETERS.items():
        yield from ((action, name, "read") for name in sorted(known.reads))
        yield from ((action, name, "taken") for name in sorted(known.ignores))
        yield from ((action, name, "refused") for name in sorted(known.refuses))
