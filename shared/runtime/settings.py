"""Settings: the only place that reads the environment. Read once, into a frozen value; a bad one is named.

FLEETRUN_REGION               region of the deployment; on FC: FC_REGION
FLEETRUN_ACCOUNT_ID           account of the deployment; on FC: FC_ACCOUNT_ID
FLEETRUN_ENDPOINT             one address for all services: the local cloud
FLEETRUN_ECS_ENDPOINT         may hold {region}; default https://ecs.{region}.aliyuncs.com
FLEETRUN_MNS_ENDPOINT         default https://<account>.mns.<region>.aliyuncs.com
FLEETRUN_TABLESTORE_ENDPOINT  default https://<instance>.<region>.ots.aliyuncs.com
FLEETRUN_TABLESTORE_INSTANCE  default fleetrun
FLEETRUN_FC_ENDPOINT          default https://<account>.<region>.fc.aliyuncs.com
FLEETRUN_DAILY_QUOTA          calls per region and day, or auto; default 500
FLEETRUN_INSTANCES_PER_CHUNK  1 to 100; default 50
FLEETRUN_LOG_LEVEL            info or error; default info
FLEETRUN_ADMIN_KEY            the first key of the HTTP API, <id>:<sha256 of its secret>; default: none
FLEETRUN_QUEUE_GRANT          what messages that nobody signed may do, a grant as JSON; default: anything
FLEETRUN_SEALING_KEY          64 hexadecimal digits that encrypt the secrets of webhooks; default: none, no webhooks
FLEETRUN_PUSH_NETWORKS        networks that events may be pushed to although they are not public; default: none
ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_SECURITY_TOKEN
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from shared.adapters.credentials import Credentials
from shared.core import limits
from shared.core.access import QUEUE, Grant
from shared.core.push import Network, networks_of

_ENDPOINT = re.compile(r"^https?://[A-Za-z0-9.{}-]+(:[0-9]{1,5})?$")
_REGION = re.compile(r"^[a-z]{2}-[a-z0-9-]{2,30}$")
_ADMIN_KEY = re.compile(r"^[0-9a-f]{12}:[0-9a-f]{64}$")
_INSTANCE = re.compile(r"^[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]$")


class BadSetting(ValueError):
    """A variable of the environment is missing or wrong; the message names it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Settings:
    region: str
    account_id: str
    ecs_endpoint: str
    mns_endpoint: str
    tablestore_endpoint: str
    tablestore_instance: str
    fc_endpoint: str
    daily_quota: int | None
    """None = ask ECS (auto)."""
    instances_per_chunk: int
    log_level: str
    admin_key: str
    """`<id>:<sha256>`; "" = none."""
    queue_grant: Grant
    sealing_key: str
    """Hexadecimal; "" = none."""
    push_networks: tuple[Network, ...]
    credentials: Credentials | None
    """From the environment; None if it holds none (on FC with Python 3.10 they come with the context)."""


