"""One thing that was looked at, and how it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from shared.core.errors import FleetrunError

Level = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    area: str
    """What was looked at, e.g. "queues"."""
    said: str
    """What was seen, with figures."""
    advice: str = ""
    """What to do; "" when there is nothing to do."""
    is_unreachable: bool = False


def ok(area: str, said: str) -> Finding:
    return Finding("OK", area, said)


def warn(area: str, said: str, advice: str) -> Finding:
    return Finding("WARN", area, said, advice)


def fail(area: str, said: str, advice: str) -> Finding:
    return Finding("FAIL", area, said, advice)


def examined(area: str, act: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What `act` finds; a service that does not answer, or says no, is a finding, too."""
    try:
        return list(act())
    except FleetrunError as error:
        return [of_error(area, error)]


def of_error(area: str, error: FleetrunError) -> Finding:
    from cli.exits import UNREACHABLE, of_error

    if of_error(error) == UNREACHABLE:
        advice = "check the address, the network and the service's status page"
        return Finding("FAIL", area, error.message, advice, is_unreachable=True)
    if any(part in error.code for part in ("Signature", "AccessKey", "AuthFail", "SecurityToken")):
        advice = "check ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and, for STS, the token"
    elif any(part in error.code for part in ("Forbidden", "NoPermission", "AccessDenied", "NoPermit")):
        advice = "give these keys the permission, or ask somebody who has it"
    else:
        advice = "look up the code"
    return Finding("FAIL", area, error.message, advice)
