"""The invariants that hold at every moment (DESIGN, section 7), apart from the code that they judge.

Each is checked where it could break: at a head row's change, a chunk's, a grant, a call that ECS takes. An
AssertionError begins with the invariant's number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from shared.core.model import Chunk, Run, run_id_of
from shared.core.rate import bounds_of
from shared.core.transitions import ENDS_OF_RUN
from tests.sim.changes import Changes
from tests.sim.fleet import Accepted
from tests.sim.promptness import Promptness
from tests.sim.world import World

P = ParamSpec("P")


class Broken(BaseException):
    """An invariant broke within a port call: no code of ours may catch it and go on."""


def judged(check: Callable[P, None]) -> Callable[P, None]:
    def judge(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            check(*args, **kwargs)
        except AssertionError as error:
            raise Broken(str(error)) from error

    return judge


class Checkers:
    """Watches one world from its first step to its last."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.changes = Changes()
        self.promptness = Promptness(world)
        self.checks = 0
        self._expected = {run_id_of(request_id) for request_id in world.workload.run_requests}
        self._seen_calls = 0
        self._tokens: set[str] = set()
        self._stopping: dict[str, int] = {}
        """Run → how many port calls had begun when its stop was committed."""
        world.books.on_head = judged(self._head)
        world.books.on_chunk = judged(self._chunk)
        world.books.on_stop = judged(self.promptness.of_stop)
        world.books.on_quota = judged(self._quota)

    # -- rows ---------------------------------------------------------------------------------------------------------
    def _head(self, before: Run | None, after: Run) -> None:
        self.checks += 1
        self.changes.of_head(before, after)
        self.promptness.of_head(before, after)
        if before is None:
            assert after.request is None or after.run_id in self._expected, f"8: nobody asked for {after.run_id}"
        else:
            self._next_version(before, after)
        if after.requested and after.counts:
            assert sum(after.counts.values()) == after.requested, f"3: {after.counts} is not {after.requested}"
        for day, spent in after.spent.items():
            assert 0 <= spent <= after.grants.get(day, 0), f"1: {spent} units spent of {after.grants} on {day}"
        assert after.event_sent <= after.event_seq, "4: more events sent than there are"
        if after.halted == "StopRequested" and not after.lease_until_ms:
            self._stopping.setdefault(after.run_id, self.world.host.begun)

    def _next_version(self, before: Run, after: Run) -> None:
        assert after.version == before.version + 1, f"2: version {after.version} was written upon {before.version}"
        assert after.event_seq >= before.event_seq, "4: an event number was taken back"
        assert after.event_sent >= before.event_sent, "4: events that were sent are unsent again"
        assert before.status not in ENDS_OF_RUN or after.counts == before.counts, "3: an ended run was counted anew"
        numbers = self.world.books.event_numbers[after.run_id]
        missing = [number for number in range(before.event_seq + 1, after.event_seq + 1) if number not in numbers]
        assert not missing, f"4: the events {missing} were committed and never written"

    def _chunk(self, before: Chunk | None, after: Chunk) -> None:
        self.checks += 1
        size_max = self.world.workload.instances_per_chunk
        assert len(after.targets) <= size_max, f"2: a chunk of {len(after.targets)} targets, {size_max} are allowed"
        if before is not None and after.plan_no <= before.plan_no and before.status == "Invoked":
            assert after.invoke_id == before.invoke_id, f"2: {after.chunk_id} got another InvokeId"
        self.changes.of_chunk(before, after)

    def _quota(self, day: str, used: int, held: int) -> None:
        self.checks += 1
        limit = self.world.workload.daily_quota
        assert 0 <= used <= limit, f"1: {used} units granted on {day}, the limit is {limit}"
        assert used == held, f"1: {used} units in use on {day}, the runs hold {held}"

    # -- calls of ECS -------------------------------------------------------------------------------------------------
    def step(self) -> None:
        """After every step of the world; looks only at what is new."""
        self.promptness.step()
        ecs = self.world.ecs
        if ecs.count == self._seen_calls:
            return
        for accepted in ecs.accepted_after(self._seen_calls):
            self._accepted(accepted)
        self._seen_calls = ecs.count

    def _accepted(self, call: Accepted) -> None:
        self.checks += 1
        world, size_max = self.world, self.world.workload.instances_per_chunk
        assert call.token not in self._tokens, f"2: chunk {call.token} has two InvokeIds"
        self._tokens.add(call.token)
        assert len(call.instance_ids) <= size_max, f"2: {len(call.instance_ids)} targets in a call"
        for one in call.instance_ids:
            assert world.ecs.times_ran(call.run_id, one) == 1, f"2: {one} ran {call.run_id} twice"
        stopped = self._stopping.get(call.run_id)
        assert stopped is None or world.host.acting <= stopped, f"5: {call.token} was begun after run.stopping"
        self.check_units()
        self._check_bounds(call.run_id)

    def check_units(self) -> None:
        for day in self.world.ecs.days:
            calls, units = self.world.ecs.calls_on(day), self.world.books.highest[day]
            assert calls <= units, f"1: {calls} calls on {day}, {units} units granted"

    def _check_bounds(self, run_id: str) -> None:
        run = self.world.books.heads[run_id]
        assert run.request is not None
        bounds = bounds_of(run.request.rate_control, included=run.included)
        if bounds.in_flight_max is None and bounds.failures_max is None:
            return
        flying, failed = self.world.ecs.at_risk(run_id)
        if bounds.in_flight_max is not None:
            assert flying <= bounds.in_flight_max, f"6: {flying} in flight, {bounds.in_flight_max} are allowed"
        if bounds.failures_max is not None:
            at_risk = flying + failed
            assert at_risk <= bounds.failures_max + 1, f"6: {at_risk} may fail, the bound is {bounds.failures_max}"
