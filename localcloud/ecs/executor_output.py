"""What a script prints: the end is kept, the rest is counted."""

from __future__ import annotations

from localcloud.ecs.executors import OUTPUT_BYTES_MAX


class Tail:
    """The last `bytes_max` bytes of everything that was added."""

    def __init__(self, bytes_max: int = OUTPUT_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._kept = bytearray()
        self._total = 0

    def add(self, printed: bytes) -> None:
        self._total += len(printed)
        self._kept += printed
        # Not at every byte above: cutting is a copy.
        if len(self._kept) > 2 * self._bytes_max:
            del self._kept[: -self._bytes_max]

    @property
    def tail(self) -> bytes:
        return bytes(self._kept[-self._bytes_max :])

    @property
    def dropped(self) -> int:
        return max(0, self._total - self._bytes_max)
