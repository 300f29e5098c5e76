"""What the template's roles may do to the tables of access: nobody changes the trail, and few read keys."""

from __future__ import annotations

from collections import defaultdict

import pytest
import yaml

from tests.architecture.source import ROOT

CHANGES = {"ots:UpdateRow", "ots:DeleteRow", "ots:BatchWriteRow"}


def actions_by_table() -> dict[str, dict[str, set[str]]]:
    """Role → table → actions."""
    template = yaml.safe_load((ROOT / "template.yml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for resource in template["Resources"].values():
        if resource["Type"] != "ALIYUN::RAM::Role":
            continue
        properties = resource["Properties"]
        for policy in properties["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                for where in statement["Resource"]:
                    text = where if isinstance(where, str) else where["Fn::Sub"]
                    if ":ots:" in text:
                        found[properties["RoleName"]][text.rpartition("/")[2]] |= set(statement["Action"])
    return found


def test_no_role_may_change_or_delete_a_line_of_the_trail() -> None:
    roles = actions_by_table()

    allowed = {role: tables["audit"] for role, tables in roles.items() if "audit" in tables}

    assert set(allowed) == {"fleetrun-runs", "fleetrun-serve"}
    assert all("ots:PutRow" in actions for actions in allowed.values())
    assert {action for actions in allowed.values() for action in actions} & CHANGES == set()


@pytest.mark.parametrize(
    ("table", "readers", "writers"),
    [
        ("api_keys", {"fleetrun-runs", "fleetrun-serve"}, {"fleetrun-serve"}),
        ("hooks", {"fleetrun-serve"}, {"fleetrun-serve"}),
        ("subscriptions", {"fleetrun-serve", "fleetrun-push"}, {"fleetrun-serve", "fleetrun-push"}),
        ("usage", {"fleetrun-runs", "fleetrun-serve"}, {"fleetrun-runs", "fleetrun-serve"}),
    ],
)
def test_a_table_of_access_is_open_to_those_who_need_it(table: str, readers: set[str], writers: set[str]) -> None:
    roles = {role: tables[table] for role, tables in actions_by_table().items() if table in tables}

    assert set(roles) == readers
    assert {role for role, actions in roles.items() if actions & {*CHANGES, "ots:PutRow"}} == writers


def test_the_pusher_which_speaks_to_strangers_may_do_next_to_nothing() -> None:
    tables = actions_by_table()["fleetrun-push"]

    assert {name: sorted(actions) for name, actions in tables.items()} == {
        "runs": ["ots:GetRange"],
        "subscriptions": ["ots:GetRange", "ots:GetRow", "ots:UpdateRow"],
    }


def queues_by_role() -> dict[str, set[str]]:
    template = yaml.safe_load((ROOT / "template.yml").read_text(encoding="utf-8"))
    found: dict[str, set[str]] = defaultdict(set)
    for resource in template["Resources"].values():
        if resource["Type"] != "ALIYUN::RAM::Role":
            continue
        for policy in resource["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                if "mns:SendMessage" in statement["Action"]:
                    texts = [where["Fn::Sub"] for where in statement["Resource"]]
                    found[resource["Properties"]["RoleName"]] |= {text.split("/")[-2] for text in texts}
    return found


@pytest.mark.parametrize("role", ["fleetrun-runs", "fleetrun-fire", "fleetrun-push"])
def test_who_puts_messages_aside_may_send_dead_letters(role: str) -> None:
    assert "fleetrun-dead-letters" in queues_by_role()[role]


@pytest.mark.parametrize("role", ["fleetrun-runs", "fleetrun-serve"])
def test_who_plans_or_syncs_may_count_its_units_in_the_callers_day(role: str) -> None:
    assert {"ots:GetRow", "ots:UpdateRow"} <= actions_by_table()[role]["usage"]
