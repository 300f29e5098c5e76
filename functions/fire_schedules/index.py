"""fire_schedules: the platform's timer → a message for what is due; queue fleetrun-firings → schedules that fire."""

from __future__ import annotations

from dataclasses import asdict

from shared.app.isolate import broken_schedules_last, fire_or_isolate
from shared.app.schedule_tick import tick
from shared.runtime.boundary import handle_batch, handle_tick
from shared.runtime.compose import Composer
from shared.runtime.context import Context
from shared.runtime.triggers import is_timer

_composer = Composer()


def initializer(context: Context) -> None:
    _composer.compose(context).adapters.open_rows_and_queues()


def handler(event: bytes, context: Context) -> dict[str, object]:
    it = _composer.compose(context)
    if is_timer(event):
        return handle_tick(lambda: asdict(tick(it.ports, it.policy)), log=it.log, clock=it.ports.clock)
    return handle_batch(
        event,
        request_id=context.request_id,
        act=lambda message: fire_or_isolate(it.ports, it.policy, message),
        order=lambda messages: broken_schedules_last(it.ports, messages),
        log=it.log,
        clock=it.ports.clock,
    )
