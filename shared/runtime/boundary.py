"""The edge of a function: every message of a batch on its own, then the report. The family of an error decides.

    Refused                        logged, not repeated: it would be refused again
    Fenced                         logged: whoever was faster does the work
    Unavailable, UnknownOutcome    remembered; after ALL messages the call fails, so that the batch comes again
    anything else: a bug           the same, logged with type and place (its text may hold what must not be logged)

The trigger repeats whole batches only (queue triggers page, 2026); what was handled is recognised by its rows.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable

from shared.core.errors import Fenced, FleetrunError, Refused
from shared.core.messages import Message
from shared.ports import Clock
from shared.runtime.log import JsonLog
from shared.runtime.triggers import messages_of


class BatchIncomplete(Exception):
    """Some messages of the batch are not done; all were tried. Fails the call, so the trigger repeats it."""


def handle_batch(
    payload: bytes,
    *,
    request_id: str,
    act: Callable[[Message], str],
    log: JsonLog,
    clock: Clock,
    order: Callable[[list[Message]], list[Message]] = list,
) -> dict[str, object]:
    """Each message through `act`, whose one-word answers are counted. Raises BatchIncomplete.

    `order`: which comes first; a message that kills the process leaves those after it undone.
    """
    started_ms = clock.now_ms()
    answers = [_handle(message, act, log) for message in order(messages_of(payload, request_id=request_id))]
    counts = Counter(answers)
    unfinished = counts["unfinished"] + counts["crashed"]
    report: dict[str, object] = {"messages": len(answers), "results": dict(sorted(counts.items()))}
    log("function.done", **report, unfinished=unfinished, duration_ms=clock.now_ms() - started_ms)
    if unfinished:
        raise BatchIncomplete(f"{unfinished} of {len(answers)} messages are not done; the log says why")
    return report


def _handle(message: Message, act: Callable[[Message], str], log: JsonLog) -> str:
    names = {"message_id": message.message_id, "source": message.source}
    try:
        return act(message)
    except Refused as error:
        log.error("message.refused", **names, **_told(error))
        return "refused"
    except Fenced as error:
        log("message.fenced", **names, **_told(error))
        return "fenced"
    except FleetrunError as error:
        log.error("message.unfinished", **names, **_told(error))
        return "unfinished"
    except Exception as error:  # noqa: BLE001  the boundary: its neighbours must still be handled
        log.error("message.crashed", **names, **place_of(error))
        return "crashed"


def handle_tick(act: Callable[[], dict[str, object]], *, log: JsonLog, clock: Clock) -> dict[str, object]:
    """A timer's call that carries no message. Raises BatchIncomplete when it could not be done."""
    started_ms = clock.now_ms()
    failure: dict[str, object] = {}
    report: dict[str, object] = {}
    try:
        report = act()
    except FleetrunError as error:
        failure = _told(error)
    except Exception as error:  # noqa: BLE001  the boundary: the text of a bug may hold what must not be logged
        failure = place_of(error)
    duration_ms = clock.now_ms() - started_ms
    if failure:
        log.error("function.failed", **failure, duration_ms=duration_ms)
        raise BatchIncomplete("the call is not done; the log says why")
    log("function.done", **report, duration_ms=duration_ms)
    return report


def _told(error: FleetrunError) -> dict[str, object]:
    return {
        "family": type(error).__name__,
        "code": error.code,
        "reason": error.message,
        "vendor_request_id": error.request_id,
    }


def place_of(error: BaseException) -> dict[str, object]:
    """Type and place of a bug; its text only where it is our own (an assert's)."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} {frame.name}" for frame in frames[-4:]]
    text = str(error)[:500] if isinstance(error, AssertionError) else ""
    return {"family": "Bug", "type": type(error).__name__, "reason": text, "places": places}
