"""Single messages: any bytes as a request, signed or not, a wake-up, a firing, a push, a dead letter."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["shared", "cli", "msgspec"]):
    from cli.letters import letter_json, queue_of, understood
    from cli.queues import Letter
    from shared.app.push import Rounds, push_event
    from shared.core.errors import Refused
    from shared.core.messages import Message
    from shared.core.requests import decode_request, hash_of
    from shared.core.schedule_wake import decode_wake
    from shared.core.signed import decode_envelope, inner_request, is_envelope, request_id_in
    from shared.core.wakeups import decode_wakeup
from tests.app.access_cases import ADMIN, subscribe
from tests.web.driving import Web


def refused(act: Callable[[bytes], object], body: bytes) -> tuple[object, Refused | None]:
    """What `act` answers, or its refusal, which says why."""
    try:
        return act(body), None
    except Refused as error:
        refusal = error
    assert refusal.message
    assert refusal.code
    assert len(refusal.message) < 5_000
    return None, refusal


def one_input(body: bytes) -> None:
    request, error = refused(decode_request, body)
    assert error is None or error.field
    if request is not None and hasattr(request, "targets"):
        hash_of(request)  # type: ignore[arg-type]
    refused(decode_wakeup, body)
    refused(decode_wake, body)
    envelope, error = refused(decode_envelope, body)
    assert error is None or error.field
    if envelope is not None:
        assert len(envelope.content()) <= 2 * len(body) + 64  # type: ignore[attr-defined]
        envelope.raw_signature()  # type: ignore[attr-defined]
    assert is_envelope(body) or inner_request(body) is body
    request_id_in(body)
    web = Web()
    subscribe(web.ports, ADMIN, "everybody")
    refused(lambda it: push_event(web.ports, Message(it, "m-1", "queue"), Rounds()), body)
    letter = understood(Letter("m-1", body, "receipt", 0, 1))
    json.dumps(letter_json(letter))
    for each in letter.bodies:
        queue_of(each)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
