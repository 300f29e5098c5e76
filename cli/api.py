"""Calls of the HTTP API: JSON in, JSON out, problems as our error families."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome

CONNECT_S_MAX, READ_S_MAX = 5, 70
"""Ours: a waiting call is answered within the function's timeout of 60 seconds."""
TRIES_MAX = 6
"""Ours: of a call that was not let in; with the pauses below 16 seconds at most, unless the answer says longer."""
PAUSE_S_FIRST, PAUSE_S_MAX = 0.5, 10.0
"""Ours: doubles, a random half of it taken off, so that callers who were refused together do not come back together."""
PAGE = 200
Json = dict[str, Any]


class Api:
    """`address` as `fleetrun local` prints it. Raises Refused, Unavailable and, where a call has an effect,
    UnknownOutcome.

    What was not let in is asked for again: 429 or 503 by the API when the key has used up its rate or a row cannot be
    reached, 429 by Function Compute itself, without a problem document, when all instances are busy. Nothing happened
    then. After a 503 without a document nobody knows: it may be of something on the way.
    """

    def __init__(self, address: str, key: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        import requests

        self._address, self._pause, self._chance = address.rstrip("/"), pause, random.SystemRandom()
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {key}", "Accept": "application/json"})
        # Otherwise a line of ~/.netrc for this host would be sent instead of the key.
        self._session.auth = _keep_header
        self.last_request_id = ""
        """Function Compute's id of the last call: for a ticket."""

    def get(self, path: str, **query: Any) -> Json:
        return self._call("GET", path + _query(query), None)

    def post(
        self,
        path: str,
        body: bytes | None = None,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        return self._call(method, path, body, headers)

    def pages(self, path: str, field: str, **query: Any) -> Iterator[Json]:
        """Every line of a list, page by page, as far as it is asked for."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **query)
            yield from page[field]
            cursor = page["next"]
            if cursor is None:
                return

    def _call(self, method: str, path: str, body: bytes | None, more: Mapping[str, str] | None = None) -> Json:
        for tried in range(1, TRIES_MAX):
            try:
                return self._call_once(method, path, body, more)
            except _NotLetIn as error:
                longest_s = min(PAUSE_S_MAX, PAUSE_S_FIRST * 2.0 ** (tried - 1))
                self._pause(max(min(error.retry_after_s, PAUSE_S_MAX), longest_s * self._chance.uniform(0.5, 1)))
        return self._call_once(method, path, body, more)

    def _call_once(self, method: str, path: str, body: bytes | None, more: Mapping[str, str] | None) -> Json:
        import requests

        what = f"{method} {path.partition('?')[0]}"
        headers = {**(more or {}), **({"Content-Type": "application/json"} if body is not None else {})}
        try:
            response = self._session.request(
                method,
                self._address + path,
                data=body,
                headers=headers,
                timeout=(CONNECT_S_MAX, READ_S_MAX),
                allow_redirects=False,
            )
        except requests.ConnectionError as error:
            if any(word in str(error) for word in ("NewConnectionError", "ConnectTimeout", "NameResolution")):
                raise Unavailable(f"{what}: {self._address} cannot be reached", code="NoConnection") from None
            raise _lost(what, method) from None
        except requests.RequestException:
            raise _lost(what, method) from None
        self.last_request_id = response.headers.get("X-Fc-Request-Id", "")
        if 200 <= response.status_code < 300:
            return _json_of(response.content, what, method)
        problem = _error(response.status_code, response.content, what, method, self.last_request_id)
        if isinstance(problem, _NotLetIn):
            problem.retry_after_s = _seconds(response.headers.get("Retry-After", ""))
        raise problem


class _NotLetIn(Unavailable):
    """Nothing happened; the same again may go through in a moment."""

    retry_after_s = 0.0


def _seconds(header: str) -> float:
    return float(header) if header.isdecimal() else 0.0


def _keep_header(request: Any) -> Any:
    return request


def _query(query: Mapping[str, Any]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def _json_of(content: bytes, what: str, method: str) -> Json:
    try:
        told = json.loads(content) if content else {}
    except ValueError:
        raise _lost(what, method) from None
    if not isinstance(told, dict):
        raise _lost(what, method)
    return told


def _lost(what: str, method: str) -> FleetrunError:
    family = Unavailable if method == "GET" else UnknownOutcome
    return family(f"{what}: no trustworthy answer; it may have been done", code="NoAnswer")


def _error(status: int, content: bytes, what: str, method: str, request_id: str) -> FleetrunError:
    is_ours = True
    try:
        told = json.loads(content)
        code, detail, field = str(told["code"]), str(told["detail"]), str(told.get("field", ""))
    except (ValueError, KeyError, TypeError):
        is_ours = False
        code, detail, field = f"Http{status}", f"{what}: HTTP {status}", ""
        if status == 429:
            detail += ", from Function Compute: all instances of the API are busy; try again in a moment"
    if status == 429 or (status == 503 and (is_ours or method == "GET")):
        return _NotLetIn(detail, code=code, request_id=request_id, throttled=status == 429)
    if status >= 500:
        family = Unavailable if method == "GET" else UnknownOutcome
        return family(detail, code=code, request_id=request_id)
    return Refused(detail, code=code, field=field, request_id=request_id)
