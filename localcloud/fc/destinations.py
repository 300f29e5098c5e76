"""Where the ends of asynchronous calls are told: MNS queues and topics, other functions.

Source: pages 064 and 151, 2026-08. A target that is missing costs the message, as there: logged and dropped.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.account import Account
from localcloud.fc.errors import FcError, invalid, too_large
from localcloud.fc.limits import DESTINATION_BYTES_MAX, Limits
from localcloud.fc.queue_config import queue_of_arn, topic_of_arn
from localcloud.fc.queues import NotTaken, Queues
from localcloud.fc.values import Function, Outcome

UNOFFERED = ("acs:eventbridge:", "acs:mq:", "acs:rocketmq:", "acs:alikafka:")
"""How the ARNs of event buses and of other queues begin."""


@dataclass(frozen=True, slots=True)
class FunctionPlace:
    """What an ARN names. `service` is "" in FC 3.0's form."""

    service: str
    name: str
    qualifier: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How an asynchronous call ended. `condition` is "" when it went well."""

    function: Function
    request_id: str
    event: bytes
    condition: str
    attempts: int
    outcome: Outcome | None


class Destinations:
    """Sends the documents. `hand_over` calls a function asynchronously: service, name, event, qualifier."""

    def __init__(
        self, *, account: Account, queues: Queues, limits: Limits, hand_over: Callable[[FunctionPlace, bytes], None]
    ) -> None:
        self._account = account
        self._queues = queues
        self._limits = limits
        self._hand_over = hand_over
        self.lost = 0
        """Documents that no target took."""

    def check(self, arn: str) -> None:
        """Raises FcError: NotImplemented for a destination that is not offered, InvalidArgument for what is none."""
        if not arn or queue_of_arn(arn) or topic_of_arn(arn) or function_of_arn(arn):
            return
        if arn.startswith(UNOFFERED):
            raise FcError("NotImplemented", f"the local cloud does not offer the destination {arn!r}")
        raise invalid(f"the destination {arn!r} is not of an MNS queue or topic or of a function")

    def tell(self, arn: str, ending: Ending, *, now_ms: int) -> None:
        """Nothing when there is no destination."""
        if not arn:
            return
        body = json.dumps(self._document(ending, now_ms), ensure_ascii=False, separators=(",", ":"))
        try:
            self._send(arn, body)
        except (NotTaken, FcError):
            self.lost += 1

    def _send(self, arn: str, body: str) -> None:
        """Raises NotTaken, or FcError: a function may refuse, and no queue holds more than 64 KB."""
        queue, topic, function = queue_of_arn(arn), topic_of_arn(arn), function_of_arn(arn)
        text = base64.b64encode(body.encode()).decode() if self._limits.destination_base64 else body
        if (queue or topic) and len(text.encode("utf-8", "surrogatepass")) > DESTINATION_BYTES_MAX:
            raise too_large(DESTINATION_BYTES_MAX)
        if queue:
            self._queues.send(queue, text)
        elif topic:
            self._queues.publish(topic, text)
        elif function:
            self._hand_over(function, body.encode())

    def _document(self, ending: Ending, now_ms: int) -> dict[str, Any]:
        outcome = ending.outcome
        return {
            "timestamp": now_ms,
            "requestContext": {
                "requestId": ending.request_id,
                "functionArn": function_arn(ending.function, self._account),
                "condition": ending.condition,
                "approximateInvokeCount": ending.attempts,
            },
            "requestPayload": ending.event.decode("utf-8", "replace"),
            "responseContext": {"statusCode": 200, "functionError": (outcome and outcome.error_type) or ""},
            "responsePayload": outcome.body.decode("utf-8", "replace") if outcome else "",
        }


def function_arn(function: Function, account: Account) -> str:
    """FC 3.0's form; FC 2.0's for a function in a service of its own."""
    head = f"acs:fc:{account.region}:{account.account_id}"
    if "$" in function.key:
        return f"{head}:services/{function.service}.{function.qualifier}/functions/{function.name}"
    return f"{head}:functions/{function.name}"


def function_of_arn(arn: str) -> FunctionPlace | None:
    """`…:functions/<name>[/<qualifier>]` or `…:services/<service>[.<qualifier>]/functions/<name>`."""
    parts = arn.split(":", 4)
    if len(parts) != 5 or parts[:2] != ["acs", "fc"]:
        return None
    place = parts[4].split("/")
    if len(place) in (2, 3) and place[0] == "functions" and place[1]:
        return FunctionPlace("", place[1], place[2] if len(place) == 3 else "")
    if len(place) == 4 and place[0] == "services" and place[2] == "functions" and place[1] and place[3]:
        service, _, qualifier = place[1].partition(".")
        return FunctionPlace(service, place[3], qualifier)
    return None
