"""Where every id and every random number of the local cloud comes from: one stream per purpose, all from one seed.

A new draw for one purpose does not shift the ids of another, so a seed tells the same story after a change.
"""

from __future__ import annotations

import random
import secrets

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class Ids:
    """Named random streams. Without a seed they differ from start to start; with one they repeat."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = secrets.randbits(64) if seed is None else seed
        self._streams: dict[str, random.Random] = {}

    def stream(self, purpose: str) -> random.Random:
        if purpose not in self._streams:
            self._streams[purpose] = random.Random(f"{self._seed}:{purpose}")
        return self._streams[purpose]

    def reseed(self, seed: int) -> None:
        """Starts every stream anew, as if it had been made with `seed`."""
        self._seed = seed
        self._streams.clear()

    def hexadecimal(self, purpose: str, length: int) -> str:
        """Upper-case hexadecimal, e.g. an MNS request id of 24 characters."""
        return f"{self.stream(purpose).getrandbits(length * 4):0{length}X}"

    def base36(self, purpose: str, length: int) -> str:
        """Lower-case letters and digits, e.g. the part after "i-" of an instance id."""
        stream = self.stream(purpose)
        return "".join(stream.choice(BASE36) for _ in range(length))

    def uuid(self, purpose: str) -> str:
        """Upper-case UUID form, as ECS request ids are."""
        text = self.hexadecimal(purpose, 32)
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
