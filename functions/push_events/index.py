"""push_events: queue fleetrun-pushes (the topic's events, and tries to come) → POST to who subscribed to them."""

from __future__ import annotations

from shared.app.push import Rounds, push_event
from shared.runtime.boundary import handle_batch
from shared.runtime.compose import Composer
from shared.runtime.context import Context

_composer = Composer()


def initializer(context: Context) -> None:
    _composer.compose(context).adapters.open_rows_and_queues()


def handler(event: bytes, context: Context) -> dict[str, object]:
    it = _composer.compose(context)
    rounds = Rounds()
    return handle_batch(
        event,
        request_id=context.request_id,
        act=lambda message: push_event(it.ports, message, rounds),
        log=it.log,
        clock=it.ports.clock,
    )
