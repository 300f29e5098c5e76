"""Who runs a call: an idle instance of the function, else a new one, else nobody (429).

Strategy: one pool per function and generation. The instance used last is used next, so that the others grow old and go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.account import Account
from localcloud.clock import Entry, Timeline
from localcloud.fc.errors import FcError
from localcloud.fc.instances import UNHANDLED, Instance, LogSink
from localcloud.fc.limits import LOG_LINES_KEPT, STRICT, Limits
from localcloud.fc.process import ProcessDied, default_python
from localcloud.fc.values import Call, Function, Outcome
from localcloud.ids import Ids


@dataclass(slots=True)
class Pool:
    """The instances of one function in one generation."""

    function: Function
    idle: list[Instance] = field(default_factory=list)
    busy: list[Instance] = field(default_factory=list)
    starting: int = 0
    provisioning: int = 0
    """Of those that are starting, the ones that will be provisioned."""
    target: int = 0
    """Provisioned instances that are wanted."""
    is_retired: bool = False

    @property
    def size(self) -> int:
        return len(self.idle) + self.in_use

    @property
    def in_use(self) -> int:
        return len(self.busy) + self.starting

    @property
    def on_demand(self) -> int:
        """Of those in use, the ones that are not, and will not be, provisioned."""
        return sum(not instance.is_provisioned for instance in self.busy) + self.starting - self.provisioning

    @property
    def is_ready(self) -> bool:
        """Whether a provisioned instance waits for a call."""
        return any(instance.is_provisioned and instance.is_alive for instance in self.idle)

    @property
    def missing(self) -> int:
        """Provisioned instances that are neither there nor on their way."""
        there = sum(instance.is_provisioned for instance in (*self.idle, *self.busy))
        return max(0, self.target - there - self.provisioning)


class ProcessWorkers:
    """`Workers` that are real processes, run by `python` or by what `pythons` names for the runtime.

    Belongs to the event loop's thread. `log` is given what functions print, e.g. to show it on a terminal.
    """

    def __init__(
        self,
        *,
        account: Account,
        timeline: Timeline,
        ids: Ids,
        limits: Limits = STRICT,
        pythons: Mapping[str, str] | None = None,
        log: LogSink | None = None,
    ) -> None:
        self.account = account
        self.limits = limits
        self._timeline = timeline
        self._ids = ids
        self._pythons = dict(pythons or {})
        self._log_sink = log
        self._lines: dict[str, deque[str]] = {}
        self._pools: dict[tuple[str, int, str], Pool] = {}
        """By key, generation and qualifier."""
        self._retired: list[Pool] = []
        self._endings: set[asyncio.Task[None]] = set()
        self._sweep: Entry | None = None
        self._is_closed = False

    async def run(self, function: Function, call: Call) -> Outcome:
        self._check_room(function)
        pool = self._pool(function)
        instance = self._idle(pool)
        if instance is None:
            started = await self._start(pool, request_id=call.request_id, preloads=False)
            if isinstance(started, Outcome):
                return started
            instance = started
        pool.busy.append(instance)
        try:
            return await instance.call(call)
        except BaseException:
            instance.is_broken = True
            raise
        finally:
            pool.busy.remove(instance)
            self._put_back(pool, instance)

    async def provision(self, function: Function, count: int) -> None:
        pool = self._pool(function)
        pool.target = count
        # One after the other: more at once than the machine has cores makes all of them late for their initializer's
        # timeout, and functions do it side by side already.
        for _ in range(pool.missing):
            await self._provision_one(pool)
        for instance in [instance for instance in pool.idle if instance.is_provisioned][count:]:
            pool.idle.remove(instance)
            self._end(instance.stop())

    async def _provision_one(self, pool: Pool) -> None:
        request_id = self._ids.base36("fc.provision", 16)
        pool.provisioning += 1
        try:
            instance = await self._start(pool, request_id=request_id, preloads=True)
        finally:
            pool.provisioning -= 1
        if isinstance(instance, Instance):
            instance.is_provisioned = True
            self._put_back(pool, instance)

    def kill_one(self, key: str) -> str | None:
        alive = self._alive(key)
        victims = [one for one in alive if one.is_busy] or alive
        if not victims:
            return None
        victim = self._ids.stream("fc.kill").choice(victims)
        victim.signal_kill()
        return victim.instance_id

    def retire(self, key: str) -> None:
        for pool_key in [pool_key for pool_key in self._pools if pool_key[0] == key]:
            pool = self._pools.pop(pool_key)
            pool.is_retired = True
            self._retired.append(pool)
            for instance in pool.idle:
                self._end(instance.stop())
            pool.idle.clear()
        self._retired = [pool for pool in self._retired if pool.size]

    def instances(self, key: str) -> list[str]:
        return sorted(instance.instance_id for instance in self._alive(key))

    def pids(self, key: str) -> list[int]:
        """Process ids of the function's instances, e.g. to kill one on purpose."""
        return sorted(instance.pid for instance in self._alive(key))

    def _alive(self, key: str) -> list[Instance]:
        """Whose processes are there; busy ones first."""
        pools = [pool for (name, _, _), pool in sorted(self._pools.items()) if name == key]
        busy = [one for pool in pools for one in pool.busy if one.is_alive]
        return busy + [one for pool in pools for one in pool.idle if one.is_alive]

    def log_lines(self, name: str) -> list[str]:
        """The last lines that the function printed."""
        return list(self._lines.get(name, ()))

    async def close(self) -> None:
        self._is_closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        pools = [*self._pools.values(), *self._retired]
        stopping = [instance.stop() for pool in pools for instance in pool.idle]
        killing = [instance.kill() for pool in pools for instance in pool.busy]
        await asyncio.gather(*stopping, *killing, *self._endings, return_exceptions=True)
        self._pools.clear()
        self._retired.clear()

    # -- instances ----------------------------------------------------------------------------------------------------
    def _pool(self, function: Function) -> Pool:
        place = (function.key, function.generation, function.qualifier)
        pool = self._pools.setdefault(place, Pool(function))
        pool.function = function
        return pool

    def _idle(self, pool: Pool) -> Instance | None:
        """Provisioned ones first: a bound on those on demand does not count them."""
        while pool.idle:
            instance = next((one for one in reversed(pool.idle) if one.is_provisioned), pool.idle[-1])
            if instance.is_alive:
                pool.idle.remove(instance)
                return instance
            self._lost(pool, instance)
        return None

    def _check_room(self, function: Function) -> None:
        """Idle instances do not count: a call takes the place of one."""
        if self._is_closed:
            raise FcError("ServiceUnavailable", "the service is shutting down")
        pools = (*self._pools.values(), *self._retired)
        limit, counted = max(function.instances_max, 0), [pool for pool in pools if pool.function.key == function.key]
        if function.is_bounded_alone:
            used = sum(pool.on_demand for pool in counted if pool.function.qualifier == function.qualifier)
            is_full = used >= limit and not self._pool(function).is_ready
        else:
            is_full = sum(pool.in_use for pool in counted) >= limit
        if is_full:
            raise FcError("ResourceThrottled", f"the function '{function.name}' has all of its {limit} instances busy")
        if sum(pool.in_use for pool in pools) >= self.limits.instances_per_account:
            raise FcError("ResourceExhausted", "your request has exceeded the account's limit on instances")

    async def _start(self, pool: Pool, *, request_id: str, preloads: bool) -> Instance | Outcome:
        """A new instance, or what its caller gets instead."""
        function = pool.function
        pool.starting += 1
        try:
            instance = Instance(
                function,
                self.account,
                instance_id=f"c-{self._ids.hexadecimal('fc.instance', 24).lower()}",
                python=self._pythons.get(function.spec.runtime, default_python()),
                limits=self.limits,
                log=self._printed,
            )
            instance.on_died = lambda lost: self._lost(pool, lost)
            try:
                failure = await instance.initialize(request_id, preloads=preloads)
            except BaseException:
                await instance.kill()
                raise
        except OSError as error:
            return Outcome(b'{"errorMessage":"The process could not be started"}', UNHANDLED, log=str(error).encode())
        finally:
            pool.starting -= 1
        if failure is not None:
            self._end(instance.kill())
            return failure
        return instance

    def _put_back(self, pool: Pool, instance: Instance) -> None:
        if instance.is_broken or not instance.is_alive or pool.is_retired or self._is_closed:
            self._end(instance.kill() if instance.is_broken else instance.stop())
            if instance.is_provisioned and not pool.is_retired and not self._is_closed:
                self._end(self._replace(pool))
            return
        instance.idle_since_ms = self._timeline.clock.now_ms()
        pool.idle.append(instance)
        if self._sweep is None:
            self._sweep = self._timeline.after(self.limits.idle_ms, self._sweep_idle)

    async def _replace(self, pool: Pool) -> None:
        """A provisioned instance that died is started anew."""
        if pool.missing > 0 and not pool.is_retired:
            await self._provision_one(pool)

    def _lost(self, pool: Pool, instance: Instance) -> None:
        """A process has ended. Whoever calls it will notice; an idle one is noticed here."""
        if instance in pool.idle:
            pool.idle.remove(instance)
            instance.is_broken = True
            self._put_back(pool, instance)

    def _sweep_idle(self) -> None:
        """Lets go whoever was idle for long; comes again when the next may be due."""
        self._sweep = None
        limit_ms = self._timeline.clock.now_ms() - self.limits.idle_ms
        left: list[int] = []
        for pool in self._pools.values():
            old = [one for one in pool.idle if one.idle_since_ms <= limit_ms and not one.is_provisioned]
            for instance in old:
                pool.idle.remove(instance)
                self._end(instance.stop())
            left += [one.idle_since_ms for one in pool.idle if not one.is_provisioned]
        if left:
            self._sweep = self._timeline.at(min(left) + self.limits.idle_ms, self._sweep_idle)

    def _end(self, ending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(ending)
        self._endings.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._endings.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, ProcessDied):
            asyncio.get_running_loop().call_exception_handler({"message": "ending an instance", "exception": error})

    def _printed(self, name: str, output: bytes) -> None:
        lines = self._lines.setdefault(name, deque(maxlen=LOG_LINES_KEPT))
        lines.extend(output.decode("utf-8", "replace").splitlines())
        if self._log_sink is not None:
            self._log_sink(name, output)
