"""Following chunks in ECS: chunks in doubt are looked for, invoked ones polled, ended targets recorded with output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.app.hold import Hold
from shared.app.invoke import confirm
from shared.app.repeat import follow, idle_until_ms
from shared.core import limits
from shared.core.days import day_of
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome
from shared.core.model import Chunk, InvocationView
from shared.core.track import (
    end_all,
    ended_now,
    is_over,
    is_worth_fetching,
    next_poll_ms,
    record,
    see,
    without_outputs,
)


def recover(hold: Hold) -> None:
    """A crash left an intent behind: the chunks that were being sent are in doubt."""
    for number in hold.run.sending:
        chunk = hold.chunks.get(number)
        if chunk is not None and chunk.status == "Planned":
            sent_ms = hold.run.sending_ms
            unit_day = chunk.unit_day or day_of(sent_ms)  # the intent took the unit before it was written
            hold.put(replace(chunk, status="Unconfirmed", sent_ms=chunk.sent_ms or sent_ms, unit_day=unit_day))
            hold.ports.log("chunk.in_doubt", run_id=hold.run.run_id, chunk_id=chunk.chunk_id)
    if hold.run.sending:
        hold.write_chunks()  # before another intent replaces this one: the doubt must stand in the rows (sim seed 160)
        hold.change(sending=())


def look_for(hold: Hold) -> None:
    """Look before you resend: asks ECS, by the chunk's tag, for what may have become of chunks in doubt."""
    doubtful = [chunk for _, chunk in sorted(hold.chunks.items()) if chunk.status == "Unconfirmed"]
    found = hold.ports.lanes.each(
        lambda chunk: _find(hold, chunk), doubtful, width=hold.run.width or limits.CALL_WIDTH_MAX
    )
    for chunk, invoke_id in zip(doubtful, found, strict=True):
        if isinstance(invoke_id, FleetrunError):
            _poll_later(hold, invoke_id)
        elif invoke_id:
            confirm(hold, chunk, invoke_id=invoke_id)
        else:
            _not_found(hold, chunk)


def _find(hold: Hold, chunk: Chunk) -> str | FleetrunError | None:
    try:
        return hold.ports.runner.find_invocation(
            hold.run.region, run_id=hold.run.run_id, chunk_id=chunk.chunk_id, **_of_schedule(hold)
        )
    except (Refused, Unavailable, UnknownOutcome) as error:
        return error


def _not_found(hold: Hold, chunk: Chunk) -> None:
    """Not listed. It may be sent again; if nothing new shall start it is given time to show, and then Unknown."""
    given_up = hold.run.halted or chunk.tries >= limits.STEP_ATTEMPTS_MAX
    if not given_up:
        hold.looked_for.add(chunk.number)
        hold.again_at(hold.now_ms + (limits.DOUBT_MS_DEFERRED if hold.run.deferred_to else limits.POLL_MS_FIRST))
    elif hold.now_ms - chunk.sent_ms >= limits.LOOK_UP_MS:
        why = "sent without an answer, and not found in ECS since"
        ids = {target.instance_id: why for target in chunk.targets}
        hold.put(end_all(chunk, "Unknown", why=ids))
        hold.ports.log("chunk.given_up", run_id=hold.run.run_id, chunk_id=chunk.chunk_id)
    else:
        hold.again_at(min(hold.now_ms + limits.POLL_MS_MAX, chunk.sent_ms + limits.LOOK_UP_MS))


def track(hold: Hold) -> None:
    """One poll of everything that is in flight; outcomes and outputs are recorded in the chunks."""
    invoked = [chunk for _, chunk in sorted(hold.chunks.items()) if chunk.status == "Invoked"]
    if not invoked:
        return
    try:
        views = _poll(hold, invoked)
    except (Refused, Unavailable, UnknownOutcome) as error:
        _poll_later(hold, error)
        return
    if hold.run.is_repeating:
        views = follow(hold, invoked, views)
        invoked = [hold.chunks[chunk.number] for chunk in invoked]
    to_fetch = []
    for chunk in invoked:
        view = views.get(chunk.invoke_id)
        seen = see(chunk, view.results) if view else chunk
        hold.put(seen)
        ended = ended_now(seen, view.results) if view else []
        if view and all(result.output is not None for result in view.results):
            _record(hold, seen, view)
        elif is_worth_fetching(seen, len(ended), now_ms=hold.now_ms, outcome_ms=hold.run.outcome_ms):
            to_fetch.append(seen)
    _fetch(hold, to_fetch)
    _expire(hold, invoked, views)
    _next_poll(hold, invoked)


def _poll_later(hold: Hold, error: FleetrunError) -> None:
    """ECS cannot be asked now. Nothing is concluded from that, no deadline is enforced."""
    poll_ms = next_poll_ms(hold.run.poll_ms, progressed=False)
    hold.change(poll_ms=poll_ms)
    hold.again_at(hold.now_ms + poll_ms)
    hold.ports.log("run.poll_failed", run_id=hold.run.run_id, pause_ms=poll_ms, reason=str(error))


