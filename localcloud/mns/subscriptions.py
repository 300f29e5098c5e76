"""The subscriptions of topics: who gets what, in which form, how often it is tried."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from localcloud.account import Account
from localcloud.clock import Clock
from localcloud.journal import Journal
from localcloud.mns.errors import MnsError, bad_element, out_of_range
from localcloud.mns.limits import Limits
from localcloud.mns.names import check_name, page
from localcloud.mns.values import Notification, Subscription

SUBSCRIPTIONS = "mns.subscriptions"
STRATEGIES = ("BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY")
FORMATS = ("XML", "JSON", "SIMPLIFIED")
ENDPOINT = re.compile(
    r"https?://[^\s/?#]+(?:[/?][^\s#]*)?|acs:mns:[a-z0-9-]+:\d+:queues/[A-Za-z0-9_-]+|mail:directmail:\S+@\S+"
    r"|sms:(?:directsms|dayu):\S+|push:\S+|acs:fc:[^\s]+"
)
QUEUE_ENDPOINT = re.compile(r"acs:mns:(?P<region>[^:]+):(?P<account>\d+):queues/(?P<queue>.+)")

Receiver = Callable[[Notification], bool]
"""Takes a notification; False: it could not, try again later."""


class Subscriptions:
    """All subscriptions of all topics. Errors: MnsError."""

    def __init__(self, *, account: Account, clock: Clock, journal: Journal, limits: Limits) -> None:
        self._account = account
        self._clock = clock
        self._journal = journal
        self._limits = limits
        self._by_topic: dict[str, dict[str, Subscription]] = {}
        self._receivers: dict[tuple[str, str], Receiver] = {}
        self.topic_exists: Callable[[str], object] = lambda name: name
        """Raises TopicNotExist; the topics set it."""
        for _, subscription in journal.load(SUBSCRIPTIONS, Subscription):
            self._by_topic.setdefault(subscription.topic, {})[subscription.name] = subscription

    def subscribe(self, wanted: Subscription) -> bool:
        """Makes a subscription (its times are ignored); answers False when it is there with the same attributes.

        Raises SubscriptionAlreadyExist, EndpointInvalid, InvalidArgument, SubscriptionNameInvalid, TopicNotExist.
        """
        self.topic_exists(wanted.topic)
        check_name("subscription", wanted.name, self._limits)
        self._check(wanted)
        subscriptions = self._by_topic.setdefault(wanted.topic, {})
        existing = subscriptions.get(wanted.name)
        if existing is not None:
            if replace(existing, created_ms=0, modified_ms=0) == replace(wanted, created_ms=0, modified_ms=0):
                return False
            raise MnsError("SubscriptionAlreadyExist")
        if len(subscriptions) >= self._limits.subscriptions_per_topic_max:
            raise MnsError("OverLimit", f"The topic has {len(subscriptions)} subscriptions, the limit.")
        now_ms = self._clock.now_ms()
        self._keep(replace(wanted, created_ms=now_ms, modified_ms=now_ms))
        return True

    def subscribe_function(
        self,
        topic: str,
        name: str,
        receiver: Receiver,
        *,
        notify_content_format: str = "JSON",
        notify_strategy: str = "BACKOFF_RETRY",
        filter_tag: str = "",
    ) -> None:
        """Subscribes something in-process, e.g. a topic trigger of Function Compute.

        Said again, it replaces the receiver: after a restart the subscription is there, the receiver is not.
        """
        endpoint = f"acs:fc:{self._account.region}:{self._account.account_id}:triggers/{topic}/{name}"
        wanted = Subscription(topic, name, endpoint, notify_strategy, notify_content_format, filter_tag)
        existing = self._by_topic.get(topic, {}).get(name)
        if existing is not None and existing.endpoint == endpoint:
            self._check(wanted)
            self._keep(replace(wanted, created_ms=existing.created_ms, modified_ms=self._clock.now_ms()))
        else:
            self.subscribe(wanted)
        self._receivers[topic, name] = receiver

    def change(self, topic: str, name: str, *, notify_strategy: str | None = None) -> None:
        """Only the strategy can be changed."""
        subscription = self.state(topic, name)
        if notify_strategy is None:
            return
        changed = replace(subscription, notify_strategy=notify_strategy, modified_ms=self._clock.now_ms())
        self._check(changed)
        self._keep(changed)

    def state(self, topic: str, name: str) -> Subscription:
        """Raises TopicNotExist, SubscriptionNotExist."""
        self.topic_exists(topic)
        subscription = self.find(topic, name)
        if subscription is None:
            raise MnsError("SubscriptionNotExist")
        return subscription

    def find(self, topic: str, name: str) -> Subscription | None:
        return self._by_topic.get(topic, {}).get(name)

    def listed(
        self, topic: str, *, prefix: str = "", marker: str = "", size: int | None = None
    ) -> tuple[list[Subscription], str]:
        """One page, sorted by name, and the marker of the next page ("" on the last)."""
        self.topic_exists(topic)
        subscriptions = self._by_topic.get(topic, {})
        names, next_marker = page(subscriptions, prefix=prefix, marker=marker, size=size, limits=self._limits)
        return [subscriptions[name] for name in names], next_marker

    def unsubscribe(self, topic: str, name: str) -> None:
        """A missing subscription is fine, as with queues; a missing topic raises TopicNotExist."""
        self.topic_exists(topic)
        self._drop(topic, name)

    def of_topic(self, topic: str) -> list[Subscription]:
        """Sorted by name."""
        return [subscription for _, subscription in sorted(self._by_topic.get(topic, {}).items())]

    def receiver_of(self, subscription: Subscription) -> Receiver | None:
        return self._receivers.get((subscription.topic, subscription.name))

    def topics(self) -> set[str]:
        """Those that have subscriptions."""
        return set(self._by_topic)

    def drop_all(self, topic: str) -> None:
        for name in sorted(self._by_topic.pop(topic, {})):
            self._journal.drop(SUBSCRIPTIONS, f"{topic}/{name}")
            self._receivers.pop((topic, name), None)

    def _drop(self, topic: str, name: str) -> None:
        if self._by_topic.get(topic, {}).pop(name, None) is not None:
            self._journal.drop(SUBSCRIPTIONS, f"{topic}/{name}")
            self._receivers.pop((topic, name), None)

    def _keep(self, subscription: Subscription) -> None:
        self._by_topic.setdefault(subscription.topic, {})[subscription.name] = subscription
        self._journal.put(SUBSCRIPTIONS, f"{subscription.topic}/{subscription.name}", subscription)

    def _check(self, subscription: Subscription) -> None:
        if not ENDPOINT.fullmatch(subscription.endpoint):
            raise MnsError("EndpointInvalid")
        queue = QUEUE_ENDPOINT.fullmatch(subscription.endpoint)
        ours = (self._account.region, self._account.account_id)
        if queue is not None and queue.group("region", "account") != ours:
            raise MnsError("EndpointInvalid", "The queue of the endpoint is of another account or region.")
        if subscription.notify_strategy not in STRATEGIES:
            raise bad_element("NotifyStrategy")
        if subscription.notify_content_format not in FORMATS:
            raise bad_element("NotifyContentFormat")
        if len(subscription.filter_tag) > self._limits.tag_chars_max:
            raise out_of_range("the length of FilterTag", 0, self._limits.tag_chars_max, "characters")
