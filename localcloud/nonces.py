"""Which nonces were used: a signed request is worth one call."""

from __future__ import annotations

from collections import OrderedDict


class Nonces:
    """Remembers nonces for `life_ms`: as long as a request that bears them could still be valid. At most `kept_max`."""

    def __init__(self, *, life_ms: int, kept_max: int) -> None:
        self._life_ms = life_ms
        self._kept_max = kept_max
        self._until_ms: OrderedDict[str, int] = OrderedDict()

    def take(self, nonce: str, now_ms: int) -> bool:
        """False: it was used before."""
        self._forget(now_ms)
        if self._until_ms.get(nonce, now_ms) > now_ms:
            return False
        self._until_ms[nonce] = now_ms + self._life_ms
        self._until_ms.move_to_end(nonce)
        if len(self._until_ms) > self._kept_max:
            self._until_ms.popitem(last=False)
        return True

    def _forget(self, now_ms: int) -> None:
        """In the order of their coming, which is that of their going."""
        while self._until_ms:
            nonce, until_ms = next(iter(self._until_ms.items()))
            if until_ms > now_ms:
                return
            del self._until_ms[nonce]
