"""One call as ECS reads it off the wire: an action, a version and a flat table of parameters.

Wire format: everything is text under dotted names (`InstanceId.1`, `Tag.2.Key`), in the query, in a form body, or (the
newer SDKs) in a JSON body, which is flattened to the same names. Sources: aliyun-python-sdk-core 2.16.1,
alibabacloud-tea-openapi 0.4.6, both measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_plus

from localcloud.ecs.errors import EcsError, invalid, missing
from localcloud.http import Request

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
PARAMETERS_MAX = 5_000
"""Ours: 100 ids and 40 tags are 180."""
NAME_SHOWN_CHARS_MAX = 60

ACTION = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
INDEX = re.compile(r"[1-9][0-9]{0,8}")
TAG_HALF = re.compile(r"([1-9][0-9]{0,8})\.(Key|Value|key|value)")
"""alibabacloud-ecs20140526 1.2.0 sends `Tag.1.key`; the later ones and the pages have `Tag.1.Key`."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked for. `parameters` are the operation's own (RegionId among them), decoded, in the order sent."""

    action: str
    version: str
    parameters: Mapping[str, str]
    region: str
    """RegionId; "" when it was not given."""
    request: Request = field(repr=False)
    format: str = "JSON"
    """JSON or XML: how the caller wants to be answered."""


# -- reading the wire -------------------------------------------------------------------------------------------------


def query_parameters(request: Request) -> dict[str, str]:
    """Raises EcsError for a name given twice and for what is not UTF-8."""
    return _decoded(request.query)


def form_parameters(request: Request) -> dict[str, str]:
    """Empty unless the body is a form."""
    if not request.body or content_type(request) != FORM:
        return {}
    return _decoded(request.body.decode("latin-1"))


def json_parameters(request: Request) -> dict[str, str]:
    """Empty unless the body is JSON. Raises EcsError when it is none, or not an object."""
    if not request.body or content_type(request) != JSON:
        return {}
    document = _json(request.body, "body", code="InvalidParameter")
    if not isinstance(document, dict):
        raise EcsError("InvalidParameter", "The body must be a JSON object of parameters.")
    try:
        return dict(_flat(document))
    except RecursionError as error:
        raise EcsError("InvalidParameter", "The body has objects and lists too deep in each other.") from error


def merged(*parts: Mapping[str, str]) -> dict[str, str]:
    """All parameters of a request. A name that stands in two places is refused: nobody could say which one counts."""
    table: dict[str, str] = {}
    for part in parts:
        for name, value in part.items():
            if name in table:
                raise EcsError("InvalidParameter", f"The parameter {name[:NAME_SHOWN_CHARS_MAX]!r} is given twice.")
            table[name] = value
    if len(table) > PARAMETERS_MAX:
        raise EcsError("InvalidParameter", f"A call has at most {PARAMETERS_MAX} parameters, not {len(table)}.")
    return table


def content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def peek_action(request: Request) -> str:
    """The action, before anything was checked: for logs and fault plans. "Unknown" without one; never raises."""
    for named in (_peeked(request, "Action"), request.headers.get("x-acs-action", "")):
        if ACTION.fullmatch(named):
            return named
    return "Unknown"


def peek_format(request: Request) -> str:
    """JSON or XML, before anything was checked; never raises. Without a word about it: XML with the old signature."""
    named = _peeked(request, "Format")
    if named.isalpha():
        return "JSON" if named.upper() == "JSON" else "XML"
    accept = request.headers.get("accept", "")
    if request.headers.get("authorization", "").startswith("ACS3-"):
        return "XML" if "xml" in accept and JSON not in accept else "JSON"
    return "JSON" if JSON in accept else "XML"


def _peeked(request: Request, name: str) -> str:
    """The parameter as it was sent, of the query or of the form; "": not there. No pattern: a query is long."""
    form = request.body.decode("latin-1") if request.body and content_type(request) == FORM else ""
    for part in (request.query, form):
        _, found, rest = f"&{part}".partition(f"&{name}=")
        if found:
            return rest.partition("&")[0]
    return ""


