"""Fleets: which instances a local cloud starts with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.fleet import BadFleet, read_fleet, scaled


def test_the_demo_fleet_has_a_hundred_fit_instances_of_a_hundred_and_twenty() -> None:
    fleet = read_fleet()

    fit = sum(
        group.count
        for group in fleet.groups
        if (group.status, group.agent, group.network, group.os) == ("Running", "online", "vpc", "linux")
    )
    assert (fit, fleet.count) == (100, 120)
    assert [group.count for group in fleet.groups] == [100, 6, 4, 4, 3, 3]
    assert all(group.tags["env"] == "demo" for group in fleet.groups)


@given(st.integers(0, 100_000))
def test_a_scaled_fleet_has_exactly_as_many_instances_and_keeps_the_shares(instances: int) -> None:
    fleet = scaled(read_fleet(), instances)

    assert fleet.count == instances
    fit = sum(group.count for group in fleet.groups if group.name.startswith("web"))
    assert abs(fit - instances * 100 / 120) <= 1


def test_a_single_instance_is_a_fit_one() -> None:
    fleet = scaled(read_fleet(), 1)

    assert [group.name for group in fleet.groups] == ["web-{number:03}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("groups: [{name: a, cout: 3}]", "cout"),
        ("groups: [{name: a, count: -1}]", "count is -1"),
        ("groups: [{name: a, os: beos}]", "os"),
        ("groups: [{name: 'a-{n}'}]", "only {number}"),
        ("groups: [{name: a, count: 2, ids: [i-1]}]", "ids has 1 entries for a count of 2"),
        ("groups: [{count: 1}]", "name"),
        ("groups: {", "while parsing"),
        ("[]", "object"),
    ],
)
def test_a_bad_fleet_file_is_refused_by_the_name_of_its_field(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "fleet.yml"
    path.write_text(text)

    with pytest.raises(BadFleet) as caught:
        read_fleet(path)

    assert said in str(caught.value)


def test_a_fleet_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFleet, match=r"nowhere\.yml: No such file"):
        read_fleet(tmp_path / "nowhere.yml")
