"""Webhooks in: a sender's JSON becomes a request by a mapping that says where each value is found.

A mapping is an invoke request (without requestId) in which an object `{"from": "<JMESPath>"}` stands for what the path
finds in `{"event": <the sender's event header>, "body": <its JSON>}`; "default" beside it is taken if it finds nothing.
`when` is a path, too: what it finds must be true, or the message is ignored. The requestId is derived from what the
sender signed, so a message that is sent again, by the sender or by a thief, finds the run of the first.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

import msgspec

from shared.core import limits
from shared.core.access import Grant
from shared.core.errors import Refused

_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}\Z")
_SECRETS_MAX = 2
_DEPTH_MAX = 12
_EXPRESSIONS_MAX = 40
_VALUES_MAX = 120_000
"""Of one request that was made: its instance ids, and a little."""
_STEPS_MAX = 1_000_000
_CHARS_PER_STEP = 16
"""What one path may make on its way: values, and texts by their length; some times as much as a body can hold."""
_NOT_MAPPED = ("kind", "requestId", "schedule")


class HookSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What an admin gives."""

    name: str
    scheme: Literal["standard", "github"]
    secrets: tuple[str, ...]
    """`whsec_<Base64>`, or GitHub's text; two while one is being replaced."""
    request: dict[str, Any]
    when: str = ""
    """"" = always."""
    grant: Grant | None = None
    """Absent: bounded by nothing but what the mapping says."""


class HookRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A hook as it is stored."""

    name: str
    scheme: Literal["standard", "github"]
    sealed_secrets: tuple[str, ...]
    request: dict[str, Any]
    when: str
    grant: Grant
    created_ms: int
    created_by: str
    version: int = 1

    @property
    def purpose(self) -> str:
        """What its secrets are sealed for."""
        return f"hook:{self.name}"


def check_hook(spec: HookSpec) -> None:
    """Raises Refused that names the field."""
    if not _NAME.match(spec.name):
        raise _bad("name", f"is {spec.name[:80]!r}; it must have 1 to 64 of a-z, 0-9, '_' and '-'")
    if not 1 <= len(spec.secrets) <= _SECRETS_MAX:
        raise _bad("secrets", f"has {len(spec.secrets)}; it must have 1 or {_SECRETS_MAX}")
    if spec.grant is not None and spec.grant.role != "operator":
        raise _bad("grant.role", f"is {spec.grant.role}; a hook starts runs, and nothing else: operator")
    for field in _NOT_MAPPED:
        if field in spec.request:
            raise _bad(f"request.{field}", "is not the mapping's: it is derived, or not for hooks")
    expressions = list(_expressions(spec.request, "request", 0))
    if len(expressions) > _EXPRESSIONS_MAX:
        raise _bad("request", f"has {len(expressions)} paths; it must have at most {_EXPRESSIONS_MAX}")
    if spec.when:
        expressions.append(("when", spec.when))
    for field, expression in expressions:
        _check_not(field, expression, _compiled(field, expression).parsed)


def grant_of(spec: HookSpec) -> Grant:
    return spec.grant or Grant(name=f"hook-{spec.name}"[:64])


def request_id_of(name: str, signed_name: str) -> str:
    """`signed_name`: what the sender's signature covers and names the message."""
    return f"hook-{name}-{hashlib.sha256(signed_name.encode()).hexdigest()[:32]}"


def decode_body(body: bytes) -> Any:
    """Raises Refused (BadRequest)."""
    if len(body) > limits.HOOK_BYTES_MAX:
        raise _bad("$", f"has {len(body)} bytes; it must have at most {limits.HOOK_BYTES_MAX}")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad("$", f"is not JSON: {str(error)[:200]}") from None


def is_wanted(row: HookRow, facts: dict[str, Any]) -> bool:
    return not row.when or bool(_found("when", row.when, facts))


def map_request(row: HookRow, facts: dict[str, Any], *, request_id: str) -> bytes:
    """The request as JSON, not validated yet. Raises Refused when a path finds nothing and there is no default."""
    mapped = _filled(row.request, "request", facts)
    assert isinstance(mapped, dict)
    budget = [_VALUES_MAX]
    _count(mapped, budget)
    return msgspec.json.encode({"kind": "invoke", "requestId": request_id, **mapped})


