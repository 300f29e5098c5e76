"""Who may call: the one account that the local cloud knows."""

from __future__ import annotations

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
