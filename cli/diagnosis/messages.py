"""Queues, the topic and its subscription: are they there, and do messages move?"""

from __future__ import annotations

from collections.abc import Iterator

from cli.diagnosis.expected import Expected, Subscription
from cli.diagnosis.finding import Finding, fail, of_error, ok, warn
from cli.queues import DEAD_LETTERS, Attributes, Queues
from shared.core.errors import FleetrunError

AGE_S_WARN = 120
"""Ours: a message that lies visible for so long is not being taken."""
_STACK = "update the stack from template.yml"


def check(queues: Queues, wanted: Expected, *, now_ms: int, has_webhooks: bool = False) -> Iterator[Finding]:
    for name in sorted(wanted.queues):
        try:
            found = queues.attributes(name)
        except FleetrunError as error:
            yield fail("queues", f"{name} is missing", _STACK) if _is_missing(error) else of_error("queues", error)
            continue
        yield from _queue(queues, name, found, wanted, now_ms=now_ms)
    for topic in wanted.topics:
        yield _topic(queues, topic)
    for subscription in (*wanted.subscriptions, *(wanted.webhook_subscriptions if has_webhooks else ())):
        yield from _subscription(queues, subscription)


def _queue(queues: Queues, name: str, found: Attributes, wanted: Expected, *, now_ms: int) -> Iterator[Finding]:
    counts = f"{name}: {found.visible:,} visible, {found.hidden:,} being handled, {found.delayed:,} delayed"
    if found.visibility_timeout_s < wanted.queues[name]:
        yield warn(
            "queues",
            f"{name}: messages come again after {found.visibility_timeout_s} s, not {wanted.queues[name]} s",
            _STACK + ": a slow call's messages would be handled twice at once",
        )
    if name == DEAD_LETTERS and found.visible:
        yield warn("dead letters", f"{found.visible:,} lie there", "fleetrun dlq list, then show and redrive")
        return
    age_s = _age_s(queues, name, now_ms) if name in wanted.driven and found.visible else 0
    if age_s > AGE_S_WARN:
        yield warn(
            "backlog",
            f"{counts}; the oldest for {age_s:,} s",
            "see whether its function fails or is throttled (its logs, its concurrency) and whether its trigger is on",
        )
    else:
        yield ok("dead letters" if name == DEAD_LETTERS else "queues", counts)


def _age_s(queues: Queues, name: str, now_ms: int) -> int:
    return max((now_ms - letter.enqueued_ms for letter in queues.peek(name)), default=0) // 1000


def _subscription(queues: Queues, wanted: Subscription) -> Iterator[Finding]:
    name = f"{wanted.topic}/{wanted.name}"
    try:
        endpoint, content_format = queues.subscription(wanted.topic, wanted.name)
    except FleetrunError as error:
        if not _is_missing(error):
            yield of_error("subscription", error)
            return
        yield fail("subscription", f"{name} is missing: events reach no queue", _STACK)
        return
    if not endpoint.endswith(f"/{wanted.queue}"):
        yield fail("subscription", f"{name} goes to {endpoint}, not to {wanted.queue}", _STACK)
    elif content_format != wanted.content_format:
        yield fail("subscription", f"{name} sends {content_format}, not {wanted.content_format}", _STACK)
    else:
        yield ok("subscription", f"{name} → {wanted.queue}")


def _topic(queues: Queues, name: str) -> Finding:
    try:
        queues.find_topic(name)
    except FleetrunError as error:
        return fail("topic", f"{name} is missing", _STACK) if _is_missing(error) else of_error("topic", error)
    return ok("topic", f"{name} is there")


def _is_missing(error: FleetrunError) -> bool:
    return error.code.endswith("NotExist")
