"""accept_requests: queue fleetrun-requests, a timer's payload or a direct call → runs, or rejections."""

from __future__ import annotations

from shared.app.isolate import broken_last, receive_or_isolate
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
        act=lambda message: receive_or_isolate(it.ports, it.policy, message),
        order=lambda messages: broken_last(it.ports, messages),
        log=it.log,
        clock=it.ports.clock,
    )
