"""What one seed's world looks like: fleet, settings, requests, and when they come."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import Any

from shared.core.model import run_id_of
from tests.sim.platform import REQUESTS, STOPS

MIDNIGHT_UTC8_MS = 1_767_628_800_000
"""2026-01-06 00:00 in UTC+8."""
NO_RUN_ID = "run-of-nobody"
BAD_BODIES = (
    b"{",
    b"\xff",
    b'{"kind":"invoke","requestId":"bad","oops":1}',
    b'{"kind":"invoke","requestId":"bad","command":{"type":"RunShellScript","content":"true"},"targets":{}}',
    b'{"kind":"stop","requestId":"bad","runId":"' + NO_RUN_ID.encode() + b'"}',
    b"[" * 500,
    b'"\\ud800"',
)
STORED_COMMAND, MISSING_COMMAND = "c-stored", "c-missing"


@dataclass(frozen=True)
class Arrival:
    """A message that somebody sends, `at_ms` after the start. `name` is for the trace."""

    at_ms: int
    queue: str
    name: str
    body: bytes
    is_plain: bool = False
    """Sent as it stands; else as Base64, as the SDKs do."""


@dataclass(frozen=True)
class Workload:
    store: str
    """`memory`: our doubles keep the rows and play ECS. `cloud`: adapters that ship, on the local cloud's services."""
    start_ms: int
    instances: int
    unfit: int
    instances_per_chunk: int
    daily_quota: int
    asks_for_quota: bool
    """FLEETRUN_DAILY_QUOTA=auto."""
    token_life_ms: int
    listing_delay_ms: int
    stopping_ms: int
    script_ms_max: int
    failing: float
    stop_at_claim: int
    """The first run is stopped just when it is claimed for this time; 0: it is not."""
    arrivals: tuple[Arrival, ...]
    run_requests: dict[str, dict[str, Any]]
    """Good invoke requests by request id."""


