"""Errors of the service (not of functions), as the API names them.

Source: error code pages of both APIs, 2026-09 (that of 2023-03-30 leaves most statuses out), an older one and the
list in aliyun-fc2 2.5.2. On the wire they are `{"ErrorCode": …, "ErrorMessage": …}` in 2016-08-15, as that SDK reads
them (the page writes `errorCode`), and `{"Code": …, "Message": …, "RequestId": …}` in 2023-03-30.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localcloud.fc.limits import Limits

STATUS = {
    "InvalidArgument": 400,
    "MissingRequiredHeader": 400,
    "SignatureNonceUsed": 400,
    "PathNotSupported": 400,
    "EntityTooLarge": 400,
    "LimitExceededError": 400,
    "VersionPublishError": 400,
    "AccessDenied": 403,
    "InvalidAccessKeyID": 403,
    "InvalidSecurityToken": 403,
    "SignatureNotMatch": 403,
    "RequestTimeTooSkewed": 403,
    "ServiceNotFound": 404,
    "FunctionNotFound": 404,
    "TriggerNotFound": 404,
    "LayerNotFound": 404,
    "LayerVersionNotFound": 404,
    "VersionNotFound": 404,
    "AliasNotFound": 404,
    "DomainNameNotFound": 404,
    "DomainRouteNotFound": 404,
    "AsyncConfigNotExists": 404,
    "ConcurrencyConfigNotExists": 404,
    "ProvisionConfigNotFound": 404,
    "MethodNotAllowed": 405,
    "ServiceAlreadyExists": 409,
    "FunctionAlreadyExists": 409,
    "TriggerAlreadyExists": 409,
    "AliasAlreadyExists": 409,
    "DomainNameAlreadyExists": 409,
    "ServiceNotEmpty": 409,
    "FunctionNotEmpty": 409,
    "StatefulAsyncInvocationAlreadyExists": 409,
    "PreconditionFailed": 412,
    "ResourceThrottled": 429,
    "ResourceExhausted": 429,
    "InternalServerError": 500,
    "NotImplemented": 501,
    "BadResponse": 502,
    "ServiceUnavailable": 503,
}
"""What the local cloud says by itself. Two statuses are contested: see `statuses`."""
ORDERED_STATUS = {
    "InstanceMetricsRequired": 400,
    "ConcurrentUpdateError": 409,
    "EventBridgeTriggerConflict": 409,
    "CAExited": 412,
    "CAFileNotFound": 412,
    "ClientClosedRequest": 499,
}
"""What the pages know besides, for things that cannot happen here: said only when a fault orders it (`code`)."""


class FcError(Exception):
    """The service says no. `status` is the HTTP status."""

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = STATUS[code] if status is None else status

    @classmethod
    def named(cls, code: str, message: str, *, status: int | None) -> FcError:
        """Any code, also one that is in no table: it is the platform's own trouble then."""
        known = {**STATUS, **ORDERED_STATUS}
        return cls(code, message, status=known.get(code, 500) if status is None else status)

    @property
    def is_passing(self) -> bool:
        """May the same call succeed later? Throttled, or the platform's own trouble."""
        return self.status == 429 or self.status >= 500


def statuses(limits: Limits) -> Mapping[str, int]:
    """Statuses on which the pages disagree, as the switches have them."""
    return {"ResourceThrottled": limits.throttled_status, "EntityTooLarge": limits.too_large_status}


def too_large(bytes_max: int) -> FcError:
    return FcError("EntityTooLarge", f"payload size exceeds maximum allowed size ({bytes_max} bytes)")


def not_supported(method: str, path: str) -> FcError:
    return FcError("PathNotSupported", f"'{method}' against '{path}' is not supported")


def invalid(message: str) -> FcError:
    return FcError("InvalidArgument", message)


def invalid_value(name: str, value: str, allowed: Sequence[str]) -> FcError:
    """As the service says it of what it has a list of: tests of fc-java-sdk and fc-nodejs-sdk."""
    return invalid(f"{name} is set to an invalid value (allowed: {' | '.join(allowed)}, actual: '{value[:40]}')")
