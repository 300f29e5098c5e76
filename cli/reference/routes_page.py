"""The routes of the HTTP API, from their table."""

from __future__ import annotations

import msgspec

from cli.reference.markdown import code, table
from shared.core.access import ACTIONS
from shared.web.route import Route
from shared.web.routes import ROUTES


def routes_table() -> str:
    rows = [(code(route.name), route.summary, _parameters(route), ACTIONS.get(route.action, "")) for route in ROUTES]
    return table(("route", "what it does", "parameters", "least role"), rows)


def _parameters(route: Route) -> str:
    return ", ".join(code(field.encode_name) for field in msgspec.structs.fields(route.query))
