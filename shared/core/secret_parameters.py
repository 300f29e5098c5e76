"""Secret parameters: their values are references into the OOS parameter store, and nothing else.

A literal cannot be kept secret by whoever calls InvokeCommand: Cloud Assistant stores the parameters of a call and
shows them to all who may list invocations. `{{oos-secret:name}}` is resolved by the agent on the instance, so the
secret passes neither through our rows nor through ECS's. Hence: a parameter that is marked secret and is no such
reference is refused, before anything of it is stored (docs/decisions/0010).
"""

from __future__ import annotations

import re

import msgspec

from shared.core.errors import Refused
from shared.core.requests import InvokeRequest, Request, ScheduleRequest

_REFERENCE = re.compile(r"^\{\{\s*oos-secret:[A-Za-z0-9/_.-]{1,200}\s*\}\}\Z")
_HIDDEN = "***"


def is_reference(value: str) -> bool:
    return bool(_REFERENCE.match(value))


def check_secrets(request: Request) -> None:
    """Raises Refused (SecretInClear), whose text does not hold the value."""
    if isinstance(request, ScheduleRequest) and request.request is not None:
        request = request.request
    if not isinstance(request, InvokeRequest):
        return
    for name in request.secret_parameters:
        if not is_reference(request.parameters[name]):
            raise Refused(
                f"parameters.{name} is marked secret and holds a literal, which ECS would store and show; put it into "
                'the OOS parameter store and give "{{oos-secret:its-name}}"',
                code="SecretInClear",
                field=f"parameters.{name}",
            )


def without_secrets(body: bytes) -> bytes:
    """A message that was refused, for the dead letters: literals of parameters that it marks as secret are gone."""
    try:
        shape = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if not isinstance(shape, dict):
        return body
    if shape.get("kind") == "signed" and isinstance(shape.get("request"), str):
        inner = shape["request"].encode("utf-8", "surrogatepass")
        hidden = without_secrets(inner)
        return body if hidden == inner else msgspec.json.encode({**shape, "request": hidden.decode()})
    if isinstance(shape.get("request"), dict):  # of an update of a schedule
        inner = msgspec.json.encode(shape["request"])
        hidden = without_secrets(inner)
        return body if hidden == inner else msgspec.json.encode({**shape, "request": msgspec.json.decode(hidden)})
    marked, parameters = shape.get("secretParameters"), shape.get("parameters")
    if not isinstance(marked, list) or not isinstance(parameters, dict):
        return body
    found = {name for name in marked if isinstance(name, str) and name in parameters}
    literals = {name for name in found if not (isinstance(parameters[name], str) and is_reference(parameters[name]))}
    if not literals:
        return body
    return msgspec.json.encode({**shape, "parameters": {**parameters, **dict.fromkeys(sorted(literals), _HIDDEN)}})
