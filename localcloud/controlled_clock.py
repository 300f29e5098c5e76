"""The clock of a running local cloud: the machine's, until somebody freezes it or moves it ahead."""

from __future__ import annotations

from localcloud.clock import ManualClock, SystemClock


class ControlledClock(ManualClock):
    """Goes with the machine's clock, or stands still. It can be moved ahead, never back.

    After a move ahead and `follow` it goes at the machine's pace, that much ahead of it.
    """

    def __init__(self, frozen_at_ms: int | None = None) -> None:
        self._system = SystemClock()
        self._ahead_ms = 0
        self._frozen_ms = frozen_at_ms

    @property
    def is_frozen(self) -> bool:
        return self._frozen_ms is not None

    @property
    def ahead_ms(self) -> int:
        """How far ahead of the machine's clock."""
        return self.now_ms() - self._system.now_ms()

    def now_ms(self) -> int:
        if self._frozen_ms is not None:
            return self._frozen_ms
        return self._system.now_ms() + self._ahead_ms

    def set_ms(self, now_ms: int) -> None:
        """Moves ahead. Raises ValueError when a frozen clock is past `now_ms`; a going one stays."""
        if self._frozen_ms is None:
            self._ahead_ms += max(0, now_ms - self.now_ms())
        elif now_ms < self._frozen_ms:
            raise ValueError(f"a clock does not run backwards: {now_ms} is before {self._frozen_ms}")
        else:
            self._frozen_ms = now_ms

    def freeze(self) -> None:
        self._frozen_ms = self.now_ms()

    def follow(self) -> None:
        """Goes with the machine's clock again, from where it stands; behind it (frozen for long), it catches up."""
        if self._frozen_ms is not None:
            self._ahead_ms = max(0, self._frozen_ms - self._system.now_ms())
            self._frozen_ms = None
