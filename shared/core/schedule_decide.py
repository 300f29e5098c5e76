"""What is to be done about a schedule now: which firings start a run, which wait, which are let go, when to look next.

Pure: schedule, time and whether its previous run has ended → the schedule as it shall be written, with what follows
from that in its outbox (`starts`, `stops`, `says`). Deciding twice on the same row is settled by the row's version.

A firing is late once its time (with jitter) lies FIRE_GRACE_MS back. Late ones are the missed ones: the policy says
which of them are made up for. Those, and the ones in time, then meet the overlap policy one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from shared.core import limits, schedule_events
from shared.core.cron_times import fires
from shared.core.schedule import Schedule, Start, jitter_ms, request_id_of, run_id_in


@dataclass
class _Step:
    """A step being worked out."""

    schedule: Schedule
    is_free: bool
    """The previous run has ended: a firing may start now."""
    now_ms: int
    waiting: list[int]
    starts: list[tuple[int, Start]] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    let_go: dict[str, list[int]] = field(default_factory=dict)
    """Firings by the reason why nothing comes of them."""

    def start(self, fire_ms: int) -> None:
        self.starts.append((fire_ms, Start(request_id_of(self.schedule, fire_ms))))
        self.is_free = False

    def pass_over(self, fire_ms: int, reason: str) -> None:
        self.let_go.setdefault(reason, []).append(fire_ms)

    @property
    def last_run_id(self) -> str:
        return run_id_in(self.starts[-1][1]) if self.starts else self.schedule.last_run_id


def first_look(schedule: Schedule, *, now_ms: int) -> Schedule:
    """A new schedule with its first firing; one that never fires has Ended."""
    start_ms = schedule.spec.start_ms()
    after_ms = max(now_ms, schedule.decided_ms, 0 if start_ms is None else start_ms - 1)
    return looking_at(schedule, next(firings(schedule, after_ms=after_ms), 0), now_ms=now_ms)


def decide(schedule: Schedule, *, now_ms: int, is_previous_over: bool) -> Schedule:
    """The next version of an Active, settled schedule that is due. `is_previous_over`: no run of it goes any more."""
    step = _Step(schedule, is_previous_over, now_ms, list(schedule.waiting))
    late, in_time, uncounted, next_ms = _due_firings(schedule, now_ms)
    wanted = _made_up_for(step, late)
    if step.is_free and step.waiting:
        step.start(step.waiting.pop(0))
    for fire_ms in (*wanted, *in_time):
        _meet_overlap(step, fire_ms)
    drafts = [schedule_events.fired(start, fire_ms=fire_ms) for fire_ms, start in step.starts]
    drafts += [
        schedule_events.missed(times, reason=reason, more=uncounted and reason == "Late")
        for reason, times in sorted(step.let_go.items())
    ]
    decided = schedule.next(
        last_run_id=step.last_run_id,
        waiting=tuple(step.waiting),
        starts=tuple(start for _, start in step.starts),
        stops=tuple(step.stops),
        says=schedule_events.said(schedule, drafts, now_ms=now_ms),
        event_seq=schedule.event_seq + len(drafts),
        decided_ms=max((*late, *in_time), default=schedule.decided_ms),
        fired=schedule.fired + len(step.starts),
        missed=schedule.missed + sum(len(times) for times in step.let_go.values()),
    )
    return looking_at(decided, next_ms, now_ms=now_ms)


def by_hand(schedule: Schedule, *, change_id: str, now_ms: int) -> Schedule:
    """The next version with a run started now, beside the schedule's own times."""
    start = Start(f"{schedule.name}@{change_id}"[: limits.REQUEST_ID_CHARS_MAX])
    drafts = [schedule_events.fired(start, fire_ms=now_ms, by_hand=True)]
    return schedule.next(
        last_run_id=run_id_in(start),
        starts=(start,),
        says=schedule_events.said(schedule, drafts, now_ms=now_ms),
        event_seq=schedule.event_seq + len(drafts),
        fired=schedule.fired + 1,
    )


