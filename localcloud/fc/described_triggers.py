"""Triggers whose sources the local cloud does not have: kept and shown. None fires, since nothing happens there.

Source: trigger pages of FC 2.0 and FC 3.0, 2026-08; models of aliyun-fc2 2.5.2. How their parts are checked beyond
their kinds is not published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.fc.errors import invalid

SOURCES: Mapping[str, str] = {"oss": "acs:oss:", "log": "acs:log:", "cdn_events": "acs:cdn:"}
"""How the ARN of the source begins, by type."""
OSS_EVENT = "oss:"
KINDS: Mapping[type, str] = {dict: "an object", str: "a string", int: "a whole number", bool: "true or false"}
PARTS: Mapping[str, Mapping[str, type]] = {
    "oss": {"filter": dict, "filter.key": dict, "filter.key.prefix": str, "filter.key.suffix": str},
    "log": {
        "sourceConfig": dict,
        "sourceConfig.logstore": str,
        "jobConfig": dict,
        "jobConfig.triggerInterval": int,
        "jobConfig.maxRetryTime": int,
        "functionParameter": dict,
        "logConfig": dict,
        "logConfig.project": str,
        "logConfig.logstore": str,
        "enable": bool,
    },
    "cdn_events": {"eventName": str, "eventVersion": str, "notes": str, "filter": dict},
}
"""Of triggerConfig, each after what it is a part of."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "oss": (),
    "log": ("sourceConfig.logstore",),
    "cdn_events": ("eventName", "eventVersion"),
}


def check_described(kind: str, config: Mapping[str, Any], source_arn: str) -> None:
    """Raises FcError InvalidArgument naming the field."""
    begins = SOURCES[kind]
    if not source_arn.startswith(begins):
        raise invalid(f"sourceArn is {source_arn!r}, that of a trigger of type {kind} begins with {begins}")
    for place, expected in PARTS[kind].items():
        value = _at(config, place)
        is_one = isinstance(value, expected) and (expected is bool or not isinstance(value, bool))
        if value is not None and not is_one:
            raise invalid(f"triggerConfig.{place} must be {KINDS[expected]}, not {value!r}")
    for place in NEEDED[kind]:
        if not _at(config, place):
            raise invalid(f"triggerConfig.{place} is missing")
    if kind == "oss":
        _check_events(config.get("events"))


def _check_events(events: Any) -> None:
    ok = isinstance(events, list) and events
    if not ok or not all(isinstance(event, str) and event.startswith(OSS_EVENT) for event in events):
        raise invalid(f"triggerConfig.events is {events!r}, a list of events such as oss:ObjectCreated:* is needed")


def _at(config: Mapping[str, Any], place: str) -> Any:
    """None: not there."""
    value: Any = config
    for name in place.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
