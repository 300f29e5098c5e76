"""The topics: made, changed, listed, deleted, published to."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.clock import Clock
from localcloud.journal import Journal
from localcloud.mns.delivery import Deliveries
from localcloud.mns.errors import MnsError, out_of_range
from localcloud.mns.limits import Limits
from localcloud.mns.messages import Messages, body_md5, byte_count
from localcloud.mns.names import check_name, page
from localcloud.mns.subscriptions import Subscriptions
from localcloud.mns.values import NO_TOPIC_CHANGES, Publication, Sent, TopicAttributes, TopicChanges, TopicState

TOPICS = "mns.topics"


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """A topic, as it is kept."""

    name: str
    attributes: TopicAttributes
    created_ms: int
    modified_ms: int


class Topics:
    """All topics of the account. Errors: MnsError."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        limits: Limits,
        subscriptions: Subscriptions,
        deliveries: Deliveries,
        messages: Messages,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._limits = limits
        self._subscriptions = subscriptions
        self._deliveries = deliveries
        self._messages = messages
        self._topics = {record.name: record for _, record in journal.load(TOPICS, TopicRecord)}
        # A kill in the middle of DeleteTopic can leave subscriptions without a topic.
        for name in subscriptions.topics() - self._topics.keys():
            subscriptions.drop_all(name)

    def create(self, name: str, changes: TopicChanges = NO_TOPIC_CHANGES) -> bool:
        """Makes a topic; answers False when it is there with the same attributes, else raises TopicAlreadyExist."""
        check_name("topic", name, self._limits)
        attributes = changes.applied_to(TopicAttributes())
        self._check(attributes)
        existing = self._topics.get(name)
        if existing is not None:
            if existing.attributes == attributes:
                return False
            raise MnsError("TopicAlreadyExist")
        if len(self._topics) >= self._limits.topics_max:
            raise MnsError("OverLimit", f"The account has {len(self._topics)} topics, the limit.")
        now_ms = self._clock.now_ms()
        self._keep(TopicRecord(name, attributes, now_ms, now_ms))
        return True

    def change(self, name: str, changes: TopicChanges = NO_TOPIC_CHANGES) -> None:
        record = self.find(name)
        attributes = changes.applied_to(record.attributes)
        self._check(attributes)
        self._keep(TopicRecord(name, attributes, record.created_ms, self._clock.now_ms()))

    def state(self, name: str) -> TopicState:
        record = self.find(name)
        return TopicState(
            name=name,
            attributes=record.attributes,
            created_ms=record.created_ms,
            modified_ms=record.modified_ms,
            retention_seconds=self._limits.topic_retention_seconds,
            messages=self._deliveries.messages_on_the_way(name),
        )

    def listed(self, *, prefix: str = "", marker: str = "", size: int | None = None) -> tuple[list[TopicState], str]:
        """One page, sorted by name, and the marker of the next page ("" on the last)."""
        names, next_marker = page(self._topics, prefix=prefix, marker=marker, size=size, limits=self._limits)
        return [self.state(name) for name in names], next_marker

    def delete(self, name: str) -> None:
        """With its subscriptions and what was on the way to them. A missing topic is fine, as with queues."""
        if self._topics.pop(name, None) is None:
            return
        self._journal.drop(TOPICS, name)
        self._subscriptions.drop_all(name)
        self._deliveries.drop_topic(name)

    def find(self, name: str) -> TopicRecord:
        """Raises TopicNotExist."""
        record = self._topics.get(name)
        if record is None:
            raise MnsError("TopicNotExist")
        return record

    def publish(self, name: str, publication: Publication) -> Sent:
        """Hands the message to each subscription whose filter tag is equal or absent.

        Queues have it when this returns; functions and HTTP endpoints get it from the timeline.
        Raises TopicNotExist, MessageTooLarge, InvalidArgument.
        """
        record = self.find(name)
        self._check_publication(record, publication)
        message_id = self._deliveries.new_message_id()
        digest = body_md5(publication.body)
        for subscription in self._subscriptions.of_topic(name):
            if subscription.filter_tag in ("", publication.tag):
                self._deliveries.start(subscription, publication, message_id=message_id, digest=digest)
        return Sent(message_id, digest, group_id=publication.group_id)

    def _keep(self, record: TopicRecord) -> None:
        self._topics[record.name] = record
        self._journal.put(TOPICS, record.name, record)

    def _check(self, attributes: TopicAttributes) -> None:
        allowed = self._limits.maximum_message_size
        if attributes.maximum_message_size not in allowed:
            raise out_of_range("MaximumMessageSize", allowed.low, allowed.high, "bytes")

    def _check_publication(self, record: TopicRecord, publication: Publication) -> None:
        if not publication.body:
            raise MnsError("InvalidArgument", "The value of MessageBody should not be empty.")
        bytes_max = record.attributes.maximum_message_size
        if byte_count(publication.body) > bytes_max:
            raise MnsError(
                self._limits.message_too_large, f"The message body is too large: at most {bytes_max} bytes are allowed."
            )
        if len(publication.tag) > self._limits.tag_chars_max:
            raise out_of_range("the length of MessageTag", 0, self._limits.tag_chars_max, "characters")
        self._messages.check_text(publication.body, "MessageBody")
        self._messages.check_text(publication.tag + publication.group_id, "MessageTag")
        self._messages.check_properties(publication.user_properties, publication.system_properties)
