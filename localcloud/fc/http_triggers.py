"""Answers calls of HTTP triggers: `/2016-08-15/proxy/<service>[.<qualifier>]/<function>/<path>`.

Source: HTTP trigger pages (056, 028), 2026-08. A failing function is a 502 for the client; what failed is in the log.
"""

from __future__ import annotations

from localcloud.fc.errors import FcError
from localcloud.fc.gate import Gate
from localcloud.fc.http_calls import event_of, http_request, response_of_event, response_of_wsgi
from localcloud.fc.http_config import read_http_config
from localcloud.fc.limits import SYNC_BYTES_MAX
from localcloud.fc.routes import WireCall
from localcloud.fc.service import FcService
from localcloud.http import Response


async def answer(service: FcService, gate: Gate, call: WireCall, *, request_id: str) -> Response:
    """Raises FcError."""
    request = call.request
    record = service.functions.find_in(call.names["service"], call.names["function"])
    trigger = service.triggers.http_of(record.key)
    if trigger is None:
        raise FcError("TriggerNotFound", f"the function '{record.function.name}' has no HTTP trigger")
    config = read_http_config(trigger.spec.config)
    if config.disables_url:
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
    qualifier = call.qualifier or trigger.spec.qualifier
    if request.headers.get("x-fc-invocation-type", "").lower() == "async":
        service.invoke_async(record.key, event, request_id=request_id, qualifier=qualifier)
        return Response(202, (("X-Fc-Request-Id", request_id),))
    if len(request.body) > SYNC_BYTES_MAX:
        raise FcError("InvalidArgument", f"the body has {len(request.body)} bytes, at most {SYNC_BYTES_MAX}")
    outcome = await service.invoke(
        record.key, event, request_id=request_id, qualifier=qualifier, http=None if is_event else http
    )
    if outcome.error_type is not None:
        raise FcError("FunctionFailed", "Internal Server Error", status=502)
    shown = response_of_event if is_event else response_of_wsgi
    return shown(outcome, request_id=request_id)
