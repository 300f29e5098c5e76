"""Errors of the service (not of functions), as the API names them.

Source: API reference 2016-08-15 and 2023-03-30, error code pages; statuses of SDK tests. On the wire they are
`{"ErrorCode": …, "ErrorMessage": …}` in 2016-08-15 and `{"Code": …, "Message": …, "RequestId": …}` in 2023-03-30.
"""

from __future__ import annotations

STATUS = {
    "InvalidArgument": 400,
    "MissingRequiredHeader": 400,
    "SignatureNonceUsed": 400,
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
    "AsyncTaskNotFound": 404,
    "AsyncConfigNotExists": 404,
    "ConcurrencyConfigNotExists": 404,
    "ProvisionConfigNotFound": 404,
    "CustomDomainNotFound": 404,
    "PathNotSupported": 400,
    "MethodNotAllowed": 405,
    "ServiceAlreadyExists": 409,
    "FunctionAlreadyExists": 409,
    "TriggerAlreadyExists": 409,
    "AliasAlreadyExists": 409,
    "CustomDomainAlreadyExists": 409,
    "ServiceNotEmpty": 409,
    "FunctionNotEmpty": 409,
    "StatefulAsyncInvocationAlreadyExists": 409,
    "PreconditionFailed": 412,
    "EntityTooLarge": 400,
    "ResourceThrottled": 429,
    "ResourceExhausted": 429,
    "InternalServerError": 500,
    "NotImplemented": 501,
    "BadResponse": 502,
    "ServiceUnavailable": 503,
}


class FcError(Exception):
    """The service says no. `status` is the HTTP status."""

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = STATUS[code] if status is None else status

    @classmethod
    def named(cls, code: str, message: str, *, status: int | None) -> FcError:
        """Any code, also one that is not in the table: it is the platform's own trouble then."""
        return cls(code, message, status=STATUS.get(code, 500) if status is None else status)

    @property
    def is_passing(self) -> bool:
        """May the same call succeed later? Throttled, or the platform's own trouble."""
        return self.status == 429 or self.status >= 500


def too_large(bytes_max: int) -> FcError:
    return FcError("EntityTooLarge", f"payload size exceeds maximum allowed size ({bytes_max} bytes)")


def not_supported(method: str, path: str) -> FcError:
    return FcError("PathNotSupported", f"'{method}' against '{path}' is not supported")


def invalid(message: str) -> FcError:
    return FcError("InvalidArgument", message)
