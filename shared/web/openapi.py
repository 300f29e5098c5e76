"""The OpenAPI 3.1 document, made out of the table of routes and the types of the messages."""

from __future__ import annotations

import re
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from shared.core import limits
from shared.web.bounds import BOUNDS
from shared.web.messages import EVENT_STREAM, JSON, PROBLEM
from shared.web.problems import Problem
from shared.web.queries import Query
from shared.web.route import Route
from shared.web.routes import NAMES, ROUTES

VERSION = "1"
_REF = "#/components/schemas/{name}"
Json = dict[str, Any]
_NAME = re.compile(r"\{(\w+)\}")
_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body again changes nothing. Stands for the body's requestId.",
    "schema": {
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._:@/+=-]*$",
        "minLength": 1,
        "maxLength": limits.SCHEDULE_NAME_CHARS_MAX,
    },
}

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what was read: if it has been updated since, nothing happens (412).",
    "schema": {"type": "string", "pattern": '^(\\*|"[1-9][0-9]{0,15}"(, ?"[1-9][0-9]{0,15}")*)$'},
}


@cache
def document() -> Json:
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fleetrun",
            "version": VERSION,
            "description": "Runs commands on fleets of ECS instances, within the day's quota.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key, frk_…"}},
        },
        "security": [{"key": []}],
    }


def _schemas() -> Json:
    types = {kind for route in ROUTES for kind in (route.body, *route.answers.values()) if _is_struct(kind)}
    _, found = msgspec.json.schema_components(
        [Problem, *sorted(types, key=lambda kind: kind.__name__)], ref_template=_REF
    )
    return {name: _bounded(name, dict(found[name])) for name in sorted(found)}


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _bounded(name: str, schema: Json) -> Json:
    """With what the types check in code, as far as JSON Schema can say it."""
    told = BOUNDS.get(name, {})
    properties = dict(schema.get("properties", {}))
    for field, bounds in told.get("properties", {}).items():
        properties[field] = {**{k: v for k, v in properties[field].items() if k in ("default",)}, **bounds}
    required = [field for field in schema.get("required", []) if field not in told.get("optional", ())]
    rest = {key: value for key, value in told.items() if key not in ("properties", "optional")}
    return {**schema, "properties": properties, "required": required, **rest}


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": re.sub(r"\W+", "_", route.name).strip("_"),
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.body is not None:
        schema = {"$ref": _REF.format(name=route.body.__name__)}
        operation["requestBody"] = {"required": not route.is_body_optional, "content": {JSON: {"schema": schema}}}
    if not route.action:
        operation["security"] = []
    else:
        operation["x-action"] = route.action
    return operation


def _parameters(route: Route) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": NAMES[name]}}
        for name in _NAME.findall(route.path)
    ]
    _, components = msgspec.json.schema_components([route.query], ref_template=_REF)
    for name, schema in components[route.query.__name__].get("properties", {}).items():
        plain = _without_null(schema)
        one = {"name": name, "in": "query", "required": False, "schema": plain}
        found.append(one | ({"style": "form", "explode": False} if plain.get("type") == "array" else {}))
    if route.body is not None and "request_id" in route.body.__struct_fields__:
        found.append(_KEY_HEADER)
    if route.is_conditional and route.method != "GET":
        found.append(_IF_MATCH)
    return found


def _without_null(schema: Json) -> Json:
    """A parameter is left out, never null; and an empty list is no list."""
    kinds = [dict(kind) for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    plain = kinds[0] if kinds else {key: value for key, value in schema.items() if key != "default"}
    if plain.get("type") == "array":
        plain["minItems"] = 1
    default = schema.get("default")
    return plain | ({"default": default} if default is not None else {})


def _responses(route: Route) -> Json:
    answers = {str(status): _success(route, status, kind) for status, kind in sorted(route.answers.items())}
    return answers | {str(status): _problem(status) for status in _problem_statuses(route)}


def _success(route: Route, status: int, kind: Any) -> Json:
    told: Json = {"description": HTTPStatus(status).phrase}
    if kind is not None:
        schema = {"$ref": _REF.format(name=kind.__name__)} if _is_struct(kind) else {"type": "object"}
        told["content"] = {JSON: {"schema": schema}}
        if EVENT_STREAM in route.types:
            told["content"][EVENT_STREAM] = {"schema": {"type": "string"}}
    if 304 in route.answers or route.is_conditional:
        told["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return told


def _problem_statuses(route: Route) -> list[int]:
    found = {400, 406, 431, 500, *route.problems}
    if route.action:
        found |= {401, 403, 429, 503}
    if route.query is not Query:
        found |= {422}
    if route.method != "GET":
        found |= {504}
    if route.body is not None:
        found |= {413, 415}
    if route.is_conditional and route.method != "GET":
        found |= {412}
    return sorted(found)


def _problem(status: int) -> Json:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": schema}}}
