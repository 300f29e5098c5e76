"""advance_runs: queue fleetrun-wakeups → each run named there is moved one step."""

from __future__ import annotations

from shared.app.advance import advance
from shared.core.wakeups import decode_wakeup
from shared.runtime.boundary import handle_batch
from shared.runtime.compose import Composer
from shared.runtime.context import Context

_composer = Composer()


def initializer(context: Context) -> None:
    it = _composer.compose(context)
    it.adapters.open_all(it.policy.region)


def handler(event: bytes, context: Context) -> dict[str, object]:
    it = _composer.compose(context)
    return handle_batch(
        event,
        request_id=context.request_id,
        act=lambda message: advance(it.ports, it.policy, decode_wakeup(message.body)),
        log=it.log,
        clock=it.ports.clock,
    )
