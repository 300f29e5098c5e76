"""One example of each message and event. A request is decoded as a sender's would be; an event is made by its type."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from typing import Any

import msgspec

from cli.reference.types import Type
from shared.core.model import run_id_of
from shared.core.requests import decode_request

RUN = run_id_of("deploy-42")
REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "invoke": {
        "kind": "invoke",
        "requestId": "deploy-42",
        "command": {"type": "RunShellScript", "content": "systemctl restart {{service}}"},
        "parameters": {"service": "web"},
        "targets": {"tags": {"env": "prod"}, "name": "web-*"},
        "timeout": 120,
        "rateControl": {"maxConcurrency": "10%", "maxErrors": 5, "waves": [1, "10%", "100%"]},
    },
    "stop": {"kind": "stop", "requestId": "stop-42", "runId": RUN, "instanceIds": ["i-bp1aaaaaaaaaaaaaaaa1"]},
    "schedule": {"kind": "schedule", "requestId": "pause-nightly", "schedule": "nightly", "action": "pause"},
}
_VALUES: Mapping[str, Any] = {
    "specversion": "1.0",
    "id": f"{RUN}:00000003",
    "source": "acs:fleetrun:cn-hangzhou:1234567890123456",
    "subject": RUN,
    "time": "2026-11-24T08:00:00.000Z",
    "sequence": "00000003",
    "datacontenttype": "application/json",
    "runId": RUN,
    "requestId": "deploy-42",
    "region": "cn-hangzhou",
    "code": "BadRequest",
    "field": "timeout",
    "message": "timeout is 5; it must be 10 to 86400 seconds",
    "instanceId": "i-bp1aaaaaaaaaaaaaaaa1",
    "requested": 120,
    "included": 118,
    "excludedByReason": {"NotRunning": 2},
    "chunks": 3,
    "units": 3,
    "toDay": "2026-11-25",
    "chunkId": f"{RUN}-00001",
    "invokeId": "t-hz01aaaaaaaaaaa",
    "wave": 0,
    "targets": 50,
    "exitCode": 0,
    "errorCode": "",
    "errorInfo": "",
    "output": "web-1 restarted\n",
    "dropped": 0,
    "startTime": "2026-11-24T08:00:01Z",
    "finishTime": "2026-11-24T08:00:02Z",
    "counts": {"Success": 117, "Failed": 1, "Excluded": 2},
    "unitsSpent": 3,
    "durationMs": 4_210,
}
_OF_TYPE: Mapping[tuple[str, str], Any] = {
    ("ExcludedTarget", "name"): "web-7",
    ("ExcludedTarget", "reason"): "NotRunning",
    ("ExcludedTarget", "detail"): "It is Stopped; start it.",
    ("Deferred", "reason"): "no units left",
    ("Outcome", "name"): "web-1",
    ("Outcome", "status"): "Success",
    ("Stopping", "reason"): "StopRequested",
    ("Ended", "status"): "PartialFailed",
    ("Ended", "reason"): "",
}


def request_text(kind: str) -> str:
    """Raises KeyError for a kind without a sample, and Refused for a sample that would be refused."""
    text = json.dumps(REQUESTS[kind], indent=2, ensure_ascii=False)
    decode_request(text.encode())
    return text


def event_text(event: Type) -> str:
    """Decodes what it has made, so that an example is never one that the type would refuse."""
    made = msgspec.json.encode(_struct(event))
    msgspec.json.decode(made, type=event)
    return msgspec.json.format(made, indent=2).decode()


def _struct(struct: Type) -> Any:
    hints = typing.get_type_hints(struct)
    values = {
        each.name: _value(struct.__name__, each.encode_name, hints[each.name])
        for each in msgspec.structs.fields(struct)
    }
    return struct(**values)


def _value(owner: str, name: str, kind: Any) -> Any:
    known = _OF_TYPE.get((owner, name), _VALUES.get(name))
    if known is not None and _fits(known, kind):
        return known
    arguments = typing.get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return _value(owner, name, arguments[0])
    if typing.get_origin(kind) in (list, tuple):
        return [_value(owner, name, arguments[0])]
    if typing.get_origin(kind) is dict:
        return {}
    if typing.get_origin(kind) is typing.Literal:
        return arguments[0]
    return {str: "…", int: 0, bool: False, float: 0.0}[kind]


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
