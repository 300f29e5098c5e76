"""The four services of one local cloud, put together and filled with what the template describes.

The order of the way in: assemble (restores what the journal holds) → open (restores functions, applies what differs in
the template, starts triggers and functions) → serve; and out: close (triggers, functions, executors, pushes), which
leaves no process behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.build import Build, build, function_folders
from localcloud.clock import SystemClock, Timeline
from localcloud.deploy import stack
from localcloud.deploy.address import Address
from localcloud.deploy.applied import Kind, Stack
from localcloud.deploy.fc import FcResources
from localcloud.deploy.mns import MnsResources
from localcloud.deploy.ram import RamResources
from localcloud.deploy.tablestore import TablestoreResources
from localcloud.ecs.api import EcsEndpoint
from localcloud.ecs.executor_process import ProcessExecutor
from localcloud.ecs.executor_simulated import SimulatedExecutor
from localcloud.ecs.executors import Executor
from localcloud.ecs.service import EcsService
from localcloud.faults import FaultPlan, QueueDisturbance
from localcloud.fc.api import FcEndpoint
from localcloud.fc.disturbance import TriggerDisturbance
from localcloud.fc.mns_queues import MnsQueues
from localcloud.fc.pool import ProcessWorkers
from localcloud.fc.service import FcService
from localcloud.fleet import DEMO, Fleet, read_fleet, scaled
from localcloud.http import Endpoint, Request
from localcloud.ids import Ids
from localcloud.journal import Journal
from localcloud.mns.api import MnsEndpoint
from localcloud.mns.pusher import HttpPusher
from localcloud.mns.service import MnsService
from localcloud.options import Options
from localcloud.switches import switched
from localcloud.tablestore.api import TablestoreEndpoint
from localcloud.tablestore.service import TablestoreService


@dataclass(frozen=True, slots=True)
class Services:
    """What one local cloud consists of. Belongs to the thread of its event loop."""

    options: Options
    url: str
    ids: Ids
    journal: Journal
    ecs: EcsService
    mns: MnsService
    tablestore: TablestoreService
    fc: FcService
    endpoints: Mapping[str, Endpoint]
    pusher: HttpPusher

    def is_custom_domain(self, request: Request) -> bool:
        return self.fc.domains.of_host(request.headers.get("host", "")) is not None

    async def open(self) -> Mapping[str, Any]:
        """Restores, applies what differs in the template, and starts what is there; answers the template's outputs.

        Raises TemplateError, BuildError, DamagedJournal.
        """
        address = Address(self.journal, self.url)
        if self.options.deploys:
            outputs = self._deploy(address)
        else:
            self.fc.restore(move=address.move)
            outputs = {}
        address.settle()
        await self.fc.start()
        return outputs

    def _deploy(self, address: Address) -> Mapping[str, Any]:
        """In the order in which a torn end does no harm: what was made is written before that it was applied."""
        project = self.options.project
        template = stack.read(self.options, url=self.url)
        built = build(project, function_folders(project))
        self.fc.restore(built.trees, move=address.move)
        deployed = Stack(self.journal, self._kinds(built), address)
        outputs = deployed.deploy(template)
        self.fc.kept.note()
        deployed.keep()
        return outputs

    def _kinds(self, built: Build) -> Mapping[str, Kind]:
        account, url = self.options.account, self.url
        return {
            **MnsResources(self.mns, account=account, url=url).kinds(),
            **TablestoreResources(self.tablestore, account=account, url=url).kinds(),
            **FcResources(self.fc, built, account=account, url=url).kinds(),
            **RamResources(account=account, ids=self.ids).kinds(),
        }

    async def close(self) -> None:
        """Functions first, so that nothing new is asked of the others."""
        await self.fc.close()
        await self.pusher.aclose()
        self.ecs.close()
        await asyncio.sleep(0)

    def state(self) -> dict[str, Any]:
        return {
            "ecs": self.ecs.state(),
            "mns": self.mns.state(),
            "tablestore": self.tablestore.state(),
            "fc": self.fc.state(),
        }


def assemble(
    options: Options,
    *,
    timeline: Timeline,
    ids: Ids,
    journal: Journal,
    faults: FaultPlan,
    folder: Path,
    url: str,
) -> Services:
    """Services with what `journal` remembers in them; nothing runs yet. `folder`: for files that end with the cloud.

    Raises BadFleet, BadSwitch, DamagedJournal.
    """
    account, checks, limits = options.account, options.strict, switched(options.switches)
    pusher, dates = HttpPusher(), SystemClock()  # signatures are dated by the callers' clock, whatever ours says
    mns = MnsService(
        account=account,
        timeline=timeline,
        ids=ids,
        journal=journal,
        disturb=QueueDisturbance(faults),
        push=pusher,
        limits=limits.mns,
    )
    tables = TablestoreService(account=account, timeline=timeline, ids=ids, journal=journal, limits=limits.tablestore)
    ecs = EcsService(
        account=account,
        timeline=timeline,
        ids=ids,
        journal=journal,
        executor=_executor(options, timeline=timeline, ids=ids, folder=folder),
        fleet=_fleet(options),
        limits=limits.ecs,
    )
    workers = ProcessWorkers(account=account, timeline=timeline, ids=ids, limits=limits.fc)
    fc = FcService(
        account=account,
        timeline=timeline,
        ids=ids,
        journal=journal,
        queues=MnsQueues(mns),
        workers=workers,
        disturb=TriggerDisturbance(faults),
        folder=folder / "functions",
        limits=limits.fc,
    )
    endpoints: dict[str, Endpoint] = {
        "ecs": EcsEndpoint(ecs, account=account, ids=ids, checks_signature=checks, date_clock=dates),
        "mns": MnsEndpoint(mns, account=account, ids=ids, checks_signature=checks, date_clock=dates),
        "tablestore": TablestoreEndpoint(tables, account=account, ids=ids, checks_signature=checks, date_clock=dates),
        "fc": FcEndpoint(fc, account=account, ids=ids, checks_signature=checks, date_clock=dates),
    }
    return Services(options, url, ids, journal, ecs, mns, tables, fc, endpoints, pusher)


def _fleet(options: Options) -> Fleet:
    fleet = read_fleet(options.fleet or DEMO)
    return fleet if options.instances is None else scaled(fleet, options.instances)


def _executor(options: Options, *, timeline: Timeline, ids: Ids, folder: Path) -> Executor:
    if options.executor == "simulated":
        return SimulatedExecutor(timeline=timeline, ids=ids)
    return ProcessExecutor(folder / "instances", timeline=timeline)
