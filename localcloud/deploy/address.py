"""The address of a cloud that is kept on disk may be another one at the next start; what speaks of it moves along.

The journal has every address that a kept text may still speak of: a new one is put before anything is written with it,
the older ones go once everything has been (`settle`). So a start that is killed in the middle leaves none behind.
"""

from __future__ import annotations

import re
from typing import Any

from localcloud.journal import Journal

ADDRESSES = "stack.addresses"


class Address:
    """`url`: of now."""

    def __init__(self, journal: Journal, url: str) -> None:
        self._journal = journal
        self._url = url
        self._old = [old for old, _ in journal.load(ADDRESSES, int) if old != url]
        self._pattern = re.compile("|".join(rf"{re.escape(old)}(?!\d)" for old in self._old))
        journal.put(ADDRESSES, url, 1)

    def move(self, text: str) -> str:
        """The text with the address of now. A port of more digits is another address."""
        return self._pattern.sub(lambda _: self._url, text) if self._old else text

    def neutral(self, text: str) -> str:
        """The text without the address of now."""
        return re.sub(rf"{re.escape(self._url)}(?!\d)", "", text)

    def moved(self, value: Any) -> Any:
        """The same for all text in plain data."""
        if isinstance(value, str):
            return self.move(value)
        if isinstance(value, dict):
            return {key: self.moved(one) for key, one in value.items()}
        return [self.moved(one) for one in value] if isinstance(value, list) else value

    def settle(self) -> None:
        """Everything that is kept speaks of the address of now."""
        for old in self._old:
            self._journal.drop(ADDRESSES, old)
        self._old = []
