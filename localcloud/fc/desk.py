"""What every administrative operation works with: the call, its body, its page of a list; and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from localcloud.fc.errors import FcError, invalid
from localcloud.fc.functions import FunctionRecord
from localcloud.fc.json_in import json_object
from localcloud.fc.limits import DIGITS_MAX, PAGE_DEFAULT, PAGE_MAX
from localcloud.fc.routes import NEW, OLD, WireCall
from localcloud.fc.service import FcService

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """`value`: what the body says; None = 204."""

    value: Mapping[str, Any] | None = None
    etag: str = ""


class Desk:
    """One call of an operation. `request_id`: what its answer bears."""

    def __init__(self, service: FcService, call: WireCall, request_id: str) -> None:
        self.service = service
        self.request_id = request_id
        self.call = call
        self.names = call.names
        self.qualifier = call.qualifier
        self.query = call.query
        self.is_new = call.version == NEW

    # -- in -----------------------------------------------------------------------------------------------------------
    def body(self) -> dict[str, Any]:
        """Raises FcError InvalidArgument for what is not a JSON object."""
        raw = self.call.request.body
        return json_object(raw, "the request's body") if raw.strip() else {}

    def text(self, body: Mapping[str, Any], name: str, *, required: bool = False) -> str:
        value = body.get(name)
        if value is None or value == "":
            if required:
                raise invalid(f"{name} is missing")
            return ""
        if not isinstance(value, str):
            raise invalid(f"{name} must be a string, not {value!r}")
        return value

    def whole(self, body: Mapping[str, Any], name: str) -> int | None:
        value = body.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(f"{name} must be a whole number, not {value!r}")
        return value

    def object(self, body: Mapping[str, Any], name: str) -> dict[str, Any]:
        value = body.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise invalid(f"{name} must be an object, not {value!r}")
        return value

    def listed(self, name: str) -> list[Any]:
        """A list in the query: as JSON (FC 3.0), or the name again and again (FC 2.0). Raises FcError."""
        found: list[Any] = []
        for key, text in parse_qsl(self.call.request.query):
            if key == name and not text.startswith("["):
                found.append(text)
            elif key == name:
                try:
                    found += msgspec.json.decode(text, type=list[Any])
                except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
                    raise invalid(f"{name} is not a JSON list: {error}") from error
        return found

    def function(self) -> FunctionRecord:
        """That the path names. Raises FcError."""
        functions = self.service.functions
        if self.call.version == OLD:
            return functions.find_in(self.names["service"], self.names["function"])
        return functions.find(self.names["function"])

    @property
    def owner(self) -> str:
        """Whose versions and aliases the path means: see `versions`. Raises FcError when it does not exist."""
        if self.call.version == OLD:
            return f"services/{self.service.functions.service(self.names['service']).name}"
        return f"functions/{self.function().key}"

    def check_match(self, etag: str) -> None:
        """If-Match. Raises FcError PreconditionFailed."""
        wanted = self.call.request.headers.get("if-match", "").strip('"')
        if wanted not in ("", "*", etag):
            raise FcError("PreconditionFailed", "the resource being modified has been changed")

    # -- out ----------------------------------------------------------------------------------------------------------
    def page(
        self,
        name: str,
        items: Sequence[T],
        *,
        key: Callable[[T], str],
        show: Callable[[T], Mapping[str, Any]],
        starts: bool = True,
        last_token: str | None = None,
    ) -> Reply:
        """A page of a list: limit, prefix, startKey (inclusive), nextToken (wins over startKey).

        `starts` false: `items` begin where they shall, and are in another order than that of their keys.
        `last_token`: the nextToken of the last page; None: it has none.
        """
        query = self.query
        chosen = [item for item in items if key(item).startswith(query.get("prefix", ""))]
        if starts:
            start = query.get("nextToken") or query.get("startKey") or ""
            chosen = sorted((item for item in chosen if key(item) >= start), key=key)
        limit = self.limit()
        value: dict[str, Any] = {name: [show(item) for item in chosen[:limit]]}
        if len(chosen) > limit:
            value["nextToken"] = key(chosen[limit])
        elif last_token is not None:
            value["nextToken"] = last_token
        return Reply(value)

    def limit(self) -> int:
        """How many a page has at most. Raises FcError InvalidArgument."""
        text = self.query.get("limit", "")
        if not text:
            return PAGE_DEFAULT
        limit = whole_number(text)
        if limit is None or not 1 <= limit <= PAGE_MAX:
            raise invalid(f"limit is {text[:40]!r}, it must lie from 1 to {PAGE_MAX}")
        return limit

    def arn(self, record: FunctionRecord, qualifier: str = "") -> str:
        account = self.service.account
        head = f"acs:fc:{account.region}:{account.account_id}:functions/{record.key}"
        return f"{head}/{qualifier}" if qualifier else head


Operation = Callable[[Desk], Reply]


def whole_number(text: str) -> int | None:
    """None: it is none, or longer than any that is meant."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX else None


def shown_time(epoch_ms: int) -> str:
    """2016-10-10T20:20:20Z"""
    return f"{datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
