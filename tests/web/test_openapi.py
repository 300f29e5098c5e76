"""The API against its own OpenAPI document: schemathesis asks what the document allows, and what it does not.

All of its checks are on, but one of them for three routes (see CONFIG). One is told more than its default: a body may
be in the document's form and still make no sense (a frequency that never fires, a region without such instances); that
is a 422 with the field, not a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from shared.web.application import AUTHENTICATOR
from shared.web.openapi import document
from shared.web.routes import ROUTES
from tests.app.driving import invoke_request
from tests.web.driving import APPLICATION, KEY, Web

EXAMPLES = 20
"""Per operation, of each kind: the whole stays within half a minute of one core."""
SENSIBLE = ["2xx", "304", "401", "403", "404", "409", "412", "422"]
REFUSED = ["4XX", "5XX"]
"""What is no ETag matches none: 412, which schemathesis does not count by itself."""


def a_world() -> Web:
    web = Web()
    web.fleet(5)
    web.started(invoke_request("there-1"))
    web.settle()
    web.post("/v1/schedules", invoke_request("nightly", schedule={"frequency": "0 0 3 * * ?", "by": "fleetrun"}))
    web.post("/v1/commands", {"name": "say", "type": "RunShellScript", "content": "echo hi"})
    return web


class Now:
    """The world that the calls go to."""

    web = a_world()


def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """The API with what runtime would give it."""
    return APPLICATION({**environ, **Now.web.environ()}, start)


CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"deterministic": True, "with-security-parameters": False},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": SENSIBLE},
            "negative_data_rejection": {"expected-statuses": REFUSED},
        },
        "operations": [
            # A schedule that was removed is still shown, as Removed: its row stays, so that a late message cannot bring
            # it back, and who asks why shall see it. A PUT begins it anew.
            {"include-name": name, "checks": {"use_after_free": {"enabled": False}}}
            for name in (
                "GET /v1/schedules/{scheduleId}",
                "GET /v1/schedules/{scheduleId}/request",
                "PUT /v1/schedules/{scheduleId}",
            )
        ],
    }
)
SCHEMA = schemathesis.openapi.from_wsgi("/v1/openapi.json", application, config=CONFIG)


@SCHEMA.auth()
class Auth:
    """Told to schemathesis as what lets in, so that it can try what happens without."""

    def get(self, case: schemathesis.Case, context: object) -> str:
        return KEY

    def set(self, case: schemathesis.Case, data: str, context: object) -> None:
        case.headers["Authorization"] = data


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_the_api_does_what_its_document_says(case: schemathesis.Case) -> None:
    case.call_and_validate()


def test_one_call_after_the_other_keeps_the_document_true() -> None:
    """What was made is there, what was deleted is not: schemathesis finds the way from answers to further calls."""

    class Machine(SCHEMA.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            """Each sequence of calls finds the same world, so that it can be repeated."""
            Now.web = a_world()

    Machine.run(
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )


def test_every_route_is_in_the_document_and_nothing_else() -> None:
    there = {f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods}

    assert there == {route.name for route in ROUTES}


def test_the_document_leaves_out_no_definition() -> None:
    text = str(document())
    named = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}

    assert named <= set(document()["components"]["schemas"])
    assert AUTHENTICATOR not in text
