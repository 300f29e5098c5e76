"""Asynchronous calls: accepted, kept, tried until the function succeeds or patience ends, then told to a destination.

    accepted → (delay) → attempt → done → onSuccess
                            │ function error: repeated up to maxAsyncRetryAttempts times
                            │ 429, 5xx: 0.5 s, 1 s, 2 s … for up to five hours
                            └ too old, or no retries left → onFailure

Source: pages 064 and 151, 2026-08. An accepted call is in the journal until it has ended: at least once, not once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from localcloud.fc.destinations import Destinations, Ending
from localcloud.fc.errors import FcError, too_large
from localcloud.fc.limits import (
    ASYNC_AGE_S_DEFAULT,
    ASYNC_BYTES_MAX,
    ASYNC_DELAY_S_MAX,
    ASYNC_RETRIES_DEFAULT,
    TASK_IDS_KEPT,
    THROTTLED_FIRST_MS,
    THROTTLED_MS_MAX,
    Limits,
)
from localcloud.fc.runtimes import check_runs
from localcloud.fc.tasks import Background
from localcloud.fc.values import AsyncConfig, Call, Function, HttpRequest, Outcome
from localcloud.journal import Journal

CALLS = "fc.calls"
TASKS = "fc.tasks"


@dataclass(frozen=True, slots=True)
class AsyncCall:
    """An accepted call, as it is kept."""

    function_key: str
    qualifier: str
    request_id: str
    event: bytes
    accepted_ms: int
    due_ms: int
    failures: int = 0
    """Attempts that ended with a function error."""
    throttles: int = 0
    """Attempts that the platform refused, since the last that it did not."""
    throttled_since_ms: int | None = None
    http: HttpRequest | None = None
    """Of a call of an HTTP trigger of FC 2.0."""


@dataclass(frozen=True, slots=True)
class AsyncPorts:
    """`resolve` finds function and configuration by key and qualifier; raises FcError when there is none."""

    background: Background
    journal: Journal
    limits: Limits
    destinations: Destinations
    resolve: Callable[[str, str], tuple[Function, AsyncConfig]]
    run: Callable[[Function, Call], Awaitable[Outcome]]


class AsyncQueue:
    """The calls that were accepted and have not ended."""

    def __init__(self, ports: AsyncPorts) -> None:
        self._ports = ports
        self._calls: dict[str, AsyncCall] = {}
        self._task_ids: OrderedDict[str, None] = OrderedDict()

    def restore(self) -> None:
        """Goes on with what an earlier process had accepted."""
        self._task_ids.update((name, None) for name, _ in self._ports.journal.load(TASKS, bool))
        for _, call in list(self._ports.journal.load(CALLS, AsyncCall)):
            self._keep(call)
            self._schedule(call)

    def accept(
        self,
        key: str,
        event: bytes,
        *,
        request_id: str,
        qualifier: str = "",
        delay_s: int = 0,
        task_id: str = "",
        http: HttpRequest | None = None,
        payload_bytes: int | None = None,
    ) -> None:
        """`payload_bytes`: of what the caller sent, where the event is made of it.

        Raises FcError: EntityTooLarge, InvalidArgument, StatefulAsyncInvocationAlreadyExists, FunctionNotFound,
        NotImplemented.
        """
        function, _ = self._ports.resolve(key, qualifier)
        check_runs(function.spec.runtime)
        if (len(event) if payload_bytes is None else payload_bytes) > ASYNC_BYTES_MAX:
            raise too_large(ASYNC_BYTES_MAX)
        if not 0 <= delay_s <= ASYNC_DELAY_S_MAX:
            raise FcError("InvalidArgument", f"x-fc-async-delay must lie from 0 to {ASYNC_DELAY_S_MAX}")
        self._check_task(function, task_id)
        now_ms = self._ports.background.timeline.clock.now_ms()
        due_ms = now_ms + delay_s * 1000
        call = AsyncCall(key, qualifier, request_id, event, accepted_ms=now_ms, due_ms=due_ms, http=http)
        self._keep(call)
        self._schedule(call)

    def state(self) -> list[dict[str, Any]]:
        """What waits or runs, without payloads."""
        return [
            {"requestId": call.request_id, "function": call.function_key, "failures": call.failures}
            for call in self._calls.values()
        ]

    # -- steps --------------------------------------------------------------------------------------------------------
    def _check_task(self, function: Function, task_id: str) -> None:
        if not task_id:
            return
        name = f"{function.key}/{task_id}"
        if name in self._task_ids:
            raise FcError("StatefulAsyncInvocationAlreadyExists", f"the task {task_id!r} exists already")
        self._task_ids[name] = None
        self._ports.journal.put(TASKS, name, True)
        if len(self._task_ids) > TASK_IDS_KEPT:
            oldest, _ = self._task_ids.popitem(last=False)
            self._ports.journal.drop(TASKS, oldest)

    def _schedule(self, call: AsyncCall) -> None:
        background = self._ports.background
        if call.due_ms <= background.timeline.clock.now_ms():
            self._begin(call)
        else:
            background.timeline.at(call.due_ms, lambda: self._begin(call))

    def _begin(self, call: AsyncCall) -> None:
        self._ports.background.start(self._attempt(call))

    async def _attempt(self, call: AsyncCall) -> None:
        try:
            function, config = self._ports.resolve(call.function_key, call.qualifier)
        except FcError:
            # Deleted meanwhile: nobody is left to run, and nobody to tell.
            self._forget(call)
            return
        if self._age_ms(call) > _age_ms_max(config):
            self._fail(call, function, config, condition="MaximumEventAgeExceeded", outcome=None)
            return
        try:
            made = Call(call.event, call.request_id, retry_count=call.failures, http=call.http)
            outcome = await self._ports.run(function, made)
        except FcError as error:
            self._refused(call, function, config, error)
            return
        if outcome.error_type is None:
            self._end(
                call, config.on_success, Ending(function, call.request_id, call.event, "", _attempts(call), outcome)
            )
        else:
            self._failed(call, function, config, outcome)

    def _failed(self, call: AsyncCall, function: Function, config: AsyncConfig, outcome: Outcome) -> None:
        """A function error. The pause before the next attempt is not documented: see Limits.async_retry_ms."""
        retries_max = ASYNC_RETRIES_DEFAULT if config.retries_max is None else config.retries_max
        if call.failures >= retries_max:
            self._fail(call, function, config, condition=outcome.error_type or "", outcome=outcome)
            return
        pause_ms = self._ports.limits.async_retry_ms << call.failures
        again = replace(call, failures=call.failures + 1, throttles=0, throttled_since_ms=None)
        self._again(again, pause_ms)

    def _refused(self, call: AsyncCall, function: Function, config: AsyncConfig, error: FcError) -> None:
        """The platform said no: 429 and 5xx are tried again, anything else is the end."""
        now_ms = self._ports.background.timeline.clock.now_ms()
        since_ms = now_ms if call.throttled_since_ms is None else call.throttled_since_ms
        if not error.is_passing or now_ms - since_ms > THROTTLED_MS_MAX:
            condition = "FunctionResourceExhausted" if error.status == 429 else error.code
            self._fail(call, function, config, condition=condition, outcome=None)
            return
        again = replace(call, throttles=call.throttles + 1, throttled_since_ms=since_ms)
        self._again(again, min(THROTTLED_FIRST_MS << min(call.throttles, 20), THROTTLED_MS_MAX))

    def _again(self, call: AsyncCall, pause_ms: int) -> None:
        call = replace(call, due_ms=self._ports.background.timeline.clock.now_ms() + pause_ms)
        self._keep(call)
        self._schedule(call)

    def _fail(
        self, call: AsyncCall, function: Function, config: AsyncConfig, *, condition: str, outcome: Outcome | None
    ) -> None:
        ending = Ending(function, call.request_id, call.event, condition, _attempts(call), outcome)
        self._end(call, config.on_failure, ending)

    def _end(self, call: AsyncCall, destination: str, ending: Ending) -> None:
        now_ms = self._ports.background.timeline.clock.now_ms()
        self._ports.destinations.tell(destination, ending, now_ms=now_ms)
        self._forget(call)

    def _age_ms(self, call: AsyncCall) -> int:
        return self._ports.background.timeline.clock.now_ms() - call.accepted_ms

    def _keep(self, call: AsyncCall) -> None:
        self._calls[call.request_id] = call
        self._ports.journal.put(CALLS, call.request_id, call)

    def _forget(self, call: AsyncCall) -> None:
        self._calls.pop(call.request_id, None)
        self._ports.journal.drop(CALLS, call.request_id)


def _attempts(call: AsyncCall) -> int:
    return call.failures + 1


def _age_ms_max(config: AsyncConfig) -> int:
    return (ASYNC_AGE_S_DEFAULT if config.age_s_max is None else config.age_s_max) * 1000