def _due_firings(schedule: Schedule, now_ms: int) -> tuple[list[int], list[int], bool, int]:
    """Late firings, firings in time, whether late ones were left uncounted, and the first firing that is still to come.

    After a long outage the late ones are counted up to a bound, and only the newest that could be made up for are kept.
    """
    if not schedule.next_ms:
        return [], [], False, 0
    spec = schedule.spec
    back_ms = limits.FIRE_GRACE_MS + spec.jitter * 1000
    if spec.missed != "skip":
        back_ms = max(back_ms, spec.missed_window * 1000)
    edge_ms = max(schedule.next_ms, now_ms - back_ms)
    before_edge = _until(firings(schedule, after_ms=schedule.next_ms - 1), edge_ms)
    old = list(islice(before_edge, limits.MISSED_COUNT_MAX + 1))
    late, next_ms = old[: limits.MISSED_COUNT_MAX], 0
    in_time: list[int] = []
    for fire_ms in firings(schedule, after_ms=edge_ms - 1):
        due_ms = fire_ms + jitter_ms(schedule, fire_ms)
        if due_ms > now_ms:
            next_ms = fire_ms
            break
        (late if due_ms + limits.FIRE_GRACE_MS < now_ms else in_time).append(fire_ms)
    return late, in_time, len(old) > limits.MISSED_COUNT_MAX, next_ms


def _until(times: Iterator[int], edge_ms: int) -> Iterator[int]:
    for fire_ms in times:
        if fire_ms >= edge_ms:
            return
        yield fire_ms


def firings(schedule: Schedule, *, after_ms: int) -> Iterator[int]:
    """Firings after that moment, up to the schedule's end."""
    spec = schedule.spec
    end_ms, start_ms = spec.end_ms(), spec.start_ms()
    created_ms = schedule.in_force_ms if start_ms is None else max(schedule.in_force_ms, start_ms)
    for fire in fires(spec.expression(), after_ms=after_ms, created_ms=created_ms):
        if end_ms is not None and fire.at_ms > end_ms:
            return
        yield fire.at_ms


def _made_up_for(step: _Step, late: list[int]) -> list[int]:
    """The late firings that are carried out all the same."""
    spec = step.schedule.spec
    oldest_ms = step.now_ms - spec.missed_window * 1000
    fresh = [fire_ms for fire_ms in late if fire_ms >= oldest_ms]
    count = {"skip": 0, "latest": 1, "all": spec.missed_max}[spec.missed]
    kept = fresh[-count:] if count else []
    for fire_ms in late[: len(late) - len(kept)]:
        step.pass_over(fire_ms, "Late")
    return kept


def _meet_overlap(step: _Step, fire_ms: int) -> None:
    """Starts the firing if the previous run has ended; else as the policy says."""
    policy = step.schedule.spec.overlap
    if step.is_free and not step.waiting:
        step.start(fire_ms)
    elif policy == "skip" or (policy == "queue" and len(step.waiting) >= limits.WAITING_MAX):
        step.pass_over(fire_ms, "Overlap" if policy == "skip" else "QueueFull")
    elif policy == "queue":
        step.waiting.append(fire_ms)
    else:
        for replaced in step.waiting:
            step.pass_over(replaced, "Overlap")
        step.waiting[:] = [fire_ms]
        if step.last_run_id not in step.stops:
            step.stops.append(step.last_run_id)


def looking_at(schedule: Schedule, next_ms: int, *, now_ms: int = 0) -> Schedule:
    """The schedule with its next firing and the time at which to look again."""
    due = [next_ms + jitter_ms(schedule, next_ms)] if next_ms else []
    due += [now_ms + limits.OVERLAP_LOOK_MS] if schedule.waiting else []
    status = schedule.status if due else "Ended"
    return replace(schedule, next_ms=next_ms, due_ms=min(due, default=0), status=status)
