"""The configuration of a queue trigger (type `eventbridge`, source MNS): API's JSON → a checked value.

Source: EventBridgeTriggerConfig of API 2023-03-30 and pages 142, 150, 2026-08.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.fc.errors import FcError, invalid
from localcloud.fc.json_in import json_object
from localcloud.fc.limits import BATCH_COUNT, BATCH_WINDOW_S, STRICT, Limits
from localcloud.fc.retry_policy import STRATEGIES, RetryPolicy

STREAMING, DRIVEN = "event-streaming", "event-driven"


@dataclass(frozen=True, slots=True)
class QueueTriggerConfig:
    """What a queue trigger does."""

    queue: str
    region: str = ""
    is_enabled: bool = True
    is_async: bool = False
    mode: str = STREAMING
    schema: str = "CloudEvents"
    decodes_base64: bool = True
    count: int = 1
    window_ms: int = 0
    batches: int = 1
    """Batches at a time."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    tolerates_errors: bool = False
    dead_letter_queue: str | None = None
    pattern: Mapping[str, Any] | None = None
    """eventRuleFilterPattern; None lets everything pass."""


def read_config(config: Mapping[str, Any], limits: Limits = STRICT) -> QueueTriggerConfig:
    """Raises FcError InvalidArgument naming the field, NotImplemented for an operator of a pattern.

    `deliveryOption.concurrency` is said to count for Kafka only, `maximumTasks` is not in the SDK's model: whichever is
    larger is taken as the number of batches at a time.
    """
    source = _object(config, "eventSourceConfig")
    kind = source.get("eventSourceType", "MNS")
    if kind != "MNS":
        raise invalid(f"eventSourceType {kind!r} is not supported by the local cloud, only 'MNS' is")
    mns = _object(_object(source, "eventSourceParameters"), "sourceMNSParameters")
    queue = mns.get("QueueName")
    if not isinstance(queue, str) or not queue:
        raise invalid("eventSourceConfig.eventSourceParameters.sourceMNSParameters.QueueName is missing")
    delivery = _object(_object(config, "eventSinkConfig"), "deliveryOption")
    run = _object(config, "runOptions")
    window = _object(run, "batchWindow")
    mode = _choice(run.get("mode") or delivery.get("mode") or STREAMING, (STREAMING, DRIVEN), "runOptions.mode")
    tolerance = _choice(run.get("errorsTolerance") or "NONE", ("ALL", "NONE"), "runOptions.errorsTolerance")
    schema = _choice(delivery.get("eventSchema") or "CloudEvents", ("CloudEvents", "RawData"), "eventSchema")
    count = _whole(window, "CountBasedWindow", 1, BATCH_COUNT)
    window_s = _whole(window, "TimeBasedWindow", 0, BATCH_WINDOW_S)
    concurrency = _whole(delivery, "concurrency", 1, range(1, 301))
    tasks = _whole(run, "maximumTasks", 1, range(1, 301))
    invocation_type = _boolean(config, "asyncInvocationType", default=False)
    return QueueTriggerConfig(
        queue=queue,
        region=str(mns.get("RegionId") or ""),
        is_enabled=_boolean(config, "triggerEnable", default=True),
        is_async=invocation_type is (limits.async_invocation_type == "true-is-async"),
        mode=mode,
        schema=schema,
        decodes_base64=_boolean(mns, "IsBase64Decode", default=True),
        count=count if mode == STREAMING else 1,
        window_ms=window_s * 1000 if mode == STREAMING else 0,
        batches=max(concurrency, tasks),
        retry=_retry(_object(run, "retryStrategy")),
        tolerates_errors=tolerance == "ALL",
        dead_letter_queue=_dead_letter_queue(_object(run, "deadLetterQueue")),
        pattern=_pattern(config.get("eventRuleFilterPattern")),
    )


def _pattern(text: Any) -> Mapping[str, Any] | None:
    """JSON text in the API; an object is taken as well. Empty: everything passes."""
    pattern = text
    if isinstance(text, str):
        pattern = json_object(text, "eventRuleFilterPattern") if text.strip() else None
    if pattern is not None and not isinstance(pattern, Mapping):
        raise invalid("eventRuleFilterPattern must be the JSON text of an object")
    _check_pattern(pattern or {}, "eventRuleFilterPattern")
    return pattern or None


def _check_pattern(pattern: Mapping[str, Any], place: str) -> None:
    """Fields hold lists of what is allowed, or fields of their own. Of the operators there is `prefix`."""
    for name, wanted in pattern.items():
        if isinstance(wanted, Mapping):
            _check_pattern(wanted, f"{place}.{name}")
            continue
        if not isinstance(wanted, list):
            raise invalid(f"{place}.{name} is {wanted!r}, it must be a list of values")
        for one in wanted:
            if isinstance(one, Mapping) and set(one) != {"prefix"}:
                raise FcError("NotImplemented", f"the local cloud does not offer {', '.join(one)} in {place}.{name}")
            if isinstance(one, Mapping) and not isinstance(one["prefix"], str):
                raise invalid(f"{place}.{name}: prefix is {one['prefix']!r}, it must be a string")
            if isinstance(one, list):
                raise invalid(f"{place}.{name} holds a list, only values can be compared")


def _retry(strategy: Mapping[str, Any]) -> RetryPolicy:
    name = strategy.get("PushRetryStrategy") or "EXPONENTIAL_DECAY_RETRY"
    age_s = strategy.get("MaximumEventAgeInSeconds")
    return RetryPolicy(
        strategy=_choice(name, STRATEGIES, "retryStrategy.PushRetryStrategy"),
        retries_max=_whole(strategy, "MaximumRetryAttempts", None, range(1_000_000)),
        age_ms_max=None if age_s is None else _whole(strategy, "MaximumEventAgeInSeconds", 0, range(604_801)) * 1000,
    )


def _dead_letter_queue(target: Mapping[str, Any]) -> str | None:
    arn = target.get("Arn")
    if not arn:
        return None
    queue = queue_of_arn(str(arn))
    if queue is None:
        raise invalid(f"deadLetterQueue.Arn {arn!r} is not of an MNS queue, which is all that the local cloud has")
    return queue


def queue_of_arn(arn: str) -> str | None:
    """`acs:mns:<region>:<account>:[/]queues/<queue>[/message[s]]` → the queue's name."""
    return _named(arn, "queues")


def topic_of_arn(arn: str) -> str | None:
    return _named(arn, "topics")


def _named(arn: str, kind: str) -> str | None:
    parts = arn.split(":", 4)
    if len(parts) != 5 or parts[:2] != ["acs", "mns"]:
        return None
    place = parts[4].strip("/").split("/")
    return place[1] if len(place) >= 2 and place[0] == kind and place[1] else None


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise invalid(f"{name} must be an object")
    return value


def _boolean(holder: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = holder.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise invalid(f"{name} must be true or false, not {value!r}")
    return value


def _choice(value: Any, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        raise invalid(f"{name} is {value!r}, it must be one of {', '.join(allowed)}")
    return str(value)


def _whole(holder: Mapping[str, Any], name: str, default: int | None, allowed: range) -> Any:
    value = holder.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise invalid(f"{name} is {value!r}, it must lie from {allowed.start} to {allowed.stop - 1}")
    return value
