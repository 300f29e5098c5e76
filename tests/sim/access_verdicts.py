"""What access, webhooks and poison promise, and one seed that is held to it.

10. Nobody comes in who should not: what a grant, a signature or a revoked key forbids makes no run, stops none, reaches
    no ECS, and stands in the trail; no run is written before its line. Who may come in does, once.
11. A caller's day: no charge of a plan goes above unitsPerDay, none is made twice, and no call goes uncounted. What is
    recut is counted beyond the limit, too, and a run that is planned again after midnight once more: never too little.
12. Webhooks: each event on the topic reaches each subscriber of its type at least once, signed, or is a dead letter.
13. Poison: a message that kills its function, at once or by hanging until the timeout, does so DELIVERIES_MAX times in
    a row at most (deliveries that begin or end at one moment may share a count), and becomes one rejection; or the
    platform has put it aside before. Its neighbours fare as if it were not there.
14. HTTP: an Idempotency-Key has one run, however often its call is repeated, and the run is written before the answer.
    Of two bodies under one key one has the run, whoever came first; the other is answered 409, and changes nothing.
15. A stop over HTTP leaves one mark before it is answered, however often it is said; a stranger's is refused, and stops
    nothing; one that names instances stops no others.
16. Webhooks in: what a hook's secret signs becomes one run, however often it is delivered and under whatever delivery
    id that is not signed; what it does not sign is answered 401, what its grant forbids 403, both stand in the trail;
    these make no run, and neither does what the hook does not want.
17. Who answers 410 has its subscription ended, and is pushed to only by functions that had begun before; once it has
    subscribed again, each event that is made from then on reaches it as in 12.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from typing import Any

import msgspec

from shared.core.limits import DELIVERIES_MAX
from shared.core.model import Run, rejection_id_of
from tests.sim.access import AccessWorld
from tests.sim.access_callers import Sent
from tests.sim.access_hooks import check_hooks
from tests.sim.access_http import check_clients
from tests.sim.access_stops import check_stoppers
from tests.sim.access_subscribers import check_gone, check_push, is_owed
from tests.sim.checkers import Broken, Checkers, judged
from tests.sim.story import Story, story_of
from tests.sim.trouble import Aim
from tests.sim.verdicts import check_run, events_of

FAULTS_MS = 240_000
DAY_MS = 86_400_000
BOUND_DAYS = 12
UNITS_MAX = 100
"""So many calls all of a world's runs may need; with one unit a day that takes so many days (seed 15015381)."""
_EVENT_ID = re.compile(r"(?:run|rej)-[0-9a-f]+:[0-9]{8}")
OF_THE_DOOR = frozenset({"Unauthorized", "Stale", "Forbidden"})


class AccessCheckers(Checkers):
    """At every moment: the general invariants, and those of access."""

    def __init__(self, world: AccessWorld) -> None:
        super().__init__(world)
        self.access_world = world
        self.charged: dict[tuple[str, str, str], int] = {}
        world.on_charge = judged(self._charge)
        world.host.died = judged(self._died)
        world.on_push = judged(self._pushed)
        world.books.on_head = judged(self._head)

    def _head(self, before: Run | None, after: Run) -> None:
        super()._head(before, after)
        if before is None and after.request is not None:
            lines = self.access_world.lines
            let_in = any(line.subject == after.run_id and line.result == "allowed" for line in lines)
            assert let_in, f"10: {after.run_id} was written, and no line in the trail lets it in"

    def _charge(self, caller: str, day: str, run_id: str, units: int, _limit: int, used: int) -> None:
        self.checks += 1
        key = (caller, day, run_id)
        assert key not in self.charged, f"11: {run_id} was charged twice on {day}"
        self.charged[key] = units
        total = sum(each for (who, when, _), each in self.charged.items() if (who, when) == (caller, day))
        assert used == total, f"11: {used} units used by {caller} on {day}, and {total} were charged"
        if run_id in self.world.books.heads:  # of a plan; what was cut off later counts beyond the limit, too
            granted = self.world.books.heads[run_id].allowed.units_per_day
            assert used <= granted, f"11: {caller} planned {used} units on {day} and may have {granted}"

    def _pushed(self, world: AccessWorld, name: str) -> None:
        self.checks += 1
        check_push(world, name)

    def _died(self, message_id: str) -> None:
        self.checks += 1
        host = self.access_world.host
        deaths, most = host.deaths[message_id], DELIVERIES_MAX + host.slack[message_id]
        assert deaths <= most, f"13: {message_id} has killed {deaths} functions"


def play(seed: int, aim: Aim | None = None) -> Story:
    world = AccessWorld(seed, aim)
    checkers = AccessCheckers(world)
    broken = ""
    try:
        settled = world.play(checkers.step, faults_ms=FAULTS_MS, bound_ms=_bound_ms(world))
        assert settled, f"9: not settled within the bound: {sorted(world.books.open_runs)}"
        check_end(world, checkers)
        checkers.check_units()
    except (AssertionError, Broken) as error:
        broken = str(error) or repr(error)
    return story_of(world, broken=broken, changes=checkers.changes, checks=checkers.checks)


