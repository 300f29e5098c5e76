"""The cloud over its HTTP API, as the commands see it: what `cli.connection.Connection` is over queues and tables.

Only what the commands use is here. What looks into queues and tables themselves (dlq, doctor) has nothing to look at.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from cli.api import Api
from cli.api_rows import ApiQuota, ApiRuns, ApiSchedules
from cli.queues import Attributes
from shared.core.errors import Refused


@dataclass(frozen=True)
class ApiSettings:
    region: str
    daily_quota: int

    def __getattr__(self, name: str) -> NoReturn:
        _not_offered(name)


class ApiQueues:
    """Messages are calls here: each goes to its route, and is durable when `send` answers."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def send(self, queue: str, body: bytes) -> str:  # noqa: ARG002  the body says where it belongs
        """Function Compute's id of the call. Raises what the API answers: a refusal comes at once."""
        message: dict[str, Any] = json.loads(body)
        if message["kind"] == "stop":
            self._api.post(f"/v1/runs/{message['runId']}/stop", _part(message, "requestId", "instanceIds"))
        elif message["kind"] == "schedule":
            self._change(message)
        else:
            is_kept = (message.get("schedule") or {}).get("by") == "fleetrun"
            self._api.post("/v1/schedules" if is_kept else "/v1/runs", body)
        return self._api.last_request_id

    def _change(self, message: dict[str, Any]) -> None:
        action, name, body = message["action"], message["schedule"], _part(message, "requestId")
        if action == "sync":
            self._api.post(f"/v1/runs/{name}/sync", body)
        elif action == "remove":
            self._api.post(f"/v1/schedules/{name}", body, method="DELETE")
        elif action == "update":
            headers = {"Idempotency-Key": message["requestId"], "If-Match": f'"{message["ifRevision"]}"'}
            new = json.dumps(message["request"], ensure_ascii=False).encode()
            self._api.post(f"/v1/schedules/{name}", new, method="PUT", headers=headers)
        else:
            self._api.post(f"/v1/schedules/{name}/{action}", body)

    def attributes(self, queue: str) -> Attributes:  # noqa: ARG002
        """A call leaves nothing behind that waits."""
        return Attributes(visible=0, hidden=0, delayed=0, visibility_timeout_s=0)

    def __getattr__(self, name: str) -> NoReturn:
        _not_offered(name)


def _part(message: dict[str, Any], *names: str) -> bytes:
    return json.dumps({name: message[name] for name in names if name in message}).encode()


class ApiConnection:
    is_api = True
    """A message that was sent has been checked and is durable; there is no rejection to look for."""

    def __init__(self, address: str, key: str) -> None:
        self.api = Api(address, key)
        self.runs = ApiRuns(self.api)
        self.quota = ApiQuota(self.api)
        self.schedules = ApiSchedules(self.api)
        self.queues = ApiQueues(self.api)

    @cached_property
    def settings(self) -> ApiSettings:
        view = self.api.get("/v1/quota")
        return ApiSettings(region=view["region"], daily_quota=view["limit"])

    @property
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def __getattr__(self, name: str) -> NoReturn:
        _not_offered(name)


def _not_offered(name: str) -> NoReturn:
    if name.startswith("__"):
        raise AttributeError(name)
    raise Refused("this command looks into queues and tables; it goes without --api", code="BadUsage")
