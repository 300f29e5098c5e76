"""One function instance: a worker process with what FC does around a call: log, timeout, memory limit, errors.

Timeouts are of the machine's clock, also when the local cloud's clock is frozen: processes know no other.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from localcloud.account import Account
from localcloud.fc.environment import call_frame, environment_of, start_frame
from localcloud.fc.limits import Limits
from localcloud.fc.process import ProcessDied, WorkerProcess
from localcloud.fc.values import Call, Function, Outcome

MEMORY_POLL_S = 0.1
"""Ours: a function that allocates faster than this sees its limit a little late."""
LOG_BYTES_MAX = 1024 * 1024
"""Ours: of one call; older output is dropped."""
UNHANDLED = "UnhandledInvocationError"
INITIALIZATION = "InitializationError"
Phase = Literal["Initialize", "Invoke", "PreStop"]
LogSink = Callable[[str, bytes], None]
"""Is given the function's name and what it printed, as it comes."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One exchange with the process."""

    header: dict[str, Any]
    body: bytes
    ok: bool
    is_broken: bool
    """The process is gone, or must go."""
    duration_ms: float


class Instance:
    """Belongs to the event loop's thread; one call at a time."""

    def __init__(
        self, function: Function, account: Account, *, instance_id: str, python: str, limits: Limits, log: LogSink
    ) -> None:
        self.instance_id = instance_id
        self.function = function
        self.is_provisioned = False
        self.is_broken = False
        self.is_initialized = False
        self.is_busy = False
        """Between the start and the end of an exchange with the process."""
        self.idle_since_ms = 0
        self._account = account
        self._limits = limits
        self._log_sink = log
        self._log = bytearray()
        self._is_over_memory = False
        self._is_frozen = False
        self._peak_mb = 0.0
        self._memory_timer: asyncio.TimerHandle
        self._process = WorkerProcess(
            python,
            folder=function.spec.code_dir,
            environment=environment_of(function, account, instance_id=instance_id),
        )
        self._process.on_output = self._print
        self._process.on_died = lambda: self.on_died(self)
        self.on_died: Callable[[Instance], None] = lambda _: None
        """Is told when the process has ended, whoever ended it."""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return not self._process.died.is_set()

    async def initialize(self, request_id: str, *, preloads: bool) -> Outcome | None:
        """Starts the function; None when it may be called, else what its caller gets. The instance is then broken."""
        spec = self.function.spec
        frame = start_frame(self.function, self._account, request_id=request_id, preloads=preloads)
        phase: Phase | None = "Initialize" if spec.initializer else None
        timeout_s = spec.initializer_timeout if spec.initializer else spec.timeout
        ended = await self._exchange(frame, b"", request_id=request_id, phase=phase, timeout_s=timeout_s)
        if ended.ok:
            self.is_initialized = True
            return None
        self.is_broken = True
        return self._outcome(ended, INITIALIZATION if spec.initializer else UNHANDLED)

    async def call(self, call: Call) -> Outcome:
        """One call. Afterwards `is_broken` says whether the instance can take another."""
        function = self.function
        frame = call_frame(function, self._account, call)
        limit_s = min(function.spec.timeout, call.timeout_s_max or math.inf)
        ended = await self._exchange(frame, call.event, request_id=call.request_id, phase="Invoke", timeout_s=limit_s)
        self.is_broken = ended.is_broken
        return self._outcome(ended, None if ended.ok else UNHANDLED)

    async def stop(self) -> None:
        """preStop, when the function has one and the instance still can; then the end of the process."""
        spec = self.function.spec
        if spec.pre_stop and self.is_initialized and self.is_alive and not self.is_broken:
            self._thaw()
            request_id = f"{self.instance_id}-stop"
            frame = start_frame(self.function, self._account, request_id=request_id, preloads=False)
            frame["kind"] = "preStop"
            timeout_s = spec.pre_stop_timeout
            await self._exchange(frame, b"", request_id=request_id, phase="PreStop", timeout_s=timeout_s)
        await self.kill()

    def signal_kill(self) -> None:
        """What `kill -9` does to the process and its children; that it is gone is noticed as in any other case."""
        self._process.signal(signal.SIGKILL)

    async def kill(self) -> None:
        self.is_broken = True
        await self._process.kill()

    # -- one exchange -------------------------------------------------------------------------------------------------
    async def _exchange(
        self, frame: dict[str, Any], body: bytes, *, request_id: str, phase: Phase | None, timeout_s: float
    ) -> Ended:
        self._thaw()
        self.is_busy = True
        if phase is not None:
            self._mark(f"FC {phase} Start RequestId: {request_id}\n")
        started, spec_mb = time.perf_counter(), self.function.spec.memory
        self._watch_memory()
        try:
            header, answer = await asyncio.wait_for(self._process.ask(frame, body), timeout_s)
            ended = Ended(header, answer, ok=bool(header["ok"]), is_broken=False, duration_ms=_since(started))
        except asyncio.TimeoutError:
            await self._process.kill(grace_ms=self._limits.kill_grace_ms)
            ended = _broken(_timed_out(phase, timeout_s), _since(started))
        except ProcessDied:
            duration_ms = _since(started)
            await self._process.kill()
            ended = _broken(self._exited(duration_ms), duration_ms)
        finally:
            self.is_busy = False
            self._memory_timer.cancel()
        self._peak_mb = max(self._peak_mb, self._process.memory_mb("peak"))
        if ended.ok and self._peak_mb > spec_mb:
            # A peak between two looks: FC's limit knows no gaps.
            self._is_over_memory = True
            await self._process.kill()
            ended = _broken(self._exited(ended.duration_ms), ended.duration_ms)
        if phase is not None:
            failure = "" if ended.ok else ", Error: Unhandled function error"
            self._mark(f"FC {phase} End RequestId: {request_id}{failure}\n")
        self._freeze()
        return ended

    def _outcome(self, ended: Ended, error_type: str | None) -> Outcome:
        """Takes the log along: the next call begins with an empty one."""
        memory = self.function.spec.memory
        self._mark(
            f"\nDuration: {ended.duration_ms:.2f} ms, Billed Duration: {math.ceil(ended.duration_ms)} ms, "
            f"Memory Size: {memory} MB, Max Memory Used: {self._peak_mb:.2f} MB\n"
        )
        log = bytes(self._log)
        self._log.clear()
        return Outcome(
            body=ended.body,
            error_type=error_type,
            log=log,
            duration_ms=ended.duration_ms,
            memory_mb=self._peak_mb,
            instance_id=self.instance_id,
            http_status=ended.header.get("status", 200),
            http_headers=tuple((name, value) for name, value in ended.header.get("headers", ())),
        )

    def _exited(self, duration_ms: float) -> str:
        if self._is_over_memory:
            limit_mb = self.function.spec.memory
            return f"Process exited unexpectedly because it used more than its memory of {limit_mb} MB " + (
                f"(duration: {duration_ms:.0f}ms, maxMemoryUsage: {self._peak_mb:.0f}MB)"
            )
        return "Process exited unexpectedly before completing request " + (
            f"(duration: {duration_ms:.0f}ms, maxMemoryUsage: {self._peak_mb:.0f}MB)"
        )

    def _watch_memory(self) -> None:
        """Looks, and looks again until the exchange ends. An address space limit would hit far too early."""
        self._peak_mb = max(self._peak_mb, self._process.memory_mb())
        if self._peak_mb > self.function.spec.memory:
            self._is_over_memory = True
            self._process.signal(signal.SIGKILL)
        self._memory_timer = asyncio.get_running_loop().call_later(MEMORY_POLL_S, self._watch_memory)

    def _print(self, printed: bytes) -> None:
        self._log += printed
        if len(self._log) > LOG_BYTES_MAX:
            del self._log[:-LOG_BYTES_MAX]
        self._log_sink(self.function.name, printed)

    def _mark(self, line: str) -> None:
        self._print(line.encode())

    def _freeze(self) -> None:
        if self._limits.freezes and self.is_alive:
            self._process.signal(signal.SIGSTOP)
            self._is_frozen = True

    def _thaw(self) -> None:
        if self._is_frozen:
            self._process.signal(signal.SIGCONT)
            self._is_frozen = False


def _broken(message: str, duration_ms: float) -> Ended:
    """The platform's own errors have a message only: error page, 2026-08."""
    body = json.dumps({"errorMessage": message}).encode()
    return Ended({}, body, ok=False, is_broken=True, duration_ms=duration_ms)


def _timed_out(phase: Phase | None, timeout_s: float) -> str:
    what = "Function initializer" if phase == "Initialize" else "Function"
    return f"{what} timed out after {timeout_s:g} seconds"


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
