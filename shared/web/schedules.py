"""/v1/schedules: the schedules that fleetrun keeps. A cloud schedule is a run: POST /v1/runs makes one.

/v1/previews stands beside them: below /v1/schedules/ it would be taken for the id of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Literal

import msgspec

from shared.app.schedule_add import add_schedule
from shared.app.schedule_change import change_schedule, find_schedule
from shared.core.access import check_ownership
from shared.core.cron import ZONE_DEFAULT
from shared.core.cron_preview import preview
from shared.core.cron_times import fires
from shared.core.cron_words import words_of
from shared.core.errors import Refused
from shared.core.model import run_id_of
from shared.core.requests import InvokeRequest, ScheduleRequest
from shared.core.schedule import Schedule, schedule_id_of, time_of
from shared.web.bodies import ChangeBody, PreviewBody, key_of, read, read_invoke, read_replacement
from shared.web.messages import Answer, Call
from shared.web.queries import SchedulesQuery, cursor_of, read_cursor
from shared.web.scope import Scope
from shared.web.views import ChangeView, FireView, PreviewView, SchedulePage, ScheduleView

FIRES_SHOWN = 5
Action = Literal["pause", "resume", "remove", "fire-now"]
_REVISION_TAG = re.compile(r'(?<!W/)"([1-9][0-9]{0,15})"')


def add(call: Call) -> Answer:
    """The schedule's row is there before this answers."""
    scope = call.scope
    request = read_invoke(call.body, call.headers, scope.ports.ids)
    _check_kept(request)
    allowed = call.admit(request)
    answer = add_schedule(scope.ports, scope.policy, request, allowed=allowed)
    view = _view(scope, _find(scope, schedule_id_of(request.request_id)))
    if view.status == "Removed":
        raise Refused(
            f"requestId {view.name!r}: this very request made a schedule that was removed, and may be a late "
            f"repetition; PUT /v1/schedules/{view.schedule_id} begins it anew",
            code="ScheduleOver",
            field="requestId",
        )
    headers = {
        **_tag(view),
        "Location": f"schedules/{view.schedule_id}",
        "Idempotent-Replayed": "true" if answer == "repeated" else "false",
    }
    return Answer(view, 200 if answer == "repeated" else 201, headers)


def show(call: Call) -> Answer:
    view = _view(call.scope, _find(call.scope, call.names["scheduleId"]))
    return Answer(view, 200, _tag(view))


def list_schedules(call: Call) -> Answer:
    query = call.query
    assert isinstance(query, SchedulesQuery)
    after = (read_cursor(query.cursor, tuple[str]) or ("",))[0]
    wanted = (each for each in _all(call.scope, query, after) if each.status in query.status)
    shown = list(islice(wanted, query.limit))
    more = next(wanted, None) is not None
    return Answer(
        SchedulePage(
            schedules=[_view(call.scope, each) for each in shown],
            next=cursor_of(shown[-1].schedule_id) if more else None,
        )
    )


def _all(scope: Scope, query: SchedulesQuery, after: str) -> Iterator[Schedule]:
    store = scope.ports.schedules
    if query.name is not None:
        found = store.read_schedule(schedule_id_of(query.name))
        yield from (each for each in (found,) if each is not None and each.schedule_id > after)
        return
    while page := store.schedules(after=after, limit=100):
        yield from page
        after = page[-1].schedule_id


def change(action: Action) -> Callable[[Call], Answer]:
    """The handler of one kind of change."""

    def handler(call: Call) -> Answer:
        scope = call.scope
        body = read(call.body, ChangeBody, may_be_empty=True)
        key = key_of(body.request_id, call.headers, scope.ports.ids)
        schedule = find_schedule(scope.ports, call.names["scheduleId"])
        request = ScheduleRequest(
            request_id=key,
            schedule=schedule.schedule_id,
            action=action,
            if_revision=_wanted_revision(call, schedule),
        )
        result = _changed(call, request)
        started = run_id_of(f"{schedule.name}@{key}") if action == "fire-now" else None
        view = _view(scope, _find(scope, schedule.schedule_id))
        return Answer(ChangeView(request_id=key, result=result, schedule=view, run_id=started), 200, _tag(view))

    return handler


def replace(call: Call) -> Answer:
    """What the schedule repeats from now on. The whole of it: what the body leaves out has its default."""
    scope = call.scope
    key = key_of(None, call.headers, scope.ports.ids)
    schedule = find_schedule(scope.ports, call.names["scheduleId"])
    new = read_replacement(call.body, schedule.name)
    _check_kept(new)
    request = ScheduleRequest(
        request_id=key,
        schedule=schedule.schedule_id,
        action="update",
        request=new,
        if_revision=_wanted_revision(call, schedule),
    )
    _changed(call, request)
    view = _view(scope, _find(scope, schedule.schedule_id))
    return Answer(view, 200, _tag(view))


