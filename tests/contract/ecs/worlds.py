"""ECS on a clock that stands still: instances that do what a test says, and calls as short as they can be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from localcloud.account import Account
from localcloud.clock import ManualClock, Timeline
from localcloud.ecs.api import EcsEndpoint
from localcloud.ecs.executor_simulated import Behaviour, Outcome, SimulatedExecutor
from localcloud.ecs.limits import STRICT, Limits
from localcloud.ecs.service import EcsService
from localcloud.ecs.values import NewCommand, Order, Row
from localcloud.fleet import Fleet, Group
from localcloud.http import Request, Response
from localcloud.ids import Ids
from localcloud.journal import Journal, NoJournal

ACCOUNT = Account()
REGION = ACCOUNT.region
START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


def ids(count: int, first: int = 1, prefix: str = "i-l") -> tuple[str, ...]:
    """Ids of the first Linux instances: "i-l001" …"""
    return tuple(f"{prefix}{number:03d}" for number in range(first, first + count))


def group(prefix: str, count: int, **changes: Any) -> Group:
    named: dict[str, Any] = {"name": prefix.removeprefix("i-") + "-{number:03}", "count": count, **changes}
    return Group(ids=ids(count, prefix=prefix), **named)


FLEET = Fleet(
    (
        group("i-l", 120, tags={"env": "demo", "role": "web"}),
        group("i-w", 2, os="windows", tags={"env": "demo"}),
        group("i-stopped", 1, status="Stopped", tags={"env": "demo"}),
        group("i-bare", 1, agent="missing", tags={"env": "demo"}),
        group("i-silent", 1, agent="offline", tags={"env": "demo"}),
        group("i-classic", 1, network="classic"),
        group("i-rg", 1, resource_group_id="rg-one"),
        group("i-far", 1, region="cn-beijing"),
    )
)


class EcsWorld:
    """A service of its own. `behave` decides what scripts do; they succeed after a second if nobody says otherwise."""

    def __init__(
        self, *, limits: Limits = STRICT, journal: Journal | None = None, fleet: Fleet = FLEET, now_ms: int = START_MS
    ) -> None:
        self.timeline = Timeline(ManualClock(now_ms))
        self.ids = Ids(1)
        self.behave: Behaviour = lambda _job: Outcome(duration_ms=1_000)
        self.jobs: list[tuple[str, bytes]] = []
        """Instance and content of every job that was handed over."""
        self.executor = SimulatedExecutor(timeline=self.timeline, behaviour=self._behaviour)
        self.service = EcsService(
            account=ACCOUNT,
            timeline=self.timeline,
            ids=self.ids,
            journal=journal or NoJournal(),
            executor=self.executor,
            fleet=fleet,
            limits=limits,
        )
        self.endpoint = EcsEndpoint(self.service, account=ACCOUNT, ids=self.ids, checks_signature=False)

    def _behaviour(self, job: Any) -> Outcome:
        self.jobs.append((job.instance_id, job.content))
        return self.behave(job)

    # -- time ---------------------------------------------------------------------------------------------------------
    @property
    def now_ms(self) -> int:
        return self.timeline.clock.now_ms()

    def advance(self, seconds: float) -> None:
        self.timeline.advance_to(self.now_ms + round(seconds * 1000))

    # -- the service --------------------------------------------------------------------------------------------------
    def command(self, content: bytes = b"true", **changes: Any) -> str:
        named: dict[str, Any] = {"region": REGION, "name": "c", "type": "RunShellScript", "content": content, **changes}
        return self.service.create_command(NewCommand(**named))

    def invoke(self, command_id: str, *instance_ids: str, token: str = "", **changes: Any) -> str:
        named: dict[str, Any] = {"region": REGION, "instance_ids": instance_ids, **changes}
        return self.service.invoke_command(command_id, Order(**named), client_token=token)

    def run(self, *instance_ids: str, content: bytes = b"true", **changes: Any) -> str:
        """A command and an invocation of it; the command's parameters go by `command_…`."""
        command = {name.removeprefix("command_"): changes.pop(name) for name in list(changes) if "command_" in name}
        return self.invoke(self.command(content, **command), *instance_ids, **changes)

    def row(self, invoke_id: str, instance_id: str = "i-l001") -> Row:
        return self.service.rows(REGION, invoke_id)[instance_id]

    def statuses(self, invoke_id: str) -> list[str]:
        return [row.status for row in self.service.rows(REGION, invoke_id).values()]

    # -- the wire -----------------------------------------------------------------------------------------------------
    def request(self, action: str, *, kind: str = "JSON", **parameters: str) -> Request:
        named = {"Action": action, "Version": "2014-05-26", "Format": kind, "RegionId": REGION, **parameters}
        query = urlencode({name.replace("_", "."): value for name, value in named.items()})
        return Request("POST", "/", query, {"host": "127.0.0.1:7150"}, b"", self.now_ms)

    def respond(self, action: str, *, kind: str = "JSON", **parameters: str) -> Response:
        return asyncio.run(self.endpoint.handle(self.request(action, kind=kind, **parameters)))

    def ask(self, action: str, **parameters: str) -> dict[str, Any]:
        """The answer of a call that is carried out. Names are the API's, `_` for the dot: `InstanceId_1`."""
        response = self.respond(action, **parameters)
        assert response.status == 200, response.body
        answer: dict[str, Any] = json.loads(response.body)
        return answer

    def refusal(self, action: str, **parameters: str) -> tuple[int, str]:
        """HTTP status and code of a call that is refused."""
        response = self.respond(action, **parameters)
        assert response.status != 200, response.body
        return response.status, json.loads(response.body)["Code"]


def numbered(name: str, values: Iterable[str]) -> dict[str, str]:
    """`InstanceId_1=…, InstanceId_2=…`."""
    return {f"{name}_{number}": value for number, value in enumerate(values, start=1)}


def code_of(act: Callable[[], object]) -> str:
    """The code of the EcsError that `act` raises."""
    from localcloud.ecs.errors import EcsError

    try:
        act()
    except EcsError as error:
        return error.code
    raise AssertionError("it was not refused")
