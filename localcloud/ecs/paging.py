"""Lists in pages, in both styles of ECS: PageNumber with PageSize, and NextToken with MaxResults.

A token says behind which item its page begins, so that items which come and go between two calls neither hide others
nor show them twice. It fits the list that it was given for, no other. Which style wins when both are used is
unpublished: here NextToken and MaxResults do.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from localcloud.ecs.errors import EcsError

T = TypeVar("T")
Key = tuple[int, ...]
NOT_OURS = "InvalidParameter.NextToken"


@dataclass(frozen=True, slots=True)
class PageAsked:
    """What a caller said, checked against its range. `by_token`: whether NextToken or MaxResults was said."""

    number: int = 1
    size: int = 10
    token: str = ""
    by_token: bool = False
    numbered: bool = False
    """Whether PageNumber or PageSize was said: then the answer has no NextToken."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page. `next_token`: "" on the last."""

    items: Sequence[T]
    total: int
    number: int
    size: int
    next_token: str


def page_of(
    items: Sequence[T], asked: PageAsked, *, listing: str, key: Callable[[T], Key], code: str = NOT_OURS
) -> Page[T]:
    """`items` in ascending order of `key`. `listing`: names the list, for its tokens.

    Without a word about paging it is the first page, with a token for the next. Raises `code`.
    """
    start = (asked.number - 1) * asked.size
    if asked.by_token:
        start = bisect_right(items, _read(asked.token, listing, code), key=key) if asked.token else 0
    found = items[start : start + asked.size]
    has_more = start + asked.size < len(items)
    token = _written(key(found[-1]), listing) if has_more and found and (asked.by_token or not asked.numbered) else ""
    return Page(found, len(items), asked.number, asked.size, token)


def _written(key: Key, listing: str) -> str:
    text = ",".join(str(part) for part in key)
    return base64.urlsafe_b64encode(f"{text};{_check(text, listing)}".encode()).decode().rstrip("=")


def _read(token: str, listing: str, code: str) -> Key:
    try:
        text, _, check = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().partition(";")
        if check == _check(text, listing):
            return tuple(int(part) for part in text.split(","))
    except (binascii.Error, ValueError):
        pass
    raise EcsError(code, "The NextToken is not one that this operation gave.")


def _check(text: str, listing: str) -> str:
    return f"{zlib.crc32(f'{listing}:{text}'.encode()):08x}"
