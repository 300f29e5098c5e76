"""Fixtures: ECS on a clock that stands still, and ECS over a real socket for the official SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient

from localcloud.account import Account
from localcloud.clock import SystemClock, Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.ecs.api import EcsEndpoint
from localcloud.ecs.executor_process import ProcessExecutor
from localcloud.ecs.service import EcsService
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from tests.contract.ecs.worlds import FLEET, REGION, EcsWorld
from tests.contract.serve import Served, serve

ACCOUNT = Account(security_token="a-token")


@pytest.fixture
def world() -> EcsWorld:
    return EcsWorld()


@dataclass(frozen=True)
class EcsServer:
    """A served service whose instances run real shells. Its clock goes until `served.call(clock.freeze)`."""

    service: EcsService
    served: Served
    clock: ControlledClock

    def client(self, **changes: Any) -> Any:
        """An unmodified client of the SDK. `token`: signs with an STS token."""
        token = changes.pop("token", None)
        key_id = changes.pop("key_id", ACCOUNT.access_key_id)
        secret = changes.pop("secret", ACCOUNT.access_key_secret)
        client = AcsClient(
            None if token else key_id,
            None if token else secret,
            REGION,
            auto_retry=False,
            timeout=10,
            credential=StsTokenCredential(key_id, secret, token) if token else None,
            proxy={"http": "", "https": ""},
        )
        client.add_endpoint(REGION, "Ecs", self.served.url.removeprefix("http://"))
        return client

    def call(self, client: Any, action: str, **parameters: Any) -> dict[str, Any]:
        """`call(client, "RunCommand", InstanceIds=[…])`: each parameter by the SDK's own setter."""
        request = new_request(action, **parameters)
        answer: dict[str, Any] = json.loads(client.do_action_with_exception(request))
        return answer


def new_request(action: str, **parameters: Any) -> Any:
    request = getattr(import_module(f"aliyunsdkecs.request.v20140526.{action}Request"), f"{action}Request")()
    for name, value in parameters.items():
        getattr(request, f"set_{name}")(value)
    return request


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EcsServer]:
    clock, ids = ControlledClock(), Ids(1)
    timeline = Timeline(clock)
    service = EcsService(
        account=ACCOUNT,
        timeline=timeline,
        ids=ids,
        journal=NoJournal(),
        executor=ProcessExecutor(tmp_path, timeline=timeline),
        fleet=FLEET,
    )
    # The SDK's Timestamp is the machine's, whatever a test does to our clock.
    endpoint = EcsEndpoint(service, account=ACCOUNT, ids=ids, date_clock=SystemClock())
    with serve(endpoint, timeline=timeline) as served:
        try:
            yield EcsServer(service, served, clock)
        finally:
            served.call(service.close)
