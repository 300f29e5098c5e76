"""What must survive `kill -9`: services put every acknowledged change here before the answer leaves.

A journal is a set of collections of key → value. Values are dataclasses or plain data that msgspec can encode.
`NoJournal` keeps nothing; `FileJournal` (started by `--data DIR`) appends to one file and replays it at start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Journal(Protocol):
    """Durable key → value, by collection (named "<service>.<kind>", e.g. "mns.messages")."""

    def put(self, collection: str, key: str, value: Any) -> None: ...

    def drop(self, collection: str, key: str) -> None: ...

    def load(self, collection: str, kind: type[T]) -> Iterator[tuple[str, T]]:
        """What the last run left, decoded as `kind`, in order of the last put."""
        ...

    def flush(self) -> None:
        """Hands everything to the operating system. The server calls it before each answer leaves."""
        ...


class NoJournal:
    """Remembers nothing: the default of the local cloud, of tests and of the simulation."""

    def put(self, collection: str, key: str, value: Any) -> None:  # noqa: ARG002
        return

    def drop(self, collection: str, key: str) -> None:  # noqa: ARG002
        return

    def load(self, collection: str, kind: type[T]) -> Iterator[tuple[str, T]]:  # noqa: ARG002
        return iter(())

    def flush(self) -> None:
        return
