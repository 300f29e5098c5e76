"""Calls a function by its name, with aliyun-fc2 (API 2016-08-15): what `make invoke` and the end-to-end tests use.

That API knows services; all functions appear in the service `fleetrun`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from shared.adapters.credentials import Credentials
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome

SERVICE = "fleetrun"
_CALL_S_MAX = 660
"""Ours: longer than the longest timeout of our functions."""


class FunctionFailed(FleetrunError):
    """The function was called and ended with an error of its own; `code` is its type."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered."""

    body: bytes
    request_id: str


class FunctionCalls:
    def __init__(self, endpoint: str, credentials: Credentials) -> None:
        import fc2

        self._client: Any = fc2.Client(
            endpoint=endpoint,
            accessKeyID=credentials.access_key_id,
            accessKeySecret=credentials.access_key_secret,
            securityToken=credentials.security_token,
            Timeout=_CALL_S_MAX,
        )

    def invoke(self, function: str, payload: bytes) -> Answer:
        """Calls it and waits. Raises FunctionFailed, Refused (no such function), Unavailable, UnknownOutcome."""
        return self._invoke(function, payload, "Sync")

    def invoke_async(self, function: str, payload: bytes) -> Answer:
        """Leaves the payload to be handled later. Raises Refused, Unavailable, UnknownOutcome."""
        return self._invoke(function, payload, "Async")

    def _invoke(self, function: str, payload: bytes, kind: str) -> Answer:
        from fc2.fc_exceptions import FcError
        from requests.exceptions import ConnectionError as NoConnection
        from requests.exceptions import RequestException

        try:
            # The SDK's default for headers is one dict shared by all calls: a fresh one each time.
            headers = {"x-fc-invocation-type": kind}
            response = self._client.invoke_function(SERVICE, function, payload=payload, headers=headers)
        except FcError as error:
            raise _translated(function, error) from None
        except NoConnection as error:
            if "NewConnectionError" in str(error):
                raise Unavailable(f"{function}: Function Compute cannot be reached", code="NoConnection") from None
            raise UnknownOutcome(f"{function}: the connection broke", code="NoAnswer") from None
        except (RequestException, ValueError):
            # ValueError: an error page that is not JSON, which the SDK tries to read as such.
            raise UnknownOutcome(f"{function}: no answer that can be read", code="NoAnswer") from None
        return Answer(response.data, str(response.headers.get("X-Fc-Request-Id", "")))


def _translated(function: str, error: Any) -> FleetrunError:
    status, request_id = int(error.status_code or 0), str(error.request_id or "")
    told = _json_of(str(error.message))
    if status == 200:
        # A function's own failure comes with 200 and the error type in a header.
        kind, text = str(told.get("errorType") or "FunctionError"), str(told.get("errorMessage") or error.message)
        return FunctionFailed(f"{function} failed: {kind}: {text}", code=kind, request_id=request_id)
    code = str(error.err_code or told.get("ErrorCode") or f"HTTP{status}")
    message = f"{function}: {code}: {str(told.get('ErrorMessage') or error.message)[:300]}"
    if status == 429:
        return Unavailable(message, code=code, request_id=request_id, throttled=True)
    family = UnknownOutcome if status >= 500 else Refused
    return family(message, code=code, request_id=request_id)


def _json_of(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
