"""What went wrong with a call to Tablestore, as one of our families. Translated here, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shared.core.errors import FleetrunError, Unavailable, UnknownOutcome

Out = TypeVar("Out")

ROW_LOST = "OTSConditionCheckFail"
"""The condition of a write does not hold: an answer, not an error."""

_BUSY = frozenset(
    {
        "OTSServerBusy",
        "OTSPartitionUnavailable",
        "OTSTableNotReady",
        "OTSNotEnoughCapacityUnit",
        "OTSRowOperationConflict",
        "OTSOperationConflict",
        "OTSOperationThrottled",
    }
)
"""Nothing was done: the SDK's own policy repeats even increments after these (retry.py, 6.4.8)."""
_UNKNOWN = frozenset({"OTSTimeout", "OTSInternalServerError", "OTSServerUnavailable", "OTSRequestTimeout"})
_NO_ANSWER = "NoAnswer"
_NO_CONNECTION = "NoConnection"


def is_passing(error: Unavailable) -> bool:
    """Whether it may soon be over. What the operator must mend (no permission, no table) is not repeated here."""
    return error.code in _BUSY or error.code in _UNKNOWN or error.code in (_NO_ANSWER, _NO_CONNECTION)


def translated(what: str, act: Callable[[], Out], *, effect: bool) -> Out:
    """What `act` answers. Raises Unavailable (also with code ROW_LOST) and, if it has an effect, UnknownOutcome."""
    from tablestore.error import OTSClientError, OTSServiceError
    from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError

    try:
        return act()
    except OTSServiceError as error:
        raise family_of_code(
            what,
            str(error.code),
            str(error.message),
            effect=effect,
            status=int(error.http_status or 0),
            request_id=str(error.request_id or ""),
        ) from None
    except OTSClientError as error:
        # An answer without a valid signature, checksum or error in it: who knows what was done.
        raise _no_answer(what, f"no trustworthy answer: {str(error.message)[:200]}", effect=effect) from None
    except MaxRetryError as error:
        if isinstance(error.reason, (NewConnectionError, ConnectTimeoutError)):
            raise Unavailable(f"{what}: Tablestore cannot be reached", code=_NO_CONNECTION) from None
        raise _no_answer(what, f"the connection broke ({type(error.reason).__name__})", effect=effect) from None
    except HTTPError as error:
        raise _no_answer(what, f"the connection broke ({type(error).__name__})", effect=effect) from None


def family_of_code(
    what: str, code: str, message: str, *, effect: bool, status: int = 0, request_id: str = ""
) -> FleetrunError:
    """What Tablestore refuses for good is a matter for the operator, not for the caller: Unavailable, too."""
    text = f"{what}: {code}: {message[:300]}"
    if code in _BUSY:
        return Unavailable(text, code=code, request_id=request_id, throttled=True)
    if code in _UNKNOWN or status >= 500:
        family = UnknownOutcome if effect else Unavailable
        return family(text, code=code if code in _UNKNOWN else _NO_ANSWER, request_id=request_id)
    return Unavailable(text, code=code, request_id=request_id)


def _no_answer(what: str, why: str, *, effect: bool) -> FleetrunError:
    family = UnknownOutcome if effect else Unavailable
    return family(f"{what}: {why}", code=_NO_ANSWER)
