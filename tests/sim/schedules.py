"""Managed schedules in the simulation: the real functions on the local cloud's queues, triggers and tables. The timer's
calls are lost, doubled and late, instances die or come back as zombies, messages double, vanish and reorder. Half of
the schedules are changed on the way (schedule_changes.py).

    python -m tests.sim --world schedules --seeds 200
    python -m tests.sim --world schedules --replay 17      # its story

Invariant 7: each fire time yields at most one run, and what yields none is told as missed. The fire times come from the
brute force of tests/unit/cron_oracle.py.
"""

from __future__ import annotations

import base64
import json
import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from localcloud.mns.values import Outgoing
from shared.adapters.mns import FIRINGS
from shared.adapters.schedule_store import TableScheduleStore
from shared.core.model import Run
from shared.core.schedule import Schedule, schedule_id_of
from shared.core.transitions import ENDS_OF_RUN
from shared.ports import Ports, ScheduleStore
from tests.app.memory_schedules import MemoryScheduleStore
from tests.sim.books import CloudStores
from tests.sim.changes import Changes
from tests.sim.platform import REQUESTS
from tests.sim.schedule_changes import Changes as ScheduleChanges
from tests.sim.schedule_changes import check_scripts
from tests.sim.story import Story, story_of
from tests.sim.trouble import Aim
from tests.sim.wire import ServiceQueues, shifted_wakeup
from tests.sim.workload import Arrival, Workload
from tests.sim.world import World
from tests.unit import cron_oracle

FAULTS_MS = 600_000
BOUND_MS = 4 * 86_400_000
TICK_MS = 60_000
INSTANCES = 4
FREQUENCIES = (("0/10 * * * * ?", 10), ("0/20 * * * * ?", 20), ("0 * * * * ?", 30), ("30 0/2 * * * ?", 60))
"""With the timeout of the script."""


class FiringQueues(ServiceQueues):
    def send_firing(self, body: bytes, *, delay_s: int) -> None:
        if self._trouble.strikes("lost wake-ups"):
            return
        late_s = self._trouble.amount("late wake-ups", 6)
        text = base64.b64encode(shifted_wakeup(body, self._release)).decode()
        self._mns.send(FIRINGS, Outgoing(text, delay_seconds=delay_s + late_s))


class ScheduleWorld(World):
    """One seed's world with one or two schedules that end within minutes, and nothing else."""

    @property
    def workload(self) -> Workload:
        return self._workload

    @workload.setter
    def workload(self, drawn: Workload) -> None:
        """Few instances and many units: what a run does with many and few is other seeds' matter."""
        instances = min(drawn.instances, INSTANCES)
        self._workload = replace(drawn, instances=instances, daily_quota=500, script_ms_max=5_000)

    def _ports_of(self, release: int) -> Ports:
        queues = FiringQueues(self.platform.mns, self.trouble, release=release)
        return replace(super()._ports_of(release), queue=queues, schedules=self._schedules(release))

    def _schedules(self, release: int) -> ScheduleStore:
        if isinstance(self.stores, CloudStores):
            return TableScheduleStore(self.stores._calls[release])  # type: ignore[arg-type]
        if not hasattr(self, "_memory"):
            self._memory = MemoryScheduleStore()
        return self._memory

    def _schedule(self) -> None:
        chance = self._stream("schedules")
        self.requests = [self._request(chance, number) for number in range(chance.choice((1, 1, 2)))]
        drawn = self._stream("schedule changes")
        self.made = {each["requestId"]: ScheduleChanges(drawn, each) for each in self.requests}
        self.expected = {
            name: set[str]().union(*(self._expected(spec) for spec in made.specs())) for name, made in self.made.items()
        }
        self.scripts: dict[str, list[str]] = {name: [] for name in self.made}
        arrivals = tuple(
            Arrival(chance.randrange(1_000, 20_000), REQUESTS, f"schedule {number}", json.dumps(request).encode())
            for number, request in enumerate(self.requests)
            for _ in range(chance.choice((1, 1, 2)))
        )
        arrivals += tuple(each for made in self.made.values() for each in made.arrivals(drawn))
        self.workload = replace(self.workload, arrivals=arrivals)
        self.changes = Changes()
        self.books.on_head, self.books.on_chunk = self._head, self.changes.of_chunk
        self._ticks = self._stream("ticks")
        self.timeline.after(self._ticks.randrange(TICK_MS), self._tick)
        super()._schedule()

    def _request(self, chance: random.Random, number: int) -> dict[str, Any]:
        frequency, timeout = chance.choice(FREQUENCIES)
        start = datetime.fromtimestamp(self.clock.now_ms() / 1000, timezone.utc)
        spec = {
            "frequency": f"{frequency} UTC",
            "by": "fleetrun",
            "force": True,
            "overlap": chance.choice(("skip", "queue", "stop-previous")),
            "missed": chance.choice(("skip", "latest", "all")),
            "startAt": f"{start + timedelta(seconds=40):%Y-%m-%dT%H:%M:%SZ}",
            "endAt": f"{start + timedelta(minutes=chance.choice((3, 6))):%Y-%m-%dT%H:%M:%SZ}",
        }
        if chance.random() < 0.3:
            spec["jitter"] = 5
        return {
            "kind": "invoke",
            "requestId": f"schedule-{number}",
            "command": {"type": "RunShellScript", "content": "true"},
            "targets": {"tags": {"env": "demo"}},
            "timeout": timeout,
            "schedule": spec,
        }

    # -- the timer ----------------------------------------------------------------------------------------------------
    def _tick(self) -> None:
        """Every minute; while there is trouble, some are lost, some come twice, all come a little late."""
        self.timeline.after(TICK_MS, self._tick)
        chance = self._ticks
        calls = 1 if self.trouble.ceased else chance.choice((0, 1, 1, 1, 2))
        for _ in range(calls):
            self.timeline.after(chance.randrange(10_000), self._call_tick)

    def _call_tick(self) -> None:
        tick = {"triggerTime": str(self.clock.now_ms()), "triggerName": "every-minute", "payload": ""}
        self._start("fire_schedules", json.dumps(tick).encode(), lambda _ok: None)

    # -- watching -----------------------------------------------------------------------------------------------------
    def _head(self, before: Run | None, after: Run) -> None:
        self.changes.of_head(before, after)
        name, _, fire_time = after.request_id.partition("@")
        if after.request is None:
            return
        assert fire_time in self.expected[name], f"7: {after.request_id} is at no fire time"
        if before is None:
            self.scripts[name].append(str(after.request.command.content))

    def _expected(self, spec: dict[str, Any]) -> set[str]:
        """Its fire times, by brute force."""
        after, until = (datetime.fromisoformat(spec[bound].replace("Z", "+00:00")) for bound in ("startAt", "endAt"))
        frequency = spec["frequency"].removesuffix(" UTC")
        times = cron_oracle.fires(frequency, timezone.utc, after=after - timedelta(seconds=1), until=until)
        return {f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in times}

    def stored(self, name: str) -> Schedule | None:
        return self._schedules(self.release).read_schedule(schedule_id_of(name))

    def is_settled(self) -> bool:
        if not super().is_settled():
            return False
        stored = [self.stored(request["requestId"]) for request in self.requests]
        return all(each is not None and each.status in ("Ended", "Removed") and each.is_settled for each in stored)


