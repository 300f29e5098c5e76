"""What core.requests checks in code, as JSON Schema says it: joined to the types' own schemas in the OpenAPI document.

`optional`: fields that the API fills in. What a schema cannot say (a cron expression that fires, times in order) stays
with the code, and is answered with 422.
"""

from __future__ import annotations

from typing import Any

from shared.core import limits

Json = dict[str, Any]


def _text(high: int, *, low: int = 1, pattern: str = "") -> Json:
    return {"type": "string", "minLength": low, "maxLength": high} | ({"pattern": pattern} if pattern else {})


def _number(low: int, high: int) -> Json:
    return {"type": "integer", "minimum": low, "maximum": high}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _bound(low: int) -> Json:
    percent = "^(100|[1-9][0-9]?)%$" if low else "^(100|[1-9]?[0-9])%$"
    return {"anyOf": [_number(low, limits.TARGETS_MAX), {"type": "string", "pattern": percent}]}


_SELECTORS = ("tags", "name", "resourceGroupId", "vpcId")
_TAGS: Json = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": limits.TAGS_PER_SELECTION_MAX,
    "propertyNames": _text(128),
    "additionalProperties": _text(128, low=0),
}
_IDS: Json = {
    "type": "array",
    "items": {"type": "string", "pattern": "^i-[A-Za-z0-9-]{1,62}$"},
    "minItems": 1,
    "maxItems": limits.TARGETS_MAX,
}
_NULL: Json = {"type": "null"}

BOUNDS: dict[str, Json] = {
    "InvokeRequest": {
        "optional": ("kind", "requestId"),
        "properties": {
            "requestId": _text(limits.REQUEST_ID_CHARS_MAX, pattern="^[A-Za-z0-9][A-Za-z0-9._:@/+=-]*$"),
            "region": {"type": "string", "pattern": "^([a-z]{2}-[a-z0-9-]{2,30})?$"},
            "parameters": {
                "type": "object",
                "maxProperties": limits.PARAMETERS_MAX,
                "propertyNames": _text(limits.PARAMETER_NAME_CHARS_MAX, pattern="^[A-Za-z0-9_-]+$"),
                "additionalProperties": {"type": "string"},
            },
            "timeout": _number(limits.TIMEOUT_S_MIN, limits.TIMEOUT_S_MAX),
            "username": _or_null(_text(limits.USERNAME_CHARS_MAX)),
        },
    },
    "Command": {
        "properties": {
            "commandId": _or_null(_text(128)),
            "content": _or_null(_text(limits.CONTENT_BYTES_MAX * 4 // 3 + 4)),
            "workingDir": _or_null(_text(limits.WORKING_DIR_CHARS_MAX)),
        },
        "oneOf": [
            {
                "required": ["commandId"],
                "properties": {"commandId": {"type": "string"}, "content": _NULL, "type": _NULL},
            },
            {
                "required": ["type", "content"],
                "properties": {"commandId": _NULL, "content": {"type": "string"}, "type": {"type": "string"}},
            },
        ],
    },
    "TargetSelection": {
        "properties": {
            "instanceIds": _or_null(_IDS),
            "tags": _or_null(_TAGS),
            **{name: _or_null(_text(128)) for name in ("name", "resourceGroupId", "vpcId")},
        },
        "oneOf": [
            {
                "required": ["instanceIds"],
                "properties": {"instanceIds": {"type": "array"}, **dict.fromkeys(_SELECTORS, _NULL)},
            },
            {
                "properties": {"instanceIds": _NULL},
                "anyOf": [{"required": [name], "properties": {name: {"not": _NULL}}} for name in _SELECTORS],
            },
        ],
    },
    "RateControl": {
        "properties": {
            "maxConcurrency": _or_null(_bound(1)),
            "maxErrors": _or_null(_bound(0)),
            "waves": _or_null({"type": "array", "items": _bound(1), "minItems": 1, "maxItems": limits.WAVES_MAX}),
        },
    },
    "ScheduleSpec": {
        "properties": {
            "frequency": _text(limits.FREQUENCY_CHARS_MAX),
            "missedMax": _number(1, limits.MISSED_MAX),
            "missedWindow": _number(60, limits.MISSED_WINDOW_S_MAX),
            "jitter": _number(0, limits.JITTER_S_MAX),
        },
    },
}
