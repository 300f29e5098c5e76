"""Method and path → operation, for both APIs and for HTTP triggers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.fc.errors import FcError
from localcloud.fc.operations import OPERATIONS
from localcloud.fc.routes import DOWNLOAD, NEW, OLD, PROXY, TABLES, Version, route
from localcloud.http import Request
from tests.wire import fc_captured as captured


def asked(method: str, path: str, query: str = "") -> Request:
    return Request(method, path, query, {}, b"", 0)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_every_route_of_the_tables_is_found_under_its_own_name(version: Version) -> None:
    for method, pattern, operation in TABLES[version]:
        path = re.sub(r"\{(\w+)\}", r"the-\1", pattern)

        call = route(asked(method, f"/{version}{path}"))

        assert (call.operation, call.version) == (operation, version)
        for name in re.findall(r"\{(\w+)\}", pattern):
            assert call.names[name] == f"the-{name}"


@pytest.mark.parametrize("version", [OLD, NEW])
def test_every_operation_that_is_offered_has_a_route(version: Version) -> None:
    routed = {operation for _, _, operation in TABLES[version]}

    assert set(OPERATIONS[version]) <= routed
    assert "InvokeFunction" in routed
    assert DOWNLOAD in routed


@pytest.mark.parametrize(
    ("request_", "operation", "names"),
    [
        (captured.OLD_INVOKE, "InvokeFunction", {"service": "fleetrun", "function": "f"}),
        (captured.OLD_LIST, "ListFunctions", {"service": "fleetrun"}),
        (captured.OLD_PROXY, PROXY, {"service": "fleetrun", "function": "f"}),
        (captured.NEW_INVOKE, "InvokeFunction", {"function": "f3"}),
        (captured.NEW_TRIGGER, "CreateTrigger", {"function": "f3"}),
        (
            captured.NEW_LAYER,
            "GetLayerVersionByArn",
            {"arn": "acs:fc:cn-hangzhou:1234567890123456:layers/lay/versions/1"},
        ),
    ],
)
def test_what_the_sdks_sent_is_understood(request_: Request, operation: str, names: dict[str, str]) -> None:
    call = route(request_)

    assert (call.operation, dict(call.names)) == (operation, names)


def test_the_older_api_has_the_qualifier_behind_the_services_dot_and_the_newer_in_the_query() -> None:
    assert route(captured.OLD_INVOKE).qualifier == "prod"
    assert route(captured.OLD_LIST).qualifier == ""
    assert route(asked("POST", "/2023-03-30/functions/f/invocations", "qualifier=prod")).qualifier == "prod"
    assert route(asked("GET", "/2016-08-15/proxy/s.prod/f/x")).qualifier == "prod"


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/2016-08-15/proxy/s/f", "/"),
        ("/2016-08-15/proxy/s/f/", "/"),
        ("/2016-08-15/proxy/s/f//a", "//a"),
        ("/2016-08-15/proxy/s/f/a%2Fb", "/a%2Fb"),
        ("/proxy/s/f/a", "/a"),
    ],
)
def test_what_follows_the_function_in_a_triggers_url_stays_as_it_was_sent(path: str, rest: str) -> None:
    call = route(asked("DELETE", path))

    assert (call.operation, call.rest) == (PROXY, rest)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/2016-08-15/", "PathNotSupported"),
        ("GET", "/2016-08-15/services/s/functions/f/triggers/t/x", "PathNotSupported"),
        ("GET", "/2016-08-15/services//functions", "PathNotSupported"),
        ("GET", "/2016-08-15/proxy/s", "PathNotSupported"),
        ("PATCH", "/2023-03-30/functions/f", "MethodNotAllowed"),
        ("GET", "/2023-03-30/functions/f/invocations", "MethodNotAllowed"),
    ],
)
def test_what_is_no_route_is_refused(method: str, path: str, code: str) -> None:
    with pytest.raises(FcError) as refused:
        route(asked(method, path))

    assert refused.value.code == code


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.text(max_size=60))
def test_any_path_is_routed_or_refused_and_nothing_else(method: str, text: str) -> None:
    for version in (OLD, NEW):
        try:
            found = route(asked(method, f"/{version}/{text}")).operation
        except FcError as error:
            found = error.code

        assert found in {"PathNotSupported", "MethodNotAllowed", PROXY} | {row[2] for row in TABLES[version]}
