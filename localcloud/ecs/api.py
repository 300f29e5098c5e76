"""ECS on the wire: a request in, a response out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import msgspec

from localcloud.account import Account
from localcloud.clock import Clock
from localcloud.ecs import rpc
from localcloud.ecs.asking import Desk
from localcloud.ecs.documents import Document
from localcloud.ecs.errors import EcsError
from localcloud.ecs.gate import Gate
from localcloud.ecs.operations_commands import COMMAND_OPERATIONS
from localcloud.ecs.operations_instances import INSTANCE_OPERATIONS
from localcloud.ecs.operations_power import POWER_OPERATIONS
from localcloud.ecs.parameters import PARAMETERS
from localcloud.ecs.rpc import Call
from localcloud.ecs.service import EcsService
from localcloud.ecs.xml import xml_of
from localcloud.http import Refusal, Request, Response
from localcloud.ids import Ids

OPERATIONS: Mapping[str, Callable[[Desk], Document]] = {
    **COMMAND_OPERATIONS,
    **INSTANCE_OPERATIONS,
    **POWER_OPERATIONS,
}
REGIONLESS = frozenset({"DescribeRegions", "RebootInstance", "StartInstance", "StopInstance"})
"""Operations that do without RegionId: alibabacloud-ecs20140526 sends none with them."""
WITHOUT_REGION = {
    "DescribeAccountAttributes": "Invalid.Parameter",
    "ListTagResources": "MissingParameter.RegionId",
    "TagResources": "MissingParameter.RegionId",
    "UntagResources": "MissingParameter.RegionId",
}
"""Codes of operations that have their own word for a missing RegionId."""
ACTIONS = Path(__file__).with_name("actions.txt")
"""Every operation of the API version 2014-05-26, by aliyun-python-sdk-ecs 4.24.83."""


class EcsEndpoint:
    """The `Endpoint` "ecs".

    `checks_signature` false: nobody has to sign. `date_clock`: what timestamps are compared with, when the service's
    clock is not the callers' (frozen, moved); None: the time of receipt.
    """

    name = "ecs"

    def __init__(
        self,
        service: EcsService,
        *,
        account: Account,
        ids: Ids,
        checks_signature: bool = True,
        date_clock: Clock | None = None,
    ) -> None:
        self._service = service
        self._account = account
        self._ids = ids
        self._gate = Gate(
            account=account, limits=service.limits, ids=ids, checks_signature=checks_signature, date_clock=date_clock
        )

    def operation(self, request: Request) -> str:
        return rpc.peek_action(request)

    async def handle(self, request: Request) -> Response:
        try:
            call = self._gate.check(request)
            document = {"RequestId": self._request_id(), **self._answer(call)}
        except EcsError as error:
            return self._error(request, error)
        return _response(200, rpc.peek_format(request), f"{call.action}Response", document)

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        code = refusal.code or ("Throttling.User" if refusal.throttle else "InternalError")
        return self._error(request, EcsError(code, refusal.message, status=refusal.status))

    def _answer(self, call: Call) -> Document:
        operation = OPERATIONS.get(call.action)
        if operation is None:
            if call.action in known_actions():
                raise EcsError("NotOffered", f"The local cloud does not offer {call.action}.")
            raise EcsError("InvalidAction.NotFound")
        if not call.region and call.action in WITHOUT_REGION:
            raise EcsError(WITHOUT_REGION[call.action], "RegionId must be given.")
        if call.region or call.action not in REGIONLESS:
            self._service.check_region(call.region)
        self._service.rates.count(call.region, call.action)
        refuses_unknown = self._service.limits.unknown_parameters == "refuse"
        PARAMETERS[call.action].check(call.parameters, refuses_unknown=refuses_unknown)
        return operation(Desk(self._service, call))

    def _error(self, request: Request, error: EcsError) -> Response:
        request_id = self._request_id()
        document = {
            "RequestId": request_id,
            "HostId": request.headers.get("host") or f"ecs.{self._account.region}.aliyuncs.com",
            "Code": error.code,
            "Message": error.message,
            "Recommend": f"https://api.aliyun.com/troubleshoot?q={quote(error.code)}&product=Ecs&requestId={request_id}",
        }
        return _response(error.status, rpc.peek_format(request), "Error", document)

    def _request_id(self) -> str:
        return self._ids.uuid("ecs.request")


@lru_cache(maxsize=1)
def known_actions() -> frozenset[str]:
    return frozenset(ACTIONS.read_text().split())


def _response(status: int, kind: str, root: str, document: Document) -> Response:
    if kind == "JSON":
        return Response(status, (("Content-Type", "application/json;charset=utf-8"),), msgspec.json.encode(document))
    return Response(status, (("Content-Type", "text/xml;charset=utf-8"),), xml_of(root, msgspec.to_builtins(document)))
