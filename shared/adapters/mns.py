"""WorkQueue and EventPublisher on MNS (SMQ), with aliyun-mns-sdk.

Traps of 1.3.0 that are met here: an Account holds one connection and is not safe for threads (one for each thread); a
token of None fails (it is ""); over https there is no timeout at all (set on the connection); a message whose kept
connection had died is sent again by the SDK itself, so a message may come twice (all our readers bear that).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from shared.adapters import limits
from shared.adapters.credentials import Credentials
from shared.adapters.patience import Patience
from shared.core.errors import FleetrunError, Unavailable, UnknownOutcome

WAKEUPS = "fleetrun-wakeups"
DEAD_LETTERS = "fleetrun-dead-letters"
FIRINGS = "fleetrun-firings"
PUSHES = "fleetrun-pushes"
EVENTS = "fleetrun-events"

_THROTTLED = frozenset({"TooManyRequests", "QpsLimitExceeded"})
_UNKNOWN = frozenset({"InternalError", "InternalServerError"})
_NEVER_LEFT = (
    "Connection refused",
    "Name or service not known",
    "Temporary failure in name resolution",
    "Network is unreachable",
    "No route to host",
)


class MnsAccounts:
    """The calling thread's Account."""

    def __init__(self, endpoint: str, credentials: Credentials) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._local = threading.local()

    def get(self) -> Any:
        if not hasattr(self._local, "account"):
            self._local.account = self._new_account()
        return self._local.account

    def _new_account(self) -> Any:
        from mns.account import Account

        keys = self._credentials
        account = Account(self._endpoint, keys.access_key_id, keys.access_key_secret, keys.security_token)
        http = account.mns_client.http
        http.set_connection_timeout(limits.READ_S_MAX)
        # The SDK forgets the timeout for https: a silent server would hold the function until it is killed.
        http.conn.timeout = limits.READ_S_MAX
        return account


class MnsQueues:
    """Raises Unavailable and UnknownOutcome; short waits of a busy service are sat out here."""

    def __init__(self, accounts: MnsAccounts, patience: Patience) -> None:
        self._accounts = accounts
        self._patience = patience

    def send_wakeup(self, body: bytes, *, delay_s: int) -> None:
        self._send(WAKEUPS, body, delay_s=delay_s)

    def send_dead_letter(self, body: bytes) -> None:
        self._send(DEAD_LETTERS, body, delay_s=0)

    def send_firing(self, body: bytes, *, delay_s: int) -> None:
        self._send(FIRINGS, body, delay_s=delay_s)

    def send_push(self, body: bytes, *, delay_s: int) -> None:
        self._send(PUSHES, body, delay_s=delay_s)

    def _send(self, queue: str, body: bytes, *, delay_s: int) -> None:
        def act() -> None:
            from mns.queue import Message

            # The SDK takes text only, and sends it as Base64; the trigger undoes that (IsBase64Decode).
            message = Message(body.decode("utf-8"), delay_seconds=delay_s if delay_s else -1)
            self._accounts.get().get_queue(queue).send_message(message)

        self._patience.repeat(lambda: _translated(f"SendMessage to {queue}", act), when=_is_passing)


class MnsEvents:
    """Publishes as plain text: subscribers read JSON, not Base64."""

    def __init__(self, accounts: MnsAccounts, patience: Patience) -> None:
        self._accounts = accounts
        self._patience = patience

    def publish(self, body: bytes) -> None:
        def act() -> None:
            from mns.topic import TopicMessage

            self._accounts.get().get_topic(EVENTS).publish_message(TopicMessage(xml_safe(body.decode("utf-8"))))

        self._patience.repeat(lambda: _translated(f"PublishMessage to {EVENTS}", act), when=_is_passing)


def xml_safe(json_text: str) -> str:
    """The same JSON without the two characters that JSON allows and XML does not (a script may print them)."""
    return json_text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _is_passing(error: Unavailable) -> bool:
    return error.throttled or error.code == "NoConnection"


def _translated(what: str, act: Callable[[], None]) -> None:
    from mns.mns_exception import MNSExceptionBase, MNSServerException

    try:
        act()
    except MNSServerException as error:
        raise _of_server(what, error) from None
    except MNSExceptionBase as error:
        raise _of_client(what, error) from None


def _of_server(what: str, error: Any) -> FleetrunError:
    """A refusal is for the operator (a queue is missing, no permission), not for the caller: Unavailable."""
    code, request_id = str(error.type), str(error.req_id or "")
    text = f"{what}: {code}: {str(error.message)[:300]}"
    if code in _UNKNOWN:
        return UnknownOutcome(text, code=code, request_id=request_id)
    return Unavailable(text, code=code, request_id=request_id, throttled=code in _THROTTLED)


def _of_client(what: str, error: Any) -> FleetrunError:
    """The SDK keeps only the text of what went wrong. RespDataDamaged is also what a bare 503 looks like."""
    if error.type == "NetWorkException" and any(part in str(error.message) for part in _NEVER_LEFT):
        return Unavailable(f"{what}: MNS cannot be reached", code="NoConnection")
    if error.type in ("NetWorkException", "RespDataDamaged"):
        return UnknownOutcome(f"{what}: no trustworthy answer ({error.type})", code="NoAnswer")
    return Unavailable(f"{what}: {error.type}: {str(error.message)[:300]}", code=str(error.type))
