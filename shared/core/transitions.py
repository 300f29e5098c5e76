"""THE state table: which status may follow which, for runs, chunks and targets. Everybody reads it, nobody repeats it.

docs/states.md is drawn from these tables, the stores check writes against them, the simulation is judged by them.
"""

from __future__ import annotations

from collections.abc import Mapping

ENDS_OF_RUN = frozenset({"Success", "PartialFailed", "Failed", "Stopped", "Rejected"})

RUN: Mapping[str, frozenset[str]] = {
    # accepted, durable; not planned yet
    "Accepted": frozenset({"Planned", "Failed", "Rejected"}),
    # targets checked, chunks cut; nothing sent yet
    "Planned": frozenset({"Running", "Scheduled", "Deferred", "Stopping", "Failed", "Stopped", "Rejected"}),
    # at least one chunk was sent, or may have been
    "Running": frozenset({"Scheduled", "Deferred", "Stopping"}) | ENDS_OF_RUN,
    # a cloud schedule, sent: Cloud Assistant repeats it until it is stopped or its time is over
    "Scheduled": frozenset({"Deferred", "Stopping"}) | ENDS_OF_RUN,
    # nothing in flight; the rest waits for the next day's units
    "Deferred": frozenset({"Running", "Scheduled", "Stopping", "PartialFailed", "Failed", "Stopped", "Rejected"}),
    # a stop was seen: nothing new starts, what runs is being stopped
    "Stopping": frozenset({"Stopped", "Success", "PartialFailed", "Failed"}),
    **dict.fromkeys(sorted(ENDS_OF_RUN), frozenset()),
}

NOTHING_IN_FLIGHT = frozenset({"Planned", "Deferred"})
"""Statuses of a run none of whose open chunks has been sent."""

CHUNK: Mapping[str, frozenset[str]] = {
    # frozen or not, never known to have been sent; may be cut anew
    "Planned": frozenset({"Invoked", "Unconfirmed", "Finished"}),
    # sent, and no trustworthy answer: look before sending the same token again
    "Unconfirmed": frozenset({"Invoked", "Finished"}),
    # ECS gave an InvokeId
    "Invoked": frozenset({"Finished"}),
    # every target has ended
    "Finished": frozenset(),
}

IN_FLIGHT = frozenset({"Pending", "Running", "Stopping", "Scheduled"})
"""Statuses of a target that ECS knows and that has not ended."""

ENDS_OF_ECS = frozenset({"Success", "Failed", "Timeout", "Error", "Invalid", "Aborted", "Cancelled", "Terminated"})
"""Terminal InvocationStatus of one instance: DescribeInvocations page, 2025-12."""

ENDS_OF_OURS = frozenset({"Excluded", "NotStarted", "Unknown"})
"""Excluded: left out before any call. NotStarted: never sent. Unknown: sent, and no result in time."""

OUTCOMES = ENDS_OF_ECS | ENDS_OF_OURS

FAILURES = frozenset({"Failed", "Timeout", "Error", "Invalid", "Aborted", "Unknown"})
"""What counts against maxErrors: it was sent and did not succeed, or we cannot say that it did."""

TARGET: Mapping[str, frozenset[str]] = {
    "Planned": IN_FLIGHT | OUTCOMES,
    **{status: (IN_FLIGHT - {status}) | ENDS_OF_ECS | {"Unknown"} for status in sorted(IN_FLIGHT)},
    **dict.fromkeys(sorted(OUTCOMES), frozenset()),
}

HALTS = frozenset({"StopRequested", "MaxErrorsExceeded", "QuotaExhausted", "UnfitTargets", "RefusedByEcs"})
"""Why nothing new starts any more."""


def is_allowed(table: Mapping[str, frozenset[str]], old: str, new: str) -> bool:
    """Whether `new` may follow `old`; staying is always allowed."""
    return old == new or new in table[old]


def check(table: Mapping[str, frozenset[str]], old: str, new: str) -> str:
    """`new`, if it may follow `old`; anything else is a bug of ours."""
    assert is_allowed(table, old, new), f"{old} → {new} is not in the table"
    return new
