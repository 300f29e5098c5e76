"""What one seed's world looks like: fleet, settings, requests, and when they come."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from shared.core.model import run_id_of

MIDNIGHT_UTC8_MS = 1_767_628_800_000
"""2026-01-06 00:00 in UTC+8."""


@dataclass(frozen=True)
class Arrival:
    """A message that somebody sends, `at_ms` after the start."""

    at_ms: int
    queue: str
    message_id: str
    body: bytes


@dataclass(frozen=True)
class Workload:
    start_ms: int
    instances: int
    unfit: int
    instances_per_chunk: int
    daily_quota: int
    token_life_ms: int
    listing_delay_ms: int
    script_ms_max: int
    failing: float
    arrivals: tuple[Arrival, ...]
    run_requests: dict[str, dict[str, Any]]
    """Good invoke requests by request id."""


def workload_of(chance: random.Random) -> Workload:
    instances = chance.choice((1, 3, 8, 20, 45))
    requests = [_invoke(chance, number, instances) for number in range(chance.choice((1, 1, 2, 3)))]
    arrivals: list[Arrival] = []
    for number, request in enumerate(requests):
        at_ms = chance.randrange(20_000)
        arrivals.append(Arrival(at_ms, "requests", f"m-{number}", json.dumps(request).encode()))
        if chance.random() < 0.3:
            arrivals.append(_stop(chance, request, at_ms, instances, number))
    if chance.random() < 0.15:
        body = chance.choice((b"{", b'{"kind":"invoke","requestId":"bad","oops":1}', b"\xff"))
        arrivals.append(Arrival(chance.randrange(20_000), "requests", "m-bad", body))
    start_ms = MIDNIGHT_UTC8_MS - chance.choice((30_000, 60_000, 3_600_000, 3_600_000))
    per_chunk = chance.choice((2, 5, 5, 50))
    needed = sum(instances if "rateControl" in each else -(-instances // per_chunk) for each in requests)
    return Workload(
        start_ms=start_ms,
        instances=instances,
        unfit=chance.choice((0, 0, 1, 3)),
        instances_per_chunk=per_chunk,
        daily_quota=max(1, chance.choice((needed // 2, needed // 2 + 1, needed, 500))),
        token_life_ms=chance.choice((300_000, 86_400_000)),
        listing_delay_ms=chance.choice((0, 0, 2_000)),
        script_ms_max=chance.choice((200, 5_000, 40_000)),
        failing=chance.choice((0.0, 0.1, 0.6)),
        arrivals=tuple(sorted(arrivals, key=lambda arrival: (arrival.at_ms, arrival.message_id))),
        run_requests={request["requestId"]: request for request in requests},
    )


def _invoke(chance: random.Random, number: int, instances: int) -> dict[str, Any]:
    request: dict[str, Any] = {
        "kind": "invoke",
        "requestId": f"request-{number}",
        "command": {"type": "RunShellScript", "content": "true"},
        "targets": {"tags": {"env": "demo"}},
        "timeout": chance.choice((10, 60)),
    }
    if chance.random() < 0.3:
        request["targets"] = {"instanceIds": [f"i-{chance.randrange(instances + 2):05d}" for _ in range(instances)]}
    if chance.random() < 0.4:
        control = {
            "maxConcurrency": chance.choice((None, 1, "50%", 7)),
            "maxErrors": chance.choice((None, 0, 2, "30%")),
            "waves": chance.choice((None, [1, "50%"], ["10%", "100%"])),
        }
        request["rateControl"] = {name: value for name, value in control.items() if value is not None}
    if chance.random() < 0.15:
        request["onUnfit"] = "reject"
    if chance.random() < 0.15:
        request["onQuotaExhausted"] = "reject"
    return request


def _stop(chance: random.Random, request: dict[str, Any], at_ms: int, instances: int, number: int) -> Arrival:
    stop: dict[str, Any] = {
        "kind": "stop",
        "requestId": f"stop-{number}",
        "runId": run_id_of(request["requestId"]),
    }
    if chance.random() < 0.3:
        stop["instanceIds"] = [f"i-{chance.randrange(instances):05d}"]
    at_ms = max(0, at_ms + chance.choice((-2_000, 200, 1_500, 6_000, 30_000)))
    return Arrival(at_ms, "stops", f"m-stop-{number}", json.dumps(stop).encode())
