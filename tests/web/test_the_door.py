"""What stands before every handler: keys, roles, methods, media types, sizes; and what every answer carries."""

from __future__ import annotations

import json

import pytest

from shared.core.access import ACTIONS, ROLES
from shared.core.errors import Fenced, Refused, Unavailable, UnknownOutcome
from shared.core.model import run_id_of
from shared.web import problems
from shared.web.application import SECURITY_HEADERS
from shared.web.route import Route
from shared.web.routes import NAMES, ROUTES
from tests.app.driving import invoke_request
from tests.web.driving import Web

EXAMPLES = {
    "runId": run_id_of("nobody"),
    "scheduleId": "sch-0123456789abcdef0123",
    "commandId": "c-hz01",
    "keyId": "0123456789ab",
    "hookName": "deploy",
    "subscriptionName": "ci",
}


def path_of(route: Route) -> str:
    path = route.path
    for name, value in EXAMPLES.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def named(route: Route) -> str:
    return route.name


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_route_has_a_known_action_or_is_open_on_purpose(route: Route) -> None:
    if route.action:
        assert route.action in ACTIONS
    else:
        assert route.path in ("/healthz", "/v1/openapi.json") or route.name == "POST /v1/hooks/{hookName}"


def test_no_route_is_there_twice() -> None:
    names = [route.name for route in ROUTES]

    assert sorted(set(names)) == sorted(names)
    assert {name for route in ROUTES for name in EXAMPLES if f"{{{name}}}" in route.path} == set(NAMES)


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_nobody_comes_in_without_a_good_key(route: Route) -> None:
    web = Web()

    for key in (None, "Bearer bad", "Basic good"):
        answer = web.call(route.method, path_of(route), b"{" if route.body else None, key=key)

        if route.action:
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.json["code"] == "Unauthorized"
        elif route.method == "GET":
            assert answer.status_code == 200
        else:
            assert answer.json["code"] == "Unauthorized"  # a signature is asked for, which tests/web/test_access.py has


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", [route for route in ROUTES if route.action], ids=named)
def test_a_role_reaches_what_it_may_and_nothing_else(route: Route, role: str) -> None:
    web = Web(role=role)  # type: ignore[arg-type]
    may = ROLES.index(role) >= ROLES.index(ACTIONS[route.action])  # type: ignore[arg-type]

    answer = web.call(route.method, path_of(route), b"{" if route.body else None)

    assert (answer.status_code == 403) is not may
    if not may:
        assert route.action in answer.json["detail"]


def test_a_head_is_a_get_without_its_body() -> None:
    web = Web()
    run_id = web.started(invoke_request("deploy-1"))

    get, head = web.get(f"/v1/runs/{run_id}"), web.call("HEAD", f"/v1/runs/{run_id}")

    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/runs", "GET, HEAD, POST"),
        ("OPTIONS", "/v1/runs", "GET, HEAD, POST"),
        ("DELETE", f"/v1/runs/{run_id_of('x')}", "GET, HEAD"),
        ("GET", "/v1/plans", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
def test_a_method_that_a_path_has_not_is_405_with_those_it_has(method: str, path: str, allowed: str) -> None:
    answer = Web().call(method, path)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/runs/", "//v1/runs", "/v2/runs", "/v1/runs/../quota", "/%2e"]
)
def test_what_is_not_there_is_404_in_the_same_form(path: str) -> None:
    answer = Web().get(path)

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "NoRoute"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_called_json_is_415(kind: str) -> None:
    answer = Web().post("/v1/runs", invoke_request(), headers={"Content-Type": kind})

    assert answer.status_code == 415
    assert answer.json["field"] == "Content-Type"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_a_body_called_json_in_other_words_is_taken(kind: str) -> None:
    web = Web()
    web.fleet(1)

    assert web.post("/v1/runs", invoke_request(), headers={"Content-Type": kind}).status_code == 202


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/html", 406),
        ("image/*", 406),
        ("*/*", 200),
        ("application/*", 200),
        ("text/html, application/json;q=0.1", 200),
    ],
)
def test_who_takes_no_json_gets_406(accept: str, status: int) -> None:
    answer = Web().get("/v1/runs", headers={"Accept": accept})

    assert answer.status_code == status


def test_a_body_that_is_missing_is_said_to_be() -> None:
    answer = Web().post("/v1/runs")

    assert answer.status_code == 400
    assert "missing" in answer.json["detail"]


def test_headers_and_small_bodies_have_bounds() -> None:
    web = Web()

    headers = web.get("/v1/runs", headers={"X-Long": "x" * 9_000})
    body = web.post("/v1/commands", b" " * 70_000)

    assert headers.status_code == 431
    assert body.status_code == 413


@pytest.mark.parametrize("path", ["/healthz", "/v1/runs", "/nowhere"])
def test_every_answer_carries_the_security_headers(path: str) -> None:
    answer = Web().get(path)

    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_bug_of_ours_tells_nobody_where_it_is() -> None:
    web = Web()
    web.world.runs.fail("read_run", ZeroDivisionError("secret-path"))  # type: ignore[arg-type]

    answer = web.get(f"/v1/runs/{run_id_of('x')}")

    assert answer.status_code == 500
    assert answer.json["code"] == "Bug"
    assert answer.json["instance"] == "urn:fleetrun:call:call-1"
    assert "secret-path" not in answer.text
    assert "Traceback" not in answer.text
    assert isinstance(web.report["crash"], ZeroDivisionError), "the log learns it"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("no", code="Whatever"), 422),
        (Refused("no", code="Forbidden"), 403),
        (Refused("no", code="RateLimited"), 429),
        (Unavailable("no"), 503),
        (UnknownOutcome("no"), 504),
        (Fenced("run-1 belongs to holder-2"), 503),
    ],
)
def test_each_family_of_errors_has_its_status(error: Exception, status: int) -> None:
    answer = problems.problem_of(error)  # type: ignore[arg-type]

    assert answer.status == status
    assert ("Retry-After" in answer.headers) is (status in (429, 503, 504))
    assert "holder-2" not in answer.value.detail


def test_the_log_learns_route_and_caller() -> None:
    web = Web()

    web.get(f"/v1/runs/{run_id_of('x')}")

    assert web.report == {"route": "GET /v1/runs/{runId}", "caller": "0123456789ab"}


def test_scripts_and_parameters_stand_in_no_view() -> None:
    web = Web()
    web.fleet(1)
    request = invoke_request(parameters={"word": "hush-hush"})
    request["command"]["content"] = "echo top-secret"

    run_id = web.started(request)
    web.settle()

    shown = "".join(
        web.get(path).text
        for path in ("/v1/runs", f"/v1/runs/{run_id}", f"/v1/runs/{run_id}/events", f"/v1/runs/{run_id}/targets")
    )
    assert "top-secret" not in shown + json.dumps(web.world.log.lines)
    assert "hush-hush" not in shown + json.dumps(web.world.log.lines)
