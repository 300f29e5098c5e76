"""Names of queues, topics and subscriptions; markers of lists."""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from localcloud.mns.errors import MnsError, out_of_range
from localcloud.mns.limits import Limits

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
CODES_BY_KIND = {
    "queue": ("QueueNameLengthError", "InvalidQueueName"),
    "topic": ("TopicNameLengthError", "TopicNameInvalid"),
    "subscription": ("SubscriptionNameLengthError", "SubscriptionNameInvalid"),
}


def check_name(kind: str, name: str, limits: Limits) -> None:
    """Raises the `kind`'s own error. `kind`: queue, topic or subscription."""
    length_code, invalid_code = CODES_BY_KIND[kind]
    if not 1 <= len(name) <= limits.name_chars_max:
        noun = kind.capitalize()
        raise MnsError(length_code, f"{noun} name length should between 1 and {limits.name_chars_max}.")
    if not NAME.match(name) or ("_" in name and not limits.underscore_in_names):
        raise MnsError(invalid_code)


def page(names: Iterable[str], *, prefix: str, marker: str, size: int | None, limits: Limits) -> tuple[list[str], str]:
    """One page of the sorted names that begin with `prefix`, and the marker of the next page ("" on the last).

    Raises InvalidArgument for a size out of range or a marker that we did not make.
    """
    size = limits.list_size.high if size is None else size
    if size not in limits.list_size:
        raise out_of_range("x-mns-ret-number", limits.list_size.low, limits.list_size.high, "entries")
    ordered = sorted(names)
    start = bisect_right(ordered, _name_of(marker)) if marker else bisect_left(ordered, prefix)
    chosen: list[str] = []
    for name in ordered[max(start, bisect_left(ordered, prefix)) :]:
        if not name.startswith(prefix):
            break
        if len(chosen) == size:
            return chosen, _marker_of(chosen[-1])
        chosen.append(name)
    return chosen, ""


def _marker_of(last_name: str) -> str:
    return base64.urlsafe_b64encode(last_name.encode()).decode()


def _name_of(marker: str) -> str:
    try:
        return base64.b64decode(marker.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise MnsError("InvalidArgument", "The value of x-mns-marker is not one that was returned.") from error