def show_request(call: Call) -> Answer:
    """As PUT takes it: with scripts and parameters, so it is for who may change it."""
    schedule = _find(call.scope, call.names["scheduleId"])
    refusal = check_ownership(call.caller, schedule.allowed.caller, field="scheduleId")
    if refusal is not None:
        raise refusal
    shown = _without_nulls(msgspec.to_builtins(schedule.request))
    return Answer(shown, 200, {"ETag": f'"{schedule.revision}"'})


def _without_nulls(value: Any) -> Any:
    """A field that was left out is left out again."""
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return value


def _check_kept(request: InvokeRequest) -> None:
    if request.schedule is None or request.schedule.by != "fleetrun":
        raise Refused(
            'schedule.by must be "fleetrun" here; without a schedule, or with one by "cloud", send it to POST /v1/runs',
            code="BadRequest",
            field="schedule.by",
        )


def _changed(call: Call, request: ScheduleRequest) -> str:
    allowed = call.admit(request)
    try:
        return change_schedule(call.scope.ports, call.scope.policy, request, allowed=allowed)
    except Refused as error:
        if error.code != "RevisionChanged":
            raise
        told = call.headers["if-match"][:80]
        raise Refused(
            f"If-Match is {told}, and the schedule has another ETag by now: look at it again",
            code=error.code,
            field="If-Match",
        ) from None


def _wanted_revision(call: Call, schedule: Schedule) -> int | None:
    """Of the header If-Match; None: whichever there is. Not ours or weak: one that there never is."""
    header = call.headers.get("if-match", "*").strip()
    if header == "*":
        return None
    tags = {int(tag) for tag in _REVISION_TAG.findall(header)}
    return schedule.revision if schedule.revision in tags else min(tags, default=0)


def _tag(view: ScheduleView) -> dict[str, str]:
    return {"ETag": f'"{view.revision}"'}


def show_preview(call: Call) -> Answer:
    body = read(call.body, PreviewBody)
    found = preview(
        body.frequency,
        from_ms=call.scope.ports.clock.now_ms(),
        count=body.count,
        default_zone=ZONE_DEFAULT,
        local=None,
        targets=body.targets,
        per_chunk=call.scope.policy.instances_per_chunk,
        timeout_s=body.timeout,
    )
    return Answer(
        PreviewView(
            expression=found.expression,
            zone=found.zone,
            words=found.words,
            fires_per_day=found.fires_per_day,
            calls_per_fire=found.calls_per_fire,
            units_per_day=found.units_per_day,
            fires=[FireView(utc=each.utc, zone=each.zone, flag=each.flag, note=each.note) for each in found.fires],
        )
    )


def _find(scope: Scope, schedule_id: str) -> Schedule:
    found = scope.ports.schedules.read_schedule(schedule_id)
    if found is None:
        raise Refused(
            f"scheduleId is {schedule_id[:80]!r}: there is none of this id; GET /v1/schedules lists them all",
            code="NoSchedule",
            field="scheduleId",
        )
    return found


def _view(scope: Scope, schedule: Schedule) -> ScheduleView:
    spec = schedule.spec
    return ScheduleView(
        schedule_id=schedule.schedule_id,
        name=schedule.name,
        by="fleetrun",
        status=schedule.status,
        frequency=spec.expression().text,
        words=words_of(spec.expression()),
        region=schedule.region,
        next_fire=time_of(schedule.next_ms) if schedule.next_ms else None,
        next_fires=_next_fires(schedule, now_ms=scope.ports.clock.now_ms()),
        fired=schedule.fired,
        missed=schedule.missed,
        last_run_id=schedule.last_run_id or None,
        waiting=[time_of(fire_ms) for fire_ms in schedule.waiting],
        missed_policy=spec.missed,
        overlap=spec.overlap,
        jitter=spec.jitter,
        start_at=spec.start_at,
        end_at=spec.end_at,
        created_at=time_of(schedule.created_ms),
        revision=schedule.revision,
    )


def _next_fires(schedule: Schedule, *, now_ms: int) -> list[str]:
    """The next few firings after now; none while it does not fire."""
    if schedule.status != "Active" or not schedule.next_ms:
        return []
    end_ms = schedule.spec.end_ms()
    created_ms = max(schedule.in_force_ms, schedule.spec.start_ms() or 0)
    walk = fires(schedule.spec.expression(), after_ms=max(now_ms, schedule.next_ms - 1), created_ms=created_ms)
    return [time_of(fire.at_ms) for fire in islice(walk, FIRES_SHOWN) if end_ms is None or fire.at_ms <= end_ms]
