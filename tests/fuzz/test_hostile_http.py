"""Whatever comes over HTTP is answered: webhooks, queries, cursors, keys, headers, and what is no event at all."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.app.hooks import put_hook
from shared.core.errors import Refused
from shared.web.routes import ROUTES
from tests.app.access_cases import ADMIN
from tests.fuzz.calls import (
    MAPPINGS,
    NAMES,
    Served,
    admin_key,
    call_event,
    dumped,
    hook_called,
    hook_spec,
    judged,
    served,
    world,
    world_with_run,
)
from tests.fuzz.hostile import BODIES, BRACES, GOOD, ODD_DOCUMENTS, TEXT, VALUES, dumps, twisted

SCHEMES = st.sampled_from(["standard", "github"])
PUSH: dict[str, Any] = {
    "after": "4f2a91c",
    "env": "prod",
    "script": "uptime",
    "dir": "/tmp",
    "targets": {"instanceIds": ["i-00000"]},
    "parameters": {"commit": "4f2a91c"},
    "timeout": 60,
    "command": {"type": "RunShellScript", "content": "uptime"},
    "commits": [{"id": "i-00000"}],
    "names": ["root"],
}
HOOK_BODIES = twisted(PUSH) | BODIES
HEADER = TEXT.map(lambda text: text.encode("utf-8", "replace").decode("latin-1"))
HEADER_NAMES = ("Idempotency-Key", "Accept", "If-None-Match", "Content-Type", "Authorization", "X-Other")


def hooked(mapping: dict[str, Any], scheme: str, body: bytes, **more: Any) -> Served:
    web = world()
    put_hook(web.ports, ADMIN, hook_spec(scheme, mapping, **more), entry_id="hooked")
    found = hook_called(web, scheme, body)
    assert found is not None
    assert len(web.world.runs.runs) <= 1
    return found


def tried(act: Callable[[], Served]) -> Served | Refused:
    try:
        return act()
    except Refused as error:
        return error


def asked(
    route: Any,
    *,
    names: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> Served:
    path = route.path
    for name, value in {**NAMES, **(names or {})}.items():
        path = path.replace(f"{{{name}}}", value)
    typed = {"Authorization": admin_key(), "Content-Type": "application/json"}
    event = call_event(route.method, path, query=query or {}, headers={**typed, **(headers or {})}, body=body)
    found = judged(served(dumped(event), world_with_run() if NAMES["runId"] in path else world()))
    assert found is not None
    return found


# -- webhooks ---------------------------------------------------------------------------------------------------------
@given(st.sampled_from(MAPPINGS), SCHEMES, HOOK_BODIES)
@settings(max_examples=250, deadline=None)
def test_a_webhook_that_is_rightly_signed_is_a_run_or_a_refusal_that_names_its_field(
    mapping: dict[str, Any], scheme: str, body: bytes
) -> None:
    found = hooked(mapping, scheme, body)

    assert found.status in (202, 400, 422), found.document


@given(TEXT, HOOK_BODIES)
@settings(max_examples=80, deadline=None)
def test_whatever_the_path_finds_or_not_the_webhook_is_answered(path: str, body: bytes) -> None:
    mapping = {**MAPPINGS[0], "parameters": {"from": path}}

    found = tried(lambda: hooked(mapping, "standard", body, when="body.*"))

    if isinstance(found, Refused):  # of put_hook: no path
        assert found.field == "request.parameters.from"
    else:
        assert found.status in (202, 400, 422), found.document


@pytest.mark.parametrize(
    "path",
    [
        "body|" + "|".join(["[@,@][]"] * 100),
        "body|" + "|".join(["[@,@]"] * 100) + "|to_string(@)",
        "body.after|" + "|".join(["join('', [@,@])"] * 50),
        "body|[" + ",".join(["@"] * 200) + "][]|[" + ",".join(["@"] * 200) + "][]|[" + ",".join(["@"] * 40) + "][]",
    ],
    ids=["flat lists", "nested lists", "texts", "few wide lists"],
)
def test_a_path_that_makes_ever_more_of_little_is_refused_before_it_fills_the_memory(path: str) -> None:
    mapping = {**MAPPINGS[0], "parameters": {"commit": {"from": path}}}

    found = hooked(mapping, "standard", b'{"after":"4f2a91c"}')

    assert (found.status, found.document["field"]) == (422, "request.parameters.commit")


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "x-hub-signature-256", "x-other"]),
        HEADER,
        max_size=4,
    ),
    SCHEMES,
    BODIES.filter(bool),
)
@settings(max_examples=80, deadline=None)
def test_a_signature_that_is_none_is_refused_under_its_headers_name(
    headers: dict[str, str], scheme: str, body: bytes
) -> None:
    web = world()
    put_hook(web.ports, ADMIN, hook_spec(scheme, MAPPINGS[0]), entry_id="hooked")
    typed = {**headers, "Content-Type": "application/json"}
    event = call_event("POST", "/v1/hooks/deploy", query={}, headers=typed, body=body)

    found = judged(served(dumped(event), web))

    assert found is not None
    assert found.status == 401
    assert found.document["field"] in ("webhook-id", "webhook-timestamp", "webhook-signature", "signature") or (
        scheme == "github" and found.document["field"] == "x-github-delivery"
    )
    assert not web.world.runs.runs


@pytest.mark.parametrize("body", [*BRACES, *ODD_DOCUMENTS], ids=lambda document: repr(document[:12]))
def test_documents_that_broke_parsers_elsewhere_take_no_memory_as_webhooks(body: bytes) -> None:
    hooked(MAPPINGS[1], "standard", b"{}")  # what is imported once is not the body's
    tracemalloc.start()
    try:
        found = hooked(MAPPINGS[1], "standard", body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found.status in (400, 422), found.document
    assert peak < 64 * len(body) + 8_000_000


# -- the other routes -------------------------------------------------------------------------------------------------
@given(st.data(), st.sampled_from(ROUTES))
@settings(max_examples=300, deadline=None)
def test_whatever_is_asked_of_a_route_is_answered(data: st.DataObject, route: Any) -> None:
    known = [field.replace("_", "") for field in route.query.__struct_encode_fields__]
    query = data.draw(st.dictionaries(st.sampled_from([*known, "cursor"]) | TEXT, TEXT, max_size=3))
    headers = data.draw(st.dictionaries(st.sampled_from(HEADER_NAMES), HEADER, max_size=2))
    body = data.draw(BODIES | twisted({**GOOD, "name": "n", "url": "https://example.com/x"})) if route.body else b""
    names = data.draw(
        st.dictionaries(st.sampled_from(sorted(NAMES)), st.sampled_from(["%0A", "a%00", "%F0", "x" * 200]))
    )

    asked(route, names=names, query=_printable(query), headers=headers, body=body)


def _printable(query: dict[str, str]) -> dict[str, str]:
    """Function Compute's event is UTF-8: lone surrogates cannot come in it."""
    return {
        name.encode("utf-8", "replace").decode(): value.encode("utf-8", "replace").decode()
        for name, value in query.items()
    }


