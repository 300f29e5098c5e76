"""Messages of a queue → what the function is handed. Pure.

Source: pages 142 and 150, 2026-08; a captured event of FC 2.0 (awesome-fc, python3-mns-queue-trigger): there `id` is
the message's id, which is the reading taken.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypeVar

from localcloud.account import Account
from localcloud.fc.queue_config import DRIVEN, QueueTriggerConfig
from localcloud.fc.queues import Taken

T = TypeVar("T")


def iso(epoch_ms: int) -> str:
    """2021-04-08T06:28:17.093Z"""
    moment = datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03d}Z"


def cloud_event(
    message: Taken, config: QueueTriggerConfig, *, account: Account, source: str, request_id: str, now_ms: int
) -> dict[str, Any]:
    """One message as a CloudEvent of EventBridge."""
    region = config.region or account.region
    return {
        "id": message.message_id,
        "source": source,
        "specversion": "1.0",
        "type": "mns:Queue:SendMessage",
        "datacontenttype": "application/json; charset=utf-8",
        "subject": f"acs:mns:{region}:{account.account_id}:queues/{config.queue}",
        "time": iso(message.enqueued_ms),
        "aliyunaccountid": account.account_id,
        "aliyunpublishtime": iso(now_ms),
        "aliyunoriginalaccountid": account.account_id,
        "aliyuneventbusname": source,
        "aliyunregionid": region,
        "aliyunpublishaddr": "127.0.0.1",
        "data": {
            "requestId": request_id,
            "messageId": message.message_id,
            "messageBody": body_of(message.body, decodes_base64=config.decodes_base64),
        },
    }


def body_of(body: str, *, decodes_base64: bool) -> str:
    """What is not valid Base64, or is not text behind it, is delivered as it stands (not documented: our reading)."""
    if not decodes_base64:
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, ValueError):
        return body


def payload_of(events: Sequence[Mapping[str, Any]], config: QueueTriggerConfig) -> bytes:
    """Event-streaming: an array, also of one. Event-driven: the event itself."""
    shown: list[Any] = [event["data"] for event in events] if config.schema == "RawData" else list(events)
    value = shown[0] if config.mode == DRIVEN else shown
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def split_by_size(items: Sequence[T], sizes: Sequence[int], *, bytes_max: int) -> Iterator[list[T]]:
    """Groups in order, each within `bytes_max` when written as an array; one that is too long alone stays alone."""
    group: list[T] = []
    used = 2
    for item, size in zip(items, sizes, strict=True):
        if group and used + size + 1 > bytes_max:
            yield group
            group, used = [], 2
        group.append(item)
        used += size + 1
    if group:
        yield group


def passes(event: Mapping[str, Any], pattern: Mapping[str, Any] | None) -> bool:
    """EventBridge's filter: each field named must have one of the values listed, or begin with a `prefix`."""
    if not pattern:
        return True
    for name, wanted in pattern.items():
        value = event.get(name)
        if isinstance(wanted, Mapping):
            if not isinstance(value, Mapping) or not passes(value, wanted):
                return False
        elif not any(_fits(value, one) for one in wanted):
            return False
    return True


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping) and set(wanted) == {"prefix"}:
        return isinstance(value, str) and value.startswith(str(wanted["prefix"]))
    return bool(value == wanted)
