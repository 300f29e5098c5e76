"""Deliveries: a topic's message on its way to one subscription, tried again by the subscription's strategy.

Source: page "NotifyStrategy" (2023): BACKOFF_RETRY tries 3 more times, 10 to 20 s apart; EXPONENTIAL_DECAY_RETRY 176
more times, after 1, 2, 4 … 512 s and then every 512 s: a day. An HTTP endpoint has 5 s to answer.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace

from localcloud.account import Account
from localcloud.clock import Timeline
from localcloud.ids import Ids
from localcloud.journal import Journal
from localcloud.mns.errors import MnsError
from localcloud.mns.limits import Limits
from localcloud.mns.messages import Messages
from localcloud.mns.notification import push_request, render
from localcloud.mns.subscriptions import QUEUE_ENDPOINT, Subscriptions
from localcloud.mns.values import Notification, Outgoing, Publication, Push, Subscription

DELIVERIES = "mns.deliveries"
BACKOFF_RETRIES = 3
BACKOFF_MS = (10_000, 20_000)
DECAY_RETRIES = 176
DECAY_SECONDS_MAX = 512
PUSH_TIMEOUT_MS = 5_000

PushPort = Callable[[Push, Callable[[int | None], None]], None]
"""Sends an HTTP request and then says with which status it was answered; None: with none."""


def no_push(push: Push, done: Callable[[int | None], None]) -> None:  # noqa: ARG001  the port's form
    """Reaches nobody: what a service without a pusher has."""
    done(None)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message for one subscription, as it is kept."""

    number: int
    topic: str
    subscription: str
    message_id: str
    body_md5: str
    publication: Publication
    publish_ms: int
    attempts: int = 0
    """Those that failed."""
    due_ms: int = 0


