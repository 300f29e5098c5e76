"""/v1/runs: start, list, show, stop, sync."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.app.accept import start_run
from shared.app.ask_stop import ask_to_stop, no_run
from shared.app.sync import sync_run
from shared.core import limits
from shared.core.days import day_of
from shared.core.errors import Refused, Unavailable
from shared.core.model import Run, run_id_of
from shared.core.requests import ScheduleRequest, StopRequest
from shared.web.bodies import ChangeBody, StopBody, key_of, read, read_invoke
from shared.web.messages import Answer, Call
from shared.web.queries import RunsQuery, WaitQuery, check_day, cursor_of, read_cursor, read_day_cursor
from shared.web.run_views import is_ended, run_view
from shared.web.scope import Scope
from shared.web.views import DamagedRunView, RunPage


def start(call: Call) -> Answer:
    """The run's row is there before this answers; its first step is left to advance_runs."""
    scope, query = call.scope, call.query
    assert isinstance(query, WaitQuery)
    request = read_invoke(call.body, call.headers, scope.ports.ids)
    if request.schedule is not None and request.schedule.by == "fleetrun":
        raise Refused(
            'schedule.by is "fleetrun": that makes a schedule, not a run; send it to POST /v1/schedules',
            code="BadRequest",
            field="schedule.by",
        )
    allowed = call.admit(request)
    answer = start_run(scope.ports, scope.policy, request, allowed=allowed)
    run = wait_for_end(scope, run_id_of(request.request_id), query.wait)
    view = run_view(run)
    headers = {"Location": f"runs/{view.run_id}", "Idempotent-Replayed": "true" if answer == "repeated" else "false"}
    return Answer(view, 200 if view.ended else 202, headers)


def show(call: Call) -> Answer:
    assert isinstance(call.query, WaitQuery)
    return Answer(run_view(wait_for_end(call.scope, call.names["runId"], call.query.wait)))


def wait_for_end(scope: Scope, run_id: str, seconds: int) -> Run:
    """The run, once it has ended or `seconds` have passed. Raises Refused when there is none."""
    found = [find_run(scope, run_id)]

    def is_over() -> bool:
        found.append(find_run(scope, run_id))
        return is_ended(found[-1])

    if seconds and not is_ended(found[-1]):
        scope.wait(seconds, is_over, first_ms=limits.WAIT_POLL_MS_FIRST, most_ms=limits.WAIT_POLL_MS_MAX)
    return found[-1]


def find_run(scope: Scope, run_id: str) -> Run:
    run = scope.ports.runs.read_run(run_id)
    if run is None:
        raise no_run(run_id)
    return run


def stop(call: Call) -> Answer:
    """A run that has ended is answered with its outcome."""
    scope = call.scope
    body = read(call.body, StopBody, may_be_empty=True)
    key = key_of(body.request_id, call.headers, scope.ports.ids)
    request = StopRequest(request_id=key, run_id=call.names["runId"], instance_ids=body.instance_ids)
    call.admit(request)
    ask_to_stop(scope.ports, request)
    run = wait_for_end(scope, request.run_id, call.query.wait)
    return Answer(run_view(run), 200 if is_ended(run) else 202)


def sync(call: Call) -> Answer:
    """Brings a cloud schedule in line with what its selection finds today."""
    scope = call.scope
    body = read(call.body, ChangeBody, may_be_empty=True)
    key = key_of(body.request_id, call.headers, scope.ports.ids)
    run = find_run(scope, call.names["runId"])
    request = ScheduleRequest(request_id=key, schedule=run.run_id, action="sync")
    call.admit(request)
    sync_run(scope.ports, scope.policy, request)
    return Answer(run_view(find_run(scope, run.run_id)))


_OF_ROW = ("RowDamaged", "RowSchema")
"""Codes of a row that cannot be read, however often it is."""


@dataclass(frozen=True, slots=True)
class _Line:
    """Of a list of runs."""

    run_id: str
    cursor: str
    """Of what comes behind it."""
    day: str | None
    run: Run | None
    """None: it cannot be read, or is not there (yet)."""


def list_runs(call: Call) -> Answer:
    query = call.query
    assert isinstance(query, RunsQuery)
    lines = _unfinished(call.scope, query) if query.unfinished else _recent(call.scope, query)
    shown: list[Run] = []
    damaged: list[DamagedRunView] = []
    following = None
    for looked_at, line in enumerate(lines, start=1):
        if line.run is None:
            damaged += _damaged(call.scope, line, query)
        elif _is_wanted(line.run, query):
            shown.append(line.run)
        if len(shown) + len(damaged) == query.limit or looked_at >= limits.RUNS_LOOKED_AT_MAX:
            following = line.cursor
            break
    return Answer(RunPage(runs=[run_view(run) for run in shown], damaged=damaged, next=following))


def _damaged(scope: Scope, line: _Line, query: RunsQuery) -> list[DamagedRunView]:
    """Of a run that was not found among the others. Raises Unavailable when nothing can be read."""
    if query.request_id is not None and line.run_id != run_id_of(query.request_id):
        return []
    try:
        scope.ports.runs.read_run(line.run_id)
    except Unavailable as error:
        if error.code not in _OF_ROW:
            raise
        return [DamagedRunView(run_id=line.run_id, day=line.day, code=error.code, reason=error.message)]
    return []


def _is_wanted(run: Run, query: RunsQuery) -> bool:
    return (
        (query.status is None or run.status in query.status)
        and (query.request_id is None or run.request_id == query.request_id)
        and not (query.unfinished and is_ended(run))
    )


def _unfinished(scope: Scope, query: RunsQuery) -> Iterator[_Line]:
    after = (read_cursor(query.cursor, tuple[str]) or ("",))[0]
    while page := scope.ports.runs.unfinished(after=after, limit=limits.RECENT_PER_PAGE_MAX):
        heads = scope.ports.runs.read_runs(page)
        for after in page:
            yield _Line(after, cursor_of(after), None, heads.get(after))


def _recent(scope: Scope, query: RunsQuery) -> Iterator[_Line]:
    """By day and time, newest first, back to DAYS_BACK_MAX days before today; each with the cursor behind it."""
    today = day_of(scope.ports.clock.now_ms())
    day, after = read_day_cursor(query.cursor) or (check_day(query.day) or today, "")
    for each in _days_back(min(day, today), today):
        while page := scope.runs.recent(each, after=after, limit=limits.RECENT_PER_PAGE_MAX):
            heads = scope.ports.runs.read_runs([line.run_id for line in page])
            for line in page:
                yield _Line(line.run_id, cursor_of(each, line.position), each, heads.get(line.run_id))
            after = page[-1].position
        after = ""


def _days_back(day: str, today: str) -> Iterator[str]:
    first = datetime.strptime(day, "%Y-%m-%d")  # noqa: DTZ007  a day, not a moment
    last = datetime.strptime(today, "%Y-%m-%d") - timedelta(days=limits.DAYS_BACK_MAX)  # noqa: DTZ007
    while first >= last:
        yield first.strftime("%Y-%m-%d")
        first -= timedelta(days=1)
