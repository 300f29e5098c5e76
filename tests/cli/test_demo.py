"""`demo`: what is expected of it fits its fleet and its script, and every difference is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cli import demo
from cli.report import Report, Units
from cli.request_text import from_file
from localcloud.fleet import read_fleet, scaled
from shared.core.model import Excluded, Run, Target
from shared.core.preflight import REASONS
from shared.core.requests import InvokeRequest

EVENT = Path("events/demo.json")
EXPECTED = json.loads(demo.expected_path(EVENT).read_text())


def the_request() -> InvokeRequest:
    request = from_file(str(EVENT), request_id=None).request
    assert isinstance(request, InvokeRequest)
    return request


def test_the_fleet_is_as_large_as_the_command_says_and_all_of_it_is_meant() -> None:
    fleet = read_fleet()

    assert fleet.count == demo.INSTANCES == EXPECTED["instances"]
    wanted = the_request().targets.tags or {}
    assert all(wanted.items() <= group.tags.items() for group in fleet.groups)


def test_the_excluded_that_are_expected_are_the_unfit_of_the_fleet() -> None:
    unfit: dict[str, int] = {}
    for group in read_fleet().groups:
        reason = (
            "NotRunning"
            if group.status != "Running"
            else "ClassicNetwork"
            if group.network == "classic"
            else "OsMismatch"
            if group.os != "linux"
            else {"missing": "AgentMissing", "offline": "AgentOffline", "online": ""}[group.agent]
        )
        if reason:
            unfit[reason] = unfit.get(reason, 0) + group.count

    assert unfit == EXPECTED["excludedByReason"]
    assert set(unfit) <= set(REASONS)
    assert sum(unfit.values()) == EXPECTED["counts"]["Excluded"]


def test_the_script_really_ends_on_each_fit_instance_as_expected() -> None:
    script = the_request().command.content
    (group,) = (group for group in read_fleet().groups if group.name.startswith("web-"))
    codes: dict[str, int] = {}
    for number in (1, 7, 10, 17, 70):
        name = group.name_of(number)
        finished = subprocess.run(
            ["sh", "-c", script or ""],
            env={"ECS_INSTANCE_NAME": name, "ECS_INSTANCE_ID": "i-1", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        codes[name] = finished.returncode
        assert finished.stdout.startswith(f"{name} (i-1) has been up for ")

    assert codes == {"web-001": 0, "web-007": 3, "web-010": 0, "web-017": 3, "web-070": 0}
    sevens = sum(1 for number in range(1, group.count + 1) if group.name_of(number).endswith("7"))
    assert EXPECTED["exitCodes"] == {"0": group.count - sevens, "3": sevens}
    assert EXPECTED["counts"] == {"Success": group.count - sevens, "Failed": sevens, "Excluded": 120 - group.count}


def a_report(**changes: object) -> Report:
    """As the demo should end."""
    targets = tuple(
        Target(f"i-{number}", f"web-{number:03}", status="Failed" if fails else "Success", exit_code=3 if fails else 0)
        for number in range(1, 101)
        for fails in [number % 10 == 7]
    )
    reasons = [reason for reason, count in EXPECTED["excludedByReason"].items() for _ in range(count)]
    excluded = tuple(Excluded(f"i-9{number}", "", reason, "") for number, reason in enumerate(reasons))
    fields: dict[str, object] = {
        "status": "PartialFailed",
        "counts": {"Success": 90, "Failed": 10, "Excluded": 20},
        "spent": {"2026-01-05": 2},
    }
    run = Run("run-1", "demo-1", None, "", "cn-hangzhou", 0, **{**fields, **changes})  # type: ignore[arg-type]
    return Report(
        run, excluded, targets, Units("cn-hangzhou", "2026-01-05", 2, 500, "functions", closed=False, by_run={})
    )


def test_a_demo_that_ended_as_expected_differs_in_nothing() -> None:
    assert demo.differences_of(EVENT, a_report(), instances=120) == []


def test_whatever_differs_is_told_with_both_values() -> None:
    found = demo.differences_of(EVENT, a_report(status="Failed", spent={"2026-01-05": 3}), instances=120)

    assert found == [
        'status: expected "PartialFailed", seen "Failed"',
        "units: expected 2, seen 3",
    ]


def test_of_another_fleet_nothing_is_expected_but_that_it_runs() -> None:
    assert demo.differences_of(EVENT, a_report(), instances=50) is None
    assert demo.differences_of(EVENT, a_report(status="Rejected"), instances=50) == ["the run was rejected"]


def test_of_an_event_without_expectation_only_the_end_counts(tmp_path: Path) -> None:
    assert demo.differences_of(tmp_path / "mine.json", a_report(), instances=120) is None


@pytest.mark.parametrize("instances", [1, 7, 50, 121, 5_000])
def test_a_fleet_of_another_size_keeps_its_groups(instances: int) -> None:
    fleet = scaled(read_fleet(), instances)

    assert fleet.count == instances
    known = {group.name: group.count for group in read_fleet().groups}
    assert all(abs(group.count - instances / 120 * known[group.name]) < 1 for group in fleet.groups)
