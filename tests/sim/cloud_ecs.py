"""The local cloud's own ECS for one seed, behind the adapters that ship: commands and directory, with their parameters,
pages and error families. Between them and the service stand no socket and no signature, but every operation.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from typing import Any

import msgspec
from aliyunsdkcore.acs_exception.exceptions import ServerException

from localcloud.account import Account
from localcloud.clock import Timeline
from localcloud.ecs.api import OPERATIONS
from localcloud.ecs.asking import Desk
from localcloud.ecs.errors import EcsError
from localcloud.ecs.executor_simulated import Outcome, SimulatedExecutor
from localcloud.ecs.executors import Job
from localcloud.ecs.limits import Limits
from localcloud.ecs.rpc import Call
from localcloud.ecs.service import EcsService
from localcloud.fleet import Fleet, Group
from localcloud.http import Request
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from shared.adapters.credentials import Credentials
from shared.adapters.ecs_calls import EcsCalls, _of_server
from shared.adapters.ecs_commands import CHUNK_TAG, RUN_TAG, EcsCommands
from shared.adapters.ecs_directory import EcsDirectory
from shared.adapters.patience import Patience
from shared.core.transitions import FAILURES, IN_FLIGHT
from tests.app.memory import SequentialLanes
from tests.app.memory_ecs import day_of
from tests.sim.fleet import Accepted
from tests.sim.trouble import Trouble
from tests.sim.workload import Workload

NOWHERE = Request("POST", "/", "", {}, b"", 0)
FAILS = (
    Outcome(exit_code=3),
    Outcome(error_code="DirectoryNotExists", error_info="simulated"),
    Outcome(error_code="UserNotExists", error_info="simulated"),
    Outcome(duration_ms=10**9),  # runs into its timeout
)


class ServiceCalls(EcsCalls):
    """As `EcsCalls`, the service called instead of its address."""

    def __init__(self, service: EcsService, took: Any) -> None:
        clock = service.timeline.clock
        patience = Patience(clock, sleep=lambda _ms: None, chance=random.Random(0))
        super().__init__("http://simulation", Credentials("id", "secret", ""), patience)
        self._service, self._took = service, took

    def _call(self, region: str, request: Any, *, effect: bool) -> dict[str, Any]:
        action = request.get_action_name()
        sent = {**request.get_query_params(), **request.get_body_params(), "RegionId": region}
        parameters = {name: str(value) for name, value in sent.items()}
        call = Call(action, request.get_version(), parameters, region, NOWHERE)
        try:
            self._service.check_region(region)
            document = OPERATIONS[action](Desk(self._service, call))
        except EcsError as error:
            refusal = ServerException(error.code, error.message, http_status=error.status, request_id="R")
            raise _of_server(action, refusal, effect=effect) from None
        answer: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
        if action == "InvokeCommand":
            self._took(answer["InvokeId"], parameters)
        return answer


class CloudEcs:
    """The service, filled for one seed, and the truth about what it did."""

    def __init__(
        self, workload: Workload, trouble: Trouble, timeline: Timeline, chance: random.Random, *, account: Account
    ) -> None:
        self._workload, self._trouble, self._timeline, self._chance = workload, trouble, timeline, chance
        self._region = account.region
        ids = Ids(chance.getrandbits(64))
        self._service = EcsService(
            account=account,
            timeline=timeline,
            ids=ids,
            journal=NoJournal(),
            executor=SimulatedExecutor(timeline=timeline, ids=ids, behaviour=self._behave),
            fleet=_fleet(workload),
            limits=self._limits(),
        )
        self._accepted: dict[str, Accepted] = {}
        self._calls: Counter[str] = Counter()
        self._named: Counter[tuple[str, str]] = Counter()
        self._executed: Counter[tuple[str, str]] = Counter()
        self._repeating: set[str] = set()
        """InvokeIds of cloud schedules: there a script runs again and again."""
        calls = ServiceCalls(self._service, self._took)
        self.directory = EcsDirectory(calls, SequentialLanes())
        self.runner = EcsCommands(calls, timeline.clock)
        self._arm()

    def _limits(self) -> Limits:
        chance = self._chance
        return Limits(
            client_token_life_ms=self._workload.token_life_ms,
            invocations_per_day=self._workload.daily_quota,
            unfit_instances=chance.choice(("rows", "missing", "refuse", "refuse")),
            stop_model=chance.choice(("agent", "agent", "documented")),
        )

    # -- the truth, for checkers --------------------------------------------------------------------------------------
    @property
    def count(self) -> int:
        return len(self._accepted)

    def accepted_after(self, count: int) -> list[Accepted]:
        return list(self._accepted.values())[count:]

    def calls_on(self, day: str) -> int:
        return self._calls[day]

    @property
    def days(self) -> list[str]:
        return sorted(self._calls)

    def calls_of(self, run_id: str) -> int:
        return sum(1 for each in self._accepted.values() if each.run_id == run_id)

    def times_ran(self, run_id: str, instance_id: str) -> int:
        return self._named[run_id, instance_id]

    def ran(self, run_id: str) -> set[str]:
        return {one for of_run, one in self._named if of_run == run_id}

    def at_risk(self, run_id: str) -> tuple[int, int]:
        flying = failed = 0
        for each in self._accepted.values():
            if each.run_id == run_id:
                statuses = Counter(row.status for row in self._service.rows(self._region, each.invoke_id).values())
                flying += sum(statuses[status] for status in IN_FLIGHT)
                failed += sum(statuses[status] for status in FAILURES)
        return flying, failed

    def cease(self) -> None:
        self._service.set_quota(None)

    def _took(self, invoke_id: str, parameters: dict[str, str]) -> None:
        """An InvokeCommand was answered; a repeat with the same token names what is known."""
        if invoke_id in self._accepted:
            return
        tags = _tags_in(parameters)
        ids = tuple(value for name, value in parameters.items() if name.startswith("InstanceId."))
        self._accepted[invoke_id] = Accepted(invoke_id, tags[RUN_TAG], tags[CHUNK_TAG], ids)
        self._calls[day_of(self._timeline.clock.now_ms())] += 1
        if parameters["RepeatMode"] == "Period":
            self._repeating.add(invoke_id)
        for one in ids:
            self._named[tags[RUN_TAG], one] += 1

    # -- what happens on the instances --------------------------------------------------------------------------------
    def _behave(self, job: Job) -> Outcome:
        key = (self._accepted[job.invoke_id].run_id, job.instance_id)
        self._executed[key] += 1
        is_once = self._executed[key] == 1 or job.invoke_id in self._repeating
        assert is_once, f"2: {job.instance_id} executed the script of {key[0]} twice"
        chance = self._chance
        duration_ms = chance.randrange(1, self._workload.script_ms_max + 1)
        if chance.random() < self._workload.failing:
            return chance.choice(FAILS)
        return Outcome(duration_ms=duration_ms, output=b"ok\n")

    def _arm(self) -> None:
        """Instances that stop or vanish, agents that die, and somebody else who uses the quota."""
        workload, trouble, chance = self._workload, self._trouble, self._chance
        victims = [f"i-{chance.randrange(workload.instances):05d}" for _ in range(2)]
        if trouble.has("vanishing instances") and workload.instances > 1:
            self._timeline.after(chance.randrange(30_000), lambda: self._vanish(victims[0]))
        if trouble.has("dying agents"):
            self._timeline.after(chance.randrange(30_000), lambda: self._silence(victims[1]))
        if trouble.has("stolen quota"):
            self._timeline.after(chance.randrange(20_000), self._steal)
        if trouble.has("stopped by others"):
            self._timeline.after(chance.randrange(40_000), self._stop_all)

    def _vanish(self, instance_id: str) -> None:
        if not self._trouble.strikes("vanishing instances"):
            return
        how = self._chance.randrange(3)
        if how == 0:
            self._service.remove_instance(instance_id)
            return
        self._service.stop_instances([instance_id])
        if how == 1:
            back = 60_000 + self._chance.randrange(60_000)
            self._timeline.after(back, lambda: self._service.start_instances([instance_id]))

    def _silence(self, instance_id: str) -> None:
        if self._service.instances.find(self._region, instance_id) is not None:
            self._trouble.fired["dying agents"] += 1
            self._service.set_agent(instance_id, self._chance.choice(("offline", "missing")))

    def _stop_all(self) -> None:
        """Somebody stops, by the console, all that runs now."""
        if self._accepted and self._trouble.strikes("stopped by others"):
            for invoke_id in self._accepted:
                with contextlib.suppress(EcsError):  # it has ended
                    self._service.stop_invocation(self._region, invoke_id, ())

    def _steal(self) -> None:
        if self._trouble.strikes("stolen quota"):
            self._service.set_quota(max(1, self._workload.daily_quota // 2))

    def stored_command(self) -> str:
        """Makes a command that requests can name; answers its id."""
        from localcloud.ecs.values import NewCommand

        new = NewCommand(region=self._region, name="stored", type="RunShellScript", content=b"true")
        return self._service.create_command(new)


def _fleet(workload: Workload) -> Fleet:
    def one(number: int, **how: Any) -> Group:
        return Group(name=f"web-{number}", ids=(f"i-{number:05d}",), tags={"env": "demo"}, **how)

    unfit = (
        {"status": "Stopped"},
        {"os": "windows"},
        {"network": "classic"},
        {"agent": "offline"},
        {"agent": "missing"},
    )
    fit = [one(number) for number in range(workload.instances)]
    return Fleet((*fit, *(one(900 + number, **unfit[number]) for number in range(workload.unfit))))


def _tags_in(parameters: dict[str, str]) -> dict[str, str]:
    keys = {name.removesuffix(".Key"): value for name, value in parameters.items() if name.endswith(".Key")}
    return {value: parameters[f"{name}.Value"] for name, value in keys.items()}
