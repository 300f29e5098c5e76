"""ClientTokens: the same call twice is carried out once.

A token belongs to a region and an operation. While it lives, the same parameters get the first answer again, others
IdempotentParameterMismatch. Source: "How to ensure idempotence"; life and scope are unpublished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from localcloud.clock import Clock
from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import Limits
from localcloud.journal import Journal

TOKENS = "ecs.tokens"


@dataclass(frozen=True, slots=True)
class Answered:
    """What a token got. `digest`: of the parameters, which may be secret."""

    digest: str
    answer: tuple[str, ...]
    created_ms: int


class ClientTokens:
    """Errors: EcsError."""

    def __init__(self, *, clock: Clock, journal: Journal, limits: Limits) -> None:
        self._clock = clock
        self._journal = journal
        self._limits = limits
        self._answered = dict(journal.load(TOKENS, Answered))

    def once(
        self, token: str, *, scope: tuple[str, str], parameters: object, act: Callable[[], tuple[str, ...]]
    ) -> tuple[str, ...]:
        """`act`, or the answer that it gave earlier. `scope`: operation and region; token "": always `act`.

        What `act` raises is not remembered: the call had no effect. Raises InvalidClientToken.Malformed,
        IdempotentParameterMismatch, IdempotentProcessing.
        """
        if not token:
            return act()
        if len(token) > self._limits.client_token_chars_max or not token.isascii():
            raise EcsError("InvalidClientToken.Malformed")
        key = "/".join((*scope, token))
        digest = hashlib.sha256(msgspec.msgpack.encode(parameters)).hexdigest()
        known = self._known(key)
        if known is not None:
            if known.digest != digest:
                raise EcsError("IdempotentParameterMismatch")
            if self._clock.now_ms() - known.created_ms < self._limits.client_token_in_work_ms:
                raise EcsError("IdempotentProcessing")
            return known.answer
        answered = Answered(digest, act(), self._clock.now_ms())
        self._answered[key] = answered
        self._journal.put(TOKENS, key, answered)
        return answered.answer

    def _known(self, key: str) -> Answered | None:
        """Forgets the tokens whose time is over, oldest first."""
        oldest_ms = self._clock.now_ms() - self._limits.client_token_life_ms
        while self._answered:
            first = next(iter(self._answered))
            if self._answered[first].created_ms > oldest_ms:
                break
            del self._answered[first]
            self._journal.drop(TOKENS, first)
        return self._answered.get(key)
