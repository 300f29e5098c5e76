"""Where the cloud is and with which keys: from the environment. What is missing is named, all of it at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.runtime.settings import Settings

_ALWAYS = ("FLEETRUN_REGION", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")

_SECRETS = ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "FLEETRUN_API_KEY")

_OF_ANOTHER_CLOUD = (
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "FLEETRUN_ECS_ENDPOINT",
    "FLEETRUN_FC_ENDPOINT",
    "FLEETRUN_MNS_ENDPOINT",
    "FLEETRUN_TABLESTORE_ENDPOINT",
)


class BadEnvironment(Exception):
    """The message names each variable that is missing or wrong."""


def settings(endpoint: str | None) -> Settings:
    """`endpoint` stands for every service. Raises BadEnvironment."""
    return settings_of(os.environ, endpoint=endpoint)


def settings_of(environ: Mapping[str, str], *, endpoint: str | None) -> Settings:
    """Raises BadEnvironment."""
    from shared.runtime.settings import BadSetting, read_settings

    seen = dict(environ)
    if endpoint:
        seen = {name: seen[name] for name in seen if not _is_endpoint(name)} | {"FLEETRUN_ENDPOINT": endpoint}
    missing = [name for name in _ALWAYS if not seen.get(name)] + _missing_address(seen)
    if missing:
        raise BadEnvironment(
            f"missing in the environment: {', '.join(missing)}. "
            'For the local cloud: eval "$(fleetrun local --print-env)"'
        )
    try:
        return read_settings(seen)
    except BadSetting as error:
        raise BadEnvironment(str(error)) from None


def without_secrets(text: str) -> str:
    """`text` without the keys of the environment, should a service have put one into what it says."""
    for name in _SECRETS:
        if os.environ.get(name):
            text = text.replace(os.environ[name], "***")
    return text


def api_key() -> str:
    """The key for the HTTP API. Raises BadEnvironment."""
    key = os.environ.get("FLEETRUN_API_KEY", "")
    if not key:
        raise BadEnvironment("missing in the environment: FLEETRUN_API_KEY, the key for the HTTP API (frk_…)")
    return key


def left_over() -> list[str]:
    """Names in our environment that would win against what `fleetrun local --print-env` exports."""
    return [name for name in _OF_ANOTHER_CLOUD if os.environ.get(name)]


def _is_endpoint(name: str) -> bool:
    return name.startswith("FLEETRUN_") and name.endswith("ENDPOINT")


def _missing_address(environ: Mapping[str, str]) -> list[str]:
    """MNS addresses begin with the account: one of the two must be there."""
    if any(environ.get(name) for name in ("FLEETRUN_ENDPOINT", "FLEETRUN_ACCOUNT_ID")):
        return []
    both = environ.get("FLEETRUN_MNS_ENDPOINT") and environ.get("FLEETRUN_FC_ENDPOINT")
    return [] if both else ["FLEETRUN_ACCOUNT_ID (or FLEETRUN_ENDPOINT)"]
