"""What the command's exit codes mean."""

from __future__ import annotations

SUCCEEDED = 0
"""All targets succeeded; or the command is not about a run's outcome and did what it should."""
NOT_ALL = 1
"""Some targets did not succeed, or have not yet: `fleetrun status RUN && next-step` never goes on too early."""
REFUSED = 2
"""Bad usage, or the cloud refused."""
UNREACHABLE = 3
"""The cloud did not answer."""
BUG = 70
"""None of the above: a mistake of ours, with its traceback (EX_SOFTWARE of sysexits.h)."""
INTERRUPTED = 130
"""Ctrl-C: 128 + SIGINT, as shells say it."""
NOBODY_READS = 141
"""The reader of our output went away (`| head`): 128 + SIGPIPE. Nothing about the run."""


_UNREACHABLE_CODES = frozenset({"NoConnection", "NoAnswer", ""})
_BUSY = ("Busy", "Throttl", "Timeout", "Unavailable", "Internal", "TooManyRequests", "QpsLimit", "Conflict")


def of_run(status: str) -> int:
    """The exit code that tells a run's status."""
    if status == "Rejected":
        return REFUSED
    return SUCCEEDED if status == "Success" else NOT_ALL


def of_error(error: Exception) -> int:
    """3 where nobody could answer; 2 where somebody said no."""
    from shared.core.errors import Refused, UnknownOutcome

    code = str(getattr(error, "code", ""))
    if isinstance(error, Refused):
        return REFUSED
    if isinstance(error, UnknownOutcome) or getattr(error, "throttled", False) or code in _UNREACHABLE_CODES:
        return UNREACHABLE
    return UNREACHABLE if any(part in code for part in _BUSY) else REFUSED
