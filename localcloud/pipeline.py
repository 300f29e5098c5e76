"""The way of a request: receive → route → name → faults → handle → faults → journal → log → answer.

Each step of `Pipeline.answer` is one line of it. The control endpoints take the short way: no faults, no log.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from localcloud.clock import Timeline
from localcloud.faults import NO_HARM, FaultPlan, Harm
from localcloud.http import Endpoint, Refusal, Request, Response
from localcloud.journal import Journal
from localcloud.request_log import RequestLog

CONTROL = "/_local/"
FC_PATHS = ("/2016-08-15/", "/2023-03-30/", "/proxy/")


def route(request: Request) -> str:
    """The service that a request is for. All live on one port; path and headers tell them apart."""
    headers = request.headers
    if request.path.startswith(CONTROL):
        return "control"
    if request.path.startswith(FC_PATHS):
        return "fc"
    if "x-ots-instancename" in headers or "x-ots-apiversion" in headers:
        return "tablestore"
    if "x-mns-version" in headers or headers.get("authorization", "").startswith(("MNS ", "MNS4-")):
        return "mns"
    return "ecs"


class Pipeline:
    """Answers requests. One for the life of the server; what it works on can be exchanged (by a reset)."""

    def __init__(
        self,
        *,
        endpoints: Mapping[str, Endpoint],
        control: Callable[[Request], Awaitable[Response]],
        timeline: Timeline,
        faults: FaultPlan,
        journal: Journal,
        log: RequestLog,
    ) -> None:
        self.endpoints = endpoints
        self.control = control
        self.timeline = timeline
        self.faults = faults
        self.journal = journal
        self.log = log
        self.is_custom_domain: Callable[[Request], bool] = lambda _: False
        """Whether a request is Function Compute's by the host that it is sent to."""
        self.aliases: Mapping[str, str] = {}
        """Beginnings of paths that stand for longer ones: `/api/` for an HTTP trigger's."""

    async def answer(self, request: Request) -> Response | None:
        """None: close the connection without an answer."""
        service = route(request)
        if service != "control" and self.is_custom_domain(request):
            service = "fc"
        elif (meant := self._unaliased(request)) is not request:
            request, service = meant, route(meant)
        self.timeline.run_due()
        if service == "control":
            return await self._control(request)
        started = time.perf_counter()
        endpoint = self.endpoints.get(service)
        if endpoint is None:
            return Response(501, (("Content-Type", "text/plain"),), f"{service} is not part of this cloud\n".encode())
        operation = endpoint.operation(request)
        harm = self.faults.harm(service, operation, request.path)
        response = await self._before(endpoint, request, harm)
        if response is None and not harm.close_before:
            response = await self._handle(endpoint, request)
            response = self._after(endpoint, request, response, harm)
        self.journal.flush()
        self.log.add(
            request,
            response,
            service=service,
            operation=operation,
            duration_ms=(time.perf_counter() - started) * 1000,
            faults=harm.rule_ids,
        )
        return response

    def _unaliased(self, request: Request) -> Request:
        for alias, path in self.aliases.items():
            if request.path.startswith(alias):
                return replace(request, path=path + request.path.removeprefix(alias))
        return request

    async def _before(self, endpoint: Endpoint, request: Request, harm: Harm) -> Response | None:
        """The answer of a request that shall fail before it has an effect."""
        if harm is NO_HARM:
            return None
        if harm.delay_ms:
            await asyncio.sleep(harm.delay_ms / 1000)
        if harm.close_before or harm.refuse_before is None:
            return None
        return endpoint.refuse(request, harm.refuse_before)

    async def _handle(self, endpoint: Endpoint, request: Request) -> Response:
        try:
            return await endpoint.handle(request)
        except Exception:  # noqa: BLE001  a bug of a double: said aloud, and in the protocol's own words
            traceback.print_exc(file=sys.stderr)
            message = "The local cloud has a bug; its log has the traceback."
            return endpoint.refuse(request, Refusal(status=500, message=message))

    def _after(self, endpoint: Endpoint, request: Request, response: Response, harm: Harm) -> Response | None:
        if harm.lose_reply:
            return None
        return endpoint.refuse(request, harm.refuse_after) if harm.refuse_after is not None else response

    async def _control(self, request: Request) -> Response:
        response = await self.control(request)
        self.journal.flush()
        return response
