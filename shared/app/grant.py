"""Units for chunks: asks the day's ledger for what the run still needs, and takes what there is."""

from __future__ import annotations

from shared.app.hold import Hold
from shared.core import emit, limits
from shared.core.days import DAY_MS, day_of, end_ms, next_day_start_ms, quiet_until_ms, turn_ms
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.quota import Settled, next_ask

ATTEMPTS_MAX = 20
"""Ours: reads and writes of the day's row for one grant; each lost race makes one more."""


def units_left(hold: Hold, *, day: str, needed: int) -> int:
    """How many calls may be charged to `day`, after asking for what `needed` lacks. Raises Unavailable."""
    held, spent = hold.run.grants.get(day), hold.run.spent.get(day, 0)
    wanted_total = spent + needed
    if hold.run.deferred_to > day or (held or 0) >= wanted_total:
        return max(0, (held or 0) - spent)
    settled = _ask(hold, day, held=held, wanted_total=wanted_total)
    if settled.closed:
        return 0
    hold.change(grants={**hold.run.grants, day: settled.total})
    if hold.run.deferred_to:
        hold.change(deferred_to="")
    return settled.total - spent


def _ask(hold: Hold, day: str, *, held: int | None, wanted_total: int) -> Settled:
    """First the whole of it, blindly: one write when there is plenty. Then by what the row says."""
    ledger, run = hold.ports.quota, hold.run
    limit = _limit(hold)
    total = min(wanted_total, limit)
    for _ in range(ATTEMPTS_MAX):
        if total > (held or 0):
            try:
                if ledger.grant(run.region, day, run.run_id, held=held, total=total, limit=limit):
                    hold.ports.log("quota.granted", run_id=run.run_id, day=day, units=total - (held or 0))
                    return Settled(total, short=total < wanted_total)
            except UnknownOutcome:
                hold.ports.log("quota.grant_unknown", run_id=run.run_id, day=day)
        row = ledger.read(run.region, day, run.run_id)
        step = next_ask(wanted_total=wanted_total, granted=row.granted, used=row.used, closed=row.closed, limit=limit)
        if isinstance(step, Settled):
            return step
        held, total = step.held, step.total
    raise Unavailable(f"the quota row of {run.region} {day} is too busy")


def _limit(hold: Hold) -> int:
    if hold.policy.daily_quota is not None:
        return hold.policy.daily_quota
    return hold.ports.runner.daily_limit(hold.run.region)


def defer(hold: Hold, *, day: str, chunks: int, reason: str) -> None:
    """The remaining chunks wait for the units of the day after `day`, which had none left, though it may be over by
    now; said once per day."""
    start_ms = end_ms(day)
    to_day = day_of(start_ms)
    if hold.run.deferred_to != to_day:
        hold.change(deferred_to=to_day)
        hold.say(emit.deferred(day=to_day, chunks=chunks, reason=reason))
        hold.ports.log("run.deferred", run_id=hold.run.run_id, to_day=to_day, chunks=chunks, reason=reason)
    hold.again_at(_turn_of(hold, start_ms))


def wait_out_midnight(hold: Hold) -> bool:
    """Whether it is too close to midnight to know on which day a call is counted, or others have waited longer for the
    day's units; asks for an advance after it then."""
    now_ms = hold.now_ms
    quiet_ms = quiet_until_ms(now_ms)
    start_ms = quiet_ms - limits.CLOCK_SKEW_MS_MAX if quiet_ms else next_day_start_ms(now_ms) - DAY_MS
    until_ms = _turn_of(hold, start_ms)
    if now_ms >= until_ms:
        return False
    hold.again_at(until_ms)
    return True


def _turn_of(hold: Hold, start_ms: int) -> int:
    run = hold.run
    return start_ms + limits.CLOCK_SKEW_MS_MAX + turn_ms(run.run_id, accepted_ms=run.accepted_ms, start_ms=start_ms)
