"""fire_schedules: the platform's timer → a message for what is due; queue fleetrun-firings → schedules that fire."""

from __future__ import annotations

from dataclasses import asdict

from shared.app.schedule_fire import fire
from shared.app.schedule_tick import tick
from shared.core.schedule_wake import decode_wake
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
        act=lambda message: fire(it.ports, it.policy, decode_wake(message.body)),
        log=it.log,
        clock=it.ports.clock,
    )
