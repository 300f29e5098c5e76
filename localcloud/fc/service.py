"""Function Compute without a wire: registry, calls, triggers and workers put together.

    fc = FcService(account=…, timeline=…, ids=…, journal=…, queues=MnsQueues(mns),
                   workers=ProcessWorkers(account=…, timeline=…, ids=…), disturb=TriggerDisturbance(faults))
    endpoint = FcEndpoint(fc, account=…, ids=…)          # the wire, in `api`
    fc.restore()                                         # what the journal has of functions, triggers, layers …
    fc.create_function(FunctionSpec(…)); fc.create_trigger(TriggerSpec(…)); fc.put_provision(name, 1)
    await fc.start()                                     # provisioned instances, what was accepted, triggers
    …
    await fc.close()                                     # no process and no file is left

Strategy: each noun has its module; this one owns the life cycle and the ways from one to another. It belongs to the
thread of the event loop. What is there (see `kept`) and asynchronous calls that were accepted are in the journal: first
`restore` brings the one back, then whoever deploys may change it, and `start` goes on with all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localcloud.account import Account
from localcloud.clock import Timeline
from localcloud.fc.answer_size import bounded
from localcloud.fc.async_queue import AsyncPorts, AsyncQueue
from localcloud.fc.code import CodeFolders
from localcloud.fc.counters import Counters
from localcloud.fc.destinations import Destinations, FunctionPlace
from localcloud.fc.domains import Domains
from localcloud.fc.errors import FcError, invalid, too_large
from localcloud.fc.functions import FunctionRecord, Functions
from localcloud.fc.kept import Kept
from localcloud.fc.kept_forms import report
from localcloud.fc.layers import Layers
from localcloud.fc.limits import ASYNC_AGE_S, ASYNC_RETRIES, QUEUE_TRIGGER_S_MAX, STRICT, SYNC_BYTES_MAX, Limits
from localcloud.fc.queue_triggers import Disturbance, Ports, QueueTrigger, Undisturbed, give_back_undelivered
from localcloud.fc.queues import Queues
from localcloud.fc.runtimes import PYTHON, check_runs
from localcloud.fc.tasks import Background
from localcloud.fc.triggers import TriggerRecord, Triggers
from localcloud.fc.values import AsyncConfig, Call, Function, FunctionSpec, HttpRequest, Outcome, TriggerSpec, Workers
from localcloud.fc.versions import LATEST, Versions
from localcloud.ids import Ids
from localcloud.journal import Journal

SERVICE_NAME = "fleetrun"


class FcService:
    """Everything Function Compute does. Every refusal is an `errors.FcError`.

    `folder`: where code that comes through the API is unpacked; None: a temporary folder. It ends with `close`.
    """

    def __init__(
        self,
        *,
        account: Account,
        timeline: Timeline,
        ids: Ids,
        journal: Journal,
        queues: Queues,
        workers: Workers,
        limits: Limits = STRICT,
        disturb: Disturbance | None = None,
        folder: Path | None = None,
        service_name: str = SERVICE_NAME,
    ) -> None:
        self.account = account
        self.timeline = timeline
        self.ids = ids
        self.limits = limits
        self.workers = workers
        self.counters = Counters()
        self.code = CodeFolders(folder)
        self._journal = journal
        self._queues = queues
        self._background = Background(timeline, journal)
        self.functions = Functions(clock=timeline.clock, ids=ids, service_name=service_name, limits=limits)
        self.versions = Versions(clock=timeline.clock, stream=ids.stream("fc.weights"))
        self.domains = Domains(clock=timeline.clock)
        self.layers = Layers(account=account, clock=timeline.clock)
        self.destinations = Destinations(account=account, queues=queues, limits=limits, hand_over=self._pass_on)
        self._calls = AsyncQueue(
            AsyncPorts(
                background=self._background,
                journal=journal,
                limits=limits,
                destinations=self.destinations,
                resolve=self.resolve,
                run=self._run,
            )
        )
        ports = Ports(
            queues=queues,
            background=self._background,
            account=account,
            ids=ids,
            journal=journal,
            disturbance=disturb or Undisturbed(),
            call=self._call_for_queue,
            hand_over=self._hand_over,
            lease_ms=self._lease_ms,
            limits=limits,
        )
        self.triggers = Triggers(functions=self.functions, ports=ports, hand_over=self._hand_over)
        self.kept = Kept(self, journal)
        self._is_started = False

    # -- life ---------------------------------------------------------------------------------------------------------
    def restore(self, trees: Mapping[str, Path] | None = None, *, move: Callable[[str], str] = str) -> None:
        """What the last process left, see `Kept.restore`. Once, before anything is made. Raises DamagedJournal."""
        self.kept.restore(trees or {}, move)

    async def start(self) -> None:
        """Starts what is provisioned, then the triggers; returns when all of it is ready."""
        self._is_started = True
        await asyncio.gather(*(self._provision(record) for record in self.functions.all()))
        give_back_undelivered(self._queues, self._journal)
        self._calls.restore()
        self.triggers.start()

    async def close(self) -> None:
        """Stops triggers, calls and workers; no process is left. What was accepted stays in the journal."""
        self._is_started = False
        self.triggers.stop()
        await self._background.close()
        await self.workers.close()
        self.code.close()

    async def idle(self) -> None:
        """Returns when nothing runs in the background, e.g. all asynchronous calls that are due have ended."""
        await self._background.idle()

    # -- what is there ------------------------------------------------------------------------------------------------
    def create_function(
        self,
        spec: FunctionSpec,
        *,
        service: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        code: bytes = b"",
    ) -> FunctionRecord:
        """A function from folders. `attributes`: what else an API was given. Raises FcError."""
        if not spec.code_dir.is_dir():
            raise invalid(f"the code's folder {spec.code_dir} is not there")
        return self.functions.create(spec, service=service, attributes=attributes or {}, code=code)

    def update_function(
        self, key: str, spec: FunctionSpec, *, attributes: Mapping[str, Any], code: bytes | None = None
    ) -> FunctionRecord:
        """Calls that run end as they began; the next ones are of the new function."""
        record = self.functions.update(key, spec, attributes=attributes, code=code)
        self.workers.retire(key)
        self._provision_later(record)
        return record

    def delete_function(self, key: str) -> None:
        """Raises FcError: FunctionNotFound, FunctionNotEmpty."""
        name, triggers = self.functions.find(key).name, self.triggers.of(key)
        if triggers and self.limits.function_with_triggers == "refuse":
            raise FcError("FunctionNotEmpty", f"function '{name}' has active triggers")
        for trigger in triggers:
            self.triggers.delete(key, trigger.spec.name)
        self.functions.delete(key)
        self.versions.forget(f"functions/{key}")
        self.workers.retire(key)

    def create_trigger(self, spec: TriggerSpec) -> TriggerRecord:
        self.check_qualifier(spec.function, spec.qualifier)
        return self.triggers.create(spec)

    def put_async_config(self, key: str, config: AsyncConfig, *, qualifier: str = LATEST) -> FunctionRecord:
        """Raises FcError InvalidArgument naming the field."""
        if config.retries_max is not None and config.retries_max not in ASYNC_RETRIES:
            raise invalid(f"maxAsyncRetryAttempts is {config.retries_max}, it must lie from 0 to 8")
        if config.age_s_max is not None and config.age_s_max not in ASYNC_AGE_S:
            raise invalid(f"maxAsyncEventAgeInSeconds is {config.age_s_max}, it must lie from 1 to 604800")
        for destination in (config.on_success, config.on_failure):
            self.destinations.check(destination)
        self.check_qualifier(key, qualifier)
        return self.functions.set_async_config(key, qualifier or LATEST, config)

    def put_concurrency(self, key: str, reserved: int | None) -> FunctionRecord:
        return self.functions.set_concurrency(key, reserved)

    def put_provision(self, key: str, target: int, *, qualifier: str = LATEST) -> FunctionRecord:
        """So many instances are kept started. Before `start` it is noted; afterwards they start in the background."""
        record = self.functions.find(key)
        if not 0 <= target <= record.function.instances_max:
            raise invalid(f"the target is {target}, it must lie from 0 to {record.function.instances_max}")
        self.check_qualifier(key, qualifier)
        record.provisioned[qualifier or LATEST] = target
        self._provision_later(record)
        return record

    def _provision_later(self, record: FunctionRecord) -> None:
        if self._is_started and record.provisioned:
            self._background.start(self._provision(record))

    async def _provision(self, record: FunctionRecord) -> None:
        for qualifier, target in sorted(record.provisioned.items()):
            try:
                function = self.described(record.key, qualifier)
            except FcError as error:  # the version or alias went after its instances were asked for
                report(f"no instances of {record.key!r} are provisioned under {qualifier!r}: {error}")
                continue
            if function.spec.runtime in PYTHON:
                await self.workers.provision(function, target)

    def state(self) -> dict[str, Any]:
        """What there is, as plain data, without payloads and environment."""
        return {
            "functions": {record.key: self._function_state(record) for record in self.functions.all()},
            "layers": self.layers.state(),
            "asyncCalls": self._calls.state(),
            "lostDestinations": self.destinations.lost,
        }

    def _function_state(self, record: FunctionRecord) -> dict[str, Any]:
        return {
            "runtime": record.function.spec.runtime,
            "instances": self.workers.instances(record.key),
            "triggers": {trigger.spec.name: _trigger_state(trigger) for trigger in self.triggers.of(record.key)},
            "calls": self.counters.of(record.key),
        }

    # -- calls --------------------------------------------------------------------------------------------------------
    def new_request_id(self) -> str:
        """FC 3.0's form, e.g. 1-64f6cd87-0c2f3a91-5b8e7d10c4aa; the first number is the time in seconds."""
        seconds = self.timeline.clock.now_ms() // 1000
        random = self.ids.hexadecimal("fc.request", 20).lower()
        return f"1-{seconds:08x}-{random[:8]}-{random[8:]}"

    async def invoke(
        self,
        key: str,
        event: bytes = b"",
        *,
        request_id: str | None = None,
        qualifier: str = "",
        http: HttpRequest | None = None,
        timeout_s_max: float | None = None,
        payload_bytes: int | None = None,
    ) -> Outcome:
        """Calls and waits. `payload_bytes`: of what the caller sent, where the event is made of it.

        Raises FcError: FunctionNotFound, EntityTooLarge, ResourceThrottled, NotImplemented.
        """
        function, _ = self.resolve(key, qualifier)
        if (len(event) if payload_bytes is None else payload_bytes) > SYNC_BYTES_MAX:
            raise too_large(SYNC_BYTES_MAX)
        request_id = request_id or self.new_request_id()
        return await self._run(function, Call(event, request_id, http=http, timeout_s_max=timeout_s_max))

    def invoke_async(
        self,
        key: str,
        event: bytes = b"",
        *,
        request_id: str | None = None,
        qualifier: str = "",
        delay_s: int = 0,
        task_id: str = "",
        http: HttpRequest | None = None,
        payload_bytes: int | None = None,
    ) -> str:
        """Accepts; answers the request id. Raises FcError, see `AsyncQueue.accept`."""
        request_id = request_id or self.new_request_id()
        self._calls.accept(
            key,
            event,
            request_id=request_id,
            qualifier=qualifier,
            delay_s=delay_s,
            task_id=task_id,
            http=http,
            payload_bytes=payload_bytes,
        )
        return request_id

    def kill_instance(self, key: str) -> str | None:
        """`kill -9` on one of the function's instances, a busy one if there is one; answers its id."""
        return self.workers.kill_one(self.functions.find(key).key)

    def resolve(self, key: str, qualifier: str) -> tuple[Function, AsyncConfig]:
        """What is run under the qualifier, and how asynchronous calls of it are treated. Raises FcError."""
        record = self.functions.find(key)
        config = record.async_configs.get(qualifier or LATEST) or AsyncConfig()
        return self.functions.qualified(record, qualifier, self.versions, draws=True), config

    def described(self, key: str, qualifier: str) -> Function:
        """What is shown under the qualifier: of an alias, the version that it names first. Raises FcError."""
        return self.functions.qualified(self.functions.find(key), qualifier, self.versions, draws=False)

    def check_qualifier(self, key: str, qualifier: str) -> None:
        """Raises FcError: VersionNotFound, AliasNotFound."""
        self.described(key, qualifier)

    async def _run(self, function: Function, call: Call) -> Outcome:
        check_runs(function.spec.runtime)
        with self.counters.counting(function.key) as count:
            outcome = bounded(await self.workers.run(function, call))
            count.errors += outcome.error_type is not None
        return outcome

    def _hand_over(self, key: str, event: bytes, qualifier: str = "") -> None:
        self.invoke_async(key, event, qualifier=qualifier)

    def _pass_on(self, place: FunctionPlace, event: bytes) -> None:
        """To a function that is a destination. Its service may be the one that FC 3.0 leaves out."""
        key = self.functions.key_of(place.service, place.name) if place.service else place.name
        self._hand_over(key, event, place.qualifier)

    async def _call_for_queue(self, key: str, event: bytes, qualifier: str) -> bool:
        """A queue trigger's call lasts five minutes at most, whatever the function's timeout: page 142."""
        outcome = await self.invoke(key, event, qualifier=qualifier, timeout_s_max=QUEUE_TRIGGER_S_MAX)
        return outcome.error_type is None

    def _lease_ms(self, key: str) -> int:
        """How long a delivery may take: start, call, and some slack."""
        try:
            spec = self.functions.find(key).function.spec
        except FcError:
            return QUEUE_TRIGGER_S_MAX * 1000
        call_s = min(spec.timeout, QUEUE_TRIGGER_S_MAX)
        return (call_s + (spec.initializer_timeout if spec.initializer else 0)) * 1000 + LEASE_SLACK_MS


LEASE_SLACK_MS = 30_000
"""Ours."""


def _trigger_state(trigger: TriggerRecord) -> dict[str, Any]:
    runner = trigger.runner
    return {"type": trigger.spec.type, "blocked": isinstance(runner, QueueTrigger) and runner.is_blocked}
