"""Every error code of ECS that is offered, provoked by a signed request; or the reason why no request can."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from localcloud.account import Account
from localcloud.clock import ManualClock
from localcloud.ecs.api import EcsEndpoint
from localcloud.ecs.errors import CODES
from localcloud.ecs.executor_simulated import Outcome
from localcloud.ecs.limits import CallRate, Limits
from localcloud.ecs.signatures import sign, string_to_sign
from localcloud.http import Refusal, Request, Response
from tests.contract.ecs.worlds import REGION, START_MS, EcsWorld, ids, numbered

ACCOUNT = Account(security_token="a-token")
MADE = {"Name": "c", "Type": "RunShellScript", "CommandContent": "dHJ1ZQ=="}
RUN = {"Type": "RunShellScript", "CommandContent": "true", "InstanceId_1": "i-l001"}
WITH = {**RUN, "CommandContent": "echo {{a}}", "EnableParameter": "true"}
SCHEDULE = {**WITH, "Frequency": "rate(1h)", "Parameters": '{"a": "1"}'}
TAGGED = {"ResourceType": "instance", "ResourceId_1": "i-l001", "Tag_1_Key": "k"}


@dataclass(frozen=True)
class Call:
    """One request. Parameters have `_` for the dot; None: taken out of what every call has. `$InvokeId`: the last."""

    action: str
    parameters: dict[str, str | None]
    method: str = "POST"
    spoils: str = ""
    """What is appended to the signature."""


def call(action: str, base: Mapping[str, str | None] | None = None, /, **parameters: str | None) -> Call:
    return Call(action, {**(base or {}), **parameters})


def listed(**parameters: str | None) -> Call:
    return call("DescribeCommands", **parameters)


def many(name: str, count: int, value: str = "x") -> dict[str, str]:
    return numbered(name, (f"{value}{number}" for number in range(count)))


def tags(name: str, count: int) -> dict[str, str]:
    return {f"{name}_{number}_Key": f"k{number}" for number in range(1, count + 1)}


def stored(**parameters: str) -> Call:
    """Changes to the invocation that the call before made."""
    return call("ModifyInvocationAttribute", InvokeId="$InvokeId", **parameters)


TWICE = call("DescribeRegions", SignatureNonce="the-same")
MAKE, SCHEDULED = call("CreateCommand", MADE), call("RunCommand", SCHEDULE)
TOKEN = call("RunCommand", RUN, ClientToken="token")

PROVOKED: dict[str, tuple[Call, ...]] = {
    # -- the gate
    "IllegalTimestamp": (listed(Timestamp="yesterday"),),
    "IncompleteSignature": (listed(SignatureVersion="2.0"),),
    "InvalidAccessKeyId.NotFound": (listed(AccessKeyId="nobody"),),
    "InvalidAction.NotFound": (call("FlyToTheMoon"),),
    "InvalidParameter": (call("DescribeInvocations", InvokeStatus="Sleeping"),),
    "InvalidSecurityToken.Malformed": (listed(SecurityToken="wrong"),),
    "InvalidTimeStamp.Expired": (listed(Timestamp="2025-12-31T23:44:59Z"),),
    "InvalidVersion": (listed(Version="2013-01-10"),),
    "MissingAccessKeyId": (listed(AccessKeyId=None),),
    "MissingParameter": (listed(Action=None),),
    "NotOffered": (call("RunInstances"),),
    "SignatureDoesNotMatch": (Call("DescribeRegions", {}, spoils="x"),),
    "SignatureNonceUsed": (TWICE, TWICE),
    "Throttling.User": (call("DescribeRegions"), call("DescribeRegions")),
    "UnsupportedHTTPMethod": (Call("DescribeRegions", {}, method="PUT"),),
    "UnsupportedParameter": (call("DescribeInstances", KeyPairName="mine"),),
    "UnsupportedSignatureMethod": (listed(SignatureMethod="HMAC-SHA256"),),
    # -- commands
    "CmdContent.DecodeError": (call("CreateCommand", MADE, CommandContent="$(date)"),),
    "CmdContent.ExceedLimit": (call("RunCommand", RUN, CommandContent="x" * 18_433),),
    "CmdCount.ExceedQuota": (MAKE, MAKE),
    "CmdDesc.ExceedLimit": (call("CreateCommand", MADE, Description="x" * 513),),
    "CmdName.ExceedLimit": (call("CreateCommand", MADE, Name="x" * 129),),
    "CmdParam.EmptyKey": (call("RunCommand", WITH, CommandContent="{{}}"),),
    "CmdParam.InvalidParamName": (call("RunCommand", WITH, CommandContent="{{a.b}}"),),
    "CmdParamCount.ExceedLimit": (
        call("RunCommand", WITH, CommandContent="".join(f"{{{{p{number}}}}}" for number in range(21))),
    ),
    "CmdParamName.ExceedLimit": (call("RunCommand", WITH, CommandContent="{{" + "x" * 65 + "}}"),),
    "InvalidCmdId.NotFound": (call("DeleteCommand", CommandId="c-none"),),
    "InvalidCmdType.NotFound": (call("CreateCommand", MADE, Type="RunPerlScript"),),
    "InvalidCommandType.NotFound": (listed(Type="RunPerlScript"),),
    "InvalidDescription.LengthLimitExceeded": (listed(Description="x" * 513),),
    "InvalidLauncher.LengthLimitExceeded": (call("CreateCommand", MADE, Launcher="x" * 1_025),),
    "InvalidName.LengthLimitExceeded": (listed(Name="x" * 129),),
    "InvalidParameter.WorkingDir": (call("CreateCommand", MADE, WorkingDir="x" * 201),),
    "InvalidParameterCharacter.CommandDescription": (call("CreateCommand", MADE, Description="a\0b"),),
    "InvalidParameterCharacter.CommandName": (call("CreateCommand", MADE, Name="a\nb"),),
    "InvalidParameterCharacter.CommandWorkingDir": (call("CreateCommand", MADE, WorkingDir="/a\nb"),),
    "InvalidResourceGroup.NotFound": (call("CreateCommand", MADE, ResourceGroupId="rg-none"),),
    "InvalidTimeout.ExceedLimit": (call("CreateCommand", MADE, Timeout="9"),),
    # -- tags and pages
    "Duplicate.TagKey": (listed(Tag_1_Key="k", Tag_2_Key="k"),),
    "InvalidTagKey.Malformed": (listed(Tag_1_Key="acs:k"),),
    "InvalidTagValue.Malformed": (listed(Tag_1_Key="k", Tag_1_Value="x" * 129),),
    "MissingParameter.TagKey": (listed(Tag_1_Value="v"),),
    "NumberExceed.Tags": (listed(**tags("Tag", 21)),),
    "InvalidParam.PageNumber": (listed(PageNumber="0"),),
    "InvalidParam.PageSize": (listed(PageSize="51"),),
    "InvalidParameter.MaxResults": (listed(MaxResults="51"),),
    "InvalidParameter.NextToken": (listed(NextToken="none"),),
    # -- invocations
    "Duplicate.ResourceTagKey": (
        call("RunCommand", RUN, InstanceId_1=None, ResourceTag_1_Key="k", ResourceTag_2_Key="k"),
    ),
    "IdempotentParameterMismatch": (TOKEN, call("RunCommand", RUN, ClientToken="token", Timeout="10")),
    "IdempotentProcessing": (TOKEN, TOKEN),
    "InstanceIds.ExceedLimit": (call("RunCommand", RUN, **numbered("InstanceId", ids(101))),),
    "InvalidClientToken.Malformed": (call("RunCommand", RUN, ClientToken="x" * 65),),
    "InvalidContainerId.Malformed": (call("RunCommand", RUN, ContainerId="docker://1"),),
    "InvalidContainerName.Malformed": (call("RunCommand", RUN, ContainerName="-c"),),
    "InvalidInstance.NotFound": (call("RunCommand", RUN, InstanceId_2="i-none"),),
    "InvalidInstance.NotMatch": (call("RunCommand", RUN, InstanceId_2="i-w001"),),
    "InvalidInvokeId.NotFound": (call("StopInvocation", InvokeId="t-none"),),
    "InvalidParam.Frequency": (call("RunCommand", RUN, Frequency="now and then"),),
    "InvalidParameter.Parameters": (call("RunCommand", WITH, Parameters="[1]"),),
    "InvalidRepeatMode.NotFound": (call("RunCommand", RUN, RepeatMode="Twice"),),
    "InvalidResourceTag.ConflictWithInstanceIds": (call("RunCommand", RUN, ResourceTag_1_Key="env"),),
    "InvalidResourceTag.InstanceNotFound": (call("RunCommand", RUN, InstanceId_1=None, ResourceTag_1_Key="none"),),
    "InvalidResourceTagKey.Malformed": (call("RunCommand", RUN, InstanceId_1=None, ResourceTag_1_Key="aliyun"),),
    "InvalidResourceTagValue.Malformed": (
        call("RunCommand", RUN, InstanceId_1=None, ResourceTag_1_Key="k", ResourceTag_1_Value="http://"),
    ),
    "InvalidTerminationMode.NotFound": (call("RunCommand", RUN, TerminationMode="Gently"),),
    "Invocation.ExceedQuota": (call("RunCommand", RUN), call("RunCommand", RUN)),
    "MissingParam.Frequency": (call("RunCommand", RUN, RepeatMode="Period"),),
    "MissingParam.InstanceId": (call("RunCommand", RUN, InstanceId_1=None),),
    "MissingParameter.ResourceTagKey": (call("RunCommand", RUN, InstanceId_1=None, ResourceTag_1_Value="v"),),
    "NumberExceed.ResourceTags": (call("RunCommand", {**RUN, **tags("ResourceTag", 11)}, InstanceId_1=None),),
    "Operation.Forbidden": (call("RunCommand", RUN, ResourceGroupId="rg-one"),),
    "Parameter.Disabled": (call("RunCommand", RUN, Parameters='{"a": "1"}'),),
    "Parameter.MissingValue": (call("RunCommand", WITH),),
    "Parameter.NotMatched": (call("RunCommand", WITH, Parameters='{"b": "1"}'),),
    "ParameterCount.ExceedLimit": (
        call("RunCommand", WITH, Parameters=json.dumps({f"p{number}": "" for number in range(11)})),
    ),
    "ParameterKey.Duplicate": (call("RunCommand", WITH, Parameters='{"a": "1", "A": "2"}'),),
    "ParameterKey.ExceedLimit": (call("RunCommand", WITH, Parameters='{"": "1"}'),),
    "ParameterType.NotSupported": (call("RunCommand", WITH, Parameters='{"a": ["1"]}'),),
    "Username.ExceedLimit": (call("RunCommand", RUN, Username="x" * 256),),
    "WindowsPasswordName.ExceedLimit": (call("RunCommand", RUN, WindowsPasswordName="x" * 256),),
    "WindowsPasswordName.Missed": (
        call("RunCommand", RUN, Type="RunBatScript", InstanceId_1="i-w001", Username="me"),
    ),
    # -- changes of schedules
    "CommandLimitExceeded": (
        call("RunCommand", SCHEDULE, KeepCommand="true"),
        stored(CommandContent="echo {{a}}!", Parameters='{"a": "1"}'),
    ),
    "InvalidCommandContent.DecodeError": (SCHEDULED, stored(CommandContent="$()", ContentEncoding="Base64")),
    "InvalidCommandContent.LengthLimitExceeded": (SCHEDULED, stored(CommandContent="x" * 18_433)),
    "InvalidInstanceId.CountLimitExceeded": (SCHEDULED, stored(**numbered("InstanceId", ids(101)))),
    "InvalidInstanceId.OSTypeUnsupported": (SCHEDULED, stored(InstanceId_1="i-w001")),
    "InvalidOperation.InvokeAlreadyFinished": (
        SCHEDULED, call("StopInvocation", InvokeId="$InvokeId"), stored(Frequency="rate(2h)"),
    ),
    "InvalidOperation.RepeatModeUnsupported": (call("RunCommand", RUN), stored(Frequency="rate(2h)")),
    "InvalidParameter.Frequency": (SCHEDULED, stored(Frequency="now and then")),
    "InvalidParameters.CountLimitExceeded": (
        SCHEDULED, stored(Parameters=json.dumps({f"p{number}": "" for number in range(11)})),
    ),
    "InvalidParameters.KeyDuplicate": (SCHEDULED, stored(Parameters='{"a": "1", "A": "2"}')),
    "InvalidParameters.KeyEmpty": (SCHEDULED, stored(CommandContent="{{}}", Parameters="{}")),
    "InvalidParameters.KeyLengthLimitExceeded": (SCHEDULED, stored(Parameters=json.dumps({"x" * 65: ""}))),
    "InvalidParameters.KeyMalformed": (SCHEDULED, stored(Parameters="[1]")),
    "InvalidParameters.KeyNotMatch": (SCHEDULED, stored(Parameters='{"b": "1"}')),
    "InvalidParameters.ValueTypeUnsupported": (SCHEDULED, stored(Parameters='{"a": ["1"]}')),
    # -- instances
    "DRYRUN.SUCCESS": (call("StopInstances", InstanceId_1="i-l001", DryRun="true"),),
    "DryRunOperation": (call("DescribeInstances", DryRun="true"),),
    "IncorrectInstanceStatus": (call("StartInstance", InstanceId="i-l001"),),
    "Invalid.Parameter": (call("DescribeAccountAttributes", RegionId=None),),
    "InvalidInstanceId.NotFound": (call("StartInstance", InstanceId="i-none"),),
    "InvalidInstanceChargeType.NotFound": (call("DescribeInstances", InstanceChargeType="Free"),),
    "InvalidNetworkType.NotFound": (call("DescribeInstances", InstanceNetworkType="token-ring"),),
    "InvalidParameter.TooManyInstanceIds": (call("DescribeInstanceStatus", **numbered("InstanceId", ids(101))),),
    "InvalidRegionId.NotFound": (listed(RegionId="cn-atlantis"),),
    "InvalidStatus.NotFound": (call("DescribeInstances", Status="Sleeping"),),
    "InvalidTag.Mismatch": (call("DescribeInstances", Tag_1_Value="v"),),
    "InvalidTagCount": (call("DescribeInstances", **tags("Tag", 21)),),
    "InvalidZoneId.NotFound": (call("DescribeInstanceStatus", ZoneId="cn-atlantis-a"),),
    # -- tags of resources
    "InvalidResourceId.NotFound": (call("TagResources", TAGGED, ResourceId_1="i-none"),),
    "InvalidResourceType.NotFound": (call("TagResources", TAGGED, ResourceType="teapot"),),
    "InvalidParameter.OwnerAccount": (call("DescribeRegions", OwnerAccount="owner&account"),),
    "InvalidParameter.TagValue": (call("ListTagResources", ResourceType="instance", Tag_1_Value="v"),),
    "BothEmpty.TagsAndResources": (call("ListTagResources", ResourceType="instance"),),
    "Invalid.NextToken": (call("ListTagResources", ResourceType="instance", ResourceId_1="i-l001", NextToken="x"),),
    "MissingParameter.RegionId": (call("TagResources", TAGGED, RegionId=None),),
    "MissingParameter.ResourceIds": (call("TagResources", TAGGED, ResourceId_1=None),),
    "MissingParameter.Tags": (call("TagResources", TAGGED, Tag_1_Key=None),),
    "Param.Conflict": (call("UntagResources", TAGGED, All="true", TagKey_1="k"),),
    "TagKey.Duplication": (call("TagResources", TAGGED, Tag_2_Key="K"),),
    "MissingParameter.ResourceType": (call("TagResources", TAGGED, ResourceType=None),),
    "OperationDenied.QuotaExceed": (call("TagResources", {**TAGGED, **tags("Tag", 20)}),),
    "NumberExceed.ResourceIds": (call("TagResources", {**TAGGED, **many("ResourceId", 51)}),),
}  # fmt: skip
"""The last request of each is the one that is refused."""
SWITCHED: dict[str, dict[str, Any]] = {
    "CmdCount.ExceedQuota": {"commands_max": 1},
    "CommandLimitExceeded": {"commands_max": 1},
    "IdempotentProcessing": {"client_token_in_work_ms": 10_000},
    "Invocation.ExceedQuota": {"invocations_per_day": 1},
    "Param.Conflict": {"all_with_tag_keys": "refuse"},
    "Throttling": {"call_rate": CallRate(1, "Throttling")},
    "Throttling.Api": {"call_rate": CallRate(1, "Throttling.Api")},
    "Throttling.User": {"call_rate": CallRate(1)},
}
PROVOKED |= dict.fromkeys(("Throttling", "Throttling.Api"), PROVOKED["Throttling.User"])

NO_RAM = "there are no RAM users here: whoever has the account's key may do everything"
NO_STS = "the one token of the account neither ends nor belongs to another key"
NO_STORE = "there is no parameter store: a script that asks for it ends as QueryParameterStoreFailed on the instance"
NOTHING_BREAKS = "nothing breaks or is maintained by itself: the faults say it"
FAULTS_ONLY = {
    "Abs.InvalidInstanceIds.MalFormed": "what makes an id malformed is unpublished: an unknown one finds nothing",
    "CmdName.Readonly": "of public commands, of which there are none",
    "Forbidden": NO_RAM,
    "Forbidden.AccessKeyDisabled": "the one access key is never disabled",
    "Forbidden.RAM": NO_RAM,
    "InternalError": NOTHING_BREAKS,
    "InternalError.Dispatch": NOTHING_BREAKS,
    "InvalidAccessKeyId.Inactive": "the one access key is never disabled",
    "InvalidAction": "the older name of InvalidAction.NotFound",
    "InvalidCommandId.NotFound": "an invocation keeps the text of its command: changing it asks for no command",
    "InvalidOperation.CloudAssistantVersionUnsupported": "all agents are of today's version",
    "InvalidOperation.ModifyPublicCommandUnsupported": "there are no public commands",
    "InvalidParameterCharset.Parameters": "which characters it means is unpublished: all that JSON holds are taken",
    "InvalidProtocol.NeedSsl": "nothing here asks for TLS",
    "InvalidSecurityToken.Expired": NO_STS,
    "InvalidSecurityToken.MismatchWithAccessKey": NO_STS,
    "InvalidStatus.ResourceGroup": "resource groups have no status here",
    "InvalidTimeStamp.Format": "the other name of IllegalTimestamp, which the page of common errors has",
    "LastTokenProcessing": "of other operations than those with a ClientToken here, which say IdempotentProcessing",
    "MissingParameter.TagOwnerUid": "tags have no other owner than the account",
    "MissingSecurityToken": NO_STS,
    "NoPermission.Tag": NO_RAM,
    "OperationConflict": "one thread answers all: no two calls are in each other's way",
    "ParameterStore.InvalidParameters": NO_STORE,
    "ParameterStore.NoPermission": NO_STORE,
    "ParameterStore.NotSupported": NO_STORE,
    "RegionId.ApiNotSupported": "every region has every operation",
    "ServiceUnavailable": NOTHING_BREAKS,
    "ServiceUnavailable.RegionMaintaining": NOTHING_BREAKS,
    "TemporaryAccessKey.Error": NO_STS,
    "UnknownError": NOTHING_BREAKS,
}


class Caller:
    """Signs what a test asks."""

    def __init__(self, limits: Limits) -> None:
        self.world = EcsWorld(limits=limits)
        self.world.behave = lambda _job: Outcome(duration_ms=1_000)
        self._endpoint = EcsEndpoint(
            self.world.service, account=ACCOUNT, ids=self.world.ids, date_clock=ManualClock(START_MS)
        )
        self._number = 0
        self._invoke_id = ""

    def ask(self, one: Call) -> Response:
        response = asyncio.run(self._endpoint.handle(self._signed(one)))
        self._invoke_id = json.loads(response.body).get("InvokeId", self._invoke_id)
        return response

    def state(self) -> object:
        """What an answer shows of everything, and what the service says of itself."""
        shown = [
            self.world.ask(action)
            for action in ("DescribeCommands", "DescribeInvocations", "DescribeInvocationResults", "DescribeInstances")
        ]
        return [{**one, "RequestId": ""} for one in shown], self.world.service.state()

    def _signed(self, one: Call) -> Request:
        self._number += 1
        sent: dict[str, str | None] = {
            "Action": one.action,
            "Version": "2014-05-26",
            "Format": "JSON",
            "RegionId": REGION,
            "AccessKeyId": ACCOUNT.access_key_id,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureType": "",
            "SignatureNonce": str(self._number),
            "Timestamp": "2026-01-01T00:00:00Z",
            **{name.replace("_", "."): value for name, value in one.parameters.items()},
        }
        parameters = {
            name: self._invoke_id if value == "$InvokeId" else value
            for name, value in sent.items()
            if value is not None
        }
        signature = sign(string_to_sign(one.method, parameters), ACCOUNT.access_key_secret) + one.spoils
        query = urlencode({**parameters, "Signature": signature})
        return Request(one.method, "/", query, {"host": "127.0.0.1:7150"}, b"", START_MS)


def error_of(response: Response) -> dict[str, str]:
    """The document: its five elements, none of them empty."""
    error: dict[str, str] = json.loads(response.body)
    assert list(error) == ["RequestId", "HostId", "Code", "Message", "Recommend"]
    assert all(error.values())
    assert error["RequestId"] in error["Recommend"]
    assert error["Code"] in error["Recommend"]
    return error


def test_every_code_is_provoked_or_has_a_reason_why_not() -> None:
    assert set(PROVOKED) | set(FAULTS_ONLY) == set(CODES)
    assert not set(PROVOKED) & set(FAULTS_ONLY)


@pytest.mark.parametrize("code", sorted(PROVOKED))
def test_a_code_is_said_with_its_status_and_nothing_has_happened(code: str) -> None:
    caller = Caller(Limits(**SWITCHED.get(code, {})))
    *before, last = PROVOKED[code]
    for one in before:
        response = caller.ask(one)
        assert response.status == 200, response.body
    watched = "call_rate" not in SWITCHED.get(code, {})
    state = caller.state() if watched else None

    response = caller.ask(last)

    assert (response.status, error_of(response)["Code"]) == (CODES[code][0], code)
    assert (caller.state() if watched else None) == state


def test_a_key_that_stands_twice_in_the_text_is_called_by_each_operations_own_name() -> None:
    caller, twice = Caller(Limits()), '{"a": "1", "a": "2"}'
    assert caller.ask(SCHEDULED).status == 200

    codes = [
        error_of(caller.ask(one))["Code"]
        for one in (call("RunCommand", WITH, Parameters=twice), stored(Parameters=twice))
    ]

    assert codes == ["ParameterKey.Duplicate", "InvalidParameters.KeyDuplicate"]


@pytest.mark.parametrize("code", sorted(FAULTS_ONLY))
def test_a_code_that_only_faults_say_has_its_status_and_text(code: str) -> None:
    world = EcsWorld()

    response = world.endpoint.refuse(world.request("DescribeRegions"), Refusal(code=code))

    error = error_of(response)
    assert (response.status, error["Message"]) == CODES[code]


def test_a_signature_that_does_not_fit_has_the_other_name_when_so_chosen() -> None:
    caller = Caller(Limits(wrong_signature="IncompleteSignature"))

    error = error_of(caller.ask(Call("DescribeRegions", {}, spoils="x")))

    assert error["Code"] == "IncompleteSignature"
    assert "server string to sign is:POST&%2F&" in error["Message"]


def test_the_time_of_a_request_may_be_spelt_as_salt_spells_it() -> None:
    caller = Caller(Limits())

    taken = caller.ask(call("DescribeRegions", Timestamp=None, TimeStamp="2026-01-01T00:00:00Z"))
    late = caller.ask(call("DescribeRegions", Timestamp=None, TimeStamp="2025-12-31T23:44:59Z"))

    assert (taken.status, error_of(late)["Code"]) == (200, "InvalidTimeStamp.Expired")
