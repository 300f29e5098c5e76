"""Stop marks and halts: what was never sent ends as NotStarted, what runs in ECS is told to stop."""

from __future__ import annotations

from dataclasses import replace

from shared.app.hold import Hold
from shared.app.pick import adopt_rest, bounds_of, check_unsent, open_up
from shared.core import emit, limits, rate
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome
from shared.core.model import Chunk
from shared.core.roll_up import counts_over_run, failures
from shared.core.track import end_all


def heed_stops(hold: Hold) -> None:
    """Takes stop marks into account that came since the last advance."""
    if len(hold.stops) == hold.run.stops_seen:
        return
    hold.change(stops_seen=len(hold.stops))
    whole = [mark for mark in hold.stops if not mark.instance_ids]
    if whole and hold.run.halted != "StopRequested":
        hold.change(halted="StopRequested", reason=f"StopRequested: {whole[0].request_id}")
        hold.say(emit.stopping(reason=hold.run.reason))
        hold.ports.log("run.stopping", run_id=hold.run.run_id, stop_request_id=whole[0].request_id)


def heed_errors(hold: Hold) -> None:
    """More targets have failed than the request allows: nothing new starts."""
    if hold.run.halted:
        return
    counts = counts_over_run(hold.run, [hold.chunks[number] for number in sorted(hold.run.active)])
    failed = failures(counts)
    if rate.is_exceeded(bounds_of(hold), failures=failed):
        hold.change(halted="MaxErrorsExceeded", reason=f"MaxErrorsExceeded: {failed} targets failed")
        hold.ports.log("run.halted", run_id=hold.run.run_id, failures=failed)


def withhold(hold: Hold) -> None:
    """Targets that shall not start any more, and were never sent, end as NotStarted."""
    withdrawn = hold.withdrawn
    if hold.run.halted and hold.run.opened < hold.run.planned_chunks:
        _withhold_unopened(hold)  # first: what was cut off from one of these joins the others
    for _, chunk in sorted(hold.chunks.items()):
        if chunk.status == "Planned" and hold.run.halted:
            hold.put(end_all(chunk, "NotStarted"))
        elif chunk.status == "Planned" and withdrawn:
            kept = end_all(chunk, "NotStarted", only=withdrawn)
            if kept is not chunk and kept != chunk:
                hold.put(kept if kept.status == "Finished" else replace(kept, cut=chunk.cut + 1))


def _withhold_unopened(hold: Hold) -> None:
    run = hold.run
    last = min(run.planned_chunks, run.opened + limits.CALLS_PER_STEP_MAX)
    unopened = hold.ports.runs.read_chunks(run.run_id, range(run.opened + 1, last + 1))
    check_unsent(unopened)
    for chunk in unopened:
        hold.stored[chunk.number] = chunk
        adopt_rest(hold, chunk)
    open_up(hold, [end_all(chunk, "NotStarted") for chunk in unopened])
    if last < run.planned_chunks:
        hold.again_at(hold.now_ms)


def stop_invoked(hold: Hold) -> None:
    """StopInvocation for every invoked chunk with targets that shall stop and have not been told to."""
    calls = [(chunk, ids) for _, chunk in sorted(hold.chunks.items()) if (ids := _to_stop(hold, chunk))]
    answers = hold.ports.lanes.each(lambda call: _stop(hold, *call), calls, width=limits.CALL_WIDTH_MAX)
    for (chunk, ids), error in zip(calls, answers, strict=True):
        if error is None:
            hold.put(replace(chunk, stopped=tuple(sorted({*chunk.stopped, *ids}))))
            hold.progressed = True
            hold.ports.log(
                "chunk.stop_sent", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, invoke_id=chunk.invoke_id
            )
        else:
            hold.again_at(hold.now_ms + limits.POLL_MS_FIRST)
            hold.ports.log("chunk.stop_failed", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, reason=str(error))


def _to_stop(hold: Hold, chunk: Chunk) -> tuple[str, ...]:
    if chunk.status != "Invoked":
        return ()
    everything = hold.run.halted == "StopRequested"
    return tuple(
        target.instance_id
        for target in chunk.targets
        if not target.ended_no
        and target.instance_id not in chunk.stopped
        and (everything or target.instance_id in hold.withdrawn)
    )


def _stop(hold: Hold, chunk: Chunk, instance_ids: tuple[str, ...]) -> FleetrunError | None:
    """One StopInvocation. Repeating it is harmless. What ECS does not find has nothing left to stop."""
    size = limits.INSTANCES_PER_STOP_MAX
    try:
        for low in range(0, len(instance_ids), size):
            hold.ports.runner.stop(hold.run.region, chunk.invoke_id, instance_ids[low : low + size])
    except Refused as error:
        hold.ports.log("chunk.stop_refused", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, code=error.code)
        return None if error.code.endswith("NotFound") else error  # no permission is no success
    except (Unavailable, UnknownOutcome) as error:
        return error
    return None
