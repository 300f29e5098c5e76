"""The real handlers, each call with ports of its own: what Function Compute passes in is all that is made up here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from shared.ports import Clock, Policy, Ports
from shared.runtime.boundary import BatchIncomplete
from shared.runtime.compose import Composition
from shared.runtime.log import JsonLog


@dataclass(frozen=True)
class FunctionFacts:
    name: str
    timeout: int


@dataclass(frozen=True)
class Call:
    """FC's context of one call, and what the composition root would make of it."""

    request_id: str
    function: FunctionFacts
    composed: Composition


class _ByCall:
    """Stands where the composition root stands: the same module serves many instances of the function at once."""

    def compose(self, context: Call) -> Composition:
        return context.composed


@cache
def _handler_of(function: str) -> Any:
    module = importlib.import_module(f"functions.{function}.index")
    module._composer = _ByCall()  # type: ignore[attr-defined]
    return module.handler


def run(function: str, payload: bytes, ports: Ports, policy: Policy, *, timeout_s: int, clock: Clock) -> bool:
    """One call of one function, to its end; whether it went well. A bug in it is an AssertionError."""
    complaints: list[str] = []
    log = JsonLog(clock, write=complaints.append, level="error")
    composed = Composition(ports, _policy_of(policy, timeout_s), log, adapters=None)  # type: ignore[arg-type]
    try:
        _handler_of(function)(payload, Call(f"call of {function}", FunctionFacts(function, timeout_s), composed))
    except BatchIncomplete:
        bugs = [line for line in complaints if '"Bug"' in line]
        assert not bugs, f"a bug in a handler: {bugs}"
        return False
    bugs = [line for line in complaints if '"Bug"' in line]
    assert not bugs, f"a bug in a handler: {bugs}"
    return True


def _policy_of(policy: Policy, timeout_s: int) -> Policy:
    from shared.core import limits

    return replace(policy, lease_ms=timeout_s * 1000 + limits.LEASE_MARGIN_MS)
