"""API keys: `frk_<id>_<secret>`. What is stored of one recognises it, and can neither be used nor sign in its place.

Strategy: the secret is 256 bits of chance, so one SHA-256 of it is enough: slow hashes (bcrypt, argon2) are for words
that somebody can guess, and here they would only let a stranger burn our CPU. For messages in queues the same secret
makes an Ed25519 key (see docs/decisions/0009): the row holds its public half, so who reads the table cannot sign.
"""

from __future__ import annotations

import hashlib
import hmac
import re

import msgspec

from shared.core.access import Grant
from shared.core.errors import Refused

KEY_ID_CHARS = 12
SECRET_CHARS = 64
"""Hexadecimal: 256 bits."""
_KEY = re.compile(r"^frk_([0-9a-f]{12})_([0-9a-f]{64})\Z")
_KEY_ID = re.compile(r"^[0-9a-f]{12}\Z")
_SEED_CONTEXT = b"fleetrun message signature v1\n"
_NO_HASH = "0" * 64


class KeyRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A key as it is stored. Nothing in it lets anybody in."""

    key_id: str
    hash: str
    """SHA-256 of the secret, hexadecimal."""
    public_key: str
    """Ed25519, hexadecimal; "" = this key signs no messages."""
    grant: Grant
    created_ms: int
    created_by: str
    expires_ms: int = 0
    """0 = never."""
    revoked_ms: int = 0
    """0 = not revoked."""
    version: int = 1

    def why_not(self, *, now_ms: int) -> str:
        """ "" if the key is in force; otherwise why it is not."""
        if self.revoked_ms:
            return "was revoked"
        return "has expired" if self.expires_ms and now_ms >= self.expires_ms else ""


def key_text(key_id: str, secret: str) -> str:
    """What its holder is given, once."""
    text = f"frk_{key_id}_{secret}"
    assert _KEY.match(text), "a key has an id of 12 and a secret of 64 hexadecimal digits"
    return text


def parse_key(text: str) -> tuple[str, str] | None:
    """Id and secret; None if `text` is no key."""
    found = _KEY.match(text)
    return (found.group(1), found.group(2)) if found else None


def is_key_id(text: str) -> bool:
    return bool(_KEY_ID.match(text))


def hash_of_secret(secret: str) -> str:
    return hashlib.sha256(bytes.fromhex(secret)).hexdigest()


def is_secret_of(secret: str, row: KeyRow | None) -> bool:
    """In constant time; a key that does not exist takes as long as one that does."""
    stored = row.hash if row is not None else _NO_HASH
    return hmac.compare_digest(hash_of_secret(secret).encode(), stored.encode()) and row is not None


def signing_seed(secret: str) -> bytes:
    """The private half of the Ed25519 key that signs the holder's messages. Never stored, never sent."""
    return hashlib.sha256(_SEED_CONTEXT + bytes.fromhex(secret)).digest()


def bootstrap_row(setting: str) -> KeyRow:
    """The first admin's key as the deployment's parameter writes it, `<id>:<hash>`. Raises Refused."""
    key_id, _, digest = setting.partition(":")
    if not _KEY_ID.match(key_id) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise Refused(
            'the admin key must be "<id>:<sha256>", as `fleetrun keys new` prints it',
            code="BadSetting",
            field="AdminKey",
        )
    grant = Grant(name="bootstrap", role="admin")
    return KeyRow(key_id=key_id, hash=digest, public_key="", grant=grant, created_ms=0, created_by="template")
