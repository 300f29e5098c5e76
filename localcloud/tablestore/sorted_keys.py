"""Keys in order: what makes ranges cheap while single rows stay cheap, too.

Strategy: buckets of at most 1,000 sorted keys. A key is found by two binary searches (which bucket, where in it), and
adding one moves at most a bucket, whatever the number of rows.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from localcloud.tablestore.values import Key

BUCKET_KEYS_MAX = 1000
"""Ours: where moving a bucket costs about as much as searching."""


class SortedKeys:
    """A set of keys that knows its order. Keys of one table have the same types in the same places."""

    def __init__(self) -> None:
        self._buckets: list[list[Key]] = []
        self._lasts: list[Key] = []
        """The last key of each bucket."""

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def add(self, key: Key) -> None:
        """The key must not be in here yet."""
        if not self._buckets:
            self._buckets.append([key])
            self._lasts.append(key)
            return
        at = min(bisect_left(self._lasts, key), len(self._lasts) - 1)
        bucket = self._buckets[at]
        insort(bucket, key)
        if len(bucket) > BUCKET_KEYS_MAX:
            half = len(bucket) // 2
            self._buckets.insert(at + 1, bucket[half:])
            self._lasts.insert(at + 1, bucket[-1])
            del bucket[half:]
        self._lasts[at] = bucket[-1]

    def remove(self, key: Key) -> None:
        """The key must be in here."""
        at = bisect_left(self._lasts, key)
        bucket = self._buckets[at]
        place = bisect_left(bucket, key)
        assert bucket[place] == key, key
        del bucket[place]
        if bucket:
            self._lasts[at] = bucket[-1]
        else:
            del self._buckets[at], self._lasts[at]

    def ascending(self, start: Key, end: Key) -> Iterator[Key]:
        """start ≤ key < end. Nothing may be added or removed meanwhile."""
        for at in range(bisect_left(self._lasts, start), len(self._buckets)):
            bucket = self._buckets[at]
            first = bisect_left(bucket, start)
            last = len(bucket) if self._lasts[at] < end else bisect_left(bucket, end)
            yield from bucket[first:last]
            if last < len(bucket):
                return

    def descending(self, start: Key, end: Key) -> Iterator[Key]:
        """start ≥ key > end. Nothing may be added or removed meanwhile."""
        for at in range(min(bisect_left(self._lasts, start), len(self._lasts) - 1), -1, -1):
            bucket = self._buckets[at]
            last = bisect_left(bucket, start)
            if last < len(bucket) and bucket[last] == start:
                last += 1
            first = bisect_left(bucket, end)
            if first < len(bucket) and bucket[first] == end:
                first += 1
            yield from reversed(bucket[first:last])
            if first > 0:
                return