def _decoded(text: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for part in text.split("&"):
        if not part:
            continue
        raw_name, _, raw_value = part.partition("=")
        name, value = _text(raw_name), _text(raw_value)
        if name in table:
            raise EcsError("InvalidParameter", f"The parameter {name[:NAME_SHOWN_CHARS_MAX]!r} is given twice.")
        table[name] = value
    return table


def _text(raw: str) -> str:
    """Form decoding; raises EcsError for bytes that are not UTF-8."""
    # Nearly all of a call are names and ids that stand for themselves: worth a look before the long way.
    is_ascii = raw.isascii()
    if is_ascii and "%" not in raw and "+" not in raw:
        return raw
    # A letter above ASCII that was sent as it is came to us as Latin-1: back to the bytes first.
    if not is_ascii:
        raw = raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
    try:
        text = unquote_plus(raw, errors="strict")
        text.encode()
    except UnicodeError as error:
        shown = raw.encode("ascii", "replace").decode()[:NAME_SHOWN_CHARS_MAX]
        raise EcsError("InvalidParameter", f"Parameters must be UTF-8; {shown!r} is not.") from error
    return text


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A JSON body in dotted names: lists are numbered from 1, an object stays the JSON text that a query would hold."""
    for name, value in document.items():
        if isinstance(value, list):
            yield from _numbered(name, value)
        elif isinstance(value, dict):
            yield name, json.dumps(value, ensure_ascii=False)
        elif value is not None:
            yield name, _scalar(value)


def _numbered(name: str, values: list[Any]) -> Iterator[tuple[str, str]]:
    for index, value in enumerate(values, start=1):
        if isinstance(value, dict):
            yield from ((f"{name}.{index}.{key}", text) for key, text in _flat(value))
        elif isinstance(value, list):
            yield from _numbered(f"{name}.{index}", value)
        elif value is not None:
            yield f"{name}.{index}", _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _json(text: str | bytes, name: str, *, code: str, duplicate_code: str | None = None) -> Any:
    """Raises EcsError: for what is not JSON, for a key that stands in an object twice, for a lone surrogate."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            raise EcsError(duplicate_code or code, f"{name} holds a key twice.")
        return table

    try:
        document = json.loads(text, object_pairs_hook=unique)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise EcsError(code, f"{name} is not valid JSON.") from error
    return document


# -- readers of parameters --------------------------------------------------------------------------------------------


def text(call: Call, name: str, default: str = "") -> str:
    """An absent parameter and an empty one are the same to ECS."""
    return call.parameters.get(name) or default


def required(call: Call, name: str) -> str:
    """Raises MissingParameter, or the code that ECS has for this name."""
    value = call.parameters.get(name)
    if not value:
        raise missing(name)
    return value


def integer(  # noqa: PLR0917  bounds and code in the order in which one says them
    call: Call,
    name: str,
    default: int,
    low: int | None = None,
    high: int | None = None,
    code: str = "InvalidParameter",
) -> int:
    """A whole number from `low` to `high`, both included; None: no bound. Raises EcsError with `code`."""
    value = text(call, name)
    if not value:
        return default
    bounds = f"a whole number from {_bound(low)} to {_bound(high)}"
    if not WHOLE_NUMBER.fullmatch(value):
        raise invalid(name, value, bounds, code=code)
    number = int(value)
    if (low is not None and number < low) or (high is not None and number > high):
        raise invalid(name, value, bounds, code=code)
    return number


def boolean(
    call: Call,
    name: str,
    default: bool = False,  # noqa: FBT001, FBT002  as the other readers have it
    *,
    any_case: bool = True,
    code: str = "InvalidParameter",
) -> bool:
    """true or false; `any_case`: also True, which the SDKs make of Python's booleans. Raises EcsError with `code`."""
    value = text(call, name)
    if not value:
        return default
    word = value.lower() if any_case else value
    if word not in ("true", "false"):
        raise invalid(name, value, "true or false", code=code)
    return word == "true"


def numbered_list(call: Call, name: str) -> tuple[str, ...]:
    """The values of `name.1`, `name.2`, … by number, gaps allowed; or of `name` when that is a JSON array of texts.

    Raises InvalidParameter for a name such as `InstanceId.0` or `InstanceId.x`, and for `InstanceId` with one id: what
    is overlooked is not a target, and a stop without a target stops all.
    """
    prefix = name + "."
    found: list[tuple[int, str]] = []
    for key, value in call.parameters.items():
        if key.startswith(prefix):
            index = key[len(prefix) :]
            if not INDEX.fullmatch(index):
                raise EcsError("InvalidParameter", f"{key[:NAME_SHOWN_CHARS_MAX]!r}: {name} is numbered from 1.")
            found.append((int(index), value))
    whole = text(call, name)
    if not whole:
        return tuple(value for _, value in sorted(found))
    if whole.lstrip().startswith("[") and not found:
        return json_list(call, name)
    code = "MissingParam.InstanceId" if name == "InstanceId" else "InvalidParameter"
    raise EcsError(code, f"{name} is a list: {name}.1, {name}.2 and so on.")


def tag_list(call: Call, name: str) -> tuple[tuple[str, str], ...]:
    """The pairs of `name.N.Key` and `name.N.Value`, or `.key` and `.value`, by number; "" for a half that is not given.

    Also `name` as a JSON array of objects with Key and Value. Raises InvalidParameter for a name such as `Tag.1.Ky`:
    a filter that is overlooked selects too much.
    """
    prefix = name + "."
    halves: dict[int, dict[str, str]] = {}
    for key, value in call.parameters.items():
        if key.startswith(prefix):
            match = TAG_HALF.fullmatch(key, len(prefix))
            if match is None:
                raise EcsError("InvalidParameter", f"{key[:NAME_SHOWN_CHARS_MAX]!r}: {prefix}N.Key or {prefix}N.Value.")
            half = halves.setdefault(int(match.group(1)), {})
            if match.group(2).capitalize() in half:
                raise EcsError("InvalidParameter", f"The parameter {key!r} is given twice.")
            half[match.group(2).capitalize()] = value
    if not halves and text(call, name):
        halves = dict(enumerate(_tag_objects(call, name)))
    return tuple((halves[index].get("Key", ""), halves[index].get("Value", "")) for index in sorted(halves))


def json_list(call: Call, name: str, *, code: str = "InvalidParameter") -> tuple[str, ...]:
    """A parameter that is a JSON array of texts; empty when it is absent. Raises EcsError with `code`."""
    value = text(call, name)
    if not value:
        return ()
    document = _json(value, name, code=code)
    if not isinstance(document, list) or not all(isinstance(item, str) for item in document):
        raise invalid(name, value, "a JSON array of strings", code=code)
    return tuple(document)


def json_object(
    call: Call, name: str, *, code: str = "InvalidParameter", duplicate_code: str | None = None
) -> dict[str, Any] | None:
    """A parameter that is a JSON object; None when it is absent. Raises EcsError with `code`.

    `duplicate_code`: for a key that stands in it twice.
    """
    value = text(call, name)
    if not value:
        return None
    document = _json(value, name, code=code, duplicate_code=duplicate_code)
    if not isinstance(document, dict):
        # Not with its value: parameters may be secret.
        raise EcsError(code, f"{name} must be a JSON object.")
    return document


def _tag_objects(call: Call, name: str) -> list[dict[str, str]]:
    document = _json(text(call, name), name, code="InvalidParameter")
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise EcsError("InvalidParameter", f"{name} must be a JSON array of objects with Key and Value.")
    return [{half: str(item.get(half) or "") for half in ("Key", "Value")} for item in document]


def _bound(bound: int | None) -> str:
    return "any" if bound is None else str(bound)
