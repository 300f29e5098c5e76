"""Tablestore over HTTP: POST /<Operation> with a protobuf message, signed; the answer signed, too.

Steps of a request: method → size → signature → operation → message → service. Every failure is the message `Error`.
Both sides refuse each other's messages when their dates are more than 15 minutes apart, as in the cloud.
"""

from __future__ import annotations

import json
import re

from localcloud.account import Account
from localcloud.clock import Clock
from localcloud.http import Refusal, Request, Response
from localcloud.ids import Ids
from localcloud.tablestore import errors
from localcloud.tablestore.errors import MESSAGE_OF_CODE, STATUS_OF_CODE, TablestoreError
from localcloud.tablestore.messages import messages, parsed
from localcloud.tablestore.operations import EMPTY_LISTS, OPERATIONS
from localcloud.tablestore.service import TablestoreService
from localcloud.tablestore.signatures import reply_headers, signing_key, verify

NAME_CHARS_MAX = 64
"""Ours: the longest real name has 24."""
OPERATION_NAME = re.compile(rf"/((?:tunnel/)?[0-9A-Za-z]{{1,{NAME_CHARS_MAX}}})\Z", re.ASCII)
"""E.g. "GetRow", "tunnel/list"."""
UNKNOWN = "Unknown"
JSON = "application/json"
THROTTLED, FAILED = "OTSServerBusy", "OTSInternalServerError"


class TablestoreEndpoint:
    """`Endpoint` of a service.

    With `checks_signature` false everybody is let in; replies are signed with our secret all the same, because the SDKs
    insist on it.
    `date_clock` is the clock that the dates of requests and replies are measured with, the service's own by default.
    The SDK compares the reply's date with its machine's clock: hand in a `SystemClock` where ours may be moved.
    """

    name = "tablestore"

    def __init__(
        self,
        service: TablestoreService,
        *,
        account: Account,
        ids: Ids,
        checks_signature: bool = True,
        date_clock: Clock | None = None,
    ) -> None:
        self._service = service
        self._account = account
        self._ids = ids
        self._checks_signature = checks_signature
        self._date_clock = date_clock or service.timeline.clock

    def operation(self, request: Request) -> str:
        """The end of the path: what an endpoint's address adds before it is not signed, and not read."""
        found = OPERATION_NAME.search(request.path)
        return found.group(1) if found is not None else UNKNOWN

    async def handle(self, request: Request) -> Response:
        operation = self.operation(request)
        try:
            body = self._answer(request, operation)
        except TablestoreError as error:
            return self._error(request, operation, error)
        return self._reply(request, operation, 200, body)

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        """Throttled: OTSServerBusy; else OTSInternalServerError."""
        code = refusal.code or (THROTTLED if refusal.throttle else FAILED)
        status = refusal.status or STATUS_OF_CODE.get(code, 500)
        message = refusal.message or MESSAGE_OF_CODE.get(code, "Refused by order of the local cloud.")
        return self._error(request, self.operation(request), TablestoreError(code, status, message))

    def _answer(self, request: Request, operation: str) -> bytes:
        if request.method != "POST":
            raise errors.method_not_allowed()
        if len(request.body) > self._service.limits.body_bytes_max:
            raise errors.body_too_large()
        if self._checks_signature:
            verify(request, operation, self._account, limits=self._service.limits, now_ms=self._date_clock.now_ms())
        if operation in EMPTY_LISTS:
            return b""
        act = OPERATIONS.get(operation)
        if act is None:
            raise errors.unsupported(request.path[1 : 1 + NAME_CHARS_MAX] if operation == UNKNOWN else operation)
        known = messages().table
        response = getattr(known, f"{operation}Response")()
        kind = getattr(known, f"{operation}Request")
        message = parsed(kind, request.body, failure="Parse PBMessage from RawString failed.")
        act(self._service, message, response)
        answer: bytes = response.SerializeToString()
        return answer

    def _error(self, request: Request, operation: str, error: TablestoreError) -> Response:
        if request.headers.get("content-type", "").startswith(JSON):
            # Knowledge bases and memory stores speak JSON, their errors, too: client.py of the Python SDK 6.4.8.
            body = json.dumps({"code": error.code, "message": error.message}).encode()
        else:
            body = messages().table.Error(code=error.code, message=error.message).SerializeToString()
        return self._reply(request, operation, error.status, body)

    def _reply(self, request: Request, operation: str, status: int, body: bytes) -> Response:
        caller = request.headers.get("x-ots-accesskeyid")
        is_known = caller == self._account.access_key_id or (caller is not None and not self._checks_signature)
        headers = reply_headers(
            operation,
            body,
            request_id=self._ids.uuid("tablestore.requests").lower(),
            now_ms=self._date_clock.now_ms(),
            signer=(caller, signing_key(request.headers, self._account)) if caller is not None and is_known else None,
        )
        return Response(status, headers, body)
