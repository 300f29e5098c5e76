"""reject: a bad message becomes exactly one rejection, however often it is delivered."""

from __future__ import annotations

from shared.app.accept import begin
from shared.app.advance import advance
from shared.app.dead_letter import dead_letter_of
from shared.core.errors import Refused
from shared.core.messages import Message
from shared.core.model import Run, rejection_id_of
from shared.core.signed import request_id_in
from shared.core.wakeups import WakeUp
from shared.ports import Policy, Ports


def reject(ports: Ports, policy: Policy, message: Message, error: Refused) -> str:
    """One rejection for the message: a row of its own, an event that names the field, a copy among the dead letters."""
    run_id = rejection_id_of(message.message_id)
    if ports.runs.read_run(run_id) is None:
        # Before the row, which stops redeliveries: a crash in between doubles the dead letter, never loses it.
        ports.queue.send_dead_letter(dead_letter_of(message, error))
    now_ms = ports.clock.now_ms()
    rejected = Run(
        run_id=run_id,
        request_id=request_id_in(message.body),
        request=None,
        body_hash="",
        region=policy.region,
        accepted_ms=now_ms,
        refusal={"code": error.code, "field": error.field, "message": error.message},
        due_ms=now_ms,
    )
    if not begin(ports, rejected):
        stored = ports.runs.read_run(rejected.run_id)
        assert stored is not None, f"{rejected.run_id} is there and is not"
        if stored.due_ms == 0:
            ports.runs.forget(rejected.run_id)
            return "rejected"
        rejected = stored
    ports.runs.remember(rejected)
    ports.log(
        "message.rejected",
        run_id=rejected.run_id,
        message_id=message.message_id,
        source=message.source,
        code=error.code,
        field=error.field,
    )
    advance(ports, policy, WakeUp(run_id=rejected.run_id, wakeup_no=0))
    return "rejected"
