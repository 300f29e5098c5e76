"""What the command's exit codes mean."""

from __future__ import annotations

SUCCEEDED = 0
"""All targets succeeded; or the command is not about a run's outcome and did what it should."""
NOT_ALL = 1
"""Some targets did not succeed."""
REFUSED = 2
"""Bad usage, or the cloud refused."""
UNREACHABLE = 3
"""The cloud did not answer."""


def of_run(status: str) -> int:
    """The exit code of a run that has ended; 0 for one that has not."""
    if status == "Rejected":
        return REFUSED
    return NOT_ALL if status in ("PartialFailed", "Failed", "Stopped") else SUCCEEDED
