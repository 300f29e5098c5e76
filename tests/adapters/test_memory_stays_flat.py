"""What a function's instance keeps from call to call is bounded: a long backlog does not fill it.

Counted as the objects that can be reached from its adapters and from the modules of shared: exact, and free of what the
services keep, which are of the same process here.
"""

from __future__ import annotations

import gc
import json
import sys
from types import FunctionType, ModuleType
from typing import Any

from shared.adapters import limits
from shared.adapters.ecs_calls import EcsCalls
from shared.app.isolate import broken_last, receive_or_isolate
from shared.runtime.boundary import handle_batch
from shared.runtime.log import JsonLog
from tests.adapters.clients import KEYS, Sleepless
from tests.adapters.doubles import doubles
from tests.cli.deployment import Deployment, deployment_on

WARM_UP, CALLS = 20, 40
SLACK = 20
"""Objects. Less than one for each call; a connection of the pool that is made anew may be larger by some."""
_NOT_KEPT_BY_US = (type, ModuleType, FunctionType)


def test_a_function_that_works_off_a_backlog_keeps_nothing_of_it() -> None:
    with doubles() as cloud:
        deployment = deployment_on(cloud)
        deployment.fleet(1)
        for number in range(WARM_UP):
            one_call(deployment, number)
        before = reached(deployment)
        for number in range(WARM_UP, WARM_UP + CALLS):
            one_call(deployment, number)
        after = reached(deployment)

    assert before > 100
    assert after - before <= SLACK


def test_the_count_sees_what_an_adapter_keeps() -> None:
    with doubles() as cloud:
        deployment = deployment_on(cloud)
        before = reached(deployment)
        deployment.ports.runs.kept = [[number] for number in range(CALLS)]  # type: ignore[attr-defined]

        assert reached(deployment) - before >= CALLS


def reached(deployment: Deployment) -> int:
    """How many objects the adapters and the globals of shared hold, directly and over others."""
    ports = deployment.ports
    roots: list[Any] = [ports.runs, ports.publisher, ports.quota, ports.schedules]
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "shared":
            roots += [value for key, value in vars(module).items() if not key.startswith("__")]
    gc.collect()
    seen: set[int] = set()
    while roots:
        one = roots.pop()
        if id(one) in seen or isinstance(one, _NOT_KEPT_BY_US):
            continue
        seen.add(id(one))
        roots += gc.get_referents(one)
    return len(seen)


def one_call(deployment: Deployment, number: int) -> None:
    """A batch from the queue, as accept_requests handles it."""
    good = {
        "kind": "invoke",
        "requestId": f"backlog-{number}",
        "command": {"type": "RunShellScript", "content": f"echo {number}"},
        "targets": {"instanceIds": [f"i-gone-{number}"]},
    }
    bodies: list[dict[str, Any]] = [good, {**good, "requestId": f"bad-{number}", "timeout": "soon"}]
    payload = [{"messageId": f"m-{number}-{n}", "messageBody": json.dumps(body)} for n, body in enumerate(bodies)]
    report = handle_batch(
        json.dumps(payload).encode(),
        request_id=f"call-{number}",
        act=lambda message: receive_or_isolate(deployment.ports, deployment.policy, message),
        order=lambda messages: broken_last(deployment.ports, messages),
        log=JsonLog(deployment.ports.clock, write=lambda _line: None),
        clock=deployment.ports.clock,
    )
    assert report["results"] == {"accepted": 1, "rejected": 1}


def test_requests_for_ever_new_regions_leave_no_client_each() -> None:
    calls = EcsCalls("https://ecs.{region}.aliyuncs.com", KEYS, Sleepless().patience)

    for number in range(5 * limits.CLIENTS_MAX):
        calls.open(f"cn-region-{number}")
        calls.open("cn-hangzhou")

    assert len(calls._clients) == limits.CLIENTS_MAX
    assert "cn-hangzhou" in calls._clients
