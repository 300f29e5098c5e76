"""The queues: made, changed, listed, deleted, and watched for visible messages."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from localcloud.clock import Entry, Timeline
from localcloud.journal import Journal
from localcloud.mns.backlog import Backlog, Message
from localcloud.mns.errors import MnsError, out_of_range
from localcloud.mns.limits import Limits
from localcloud.mns.names import check_name, page
from localcloud.mns.values import NO_QUEUE_CHANGES, DlqPolicy, QueueAttributes, QueueChanges, QueueState

QUEUES = "mns.queues"
MESSAGES = "mns.messages"


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """A queue without its messages, as it is kept."""

    name: str
    attributes: QueueAttributes
    dlq: DlqPolicy | None
    created_ms: int
    modified_ms: int


@dataclass(slots=True)
class Queue:
    """A living queue."""

    record: QueueRecord
    backlog: Backlog
    watchers: dict[int, Callable[[], None]] = field(default_factory=dict)
    timer: Entry | None = None

    @property
    def name(self) -> str:
        return self.record.name


class Queues:
    """All queues of the account. Errors: MnsError."""

    def __init__(self, *, timeline: Timeline, journal: Journal, limits: Limits) -> None:
        self._timeline = timeline
        self._journal = journal
        self._limits = limits
        self._queues: dict[str, Queue] = {}
        self._deleted_ms: dict[str, int] = {}
        self._watch_numbers = itertools.count()
        for _, record in journal.load(QUEUES, QueueRecord):
            self._queues[record.name] = self._alive(record)

    def restore(self, messages: Iterable[Message]) -> None:
        """Puts messages where they were when the journal was written."""
        for message in messages:
            queue = self._queues.get(message.queue)
            if queue is not None:  # a kill in the middle of DeleteQueue can leave messages without a queue
                queue.backlog.add(message)

    def create(self, name: str, changes: QueueChanges = NO_QUEUE_CHANGES, *, dlq: DlqPolicy | None = None) -> bool:
        """Makes a queue; answers False when it is there with the same attributes.

        Raises QueueAlreadyExist when it is there with others, InvalidArgument, InvalidQueueName,
        QueueNameLengthError, QueueDeletedRecently.
        """
        check_name("queue", name, self._limits)
        attributes = changes.applied_to(QueueAttributes())
        self._check(attributes)
        self._check_dlq(name, dlq)
        now_ms = self._timeline.clock.now_ms()
        existing = self._queues.get(name)
        if existing is not None:
            # The XML API cannot say a policy, so not saying one is no difference.
            if existing.record.attributes == attributes and dlq in (None, existing.record.dlq):
                return False
            raise MnsError("QueueAlreadyExist")
        if name in self._deleted_ms and now_ms < self._deleted_ms[name] + self._limits.recreate_after_ms:
            raise MnsError("QueueDeletedRecently")
        if len(self._queues) >= self._limits.queues_max:
            raise MnsError("OverLimit", f"The account has {len(self._queues)} queues, the limit.")
        self._deleted_ms.pop(name, None)
        record = QueueRecord(name, attributes, dlq, now_ms, now_ms)
        self._queues[name] = self._alive(record)
        self._journal.put(QUEUES, name, record)
        return True

    def change(self, name: str, changes: QueueChanges = NO_QUEUE_CHANGES, *, dlq: DlqPolicy | None = None) -> None:
        """Sets the named attributes. `dlq`: None leaves the policy; `enabled=False` in it ends it."""
        queue = self.find(name)
        attributes = changes.applied_to(queue.record.attributes)
        self._check(attributes)
        self._check_dlq(name, dlq)
        now_ms = self._timeline.clock.now_ms()
        queue.record = QueueRecord(name, attributes, dlq or queue.record.dlq, queue.record.created_ms, now_ms)
        self._journal.put(QUEUES, name, queue.record)

    def state(self, name: str) -> QueueState:
        queue = self.settled(name)
        record, counts = queue.record, queue.backlog.counts
        return QueueState(
            name=name,
            attributes=record.attributes,
            dlq=record.dlq,
            created_ms=record.created_ms,
            modified_ms=record.modified_ms,
            active=counts["active"],
            inactive=counts["inactive"],
            delayed=counts["delayed"],
        )

    def listed(self, *, prefix: str = "", marker: str = "", size: int | None = None) -> tuple[list[QueueState], str]:
        """One page, sorted by name, and the marker of the next page ("" on the last)."""
        names, next_marker = page(self._queues, prefix=prefix, marker=marker, size=size, limits=self._limits)
        return [self.state(name) for name in names], next_marker

    def delete(self, name: str) -> None:
        """Drops the queue and its messages at once. Unless `limits.delete_queue_needs_queue`, a missing one is fine."""
        queue = self._queues.pop(name, None)
        if queue is None:
            if self._limits.delete_queue_needs_queue:
                raise MnsError("QueueNotExist")
            return
        if self._limits.recreate_after_ms:
            self._deleted_ms[name] = self._timeline.clock.now_ms()
        if queue.timer is not None:
            queue.timer.cancel()
        self._journal.drop(QUEUES, name)
        for number in queue.backlog.messages:
            self._journal.drop(MESSAGES, str(number))
        self._tell(queue)

    def find(self, name: str) -> Queue:
        """Raises QueueNotExist."""
        queue = self._queues.get(name)
        if queue is None:
            raise MnsError("QueueNotExist")
        return queue

    def exists(self, name: str) -> bool:
        return name in self._queues

    def settled(self, name: str) -> Queue:
        """The queue as of now: what is due has become visible or has expired. Raises QueueNotExist."""
        queue = self.find(name)
        self._settle(queue)
        return queue

    def watch(self, name: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls `callback` whenever a message may have become visible, and when the queue is deleted.

        It is called after a send, when a delay ends, and when a visibility timeout ends; not for what is visible
        already. Answers how to stop it. Raises QueueNotExist.
        """
        queue = self.find(name)
        number = next(self._watch_numbers)
        queue.watchers[number] = callback
        self.arm(queue)

        def cancel() -> None:
            queue.watchers.pop(number, None)

        return cancel

    def became_visible(self, queue: Queue) -> None:
        """Tells the watchers."""
        self._tell(queue)

    def arm(self, queue: Queue) -> None:
        """Sees to it that the watchers will be told when the next hidden message becomes visible."""
        if not queue.watchers:
            return
        due_ms = queue.backlog.next_visible_ms
        timer = queue.timer
        if due_ms is None or (timer is not None and timer.action is not None and timer.due_ms <= due_ms):
            return
        if timer is not None:
            timer.cancel()
        queue.timer = self._timeline.at(due_ms, lambda: self._on_timer(queue))

    def _on_timer(self, queue: Queue) -> None:
        queue.timer = None
        self._settle(queue)
        self.arm(queue)

    def _settle(self, queue: Queue) -> None:
        if queue.backlog.settle(self._timeline.clock.now_ms()):
            self._tell(queue)

    def _tell(self, queue: Queue) -> None:
        # A watcher may cancel itself or another one.
        for callback in list(queue.watchers.values()):
            callback()

    def _alive(self, record: QueueRecord) -> Queue:
        return Queue(record, Backlog(on_expired=lambda message: self._journal.drop(MESSAGES, str(message.number))))

    def _check(self, attributes: QueueAttributes) -> None:
        limits = self._limits
        for element, value, allowed, unit in (
            ("VisibilityTimeout", attributes.visibility_timeout, limits.visibility_timeout, "seconds"),
            ("MaximumMessageSize", attributes.maximum_message_size, limits.maximum_message_size, "bytes"),
            ("MessageRetentionPeriod", attributes.message_retention_period, limits.message_retention_period, "seconds"),
            ("DelaySeconds", attributes.delay_seconds, limits.delay_seconds, "seconds"),
            ("PollingWaitSeconds", attributes.polling_wait_seconds, limits.polling_wait_seconds, "seconds"),
        ):
            if value not in allowed:
                raise out_of_range(element, allowed.low, allowed.high, unit)

    def _check_dlq(self, name: str, dlq: DlqPolicy | None) -> None:
        if dlq is None or not dlq.enabled:
            return
        if dlq.max_receive_count not in self._limits.max_receive_count:
            allowed = self._limits.max_receive_count
            raise out_of_range("MaxReceiveCount", allowed.low, allowed.high, "receives")
        if dlq.dead_letter_target_queue == name:
            raise MnsError("InvalidArgument", "A queue can not be its own dead-letter queue.")
        if dlq.dead_letter_target_queue not in self._queues:
            raise MnsError("QueueNotExist", f"The dead-letter queue {dlq.dead_letter_target_queue} is not exist.")
