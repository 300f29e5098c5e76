"""What access and webhooks need from the outside, by role; beside shared/ports.py, which is about runs.

As there: methods may raise `Unavailable` and, where they have an effect, `UnknownOutcome`; conditional writes answer
whether they won.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.core.access import QUEUE, Grant
from shared.core.audit import AuditEntry
from shared.core.hooks import HookRow
from shared.core.keys import KeyRow
from shared.core.push import Push, SubscriptionRow


class KeyStore(Protocol):
    """Table `api_keys`."""

    def insert_key(self, row: KeyRow) -> bool:
        """False: there is one of this id."""
        ...

    def read_key(self, key_id: str) -> KeyRow | None: ...

    def update_key(self, row: KeyRow) -> bool:
        """Writes `row` if the stored version is `row.version - 1`. False: lost."""
        ...

    def keys(self, *, after: str, limit: int) -> list[KeyRow]:
        """Those with an id above `after`, sorted by id."""
        ...


class AuditTrail(Protocol):
    """Table `audit`. It can be added to and read; there is no other method, and there shall be none."""

    def append(self, entry: AuditEntry) -> None:
        """Never replaces a line."""
        ...

    def entries(self, day: str, *, after: str, limit: int) -> list[tuple[str, AuditEntry]]:
        """Position and entry of a day (UTC+8), newest first, beyond the position `after` ("" = from the newest)."""
        ...


class UsageLedger(Protocol):
    """Table `usage`: one row for a caller's day, one column for each run in it, and for calls beyond a run's plan."""

    def charge(self, caller: str, day: str, run_id: str, *, units: int, limit: int) -> bool:
        """Adds the run's units in ONE conditional update. Condition: it has none yet, and used ≤ limit - units."""
        ...

    def used(self, caller: str, day: str, run_id: str) -> tuple[int, int | None]:
        """Units used by all runs of the day, and by this one (None = not charged)."""
        ...


class HookStore(Protocol):
    """Table `hooks`: incoming webhooks, and the ids of those that were taken."""

    def put_hook(self, row: HookRow) -> bool:
        """Version 1: if there is none; otherwise if the stored version is one less. False: lost."""
        ...

    def read_hook(self, name: str) -> HookRow | None: ...

    def delete_hook(self, name: str) -> None: ...

    def hooks(self) -> list[HookRow]:
        """All (HOOKS_MAX), sorted by name."""
        ...


class SubscriptionStore(Protocol):
    """Table `subscriptions`: where events are pushed to."""

    def put_subscription(self, row: SubscriptionRow) -> bool:
        """As put_hook."""
        ...

    def read_subscription(self, name: str) -> SubscriptionRow | None: ...

    def delete_subscription(self, name: str) -> None: ...

    def subscriptions(self) -> list[SubscriptionRow]:
        """All (HOOKS_MAX), sorted by name."""
        ...


class Sealer(Protocol):
    """Encrypts what must be readable again: the secrets of webhooks."""

    def seal(self, secret: bytes, *, purpose: str) -> str:
        """Text for a row. Opens again for the same `purpose` only. Raises Refused without a sealing key."""
        ...

    def open(self, sealed: str, *, purpose: str) -> bytes:
        """Raises Refused (SealBroken) for another purpose, another key, or a changed text."""
        ...


class Signatures(Protocol):
    """Ed25519."""

    def public_key(self, seed: bytes) -> str:
        """Hexadecimal, of the private key that `seed` (32 bytes) is."""
        ...

    def verifies(self, public_key: str, signature: bytes, content: bytes) -> bool: ...


class Pusher(Protocol):
    """Delivers to addresses of others. Never to private ones, whatever a name resolves to."""

    def push(self, push: Push) -> int:
        """The HTTP status of the answer. Raises Refused (ForbiddenAddress, BadAddress) before anything is sent;
        Unavailable when nobody could be reached; UnknownOutcome when it was sent and not answered."""
        ...

    def send_later(self, body: bytes, *, delay_s: int) -> None:
        """To queue `fleetrun-pushes`."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """What the deployment knows of callers."""

    keys: KeyStore
    audit: AuditTrail
    usage: UsageLedger
    hooks: HookStore
    subscriptions: SubscriptionStore
    sealer: Sealer
    signatures: Signatures
    pusher: Pusher
    queue_grant: Grant = QUEUE
    """Of messages that nobody signed."""
    admin_key: str = ""
    """`<id>:<sha256>` of a key that is good without a row; "" = there is none."""