def from_environment() -> Settings:
    """Raises BadSetting."""
    return read_settings(os.environ)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Raises BadSetting."""
    region = _region(environ)
    account_id = environ.get("FLEETRUN_ACCOUNT_ID") or environ.get("FC_ACCOUNT_ID") or ""
    instance = environ.get("FLEETRUN_TABLESTORE_INSTANCE") or "fleetrun"
    if not _INSTANCE.match(instance):
        raise BadSetting("FLEETRUN_TABLESTORE_INSTANCE", f"is {instance!r}; it must have 3 to 16 letters, digits and -")
    return Settings(
        region=region,
        account_id=account_id,
        ecs_endpoint=_endpoint(environ, "ECS", "https://ecs.{region}.aliyuncs.com"),
        mns_endpoint=_endpoint(environ, "MNS", _of_account(account_id, f".mns.{region}.aliyuncs.com")),
        tablestore_endpoint=_endpoint(environ, "TABLESTORE", f"https://{instance}.{region}.ots.aliyuncs.com"),
        tablestore_instance=instance,
        fc_endpoint=_endpoint(environ, "FC", _of_account(account_id, f".{region}.fc.aliyuncs.com")),
        daily_quota=_daily_quota(environ),
        instances_per_chunk=_number(
            environ,
            "FLEETRUN_INSTANCES_PER_CHUNK",
            limits.INSTANCES_PER_CHUNK_MAX,
            high=limits.INSTANCES_PER_CHUNK_CEILING,
        ),
        log_level=_log_level(environ),
        admin_key=_admin_key(environ),
        queue_grant=_queue_grant(environ),
        sealing_key=_sealing_key(environ),
        push_networks=_push_networks(environ),
        credentials=_credentials(environ),
    )


def _region(environ: Mapping[str, str]) -> str:
    region = environ.get("FLEETRUN_REGION") or environ.get("FC_REGION") or ""
    if not region:
        raise BadSetting("FLEETRUN_REGION", 'is missing; e.g. "cn-hangzhou"')
    if not _REGION.match(region):
        raise BadSetting("FLEETRUN_REGION", f'is {region!r}; a region looks like "cn-hangzhou"')
    return region


def _of_account(account_id: str, rest: str) -> str:
    """Addresses that begin with the account; "" (which must then be set) if there is none."""
    return f"https://{account_id}{rest}" if account_id else ""


def _endpoint(environ: Mapping[str, str], service: str, default: str) -> str:
    name = f"FLEETRUN_{service}_ENDPOINT"
    if environ.get(name):
        value = environ[name]
    elif environ.get("FLEETRUN_ENDPOINT"):
        name, value = "FLEETRUN_ENDPOINT", environ["FLEETRUN_ENDPOINT"]
    else:
        value = default
    if not value:
        raise BadSetting(name, "is missing; set it, or FLEETRUN_ACCOUNT_ID, or FLEETRUN_ENDPOINT")
    value = value.rstrip("/")
    if not _ENDPOINT.match(value):
        raise BadSetting(name, f'is {value!r}; an address looks like "http://127.0.0.1:7150", without a path')
    return value


def _daily_quota(environ: Mapping[str, str]) -> int | None:
    if environ.get("FLEETRUN_DAILY_QUOTA") == "auto":
        return None
    return _number(environ, "FLEETRUN_DAILY_QUOTA", limits.DAILY_QUOTA_DEFAULT, high=10_000_000, or_else=' or "auto"')


def _number(environ: Mapping[str, str], name: str, default: int, *, high: int, or_else: str = "") -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= high:
        raise BadSetting(name, f"is {text[:80]!r}; it must be a number from 1 to {high}{or_else}")
    return int(text)


def _log_level(environ: Mapping[str, str]) -> str:
    level = (environ.get("FLEETRUN_LOG_LEVEL") or "info").lower()
    if level not in ("info", "error"):
        raise BadSetting("FLEETRUN_LOG_LEVEL", f'is {level[:80]!r}; it must be "info" or "error"')
    return level


def _admin_key(environ: Mapping[str, str]) -> str:
    value = environ.get("FLEETRUN_ADMIN_KEY") or ""
    if value and not _ADMIN_KEY.match(value):
        raise BadSetting("FLEETRUN_ADMIN_KEY", 'is no "<id>:<sha256>": 12 and 64 hexadecimal digits')
    return value


def _queue_grant(environ: Mapping[str, str]) -> Grant:
    text = environ.get("FLEETRUN_QUEUE_GRANT") or ""
    if not text:
        return QUEUE
    try:
        return msgspec.structs.replace(msgspec.json.decode(text, type=Grant), name=QUEUE.name)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSetting("FLEETRUN_QUEUE_GRANT", f"is no grant: {str(error)[:200]}") from None


def _sealing_key(environ: Mapping[str, str]) -> str:
    value = environ.get("FLEETRUN_SEALING_KEY") or ""
    if value and not re.fullmatch(r"[0-9a-f]{64}", value):
        raise BadSetting("FLEETRUN_SEALING_KEY", "must be 64 hexadecimal digits, as `openssl rand -hex 32` prints them")
    return value


def _push_networks(environ: Mapping[str, str]) -> tuple[Network, ...]:
    text = environ.get("FLEETRUN_PUSH_NETWORKS") or ""
    try:
        return networks_of(text)
    except ValueError as error:
        raise BadSetting("FLEETRUN_PUSH_NETWORKS", f'is {text[:80]!r}; e.g. "10.1.0.0/16": {error}') from None


def _credentials(environ: Mapping[str, str]) -> Credentials | None:
    key_id = environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID") or ""
    secret = environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET") or ""
    token = environ.get("ALIBABA_CLOUD_SECURITY_TOKEN") or ""
    if not key_id and not secret:
        return None
    if not key_id or not secret:
        missing = "ALIBABA_CLOUD_ACCESS_KEY_SECRET" if key_id else "ALIBABA_CLOUD_ACCESS_KEY_ID"
        raise BadSetting(missing, "is missing, though its other half is set")
    if token and environ.get("ALIYUN_ACCESS_KEY_ID"):
        # aliyun-python-sdk-core 2.16.1 would sign with these instead, without the token and without a word.
        raise BadSetting("ALIYUN_ACCESS_KEY_ID", "is set beside a security token: the SDK would use the wrong keys")
    return Credentials(key_id, secret, token)
