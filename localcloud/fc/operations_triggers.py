"""Triggers through the APIs. FC 2.0 takes triggerConfig as an object, FC 3.0 as JSON text; both are taken by both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from localcloud.fc.desk import Desk, Operation, Reply, shown_time
from localcloud.fc.errors import invalid
from localcloud.fc.http_config import trigger_url
from localcloud.fc.json_in import json_object
from localcloud.fc.triggers import TriggerRecord
from localcloud.fc.values import TriggerSpec


def create_trigger(desk: Desk) -> Reply:
    record, body = desk.function(), desk.body()
    spec = TriggerSpec(
        function=record.key,
        name=desk.text(body, "triggerName", required=True),
        type=desk.text(body, "triggerType", required=True),
        config=_config(body.get("triggerConfig")),
        source_arn=desk.text(body, "sourceArn"),
        invocation_role=desk.text(body, "invocationRole"),
        qualifier=desk.text(body, "qualifier"),
        description=desk.text(body, "description"),
    )
    return _reply(desk, desk.service.create_trigger(spec))


def get_trigger(desk: Desk) -> Reply:
    return _reply(desk, _find(desk))


def update_trigger(desk: Desk) -> Reply:
    trigger = _find(desk)
    desk.check_match(_etag(trigger))
    body = desk.body()
    changes: dict[str, Any] = {}
    if body.get("triggerConfig") is not None:
        config = _config(body["triggerConfig"])
        # Of a log trigger, what is not named stays (tests of fc-java-sdk); of the others no source says it.
        kept = dict(trigger.spec.config) if trigger.spec.type == "log" else {}
        changes["config"] = {**kept, **{name: value for name, value in config.items() if value is not None or not kept}}
    for name, field in (
        ("invocationRole", "invocation_role"),
        ("qualifier", "qualifier"),
        ("description", "description"),
    ):
        if body.get(name) is not None:
            changes[field] = desk.text(body, name)
    desk.service.check_qualifier(trigger.spec.function, changes.get("qualifier", ""))
    return _reply(desk, desk.service.triggers.update(trigger.spec.function, trigger.spec.name, changes))


def delete_trigger(desk: Desk) -> Reply:
    trigger = _find(desk)
    desk.check_match(_etag(trigger))
    desk.service.triggers.delete(trigger.spec.function, trigger.spec.name)
    return Reply()


def list_triggers(desk: Desk) -> Reply:
    records = desk.service.triggers.of(desk.function().key)
    return desk.page(
        "triggers", records, key=lambda record: record.spec.name, show=lambda record: _document(desk, record)
    )


def _find(desk: Desk) -> TriggerRecord:
    return desk.service.triggers.find(desk.function().key, desk.names["trigger"])


def _config(value: Any) -> dict[str, Any]:
    if value is None:
        raise invalid("triggerConfig is missing")
    if isinstance(value, str):
        return json_object(value, "triggerConfig")
    if not isinstance(value, dict):
        raise invalid("triggerConfig must be an object, or its JSON text")
    return value


def _document(desk: Desk, record: TriggerRecord) -> dict[str, Any]:
    spec = record.spec
    shown: dict[str, Any] = {
        "triggerId": record.trigger_id,
        "triggerName": spec.name,
        "triggerType": spec.type,
        "description": spec.description,
        "sourceArn": None if spec.type == "http" else spec.source_arn or None,
        "invocationRole": spec.invocation_role,
        "qualifier": spec.qualifier or None,
        "createdTime": shown_time(record.created_ms),
        "lastModifiedTime": shown_time(record.modified_ms),
        "triggerConfig": msgspec.json.encode(spec.config).decode() if desk.is_new else dict(spec.config),
    }
    if desk.is_new:
        owner = desk.service.functions.find(spec.function)
        shown["targetArn"] = desk.arn(owner)
        shown["status"] = ""
    if spec.type == "http":
        url = _url(desk, spec)
        if desk.is_new:
            shown["httpTrigger"] = {"urlInternet": url, "urlIntranet": url}
        else:
            shown.update(urlInternet=url, urlIntranet=url)
    return shown


def _url(desk: Desk, spec: TriggerSpec) -> str:
    record = desk.service.functions.find(spec.function)
    cloud = f"http://{desk.call.request.headers.get('host', 'localhost')}"
    return trigger_url(cloud, service=record.function.service, function=record.name, qualifier=spec.qualifier)


def _etag(record: TriggerRecord) -> str:
    """Another one after each change, the same while nothing is different."""
    told = msgspec.json.encode((record.trigger_id, record.spec, record.modified_ms), order="deterministic")
    return hashlib.md5(told, usedforsecurity=False).hexdigest()


def _reply(desk: Desk, record: TriggerRecord) -> Reply:
    return Reply(_document(desk, record), etag=_etag(record))


OFFERED: Mapping[str, Operation] = {
    "CreateTrigger": create_trigger,
    "GetTrigger": get_trigger,
    "UpdateTrigger": update_trigger,
    "DeleteTrigger": delete_trigger,
    "ListTriggers": list_triggers,
}
