"""Cloud schedules in the simulation: Cloud Assistant repeats, we follow, a stop ends it, whatever goes wrong between.

    python -m tests.sim --world cloud-schedules --seeds 200
    python -m tests.sim --world cloud-schedules --replay 17      # its story

No chunk is sent twice, each repetition that is told is told once and in order, and after the stop the run ends.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from shared.core.model import Run, run_id_of
from shared.core.transitions import ENDS_OF_RUN
from tests.sim.changes import Changes
from tests.sim.platform import REQUESTS, STOPS
from tests.sim.schedules import BOUND_MS, FAULTS_MS, INSTANCES
from tests.sim.story import Story, story_of
from tests.sim.trouble import Aim
from tests.sim.workload import Arrival, Workload
from tests.sim.world import World

NAME = "repeats"
RUN_ID = run_id_of(NAME)
FREQUENCIES = (("0/10 * * * * ?", 10), ("0/20 * * * * ?", 20), ("0 * * * * ?", 30), ("rate(1m)", 30))
"""With the timeout of the script."""
SHANGHAI = timezone(timedelta(hours=8))


class CloudScheduleWorld(World):
    """One seed's world with one cloud schedule and its stop, and nothing else."""

    @property
    def workload(self) -> Workload:
        return self._workload

    @workload.setter
    def workload(self, drawn: Workload) -> None:
        instances = min(drawn.instances, INSTANCES)
        self._workload = replace(drawn, instances=instances, daily_quota=500, script_ms_max=5_000)
        if self._stream("few units").random() < 0.2:
            self._workload = replace(self._workload, instances_per_chunk=2, daily_quota=1)

    def _schedule(self) -> None:
        chance = self._stream("cloud schedules")
        frequency, timeout = self._frequency(chance)
        request = {
            "kind": "invoke",
            "requestId": NAME,
            "command": {"type": "RunShellScript", "content": "true"},
            "targets": {"tags": {"env": "demo"}},
            "timeout": timeout,
            "schedule": {"frequency": frequency},
        }
        stop = {"kind": "stop", "requestId": "enough", "runId": RUN_ID}
        self.workload = replace(
            self.workload,
            arrivals=(
                *(
                    _arrival(chance.randrange(1_000, 10_000), REQUESTS, request)
                    for _ in range(chance.choice((1, 1, 2)))
                ),
                _arrival(chance.randrange(120_000, 400_000), STOPS, stop),
            ),
        )
        self.repetition = random.Random(f"{self.seed}:repetitions")
        self.changes = Changes()
        self.books.on_head, self.books.on_chunk = self._head, self.changes.of_chunk
        super()._schedule()

    def _frequency(self, chance: random.Random) -> tuple[str, int]:
        """With the timeout of the script. In some worlds it fires once, and the run ends by itself."""
        if chance.random() < 0.3:
            moment = datetime.fromtimestamp(self.clock.now_ms() / 1000 + chance.randrange(40, 200), SHANGHAI)
            return f"at({moment:%Y-%m-%d %H:%M:%S} Asia/Shanghai)", 10
        frequency, timeout = chance.choice(FREQUENCIES)
        return frequency if frequency.startswith("rate") else f"{frequency} Asia/Shanghai", timeout

    def _head(self, before: Run | None, after: Run) -> None:
        self.changes.of_head(before, after)
        if before is not None and after.counts:
            assert sum(after.counts.values()) == after.requested, f"3: {after.counts} of {after.requested}"


def _arrival(at_ms: int, queue: str, message: dict[str, Any]) -> Arrival:
    return Arrival(at_ms, queue, str(message["requestId"]), json.dumps(message).encode())


def check(world: CloudScheduleWorld) -> int:
    """What must hold at the end; answers how many repetitions were told. Raises AssertionError."""
    run = world.books.heads[RUN_ID]
    assert run.status in ENDS_OF_RUN, f"9: the run is {run.status}"
    tokens = Counter(call.token for call in world.ecs.accepted_after(0))
    assert all(count == 1 for count in tokens.values()), f"2: a chunk was sent twice: {tokens}"
    told: dict[str, list[int]] = {}
    for number, event in sorted(_events(world).items()):
        assert number, "events are counted from 1"
        for each in event["data"].get("repetitions", ()):
            told.setdefault(each["instanceId"], []).append(each["repeat"])
    for instance_id, repeats in told.items():
        assert repeats == list(range(1, len(repeats) + 1)), f"3: {instance_id} was told to have run {repeats}"
    return sum(map(len, told.values()))


def _events(world: CloudScheduleWorld) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for text in world.published:
        event = json.loads(text)
        if event["subject"] == RUN_ID:
            number = int(event["sequence"])
            assert found.setdefault(number, event) == event, f"4: two events {number}"
    assert sorted(found) == list(range(1, len(found) + 1)), "4: a gap in the events"
    return found


def play(seed: int, aim: Aim | None = None) -> Story:
    """`checks` of its story are repetitions that were told."""
    world = CloudScheduleWorld(seed, aim)
    broken, told = "", 0
    try:
        assert world.play(lambda: None, faults_ms=FAULTS_MS, bound_ms=BOUND_MS), "9: not settled within the bound"
        told = check(world)
    except Exception as error:  # noqa: BLE001 - what no invariant foresaw is told with its seed
        broken = str(error) or repr(error)
    return story_of(world, broken=broken, changes=world.changes, checks=told)
