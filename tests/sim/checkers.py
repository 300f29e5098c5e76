"""The invariants, apart from the code they judge. Small ones run at every change of a head row, all run at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import msgspec

from shared.core.model import Run, run_id_of
from shared.core.rate import bounds_of
from shared.core.transitions import ENDS_OF_RUN, FAILURES, OUTCOMES, RUN, is_allowed
from tests.app.memory import Ending
from tests.app.memory_ecs import day_of
from tests.sim.world import World


class Checkers:
    """Watches one world. Every broken invariant raises an AssertionError that begins with its number."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.transitions: Counter[str] = Counter()
        self._seen_invocations = 0
        self._stopping: dict[str, int] = {}
        world.runs.watch = self._watch_head

    def _watch_head(self, before: Run | None, after: Run) -> None:
        old = before.status if before else "-"
        self.transitions[f"{old} → {after.status}"] += 1
        if before is not None:
            assert is_allowed(RUN, before.status, after.status), f"L2: {before.status} → {after.status}"
            assert after.event_seq >= before.event_seq, "4: an event number was taken back"
            assert before.status not in ENDS_OF_RUN or after.counts == before.counts, "3: an ended run was counted anew"
        if after.requested and after.counts:
            assert sum(after.counts.values()) == after.requested, f"3: {after.counts} is not {after.requested}"
        for day, spent in after.spent.items():
            assert 0 <= spent <= after.grants.get(day, 0), f"1: {spent} units spent of {after.grants}"
        assert after.event_sent <= after.event_seq, "4: more events sent than there are"
        if after.halted == "StopRequested" and after.run_id not in self._stopping and not after.lease_until_ms:
            self._stopping[after.run_id] = self.world.clock.now_ms()

    def step(self) -> None:
        """After every step of the world; looks only at what is new."""
        invocations = self.world.runner.invocations
        if len(invocations) == self._seen_invocations:
            return
        for invoke_id in list(invocations)[self._seen_invocations :]:
            self._new_invocation(invoke_id)
        self._seen_invocations = len(invocations)

    def _new_invocation(self, invoke_id: str) -> None:
        world = self.world
        made = world.runner.invocations[invoke_id]
        run_id, token = made.invocation.run_id, made.invocation.client_token
        tokens = [each.invocation.client_token for each in world.runner.invocations.values()]
        assert tokens.count(token) == 1, f"2: chunk {token} has two InvokeIds"
        assert len(made.invocation.instance_ids) <= world.workload.instances_per_chunk, "a chunk is too large"
        for one in made.invocation.instance_ids:
            assert world.runner.executions[run_id, one] == 1, f"2: {one} ran {run_id} twice"
        assert run_id not in self._stopping, f"5: {token} was accepted after run.stopping"
        self._check_quota()
        self._check_failure_bound(run_id)

    def _check_quota(self) -> None:
        world = self.world
        for day, calls in world.runner.calls_by_day.items():
            used = world.quota.highest.get(("cn-hangzhou", day), 0)
            assert calls <= used, f"1: {calls} calls on {day}, {used} units granted"
        for (_, day), highest in world.quota.highest.items():
            assert highest <= world.workload.daily_quota, f"1: {highest} units granted on {day}"

    def _check_failure_bound(self, run_id: str) -> None:
        run = self.world.runs.runs[run_id]
        assert run.request is not None
        bounds = bounds_of(run.request.rate_control, included=run.included)
        now_ms = self.world.clock.now_ms()
        ended: Counter[str] = Counter()
        for made in self.world.runner.invocations.values():
            if made.invocation.run_id == run_id:
                for one, ending in made.endings.items():
                    until_ms = made.stopped_ms.get(one, now_ms)
                    how = self._how(ending, until_ms - made.created_ms, timeout_s=made.invocation.timeout)
                    ended["stopped" if how == "in flight" and one in made.stopped_ms else how] += 1
        if bounds.in_flight_max is not None:
            assert ended["in flight"] <= bounds.in_flight_max, f"6: {ended['in flight']} in flight"
        if bounds.failures_max is not None:
            at_risk = ended["Failed"] + ended["in flight"]
            assert at_risk <= bounds.failures_max + 1, f"6: {at_risk} may fail, the bound is {bounds.failures_max}"

    @staticmethod
    def _how(ending: Ending, age_ms: int, *, timeout_s: int) -> str:
        if ending.silent or ending.missing:  # Unknown, a failure, from its deadline on
            return "Failed" if age_ms >= timeout_s * 1000 + 100_000 else "in flight"
        return ending.status if age_ms >= ending.after_ms else "in flight"

    # -- at the end -------------------------------------------------------------------------------------------------------
    def end(self) -> None:
        """All that must be true when everything has settled."""
        events = self._events()
        self._check_messages(events)
        for run_id, run in sorted(self.world.runs.runs.items()):
            self._check_run(run, events[run_id])
        self._check_quota()

    def _events(self) -> dict[str, list[dict[str, Any]]]:
        by_id: dict[str, dict[str, Any]] = {}
        for body in self.world.publisher.published:
            event = msgspec.json.decode(body)
            assert by_id.setdefault(event["id"], event) == event, f"4: {event['id']} says two things"
        events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for key in sorted(by_id):
            events[by_id[key]["subject"]].append(by_id[key])
        return events

    def _check_messages(self, events: dict[str, list[dict[str, Any]]]) -> None:
        runs = self.world.runs.runs
        expected = {run_id_of(request_id) for request_id in self.world.workload.run_requests}
        assert {run_id for run_id in runs if run_id.startswith("run-")} == expected, "8: a request without its run"
        bad = sum(1 for arrival in self.world.workload.arrivals if arrival.message_id == "m-bad")
        rejections = [run_id for run_id in runs if run_id.startswith("rej-")]
        assert len(rejections) == bad, f"8: {len(rejections)} rejections for {bad} bad messages"
        assert len(self.world.dead_letters) >= bad, "8: a bad message without a dead letter"
        for run_id in rejections:
            assert [event["type"] for event in events[run_id]] == ["fleetrun.run.rejected"], "8: not one rejection"

    def _check_run(self, run: Run, events: list[dict[str, Any]]) -> None:
        assert run.status in ENDS_OF_RUN, f"9: {run.run_id} is {run.status}"
        assert run.due_ms == 0, f"9: {run.run_id} is still due"
        numbers = [int(event["sequence"]) for event in events]
        assert numbers == list(range(1, run.event_seq + 1)), f"4: {run.run_id} has events {numbers} of {run.event_seq}"
        if run.request is None:
            return
        kinds = [event["type"] for event in events]
        assert kinds.count("fleetrun.run.finished") == 1, f"4: {run.run_id} finished {kinds}"
        assert kinds[-1] == "fleetrun.run.finished", f"4: {kinds}"
        ended = [
            (target["instanceId"], target["status"])
            for event in events
            if event["type"] == "fleetrun.targets.finished"
            for target in event["data"]["targets"]
        ]
        doubled = [each for each, count in Counter(each for each, _ in ended).items() if count > 1]
        assert not doubled, f"3: {doubled} ended twice"
        assert len(ended) == run.requested - run.excluded, f"3: {len(ended)} of {run.requested} ended"
        told = Counter(status for _, status in ended)
        told["Excluded"] += run.excluded
        assert +told == Counter(run.counts), f"3: the events say {told}, the run says {run.counts}"
        assert set(run.counts) <= OUTCOMES, f"3: {run.counts}"
        self._check_truth(run, dict(ended))
        self._check_units(run)

    def _check_units(self, run: Run) -> None:
        """Where no call was in doubt, units spent are calls made; what was not spent has gone back."""
        made = sum(1 for each in self.world.runner.invocations.values() if each.invocation.run_id == run.run_id)
        spent = sum(run.spent.values())
        doubt = any(kind.startswith(("die", "zombie", "lost", "slow", "function")) for kind in self.world.trouble.fired)
        assert spent >= made, f"1: {made} calls, {spent} units spent"
        if doubt:
            return
        assert spent == made, f"1: {spent} units spent on {made} calls"
        day = day_of(run.finished_ms)  # of a day that is over nothing is given back
        held = self.world.quota.columns.get(("cn-hangzhou", day), {}).get(run.run_id, 0)
        excused = self.world.trouble.fired or ("cn-hangzhou", day) in self.world.quota.closed
        assert excused or held == run.spent.get(day, 0), f"1: {held} units kept on {day}, {run.spent} spent"

    def _check_truth(self, run: Run, ended: dict[str, str]) -> None:
        """What the events say happened on an instance is what did."""
        ran = {one for (run_id, one), _ in self.world.runner.executions.items() if run_id == run.run_id}
        for one, status in ended.items():
            if status in ("NotStarted", "Excluded"):
                assert one not in ran, f"3: {one} is {status} and ran"
            elif status != "Unknown":
                assert one in ran, f"3: {one} is {status} and never ran"
        bounds = bounds_of(run.request.rate_control, included=run.included) if run.request else None
        failed = sum(1 for status in ended.values() if status in FAILURES)
        if bounds and bounds.failures_max is not None:
            assert failed <= bounds.failures_max + 1, f"6: {failed} failed, the bound is {bounds.failures_max}"
