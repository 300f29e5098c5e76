"""One call to ECS: client, endpoint, signature; what came back as a value or as one of our error families.

Traps of aliyun-python-sdk-core 2.16.1 that are met here and nowhere else: it repeats some calls itself (off); it talks
plain HTTP unless told; it ignores NO_PROXY; a request object must not be used twice; the text of a network error holds
the whole URL (so scripts and parameters travel in the body, and the text is never passed on).
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from shared.adapters import limits
from shared.adapters.credentials import Credentials
from shared.adapters.patience import Patience
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome

_NOT_NOW = frozenset({"ServiceUnavailable", "ServiceUnavailable.RegionMaintaining", "OperationConflict"})
_IN_PROGRESS = frozenset({"IdempotentProcessing", "LastTokenProcessing"})
_TOO_OLD = frozenset({"InvalidSecurityToken.Expired", "InvalidTimeStamp.Expired"})
"""Signed long before it arrived (the instance was frozen on the way) or with keys that have just changed. Nothing was
done, and the same call signed anew is good: no reason to give up a run."""
_NEVER_LEFT = ("NewConnectionError", "ConnectTimeoutError", "NameResolutionError", "certificate verify failed")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


def new_request(action: str) -> Any:
    """A fresh request object of the SDK: `new_request("InvokeCommand")`. Imported late: each function needs few."""
    module = import_module(f"aliyunsdkecs.request.v20140526.{action}Request")
    return getattr(module, f"{action}Request")()


def tags_of(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


class EcsCalls:
    """Makes calls in any region. Safe for threads: one AcsClient per region, its pool as wide as our lanes.

    A request names its region, so that whoever sends requests could fill the memory with clients: the ones used last
    are kept.

    `endpoint` may hold `{region}`, e.g. `https://ecs.{region}.aliyuncs.com`, or be one address for all regions.
    """

    def __init__(self, endpoint: str, credentials: Credentials, patience: Patience) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._patience = patience
        self._clients: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, region: str) -> None:
        """Imports the SDK and makes the region's client; sends nothing."""
        self._client(region)

    def read(self, region: str, request: Any) -> dict[str, Any]:
        """The answer's JSON; repeated a few times while ECS is busy. Raises Refused, Unavailable.

        One request object for all tries is wrong (it grows): the caller's is copied by its parameters.
        """
        return self._patience.repeat(lambda: self._call(region, _copy_of(request), effect=False))

    def write(self, region: str, request: Any) -> dict[str, Any]:
        """The answer's JSON; one try, the caller decides about more. Raises Refused, Unavailable, UnknownOutcome."""
        return self._call(region, request, effect=True)

    def pages(self, region: str, request: Any) -> Iterator[dict[str, Any]]:
        """The answers of all pages, by NextToken ("" , null and none at all mean the last)."""
        token = ""
        for _ in range(limits.PAGES_MAX):
            page_request = _copy_of(request)
            if token:
                page_request.set_NextToken(token)
            answer = self.read(region, page_request)
            yield answer
            token = answer.get("NextToken") or ""
            if not token:
                return
        raise Unavailable(
            f"{request.get_action_name()} did not end after {limits.PAGES_MAX} pages", code="EndlessPages"
        )

    def _call(self, region: str, request: Any, *, effect: bool) -> dict[str, Any]:
        from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException

        action = request.get_action_name()
        request.set_protocol_type(self._scheme(region))
        try:
            body = self._client(region).do_action_with_exception(request)
        except ServerException as error:
            raise _of_server(action, error, effect=effect) from None
        except ClientException as error:
            raise _of_client(action, error, effect=effect) from None
        except IndexError:
            # The SDK takes a bad signature's message apart at ":" and falls over when there is none.
            raise Refused(f"{action}: ECS does not accept our signature", code="SignatureDoesNotMatch") from None
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise _unreadable(action, "an answer that is not JSON", effect=effect)
        return answer

    def _scheme(self, region: str) -> str:
        return "http" if self._address(region).startswith("http://") else "https"

    def _address(self, region: str) -> str:
        return self._endpoint.replace("{region}", region)

    def _client(self, region: str) -> Any:
        with self._lock:
            if region not in self._clients:
                self._clients[region] = self._new_client(region)
            self._clients.move_to_end(region)
            while len(self._clients) > limits.CLIENTS_MAX:
                self._clients.popitem(last=False)
            return self._clients[region]

    def _new_client(self, region: str) -> Any:
        from aliyunsdkcore.auth.credentials import StsTokenCredential
        from aliyunsdkcore.client import AcsClient

        keys = self._credentials
        sts = keys.security_token
        address = self._address(region)
        where = urlsplit(address if "://" in address else f"https://{address}")
        client = AcsClient(
            # With a token the pair goes into `credential`: given here it would win and the token would be lost.
            None if sts else keys.access_key_id,
            None if sts else keys.access_key_secret,
            region,
            auto_retry=False,
            timeout=limits.READ_S_MAX,
            connect_timeout=limits.CONNECT_S_MAX,
            pool_size=limits.CONNECTIONS_MAX,
            credential=StsTokenCredential(keys.access_key_id, keys.access_key_secret, sts) if sts else None,
            # A proxy from the environment would be used even for this machine: the SDK does not know NO_PROXY.
            proxy={"http": "", "https": ""} if where.hostname in _LOCAL_HOSTS else None,
        )
        # Always given: for a region that it does not know, the SDK would ask the location service over the network.
        client.add_endpoint(region, "Ecs", where.netloc)
        return client


def _copy_of(request: Any) -> Any:
    copy = type(request)()
    for name, value in request.get_query_params().items():
        copy.add_query_param(name, value)
    for name, value in request.get_body_params().items():
        copy.add_body_params(name, value)
    return copy


def _of_server(action: str, error: Any, *, effect: bool) -> FleetrunError:
    code, status = str(error.error_code), int(error.http_status or 0)
    request_id = str(error.request_id or "")
    text = f"{action}: {code}: {str(error.message)[:300]}"
    if code in _TOO_OLD:
        return Unavailable(text, code=code, request_id=request_id)
    if code.startswith("Throttling") or status == 429:
        return Unavailable(text, code=code, request_id=request_id, throttled=True)
    if code in _IN_PROGRESS:
        # An earlier call with this token is being carried out: that is anything but "nothing happened".
        return UnknownOutcome(text, code=code, request_id=request_id)
    if code == "SDK.UnknownServerError":
        return _unreadable(action, f"HTTP {status} without an error of ECS in it", effect=effect)
    if status >= 500 or code in _NOT_NOW or code.startswith("InternalError"):
        family = UnknownOutcome if effect else Unavailable
        return family(text, code=code, request_id=request_id)
    return Refused(text, code=code, request_id=request_id)


def _of_client(action: str, error: Any, *, effect: bool) -> FleetrunError:
    code = str(error.error_code)
    if code != "SDK.HttpError":
        return Refused(f"{action}: {code}: {str(error.message)[:300]}", code=code)
    # After the URL (whose parameters are percent-encoded) the text names the cause; the URL itself goes nowhere.
    _, caused, cause = str(error.message).rpartition("(Caused by ")
    if caused and any(name in cause for name in _NEVER_LEFT):
        return Unavailable(f"{action}: ECS cannot be reached", code="NoConnection")
    return _unreadable(action, "the connection broke or timed out", effect=effect)


def _unreadable(action: str, what: str, *, effect: bool) -> FleetrunError:
    family = UnknownOutcome if effect else Unavailable
    return family(f"{action}: {what}", code="NoAnswer")
