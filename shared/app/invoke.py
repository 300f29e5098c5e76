"""Sending chunks: record the intent, call ECS with the chunk's token, record what came back.

Order of a send, and why nothing is sent twice or forgotten:
1. head row: `sending` = these chunks (conditional on our lease). A crash from here on leaves them in doubt, not lost.
2. chunk rows: `sent_ms`. Whoever held the run before us and is still alive cannot write them any more (decision 0015).
3. InvokeCommand, ClientToken = chunk id.
4. chunk rows: InvokeId, or Unconfirmed (no trustworthy answer), or Planned as before (provably nothing happened).
5. commit: `sending` is empty again.
A chunk in doubt is looked for by its tag before its token is sent once more (decision 0003).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.app.hold import Hold
from shared.app.pick import left, pick
from shared.app.recut import recut
from shared.core import emit, limits
from shared.core.days import last_call_ms
from shared.core.errors import Refused, Unavailable, UnknownOutcome
from shared.core.invoke import Verdict, verdict_of
from shared.core.model import Chunk
from shared.core.track import deadline_of, next_backoff_ms
from shared.core.transitions import TARGET, check
from shared.ecs_ports import Invocation

Answer = str | Refused | Unavailable | UnknownOutcome


@dataclass(frozen=True, slots=True)
class _Sent:
    chunk: Chunk
    answer: Answer


def send(hold: Hold) -> None:
    """Sends what may go out now; asks for the next advance if there is more."""
    if hold.run.backoff_until_ms > hold.now_ms:
        hold.again_at(hold.run.backoff_until_ms)
        return
    opened = hold.run.opened
    picked = [chunk for chunk in pick(hold) if left(chunk)]
    if not picked:
        if hold.run.opened > opened:
            hold.again_at(hold.now_ms)  # chunks that a partial stop had emptied were passed over; the next ones can go
        return
    if not _ensure_command(hold) or not _intend(hold, picked):
        _return_units(hold, picked)
        return
    if not _claim_rows(hold, picked):
        return
    sent = _call(hold, picked)
    # Should anything raise from here on, `sending` still names what has no answer: it is in doubt then.
    for each in sent:
        # The hold's copy, not ours: an answer before this one may have written it (cutting down writes at once).
        _take_answer(hold, hold.chunks[each.chunk.number], each.answer, day=each.chunk.unit_day)
        _answered(hold, each.chunk)
    unsent = picked[len(sent) :]
    _return_units(hold, [hold.chunks[chunk.number] for chunk in unsent])
    hold.change(sending=())
    _set_pace(hold, sent)
    if hold.run.opened < hold.run.planned_chunks or unsent:
        hold.again_at(hold.now_ms + hold.run.backoff_ms)


def _intend(hold: Hold, picked: list[Chunk]) -> bool:
    """Writes down what is about to be sent. False: nothing is sent, and no row says that it was.

    The day of `sending_ms` is the day whose units pay: `recover` knows of no other. So an intent that comes too late
    for that day is not written (sim seed 1346: a chunk in doubt passed for paid on the day after).
    """
    numbers = tuple(chunk.number for chunk in picked)
    try:
        _freeze(hold, picked)
        now_ms = hold.now_ms
        if any(now_ms > last_call_ms(chunk.unit_day) for chunk in picked):
            hold.again_at(now_ms)
            return False
        hold.write_run(sending=numbers, sending_ms=now_ms, status=_running(hold))
    except Unavailable as error:
        back_off(hold, error)
        return False
    return True


def _claim_rows(hold: Hold, picked: list[Chunk]) -> bool:
    """Nobody else writes these rows from here on, nor takes them for unsent. The head row alone did not keep a zombie
    from cutting down a chunk that was being sent (sim seed 9094804).

    False: the rows cannot be written now. The intent stands, so the chunks are in doubt as after a crash. Raises Fenced
    when one was written meanwhile.
    """
    sending_ms = hold.run.sending_ms
    for chunk in picked:
        row = hold.chunks[chunk.number]
        paid = replace(row, unit_day=chunk.unit_day, counted_day=chunk.counted_day, sent_ms=row.sent_ms or sending_ms)
        hold.put(paid)
    try:
        hold.write_chunks()
    except Unavailable as error:
        for chunk in picked:
            hold.put(replace(hold.chunks[chunk.number], status="Unconfirmed"))
        hold.change(sending=())
        back_off(hold, error)
        return False
    return True


def _freeze(hold: Hold, picked: list[Chunk]) -> None:
    """What a token stands for must stand in the row before the token leaves (sim seed 5850: a withdrawn target)."""
    if any(chunk.targets != hold.stored[chunk.number].targets for chunk in picked):
        hold.write_chunks()


def _running(hold: Hold) -> str:
    return "Running" if hold.run.status in ("Planned", "Deferred") else hold.run.status


def _ensure_command(hold: Hold) -> bool:
    """An inline script becomes a command of its own, once per run, named for it."""
    run = hold.run
    if run.command_id:
        return True
    request = run.request
    assert request is not None
    runner = hold.ports.runner
    try:
        command_id = runner.create_command(
            run.region,
            name=run.run_id,
            command=request.command,
            timeout=request.timeout,
            has_parameters=bool(request.parameters),
        )
    except Refused as error:
        halt(hold, "RefusedByEcs", error)
        return False
    except Unavailable as error:
        back_off(hold, error)
        return False
    except UnknownOutcome as error:
        hold.ports.log("command.create_unknown", run_id=run.run_id, reason=str(error))
        return _find_command(hold, error)
    hold.change(command_id=command_id, command_owned=True)
    return True


def _find_command(hold: Hold, doubt: UnknownOutcome) -> bool:
    """The command may have been made: it has the run's name."""
    try:
        command_id = hold.ports.runner.find_command(hold.run.region, name=hold.run.run_id)
    except Refused as error:
        halt(hold, "RefusedByEcs", error)
        return False
    except Unavailable as error:
        back_off(hold, error)
        return False
    if command_id is None:
        back_off(hold, doubt)
        return False
    hold.change(command_id=command_id, command_owned=True)
    return True


