"""ECS without a wire: one object for all that can be done with instances, commands and invocations.

Strategy: each noun has its module; here they are put together and given one flat set of verbs. Nothing waits, nothing
runs by itself: time is the timeline's, what is kept is the journal's, scripts are run by an executor port.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from localcloud.account import Account
from localcloud.clock import Timeline
from localcloud.ecs.agents import Agents
from localcloud.ecs.commands import CommandFilter, Commands
from localcloud.ecs.errors import EcsError, missing
from localcloud.ecs.executors import Executor
from localcloud.ecs.instance_queries import InstanceQueries
from localcloud.ecs.instances import Instances
from localcloud.ecs.invoking import Invoking
from localcloud.ecs.jobs import Jobs
from localcloud.ecs.limits import STRICT, Limits
from localcloud.ecs.modifying import Modifying
from localcloud.ecs.power import Power
from localcloud.ecs.queries import Queries
from localcloud.ecs.quota import DailyQuota
from localcloud.ecs.rates import CallRates
from localcloud.ecs.regions import REGIONS
from localcloud.ecs.resource_tags import ResourceTags
from localcloud.ecs.runs import Run, Runs
from localcloud.ecs.schedules import Schedules
from localcloud.ecs.stopping import Stopping
from localcloud.ecs.tokens import ClientTokens
from localcloud.ecs.values import Agent, Command, Instance, InvocationChanges, NewCommand, Order, Row
from localcloud.fleet import Fleet, Group
from localcloud.ids import Ids
from localcloud.journal import Journal


class EcsService:
    """Everything ECS does. Every refusal is an `errors.EcsError`. Restored from `journal`; the fleet is made once.

    Belongs to one thread, the one in which the timeline runs.
    """

    def __init__(
        self,
        *,
        account: Account,
        timeline: Timeline,
        ids: Ids,
        journal: Journal,
        executor: Executor,
        fleet: Fleet | None = None,
        limits: Limits = STRICT,
    ) -> None:
        self.account = account
        self.timeline = timeline
        self.limits = limits
        self._executor = executor
        clock = timeline.clock
        self.instances = Instances(account=account, clock=clock, ids=ids, journal=journal, limits=limits)
        self.commands = Commands(clock=clock, ids=ids, journal=journal, limits=limits)
        self.runs = Runs(clock=clock, journal=journal, limits=limits)
        self.quota = DailyQuota(clock=clock, journal=journal, limits=limits)
        self.rates = CallRates(clock=clock, limits=limits)
        self.power = Power(instances=self.instances, timeline=timeline, limits=limits)
        self.agents = Agents(
            instances=self.instances,
            runs=self.runs,
            jobs=Jobs(account),
            executor=executor,
            timeline=timeline,
            journal=journal,
            limits=limits,
        )
        self.schedules = Schedules(
            runs=self.runs, agents=self.agents, instances=self.instances, timeline=timeline, limits=limits
        )
        self.queries = Queries(runs=self.runs, limits=limits)
        self.instance_queries = InstanceQueries(instances=self.instances, limits=limits)
        self._tokens = ClientTokens(clock=clock, journal=journal, limits=limits)
        self._invoking = Invoking(
            commands=self.commands,
            instances=self.instances,
            runs=self.runs,
            agents=self.agents,
            schedules=self.schedules,
            quota=self.quota,
            timeline=timeline,
            ids=ids,
            limits=limits,
        )
        self._modifying = Modifying(
            invoking=self._invoking,
            commands=self.commands,
            instances=self.instances,
            runs=self.runs,
            agents=self.agents,
            schedules=self.schedules,
            timeline=timeline,
            limits=limits,
        )
        stopping = Stopping(runs=self.runs, agents=self.agents, clock=clock, limits=limits)
        self.stop_invocation = stopping.stop
        self.tags = ResourceTags(instances=self.instances, commands=self.commands, runs=self.runs, limits=limits)
        self._connect()
        if fleet is not None:
            self.instances.seed(fleet)
        self._resume()

    def _connect(self) -> None:
        """Who is told what by whom."""
        self.agents.after_firing = self.schedules.after_firing
        self.runs.on_end = self.schedules.end
        self.power.on_lost = self.agents.on_lost
        self.power.on_up = self._on_up
        self.commands.is_running = self.runs.is_command_running

    def _resume(self) -> None:
        """After a restart: transitions go on, what ran is known to be gone, schedules are armed again."""
        self.power.resume()
        for run in self.runs.alive():
            self.schedules.begin(run)
            self.agents.recover(run)

    def _on_up(self, instance: Instance, booted: bool) -> None:  # noqa: FBT001  the hook's signature
        self.agents.on_up(instance)
        if booted:
            self.schedules.on_boot(instance)

    # -- commands and invocations -------------------------------------------------------------------------------------
    def check_region(self, region: str) -> None:
        """Raises InvalidRegionId.NotFound, MissingParameter."""
        if not region:
            raise missing("RegionId")
        if region not in REGIONS and region not in self.instances.regions:
            raise EcsError("InvalidRegionId.NotFound", f"The specified RegionId {region[:40]!r} does not exist.")

    def create_command(self, new: NewCommand, *, client_token: str = "") -> str:
        """Answers the command id."""
        scope = ("CreateCommand", new.region)
        (command_id,) = self._tokens.once(
            client_token, scope=scope, parameters=new, act=lambda: (self._created(new).command_id,)
        )
        return command_id

    def _created(self, new: NewCommand) -> Command:
        """Resource groups are those that the fleet's instances are in."""
        if new.resource_group_id and not self.instances.has_group(new.region, new.resource_group_id):
            raise EcsError("InvalidResourceGroup.NotFound")
        return self.commands.create(new)

    def invoke_command(self, command_id: str, order: Order, *, client_token: str = "") -> str:
        """Answers the invoke id."""
        (invoke_id,) = self._tokens.once(
            client_token,
            scope=("InvokeCommand", order.region),
            parameters=(command_id, order),
            act=lambda: (self._invoking.invoke(command_id, order),),
        )
        return invoke_id

    def run_command(
        self, new: NewCommand, order: Order, *, keeps_command: bool = False, client_token: str = ""
    ) -> tuple[str, str]:
        """Answers command id and invoke id."""
        command_id, invoke_id = self._tokens.once(
            client_token,
            scope=("RunCommand", order.region),
            parameters=(new, order, keeps_command),
            act=lambda: self._invoking.run(new, order, keeps_command=keeps_command),
        )
        return command_id, invoke_id

    def modify_invocation(
        self, region: str, invoke_id: str, changes: InvocationChanges, *, client_token: str = ""
    ) -> str:
        """Answers the id of the command, a new one when the content changed."""
        (command_id,) = self._tokens.once(
            client_token,
            scope=("ModifyInvocationAttribute", region),
            parameters=(invoke_id, changes),
            act=lambda: (self._modifying.modify(region, invoke_id, changes),),
        )
        return command_id

    def find_commands(self, wanted: CommandFilter) -> list[Command]:
        return self.commands.select(wanted)

    def rows(self, region: str, invoke_id: str) -> dict[str, Row]:
        """The rows of an invocation by instance id. Raises InvalidInvokeId.NotFound."""
        return dict(self.run(region, invoke_id).rows)

    def run(self, region: str, invoke_id: str) -> Run:
        """Raises InvalidInvokeId.NotFound."""
        return self.runs.get(region, invoke_id)

    # -- control: for tests, the simulation and /_local ---------------------------------------------------------------
    def add_instance(self, group: Group) -> list[str]:
        """Makes the instances of a group; answers their ids."""
        made = [self.instances.add(group, number) for number in range(1, group.count + 1)]
        for instance in made:
            self.power.take_up(instance)
        return [instance.instance_id for instance in made]

    def remove_instance(self, instance_id: str, *, region: str | None = None) -> None:
        """It is released: what ran there is gone. Raises InvalidInstanceId.NotFound."""
        self.power.release(region or self.account.region, instance_id)

    def start_instances(self, instance_ids: Sequence[str], *, region: str | None = None) -> None:
        self.power.start(region or self.account.region, instance_ids)

    def stop_instances(self, instance_ids: Sequence[str], *, region: str | None = None) -> None:
        self.power.stop(region or self.account.region, instance_ids)

    def reboot_instances(self, instance_ids: Sequence[str], *, region: str | None = None) -> None:
        self.power.reboot(region or self.account.region, instance_ids)

    def set_agent(self, instance_id: str, agent: Agent, *, region: str | None = None) -> None:
        self.power.set_agent(region or self.account.region, instance_id, agent)

    def set_quota(self, limit: int | None, *, region: str | None = None) -> None:
        """Another max-axt-invocation-daily; None: that of `limits`."""
        self.quota.set_limit(region or self.account.region, limit)

    def state(self) -> dict[str, Any]:
        """What there is, as plain data, without scripts, parameters and outputs."""
        statuses = Counter(instance.status for instance in self.instances.everywhere())
        return {
            "instances": {"count": sum(statuses.values()), **dict(sorted(statuses.items()))},
            "commands": self.commands.count(),
            "invocations": {
                run.invocation.invoke_id: dict(sorted(Counter(row.status for row in run.rows.values()).items()))
                for run in self.runs.everywhere()
            },
            "quota": {
                region: {"used": self.quota.used(region), "limit": self.quota.limit(region)}
                for region in self.instances.regions
            },
        }

    def close(self) -> None:
        """Ends every script that runs. The journal says that they ran: a restart finds them ended."""
        self.agents.close()
        self._executor.close()
