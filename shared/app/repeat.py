"""Following a cloud schedule: every repetition of every target is recorded once; between firings nothing is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.app.hold import Hold
from shared.core import limits
from shared.core.cron_times import next_ms
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome
from shared.core.model import Chunk, InvocationView, Result
from shared.core.repeat import missing, record_repetitions
from shared.core.track import deadline_of


def follow(hold: Hold, chunks: list[Chunk], views: Mapping[str, InvocationView]) -> dict[str, InvocationView]:
    """Records the repetitions that `views` tell of. Answers the views of chunks all of whose repetitions are recorded:
    only there may an end be taken for one, because an end closes the chunk."""
    wanted = {
        chunk.number: missing(chunk, views[chunk.invoke_id].results) for chunk in chunks if chunk.invoke_id in views
    }
    asked = [chunk for chunk in chunks if wanted.get(chunk.number)]
    width = limits.CALL_WIDTH_MAX
    answers = hold.ports.lanes.each(lambda chunk: _history(hold, chunk, wanted[chunk.number]), asked, width=width)
    behind: set[str] = set()
    for chunk, answer in zip(asked, answers, strict=True):
        if isinstance(answer, FleetrunError):
            hold.ports.log("history.unread", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, reason=str(answer))
            behind.add(chunk.invoke_id)
            continue
        announced = hold.run.repeated.get(chunk.number, 0)
        # The row of a repetition that was cut off is its own record, should history not have it.
        results = [*views[chunk.invoke_id].results, *answer]
        recorded, is_complete = record_repetitions(chunk, results, wanted[chunk.number], announced=announced)
        hold.put(recorded)
        if not is_complete:
            behind.add(chunk.invoke_id)
        hold.progressed = hold.progressed or recorded.repeated > chunk.repeated
    _set_deadlines(hold, chunks)
    if behind:
        hold.again_at(hold.now_ms + limits.POLL_MS_FIRST)
    return {invoke_id: view for invoke_id, view in views.items() if invoke_id not in behind}


def _history(hold: Hold, chunk: Chunk, wanted: Mapping[str, range]) -> list[Result] | FleetrunError:
    try:
        return hold.ports.runner.history(hold.run.region, chunk.invoke_id, wanted)
    except (Refused, Unavailable, UnknownOutcome) as error:
        return error


def _set_deadlines(hold: Hold, chunks: list[Chunk]) -> None:
    """A schedule has no deadline, until it is stopped or has no time left: then its targets have to end."""
    request = hold.run.request
    assert request is not None
    if not hold.run.halted and _next_fire_ms(hold) is not None:
        return
    for each in chunks:
        chunk = hold.chunks[each.number]
        if not chunk.deadline_ms:
            hold.put(replace(chunk, deadline_ms=deadline_of(invoked_ms=hold.now_ms, timeout_s=request.timeout)))


def idle_until_ms(hold: Hold) -> int:
    """When to look next at the earliest; 0 = soon: a firing is on its way, or the schedule is coming to its end."""
    active = [chunk for _, chunk in sorted(hold.chunks.items()) if chunk.status == "Invoked"]
    targets = [target for chunk in active for target in chunk.targets if not target.ended_no]
    if hold.run.halted or any(chunk.deadline_ms for chunk in active):
        return 0
    if any(target.status != "Scheduled" for target in targets):
        return 0
    repeats = sum(target.repeats for target in targets)
    awaited_ms = hold.run.awaited_ms
    has_fired = 0 < awaited_ms <= hold.now_ms
    is_everywhere = repeats >= hold.run.repeats_before + len(targets)
    if has_fired and not is_everywhere and hold.now_ms < awaited_ms + limits.DELIVERY_MS_MAX:
        return 0  # an instance may be slow; or it lets this one go
    fire_ms = _next_fire_ms(hold)
    assert fire_ms is not None, "no time left means a deadline"
    hold.change(awaited_ms=fire_ms, repeats_before=repeats, poll_ms=0)
    return min(fire_ms + limits.POLL_MS_FIRST, hold.now_ms + limits.IDLE_MS_MAX)


def _next_fire_ms(hold: Hold) -> int | None:
    run = hold.run
    assert run.request is not None
    assert run.request.schedule is not None
    created_ms = min((chunk.invoked_ms for chunk in hold.chunks.values() if chunk.invoked_ms), default=run.accepted_ms)
    return next_ms(run.request.schedule.expression(), after_ms=hold.now_ms, created_ms=created_ms)
