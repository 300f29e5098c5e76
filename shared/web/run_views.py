"""Rows of a run → what the API shows of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from shared.core.days import iso
from shared.core.model import Excluded, Run, Target
from shared.core.schedule import time_of
from shared.core.transitions import ENDS_OF_RUN
from shared.web.views import Links, Refusal, RunView, TargetView


def is_ended(run: Run) -> bool:
    return run.status in ENDS_OF_RUN


def run_view(run: Run) -> RunView:
    command = run.request.command if run.request is not None else None
    here = f"/v1/runs/{run.run_id}"
    return RunView(
        run_id=run.run_id,
        request_id=run.request_id,
        region=run.region,
        status=run.status,
        ended=is_ended(run),
        reason=run.reason,
        refusal=_refusal(run.refusal),
        command_type=(command.type or "") if command is not None else "",
        command_id=run.command_id or ((command.command_id or "") if command is not None else ""),
        repeating=run.is_repeating,
        frequency=_frequency(run),
        next_fire=time_of(run.awaited_ms) if run.awaited_ms else None,
        requested=run.requested,
        included=run.included,
        excluded=run.excluded,
        counts=dict(sorted(run.counts.items())),
        chunks=run.planned_chunks + len(run.extra),
        units_granted=dict(sorted(run.grants.items())),
        units_spent=sum(run.spent.values()),
        deferred_to=run.deferred_to,
        halted=run.halted,
        accepted_at=iso(run.accepted_ms),
        finished_at=_time(run.finished_ms),
        duration_ms=run.finished_ms - run.accepted_ms if run.finished_ms else None,
        due_at=_time(run.due_ms),
        lease_until=_time(run.lease_until_ms),
        attempts=run.attempts,
        events=run.event_seq,
        links=Links(self=here, targets=f"{here}/targets", events=f"{here}/events", stop=f"{here}/stop"),
    )


def _frequency(run: Run) -> str:
    if run.request is None or run.request.schedule is None:
        return ""
    return run.request.schedule.expression().text


def _refusal(told: Mapping[str, str]) -> Refusal | None:
    if not told:
        return None
    return Refusal(code=told.get("code", ""), field=told.get("field", ""), message=told.get("message", ""))


def _time(at_ms: int) -> str | None:
    return iso(at_ms) if at_ms else None


def target_view(target: Target, *, chunk: int, output: str | bytes | None) -> TargetView:
    reason, _, detail = target.error_info.partition(": ") if target.status == "Excluded" else ("", "", "")
    return TargetView(
        instance_id=target.instance_id,
        name=target.name,
        status=target.status,
        ended=bool(target.ended_no),
        exit_code=target.exit_code,
        error_code=target.error_code,
        error_info=target.error_info,
        reason=reason,
        detail=detail,
        dropped=target.dropped,
        repeats=target.repeats,
        start_time=target.start_time,
        finish_time=target.finish_time,
        chunk=chunk,
        **_output(output),
    )


def excluded_view(excluded: Excluded) -> TargetView:
    target = Target(excluded.instance_id, excluded.name, status="Excluded", ended_no=1)
    view = target_view(target, chunk=0, output=None)
    return _with(view, reason=excluded.reason, detail=excluded.detail)


def _with(view: TargetView, **changes: Any) -> TargetView:
    return msgspec.structs.replace(view, **changes)


def _output(output: str | bytes | None) -> dict[str, str | None]:
    """Text where it is text; bytes that are none are kept beside it, unharmed."""
    if not isinstance(output, bytes):
        return {"output": output, "output_base64": None}
    try:
        return {"output": output.decode(), "output_base64": None}
    except UnicodeDecodeError:
        return {"output": output.decode("utf-8", "replace"), "output_base64": base64.b64encode(output).decode()}