class Deliveries:
    """What is on the way. Queues are reached at once; functions and HTTP endpoints from the timeline."""

    def __init__(
        self,
        *,
        account: Account,
        timeline: Timeline,
        ids: Ids,
        journal: Journal,
        limits: Limits,
        subscriptions: Subscriptions,
        messages: Messages,
    ) -> None:
        self.push: PushPort = no_push
        self._account = account
        self._timeline = timeline
        self._ids = ids
        self._journal = journal
        self._limits = limits
        self._subscriptions = subscriptions
        self._messages = messages
        kept = sorted((delivery for _, delivery in journal.load(DELIVERIES, Delivery)), key=lambda d: d.number)
        self._on_the_way = {delivery.number: delivery for delivery in kept}
        self._next_number = kept[-1].number + 1 if kept else 1
        for delivery in kept:
            self._schedule(delivery)

    def new_message_id(self) -> str:
        return self._messages.new_message_id(self._timeline.clock.now_ms(), self._next_number)

    def messages_on_the_way(self, topic: str) -> int:
        """How many of the topic's messages some subscription has not got."""
        return len({delivery.message_id for delivery in self._on_the_way.values() if delivery.topic == topic})

    def start(self, subscription: Subscription, publication: Publication, *, message_id: str, digest: str) -> None:
        now_ms = self._timeline.clock.now_ms()
        delivery = Delivery(
            number=self._next_number,
            topic=subscription.topic,
            subscription=subscription.name,
            message_id=message_id,
            body_md5=digest,
            publication=publication,
            publish_ms=now_ms,
            due_ms=now_ms,
        )
        self._next_number += 1
        if QUEUE_ENDPOINT.fullmatch(subscription.endpoint) and self._to_queue(subscription, delivery):
            return
        self._keep(delivery)
        self._schedule(delivery)

    def drop_topic(self, topic: str) -> None:
        for delivery in [delivery for delivery in self._on_the_way.values() if delivery.topic == topic]:
            self._end(delivery)

    def _schedule(self, delivery: Delivery) -> None:
        self._timeline.at(delivery.due_ms, lambda: self._attempt(delivery))

    def _attempt(self, delivery: Delivery) -> None:
        if self._on_the_way.get(delivery.number) != delivery:
            return
        subscription = self._subscriptions.find(delivery.topic, delivery.subscription)
        if subscription is None:
            self._end(delivery)
        elif QUEUE_ENDPOINT.fullmatch(subscription.endpoint):
            self._attempted(delivery, subscription, is_delivered=self._to_queue(subscription, delivery))
        elif subscription.endpoint.startswith("http"):
            self._to_http(subscription, delivery)
        elif subscription.endpoint.startswith("acs:fc:"):
            receiver = self._subscriptions.receiver_of(subscription)
            is_delivered = receiver is not None and receiver(self._notification(subscription, delivery))
            self._attempted(delivery, subscription, is_delivered=is_delivered)
        else:
            # Mail and short messages: nobody is bothered.
            self._end(delivery)

    def _to_queue(self, subscription: Subscription, delivery: Delivery) -> bool:
        match = QUEUE_ENDPOINT.fullmatch(subscription.endpoint)
        assert match is not None, subscription.endpoint
        body = render(self._notification(subscription, delivery), subscription.notify_content_format)
        if self._limits.topic_to_queue_base64:
            body = base64.b64encode(body.encode()).decode()
        publication = delivery.publication
        message = Outgoing(
            body,
            group_id=publication.group_id,
            user_properties=publication.user_properties,
            system_properties=publication.system_properties,
        )
        try:
            self._messages.send(match.group("queue"), message)
        except MnsError:
            return False
        return True

    def _to_http(self, subscription: Subscription, delivery: Delivery) -> None:
        """Whatever comes first counts: the answer, or the end of the 5 s."""
        waiting = [True]

        def done(status: int | None) -> None:
            if waiting:
                waiting.clear()
                timer.cancel()
                is_delivered = status is not None and 200 <= status < 300
                self._attempted(delivery, subscription, is_delivered=is_delivered)

        timer = self._timeline.after(PUSH_TIMEOUT_MS, lambda: done(None))
        push = push_request(
            self._notification(subscription, delivery),
            subscription.notify_content_format,
            url=subscription.endpoint,
            request_id=self._ids.hexadecimal("mns.push", 24),
            now_ms=self._timeline.clock.now_ms(),
        )
        self.push(push, done)

    def _attempted(self, delivery: Delivery, subscription: Subscription, *, is_delivered: bool) -> None:
        if self._on_the_way.get(delivery.number) != delivery:
            return
        now_ms = self._timeline.clock.now_ms()
        pause_ms = self._pause_ms(subscription.notify_strategy, delivery.attempts + 1)
        expires_ms = delivery.publish_ms + self._limits.topic_retention_seconds * 1000
        if is_delivered:
            self._end(delivery)
        elif pause_ms is None or now_ms + pause_ms >= expires_ms:
            self._end(delivery)
            self._bury(subscription, delivery)
        else:
            retried = replace(delivery, attempts=delivery.attempts + 1, due_ms=now_ms + pause_ms)
            self._keep(retried)
            self._schedule(retried)

    def _pause_ms(self, strategy: str, failed: int) -> int | None:
        """How long to wait after the `failed`-th failure; None: no longer tried."""
        if strategy == "BACKOFF_RETRY":
            return self._ids.stream("mns.backoff").randint(*BACKOFF_MS) if failed <= BACKOFF_RETRIES else None
        return min(2 ** min(failed - 1, 9), DECAY_SECONDS_MAX) * 1000 if failed <= DECAY_RETRIES else None

    def _bury(self, subscription: Subscription, delivery: Delivery) -> None:
        """Into the subscription's dead-letter queue, if it has one that takes it."""
        if not subscription.dead_letter_queue:
            return
        arn = f"acs:mns:{self._account.region}:{self._account.account_id}:queues/{subscription.dead_letter_queue}"
        self._to_queue(replace(subscription, endpoint=arn), delivery)

    def _notification(self, subscription: Subscription, delivery: Delivery) -> Notification:
        return Notification(
            topic_owner=self._account.account_id,
            topic=delivery.topic,
            subscriber=self._account.account_id,
            subscription=subscription.name,
            message_id=delivery.message_id,
            body=delivery.publication.body,
            body_md5=delivery.body_md5,
            tag=delivery.publication.tag,
            publish_ms=delivery.publish_ms,
            user_properties=delivery.publication.user_properties,
        )

    def _keep(self, delivery: Delivery) -> None:
        self._on_the_way[delivery.number] = delivery
        self._journal.put(DELIVERIES, str(delivery.number), delivery)

    def _end(self, delivery: Delivery) -> None:
        self._on_the_way.pop(delivery.number, None)
        self._journal.drop(DELIVERIES, str(delivery.number))
