"""Single messages: any bytes as a request, a wake-up, a firing, a dead letter. What is wrong is refused, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["shared", "cli", "msgspec"]):
    from cli.letters import letter_json, queue_of, understood
    from cli.queues import Letter
    from shared.app.reject import request_id_in
    from shared.core.errors import Refused
    from shared.core.requests import decode_request, hash_of
    from shared.core.schedule_wake import decode_wake
    from shared.core.wakeups import decode_wakeup


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
    request_id_in(body)
    letter = understood(Letter("m-1", body, "receipt", 0, 1))
    json.dumps(letter_json(letter))
    for each in letter.bodies:
        queue_of(each)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
