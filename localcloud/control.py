"""The control endpoints below /_local/: reset, seed, clock, faults, state, request log. JSON in, JSON out.

No signature is asked for: the port is open to this machine only. Requests that a web page sends from a browser (they
carry `Origin`) are refused, so that no page can reset your cloud.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

import msgspec

from localcloud.faults import FaultPlan
from localcloud.http import Request, Response
from localcloud.request_log import RequestLog

ADVANCE_MS_MAX = 400 * 86_400_000
"""Ours: more than a year at once is a mistake of units."""


class BadControl(Exception):
    """A control request that cannot be done; the message says why."""


class Controls(Protocol):
    """What a local cloud lets be done to it; `LocalCloud` has these methods for Python."""

    faults: FaultPlan
    log: RequestLog

    def health(self) -> dict[str, Any]: ...

    async def reset(self) -> None: ...

    def reseed(self, seed: int) -> None: ...

    def clock_state(self) -> dict[str, Any]: ...

    def freeze_clock(self) -> None: ...

    def advance_clock(self, ms: int) -> None: ...

    def follow_clock(self) -> None: ...

    def state(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A control request, taken apart."""

    rest: str
    """What follows the route's path, e.g. the id of a rule."""
    query: dict[str, str]
    body: dict[str, Any]


Action = Callable[[Controls, Asked], Awaitable[Any]]


async def answer(controls: Controls, request: Request) -> Response:
    """Never raises for what a client can get wrong."""
    if "origin" in request.headers:
        return _json(403, {"error": "control requests of web pages are refused"})
    path = unquote(request.path).removeprefix("/_local").rstrip("/") or "/"
    methods = []
    for method, pattern, action in ROUTES:
        rest = _match(pattern, path)
        if rest is None:
            continue
        if method != request.method:
            methods.append(method)
            continue
        try:
            asked = Asked(rest, _query(request), _body(request))
            return _json(200, await action(controls, asked))
        except (BadControl, ValueError) as error:
            return _json(400, {"error": str(error)})
    if methods:
        return _json(405, {"error": f"{request.method} is not offered on /_local{path}; {', '.join(methods)} is"})
    offered = sorted({f"{method} /_local{pattern}" for method, pattern, _ in ROUTES})
    return _json(404, {"error": f"there is no /_local{path}", "offered": offered})


# -- actions ----------------------------------------------------------------------------------------------------------
async def _health(controls: Controls, _: Asked) -> Any:
    return controls.health()


async def _reset(controls: Controls, _: Asked) -> Any:
    await controls.reset()
    return controls.health()


async def _seed(controls: Controls, asked: Asked) -> Any:
    seed = _whole(asked.body, "seed")
    controls.reseed(seed)
    return {"seed": seed}


async def _clock(controls: Controls, _: Asked) -> Any:
    return controls.clock_state()


async def _freeze(controls: Controls, _: Asked) -> Any:
    controls.freeze_clock()
    return controls.clock_state()


async def _advance(controls: Controls, asked: Asked) -> Any:
    controls.advance_clock(_advance_ms(controls, asked.body))
    return controls.clock_state()


async def _follow(controls: Controls, _: Asked) -> Any:
    controls.follow_clock()
    return controls.clock_state()


async def _faults(controls: Controls, _: Asked) -> Any:
    return {"faults": controls.faults.as_json()}


async def _add_fault(controls: Controls, asked: Asked) -> Any:
    return {"id": controls.faults.add_json(asked.body)}


async def _clear_faults(controls: Controls, _: Asked) -> Any:
    controls.faults.clear()
    return {"faults": []}


async def _remove_fault(controls: Controls, asked: Asked) -> Any:
    if not controls.faults.remove(asked.rest):
        raise BadControl(f"there is no fault {asked.rest!r}")
    return {"faults": controls.faults.as_json()}


async def _state(controls: Controls, _: Asked) -> Any:
    return controls.state()


async def _requests(controls: Controls, asked: Asked) -> Any:
    limit = asked.query.get("limit", "1000")
    if not limit.isdecimal():
        raise BadControl(f"limit is {limit!r}, a number is needed")
    return {"requests": controls.log.as_json(service=asked.query.get("service"), limit=int(limit))}


async def _counters(controls: Controls, _: Asked) -> Any:
    return {"counters": controls.log.counts()}


async def _clear_requests(controls: Controls, _: Asked) -> Any:
    controls.log.clear()
    return {"requests": []}


ROUTES: tuple[tuple[str, str, Action], ...] = (
    ("GET", "/health", _health),
    ("POST", "/reset", _reset),
    ("POST", "/seed", _seed),
    ("GET", "/clock", _clock),
    ("POST", "/clock/freeze", _freeze),
    ("POST", "/clock/advance", _advance),
    ("POST", "/clock/real", _follow),
    ("GET", "/faults", _faults),
    ("POST", "/faults", _add_fault),
    ("DELETE", "/faults", _clear_faults),
    ("DELETE", "/faults/{id}", _remove_fault),
    ("GET", "/state", _state),
    ("GET", "/requests", _requests),
    ("DELETE", "/requests", _clear_requests),
    ("GET", "/counters", _counters),
)


# -- taking apart -----------------------------------------------------------------------------------------------------
def _match(pattern: str, path: str) -> str | None:
    """What stands in the place of {id}; "" for a pattern without; None when the path is another."""
    prefix, brace, _ = pattern.partition("{")
    if not brace:
        return "" if path == pattern else None
    rest = path.removeprefix(prefix)
    return rest if path.startswith(prefix) and rest and "/" not in rest else None


def _query(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(request.query).items()}


def _body(request: Request) -> dict[str, Any]:
    """Raises BadControl."""
    if not request.body.strip():
        return {}
    try:
        return msgspec.json.decode(request.body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise BadControl(f"the body must be a JSON object: {error}") from error


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadControl(f"{name} is {value!r}, a whole number is needed")
    return value


def _advance_ms(controls: Controls, body: dict[str, Any]) -> int:
    """From {"ms": n}, {"seconds": n} or {"toMs": epoch}."""
    if set(body) == {"ms"}:
        ms = _whole(body, "ms")
    elif set(body) == {"seconds"}:
        ms = _whole(body, "seconds") * 1000
    elif set(body) == {"toMs"}:
        ms = _whole(body, "toMs") - controls.clock_state()["nowMs"]
    else:
        raise BadControl('one of {"ms": n}, {"seconds": n} or {"toMs": n} is needed')
    if not 0 <= ms <= ADVANCE_MS_MAX:
        raise BadControl(f"a clock can be moved ahead by 0 to {ADVANCE_MS_MAX} ms, not by {ms}")
    return ms


def _json(status: int, value: Any) -> Response:
    return Response(status, (("Content-Type", "application/json"),), msgspec.json.encode(value) + b"\n")
