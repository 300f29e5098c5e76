"""The edge of serve_http: Function Compute's event → a call of the web application → what the platform sends on."""

from __future__ import annotations

import msgspec

from shared.core import limits
from shared.core.errors import Refused
from shared.runtime.boundary import place_of
from shared.runtime.compose import Composition
from shared.runtime.context import Context
from shared.web.application import AUTHENTICATOR, REPORT, REQUEST_ID, SCOPE, STRANGER
from shared.web.authentication import Gate
from shared.web.bridge import Wsgi, decode_event, serve
from shared.web.scope import Scope

_GATE = Gate()
"""Counts who comes how often, as long as the instance lives."""


def handle_http(payload: bytes, context: Context, it: Composition, application: Wsgi) -> bytes:
    """One call. An exception would be a bare 502 for the client, so there is none."""
    clock = it.ports.clock
    started_ms = clock.now_ms()
    try:
        event = decode_event(payload)
    except Refused as error:
        it.log.error("http.no_event", reason=error.message)
        return msgspec.json.encode({"statusCode": 400, "body": '{"title":"Bad Request","status":400}'})
    report: dict[str, object] = {}
    answer = serve(
        application,
        event,
        {
            SCOPE: scope_of(it, until_ms=started_ms + int(context.function.timeout) * 1000 - limits.WAIT_MARGIN_MS),
            AUTHENTICATOR: lambda parts: _GATE.authenticate(parts, ports=it.ports),
            STRANGER: lambda address: _GATE.count_stranger(address, now_ms=clock.now_ms()),
            REQUEST_ID: context.request_id,
            REPORT: report,
        },
    )
    crash = report.pop("crash", None)
    if isinstance(crash, BaseException):
        it.log.error("http.crashed", **report, **place_of(crash))
    it.log(
        "http.answered",
        **report,
        method=event.context.http.method,
        status=answer["statusCode"],
        duration_ms=clock.now_ms() - started_ms,
    )
    return msgspec.json.encode(answer)


def scope_of(it: Composition, *, until_ms: int) -> Scope:
    from shared.adapters.system import sleep_ms

    return Scope(
        ports=it.ports,
        policy=it.policy,
        runs=it.adapters.runs,
        quota=it.adapters.quota,
        library=it.adapters.library,
        sleep_ms=sleep_ms,
        until_ms=until_ms,
    )