def _call(hold: Hold, picked: list[Chunk]) -> list[_Sent]:
    """Calls in waves as wide as went well before; between waves a stop, or an answer that says no, ends it."""
    sent: list[_Sent] = []
    width = hold.run.width or limits.CALL_WIDTH_MAX
    while len(sent) < len(picked):
        if sent and not _may_go_on(hold):
            break
        wave = picked[len(sent) : len(sent) + width]
        answers = hold.ports.lanes.each(lambda chunk: _invoke(hold, chunk), wave, width=width)
        sent += [_Sent(chunk, answer) for chunk, answer in zip(wave, answers, strict=True)]
        if any(isinstance(answer, Unavailable | Refused) for answer in answers):
            break
    return sent


def _may_go_on(hold: Hold) -> bool:
    """Whether no stop came in since. If one did, the next advance takes it into account before anything else."""
    try:
        if hold.ports.runs.read_stops(hold.run.run_id) == hold.stops:
            return True
    except Unavailable as error:
        hold.ports.log("stop.unreadable", run_id=hold.run.run_id, reason=str(error))
    hold.again_at(hold.now_ms)
    return False


def _invoke(hold: Hold, chunk: Chunk) -> Answer:
    """One call, its outcome as a value."""
    run = hold.run
    request = run.request
    assert request is not None
    invocation = Invocation(
        region=run.region,
        command_id=run.command_id,
        instance_ids=tuple(target.instance_id for target in chunk.targets if not target.ended_no),
        client_token=chunk.chunk_id,
        run_id=run.run_id,
        parameters=request.parameters,
        timeout=request.timeout,
        username=request.username,
        working_dir=request.command.working_dir,
        frequency=request.schedule.expression().text if request.schedule is not None else "",
    )
    # Not after our lease, nor after the day whose unit pays for it: both may have passed since the chunk was picked.
    not_after_ms = min(run.lease_until_ms - limits.LEASE_MARGIN_MS, last_call_ms(chunk.unit_day))
    try:
        return hold.ports.runner.invoke(invocation, not_after_ms=not_after_ms)
    except (Refused, Unavailable, UnknownOutcome) as error:
        return error


def _take_answer(hold: Hold, chunk: Chunk, answer: Answer, *, day: str) -> None:
    """What ECS's answer makes of the chunk. `day`: the one on which the call counts."""
    if isinstance(answer, str):
        confirm(hold, chunk, invoke_id=answer)
    elif isinstance(answer, UnknownOutcome) or chunk.status == "Unconfirmed":
        _keep_in_doubt(hold, chunk, answer, day=day)
    elif isinstance(answer, Unavailable):
        _return_units(hold, [chunk])
    else:
        _return_units(hold, [chunk])
        _take_refusal(hold, hold.chunks[chunk.number], answer, day=day)


def confirm(hold: Hold, chunk: Chunk, *, invoke_id: str) -> None:
    """ECS has the chunk: it is tracked from now on."""
    assert hold.run.request is not None
    now_ms = hold.now_ms
    targets = tuple(
        target if target.ended_no else replace(target, status=check(TARGET, target.status, "Pending"))
        for target in chunk.targets
    )
    confirmed = replace(
        chunk,
        status="Invoked",
        targets=targets,
        invoke_id=invoke_id,
        invoked_ms=now_ms,
        sent_ms=chunk.sent_ms or now_ms,
        deadline_ms=0 if hold.run.is_repeating else deadline_of(invoked_ms=now_ms, timeout_s=hold.run.request.timeout),
    )
    hold.put(confirmed)
    hold.say(emit.invoked(confirmed))
    hold.change(poll_ms=0)
    hold.again_at(now_ms + limits.POLL_MS_FIRST)
    hold.progressed = True
    hold.ports.log(
        "chunk.invoked", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, invoke_id=invoke_id, targets=left(chunk)
    )