def workload_of(chance: random.Random) -> Workload:
    store = chance.choice(("cloud", "memory", "memory"))
    per_chunk = chance.choice((2, 5, 5, 50))
    instances = chance.choice((1, 3, 8, 20, 45) if per_chunk < 50 else (1, 8, 45, 120))
    if chance.random() < 0.01:
        per_chunk, instances = 1, 120  # more chunks than one step takes up
    requests = [_invoke(chance, number, instances) for number in range(chance.choice((1, 1, 1, 2, 3)))]
    arrivals: list[Arrival] = []
    for number, request in enumerate(requests):
        at_ms = chance.randrange(20_000)
        arrivals += _sent(chance, request, at_ms, number)
        if chance.random() < 0.3:
            arrivals += _stops(chance, request, at_ms, instances, number)
    for number in range(chance.choice((0, 0, 0, 0, 1, 3))):
        queue = chance.choice((REQUESTS, STOPS))
        arrivals.append(Arrival(chance.randrange(20_000), queue, f"bad {number}", chance.choice(BAD_BODIES)))
    calm = random.Random(repr(arrivals))
    arrivals += _late_stop(calm, run_id_of(requests[0]["requestId"]))
    needed = sum(instances if "rateControl" in each else -(-instances // per_chunk) for each in requests)
    return Workload(
        store=store,
        start_ms=MIDNIGHT_UTC8_MS - chance.choice((10_000, 30_000, 60_000, 3_600_000, 3_600_000)),
        instances=instances,
        unfit=chance.choice((0, 0, 1, 5)),
        instances_per_chunk=per_chunk,
        daily_quota=max(1, chance.choice((needed // 2, needed // 2 + 1, needed, 500))),
        asks_for_quota=chance.random() < 0.1,
        token_life_ms=chance.choice((300_000, 86_400_000)),
        listing_delay_ms=chance.choice((0, 0, 2_000)),
        stopping_ms=chance.choice((0, 3_000, 15_000)),
        script_ms_max=chance.choice((200, 5_000, 40_000)),
        failing=chance.choice((0.0, 0.1, 0.6)),
        stop_at_claim=calm.choice((0, 0, 0, 0, 0, 1, 2, calm.randrange(3, 9))),
        arrivals=tuple(sorted(arrivals, key=lambda arrival: (arrival.at_ms, arrival.name))),
        run_requests={request["requestId"]: request for request in requests},
    )


def _sent(chance: random.Random, request: dict[str, Any], at_ms: int, number: int) -> list[Arrival]:
    """The request's message; some callers send it again, some send another one under the same id."""
    plain = chance.random() < 0.3
    arrivals = [Arrival(at_ms, REQUESTS, f"request {number}", _json(request), is_plain=plain)]
    if chance.random() < 0.15:
        again = dict(reversed(request.items()))  # the same meaning in another order
        arrivals.append(Arrival(at_ms + chance.randrange(30_000), REQUESTS, f"request {number} again", _json(again)))
    if chance.random() < 0.1:
        other = {**request, "timeout": 33}
        arrivals.append(Arrival(at_ms + chance.randrange(10_000), REQUESTS, f"other request {number}", _json(other)))
    return arrivals


def _invoke(chance: random.Random, number: int, instances: int) -> dict[str, Any]:
    request: dict[str, Any] = {
        "kind": "invoke",
        "requestId": f"request-{number}",
        "command": {"type": "RunShellScript", "content": "true"},
        "targets": {"tags": {"env": "demo"}},
        "timeout": chance.choice((10, 60)),
    }
    if chance.random() < 0.15:
        request["command"] = {"commandId": chance.choice((STORED_COMMAND, STORED_COMMAND, MISSING_COMMAND))}
    if chance.random() < 0.3:
        request["targets"] = {"instanceIds": [f"i-{chance.randrange(instances + 2):05d}" for _ in range(instances)]}
    elif chance.random() < 0.05:
        request["targets"] = {"tags": {"env": "nobody"}}
    if chance.random() < 0.4:
        control = {
            "maxConcurrency": chance.choice((None, 1 if instances < 10 else 3, "50%", 7)),
            "maxErrors": chance.choice((None, 0, 2, "30%")),
            "waves": chance.choice((None, [1, "50%"], ["10%", "100%"])),
        }
        request["rateControl"] = {name: value for name, value in control.items() if value is not None}
    if chance.random() < 0.15:
        request["onUnfit"] = "reject"
    if chance.random() < 0.15:
        request["onQuotaExhausted"] = "reject"
    return request


def _stops(chance: random.Random, request: dict[str, Any], at_ms: int, instances: int, number: int) -> list[Arrival]:
    """One or two stops, of the whole run or of a part of it, before it comes or at any time later."""
    arrivals = []
    for turn in range(chance.choice((1, 1, 2))):
        stop: dict[str, Any] = {
            "kind": "stop",
            "requestId": f"stop-{number}-{chance.randrange(2)}",
            "runId": run_id_of(request["requestId"]),
        }
        if chance.random() < 0.5:
            stop["instanceIds"] = sorted({f"i-{chance.randrange(instances):05d}" for _ in range(1 + instances // 4)})
            stop["requestId"] += f"-{turn}"  # one id stands for one stop: two of the whole run may share it
        later_ms = (-2_000, -2_000, 200, 1_500, 6_000) if "instanceIds" in stop else (-2_000, 200, 1_500, 6_000, 30_000)
        when_ms = max(0, at_ms + chance.choice((*later_ms, 86_400_000)))
        arrivals.append(Arrival(when_ms, STOPS, f"stop {number}.{turn}", _json(stop)))
    return arrivals


def _late_stop(chance: random.Random, run_id: str) -> list[Arrival]:
    """In some worlds the first run is stopped long after all trouble, when what is left of it waits for midnight."""
    if chance.random() >= 0.1:
        return []
    return [stop_of_all(run_id, at_ms=chance.choice((2_400_000, 3_000_000, 3_450_000)))]


def stop_of_all(run_id: str, *, at_ms: int) -> Arrival:
    stop = {"kind": "stop", "requestId": "stop-of-all", "runId": run_id}
    return Arrival(at_ms, STOPS, "stop of all", _json(stop))


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def with_command(workload: Workload, command_id: str) -> Workload:
    """The same, with the stored command under the id that it really got."""
    old, new = f'"{STORED_COMMAND}"', f'"{command_id}"'

    def renamed(body: bytes) -> bytes:
        return body.replace(old.encode(), new.encode())

    return replace(
        workload,
        arrivals=tuple(replace(each, body=renamed(each.body)) for each in workload.arrivals),
        run_requests={name: json.loads(renamed(_json(value))) for name, value in workload.run_requests.items()},
    )
