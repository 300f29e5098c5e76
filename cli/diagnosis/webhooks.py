"""Does this deployment send webhooks? What the template makes for them only (SealingKey) must be there then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.diagnosis.expected import Expected
from shared.core.errors import FleetrunError

if TYPE_CHECKING:
    from cli.connection import Connection


def are_sent(connection: Connection, wanted: Expected) -> bool:
    """By whom wants to be told, or by the topic's subscription. What cannot be read says nothing here: the tables' and
    the queues' own findings tell it."""
    return _has_subscriber(connection) or _has_subscription(connection, wanted)


def _has_subscriber(connection: Connection) -> bool:
    try:
        rows = connection.adapters.access.subscriptions.subscriptions()
    except FleetrunError:
        return False
    return any(row.status == "Active" for row in rows)


def _has_subscription(connection: Connection, wanted: Expected) -> bool:
    for each in wanted.webhook_subscriptions:
        try:
            connection.queues.subscription(each.topic, each.name)
        except FleetrunError:
            continue
        return True
    return False
