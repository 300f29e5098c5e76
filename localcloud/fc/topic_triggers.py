"""Topic triggers: each message of an MNS topic becomes an asynchronous call.

Source: page 149, 2026-08. STREAM hands over the bare body, or body and attributes; JSON the notification, with the
attributes' own names beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.fc.errors import FcError, invalid
from localcloud.fc.queue_config import topic_of_arn
from localcloud.fc.queues import BadSubscription, NoSuchQueue, Published, Queues, Stop
from localcloud.fc.retry_policy import STRATEGIES

FORMATS = ("STREAM", "JSON")


@dataclass(frozen=True, slots=True)
class TopicConfig:
    topic: str
    content_format: str = "STREAM"
    strategy: str = "BACKOFF_RETRY"
    filter_tag: str = ""


def read_topic_config(config: Mapping[str, Any], source_arn: str) -> TopicConfig:
    """Raises FcError InvalidArgument naming the field."""
    topic = topic_of_arn(source_arn)
    if topic is None:
        raise invalid(f"sourceArn {source_arn!r} is not of a topic: acs:mns:<region>:<account>:/topics/<name>")
    content_format = config.get("notifyContentFormat") or "STREAM"
    strategy = config.get("notifyStrategy") or "BACKOFF_RETRY"
    if content_format not in FORMATS:
        raise invalid(f"notifyContentFormat is {content_format!r}, it must be one of {', '.join(FORMATS)}")
    if strategy not in STRATEGIES:
        raise invalid(f"notifyStrategy is {strategy!r}, it must be one of {', '.join(STRATEGIES)}")
    return TopicConfig(topic, content_format, strategy, str(config.get("filterTag") or ""))


def topic_event(message: Published, content_format: str) -> bytes:
    """What the function is handed. Pure."""
    attributes = dict(message.attributes)
    if content_format == "STREAM":
        if not attributes:
            return message.body.encode("utf-8", "surrogatepass")
        return _json({"body": message.body, "attrs": attributes})
    event: dict[str, Any] = {
        "TopicOwner": message.owner,
        "Message": message.body,
        "Subscriber": message.owner,
        "PublishTime": message.published_ms,
        "SubscriptionName": message.subscription,
        "MessageMD5": message.body_md5,
        "TopicName": message.topic,
        "MessageId": message.message_id,
    }
    return _json({**attributes, **event})


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


class TopicTrigger:
    """From `start` to `stop`."""

    def __init__(
        self, subscription: str, config: TopicConfig, *, queues: Queues, hand_over: Callable[[bytes], None]
    ) -> None:
        self._subscription = subscription
        self._config = config
        self._queues = queues
        self._hand_over = hand_over
        self._stop: Stop | None = None

    def start(self) -> None:
        """Raises FcError InvalidArgument when there is no such topic."""
        config = self._config
        try:
            self._stop = self._queues.subscribe(
                config.topic,
                self._subscription,
                self._receive,
                strategy=config.strategy,
                filter_tag=config.filter_tag,
            )
        except NoSuchQueue as error:
            raise invalid(f"the topic {config.topic!r} does not exist") from error
        except BadSubscription as error:
            raise invalid(f"the topic {config.topic!r} refuses the subscription: {error}") from error

    def stop(self) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None

    def _receive(self, message: Published) -> bool:
        try:
            self._hand_over(topic_event(message, self._config.content_format))
        except FcError as error:
            return not error.is_passing
        return True
