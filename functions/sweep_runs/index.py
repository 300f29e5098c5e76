"""sweep_runs: the platform's timer → whatever the rows say is overdue is woken. The safety net, not the engine."""

from __future__ import annotations

from dataclasses import asdict

from shared.app.sweep import sweep
from shared.runtime.boundary import handle_tick
from shared.runtime.compose import Composer
from shared.runtime.context import Context

_composer = Composer()


def initializer(context: Context) -> None:
    _composer.compose(context).adapters.open_rows_and_queues()


def handler(event: bytes, context: Context) -> dict[str, object]:  # noqa: ARG001  a tick carries nothing
    it = _composer.compose(context)
    return handle_tick(lambda: asdict(sweep(it.ports, it.policy)), log=it.log, clock=it.ports.clock)
