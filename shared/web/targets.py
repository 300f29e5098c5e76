"""/v1/runs/{runId}/targets: every target of a run and how far it got, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from shared.core.model import Chunk, Excluded, Run, Target
from shared.web.messages import Answer, Call
from shared.web.queries import Place, TargetsQuery, cursor_of, read_cursor
from shared.web.run_views import excluded_view, target_view
from shared.web.runs import find_run
from shared.web.scope import Scope
from shared.web.views import TargetPage, TargetView

CHUNKS_PER_READ = 20
"""Ours: chunk rows read at once; a page seldom needs more."""
OUTPUT_BYTES_MAX = 2_000_000
"""Ours: whole outputs of one answer; as JSON they may be six times as long, and Function Compute takes 32 MB."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A target with its place: (0, index) of the excluded, (chunk, index) of the others."""

    chunk: int
    index: int
    what: Target | Excluded


def list_targets(call: Call) -> Answer:
    scope, query = call.scope, call.query
    assert isinstance(query, TargetsQuery)
    run = find_run(scope, call.names["runId"])
    place = read_cursor(query.cursor, Place) or Place(chunk=0, index=-1)
    after = (place.chunk, place.index)
    wanted = (line for line in _lines(scope, run, after) if _is_wanted(line.what, query))
    shown = list(islice(wanted, query.limit))
    views = _views(scope, run, shown, query.output)
    more = len(views) < len(shown) or next(wanted, None) is not None
    last = shown[len(views) - 1] if views and more else None
    return Answer(
        TargetPage(run_id=run.run_id, targets=views, next=cursor_of(last.chunk, last.index) if last else None)
    )


def _lines(scope: Scope, run: Run, after: tuple[int, int]) -> Iterator[_Line]:
    """Those above `after`, the excluded of the plan first."""
    if after[0] == 0:
        excluded = scope.runs.read_excluded(run)
        for index in range(after[1] + 1, len(excluded)):
            yield _Line(0, index, excluded[index])
    for chunk in _chunks(scope, run, from_number=after[0]):
        first = after[1] + 1 if chunk.number == after[0] else 0
        for index in range(first, len(chunk.targets)):
            yield _Line(chunk.number, index, chunk.targets[index])


def _chunks(scope: Scope, run: Run, *, from_number: int) -> Iterator[Chunk]:
    numbers = [number for number in (*range(1, run.planned_chunks + 1), *sorted(run.extra)) if number >= from_number]
    for start in range(0, len(numbers), CHUNKS_PER_READ):
        yield from scope.ports.runs.read_chunks(run.run_id, numbers[start : start + CHUNKS_PER_READ])


def _is_wanted(what: Target | Excluded, query: TargetsQuery) -> bool:
    status = what.status if isinstance(what, Target) else "Excluded"
    return (query.status is None or status in query.status) and (
        query.instance_id is None or what.instance_id in query.instance_id
    )


def _views(scope: Scope, run: Run, lines: list[_Line], output: str) -> list[TargetView]:
    """As many as fit into an answer, one at least."""
    outputs: dict[int, dict[int, bytes]] = {}
    views: list[TargetView] = []
    size = 0
    for line in lines:
        if isinstance(line.what, Excluded):
            views.append(excluded_view(line.what))
            continue
        if output == "full" and line.chunk not in outputs:
            outputs[line.chunk] = scope.runs.read_outputs(run.run_id, line.chunk)
        told = _output(line.what, outputs.get(line.chunk, {}), line, output)
        size += len(told or "")
        if views and size > OUTPUT_BYTES_MAX:
            break
        views.append(target_view(line.what, chunk=line.chunk, output=told))
    return views


def _output(target: Target, whole: dict[int, bytes], line: _Line, wanted: str) -> str | bytes | None:
    if wanted == "none":
        return None
    return whole.get(line.index) if wanted == "full" else target.output_head
