"""InvokeFunction on the wire, the same in both APIs: headers say how, the body is the event.

Source: pages 064 and 135, 2026-08; aliyun-fc2 2.5.2; response headers as seen in the wild (not in the pages).
"""

from __future__ import annotations

import base64

from localcloud.fc.desk import whole_number
from localcloud.fc.errors import invalid
from localcloud.fc.limits import LOG_TAIL_BYTES
from localcloud.fc.service import FcService
from localcloud.fc.values import Outcome
from localcloud.http import Request, Response

TASK_HEADERS = ("x-fc-async-task-id", "x-fc-stateful-async-invocation-id")
"""FC 3.0's and FC 2.0's name of the header."""


async def invoke(service: FcService, request: Request, *, key: str, qualifier: str, request_id: str) -> Response:
    """Raises FcError."""
    headers = request.headers
    kind = _choice(request, "x-fc-invocation-type", ("Sync", "Async"))
    log_type = _choice(request, "x-fc-log-type", ("None", "Tail"))
    if kind == "Async":
        task_id = next((headers[name] for name in TASK_HEADERS if headers.get(name)), "")
        service.invoke_async(
            key, request.body, request_id=request_id, qualifier=qualifier, delay_s=_delay_s(request), task_id=task_id
        )
        return Response(202, (("X-Fc-Request-Id", request_id),))
    outcome = await service.invoke(key, request.body, request_id=request_id, qualifier=qualifier)
    return answer(outcome, request_id=request_id, shows_log=log_type == "Tail")


def answer(outcome: Outcome, *, request_id: str, shows_log: bool) -> Response:
    """A function's own failure is 200 too: the header X-Fc-Error-Type tells."""
    headers = [
        ("Content-Type", "application/octet-stream"),
        ("X-Fc-Request-Id", request_id),
        ("X-Fc-Instance-Id", outcome.instance_id),
        ("X-Fc-Invocation-Duration", str(round(outcome.duration_ms))),
        ("X-Fc-Max-Memory-Usage", f"{outcome.memory_mb:.2f}"),
    ]
    if outcome.error_type is not None:
        headers.append(("X-Fc-Error-Type", outcome.error_type))
    if shows_log:
        headers.append(("X-Fc-Log-Result", base64.b64encode(outcome.log[-LOG_TAIL_BYTES:]).decode()))
    return Response(200, tuple(headers), outcome.body)


def _choice(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    """The first of `allowed` when the header is not there; case does not matter."""
    value = request.headers.get(name, "")
    if not value:
        return allowed[0]
    for one in allowed:
        if value.lower() == one.lower():
            return one
    raise invalid(f"{name} is {value!r}, it must be one of {', '.join(allowed)}")


def _delay_s(request: Request) -> int:
    text = request.headers.get("x-fc-async-delay", "")
    if not text:
        return 0
    seconds = whole_number(text)
    if seconds is None:
        raise invalid(f"x-fc-async-delay is {text[:40]!r}, a number of seconds is needed")
    return seconds
