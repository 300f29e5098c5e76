"""Function Compute on the wire: a request of either API, or of an HTTP trigger, in; a response out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localcloud.account import Account
from localcloud.clock import Clock
from localcloud.fc import http_triggers
from localcloud.fc.code import download
from localcloud.fc.desk import Desk
from localcloud.fc.domains import Domain
from localcloud.fc.errors import FcError, statuses
from localcloud.fc.gate import Gate
from localcloud.fc.invoking import invoke
from localcloud.fc.operations import OPERATIONS
from localcloud.fc.operations_domains import called_by_domain
from localcloud.fc.routes import DOWNLOAD, NEW, OLD, PROXY, WireCall, route, version_of
from localcloud.fc.service import FcService
from localcloud.http import Refusal, Request, Response
from localcloud.ids import Ids


class FcEndpoint:
    """The `Endpoint` "fc".

    `checks_signature` false: no signature is required. `date_clock`: what signed dates are compared with, when the
    service's clock is not the callers' (frozen, moved); None: the time of receipt.
    """

    name = "fc"

    def __init__(
        self,
        service: FcService,
        *,
        account: Account,
        ids: Ids,
        checks_signature: bool = True,
        date_clock: Clock | None = None,
    ) -> None:
        self._service = service
        self._ids = ids
        self._statuses = statuses(service.limits)
        self._gate = Gate(
            account=account, limits=service.limits, checks_signature=checks_signature, date_clock=date_clock
        )

    def operation(self, request: Request) -> str:
        try:
            return self._route(request).operation
        except FcError:
            return "Unknown"

    def _domain(self, request: Request) -> Domain | None:
        """The custom domain that a request is sent to, whatever its path looks like."""
        return self._service.domains.of_host(request.headers.get("host", ""))

    def _route(self, request: Request) -> WireCall:
        domain = self._domain(request)
        return route(request) if domain is None else called_by_domain(domain, request)

    async def handle(self, request: Request) -> Response:
        request_id = self._request_id(request)
        try:
            call = self._route(request)
            if call.operation == PROXY:
                return await http_triggers.answer(self._service, self._gate, call, request_id=request_id)
            if call.operation == DOWNLOAD:
                return download(self._service, call)
            self._gate.check(request)
            if call.operation == "InvokeFunction":
                key = self._key(call)
                return await invoke(self._service, call, key=key, request_id=request_id)
            return self._administer(call, request_id, changes=request.method != "GET")
        except FcError as error:
            return self._error(request, error, request_id)

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        code = refusal.code or ("ResourceThrottled" if refusal.throttle else "InternalServerError")
        error = FcError.named(code, refusal.message or "the local cloud was told to refuse this", status=refusal.status)
        return self._error(request, error, self._request_id(request), status=refusal.status)

    def _request_id(self, request: Request) -> str:
        """Of API 2016-08-15 a UUID; HTTP triggers have FC 3.0's form, though they stand under its path."""
        is_api = request.path.startswith(f"/{OLD}/") and not request.path.startswith(f"/{OLD}/proxy/")
        if not is_api or self._domain(request) is not None:
            return self._service.new_request_id()
        return self._ids.uuid("fc.request").lower()

    def _key(self, call: WireCall) -> str:
        """Of the function that the path names."""
        functions = self._service.functions
        if call.version == OLD:
            return functions.find_in(call.names["service"], call.names["function"]).key
        return functions.find(call.names["function"]).key

    def _administer(self, call: WireCall, request_id: str, *, changes: bool) -> Response:
        operation = OPERATIONS[call.version].get(call.operation)
        if operation is None:
            raise FcError("NotImplemented", f"the local cloud does not offer {call.operation} of API {call.version}")
        try:
            reply = operation(Desk(self._service, call, request_id))
        finally:
            if changes:
                self._service.kept.note()
        headers = [("X-Fc-Request-Id", request_id)]
        if reply.etag:
            headers.append(("Etag", reply.etag))
        if reply.value is None:
            return Response(204, tuple(headers))
        return Response(200, (("Content-Type", "application/json"), *headers), _compact(reply.value))

    def _error(self, request: Request, error: FcError, request_id: str, *, status: int | None = None) -> Response:
        """Always JSON: aliyun-fc2 reads every error page as such. `status`: one that was ordered."""
        told: dict[str, str]
        if version_of(request) == NEW:
            told = {"RequestId": request_id, "Code": error.code, "Message": error.message}
        else:
            told = {"ErrorCode": error.code, "ErrorMessage": error.message}
        body = _compact(told)
        status = status or self._statuses.get(error.code, error.status)
        return Response(status, (("Content-Type", "application/json"), ("X-Fc-Request-Id", request_id)), body)


def _compact(value: Mapping[str, Any]) -> bytes:
    """JSON as the service writes it: some clients look for pieces of its text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
