"""Stage 2: every requested target is included, or excluded with a reason; never both, never neither."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.model import Agent, Instance
from shared.core.preflight import REASONS, needs_agent, preflight

ids = st.sampled_from([f"i-{number}" for number in range(12)])
instances = st.builds(
    Instance,
    instance_id=ids,
    name=st.just("web"),
    status=st.sampled_from(["Running", "Stopped", "Starting"]),
    os_type=st.sampled_from(["linux", "windows"]),
    network_type=st.sampled_from(["vpc", "classic"]),
)
agents = st.builds(Agent, instance_id=ids, online=st.booleans(), version=st.sampled_from(["", "2.2.3.1000"]))
types = st.sampled_from(["RunShellScript", "RunBatScript", "RunPowerShellScript"])


@given(st.lists(ids), st.lists(instances), st.lists(agents), types)
def test_included_and_excluded_make_up_the_requested(
    requested: list[str], found: list[Instance], known: list[Agent], command_type: str
) -> None:
    checked = preflight(
        requested,
        {instance.instance_id: instance for instance in found},
        {agent.instance_id: agent for agent in known},
        command_type=command_type,
    )

    included = [instance.instance_id for instance in checked.included]
    excluded = [each.instance_id for each in checked.excluded]
    assert Counter(included) + Counter(excluded) == Counter(requested)
    assert len(set(included)) == len(included)
    assert {each.reason for each in checked.excluded} <= set(REASONS)


@given(instances, types)
def test_an_agent_is_asked_for_exactly_when_it_decides(instance: Instance, command_type: str) -> None:
    def included(agent: Agent | None) -> int:
        known = {instance.instance_id: agent} if agent else {}
        found = {instance.instance_id: instance}
        return len(preflight([instance.instance_id], found, known, command_type=command_type).included)

    online = Agent(instance.instance_id, online=True, version="2")

    assert needs_agent(instance, command_type=command_type) is (included(online) != included(None))


@pytest.mark.parametrize(
    ("command_type", "os_type", "fits"),
    [
        ("RunShellScript", "linux", True),
        ("RunShellScript", "windows", False),
        ("RunBatScript", "windows", True),
        ("RunBatScript", "linux", False),
        ("RunPowerShellScript", "windows", True),
        ("RunPowerShellScript", "linux", False),
    ],
)
def test_shell_goes_to_linux_and_the_others_to_windows(command_type: str, os_type: str, fits: bool) -> None:
    instance = Instance("i-1", "web", "Running", os_type, "vpc")
    agent = Agent("i-1", online=True, version="2")

    checked = preflight(["i-1"], {"i-1": instance}, {"i-1": agent}, command_type=command_type)

    assert bool(checked.included) is fits


def test_the_detail_says_what_to_do() -> None:
    instance = Instance("i-1", "web", "Stopped", "linux", "vpc")

    (excluded,) = preflight(["i-1"], {"i-1": instance}, {}, command_type="RunShellScript").excluded

    assert excluded.detail == "The instance is Stopped; start it and run the rest again."
