"""Which chunks go out next: in the order of waves and numbers, within rate control, with a unit each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.app.bounds import count_extra
from shared.app.grant import defer, units_left, wait_out_midnight
from shared.app.hold import Hold
from shared.core import chunk as cutting
from shared.core import emit, limits, rate
from shared.core.days import day_of
from shared.core.errors import Fenced
from shared.core.model import Chunk
from shared.core.rate import Bounds
from shared.core.roll_up import counts_over_run, failures, in_flight
from shared.core.track import end_all


def bounds_of(hold: Hold) -> Bounds:
    assert hold.run.request is not None
    return rate.bounds_of(hold.run.request.rate_control, included=hold.run.included)


def left(chunk: Chunk) -> int:
    """Targets that have not ended."""
    return sum(1 for target in chunk.targets if not target.ended_no)


def pick(hold: Hold) -> list[Chunk]:
    """The chunks to send in this step, taken up and with a unit of today each; may be none."""
    bounds = bounds_of(hold)
    counts = counts_over_run(hold.run, [hold.chunks[number] for number in sorted(hold.run.active)])
    in_doubt = sum(left(chunk) for chunk in hold.chunks.values() if chunk.status == "Unconfirmed")
    flying = in_flight(counts) + in_doubt
    room = rate.allowance(bounds, in_flight=flying, failures=failures(counts))
    candidates = _candidates(hold, bounds, room)
    if not candidates or wait_out_midnight(hold):
        return []
    picked = _that_fit(hold, candidates, room, flying)
    return _with_units(hold, picked) if picked else []


def _candidates(hold: Hold, bounds: Bounds, room: int) -> list[Chunk]:
    """Unsent chunks of the current wave: those taken up already, then the next planned ones."""
    run = hold.run
    active = [hold.chunks[number] for number in sorted(run.active) if hold.chunks[number].status != "Finished"]
    wave = min((chunk.wave for chunk in active), default=_wave_of(run.wave_ends, run.opened + 1))
    waiting = [chunk for chunk in active if chunk.wave == wave and is_sendable(hold, chunk)]
    if wave >= len(run.wave_ends) or room <= 0:
        return waiting
    size = rate.chunk_size(bounds, per_chunk_max=hold.policy.instances_per_chunk)
    count = min(
        limits.CALLS_PER_STEP_MAX - len(waiting),
        limits.CHUNKS_IN_FLIGHT_MAX - len(active),
        -(-room // size) + 1,
        run.wave_ends[wave] - run.opened,
    )
    if count <= 0:
        return waiting[: limits.CALLS_PER_STEP_MAX]
    fresh = hold.ports.runs.read_chunks(run.run_id, range(run.opened + 1, run.opened + count + 1))
    return waiting + [_read_in(hold, chunk) for chunk in fresh]


def _wave_of(wave_ends: tuple[int, ...], number: int) -> int:
    return next((wave for wave, end in enumerate(wave_ends) if number <= end), len(wave_ends))


def is_sendable(hold: Hold, chunk: Chunk) -> bool:
    """Never sent, or in doubt and looked for in this very step without being found."""
    return chunk.status == "Planned" or chunk.number in hold.looked_for


def _read_in(hold: Hold, chunk: Chunk) -> Chunk:
    """The chunk as stored goes into the hold; targets that a partial stop named are not started any more."""
    check_unsent([chunk])
    hold.stored[chunk.number] = chunk
    adopt_rest(hold, chunk)
    return end_all(chunk, "NotStarted", only=hold.withdrawn) if hold.withdrawn else chunk


def check_unsent(chunks: Sequence[Chunk]) -> None:
    """The head row as we read it knows nothing of a send. Raises Fenced if a chunk does: then we are the zombie."""
    for chunk in chunks:
        if chunk.sent_ms:
            raise Fenced(f"{chunk.chunk_id} was sent by a later holder than us")


def adopt_rest(hold: Hold, chunk: Chunk) -> None:
    """A crash came between writing a cut-down chunk and the head row: the rest that it names joins the run now, and so
    does the rest of that, if there was a second crash."""
    if chunk.rest and chunk.rest not in hold.run.extra:
        (rest,) = hold.ports.runs.read_chunks(hold.run.run_id, [chunk.rest])  # may fail: then it has not joined
        join(hold, chunk.rest)
        hold.take_up([rest])
        adopt_rest(hold, rest)


def join(hold: Hold, number: int) -> None:
    hold.change(extra=(*hold.run.extra, number), active={**hold.run.active, number: 0})


def _that_fit(hold: Hold, candidates: list[Chunk], room: int, flying: int) -> list[Chunk]:
    """As many as fit, in order; with nothing in flight one that does not fit is cut down to what does."""
    picked: list[Chunk] = []
    for chunk in candidates:
        size = 0 if chunk.status == "Unconfirmed" else left(chunk)  # in doubt: counted as in flight already
        if size > room:
            if not picked and not flying and room > 0:
                picked.append(cut_down(hold, chunk, keep=room))
            break
        room -= size
        picked.append(chunk)
    return picked


def cut_down(hold: Hold, chunk: Chunk, *, keep: int) -> Chunk:
    """Splits an unsent chunk; the rest becomes a chunk of its own.

    Order matters: the new row first (nobody refers to it yet), then the old one, which names it; whoever reads the old
    row finds the new one, so that a crash in between loses no target (see advance.adopt_rests).
    """
    number = new_number(hold)
    stays, rest = cutting.split(chunk, keep=keep, rest_number=number, plan_no=hold.run.version)
    if not hold.ports.runs.put_chunks([rest]):
        raise Fenced(f"chunk {number} of {hold.run.run_id} belongs to somebody else")
    open_up(hold, [stays])
    hold.write_chunks()
    hold.take_up([rest])
    join(hold, number)
    hold.ports.log("chunk.cut_down", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, kept=keep, rest=number)
    return hold.chunks[stays.number]


def new_number(hold: Hold) -> int:
    """Ours alone: the head row has this version for one holder only, so no zombie can write a row of this number."""
    first = hold.run.planned_chunks + hold.run.version * limits.CUTS_PER_VERSION
    return first + sum(1 for number in hold.run.extra if number >= first)


def open_up(hold: Hold, chunks: list[Chunk]) -> None:
    """Takes chunks up: from now on they are active."""
    opened, active = hold.run.opened, dict(hold.run.active)
    for chunk in chunks:
        hold.stored.setdefault(chunk.number, chunk)
        hold.chunks[chunk.number] = chunk
        active.setdefault(chunk.number, 0)
        if chunk.number <= hold.run.planned_chunks:
            opened = max(opened, chunk.number)
    hold.change(opened=opened, active=active)


def _with_units(hold: Hold, picked: list[Chunk]) -> list[Chunk]:
    """The first of `picked` for which today has units; the others wait for the next day, or the run is rejected.

    What a chunk in doubt pays today stands in the answer alone until the intent is written: its row must not call it
    paid before the head row does (sim seed 1034446).
    """
    day = day_of(hold.now_ms)
    needed = _units_needed(hold, picked, day)
    units = units_left(hold, day=day, needed=needed) if needed else 0
    if units < needed and not _may_go_on_short(hold, day=day, units=units, needed=needed):
        return []
    paid: list[Chunk] = []
    spent = hold.run.spent.get(day, 0)
    for chunk in picked:
        if _needs_unit(chunk, day):
            if units == 0:
                break
            units, spent = units - 1, spent + 1
            paid.append(replace(chunk, unit_day=day))
        else:
            paid.append(chunk)
    paid = count_extra(hold, paid)
    if spent:
        hold.change(spent={**hold.run.spent, day: spent})
    open_up(hold, [chunk for chunk in paid if chunk.status != "Unconfirmed"])
    return paid


def _needs_unit(chunk: Chunk, day: str) -> bool:
    """A chunk in doubt keeps the unit of its day; a planned one has none, whatever an abandoned step wrote into it."""
    return left(chunk) > 0 and (chunk.status == "Planned" or chunk.unit_day != day)


def _units_needed(hold: Hold, picked: list[Chunk], day: str) -> int:
    """Units for all calls that the run still has to make, as far as it is known now."""
    run = hold.run
    taken_up = [hold.chunks[number] for number in run.active]
    waiting = sum(1 for chunk in taken_up if is_sendable(hold, chunk) and _needs_unit(chunk, day))
    gone = sum(1 for chunk in picked if chunk.number not in run.active and not left(chunk))
    return run.planned_chunks - run.opened + waiting - gone


def _may_go_on_short(hold: Hold, *, day: str, units: int, needed: int) -> bool:
    """Not enough units: says what happens to the rest. False: the run is rejected, nothing goes out."""
    assert hold.run.request is not None
    message = f"{needed} units needed, {units} left for {hold.run.region} on {day}"
    if hold.run.request.on_quota_exhausted == "reject" and not any(hold.run.spent.values()):
        hold.change(halted="QuotaExhausted", reason=f"QuotaExhausted: {message}")
        hold.say(emit.rejected(code="QuotaExhausted", field="onQuotaExhausted", message=message))
        hold.again_at(hold.now_ms)
        return False
    defer(hold, day=day, chunks=needed - units, reason=message)
    return True
