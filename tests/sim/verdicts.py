"""What must be true when everything has settled: each message's fate, each run's events, units and outcomes."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import msgspec

from shared.core.errors import Refused
from shared.core.limits import DELIVERIES_MAX
from shared.core.model import Run, rejection_id_of, run_id_of
from shared.core.rate import bounds_of
from shared.core.requests import InvokeRequest, StopRequest, decode_request, hash_of
from shared.core.transitions import ENDS_OF_RUN, FAILURES, OUTCOMES
from tests.app.memory_ecs import day_of
from tests.sim.platform import REQUESTS
from tests.sim.workload import NO_RUN_ID, Arrival
from tests.sim.world import World

DOUBT = ("die", "zombie", "lost re", "late effect", "torn", "slow", "stall", "function timeout")
"""Troubles after which fleetrun may not know whether a call was made."""
WRITES = ("update_run", "update_chunks", "put_chunks", "put_events", "read_chunks", "close_day")
"""Without these, what a call's answer said may not come to stand in a row; its unit is then spent on a doubt."""
Events = dict[str, list[dict[str, Any]]]


def check_end(world: World) -> None:
    """Raises AssertionError that begins with the invariant's number."""
    events = events_of(world)
    _check_messages(world, events)
    for run_id, run in sorted(world.books.heads.items()):
        check_run(world, run, events[run_id])


def events_of(world: World) -> Events:
    """By run, repeats dropped, in order of their ids."""
    by_id: dict[str, dict[str, Any]] = {}
    for body in world.published:
        event = msgspec.json.decode(body)
        assert by_id.setdefault(event["id"], event) == event, f"4: {event['id']} says two things"
    events: Events = defaultdict(list)
    for key in sorted(by_id):
        events[by_id[key]["subject"]].append(by_id[key])
    return events


def _check_messages(world: World, events: Events) -> None:
    """Invariant 8: each message its run or its rejection, and nothing else."""
    heads = world.books.heads
    wanted = {rejection_id_of(message_id): _must_be_rejected(world, arrival) for arrival, message_id in world.sent}
    rejected = {run_id for run_id in heads if run_id.startswith("rej-")}
    for run_id in sorted(rejected):
        assert run_id in wanted, f"8: {run_id} rejects a message that nobody sent"
        assert wanted[run_id] or _is_poisoned(world, heads[run_id]), f"8: {run_id} rejects a good message"
        assert [event["type"] for event in events[run_id]] == ["fleetrun.run.rejected"], "8: not one rejection"
    unheard = sorted(run_id for run_id, must in wanted.items() if must and run_id not in rejected)
    assert not unheard, f"8: bad messages without a rejection: {unheard}"
    assert len(world.dead_letters) >= len(rejected), "8: a rejection without a dead letter"
    _check_requests(world, rejected)


def _check_requests(world: World, rejected: set[str]) -> None:
    """Each request has its run, unless every one of its messages killed its function too often."""
    expected = {run_id_of(request_id): request_id for request_id in world.workload.run_requests}
    made = {run_id for run_id in world.books.heads if run_id.startswith("run-")}
    assert made <= set(expected), f"8: runs that nobody asked for: {sorted(made - set(expected))}"
    for run_id in sorted(set(expected) - made):
        ids = [message_id for arrival, message_id in world.sent if _request_id(arrival.body) == expected[run_id]]
        alive = [one for one in ids if rejection_id_of(one) not in rejected]
        assert not alive, f"8: the request {expected[run_id]} has no run"


def _is_poisoned(world: World, rejection: Run) -> bool:
    """Put aside because its function died at every delivery; that must have happened so often."""
    fired = world.trouble.fired
    deaths = sum(count for kind, count in fired.items() if kind.startswith(("die", "zombie", "function timeout")))
    return rejection.refusal.get("code") == "Poisoned" and deaths >= DELIVERIES_MAX


def _must_be_rejected(world: World, arrival: Arrival) -> bool:
    """It cannot be read, or its request id belongs to another body that was faster."""
    request_id = _request_id(arrival.body)
    if not request_id:
        return True
    run = world.books.heads.get(run_id_of(request_id))
    return arrival.queue == REQUESTS and run is not None and run.body_hash != _hash(arrival.body)


