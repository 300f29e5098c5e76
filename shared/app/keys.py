"""keys: API keys are made, listed and revoked. A key is shown once, when it is made; nothing that is kept shows it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from shared.access_ports import Access
from shared.app.trail import enter
from shared.core import keys
from shared.core.access import Caller, Grant
from shared.core.errors import Fenced, Refused
from shared.core.keys import KeyRow
from shared.ports import Ports

_ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class NewKey:
    row: KeyRow
    text: str
    """What its holder is given, this once."""


def make_key(ports: Ports, *, grant: Grant, created_by: str, expires_ms: int = 0) -> NewKey:
    """A key that is not stored yet."""
    now_ms = ports.clock.now_ms()
    if expires_ms and expires_ms <= now_ms:
        raise Refused("expiresAt lies in the past; leave it out for a key that never expires", field="expiresAt")
    key_id = ports.ids.new_id()[: keys.KEY_ID_CHARS]
    secret = "".join(ports.ids.new_id() for _ in range(keys.SECRET_CHARS // 16))
    row = KeyRow(
        key_id=key_id,
        hash=keys.hash_of_secret(secret),
        public_key=access_of(ports).signatures.public_key(keys.signing_seed(secret)),
        grant=grant,
        created_ms=now_ms,
        created_by=created_by,
        expires_ms=expires_ms,
    )
    return NewKey(row, keys.key_text(key_id, secret))


def add_key(ports: Ports, caller: Caller, *, grant: Grant, expires_ms: int = 0, entry_id: str) -> NewKey:
    """Raises Refused. A lost answer leaves a key that nobody holds: it is seen in the list, and can be revoked."""
    made = make_key(ports, grant=grant, created_by=caller.name, expires_ms=expires_ms)
    enter(ports, caller, "keys.write", entry_id=entry_id, subject=made.row.key_id)
    if not access_of(ports).keys.insert_key(made.row):
        raise Fenced(f"a key {made.row.key_id} is there already; try again")
    ports.log("key.added", key_id=made.row.key_id, grant=grant.name, role=grant.role, by=caller.name)
    return made


def list_keys(ports: Ports, *, after: str, limit: int) -> list[KeyRow]:
    return access_of(ports).keys.keys(after=after, limit=limit)


def revoke_key(ports: Ports, caller: Caller, key_id: str, *, entry_id: str) -> KeyRow:
    """From the next call on nobody comes in with it. Repeating it changes nothing. Raises Refused (NoKey)."""
    access = access_of(ports)
    enter(ports, caller, "keys.write", entry_id=entry_id, subject=key_id)
    for _ in range(_ATTEMPTS_MAX):
        row = access.keys.read_key(key_id)
        if row is None and access.admin_key.startswith(f"{key_id}:"):
            # The first key has no row until it is revoked.
            row = msgspec.structs.replace(keys.bootstrap_row(access.admin_key), version=0)
        if row is None:
            raise Refused(f"keyId is {key_id[:80]!r}: there is no such key", code="NoKey", field="keyId")
        if row.revoked_ms:
            return row
        revoked = msgspec.structs.replace(row, revoked_ms=ports.clock.now_ms(), version=row.version + 1)
        if access.keys.update_key(revoked):
            ports.log("key.revoked", key_id=key_id, by=caller.name)
            return revoked
    raise Fenced(f"the key {key_id} keeps changing; it was not revoked")


def access_of(ports: Ports) -> Access:
    assert ports.access is not None, "a deployment with keys has access"
    return ports.access
