"""Clients of the HTTP API that stop a run, or some of its instances: whoever may, and strangers with bounds; at any
moment of its life, again after each lost answer, and some only when it has long ended.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.core.access import Grant
from shared.core.transitions import ENDS_OF_RUN
from tests.app.access_cases import new_key
from tests.sim.access_http import AGAIN_MS, HttpClient

if TYPE_CHECKING:
    from tests.sim.access import AccessWorld

STOPPED = 0.5
STRANGERS = 0.4
AGAIN_WHEN_ENDED_MS = 86_400_000
IN_PART = 0.4


class HttpStopper(HttpClient):
    """Stops the run of the client `name` under a key of its own; of `instance_ids`, if any, only these. `is_stranger`:
    it must be refused each time, also before the run is there: an answer of another kind would tell whether it is."""

    def __init__(
        self,
        world: AccessWorld,
        number: int,
        key: str,
        at_ms: int,
        *,
        is_stranger: bool = False,
        instance_ids: tuple[str, ...] = (),
    ) -> None:
        self.is_stranger, self.instance_ids = is_stranger, instance_ids
        who = "a stranger" if is_stranger else "its stopper"
        body = {"instanceIds": list(instance_ids)} if instance_ids else {}
        super().__init__(world, number, key, at_ms, body, asker=f"{who} of http-{number}")
        self.stop_id = f"{self.name}-stop"
        self.path = f"/v1/runs/{self.run_id}/stop"
        self.idempotency_key = self.stop_id

    def _hear(self, answer: dict[str, Any]) -> None:
        world, status = self._world, int(answer["statusCode"])
        world._tell(f"{self.asker} is answered {status}")
        if status < 400:
            self._take(json.loads(answer["body"]))
        elif status == 403:
            self._refused(json.loads(answer["body"]))
        if self._must_ask_again(status):
            world.timeline.after(AGAIN_MS, self._ask)
            return
        assert status < 400 or status == 403, f"15: {self.asker} was refused: {answer['body'][:200]}"
        self.is_done = True

    def _must_ask_again(self, status: int) -> bool:
        is_early = status == 404  # the run is not written yet, or its answer is still on its way
        return is_early or status >= 500 or status == 429 or self._loses_answer()

    def _take(self, told: dict[str, Any]) -> None:
        self.answers += 1
        self._world.trouble.fired["stop of some over HTTP" if self.instance_ids else "stop over HTTP"] += 1
        assert not self.is_stranger, f"15: {self.asker} was let in"
        assert told["runId"] == self.run_id, f"15: {self.asker} stopped the run {told['runId']}"
        if self._run_status() in ENDS_OF_RUN:
            return
        assert self.marks() == 1, f"15: {self.asker} was answered before its mark was written"

    def _refused(self, told: dict[str, Any]) -> None:
        self.refusals += 1
        self._world.trouble.fired["stranger's stop over HTTP"] += 1
        assert self.is_stranger, f"15: {self.asker} may, and was refused: {told}"

    def marks(self) -> int:
        marks = self._world._ports[-1].runs.read_stops(self.run_id)
        return sum(1 for mark in marks if mark.request_id == self.stop_id)

    def _run_status(self) -> str:
        run = self._world.books.heads.get(self.run_id)
        return "" if run is None else run.status


def stoppers_of(world: AccessWorld, clients: list[HttpClient], key: str) -> list[HttpStopper]:
    """Of half of the runs; at the first moments of a run, in its middle, or long after its end."""
    chance, stoppers = world._stream("http stoppers"), list[HttpStopper]()
    for number in range(len({client.name for client in clients})):
        if chance.random() < STOPPED:
            at_ms = chance.choice((0, chance.randrange(25_000), chance.randrange(25_000), AGAIN_WHEN_ENDED_MS))
            stoppers.append(HttpStopper(world, number, key, at_ms, instance_ids=_some(world, number)))
        if chance.random() < STRANGERS:
            other = new_key(world._ports[0], Grant(name="http-stranger", targets_max=50)).text
            stoppers.append(HttpStopper(world, number, other, chance.randrange(25_000), is_stranger=True))
    return stoppers


def _some(world: AccessWorld, number: int) -> tuple[str, ...]:
    """Four stops of ten name one instance, or some; () = the whole run."""
    chance, instances = world._stream(f"instances of stop {number}"), world.workload.instances
    if chance.random() >= IN_PART:
        return ()
    return tuple(sorted({f"i-{chance.randrange(instances):05d}" for _ in range(chance.choice((1, 1, 3)))}))


def check_stoppers(world: AccessWorld, outcomes: Mapping[str, Mapping[str, str]]) -> int:
    """At the end: a run is stopped by who may, and by nobody else; who named instances stopped no others. Answers how
    many were checked. `outcomes`: instance → status, by run."""
    for stopper in world.stoppers:
        run = world.books.heads[stopper.run_id]
        may = [each for each in world.stoppers if each.run_id == run.run_id and not each.is_stranger]
        whole = [each for each in may if not each.instance_ids]
        assert run.halted != "StopRequested" or whole, f"15: {run.run_id} was stopped whole, and nobody asked for it"
        heard = stopper.refusals if stopper.is_stranger else stopper.answers
        assert heard, f"15: {stopper.asker} was never told what became of its stop"
        assert stopper.marks() <= (0 if not may else 1), f"15: {stopper.asker} left {stopper.marks()} marks"
        named = {instance_id for each in may for instance_id in each.instance_ids}
        unasked = {one for one, status in outcomes[run.run_id].items() if status == "NotStarted"} - named
        # A run that is halted, because ECS refused a chunk or too many failed, starts no others either.
        assert whole or run.halted or not unasked, (
            f"15: {sorted(unasked)} of {run.run_id} were not started; to stop were {named}"
        )
    return len(world.stoppers)
