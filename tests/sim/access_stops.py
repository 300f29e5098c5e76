"""Clients of the HTTP API that stop a run: whoever may, and strangers with bounds; at any moment of its life, again
after each lost answer, and some only when it has long ended.
"""

from __future__ import annotations

import json
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


class HttpStopper(HttpClient):
    """Stops the run of the client `name` under a key of its own. `is_stranger`: it must be refused each time, also
    before the run is there: an answer of another kind would tell whether it is."""

    def __init__(self, world: AccessWorld, number: int, key: str, at_ms: int, *, is_stranger: bool = False) -> None:
        self.is_stranger = is_stranger
        who = "a stranger" if is_stranger else "its stopper"
        super().__init__(world, number, key, at_ms, {}, asker=f"{who} of http-{number}")
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
        self._world.trouble.fired["stop over HTTP"] += 1
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
            stoppers.append(HttpStopper(world, number, key, at_ms))
        if chance.random() < STRANGERS:
            other = new_key(world._ports[0], Grant(name="http-stranger", targets_max=50)).text
            stoppers.append(HttpStopper(world, number, other, chance.randrange(25_000), is_stranger=True))
    return stoppers


def check_stoppers(world: AccessWorld) -> int:
    """At the end: a run is stopped by who may, and by nobody else. Answers how many were checked."""
    for stopper in world.stoppers:
        run = world.books.heads[stopper.run_id]
        may = [each for each in world.stoppers if each.run_id == run.run_id and not each.is_stranger]
        assert run.halted != "StopRequested" or may, f"15: {run.run_id} was stopped by a stranger"
        heard = stopper.refusals if stopper.is_stranger else stopper.answers
        assert heard, f"15: {stopper.asker} was never told what became of its stop"
        assert stopper.marks() <= (0 if not may else 1), f"15: {stopper.asker} left {stopper.marks()} marks"
    return len(world.stoppers)
