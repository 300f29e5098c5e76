"""The error families of fleetrun. Which family decides what happens next; nothing else does.

    FleetrunError
    ├── Refused         wrong, and nothing happened: say so, do not repeat
    ├── Unavailable     not now, and nothing happened: come again later
    ├── UnknownOutcome  may have happened: same token again, or look; never success, never failure
    └── Fenced          somebody else holds what we wrote on: our work is void, theirs goes on

Everything else that is raised is a bug.
"""

from __future__ import annotations


class FleetrunError(Exception):
    """Base of the families. `message` says what, which, actual against limit, and what to do."""

    def __init__(self, message: str, *, code: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        """The vendor's code, or ours (UpperCamel); match on it, never on the message."""
        self.request_id = request_id
        """The vendor's request id, for a support ticket; "" if there was no answer."""


class Refused(FleetrunError):
    """The request is wrong, or not allowed; it had no effect and repeating it will not help."""

    def __init__(self, message: str, *, code: str = "", request_id: str = "", field: str = "") -> None:
        super().__init__(message, code=code, request_id=request_id)
        self.field = field
        """Which field of the request is at fault, as a path: `targets.instanceIds[3]`."""


class Unavailable(FleetrunError):
    """Not possible now, and nothing happened: throttled, overloaded, or refused before any work was done."""

    def __init__(self, message: str, *, code: str = "", request_id: str = "", throttled: bool = False) -> None:
        super().__init__(message, code=code, request_id=request_id)
        self.throttled = throttled


class UnknownOutcome(FleetrunError):
    """The request left, and no trustworthy answer came back: it may have been carried out."""


class Fenced(FleetrunError):
    """A conditional write lost: another holder moved the row on since we read it."""
