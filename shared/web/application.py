"""The routes as one Flask application: who asks, may he, is the request well-formed; then the handler; then the answer.

The order of the checks is the order of the functions below. What a call works with comes in the WSGI environment, under
SCOPE and AUTHENTICATOR: the application itself is made once for the life of a function's instance.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.http import parse_etags

from shared.app.trail import enter
from shared.core import limits
from shared.core.access import Caller, Grant, check_action
from shared.core.errors import FleetrunError, Refused
from shared.web import problems
from shared.web.authentication import Authenticator, RequestParts
from shared.web.messages import JSON, Answer, Call
from shared.web.queries import read_query
from shared.web.route import Route
from shared.web.routes import NAMES, ROUTES
from shared.web.scope import Scope

SCOPE = "fleetrun.scope"
AUTHENTICATOR = "fleetrun.authenticator"
STRANGER = "fleetrun.stranger"
"""Counts a call without a key on its address. Raises Refused (RateLimited)."""
REQUEST_ID = "fleetrun.request_id"
REPORT = "fleetrun.report"
"""A dict that learns what became of the call, for the log: `route`, `caller`, `crash` (an exception)."""

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NOBODY = Caller(name="nobody", role="viewer", grant=Grant(name="nobody", role="viewer"), via="")
"""Of open routes, and of bad keys."""


def make_application(routes: Sequence[Route] = ROUTES) -> Flask:
    app = Flask("fleetrun", static_folder=None)
    app.url_map.merge_slashes = False
    by_path: dict[str, dict[str, Route]] = defaultdict(dict)
    for route in routes:
        by_path[route.path][route.method] = route
    for path, by_method in by_path.items():
        app.add_url_rule(
            path.replace("{", "<").replace("}", ">"),
            endpoint=path,
            view_func=_view_of(by_method),
            methods=sorted(by_method),
            provide_automatic_options=False,
        )
    app.register_error_handler(FleetrunError, _told)
    app.register_error_handler(HTTPException, _http_told)
    app.register_error_handler(Exception, _crashed)
    app.after_request(_secured)
    return app


def _view_of(by_method: Mapping[str, Route]) -> Any:
    def view(**names: str) -> Response:
        return _answer(by_method["GET" if request.method == "HEAD" else request.method], names)

    return view


def _answer(route: Route, names: Mapping[str, str]) -> Response:
    environ = request.environ
    scope: Scope = environ[SCOPE]
    headers = {name.lower(): value for name, value in request.headers.items()}
    environ[REPORT]["route"] = route.name
    _check_headers(headers)
    caller = _caller(scope, route, headers)
    environ[REPORT]["caller"] = caller.name
    media = _media(route, headers)
    _check_names(names)
    call = Call(
        scope=scope,
        names=names,
        query=read_query({name: ",".join(request.args.getlist(name)) for name in request.args}, route.query),
        body=_body(route),
        headers=headers,
        caller=caller,
        media=media,
        call_id=_request_id(),
    )
    return _response(route.handler(call), has_etag=304 in route.answers)


# -- before the handler ----------------------------------------------------------------------------------------------
def _check_headers(headers: Mapping[str, str]) -> None:
    size = sum(len(name) + len(value) for name, value in headers.items())
    if size > limits.HEADER_BYTES_MAX:
        raise Refused(
            f"the headers have {size} bytes; they must have at most {limits.HEADER_BYTES_MAX}", code="HeadersTooLong"
        )


def _caller(scope: Scope, route: Route, headers: Mapping[str, str]) -> Caller:
    """Raises Refused: Unauthorized, RateLimited, Forbidden; the trail has it then, but for floods."""
    nobody = dataclasses.replace(_NOBODY, address=request.remote_addr or "")
    if not route.action:
        if route.method != "GET":
            request.environ[STRANGER](nobody.address)
        return nobody
    authenticate: Authenticator = request.environ[AUTHENTICATOR]
    caller = nobody
    try:
        caller = authenticate(RequestParts(request.method, request.path, headers, nobody.address))
        refusal = check_action(caller, route.action)
        if refusal is not None:
            raise refusal
    except Refused as refused:
        if refused.code != "RateLimited":
            enter(scope.ports, caller, route.action, entry_id=_request_id(), refusal=refused)
        raise
    return caller


def _media(route: Route, headers: Mapping[str, str]) -> str:
    if "accept" not in headers:
        return route.types[0]
    best = request.accept_mimetypes.best_match(route.types)
    if best is None:
        raise Refused(
            f"Accept is {headers['accept'][:80]!r}; it must allow {' or '.join(route.types)}",
            code="NotAcceptable",
            field="Accept",
        )
    return best


def _check_names(names: Mapping[str, str]) -> None:
    for name, value in names.items():
        if not re.fullmatch(NAMES[name], value):
            raise Refused(
                f"{name} is {value[:80]!r}: there is none of this name; it looks like {NAMES[name]}",
                code="NoRoute",
                field=name,
            )


def _body(route: Route) -> bytes:
    """Raises Refused: TooLong, NotJson, NotJsonType."""
    if route.body is None:
        return b""
    length = request.content_length or 0
    if length > route.body_bytes_max:
        raise Refused(
            f"the body has {length} bytes; it must have at most {route.body_bytes_max}", code="TooLong", field="$"
        )
    body = request.get_data(cache=False)
    if not body:
        if route.is_body_optional:
            return b""
        raise Refused("the body is missing; it must be a JSON object", code="NotJson", field="$")
    if request.mimetype != JSON:
        raise Refused(
            f"Content-Type is {request.headers.get('Content-Type', '')[:80]!r}; it must be {JSON}",
            code="NotJsonType",
            field="Content-Type",
        )
    return body


# -- after the handler -----------------------------------------------------------------------------------------------
def _response(answer: Answer, *, has_etag: bool = False) -> Response:
    body = answer.value if isinstance(answer.value, bytes) else msgspec.json.encode(answer.value)
    headers = dict(answer.headers)
    if has_etag:
        tag = hashlib.sha256(body).hexdigest()[:32]
        # A client may keep it, and must ask each time.
        headers |= {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
        if parse_etags(request.headers.get("If-None-Match")).contains_weak(tag):
            return Response(status=304, headers=headers)
    if not body:
        return Response(status=answer.status, headers=headers)
    return Response(body, answer.status, headers, content_type=answer.type)


def _secured(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if not response.get_data() and "Content-Type" in response.headers:
        del response.headers["Content-Type"]
    return response


def _told(error: FleetrunError) -> Response:
    return _response(problems.problem_of(error, request_id=_request_id()))


def _http_told(error: HTTPException) -> Response:
    """What Flask itself refuses: unknown paths and methods, bodies that are cut off."""
    if isinstance(error, NotFound):
        refused = Refused(
            f"path {request.path[:200]!r}: there is nothing here; /v1/openapi.json has all", code="NoRoute"
        )
        return _told(refused)
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        response = _told(Refused(f"method {request.method} is not for this path; {allowed} is", code="NotAllowed"))
        response.headers["Allow"] = allowed
        return response
    if isinstance(error, RequestEntityTooLarge):
        return _told(Refused(f"the body has more than {limits.REQUEST_BYTES_MAX} bytes", code="TooLong", field="$"))
    status = error.code or 500
    return _response(problems.answer(status, "BadHttp", error.name, request_id=_request_id()))


def _crashed(error: Exception) -> Response:
    """The boundary: whoever runs the application logs what `REPORT` says; nothing of it goes out."""
    request.environ[REPORT]["crash"] = error
    return _response(problems.crashed(_request_id()))


def _request_id() -> str:
    return str(request.environ.get(REQUEST_ID, ""))