def check(world: ScheduleWorld) -> int:
    """What must hold at the end; answers how many fire times there were. Raises AssertionError."""
    count = 0
    for request in world.requests:
        name = request["requestId"]
        schedule, wanted = world.stored(name), world.expected[name]
        assert schedule is not None
        runs = [run for run in world.books.heads.values() if run.request_id.startswith(f"{name}@")]
        told = _told(world, schedule.schedule_id)
        fired = [each["fireTime"] for kind, each in told if kind == "fleetrun.schedule.fired"]
        let_go = sum(each["count"] for kind, each in told if kind == "fleetrun.schedule.missed")
        count += len(wanted)
        assert sorted(fired) == sorted(run.request_id.partition("@")[2] for run in runs), f"7: {name}: told and done"
        assert len(set(fired)) == len(fired), f"7: {name} fired twice at one time"
        assert len(fired) + let_go <= len(wanted), f"7: {name} accounts for more firings than there were"
        _check_all_told(world, schedule, accounted=len(fired) + let_go)
        check_scripts(name, world.scripts[name])
        made = world.made[name]
        assert made.is_put_away or (schedule.fired, schedule.missed) == (len(fired), let_go)
        assert all(run.status in ENDS_OF_RUN for run in runs), f"9: a run of {name} has not ended"
        doubled = [
            run.run_id for run in runs for one in world.ecs.ran(run.run_id) if world.ecs.times_ran(run.run_id, one) > 1
        ]
        assert not doubled, f"2: ran twice: {doubled}"
    return count


def _check_all_told(world: ScheduleWorld, schedule: Schedule, *, accounted: int) -> None:
    """Nothing is lost: neither of times that were never changed, nor of what came before the first change."""
    name, made = schedule.name, world.made[schedule.name]
    start_ms = world.workload.start_ms
    own = world._expected(made.request["schedule"])
    if schedule.created_ms > _ms(min(own)):
        return  # before it was accepted nothing could fire: such times are not its own
    if made.is_retimed or made.is_put_away:
        first_ms = start_ms + min(at_ms for at_ms, _ in made.messages)
        own = {each for each in own if _ms(each) < first_ms}
        assert accounted >= len(own), f"7: {name} lost a firing from before its first change"
    else:
        assert accounted == len(own), f"7: {name} lost a firing"


def _told(world: ScheduleWorld, schedule_id: str) -> list[tuple[str, dict[str, Any]]]:
    """The schedule's events in the order of their numbers, repeats dropped; a gap is an error."""
    found: dict[int, dict[str, Any]] = {}
    for text in world.published:
        event = json.loads(text)
        if event["subject"] == schedule_id:
            number = int(event["sequence"])
            assert found.setdefault(number, event) == event, f"4: two events {number} of {schedule_id}"
    assert sorted(found) == list(range(1, len(found) + 1)), f"4: a gap in the events of {schedule_id}"
    return [(found[number]["type"], found[number]["data"]) for number in sorted(found)]


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()) * 1000


def play(seed: int, aim: Aim | None = None) -> Story:
    """`checks` of its story are fire times."""
    world = ScheduleWorld(seed, aim)
    broken, firings = "", 0
    try:
        assert world.play(lambda: None, faults_ms=FAULTS_MS, bound_ms=BOUND_MS), "9: not settled within the bound"
        firings = check(world)
    except Exception as error:  # noqa: BLE001 - what no invariant foresaw is told with its seed
        broken = str(error) or repr(error)
    return story_of(world, broken=broken, changes=world.changes, checks=firings)
