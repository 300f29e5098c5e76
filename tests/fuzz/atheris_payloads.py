"""Whole calls: any bytes as what a trigger hands over, through the function's edge to runs and rejections in memory."""

from __future__ import annotations

import json
import sys

import atheris

with atheris.instrument_imports(include=["shared", "msgspec"]):
    from shared.app.isolate import broken_last, receive_or_isolate
    from shared.core import limits
    from shared.runtime.boundary import handle_batch
    from shared.runtime.log import JsonLog
    from shared.runtime.triggers import is_timer, messages_of
from tests.app.driving import Drive


def one_input(payload: bytes) -> None:
    is_timer(payload)
    drive, log = Drive(), list[str]()
    try:
        count = len(messages_of(payload, request_id="call"))
    except ValueError:
        return  # an empty batch, which no trigger sends
    report = handle_batch(
        payload,
        request_id="call",
        act=lambda message: receive_or_isolate(drive.ports, drive.policy, message),
        order=lambda messages: broken_last(drive.ports, messages),
        log=JsonLog(drive.ports.clock, write=log.append),
        clock=drive.ports.clock,
    )
    results = report["results"]
    assert isinstance(results, dict)
    assert sum(results.values()) == count
    assert not any("message.crashed" in line for line in log), log
    for run in drive.world.runs.runs.values():
        assert not run.refusal or run.refusal["field"], run.refusal
    for event in drive.world.publisher.published:
        assert len(event) <= limits.EVENT_BYTES_MAX
        json.loads(event)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
