"""MNS resources of a template: queues, topics, subscriptions. What is there already is changed to what is asked for."""

from __future__ import annotations

from typing import Any

from localcloud.account import Account
from localcloud.deploy.attributes import Attributes, CannotMake, Properties
from localcloud.mns.errors import MnsError
from localcloud.mns.service import MnsService
from localcloud.mns.values import DlqPolicy, QueueChanges, Subscription, TopicChanges

QUEUE_FIELDS = {
    "VisibilityTimeout": "visibility_timeout",
    "MaximumMessageSize": "maximum_message_size",
    "MessageRetentionPeriod": "message_retention_period",
    "DelaySeconds": "delay_seconds",
    "PollingWaitSeconds": "polling_wait_seconds",
    "LoggingEnabled": "logging_enabled",
}
TOPIC_FIELDS = {"MaximumMessageSize": "maximum_message_size", "LoggingEnabled": "logging_enabled"}


class MnsResources:
    """Makers of the types ALIYUN::MNS::*. `url` is the local cloud's address."""

    def __init__(self, mns: MnsService, *, account: Account, url: str) -> None:
        self._mns = mns
        self._account = account
        self._url = url

    def queue(self, properties: Properties) -> Attributes:
        name = properties["QueueName"]
        changes, policy = QueueChanges(**_fields(properties, QUEUE_FIELDS)), _policy(properties)
        try:
            self._mns.create_queue(name, changes, dlq=policy)
        except MnsError as error:
            if error.code != "QueueAlreadyExist":
                raise CannotMake(f"QueueName {name!r}: {error}") from error
            self._mns.set_queue(name, changes, dlq=policy)
        return {
            "Ref": name,
            "QueueName": name,
            "QueueUrl": f"{self._url}/queues/{name}",
            "ArnWithSlash": self._arn("queues", name),
        }

    def topic(self, properties: Properties) -> Attributes:
        name = properties["TopicName"]
        changes = TopicChanges(**_fields(properties, TOPIC_FIELDS))
        try:
            self._mns.create_topic(name, changes)
        except MnsError as error:
            if error.code != "TopicAlreadyExist":
                raise CannotMake(f"TopicName {name!r}: {error}") from error
            self._mns.set_topic(name, changes)
        return {
            "Ref": name,
            "TopicName": name,
            "TopicUrl": f"{self._url}/topics/{name}",
            "ArnWithSlash": self._arn("topics", name),
        }

    def subscription(self, properties: Properties) -> Attributes:
        topic, name = properties["TopicName"], properties["SubscriptionName"]
        wanted = Subscription(
            topic=topic,
            name=name,
            endpoint=properties["Endpoint"],
            notify_strategy=properties.get("NotifyStrategy") or "BACKOFF_RETRY",
            notify_content_format=properties.get("NotifyContentFormat") or "XML",
            filter_tag=properties.get("FilterTag") or "",
            dead_letter_queue=_dead_letter_queue(properties),
        )
        try:
            self._subscribe(wanted)
        except MnsError as error:
            raise CannotMake(f"SubscriptionName {name!r}: {error}") from error
        return {
            "Ref": name,
            "SubscriptionName": name,
            "TopicName": topic,
            "SubscriptionUrl": f"{self._url}/topics/{topic}/subscriptions/{name}",
        }

    def _subscribe(self, wanted: Subscription) -> None:
        """Endpoint and format of a subscription cannot be changed: another one is made anew, as ROS would."""
        try:
            self._mns.subscribe(wanted)
        except MnsError as error:
            if error.code != "SubscriptionAlreadyExist":
                raise
            self._mns.unsubscribe(wanted.topic, wanted.name)
            self._mns.subscribe(wanted)

    def _arn(self, kind: str, name: str) -> str:
        return f"acs:mns:{self._account.region}:{self._account.account_id}:/{kind}/{name}"


def _fields(properties: Properties, names: dict[str, str]) -> dict[str, Any]:
    return {field: properties[name] for name, field in names.items() if properties.get(name) is not None}


def _policy(properties: Properties) -> DlqPolicy | None:
    policy = properties.get("DlqPolicy")
    if policy is None:
        return None
    return DlqPolicy(
        dead_letter_target_queue=policy["DeadLetterTargetQueue"],
        max_receive_count=policy.get("MaxReceiveCount", 16),
        enabled=policy.get("Enabled", True),
    )


def _dead_letter_queue(properties: Properties) -> str:
    policy = properties.get("DlqPolicy") or {}
    return str(policy.get("DeadLetterTargetQueue", "")) if policy.get("Enabled", True) else ""
