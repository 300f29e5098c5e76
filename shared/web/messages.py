"""What a handler is handed and what it answers: no framework in it, so that a handler is an ordinary function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.app.admit import admit
from shared.app.trail import enter
from shared.core.access import Allowed, Caller, check_request
from shared.core.requests import Request
from shared.web.scope import Scope

JSON = "application/json"
EVENT_STREAM = "text/event-stream"
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Call:
    scope: Scope
    names: Mapping[str, str]
    """The named parts of the path, decoded."""
    query: Any
    """A value of the route's query type."""
    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    caller: Caller
    media: str = JSON
    """Of the route's media types the one that the client likes best."""
    call_id: str = ""
    """Function Compute's request id: what the trail and the log call it."""

    def admit(self, request: Request) -> Allowed:
        """Lets the request in, and enters it in the trail. What goes with it from now on. Raises Refused."""
        return admit(self.scope.ports, self.scope.policy, self.caller, request, entry_id=self.call_id)

    def enter(self, action: str, subject: str) -> None:
        """Before something that is no request is done: it stands in the trail then."""
        enter(self.scope.ports, self.caller, action, entry_id=self.call_id, subject=subject)

    def check(self, request: Request) -> None:
        """Of what changes nothing. Raises Refused when the caller may not ask for this."""
        refusal = check_request(self.caller, request, region=self.scope.policy.region)
        if refusal is not None:
            raise refusal


@dataclass(frozen=True, slots=True)
class Answer:
    value: Any = None
    """Of one of the route's answer types; bytes are sent as they are."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str = JSON
