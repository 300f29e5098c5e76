"""MNS without a wire: one object for all that can be done with queues, messages, topics and subscriptions.

Strategy: each noun has its module; here they are put together and given one flat set of verbs. Nothing waits, nothing
runs by itself: time is the timeline's, what is kept is the journal's, HTTP pushes go through a port.
"""

from __future__ import annotations

from typing import Any

from localcloud.account import Account
from localcloud.clock import Timeline
from localcloud.ids import Ids
from localcloud.journal import Journal
from localcloud.mns.delivery import Deliveries, PushPort, no_push
from localcloud.mns.limits import STRICT, Limits
from localcloud.mns.messages import Disturbance, Messages, Undisturbed
from localcloud.mns.queues import Queues
from localcloud.mns.subscriptions import Subscriptions
from localcloud.mns.topics import Topics

ACCOUNT = "mns.account"


class MnsService:
    """Everything MNS does. Every refusal is an `errors.MnsError`. Restored from `journal`."""

    def __init__(
        self,
        *,
        account: Account,
        timeline: Timeline,
        ids: Ids,
        journal: Journal,
        limits: Limits = STRICT,
        disturb: Disturbance | None = None,
        push: PushPort | None = None,
    ) -> None:
        self.account = account
        self.timeline = timeline
        self.limits = limits
        self._journal = journal
        self._queues = Queues(timeline=timeline, journal=journal, limits=limits)
        self._messages = Messages(
            queues=self._queues, account=account, timeline=timeline, ids=ids, journal=journal, limits=limits
        )
        self._subscriptions = Subscriptions(account=account, clock=timeline.clock, journal=journal, limits=limits)
        self._deliveries = Deliveries(
            account=account,
            timeline=timeline,
            ids=ids,
            journal=journal,
            limits=limits,
            subscriptions=self._subscriptions,
            messages=self._messages,
        )
        self._topics = Topics(
            clock=timeline.clock,
            journal=journal,
            limits=limits,
            subscriptions=self._subscriptions,
            deliveries=self._deliveries,
            messages=self._messages,
        )
        self._subscriptions.topic_exists = self._topics.find
        self._logging_bucket = next((bucket for _, bucket in journal.load(ACCOUNT, str)), "")
        self.set_disturbance(disturb)
        self.set_push(push)
        self._offer_queues()
        self._offer_topics()

    def _offer_queues(self) -> None:
        self.create_queue = self._queues.create
        self.set_queue = self._queues.change
        self.queue = self._queues.state
        self.queues = self._queues.listed
        self.delete_queue = self._queues.delete
        self.watch = self._queues.watch
        self.send = self._messages.send
        self.send_batch = self._messages.send_batch
        self.receive = self._messages.receive
        self.receive_batch = self._messages.receive_batch
        self.take = self._messages.take
        self.peek = self._messages.peek
        self.delete = self._messages.delete
        self.delete_batch = self._messages.delete_batch
        self.change_visibility = self._messages.change_visibility

    def _offer_topics(self) -> None:
        self.create_topic = self._topics.create
        self.set_topic = self._topics.change
        self.topic = self._topics.state
        self.topics = self._topics.listed
        self.delete_topic = self._topics.delete
        self.publish = self._topics.publish
        self.subscribe = self._subscriptions.subscribe
        self.subscribe_function = self._subscriptions.subscribe_function
        self.set_subscription = self._subscriptions.change
        self.subscription = self._subscriptions.state
        self.subscriptions = self._subscriptions.listed
        self.unsubscribe = self._subscriptions.unsubscribe

    def set_disturbance(self, disturb: Disturbance | None) -> None:
        """Who is asked at each delivery whether it comes twice or out of order; None: nobody."""
        self._messages.disturbance = disturb or Undisturbed()

    def set_push(self, push: PushPort | None) -> None:
        """Who sends HTTP pushes; None: nobody, they fail."""
        self._deliveries.push = push or no_push

    @property
    def logging_bucket(self) -> str:
        """The account's LoggingBucket; nothing is logged there."""
        return self._logging_bucket

    def set_logging_bucket(self, bucket: str) -> None:
        self._logging_bucket = bucket
        self._journal.put(ACCOUNT, "LoggingBucket", bucket)

    def state(self) -> dict[str, Any]:
        """What there is, as plain data, without the bodies of messages."""
        names = [state.name for state in self._all(self.queues)]
        return {
            "queues": {name: self._queue_state(name) for name in names},
            "topics": {
                topic.name: {
                    "messages": topic.messages,
                    "subscriptions": {s.name: s.endpoint for s in self.subscriptions(topic.name)[0]},
                }
                for topic in self._all(self.topics)
            },
        }

    def _queue_state(self, name: str) -> dict[str, Any]:
        state = self.queue(name)
        return {
            "active": state.active,
            "inactive": state.inactive,
            "delayed": state.delayed,
            "deadLetterQueue": state.dlq.dead_letter_target_queue if state.dlq is not None else None,
        }

    def _all(self, listing: Any) -> list[Any]:
        """Every page of a list."""
        found, marker = listing()
        while marker:
            more, marker = listing(marker=marker)
            found.extend(more)
        return list(found)
