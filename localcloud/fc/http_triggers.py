"""Answers calls of HTTP triggers: `/2016-08-15/proxy/<service>[.<qualifier>]/<function>/<path>`.

Source: HTTP trigger pages (056, 028), 2026-08. A failing function is a 502 for the client; what failed is in the log.
"""

from __future__ import annotations

from localcloud.fc.errors import FcError, invalid
from localcloud.fc.gate import Gate
from localcloud.fc.http_calls import event_of, http_request, response_of_event, response_of_wsgi
from localcloud.fc.http_config import read_http_config
from localcloud.fc.limits import ASYNC_BYTES_MAX, SYNC_BYTES_MAX
from localcloud.fc.routes import WireCall
from localcloud.fc.service import FcService
from localcloud.http import Response


async def answer(service: FcService, gate: Gate, call: WireCall, *, request_id: str) -> Response:
    """Raises FcError."""
    request = call.request
    record = service.functions.find_in(call.names["service"], call.names["function"])
    trigger = service.triggers.http_of(record.key, call.qualifier)
    if trigger is None:
        under = f" under '{call.qualifier}'" if call.qualifier else ""
        raise FcError("TriggerNotFound", f"the function '{record.function.name}' has no HTTP trigger{under}")
    config = read_http_config(trigger.spec.config)
    if config.disables_url and not call.is_by_domain:
        raise FcError("AccessDenied", "the trigger's URL is disabled")
    if request.method not in config.methods:
        raise FcError(
            "MethodNotAllowed", f"method '{request.method}' is not allowed, {', '.join(config.methods)} is", status=405
        )
    is_signed = config.auth_type == "function"
    if is_signed:
        gate.check_http_trigger(request)
    http = http_request(request, call.rest, is_signed=is_signed)
    is_event = record.function.spec.http_form == "event"
    event = request.body
    if is_event:
        event = event_of(
            http,
            account=service.account,
            function_id=record.function_id,
            request_id=request_id,
            now_ms=service.timeline.clock.now_ms(),
            host=request.headers.get("host", ""),
        )
    qualifier = call.qualifier
    is_async = request.headers.get("x-fc-invocation-type", "").lower() == "async"
    bytes_max, size = ASYNC_BYTES_MAX if is_async else SYNC_BYTES_MAX, len(request.body)
    if size > bytes_max:
        raise invalid(f"the body has {size} bytes, at most {bytes_max}")
    sent_as = None if is_event else http
    if is_async:
        service.invoke_async(
            record.key, event, request_id=request_id, qualifier=qualifier, http=sent_as, payload_bytes=size
        )
        return Response(202, (("X-Fc-Request-Id", request_id),))
    outcome = await service.invoke(
        record.key, event, request_id=request_id, qualifier=qualifier, http=sent_as, payload_bytes=size
    )
    if outcome.error_type is not None:
        return failed(request_id)
    shown = response_of_event if is_event else response_of_wsgi
    return shown(outcome, request_id=request_id)


def failed(request_id: str) -> Response:
    """Plain text under the type of JSON, as the page shows it."""
    headers = (("Content-Type", "application/json"), ("X-Fc-Request-Id", request_id))
    return Response(502, headers, b"Internal Server Error")
