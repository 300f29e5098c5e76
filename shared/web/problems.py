"""Errors as RFC 9457 problem documents: which field, what it is, what would be right; never where our code was."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from shared.core.errors import Fenced, FleetrunError, Refused, Unavailable, UnknownOutcome
from shared.web.messages import PROBLEM, Answer

RETRY_S = 2
"""Ours: what Retry-After says when it is not our turn to know better."""

_STATUS = {
    "NotJson": 400,
    "BadQuery": 400,
    "BadHeader": 400,
    "Unauthorized": 401,
    "Stale": 401,
    "Forbidden": 403,
    "Forbidden.RAM": 403,
    "NoKey": 404,
    "NoRun": 404,
    "NoRoute": 404,
    "NoSchedule": 404,
    "NoSchedules": 404,
    "InvalidCmdId.NotFound": 404,
    "InvalidCommandId.NotFound": 404,
    "NotAllowed": 405,
    "NotAcceptable": 406,
    "RequestIdReused": 409,
    "IdempotentParameterMismatch": 409,
    "ScheduleOver": 409,
    "CloudSchedule": 409,
    "RevisionChanged": 412,
    "TooLong": 413,
    "NotJsonType": 415,
    "RateLimited": 429,
    "HeadersTooLong": 431,
}
"""By code; every other refusal is 422: understood, and wrong."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457. `code` is made for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str = ""
    """Path of the field at fault: `targets.instanceIds[3]`; `?limit` is a parameter, `Accept` a header."""
    instance: str = ""
    """Function Compute's request id of this call: it is in the log."""


def problem_of(error: FleetrunError, *, request_id: str = "") -> Answer:
    status = status_of(error)
    headers = {"Retry-After": str(RETRY_S)} if status in (429, 503, 504) else {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="fleetrun"'
    code = error.code or type(error).__name__
    return answer(status, code, _detail(error), field=_field(error), request_id=request_id, headers=headers)


def answer(
    status: int,
    code: str,
    detail: str,
    *,
    field: str = "",
    request_id: str = "",
    headers: dict[str, str] | None = None,
) -> Answer:
    document = Problem(
        type=f"urn:fleetrun:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        field=field,
        instance=f"urn:fleetrun:call:{request_id}" if request_id else "",
    )
    return Answer(document, status, headers or {}, PROBLEM)


def crashed(request_id: str) -> Answer:
    """A mistake of ours: the log has its place, the caller only a name for it."""
    detail = "This is a mistake in fleetrun itself. The log has it under this call's id."
    return answer(500, "Bug", detail, request_id=request_id)


def status_of(error: FleetrunError) -> int:
    if isinstance(error, Refused):
        return _STATUS.get(error.code, 422)
    if isinstance(error, Unavailable):
        return 429 if error.code == "RateLimited" else 503
    return 504 if isinstance(error, UnknownOutcome) else 503


def _detail(error: FleetrunError) -> str:
    if isinstance(error, UnknownOutcome):
        return f"{error.message}. It may have been done: the same again, with the same requestId, doubles nothing."
    if isinstance(error, Fenced):
        return "Somebody else changed it at the same moment; look at it and try again."
    return error.message


def _field(error: FleetrunError) -> str:
    return error.field if isinstance(error, Refused) else ""
