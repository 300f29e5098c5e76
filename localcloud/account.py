"""Who may call: the one account that the local cloud knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """Defaults are public on purpose: anybody's client can be pointed at the local cloud with them."""

    access_key_id: str = "LTAI5tLocalCloud"
    access_key_secret: str = "local-cloud-secret"  # noqa: S105  a published default, not a secret
    account_id: str = "1234567890123456"
    region: str = "cn-hangzhou"
    tablestore_instance: str = "fleetrun"
    security_token: str | None = None
    """When set, requests signed with this STS token are accepted besides those with the plain key pair."""

    @property
    def api_key(self) -> str:
        """What the template's parameter AdminKey lets in. Derived, so that every client of this account can name it."""
        return f"frk_{self._api_key_id}_{self._api_key_secret}"

    @property
    def admin_key(self) -> str:
        """The parameter: the key's id, and the SHA-256 of its secret."""
        return f"{self._api_key_id}:{hashlib.sha256(bytes.fromhex(self._api_key_secret)).hexdigest()}"

    @property
    def sealing_key(self) -> str:
        """The parameter SealingKey: what encrypts the secrets of webhooks."""
        return hashlib.sha256(f"seals of {self.access_key_secret}".encode()).hexdigest()

    @property
    def _api_key_id(self) -> str:
        return hashlib.sha256(f"id of {self.access_key_id}".encode()).hexdigest()[:12]

    @property
    def _api_key_secret(self) -> str:
        return hashlib.sha256(f"secret of {self.access_key_secret}".encode()).hexdigest()
