"""Stage 5 of 8: chunks with units -> what ECS's answer to each call means for the chunk.

Strategy: the answer's error code picks one of few verdicts; the caller acts on the verdict, never on the code.
"""

from __future__ import annotations

from enum import Enum

QUOTA_CODE = "Invocation.ExceedQuota"

_TARGET_CODES = frozenset(
    {
        "InvalidInstance.NotFound",
        "InvalidInstance.NotMatch",
        "InvalidInstance.NotVpc",
        "InvalidInstance.NoClient",
        "InvalidInstanceStatus",
        "InvalidInstanceId.NotFound",
        "InvalidInstanceId.OSTypeUnsupported",
        "InvalidResourceGroup.NotFound",
    }
)
"""One unfit instance fails the whole call: InvokeCommand error table 2025-12, and its 2018 form."""


class Verdict(Enum):
    """What a refused call means."""

    QUOTA_EXHAUSTED = "the day is used up, by ECS's own count"
    UNFIT_TARGET = "one of the targets is unfit: check again, cut anew"
    TOKEN_TAKEN = "the token was used with other parameters: look, never send it again"  # noqa: S105
    HOPELESS = "no chunk of this run can be sent"


def verdict_of(code: str) -> Verdict:
    """Of a refusal's code (4xx); match is on the code, never on status or message (they drift)."""
    if code == QUOTA_CODE:
        return Verdict.QUOTA_EXHAUSTED
    if code in _TARGET_CODES:
        return Verdict.UNFIT_TARGET
    if code == "IdempotentParameterMismatch":
        return Verdict.TOKEN_TAKEN
    return Verdict.HOPELESS
