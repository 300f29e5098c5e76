"""/v1/plans: what a request would do, without doing it."""

from __future__ import annotations

from collections import Counter

from shared.app.preview import PlanPreview, preview_plan
from shared.core import limits
from shared.core.requests import InvokeRequest
from shared.web.bodies import read_invoke
from shared.web.messages import Answer, Call
from shared.web.views import ExcludedView, PlannedChunk, PlanView

CHUNKS_SHOWN = 100
"""Ours."""


def plan(call: Call) -> Answer:
    scope = call.scope
    request = read_invoke(call.body, call.headers, scope.ports.ids)
    call.check(request)
    found = preview_plan(scope.ports, scope.policy, request)
    return Answer(_view(found, request))


def _view(found: PlanPreview, request: InvokeRequest) -> PlanView:
    reasons = Counter(each.reason for each in found.excluded)
    return PlanView(
        region=found.region,
        command_type=found.command_type,
        requested=found.requested,
        included=found.included,
        excluded_by_reason=dict(sorted(reasons.items())),
        excluded=[
            ExcludedView(instance_id=each.instance_id, name=each.name, reason=each.reason, detail=each.detail)
            for each in found.excluded[: limits.EXCLUDED_PER_EVENT]
        ],
        chunks=[PlannedChunk(wave=chunk.wave, targets=len(chunk.targets)) for chunk in found.chunks[:CHUNKS_SHOWN]],
        units=found.units,
        day=found.day,
        units_left=found.units_left,
        units_deferred=found.units_deferred,
        would_reject=_why_not(found, request),
    )


def _why_not(found: PlanPreview, request: InvokeRequest) -> str:
    """As the run's reason would begin."""
    if found.excluded and request.on_unfit == "reject":
        return "UnfitTargets"
    return "QuotaExhausted" if found.units_deferred and request.on_quota_exhausted == "reject" else ""
