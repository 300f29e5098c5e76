"""What was asked of the local cloud: the last requests, and counts since the start.

Nothing secret can get in: of a request only method, path and sizes are kept; query, headers and bodies, where scripts,
parameters, keys and receipts are, never are.
"""

from __future__ import annotations

import re
from collections import deque

import msgspec

from localcloud.http import Request, Response

ENTRIES_MAX = 10_000
"""Ours: about 3 MB."""
PATH_CHARS_MAX = 200
"""Ours."""

# ECS and FC say it in JSON, MNS in XML, Tablestore in protobuf, where the code is the first readable thing.
ERROR_CODE = re.compile(rb'"(?:Code|ErrorCode)"\s*:\s*"([^"]{1,80})"|<Code>([^<]{1,80})</Code>|(OTS[A-Za-z]{3,60})')


class LoggedRequest(msgspec.Struct, frozen=True, rename="camel"):
    """One request and how it ended."""

    number: int
    received_ms: int
    service: str
    operation: str
    method: str
    path: str
    request_bytes: int
    duration_ms: float
    status: int | None
    """None: the connection was closed without an answer."""
    outcome: str
    """ok · error · function-error · no-answer."""
    code: str | None
    """The vendor's error code."""
    faults: tuple[str, ...]
    """Ids of the fault rules that fired on it."""


class Count(msgspec.Struct, rename="camel"):
    """Requests of one operation since the start (or the last `clear`)."""

    requests: int = 0
    errors: int = 0
    duration_ms: float = 0.0


class RequestLog:
    """A ring of the last requests and a count per service and operation."""

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=entries_max)
        self._counts: dict[tuple[str, str], Count] = {}
        self._number = 0

    def add(
        self,
        request: Request,
        response: Response | None,
        *,
        service: str,
        operation: str,
        duration_ms: float,
        faults: tuple[str, ...],
    ) -> None:
        self._number += 1
        outcome, code = outcome_of(response)
        entry = LoggedRequest(
            number=self._number,
            received_ms=request.received_ms,
            service=service,
            operation=operation,
            method=request.method,
            path=request.path[:PATH_CHARS_MAX],
            request_bytes=len(request.body),
            duration_ms=round(duration_ms, 3),
            status=None if response is None else int(response.status),
            outcome=outcome,
            code=code,
            faults=faults,
        )
        self._entries.append(entry)
        count = self._counts.setdefault((service, operation), Count())
        count.requests += 1
        count.errors += outcome != "ok"
        count.duration_ms += duration_ms

    def entries(self, *, service: str | None = None, limit: int = ENTRIES_MAX) -> list[LoggedRequest]:
        """The newest `limit` entries, oldest of them first."""
        chosen = [entry for entry in self._entries if service in (None, entry.service)]
        return chosen[-limit:] if limit > 0 else []

    def counts(self) -> dict[str, dict[str, Count]]:
        """By service, then operation, both sorted."""
        table: dict[str, dict[str, Count]] = {}
        for service, operation in sorted(self._counts):
            table.setdefault(service, {})[operation] = self._counts[service, operation]
        return table

    def as_json(self, *, service: str | None = None, limit: int = ENTRIES_MAX) -> list[dict[str, object]]:
        return [msgspec.to_builtins(entry) for entry in self.entries(service=service, limit=limit)]

    def clear(self) -> None:
        self._entries.clear()
        self._counts.clear()


def outcome_of(response: Response | None) -> tuple[str, str | None]:
    """Outcome and, if there is one, the vendor's error code."""
    if response is None:
        return "no-answer", None
    if response.status < 400:
        for name, value in response.headers:
            if name.lower() == "x-fc-error-type":
                return "function-error", value
        return "ok", None
    match = ERROR_CODE.search(response.body[:4096])
    return "error", next(group for group in match.groups() if group).decode() if match else None