def _keep_in_doubt(hold: Hold, chunk: Chunk, answer: Answer, *, day: str) -> None:
    assert not isinstance(answer, str)
    now_ms = hold.now_ms
    hopeless = isinstance(answer, Refused) and verdict_of(answer.code) is not Verdict.QUOTA_EXHAUSTED
    tries = limits.STEP_ATTEMPTS_MAX if hopeless else chunk.tries + 1
    hold.put(replace(chunk, status="Unconfirmed", sent_ms=chunk.sent_ms or now_ms, tries=tries))
    hold.ports.log(
        "chunk.unconfirmed", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, tries=tries, reason=str(answer)
    )
    hold.again_at(now_ms + limits.POLL_MS_FIRST)
    if isinstance(answer, Refused) and verdict_of(answer.code) is Verdict.QUOTA_EXHAUSTED:
        _close_day(hold, day)


def _take_refusal(hold: Hold, chunk: Chunk, error: Refused, *, day: str) -> None:
    verdict = verdict_of(error.code)
    hold.ports.log("chunk.refused", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, code=error.code)
    if verdict is Verdict.QUOTA_EXHAUSTED:
        _close_day(hold, day)
    elif verdict is Verdict.UNFIT_TARGET:
        recut(hold, chunk, error)
    elif verdict is Verdict.TOKEN_TAKEN:
        hold.put(
            replace(chunk, status="Unconfirmed", sent_ms=chunk.sent_ms or hold.now_ms, tries=limits.STEP_ATTEMPTS_MAX)
        )
        hold.again_at(hold.now_ms)
    else:
        halt(hold, "RefusedByEcs", error)


def _close_day(hold: Hold, day: str) -> None:
    """ECS's own count is the law: nothing more on the day of the call, which may be over by now. The next pick asks the
    ledger and defers."""
    if hold.closed_day != day:
        hold.ports.quota.close_day(hold.run.region, day)
        hold.closed_day = day
    hold.change(grants={**hold.run.grants, day: hold.run.spent.get(day, 0)})
    hold.again_at(hold.now_ms)


def _return_units(hold: Hold, chunks: list[Chunk]) -> None:
    """These calls provably did not happen: their units are free for others of this run, or given back at its end.

    Not that of a chunk in doubt, which is for the call that may have happened before; only what it has paid since
    another day began, and no intent has been written upon.
    """
    spent = dict(hold.run.spent)
    for chunk in chunks:
        _answered(hold, chunk)
        if chunk.unit_day and chunk.status == "Planned":
            spent[chunk.unit_day] = spent.get(chunk.unit_day, 0) - 1
            # The hold's copy, not ours: freezing may have written it since it was picked (sim seed 13012723).
            hold.put(replace(hold.chunks[chunk.number], unit_day="", sent_ms=0))
        elif chunk.unit_day != hold.chunks[chunk.number].unit_day:
            spent[chunk.unit_day] = spent.get(chunk.unit_day, 0) - 1
    hold.change(spent={day: units for day, units in spent.items() if units})


def _answered(hold: Hold, chunk: Chunk) -> None:
    """The intent no longer covers this chunk: what became of it stands in the chunk."""
    hold.change(sending=tuple(number for number in hold.run.sending if number != chunk.number))


def halt(hold: Hold, why: str, error: Refused) -> None:
    """Nothing new starts any more; what was never sent ends as NotStarted."""
    hold.change(halted=why, reason=f"{error.code}: {error.message}")
    hold.say(emit.rejected(code=error.code, field=error.field, message=error.message))
    hold.again_at(hold.now_ms)


def back_off(hold: Hold, error: Exception) -> None:
    pause_ms = next_backoff_ms(hold.run.backoff_ms)
    hold.change(backoff_ms=pause_ms, backoff_until_ms=hold.now_ms + pause_ms)
    hold.again_at(hold.run.backoff_until_ms)
    hold.ports.log("run.backed_off", run_id=hold.run.run_id, pause_ms=pause_ms, reason=str(error))


def _set_pace(hold: Hold, sent: list[_Sent]) -> None:
    """Additive increase, multiplicative decrease: the pace adapts to what the region lets through."""
    width = hold.run.width or limits.CALL_WIDTH_MAX
    refused = [each.answer for each in sent if isinstance(each.answer, Unavailable)]
    if refused:
        hold.change(width=max(1, width // 2))
        back_off(hold, refused[0])
    elif sent:
        hold.change(width=min(limits.CALL_WIDTH_MAX, width + 1), backoff_ms=0)
