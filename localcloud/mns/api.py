"""MNS on the wire: a request in, a response out; receives may wait in between."""

from __future__ import annotations

from localcloud.account import Account
from localcloud.clock import Clock
from localcloud.http import Refusal, Request, Response
from localcloud.ids import Ids
from localcloud.mns import documents_out as out
from localcloud.mns.documents_in import Documents
from localcloud.mns.errors import MnsError, out_of_range
from localcloud.mns.gate import VERSION, Gate
from localcloud.mns.operations import OPERATIONS, RECEIVES, Desk, Reply, number
from localcloud.mns.polling import LongPolls
from localcloud.mns.routes import Call, route
from localcloud.mns.service import MnsService
from localcloud.mns.values import Delivery, QueueState


class MnsEndpoint:
    """The `Endpoint` "mns".

    `checks_signature` false: no header is required. `date_clock`: what Date headers are compared with, when the
    service's clock is not the callers' (frozen, moved); None: the time of receipt.
    """

    name = "mns"

    def __init__(
        self,
        service: MnsService,
        *,
        account: Account,
        ids: Ids,
        checks_signature: bool = True,
        date_clock: Clock | None = None,
    ) -> None:
        self._service = service
        self._account = account
        self._ids = ids
        self._documents = Documents(service.limits)
        self._gate = Gate(
            account=account, limits=service.limits, checks_signature=checks_signature, date_clock=date_clock
        )
        self._polls = LongPolls(watch=service.watch, timeline=service.timeline, polls_max=service.limits.long_polls_max)

    def operation(self, request: Request) -> str:
        try:
            return route(request).operation
        except MnsError:
            return "Unknown"

    async def handle(self, request: Request) -> Response:
        try:
            self._gate.check(request)
            call = route(request)
            if call.operation in RECEIVES:
                return self._response(await self._receive(call))
            desk = Desk(self._service, self._documents, self._ids, call, self._base_url(request))
            return self._response(OPERATIONS[call.operation](desk))
        except MnsError as error:
            return self._error(request, error)

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        code = refusal.code or ("TooManyRequests" if refusal.throttle else "InternalError")
        return self._error(request, MnsError(code, refusal.message, status=refusal.status))

    async def _receive(self, call: Call) -> Reply:
        """Single and batch; waits as long as the request, or else the queue, says."""
        queue_name, limits = call.names[0], self._service.limits
        queue = self._service.queue(queue_name)
        wait_seconds = number(call, "waitseconds", "waitseconds", queue.attributes.polling_wait_seconds)
        if wait_seconds not in limits.polling_wait_seconds:
            raise out_of_range("waitseconds", limits.polling_wait_seconds.low, limits.polling_wait_seconds.high)
        count = number(call, "numofmessages", "numOfMessages", 1)
        found = self._service.receive_batch(queue_name, count)
        if not found and wait_seconds:
            found = await self._polls.wait(
                queue_name,
                queue.created_ms,
                lambda: self._take(queue, count),
                wait_ms=wait_seconds * 1000,
                is_connected=call.request.is_connected,
            )
        if not found:
            raise MnsError("MessageNotExist")
        return Reply(200, out.deliveries(found) if call.operation == "BatchReceiveMessage" else out.delivery(found[0]))

    def _take(self, queue: QueueState, count: int) -> list[Delivery]:
        """From that queue, not from one of the same name that was made since."""
        if self._service.queue(queue.name).created_ms != queue.created_ms:
            raise MnsError("QueueNotExist")
        return self._service.receive_batch(queue.name, count)

    def _response(self, reply: Reply) -> Response:
        return self._dressed(reply.status, reply.body, self._ids.hexadecimal("mns.request", 24), reply.location)

    def _error(self, request: Request, error: MnsError) -> Response:
        request_id = self._ids.hexadecimal("mns.request", 24)
        body = out.error(error, request_id=request_id, host_id=self._base_url(request))
        return self._dressed(error.status, body, request_id)

    def _dressed(self, status: int, body: bytes, request_id: str, location: str = "") -> Response:
        """Header names are spelled as real ones are: the SDK looks for `x-mns-request-id` in lower case only."""
        headers = [
            ("Content-Type", "text/xml;charset=utf-8"),
            ("x-mns-request-id", request_id),
            ("x-mns-version", VERSION),
        ]
        if location:
            headers.append(("Location", location))
        return Response(status, tuple(headers), body)

    def _base_url(self, request: Request) -> str:
        host = request.headers.get("host") or f"{self._account.account_id}.mns.{self._account.region}.aliyuncs.com"
        return f"http://{host}"
