"""Units for chunks: asks the day's ledger for what the run still needs, and takes what there is."""

from __future__ import annotations

from shared.app.hold import Hold
from shared.core import emit, limits
from shared.core.days import day_of, next_day_start_ms, quiet_until_ms, turn_ms
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.quota import Settled, next_ask

ATTEMPTS_MAX = 20
"""Ours: reads and writes of the day's row for one grant; each lost race makes one more."""


def units_left(hold: Hold, *, needed: int) -> int:
    """How many calls may be charged to today, after asking for what `needed` lacks. Raises Unavailable."""
    day = day_of(hold.now_ms)
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


def defer(hold: Hold, *, chunks: int, reason: str) -> None:
    """The remaining chunks wait for the next day's units; said once per day."""
    start_ms = next_day_start_ms(hold.now_ms)
    day = day_of(start_ms)
    if hold.run.deferred_to != day:
        hold.change(deferred_to=day)
        hold.say(emit.deferred(day=day, chunks=chunks, reason=reason))
        hold.ports.log("run.deferred", run_id=hold.run.run_id, to_day=day, chunks=chunks, reason=reason)
    turn = turn_ms(hold.run.run_id, accepted_ms=hold.run.accepted_ms, start_ms=start_ms)
    hold.again_at(start_ms + limits.CLOCK_SKEW_MS_MAX + turn)


def wait_out_midnight(hold: Hold) -> bool:
    """Whether it is too close to midnight to know on which day a call is counted; asks for an advance after it then."""
    until_ms = quiet_until_ms(hold.now_ms)
    if until_ms:
        hold.again_at(until_ms)
    return bool(until_ms)
