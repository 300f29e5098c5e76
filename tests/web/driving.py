"""Calls the API on in-memory ports: Flask's own client, a clock that moves when the API waits, functions that answer.

web = Web()
web.fleet(3)
assert web.post("/v1/runs", invoke_request()).status_code == 202
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from werkzeug.test import TestResponse

from shared.core.access import Caller, Grant, Role
from shared.core.days import day_of
from shared.core.errors import Refused
from shared.core.library import NewCommand, StoredCommand
from shared.core.model import Excluded, Run
from shared.web.application import AUTHENTICATOR, REPORT, REQUEST_ID, SCOPE, STRANGER, make_application
from shared.web.authentication import RequestParts
from shared.web.scope import Scope
from tests.app.driving import Drive
from tests.app.memory import World, linux
from tests.app.memory_access import AccessWorld

APPLICATION = make_application()
KEY = "Bearer good"
TIMEOUT_MS = 55_000
"""Of the function, less the margin."""


@dataclass(frozen=True)
class RecentLine:
    position: str
    run_id: str


@dataclass(frozen=True)
class QuotaDay:
    used: int
    closed: bool
    by_run: Mapping[str, int]


class Reader:
    """RunReader and QuotaReader over a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def recent(self, day: str, *, after: str = "", limit: int = 100) -> Sequence[RecentLine]:
        lines = [
            RecentLine(f"{9_999_999_999_999 + minus_ms:013d}-{run_id}", run_id)
            for minus_ms, run_id in sorted(self._world.runs.recent_runs)
            if day_of(-minus_ms) == day
        ]
        return [line for line in lines if line.position > after][:limit]

    def read_excluded(self, run: Run) -> list[Excluded]:
        return self._world.runs.read_excluded(run)

    def read_outputs(self, run_id: str, number: int) -> dict[int, bytes]:
        return self._world.runs.read_outputs(run_id, number)

    def read_day(self, region: str, day: str) -> QuotaDay:
        quota = self._world.quota
        row = (region, day)
        return QuotaDay(quota.used.get(row, 0), row in quota.closed, dict(sorted(quota.columns.get(row, {}).items())))


class Shelf:
    """CommandLibrary."""

    def __init__(self) -> None:
        self.commands: dict[str, StoredCommand] = {}
        self._tokens: dict[str, tuple[NewCommand, str]] = {}

    def page(self, region: str, *, token: str, limit: int, name: str) -> tuple[list[StoredCommand], str]:
        rest = [self.commands[key] for key in sorted(self.commands) if key > token]
        shown = [replace(each, content=None) for each in rest if not name or each.name == name]
        return shown[:limit], shown[limit - 1].command_id if len(shown) > limit else ""

    def find(self, region: str, command_id: str) -> StoredCommand | None:
        return self.commands.get(command_id)

    def create(self, region: str, command: NewCommand, *, token: str) -> str:
        if token in self._tokens:
            made, command_id = self._tokens[token]
            if made != command:
                raise Refused("the token was used with other parameters", code="IdempotentParameterMismatch")
            return command_id
        command_id = f"c-{len(self._tokens) + 1:04d}"
        self._tokens[token] = (command, command_id)
        self.commands[command_id] = StoredCommand(
            command_id=command_id,
            name=command.name,
            type=command.type,
            description=command.description,
            timeout=command.timeout,
            working_dir=command.working_dir,
            provider="",
            parameters=(),
            created_at="2026-01-05T00:00:00Z",
            invoked=0,
            content=command.content,
        )
        return command_id

    def delete(self, region: str, command_id: str) -> None:
        del self.commands[command_id]


class Web(Drive):
    """The API over one world."""

    def __init__(self, *, role: Role = "admin", **policy: Any) -> None:
        super().__init__(**policy)
        self.world.access = AccessWorld()
        self.ports = self.world.ports()
        self.role: Role = role
        self.reader, self.shelf = Reader(self.world), Shelf()
        self.report: dict[str, object] = {}
        self.timeout_ms = TIMEOUT_MS
        self.is_working = True
        """Whether advance_runs takes wake-ups while the API waits."""
        self._client = APPLICATION.test_client()

    def fleet(self, count: int) -> None:
        self.world.directory.add(*(linux(number) for number in range(count)))

    def sleep(self, ms: int) -> None:
        assert ms > 0, "a wait of nothing would never end"
        self.world.clock.advance(ms)
        if self.is_working:
            for body in self.world.queue.take_due():
                self.deliver(body)

    def environ(self) -> dict[str, Any]:
        self.report = {}
        scope = Scope(
            ports=self.ports,
            policy=self.policy,
            runs=self.reader,
            quota=self.reader,
            library=self.shelf,
            sleep_ms=self.sleep,
            until_ms=self.world.clock.now_ms() + self.timeout_ms,
        )
        return {
            SCOPE: scope,
            AUTHENTICATOR: self.authenticate,
            STRANGER: lambda _address: None,
            REQUEST_ID: "call-1",
            REPORT: self.report,
        }

    def authenticate(self, parts: RequestParts) -> Caller:
        if parts.headers.get("authorization") != KEY:
            raise Refused("the key is not known", code="Unauthorized", field="Authorization")
        return Caller("0123456789ab", self.role, Grant(name="tester", role=self.role), via="key", address=parts.address)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        key: str | None = KEY,
    ) -> TestResponse:
        """`body`: bytes as they are, anything else as JSON."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        typed = {"Content-Type": "application/json"} if sent is not None else {}
        return self._client.open(
            path,
            method=method,
            data=sent,
            headers={**typed, **({"Authorization": key} if key else {}), **(headers or {})},
            environ_overrides=self.environ(),
        )

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        return self.call("POST", path, body, **more)

    def started(self, request: dict[str, Any]) -> str:
        """A run started over the API; its id."""
        answer = self.post("/v1/runs", request)
        assert answer.status_code == 202, answer.text
        return str(answer.json["runId"])

    def pages(self, path: str, field: str) -> list[dict[str, Any]]:
        """All of a list, page by page."""
        found: list[dict[str, Any]] = []
        joint, cursor = ("&" if "?" in path else "?"), ""
        for _ in range(1_000):
            answer = self.get(path + (f"{joint}cursor={cursor}" if cursor else ""))
            assert answer.status_code == 200, answer.text
            found += answer.json[field]
            cursor = answer.json["next"]
            if cursor is None:
                return found
        raise AssertionError(f"{path} has no end")
