"""MNS resources of a template: queues, topics, subscriptions. What is there already is changed to what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from localcloud.account import Account
from localcloud.deploy.applied import Kind
from localcloud.deploy.attributes import Attributes, CannotMake, Properties
from localcloud.mns.errors import MnsError
from localcloud.mns.service import MnsService
from localcloud.mns.values import DlqPolicy, QueueAttributes, QueueChanges, Subscription, TopicAttributes, TopicChanges

QUEUE, TOPIC, SUBSCRIPTION = "ALIYUN::MNS::Queue", "ALIYUN::MNS::Topic", "ALIYUN::MNS::Subscription"

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

    def kinds(self) -> dict[str, Kind]:
        mns = self._mns
        return {
            QUEUE: Kind(
                self.queue,
                mark=lambda made: _made_ms(lambda: mns.queue(made["QueueName"]).created_ms),
                remove=lambda made: mns.delete_queue(made["QueueName"]),
                made_of=(QUEUE,),
            ),
            TOPIC: Kind(
                self.topic,
                mark=lambda made: _made_ms(lambda: mns.topic(made["TopicName"]).created_ms),
                remove=lambda made: mns.delete_topic(made["TopicName"]),
            ),
            SUBSCRIPTION: Kind(
                self.subscription,
                place=("TopicName", "SubscriptionName"),
                mark=lambda made: _made_ms(
                    lambda: mns.subscription(made["TopicName"], made["SubscriptionName"]).created_ms
                ),
                remove=lambda made: mns.unsubscribe(made["TopicName"], made["SubscriptionName"]),
                part_of=TOPIC,
            ),
        }

    def queue(self, properties: Properties) -> Attributes:
        name = properties["QueueName"]
        changes, policy = QueueChanges(**_fields(properties, QUEUE_FIELDS)), _policy(properties)
        try:
            if _made_ms(lambda: self._mns.queue(name).created_ms):
                self._change_queue(name, changes, policy)
            else:
                self._mns.create_queue(name, changes, dlq=policy)
        except MnsError as error:
            raise CannotMake(f"QueueName {name!r}: {error}") from error
        return {
            "Ref": name,
            "QueueName": name,
            "QueueUrl": f"{self._url}/queues/{name}",
            "ArnWithSlash": self._arn("queues", name),
        }

    def _change_queue(self, name: str, changes: QueueChanges, policy: DlqPolicy | None) -> None:
        """What the template does not name is as by default, as if it were made now."""
        kept = self._mns.queue(name)
        wanted = changes.applied_to(QueueAttributes())
        if policy is None and kept.dlq is not None:
            policy = replace(kept.dlq, enabled=False)
        if (kept.attributes, kept.dlq) != (wanted, policy):
            self._mns.set_queue(name, QueueChanges(**asdict(wanted)), dlq=policy)

    def topic(self, properties: Properties) -> Attributes:
        name = properties["TopicName"]
        changes = TopicChanges(**_fields(properties, TOPIC_FIELDS))
        try:
            if not _made_ms(lambda: self._mns.topic(name).created_ms):
                self._mns.create_topic(name, changes)
            elif (wanted := changes.applied_to(TopicAttributes())) != self._mns.topic(name).attributes:
                self._mns.set_topic(name, TopicChanges(**asdict(wanted)))
        except MnsError as error:
            raise CannotMake(f"TopicName {name!r}: {error}") from error
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


def _made_ms(created_ms: Callable[[], int]) -> str:
    """When it was made; "" when it is not there."""
    try:
        return str(created_ms())
    except MnsError:
        return ""


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