LISTS = [route for route in ROUTES if "cursor" in getattr(route.query, "__struct_encode_fields__", ())]


@given(st.sampled_from(LISTS), VALUES | st.lists(TEXT | st.integers(), min_size=1, max_size=2))
@settings(max_examples=200, deadline=None)
def test_a_cursor_that_somebody_made_himself_is_refused_or_finds_a_place(route: Any, value: Any) -> None:
    cursor = base64.urlsafe_b64encode(dumps(value)).decode().rstrip("=")

    found = asked(route, query={"cursor": cursor[:400]})

    assert found.status < 400 or found.document["field"] in ("?cursor", "runId"), found.document


@pytest.mark.parametrize("place", [[0, -9], [1, -9], [-1, 0], [0, 10**30], [10**30, 0], [1, 1.5], [0, "0"]])
def test_a_cursor_of_targets_points_at_no_place_before_the_first(place: list[Any]) -> None:
    (route,) = (route for route in LISTS if route.path == "/v1/runs/{runId}/targets")
    cursor = base64.urlsafe_b64encode(dumps(place)).decode().rstrip("=")

    found = asked(route, query={"cursor": cursor})

    assert found.status == 200 or found.document["field"] == "?cursor", found.document


@pytest.mark.parametrize("day", ["", "today", "2026-02-30", "2026-01-05\n", "0000-00-00"])
@pytest.mark.parametrize("path", ["/v1/runs", "/v1/audit"])
def test_a_cursor_of_a_day_that_is_none_is_refused(path: str, day: str) -> None:
    (route,) = (route for route in LISTS if (route.path, route.method) == (path, "GET"))
    cursor = base64.urlsafe_b64encode(dumps([day, ""])).decode().rstrip("=")

    found = asked(route, query={"cursor": cursor})

    assert (found.status, found.document["field"]) == (422, "?cursor")


@pytest.mark.parametrize(("name", "value"), [("region", "cn-hangzhou\n"), ("day", "2026-01-05\n")])
def test_a_line_feed_behind_a_parameter_is_no_part_of_it(name: str, value: str) -> None:
    (route,) = (route for route in ROUTES if route.path == "/v1/quota")

    found = asked(route, query={name: value})

    assert (found.status, found.document["field"]) == (400, f"?{name}")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/runs/{runId}/stop", b'{"requestId":"stop-1\\n"}', "requestId"),
        ("/v1/runs/{runId}/stop", b'{"instanceIds":["i-1\\n"]}', "instanceIds[0]"),
        ("/v1/runs", dumps({**GOOD, "requestId": "a\n"}), "requestId"),
    ],
)
def test_a_line_feed_behind_a_name_in_a_body_is_no_part_of_it(path: str, body: bytes, field: str) -> None:
    (route,) = (route for route in ROUTES if (route.path, route.method) == (path, "POST"))

    found = asked(route, body=body)

    assert (found.status, found.document["field"]) == (422, field)


@pytest.mark.parametrize("name", ["deploy\n", "deploy\n\n", "\ndeploy"])
def test_a_hooks_name_has_no_line_feed(name: str) -> None:
    spec = hook_spec("standard", MAPPINGS[0])

    with pytest.raises(Refused) as caught:
        put_hook(world().ports, ADMIN, msgspec.structs.replace(spec, name=name), entry_id="hooked")

    assert caught.value.field == "name"


@given(st.binary(max_size=300) | VALUES.map(dumps) | st.sampled_from([*BRACES, *ODD_DOCUMENTS]))
@example(b'{"requestContext":{"http":{"method":""}}}')
@settings(max_examples=150, deadline=None)
def test_what_is_no_event_of_an_http_trigger_is_said_to_be_none(payload: bytes) -> None:
    judged(served(payload, world()))


def test_the_judge_can_fail() -> None:
    web = world()
    web.world.runs.fail("read_run", ZeroDivisionError("a bug"))
    event = call_event("GET", f"/v1/runs/{NAMES['runId']}", query={}, headers={"Authorization": admin_key()}, body=b"")

    with pytest.raises(AssertionError):
        judged(served(json.dumps(event).encode(), web))