def _bound_ms(world: AccessWorld) -> int:
    return (BOUND_DAYS + UNITS_MAX // world.workload.daily_quota) * DAY_MS


def check_end(world: AccessWorld, checkers: AccessCheckers) -> None:
    """Raises AssertionError that begins with the invariant's number."""
    events = events_of(world)
    outcomes = {run_id: check_run(world, run, events[run_id]) for run_id, run in sorted(world.books.heads.items())}
    for arrival, message_id in world.sent:
        checkers.checks += 1
        _check_message(world, world.by_name[arrival.name], message_id)
    for run_id in sorted({sent.run_id for sent in world.messages}):
        _check_run(world, checkers, run_id)
    _check_pushes(world, events)
    checkers.checks += (
        check_clients(world.clients) + check_stoppers(world, outcomes) + check_hooks(world) + check_gone(world)
    )


def _check_message(world: AccessWorld, sent: Sent, message_id: str) -> None:
    rejection = world.books.heads.get(rejection_id_of(message_id))
    code = None if rejection is None else rejection.refusal.get("code")
    results = {line.result for line in world.lines if line.entry_id == message_id}
    if sent.is_poison:
        aside = code == "Poisoned" or message_id in _handed_over(world)
        assert aside, f"13: {sent.name} kills, and was not put aside: {code}"
        assert world.host.victims[message_id], f"13: {sent.name} was put aside before it did any harm"
        return
    if code == "Poisoned":
        fired = world.trouble.fired
        deaths = sum(fired[kind] for kind in fired if kind.startswith(("die", "zombie", "function timeout", "poison")))
        assert deaths >= DELIVERIES_MAX, f"13: {sent.name} was put aside, and nothing has died"
        return
    if sent.must_be_refused and not (sent.is_late and _has_begun_before(world, sent)):
        assert code in OF_THE_DOOR, f"10: {sent.name} had to be refused: {code}"
        assert results == {"refused"}, f"10: {sent.name} was refused, and the trail says {results}"
    elif sent.must_be_taken:
        assert code is None, f"10: {sent.name} had to be taken: {rejection and rejection.refusal}"
        assert "allowed" in results, f"10: {sent.name} was taken, and the trail says {results}"
    else:
        assert results, f"10: {sent.name} is in no trail"


def _has_begun_before(world: AccessWorld, sent: Sent) -> bool:
    """Let in before its grant was narrowed: the same request may be said again."""
    return not sent.sender.is_revoked and any(
        other is not sent and other.request_id == sent.request_id and not other.must_be_refused
        for other in world.messages
    )


def _check_run(world: AccessWorld, checkers: AccessCheckers, run_id: str) -> None:
    mine = [(sent, _id_of(world, sent)) for sent in world.messages if sent.run_id == run_id]
    asked = [(sent, message_id) for sent, message_id in mine if not sent.is_stop]
    run = world.books.heads.get(run_id)
    if all(sent.must_be_refused or sent.is_poison for sent, _ in asked):
        assert run is None, f"10: {run_id} was refused, and there it is"
        return
    if run is None:
        rejected = all(rejection_id_of(message_id) in world.books.heads for _, message_id in asked)
        assert rejected, f"10: {run_id} has neither its run nor its rejection"
        return
    grant = asked[0][0].sender.grant
    assert run.allowed.caller == asked[0][0].sender.key_id, f"10: {run_id} is of {run.allowed.caller}"
    assert run.halted != "StopRequested", f"10: {run_id} was stopped by a stranger" + str(_taken_stops(mine))
    charged = sum(units for (_, _, whose), units in checkers.charged.items() if whose.startswith(run_id))
    calls = world.ecs.calls_of(run_id)
    if run.status == "Rejected":
        assert calls == 0, f"10: {run_id} was rejected and made {calls} calls"
    elif grant.targets_max is not None:
        assert run.requested <= grant.targets_max, f"10: {run_id} has {run.requested} targets"
    if grant.units_per_day:
        assert charged >= calls, f"11: {run_id} made {calls} calls and was charged {charged}"


def _taken_stops(mine: list[tuple[Sent, str]]) -> list[str]:
    return [sent.name for sent, _ in mine if sent.is_stop]


def _id_of(world: AccessWorld, sent: Sent) -> str:
    return next(message_id for arrival, message_id in world.sent if arrival.name == sent.name)


def _check_pushes(world: AccessWorld, events: dict[str, list[dict[str, Any]]]) -> None:
    given_up = _given_up(world)
    every = {event["id"]: event for each in events.values() for event in each}
    ids = {one: event["type"].removeprefix("fleetrun.") for one, event in every.items()}
    for name, subscriber in world.subscribers.items():
        wanted = {one for one, kind in ids.items() if not subscriber.types or kind in subscriber.types}
        arrived = set(world.arrived[name])
        assert arrived <= wanted, f"12: {name} was told of {sorted(arrived - wanted)}, which it did not ask for"
        lost = sorted(one for one in wanted - arrived if is_owed(subscriber, every[one]) and not given_up[name, one])
        assert not lost, f"12: {name} was never told of {lost}, and no dead letter says so"


def _given_up(world: AccessWorld) -> Counter[tuple[str, str]]:
    """Subscriber and event, by our own dead letters; a message that the platform gave up counts for everybody."""
    found: Counter[tuple[str, str]] = Counter()
    for text in world.dead_letters:
        if text.startswith("{"):
            found.update((name, one) for name in world.subscribers for one in _EVENT_ID.findall(text))
            continue
        letter = msgspec.json.decode(base64.b64decode(text))
        if letter.get("code") == "NotDelivered":
            found[letter["field"], letter["messageId"]] += 1
    return found


def _handed_over(world: AccessWorld) -> set[str]:
    """Messages that the platform has put aside: their batch was not done within its age and its attempts."""
    return {msgspec.json.decode(text)["id"] for text in world.dead_letters if text.startswith("{")}
