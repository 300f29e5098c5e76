"""Who may do what: grants, roles and bounds, as rules."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.access import (
    ACTIONS,
    QUEUE,
    ROLES,
    Allowed,
    Caller,
    Grant,
    allowed_of,
    check_ownership,
    check_request,
    check_targets,
    may,
)
from shared.core.requests import InvokeRequest, Request, decode_request
from tests.app.access_cases import caller_of, invoke_body

REGION = "cn-hangzhou"


def request_of(**changes: Any) -> InvokeRequest:
    request = decode_request(invoke_body(**changes))
    assert isinstance(request, InvokeRequest)
    return request


def refused_field(grant: Grant, request: Request, **names: Any) -> str:
    """ "" = allowed."""
    refusal = check_request(caller_of(grant), request, region=REGION, **names)
    assert refusal is None or refusal.code == "Forbidden"
    return "" if refusal is None else refusal.field


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_a_higher_role_may_all_that_a_lower_one_may(action: str) -> None:
    allowed = [may(Caller("k", role, Grant(name="g", role=role), via="key"), action) for role in ROLES]

    assert allowed == sorted(allowed)
    assert allowed[-1]


def test_viewers_change_nothing_and_operators_give_no_keys() -> None:
    of = {role: {a for a in ACTIONS if may(caller_of(Grant(name="g", role=role)), a)} for role in ROLES}

    assert all(action.endswith(".read") for action in of["viewer"])
    assert "audit.read" not in of["viewer"]
    assert not {"keys.write", "hooks.write", "subscriptions.write", "audit.read", "commands.write"} & of["operator"]
    assert of["admin"] == set(ACTIONS)


def test_an_action_that_nobody_gave_a_role_is_a_mistake_and_no_permission() -> None:
    with pytest.raises(AssertionError, match="no action"):
        may(caller_of(Grant(name="g", role="admin")), "runs.explode")


@pytest.mark.parametrize(
    ("bounds", "request_changes", "field"),
    [
        ({"role": "viewer"}, {}, "$"),
        ({"inline_scripts": False}, {}, "command.content"),
        ({"commands": ("c-1",)}, {"command": {"commandId": "c-2"}}, "command.commandId"),
        ({"commands": ()}, {"command": {"commandId": "c-2"}}, "command.commandId"),
        ({"commands": ("c-1",)}, {"command": {"commandId": "c-1"}}, ""),
        ({"commands": ("c-1",)}, {}, ""),
        ({"regions": ("cn-beijing",)}, {}, "region"),
        ({"regions": ("cn-beijing",)}, {"region": "cn-shanghai"}, "region"),
        ({"regions": ("cn-beijing",)}, {"region": "cn-beijing"}, ""),
        ({"regions": ("cn-hangzhou",)}, {}, ""),
        ({"regions": ()}, {}, "region"),
        ({"targets_max": 1}, {}, "targets.instanceIds"),
        ({"targets_max": 2}, {}, ""),
        ({"targets_max": 1}, {"targets": {"instanceIds": ["i-1", "i-1"]}}, ""),
        ({"tags": {"env": "prod"}}, {"targets": {"name": "web-*"}}, "targets.tags"),
        ({"tags": {"env": "prod"}}, {"targets": {"tags": {"env": "dev"}}}, "targets.tags"),
        ({"tags": {"env": "prod"}}, {"targets": {"tags": {"env": ""}}}, "targets.tags"),
        ({"tags": {"env": "prod", "team": "a"}}, {"targets": {"tags": {"env": "prod"}}}, "targets.tags"),
        ({"tags": {"env": "prod"}}, {"targets": {"tags": {"env": "prod", "role": "db"}}}, ""),
        ({"units_per_day": 1}, {}, ""),
    ],
)
def test_a_request_beyond_a_bound_is_refused_with_its_field(
    bounds: dict[str, Any], request_changes: dict[str, Any], field: str
) -> None:
    assert refused_field(Grant(name="g", **bounds), request_of(**request_changes)) == field


def test_a_command_may_be_allowed_by_its_name() -> None:
    grant = Grant(name="g", commands=("restart-web",))
    request = request_of(command={"commandId": "c-7"})

    assert refused_field(grant, request, command_names={"c-7": "restart-web"}) == ""
    assert refused_field(grant, request, command_names={"c-7": "drop-tables"}) == "command.commandId"
    assert refused_field(grant, request, command_names={"c-8": "restart-web"}) == "command.commandId"


def test_a_schedule_needs_what_its_runs_need() -> None:
    request = request_of(schedule={"frequency": "0 0 3 * * ?", "by": "fleetrun"})

    assert refused_field(Grant(name="g", inline_scripts=False), request) == "command.content"
    assert refused_field(Grant(name="g", role="viewer"), request) == "$"


tags = st.dictionaries(st.sampled_from(["env", "team"]), st.sampled_from(["a", "b"]), min_size=1)
grants = st.builds(
    Grant,
    name=st.just("g"),
    role=st.just("operator"),
    commands=st.none() | st.lists(st.sampled_from(["c-1", "c-2"])).map(tuple),
    inline_scripts=st.booleans(),
    tags=st.none() | tags,
    regions=st.none() | st.lists(st.sampled_from(["cn-hangzhou", "cn-beijing"])).map(tuple),
    targets_max=st.none() | st.integers(1, 4),
    units_per_day=st.none() | st.integers(1, 4),
)
requests = st.builds(
    lambda command, targets, region: request_of(command=command, targets=targets, region=region),
    st.sampled_from([{"commandId": "c-1"}, {"commandId": "c-2"}, {"type": "RunShellScript", "content": "x"}]),
    st.lists(st.sampled_from(["i-1", "i-2", "i-3"]), min_size=1).map(lambda ids: {"instanceIds": ids})
    | tags.map(lambda wanted: {"tags": wanted}),
    st.sampled_from(["", "cn-hangzhou", "cn-beijing"]),
)


@given(grants, requests)
def test_what_a_grant_allows_lies_within_each_of_its_bounds(grant: Grant, request: InvokeRequest) -> None:
    """Against a second, plain reading of the rules."""
    command, targets = request.command, request.targets
    within = (
        (grant.regions is None or (request.region or REGION) in grant.regions)
        and (grant.inline_scripts if command.content is not None else True)
        and (command.command_id is None or grant.commands is None or command.command_id in grant.commands)
        and (targets.instance_ids is None or len(set(targets.instance_ids)) <= (grant.targets_max or 99))
        and (targets.instance_ids is not None or (grant.tags or {}).items() <= (targets.tags or {}).items())
    )

    assert (refused_field(grant, request) == "") is within


@given(grants, grants, requests)
def test_taking_a_bound_away_never_refuses_what_was_allowed(one: Grant, other: Grant, request: InvokeRequest) -> None:
    for bound in ("commands", "inline_scripts", "tags", "regions", "targets_max", "units_per_day"):
        wider = msgspec.structs.replace(one, **{bound: True if bound == "inline_scripts" else None})
        narrower = msgspec.structs.replace(wider, **{bound: getattr(other, bound)})

        if refused_field(narrower, request) == "":
            assert refused_field(wider, request) == ""


@given(st.integers(0, 9), st.integers(0, 5), st.lists(st.sampled_from(["i-1", "i-2"]), unique=True))
def test_planning_refuses_too_many_targets_and_strangers(targets: int, most: int, strangers: list[str]) -> None:
    refusal = check_targets(Allowed("k", {"env": "a"}, most, 0), targets=targets, strangers=tuple(strangers))

    assert (refusal is None) is ((not most or targets <= most) and not strangers)


def test_who_has_bounds_changes_its_own_and_who_has_none_everything() -> None:
    bounded, free = caller_of(Grant(name="g", regions=("cn-hangzhou",))), caller_of(Grant(name="g"))

    assert check_ownership(bounded, bounded.name, field="runId") is None
    assert check_ownership(bounded, "somebody", field="runId") is not None
    assert check_ownership(bounded, "", field="runId") is not None
    assert check_ownership(free, "somebody", field="runId") is None


def test_what_travels_with_a_run_is_what_planning_needs() -> None:
    grant = Grant(name="g", tags={"env": "a"}, targets_max=3, units_per_day=2)

    assert allowed_of(caller_of(grant, name="k")) == Allowed("k", {"env": "a"}, 3, 2)
    assert allowed_of(Caller("queue", "operator", QUEUE, via="queue")) == Allowed("queue")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "G"}, "name"),
        ({"name": "g", "role": "admin", "targetsMax": 1}, "role"),
        ({"name": "g", "role": "admin", "inlineScripts": False}, "role"),
        ({"name": "g", "targetsMax": 0}, "targetsMax"),
        ({"name": "g", "unitsPerDay": 100_001}, "unitsPerDay"),
        ({"name": "g", "tags": {}}, "tags"),
        ({"name": "g", "regions": ["Beijing"]}, "regions[0]"),
        ({"name": "g", "commands": ["c"] * 51}, "commands"),
        ({"name": "g", "targets": 1}, "targets"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(msgspec.json.encode(wrong), type=Grant)

    assert field in str(caught.value)
