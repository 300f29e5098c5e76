"""The errors of ECS: code, HTTP status, default message.

Sources: the error tables of the operation pages (help.aliyun.com, product ECS, 2025-12), the page of common errors, and
"Troubleshoot issues based on API error codes" (2025-02). Codes are exact; where pages of different years disagree about
a status, today's is taken. Messages are in our words: no caller may match on them.
"""

from __future__ import annotations

GATEWAY: dict[str, tuple[int, str]] = {
    "Forbidden": (403, "User not authorized to operate on the specified resource."),
    "Forbidden.AccessKeyDisabled": (403, "The Access Key is disabled."),
    "Forbidden.RAM": (
        403,
        "User not authorized to operate on the specified resource, or this API does not support RAM.",
    ),
    "IllegalTimestamp": (
        400,
        "The input parameter Timestamp that is mandatory for processing this request is not supplied.",
    ),
    "IncompleteSignature": (400, "The request signature does not conform to Aliyun standards."),
    "InternalError": (500, "The request processing has failed due to some unknown error."),
    "InternalError.Dispatch": (500, "An error occurred when dispatching the request."),
    "InvalidAccessKeyId.Inactive": (400, "Specified access key is disabled."),  # general knowledge, no page at hand
    "InvalidAccessKeyId.NotFound": (400, "Specified access key is not found."),  # 404 with other products
    "InvalidAction": (403, "Specified action is not valid."),
    "InvalidAction.NotFound": (404, "Specified api is not found, please check your url and method."),
    "InvalidParameter": (400, "The specified parameter value is not valid."),
    "InvalidProtocol.NeedSsl": (400, "Your request is denied as lack of ssl protect."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidSecurityToken.MismatchWithAccessKey": (400, "Specified SecurityToken mismatch with the AccessKey."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "InvalidVersion": (400, "Specified parameter Version is not valid."),
    "LastTokenProcessing": (403, "The last token request is processing."),
    "MissingAccessKeyId": (400, "AccessKeyId is mandatory for this action."),
    "MissingParameter": (400, "A mandatory input parameter is not supplied."),
    "MissingSecurityToken": (400, "SecurityToken is mandatory for this action."),
    "NotOffered": (501, "The local cloud does not offer this operation."),  # ours
    "OperationConflict": (409, "Request was denied due to conflict with a previous request."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
    "ServiceUnavailable.RegionMaintaining": (503, "The region is being maintained."),
    "SignatureDoesNotMatch": (
        400,
        "Specified signature is not matched with our calculation. server string to sign is:",
    ),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "Throttling": (400, "Request was denied due to request throttling."),
    "Throttling.Api": (400, "Request was denied due to api flow control."),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "UnknownError": (400, "The request processing has failed due to some unknown error, exception or failure."),
    "UnsupportedHTTPMethod": (403, "This http method is not supported."),
    "UnsupportedParameter": (400, "The parameter is not supported."),
    "UnsupportedSignatureMethod": (400, "Specified signature method is not supported."),
}

ASSISTANT: dict[str, tuple[int, str]] = {
    "CmdContent.DecodeError": (400, "The CommandContent can not be base64 decoded."),
    "CmdContent.ExceedLimit": (403, "The length of the command content exceeds the upper limit."),
    "CmdCount.ExceedQuota": (403, "The total number of commands in the region exceeds the quota."),
    "CmdDesc.ExceedLimit": (403, "The length of the command description exceeds the upper limit."),
    "CmdName.ExceedLimit": (403, "The length of the command name exceeds the upper limit."),
    "CmdName.Readonly": (403, "The name of the command can not be changed."),
    "CmdParam.EmptyKey": (400, "A custom parameter in the command content has an empty name."),
    "CmdParam.InvalidParamName": (400, "The name of a custom parameter holds characters that are not allowed."),
    "CmdParamCount.ExceedLimit": (
        403,
        "The number of custom parameters in the command content exceeds the upper limit.",
    ),
    "CmdParamName.ExceedLimit": (403, "The name of a custom parameter in the command content is too long."),
    "CommandLimitExceeded": (403, "The total number of commands in the region exceeds the quota."),
    "DryRunOperation": (400, "Request validation has been passed with DryRun flag set."),
    "DRYRUN.SUCCESS": (400, "This request is a dryrun request with successful result."),
    "Duplicate.ResourceTagKey": (400, "The ResourceTag.N.Key contains a duplicate key."),
    "Duplicate.TagKey": (400, "The Tag.N.Key contains a duplicate key."),
    "IdempotentParameterMismatch": (
        403,
        "The request uses a client token of an earlier request with other parameters.",
    ),
    "IdempotentProcessing": (403, "The earlier request with this client token is still being processed."),
    "InstanceIds.ExceedLimit": (403, "The number of instance IDs exceeds the upper limit."),
    "InvalidClientToken.Malformed": (400, "The ClientToken must be ASCII, of at most 64 characters."),
    "InvalidCmdId.NotFound": (404, "The specified command ID does not exist."),
    "InvalidCmdType.NotFound": (404, "The specified command type does not exist."),
    "InvalidCommandContent.DecodeError": (400, "The CommandContent can not be base64 decoded."),
    "InvalidCommandContent.LengthLimitExceeded": (403, "The length of the command content exceeds the upper limit."),
    "InvalidCommandId.NotFound": (404, "The specified command ID does not exist."),
    "InvalidCommandType.NotFound": (404, "The specified command type does not exist."),
    "InvalidContainerId.Malformed": (400, "The ContainerId is malformed."),
    "InvalidContainerName.Malformed": (400, "The ContainerName is malformed."),
    "InvalidDescription.LengthLimitExceeded": (403, "The length of the description exceeds the upper limit."),
    "InvalidInstance.NotFound": (404, "The specified instance does not exist."),
    "InvalidInstance.NotMatch": (400, "The command type does not match the operating system of an instance."),
    "InvalidInvokeId.NotFound": (404, "The specified invocation ID does not exist."),
    "InvalidLauncher.LengthLimitExceeded": (403, "The length of the launcher exceeds the upper limit."),
    "InvalidName.LengthLimitExceeded": (403, "The length of the name exceeds the upper limit."),
    "InvalidOperation.CloudAssistantVersionUnsupported": (
        403,
        "The Cloud Assistant Agent is too old for this operation.",
    ),
    "InvalidOperation.InvokeAlreadyFinished": (403, "The invocation has ended."),
    "InvalidOperation.ModifyPublicCommandUnsupported": (403, "A public command can not be changed."),
    "InvalidOperation.RepeatModeUnsupported": (
        403,
        "The RepeatMode of the invocation does not support this operation.",
    ),
    "InvalidParam.Frequency": (400, "The specified Frequency is not valid."),
    "InvalidParam.PageNumber": (400, "The specified PageNumber is not valid."),
    "InvalidParam.PageSize": (400, "The specified PageSize is not valid."),
    "InvalidParameter.Frequency": (400, "The specified Frequency is not valid."),
    "InvalidParameter.MaxResults": (400, "The specified MaxResults is not valid."),
    "InvalidParameter.NextToken": (400, "The specified NextToken is not valid."),
    "InvalidParameter.Parameters": (400, "The Parameters must be a JSON object."),
    "InvalidParameter.WorkingDir": (400, "The WorkingDir is not valid."),
    "InvalidParameterCharacter.CommandDescription": (
        403,
        "The command description holds characters that are not allowed.",
    ),
    "InvalidParameterCharacter.CommandName": (403, "The command name holds characters that are not allowed."),
    "InvalidParameterCharacter.CommandWorkingDir": (
        403,
        "The working directory holds characters that are not allowed.",
    ),
    "InvalidParameterCharset.Parameters": (403, "The Parameters hold characters that are not allowed."),
    "InvalidParameters.CountLimitExceeded": (403, "The number of parameters exceeds the upper limit."),
    "InvalidParameters.KeyDuplicate": (400, "The Parameters hold a key twice."),
    "InvalidParameters.KeyEmpty": (400, "The Parameters hold an empty key."),
    "InvalidParameters.KeyLengthLimitExceeded": (403, "A key in the Parameters is too long."),
    "InvalidParameters.KeyMalformed": (400, "A key in the Parameters holds characters that are not allowed."),
    "InvalidParameters.KeyNotMatch": (400, "The Parameters do not match those of the command."),
    "InvalidParameters.ValueTypeUnsupported": (403, "A value in the Parameters is not a string."),
    "InvalidRepeatMode.NotFound": (404, "The specified RepeatMode does not exist."),
    "InvalidResourceTag.ConflictWithInstanceIds": (400, "ResourceTag and InstanceId can not be used together."),
    "InvalidResourceTag.InstanceNotFound": (400, "No instance has the specified resource tags."),
    "InvalidResourceTagKey.Malformed": (400, "The ResourceTag.N.Key is malformed."),
    "InvalidResourceTagValue.Malformed": (400, "The ResourceTag.N.Value is malformed."),
    "InvalidTagKey.Malformed": (400, "The Tag.N.Key is malformed."),
    "InvalidTagValue.Malformed": (400, "The Tag.N.Value is malformed."),
    "InvalidTerminationMode.NotFound": (404, "The specified TerminationMode does not exist."),
    "InvalidTimeout.ExceedLimit": (403, "The specified Timeout is out of range."),
    "Invocation.ExceedQuota": (403, "The number of invocations in the region today exceeds the quota."),
    "MissingParam.Frequency": (400, "Frequency must be specified when RepeatMode is Period."),
    "MissingParam.InstanceId": (400, "InstanceId must be specified."),
    "MissingParameter.ResourceTagKey": (400, "The ResourceTag.N.Key must be specified."),
    "MissingParameter.TagKey": (400, "The Tag.N.Key must be specified."),
    "NumberExceed.ResourceTags": (400, "The number of ResourceTag parameters exceeds the upper limit."),
    "NumberExceed.Tags": (400, "The number of Tag parameters exceeds the upper limit."),
    "Operation.Forbidden": (403, "The operation is not permitted."),
    "Parameter.Disabled": (400, "Parameters are given, but the command was made without EnableParameter."),
    "Parameter.MissingValue": (400, "A custom parameter of the command has no value."),
    "Parameter.NotMatched": (403, "The Parameters hold a name that the command does not define."),
    "ParameterCount.ExceedLimit": (403, "The number of parameters exceeds the upper limit."),
    "ParameterKey.Duplicate": (403, "The Parameters hold a key twice."),
    "ParameterKey.ExceedLimit": (403, "A key in the Parameters is empty or too long."),
    "ParameterStore.InvalidParameters": (403, "The parameter of the parameter store is not valid."),
    "ParameterStore.NoPermission": (403, "No permission to read the parameter store."),
    "ParameterStore.NotSupported": (403, "The parameter store is not supported here."),
    "ParameterType.NotSupported": (403, "A value in the Parameters is not a string."),
    "RegionId.ApiNotSupported": (400, "The operation is not supported in this region."),
    "TemporaryAccessKey.Error": (403, "The temporary access key can not be used."),
    "Username.ExceedLimit": (403, "The length of the Username exceeds the upper limit."),
    "WindowsPasswordName.ExceedLimit": (403, "The length of the WindowsPasswordName exceeds the upper limit."),
    "WindowsPasswordName.Missed": (403, "WindowsPasswordName must be specified together with Username on Windows."),
}

INSTANCES: dict[str, tuple[int, str]] = {
    "Abs.InvalidInstanceIds.MalFormed": (403, "The specified InstanceIds are malformed."),
    "BothEmpty.TagsAndResources": (403, "Tags and ResourceIds must not both be empty."),
    "IncorrectInstanceStatus": (403, "The current status of the resource does not support this operation."),
    "Invalid.NextToken": (403, "The specified NextToken is not valid."),
    "Invalid.Parameter": (403, "The specified parameter is not valid."),
    "InvalidInstanceId.CountLimitExceeded": (403, "The number of instance IDs exceeds the upper limit."),
    "InvalidInstanceId.NotFound": (404, "The specified InstanceId does not exist."),
    "InvalidInstanceId.OSTypeUnsupported": (
        403,
        "The operating system of an instance does not support this operation.",
    ),
    "InvalidInstanceChargeType.NotFound": (404, "The specified InstanceChargeType does not exist."),
    "InvalidNetworkType.NotFound": (404, "The specified InstanceNetworkType does not exist."),
    "InvalidParameter.OwnerAccount": (400, "OwnerAccount is Invalid."),
    "InvalidParameter.TagValue": (400, "The Tag.N.Value must not be specified without Tag.N.Key."),
    "InvalidParameter.TooManyInstanceIds": (403, "The number of instance IDs exceeds the upper limit."),
    "InvalidRegionId.NotFound": (404, "The specified RegionId does not exist."),
    "InvalidResourceGroup.NotFound": (404, "The specified resource group does not exist."),
    "InvalidResourceId.NotFound": (404, "The specified ResourceId does not exist."),
    "InvalidResourceType.NotFound": (404, "The specified ResourceType does not exist."),
    "InvalidStatus.NotFound": (404, "The specified Status does not exist."),
    "InvalidStatus.ResourceGroup": (403, "The status of the resource group does not permit this."),
    "InvalidTag.Mismatch": (400, "The Tag.N.Key and Tag.N.Value do not match."),
    "InvalidTagCount": (400, "The number of Tag parameters exceeds the upper limit."),
    "InvalidZoneId.NotFound": (404, "The specified ZoneId does not exist."),
    "MissingParameter.RegionId": (404, "The parameter - RegionId should not be null."),
    "MissingParameter.ResourceIds": (404, "The parameter - ResourceIds.N should not be null."),
    "MissingParameter.ResourceType": (404, "The parameter - ResourceType should not be null."),
    "MissingParameter.TagOwnerUid": (404, "The parameter - TagOwnerUid should not be null."),
    "MissingParameter.Tags": (404, "The parameter - Tags should not be null."),
    "NoPermission.Tag": (403, "No permission to change this tag."),
    "OperationDenied.QuotaExceed": (400, "The quota of tags on the resource is exceeded."),
    "NumberExceed.ResourceIds": (400, "The number of ResourceId parameters exceeds the upper limit."),
    "Param.Conflict": (403, "All is true, and TagKey.N is given, too."),
    "TagKey.Duplication": (403, "The TagKey has duplication with others, case-insensitive."),
}

CODES: dict[str, tuple[int, str]] = {**GATEWAY, **ASSISTANT, **INSTANCES}


class EcsError(Exception):
    """A refusal of ECS. `code` is the vendor's; status and message are those of `CODES` unless given."""

    def __init__(self, code: str, message: str | None = None, *, status: int | None = None) -> None:
        known_status, known_message = CODES.get(code, (400, code))
        super().__init__(message or known_message)
        self.code: str = code
        self.status: int = status or known_status
        self.message: str = message or known_message


def missing(parameter: str) -> EcsError:
    """A required parameter without a value."""
    return EcsError(
        "MissingParameter",
        f'The input parameter "{parameter}" that is mandatory for processing this request is not supplied.',
    )


def invalid(parameter: str, value: str, right: str, *, code: str = "") -> EcsError:
    """E.g. `invalid("Timeout", "x", "a whole number of seconds")`. The first sentence is the service's own."""
    return EcsError(
        code or "InvalidParameter",
        f'The specified parameter "{parameter}" is not valid. It is {value[:60]!r}, and must be {right}.',
    )
