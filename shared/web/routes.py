"""The table of routes. OpenAPI document, Flask's map, the matrix of who may do what and the client derive from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.core import limits
from shared.core.requests import InvokeRequest
from shared.web import commands, events, fleet, hooks, keys, plans, queries, runs, schedules, targets, views
from shared.web.bodies import ChangeBody, CommandBody, PreviewBody, StopBody
from shared.web.messages import EVENT_STREAM, JSON, Answer, Call


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    """With {names}."""
    action: str
    """A word of core.access.ACTIONS; "" = open to everybody."""
    handler: Callable[[Call], Answer]
    summary: str
    answers: Mapping[int, Any]
    """Type of the answer by status; None = no body. Problems come beside them."""
    query: type[Any] = queries.Query
    body: type[Any] | None = None
    is_body_optional: bool = False
    body_bytes_max: int = limits.SMALL_BODY_BYTES_MAX
    types: tuple[str, ...] = (JSON,)
    """Media types of the answer, the first by default."""
    problems: tuple[int, ...] = field(default=())
    """Statuses of its problems beside those that every route has."""

    @property
    def name(self) -> str:
        """Unique: `POST /v1/runs`."""
        return f"{self.method} {self.path}"


def openapi(_: Call) -> Answer:
    from shared.web.openapi import document

    return Answer(document())


NAMES: Mapping[str, str] = {
    "runId": r"^(run|rej)-[0-9a-f]{20}$",
    "scheduleId": r"^sch-[0-9a-f]{20}$",
    "commandId": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
    "keyId": r"^[0-9a-f]{12}$",
    "hookName": r"^[a-z0-9][a-z0-9_-]{0,63}$",
    "subscriptionName": r"^[a-z0-9][a-z0-9_-]{0,63}$",
}
"""What each {name} of a path looks like; what looks otherwise names nothing."""

_RUN, _SCHEDULE, _COMMAND = "/v1/runs/{runId}", "/v1/schedules/{scheduleId}", "/v1/commands/{commandId}"
_HOOK, _SUBSCRIPTION = "/v1/hooks/{hookName}", "/v1/subscriptions/{subscriptionName}"
_BIG = limits.REQUEST_BYTES_MAX


def _schedule_change(method: str, path: str, action: schedules.Action, summary: str) -> Route:
    return Route(
        method,
        path,
        "schedules.write",
        schedules.change(action),
        summary,
        {200: views.ChangeView},
        body=ChangeBody,
        is_body_optional=True,
        problems=(404, 409, 422),
    )


ROUTES: tuple[Route, ...] = (
    Route("GET", "/healthz", "", fleet.health, "Whether the API answers", {200: views.Health}),
    Route("GET", "/v1/openapi.json", "", openapi, "This document", {200: dict[str, Any]}),
    Route(
        "POST",
        "/v1/runs",
        "runs.start",
        runs.start,
        "Start a run; durable before the answer",
        {200: views.RunView, 202: views.RunView},
        query=queries.WaitQuery,
        body=InvokeRequest,
        body_bytes_max=_BIG,
        problems=(409, 422),
    ),
    Route(
        "GET",
        "/v1/runs",
        "runs.read",
        runs.list_runs,
        "Runs, newest first",
        {200: views.RunPage},
        query=queries.RunsQuery,
    ),
    Route(
        "GET",
        _RUN,
        "runs.read",
        runs.show,
        "One run, at once or at its end",
        {200: views.RunView, 304: None},
        query=queries.WaitQuery,
        problems=(404,),
    ),
    Route(
        "GET",
        f"{_RUN}/targets",
        "runs.read",
        targets.list_targets,
        "The run's targets, their ends and outputs",
        {200: views.TargetPage},
        query=queries.TargetsQuery,
        problems=(404,),
    ),
    Route(
        "GET",
        f"{_RUN}/events",
        "events.read",
        events.list_events,
        "The run's events, again or as they come",
        {200: views.EventPage, 204: None},
        query=queries.EventsQuery,
        types=(JSON, EVENT_STREAM),
        problems=(404,),
    ),
    Route(
        "POST",
        f"{_RUN}/stop",
        "runs.stop",
        runs.stop,
        "Stop a run, or some of its targets",
        {200: views.RunView, 202: views.RunView},
        query=queries.WaitQuery,
        body=StopBody,
        is_body_optional=True,
        problems=(404, 409, 422),
    ),
    Route(
        "POST",
        f"{_RUN}/sync",
        "schedules.write",
        runs.sync,
        "Bring a cloud schedule in line with its targets of today",
        {200: views.RunView},
        body=ChangeBody,
        is_body_optional=True,
        problems=(404, 409, 422),
    ),
    Route(
        "POST",
        "/v1/plans",
        "runs.plan",
        plans.plan,
        "What a request would do; nothing is written",
        {200: views.PlanView},
        body=InvokeRequest,
        body_bytes_max=_BIG,
        problems=(404, 422),
    ),
    Route(
        "POST",
        "/v1/schedules",
        "schedules.write",
        schedules.add,
        "Keep a schedule; durable before the answer",
        {200: views.ScheduleView, 201: views.ScheduleView},
        body=InvokeRequest,
        body_bytes_max=_BIG,
        problems=(409, 422),
    ),
    Route(
        "GET",
        "/v1/schedules",
        "schedules.read",
        schedules.list_schedules,
        "The schedules that fleetrun keeps",
        {200: views.SchedulePage},
        query=queries.SchedulesQuery,
    ),
    Route(
        "POST",
        "/v1/previews",
        "schedules.read",
        schedules.show_preview,
        "When an expression fires, and what it costs",
        {200: views.PreviewView},
        body=PreviewBody,
        problems=(422,),
    ),
    Route(
        "GET", _SCHEDULE, "schedules.read", schedules.show, "One schedule", {200: views.ScheduleView}, problems=(404,)
    ),
    _schedule_change("DELETE", _SCHEDULE, "remove", "End a schedule for good; its name stays taken"),
    _schedule_change("POST", f"{_SCHEDULE}/pause", "pause", "Let nothing fire until it is resumed"),
    _schedule_change("POST", f"{_SCHEDULE}/resume", "resume", "Let it fire again"),
    _schedule_change("POST", f"{_SCHEDULE}/fire-now", "fire-now", "Start one run now, beside its own times"),
    Route(
        "GET", "/v1/quota", "quota.read", fleet.quota, "A day's units", {200: views.QuotaView}, query=queries.QuotaQuery
    ),
    Route(
        "GET",
        "/v1/instances",
        "instances.read",
        fleet.instances,
        "Instances, for choosing targets",
        {200: views.InstancePage},
        query=queries.InstancesQuery,
        problems=(422,),
    ),
    Route(
        "GET",
        "/v1/commands",
        "commands.read",
        commands.list_commands,
        "Commands stored in Cloud Assistant",
        {200: views.CommandPage},
        query=queries.CommandsQuery,
        problems=(422,),
    ),
    Route(
        "POST",
        "/v1/commands",
        "commands.write",
        commands.create,
        "Store a command",
        {201: views.CommandView},
        query=queries.RegionQuery,
        body=CommandBody,
        problems=(404, 409, 422),
    ),
    Route(
        "GET",
        _COMMAND,
        "commands.read",
        commands.show,
        "A stored command with its script",
        {200: views.CommandView},
        query=queries.RegionQuery,
        problems=(404, 422),
    ),
    Route(
        "DELETE",
        _COMMAND,
        "commands.write",
        commands.delete,
        "Delete a stored command",
        {204: None},
        query=queries.RegionQuery,
        problems=(403, 404, 422),
    ),
    Route(
        "POST",
        "/v1/keys",
        "keys.write",
        keys.add,
        "Make an API key; it is shown this once",
        {201: keys.NewKeyView},
        body=keys.KeyBody,
        problems=(409, 422),
    ),
    Route("GET", "/v1/keys", "keys.read", keys.list_page, "API keys", {200: keys.KeyPage}, query=keys.PageQuery),
    Route(
        "DELETE",
        "/v1/keys/{keyId}",
        "keys.write",
        keys.revoke,
        "Revoke a key for good",
        {200: keys.KeyView},
        problems=(404, 409),
    ),
    Route(
        "GET",
        "/v1/audit",
        "audit.read",
        keys.audit,
        "Who did what, newest first",
        {200: keys.AuditPage},
        query=keys.AuditQuery,
    ),
    Route("GET", "/v1/hooks", "hooks.read", hooks.list_hooks, "Webhooks in", {200: hooks.HookList}),
    Route(
        "PUT",
        _HOOK,
        "hooks.write",
        hooks.put,
        "Make or replace a webhook in",
        {200: hooks.HookView},
        body=hooks.HookBody,
        body_bytes_max=limits.HOOK_BYTES_MAX,
        problems=(404, 409, 422),
    ),
    Route("DELETE", _HOOK, "hooks.write", hooks.delete, "Take a webhook in away", {204: None}, problems=(404,)),
    Route(
        "POST",
        _HOOK,
        "",
        hooks.take,
        "A webhook, signed by its sender (Standard Webhooks, or GitHub): a run",
        {202: hooks.TakenView},
        body=hooks.SenderMessage,
        body_bytes_max=limits.HOOK_BYTES_MAX,
        problems=(401, 403, 404, 409, 422, 429, 503),
    ),
    Route(
        "GET",
        "/v1/subscriptions",
        "subscriptions.read",
        hooks.list_subscribers,
        "Webhooks out",
        {200: hooks.SubscriptionList},
    ),
    Route(
        "PUT",
        _SUBSCRIPTION,
        "subscriptions.write",
        hooks.put_subscriber,
        "Push events to an address, signed with a secret that is shown this once",
        {200: hooks.NewSubscriptionView},
        body=hooks.SubscriptionBody,
        problems=(404, 409, 422),
    ),
    Route(
        "DELETE",
        _SUBSCRIPTION,
        "subscriptions.write",
        hooks.delete_subscriber,
        "Push no more to it",
        {204: None},
        problems=(404,),
    ),
)
