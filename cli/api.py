"""Calls of the HTTP API: JSON in, JSON out, problems as our error families."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome

CONNECT_S_MAX, READ_S_MAX = 5, 70
"""Ours: a waiting call is answered within the function's timeout of 60 seconds."""
PAGE = 200
Json = dict[str, Any]


class Api:
    """`address` as `fleetrun local` prints it. Raises Refused, Unavailable and, where a call has an effect,
    UnknownOutcome."""

    def __init__(self, address: str, key: str) -> None:
        import requests

        self._address = address.rstrip("/")
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
        raise _error(response.status_code, response.content, what, method, self.last_request_id)


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
    try:
        told = json.loads(content)
        code, detail, field = str(told["code"]), str(told["detail"]), str(told.get("field", ""))
    except (ValueError, KeyError, TypeError):
        code, detail, field = f"Http{status}", f"{what}: HTTP {status}", ""
    if status in (429, 503):
        return Unavailable(detail, code=code, request_id=request_id, throttled=status == 429)
    if status >= 500:
        family = Unavailable if method == "GET" else UnknownOutcome
        return family(detail, code=code, request_id=request_id)
    return Refused(detail, code=code, field=field, request_id=request_id)