def _filled(node: Any, field: str, facts: dict[str, Any]) -> Any:
    if _is_path(node):
        found = _found(field, node["from"], facts)
        if found is None:
            if "default" not in node:
                raise _bad(field, f"is to come from {node['from'][:200]!r}, which the message does not have")
            return node["default"]
        return found
    if isinstance(node, dict):
        return {key: _filled(part, f"{field}.{key}", facts) for key, part in node.items()}
    if isinstance(node, list):
        return [_filled(part, f"{field}[{index}]", facts) for index, part in enumerate(node)]
    return node


def _is_path(node: Any) -> bool:
    return isinstance(node, dict) and "from" in node and set(node) <= {"from", "default"}


def _expressions(node: Any, field: str, depth: int) -> list[tuple[str, str]]:
    if depth > _DEPTH_MAX:
        raise _bad(field, f"is nested deeper than {_DEPTH_MAX}")
    if _is_path(node):
        if not isinstance(node["from"], str):
            raise _bad(f"{field}.from", "must be a path, as text")
        return [(f"{field}.from", node["from"])]
    if isinstance(node, dict):
        return [each for key in node for each in _expressions(node[key], f"{field}.{key}", depth + 1)]
    if isinstance(node, list):
        return [each for i, part in enumerate(node) for each in _expressions(part, f"{field}[{i}]", depth + 1)]
    return []


def _compiled(field: str, expression: str) -> Any:
    import jmespath

    if not 1 <= len(expression) <= limits.HOOK_EXPRESSION_CHARS_MAX:
        raise _bad(field, f"has {len(expression)} characters; it must have 1 to {limits.HOOK_EXPRESSION_CHARS_MAX}")
    try:
        return jmespath.compile(expression)
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        raise _bad(field, f"is {expression[:200]!r}, which is no JMESPath: {str(error)[:200]}") from None


def _check_not(field: str, expression: str, node: Any) -> None:
    """`!a.b` is `(!a).b` in JMESPath, a field of a yes or no: it finds nothing, ever, whatever was meant by it."""
    parts = [part for part in node["children"] if isinstance(part, dict)]  # the bounds of a slice are numbers
    if node["type"] == "subexpression" and parts[0]["type"] == "not_expression" and _is_of_a_name(parts[1]):
        raise _bad(field, f"is {expression[:200]!r}, where '!' is for the first name only; it must be like '!(a.b)'")
    for part in parts:
        _check_not(field, expression, part)


def _is_of_a_name(node: Any) -> bool:
    """`b`, `b[0]`, `b[*]`; not `to_string(@)`, `[@]` and `{a: @}`, which make something of a yes or no, too."""
    while node["type"] in ("index_expression", "projection"):
        node = node["children"][0]
    return bool(node["type"] == "field")


def _found(field: str, expression: str, facts: dict[str, Any]) -> Any:
    import jmespath

    try:
        return _bounded_search(field, _compiled(field, expression).parsed, facts)
    except (jmespath.exceptions.JMESPathError, RecursionError, TypeError, ValueError) as error:
        raise _bad(field, f"cannot be found by {expression[:200]!r}: {str(error)[:200]}") from None


def _bounded_search(field: str, parsed: Any, facts: dict[str, Any]) -> Any:
    """Each step pays for what it made. A list of the same list twice is small, and what is made of it doubles."""
    from jmespath.visitor import TreeInterpreter

    budget = [_STEPS_MAX]

    class Bounded(TreeInterpreter):  # type: ignore[misc]
        def visit(self, node: Any, *arguments: Any, **named: Any) -> Any:
            made = super().visit(node, *arguments, **named)
            budget[0] -= 1 + (len(made) if isinstance(made, list | dict) else 0)
            budget[0] -= len(made) // _CHARS_PER_STEP if isinstance(made, str) else 0
            if budget[0] < 0:
                raise _bad(field, f"makes more than {_STEPS_MAX:,} values on its way")
            if node["type"] in ("multi_select_list", "multi_select_dict"):
                _count(made, budget, field)
            return made

    return Bounded().visit(parsed, facts)


def _count(node: Any, budget: list[int], field: str = "request") -> None:
    """A path may repeat what it finds, again and again: a small expression for a large answer."""
    budget[0] -= 1
    if budget[0] < 0:
        raise _bad(field, "has too many values")
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _count(part, budget, field)


def _bad(field: str, problem: str) -> Refused:
    return Refused(f"{field} {problem}", code="BadRequest", field=field)