def _poll(hold: Hold, invoked: list[Chunk]) -> dict[str, InvocationView]:
    """By the run's tag, 50 invocations a page, or one by one with output at once: whichever takes fewer calls."""
    run, runner = hold.run, hold.ports.runner
    sent = run.opened + len(run.extra)
    if len(invoked) <= -(-sent // limits.INVOCATIONS_PER_PAGE):
        return _poll_each(hold, invoked)
    views = {view.invoke_id: view for view in runner.poll_run(run.region, run.run_id, **_of_schedule(hold))}
    # A listing by tag may end before its end (ECS shows 1,000 instances by tag; of invocations nothing is published):
    # what it has left out for long is asked for by name, or its targets would wrongly become Unknown.
    left_out = [
        chunk
        for chunk in invoked
        if chunk.invoke_id not in views and hold.now_ms - chunk.invoked_ms >= limits.POLL_MS_MAX
    ]
    return views | _poll_each(hold, left_out)


def _poll_each(hold: Hold, chunks: list[Chunk]) -> dict[str, InvocationView]:
    """One by one, with output. Raises the first error."""
    polled = hold.ports.lanes.each(lambda chunk: _poll_one(hold, chunk), chunks, width=limits.CALL_WIDTH_MAX)
    for answer in polled:
        if isinstance(answer, FleetrunError):
            raise answer
    return {view.invoke_id: view for view in polled if isinstance(view, InvocationView)}


def _poll_one(hold: Hold, chunk: Chunk) -> InvocationView | FleetrunError | None:
    try:
        return hold.ports.runner.poll_invocation(
            hold.run.region, chunk.invoke_id, with_output=True, **_of_schedule(hold)
        )
    except (Refused, Unavailable, UnknownOutcome) as error:
        return error


def _of_schedule(hold: Hold) -> dict[str, bool]:
    """Listings may leave out what repeats unless they are asked for it."""
    return {"repeats": True} if hold.run.is_repeating else {}


def _fetch(hold: Hold, chunks: list[Chunk]) -> None:
    """Outputs of ended targets; what cannot be fetched now is fetched next time."""
    views = hold.ports.lanes.each(lambda chunk: _poll_one(hold, chunk), chunks, width=limits.CALL_WIDTH_MAX)
    for chunk, view in zip(chunks, views, strict=True):
        if isinstance(view, InvocationView):
            _record(hold, chunk, view)
        elif isinstance(view, FleetrunError):
            hold.ports.log("output.unfetched", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, reason=str(view))


def _record(hold: Hold, chunk: Chunk, view: InvocationView) -> None:
    recorded, outputs = record(chunk, view.results)
    hold.put(recorded, outputs)


def _expire(hold: Hold, invoked: list[Chunk], views: Mapping[str, InvocationView]) -> None:
    """Targets without an outcome at their deadline are Unknown: neither failed nor succeeded.

    An outcome that ECS has told stays one, though its output cannot be fetched now (sim seed 9087882).
    """
    for each in invoked:
        chunk = hold.chunks[each.number]
        if chunk.status != "Invoked" or not is_over(chunk, now_ms=hold.now_ms):
            continue
        view = views.get(chunk.invoke_id)
        if view and ended_now(chunk, view.results):
            if hold.now_ms < chunk.deadline_ms + limits.OUTPUT_LATE_MS_MAX:
                continue  # it is fetched at the next poll
            hold.ports.log("output.lost", run_id=hold.run.run_id, chunk_id=chunk.chunk_id)
            recorded, _ = record(chunk, without_outputs(view.results))
            hold.put(recorded)
        _give_up(hold, hold.chunks[each.number])


def _give_up(hold: Hold, chunk: Chunk) -> None:
    """What has not ended is Unknown."""
    if chunk.status == "Invoked":
        why = {target.instance_id: "no result by the deadline" for target in chunk.targets}
        hold.put(end_all(chunk, "Unknown", why=why))
        hold.ports.log("chunk.expired", run_id=hold.run.run_id, chunk_id=chunk.chunk_id)


def _next_poll(hold: Hold, invoked: list[Chunk]) -> None:
    before = {chunk.number: chunk for chunk in invoked}
    moved = any(hold.chunks[number] != chunk for number, chunk in before.items())
    poll_ms = next_poll_ms(hold.run.poll_ms, progressed=moved)
    hold.change(poll_ms=poll_ms)
    if any(hold.chunks[number].status == "Invoked" for number in before):
        idle_ms = idle_until_ms(hold) if hold.run.is_repeating else 0
        hold.again_at(max(hold.now_ms + poll_ms, idle_ms))
