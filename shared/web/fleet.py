"""/v1/instances and /v1/quota: what a caller looks at before it chooses targets."""

from __future__ import annotations

from shared.app.preview import units_per_day
from shared.core.days import day_of
from shared.core.model import Agent, Instance
from shared.core.requests import TargetSelection
from shared.web.messages import Answer, Call
from shared.web.queries import InstancesQuery, QuotaQuery, check_day, cursor_of, read_cursor
from shared.web.views import Health, InstancePage, InstanceView, QuotaView


def health(_: Call) -> Answer:
    return Answer(Health(status="ok"))


def quota(call: Call) -> Answer:
    scope, query = call.scope, call.query
    assert isinstance(query, QuotaQuery)
    region = query.region or scope.policy.region
    day = check_day(query.day) or day_of(scope.ports.clock.now_ms())
    found, limit = scope.quota.read_day(region, day), units_per_day(scope.ports, scope.policy, region)
    return Answer(
        QuotaView(
            region=region,
            day=day,
            used=found.used,
            limit=limit,
            left=0 if found.closed else max(0, limit - found.used),
            closed=found.closed,
            by_run=dict(found.by_run),
        )
    )


def instances(call: Call) -> Answer:
    """All that match are asked for each time, and a page of them is shown: ECS has no order to go on in."""
    scope, query = call.scope, call.query
    assert isinstance(query, InstancesQuery)
    region = query.region or scope.policy.region
    found = scope.ports.directory.select(region, _selection(query))
    after = (read_cursor(query.cursor, tuple[str]) or ("",))[0]
    rest = [instance for instance in found if instance.instance_id > after]
    shown = rest[: query.limit]
    agents = scope.ports.directory.agents(region, [each.instance_id for each in shown]) if shown else {}
    return Answer(
        InstancePage(
            region=region,
            instances=[_view(each, agents.get(each.instance_id)) for each in shown],
            total=len(found),
            next=cursor_of(shown[-1].instance_id) if len(rest) > len(shown) else None,
        )
    )


def _selection(query: InstancesQuery) -> TargetSelection:
    tags = dict(pair.split("=", 1) for pair in query.tag or ())
    is_bare = not (tags or query.resource_group_id or query.vpc_id)
    return TargetSelection(
        tags=tags or None,
        name=query.name or ("*" if is_bare else None),
        resource_group_id=query.resource_group_id,
        vpc_id=query.vpc_id,
    )


def _view(instance: Instance, agent: Agent | None) -> InstanceView:
    return InstanceView(
        instance_id=instance.instance_id,
        name=instance.name,
        status=instance.status,
        os_type=instance.os_type,
        network_type=instance.network_type,
        agent_online=agent is not None and agent.online,
        agent_version=agent.version if agent is not None else "",
    )
