"""Chaos over real processes: functions and the local cloud itself killed at seeded moments, connections cut, faults.

2,000 targets whose scripts count their own executions. Whatever happens: no script runs twice, what is told of a target
is what happened to it, no message is left behind, and the events are complete and in order.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cli.connection import connection_of
from cli.local import local_environment
from cli.local_process import local_process
from cli.settings import settings_of
from tests.e2e.world import COUNT, World, executions, impatient_template, invoke, until

TARGETS = 2_000
RUNS = 4
SEED = int(os.environ.get("CHAOS_SEED", "1"))
CLOUD_KILLS, FUNCTION_KILLS = 2, 12
PAUSE_S = (0.2, 1.2)
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "lost-reply", "service": "ecs", "operation": "InvokeCommand", "probability": 0.2},
    {"kind": "throttle", "service": "ecs", "operation": "*", "probability": 0.05},
    {"kind": "error-before", "service": "ecs", "operation": "DescribeInvocations", "probability": 0.1},
    {"kind": "lost-reply", "service": "tablestore", "operation": "*", "probability": 0.03},
    {"kind": "close", "service": "tablestore", "operation": "*", "probability": 0.02},
    {"kind": "error-after", "service": "tablestore", "operation": "UpdateRow", "probability": 0.05},
    {"kind": "lost-reply", "service": "mns", "operation": "*", "probability": 0.05},
    {"kind": "duplicate", "service": "mns", "operation": "*", "probability": 0.1},
    {"kind": "reorder", "service": "mns", "operation": "*", "probability": 0.1},
)


class CloudInPieces:
    """A local cloud in a process of its own, on one port and one data folder, that can be killed and comes back."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        fleet = folder / "fleet.yml"
        groups = [
            f"  - {{count: {TARGETS // RUNS}, name: 'web-{{number:05}}', tags: {{env: demo, part: '{part}'}}}}\n"
            for part in range(RUNS)
        ]
        fleet.write_text("groups:\n" + "".join(groups))
        template = impatient_template(folder)
        self.options = ["--port", str(self.port), "--fleet", str(fleet), "--data", str(folder / "data")]
        self.options += ["--template", str(template)]
        self.url = f"http://127.0.0.1:{self.port}"

    def control(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.url + "/_local" + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def arm(self) -> None:
        for fault in FAULTS:
            self.control("POST", "/faults", fault)

    def fired(self) -> Counter[str]:
        rules = self.control("GET", "/faults")["faults"]
        return Counter({f"{rule['kind']} {rule['service']}": rule["fired"] for rule in rules})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_chaos_runs_nothing_twice_and_tells_the_truth(tmp_path: Path) -> None:
    chance, cloud = random.Random(SEED), CloudInPieces(tmp_path)
    counted = tmp_path / "counted"
    counted.mkdir()
    requests = [_request(number, counted / str(number)) for number in range(RUNS)]

    run_ids = _live_through_chaos(cloud, requests, chance)

    with local_process(cloud.options) as process:
        process.wait_ready()
        world = _world(cloud)
        for number, run_id in enumerate(run_ids):
            run = world.ended(run_id, wait_s=240)
            _check_truth(world, run, executions(counted / str(number)))
            _check_events(world, run_id)
        until("the queues to be empty", lambda: _left(world) == 0)


def _request(number: int, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    parameters, targets = {"folder": str(folder)}, {"tags": {"part": str(number)}}
    return invoke(f"chaos-{number}", script=COUNT, parameters=parameters, targets=targets)


def _live_through_chaos(cloud: CloudInPieces, requests: list[dict[str, Any]], chance: random.Random) -> list[str]:
    """Sends the requests, with trouble all along; the cloud is gone when this returns."""
    run_ids: list[str] = []
    waiting = list(requests)
    for _ in range(CLOUD_KILLS):
        with local_process(cloud.options) as process:
            process.wait_ready()
            cloud.arm()
            world = _world(cloud)
            for request in [waiting.pop(0) for _ in range(min(len(waiting), RUNS // CLOUD_KILLS))]:
                run_ids.append(_send_surely(world, request))
            for _ in range(FUNCTION_KILLS // CLOUD_KILLS):
                time.sleep(chance.uniform(*PAUSE_S))
                _kill_a_function(process.pid, chance)
            until("a fault to fire", lambda: sum(cloud.fired().values()) > 0)  # a busy machine takes its time
            os.kill(process.pid, signal.SIGKILL)
    return run_ids


def _send_surely(world: World, request: dict[str, Any]) -> str:
    """As a caller does who cannot know whether a message arrived: the same one again, until it is acknowledged."""
    from mns.mns_exception import MNSExceptionBase

    for _ in range(20):
        try:
            return world.send(request)
        except MNSExceptionBase:
            continue
    raise AssertionError("no request came through")


def _kill_a_function(cloud_pid: int, chance: random.Random) -> None:
    """SIGKILL to one of the cloud's worker processes."""
    children = map(int, Path(f"/proc/{cloud_pid}/task/{cloud_pid}/children").read_text().split())
    workers = [pid for pid in children if _command_of(pid).find(b"/worker/start.py") >= 0]
    if workers:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(sorted(workers)), signal.SIGKILL)


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:  # it has ended since
        return b""


def _world(cloud: CloudInPieces) -> World:
    from mns.account import Account as MnsAccount

    environment = local_environment(cloud.url)
    keys = environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    connection = connection_of(settings_of(environment, endpoint=None))
    return World(None, connection, MnsAccount(cloud.url, *keys, ""))  # type: ignore[arg-type]  no cloud of this process


def _check_truth(world: World, run: Any, ran: dict[str, int]) -> None:
    report = world.report(run)
    ended = {target.instance_id: target.status for target in report.targets}
    assert run.counts == dict(Counter(ended.values())) | ({"Excluded": run.counts["Excluded"]} if run.excluded else {})
    assert sum(run.counts.values()) == run.requested
    twice = {instance_id: count for instance_id, count in ran.items() if count > 1}
    assert not twice, f"ran more than once: {twice}"
    unran = [one for one, status in ended.items() if status == "Success" and ran.get(one) != 1]
    assert not unran, f"told as Success, but never ran: {unran[:5]}"
    lied = [one for one, status in ended.items() if status == "NotStarted" and ran.get(one)]
    assert not lied, f"told as NotStarted, but ran: {lied[:5]}"


def _check_events(world: World, run_id: str) -> None:
    def complete() -> list[dict[str, Any]] | None:
        events = world.events(run_id)
        return events if events and events[-1]["type"] == "fleetrun.run.finished" else None

    events = until(f"all events of {run_id}", complete)
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))


def _left(world: World) -> int:
    """Messages in the queues that drive the functions, whatever state they are in."""
    total = 0
    for name in ("fleetrun-requests", "fleetrun-wakeups", "fleetrun-stops"):
        attributes = world.mns.get_queue(name).get_attributes()
        total += attributes.active_messages + attributes.inactive_messages
    return total
