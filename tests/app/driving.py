"""Drives runs on in-memory ports: delivers wake-ups, moves the clock, and checks the invariants at every head row."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from shared.app.advance import advance
from shared.app.receive import receive
from shared.app.sweep import sweep
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.messages import Message
from shared.core.model import Run, run_id_of
from shared.core.transitions import ENDS_OF_RUN, OUTCOMES, RUN, is_allowed
from shared.core.wakeups import WakeUp, decode_wakeup
from shared.ports import Policy, Ports
from tests.app.memory import World, memory_policy, memory_ports


class Crash(BaseException):
    """A function instance dies here: no code of ours may catch it."""


class Drive:
    """One world with its ports and policy, moved by hand."""

    def __init__(self, **policy: Any) -> None:
        self.ports: Ports
        self.world: World
        self.ports, self.world = memory_ports()
        self.policy: Policy = memory_policy(**policy)
        self.world.runs.watch = check_head
        self._messages = 0

    def send(self, request: dict[str, Any] | bytes, *, message_id: str = "") -> str:
        """One message, handled at once; answers the run id that the request would have."""
        self._messages += 1
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        answer = receive(self.ports, self.policy, Message(body, message_id or f"m-{self._messages}", "queue"))
        self.last_answer = answer
        return run_id_of(request["requestId"]) if isinstance(request, dict) else ""

    def step(self) -> bool:
        """Delivers what is due, or moves the clock to what comes next. False: nothing is left to come."""
        queue = self.world.queue
        due_ms = queue.next_due_ms()
        if due_ms is None:
            return False
        self.world.clock.advance_to(due_ms)
        for body in queue.take_due():
            self.deliver(body)
        return True

    def deliver(self, body: bytes) -> str:
        try:
            return advance(self.ports, self.policy, decode_wakeup(body))
        except Crash:
            return "crashed"
        except (Unavailable, UnknownOutcome):
            # The trigger's retry: the same message comes again.
            self.world.queue.wakeups.append((self.world.clock.now_ms() + 2_000, body))
            return "again"

    def deliver_now(self, run_id: str) -> str:
        """A wake-up of the run as it stands."""
        return advance(self.ports, self.policy, WakeUp(run_id=run_id, wakeup_no=self.run(run_id).wakeup_no))

    def settle(self, *, steps: int = 2_000) -> None:
        """Runs until nothing is unfinished; the sweep comes by every minute when nothing else is to come."""
        for _ in range(steps):
            if not self.world.runs.unfinished_ids:
                return
            if not self.step():
                self.world.clock.advance(60_000)
                self.sweep()
        raise AssertionError(f"not settled: {[self.run(run_id) for run_id in self.world.runs.unfinished_ids]}")

    def sweep(self) -> None:
        try:
            sweep(self.ports, self.policy)
        except (Crash, Unavailable, UnknownOutcome):
            return  # the timer comes again

    def run(self, run_id: str) -> Run:
        return self.world.runs.runs[run_id]

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """Published events of the run, repeats dropped by id, in order."""
        by_id = {}
        for body in self.world.publisher.published:
            event = msgspec.json.decode(body)
            if event["subject"] == run_id:
                assert by_id.setdefault(event["id"], event) == event, "one id, two contents"
        return [by_id[key] for key in sorted(by_id)]

    def kinds(self, run_id: str) -> list[str]:
        return [event["type"].removeprefix("fleetrun.") for event in self.events(run_id)]

    def outcomes(self, run_id: str) -> dict[str, str]:
        """Instance → outcome, from the events; each exactly once."""
        ended: dict[str, str] = {}
        for event in self.events(run_id):
            for target in event["data"].get("targets", []) if event["type"] == "fleetrun.targets.finished" else []:
                assert target["instanceId"] not in ended, f"{target['instanceId']} ended twice"
                ended[target["instanceId"]] = target["status"]
        return ended

    def check_settled(self, run_id: str) -> Run:
        """All that must hold of a run that has ended."""
        run, kinds = self.run(run_id), self.kinds(run_id)
        assert run.status in ENDS_OF_RUN
        assert run.due_ms == 0
        assert [event["sequence"] for event in self.events(run_id)] == [
            f"{number:08d}" for number in range(1, run.event_seq + 1)
        ]
        assert kinds.count("run.finished") == (0 if run.request is None else 1)
        assert sum(run.counts.values()) == run.requested or run.requested == 0
        assert set(run.counts) <= OUTCOMES
        assert len(self.outcomes(run_id)) == run.requested - run.excluded
        doubled = [key for key, count in self.world.runner.executions.items() if count > 1]
        assert not doubled, f"ran twice: {doubled}"
        return run


def check_head(before: Run | None, after: Run) -> None:
    """Holds for every version of every head row."""
    if before is not None:
        assert is_allowed(RUN, before.status, after.status), (before.status, after.status)
        assert after.event_seq >= before.event_seq
        assert after.event_sent >= before.event_sent
        assert after.opened >= before.opened
    if after.requested:
        assert sum(after.counts.values()) == after.requested or not after.counts
    assert after.event_sent <= after.event_seq
    for day, spent in after.spent.items():
        assert 0 <= spent <= after.grants.get(day, 0), f"{spent} units spent of {after.grants}"


def invoke_request(request_id: str = "deploy-1", **changes: Any) -> dict[str, Any]:
    """A shell script on everything tagged env=demo."""
    return {
        "kind": "invoke",
        "requestId": request_id,
        "command": {"type": "RunShellScript", "content": "uptime"},
        "targets": {"tags": {"env": "demo"}},
        **changes,
    }