def _request_id(body: bytes) -> str:
    """Of a good message; "" of a bad one."""
    try:
        request = decode_request(body)
    except Refused:
        return ""
    bad_run = isinstance(request, StopRequest) and request.run_id == NO_RUN_ID
    return "" if bad_run else request.request_id


def _hash(body: bytes) -> str:
    request = decode_request(body)
    return hash_of(request) if isinstance(request, InvokeRequest) else ""


def check_run(world: World, run: Run, events: list[dict[str, Any]]) -> dict[str, str]:
    """Answers what became of each of its instances."""
    assert run.status in ENDS_OF_RUN, f"9: {run.run_id} is {run.status}"
    numbers = [int(event["sequence"]) for event in events]
    assert numbers == list(range(1, run.event_seq + 1)), f"4: {run.run_id} has events {numbers} of {run.event_seq}"
    if run.request is None:
        return {}
    kinds = [event["type"].removeprefix("fleetrun.") for event in events]
    assert kinds.count("run.finished") == 1, f"4: {run.run_id} finished {kinds}"
    assert kinds[-1] == "run.finished", f"4: {kinds}"
    assert kinds.count("run.planned") <= 1, f"4: planned twice: {kinds}"
    assert kinds.count("run.stopping") <= 1, f"4: stopped twice: {kinds}"
    ended = _outcomes(run, events)
    _check_truth(world, run, ended)
    _check_units(world, run)
    return ended


def _outcomes(run: Run, events: list[dict[str, Any]]) -> dict[str, str]:
    """Instance → outcome: invariant 3, as the reader of events sees it."""
    ended = [
        (target["instanceId"], target["status"])
        for event in events
        if event["type"] == "fleetrun.targets.finished"
        for target in event["data"]["targets"]
    ]
    doubled = [each for each, count in Counter(each for each, _ in ended).items() if count > 1]
    assert not doubled, f"3: {doubled} ended twice"
    assert len(ended) == run.requested - run.excluded, f"3: {len(ended)} of {run.requested} ended"
    told = Counter(status for _, status in ended)
    told["Excluded"] += run.excluded
    assert +told == Counter(run.counts), f"3: the events say {told}, the run says {run.counts}"
    assert set(run.counts) <= OUTCOMES, f"3: {run.counts}"
    return dict(ended)


def _check_truth(world: World, run: Run, ended: dict[str, str]) -> None:
    """What the events say happened on an instance is what did; and invariant 6 once more, over the outcomes."""
    ran = world.ecs.ran(run.run_id)
    for one, status in ended.items():
        if status in ("NotStarted", "Excluded"):
            assert one not in ran, f"3: {one} is {status} and ran"
        elif status != "Unknown":
            assert one in ran, f"3: {one} is {status} and never ran"
    assert ran <= set(ended), f"3: {sorted(ran - set(ended))} ran and nobody says so"
    assert run.request is not None
    bounds = bounds_of(run.request.rate_control, included=run.included)
    failed = sum(1 for status in ended.values() if status in FAILURES)
    if bounds.failures_max is not None:
        assert failed <= bounds.failures_max + 1, f"6: {failed} failed, the bound is {bounds.failures_max}"


def _check_units(world: World, run: Run) -> None:
    """Where no call was in doubt, units spent are calls made; what was not spent has gone back."""
    made, spent = world.ecs.calls_of(run.run_id), sum(run.spent.values())
    fired = world.trouble.fired
    assert spent >= made, f"1: {made} calls, {spent} units spent"
    if any(kind.startswith(DOUBT) or kind.endswith(WRITES) for kind in fired):
        return
    assert spent == made, f"1: {spent} units spent on {made} calls"
    day = day_of(run.finished_ms)  # of a day that is over nothing is given back
    held = world.stores.held(day).get(run.run_id, 0)
    excused = fired or world.stores.is_closed(day)
    assert excused or held == run.spent.get(day, 0), f"1: {held} units kept on {day}, {run.spent} spent"
