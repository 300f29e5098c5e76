"""`doctor` on deployments that are whole, and on ones that lack a part: each is found, with what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tablestore import Row

from cli.diagnosis import addresses, functions, roles
from cli.diagnosis.expected import Expected, expected
from cli.diagnosis.finding import Finding
from cli.queues import DEAD_LETTERS, REQUESTS
from localcloud.http import Response
from shared.adapters.access_rows import TableSubscriptionStore
from shared.adapters.system import SystemClock
from shared.app.sweep import sweep
from shared.core.model import Run
from shared.core.push import SubscriptionRow
from tests.adapters.canned import canned
from tests.adapters.clients import KEYS, table_calls
from tests.app.driving import invoke_request
from tests.app.memory import ManualClock
from tests.cli.command_line import CommandLine
from tests.cli.deployment import QUEUES, Deployment

WANTED: Expected = expected(region="cn-hangzhou", account_id="1234567890123456")
now_ms = SystemClock().now_ms


@pytest.fixture
def whole(deployment: Deployment) -> Deployment:
    """Every queue and table of the template, and a sweep just now."""
    from mns.queue import QueueMeta
    from tablestore import CapacityUnit, ReservedThroughput, TableMeta, TableOptions

    for name, visibility_timeout_s in WANTED.queues.items():
        queue, meta = deployment.account.get_queue(name), QueueMeta(vis_timeout=visibility_timeout_s)
        if name in QUEUES:
            queue.set_attributes(meta)
        else:
            queue.create(meta)
    there = deployment.cloud.sdk.list_table()
    for name, key in WANTED.tables.items():
        if name not in there:
            table = TableMeta(name, list(key))
            deployment.cloud.sdk.create_table(table, TableOptions(), ReservedThroughput(CapacityUnit(0, 0)))
    sweep(deployment.ports, deployment.policy)
    return deployment


def json_of(value: Any, status: int = 200, **headers: str) -> Response:
    given = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Response(status, (("Content-Type", "application/json"), *given), json.dumps(value).encode())


def account_attributes(limit: str) -> Response:
    item = {"AttributeName": "max-axt-invocation-daily", "AttributeValues": {"ValueItem": [{"Value": limit}]}}
    return json_of({"RequestId": "r", "AccountAttributeItems": {"AccountAttributeItem": [item]}})


FUNCTIONS = [
    json_of({"serviceName": "fleetrun"}),
    *(
        json_of(document)
        for name in sorted(WANTED.functions)
        for document in (
            {"functionName": name, "runtime": "python3.10", "timeout": 60},
            {"triggers": [{"triggerName": trigger} for trigger in WANTED.functions[name]]},
        )
    ),
]
"""As the API answers for each function of the template, in the order in which doctor asks."""


@pytest.fixture
def doctor(fleetrun: CommandLine) -> Iterator[CommandLine]:
    """ECS and Function Compute give prepared answers; MNS and Tablestore are the doubles."""
    with canned(account_attributes("500")) as ecs, canned(json_of({}), *FUNCTIONS) as fc:
        yield fleetrun.with_(FLEETRUN_ECS_ENDPOINT=ecs.url, FLEETRUN_FC_ENDPOINT=fc.url)


def failed(found: list[dict[str, Any]], level: str = "FAIL") -> list[tuple[str, str]]:
    return [(each["area"], each["said"]) for each in found if each["level"] == level]


def areas(found: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(each.level, each.area) for each in found]


# -- the whole --------------------------------------------------------------------------------------------------------
def test_the_template_says_what_there_must_be() -> None:
    assert {"fleetrun-requests", "fleetrun-stops", "fleetrun-wakeups", DEAD_LETTERS} <= set(WANTED.queues)
    assert WANTED.tables["runs"] == (("run_id", "STRING"), ("part", "STRING"))
    assert {"fleetrun-requests", "fleetrun-stops", "fleetrun-wakeups"} <= WANTED.driven
    assert not {DEAD_LETTERS, "fleetrun-events"} & WANTED.driven
    assert WANTED.functions["accept_requests"] == ("requests",)
    assert WANTED.subscriptions[0].queue == "fleetrun-events"
    assert "ecs:InvokeCommand" in WANTED.roles["fleetrun-runs"]


def test_a_whole_deployment_has_nothing_to_complain_of(whole: Deployment, doctor: CommandLine) -> None:
    said = doctor("doctor")

    lines = said.out.splitlines()
    assert said.code == 0, said.out
    assert all(line.startswith("OK ") for line in lines), said.out
    assert {line.split()[1] for line in lines} >= {
        "address",
        "clock",
        "queues",
        "topic",
        "subscription",
        "tables",
        "quota",
    }
    assert "0 warnings, 0 failed" in said.err


def test_as_json_each_finding_has_level_area_said_and_advice(whole: Deployment, doctor: CommandLine) -> None:
    said = doctor("doctor", "--json")

    assert said.code == 0
    assert {frozenset(each) for each in said.json} == {frozenset({"level", "area", "said", "advice", "unreachable"})}
    assert {each["level"] for each in said.json} == {"OK"}


def test_nothing_is_changed_by_looking(whole: Deployment, doctor: CommandLine) -> None:
    message_id = whole.put(DEAD_LETTERS, "{}")

    doctor("doctor")
    doctor("doctor")

    assert [letter["id"] for letter in doctor("dlq", "list", "--json").json] == [message_id]
    assert whole.taken(REQUESTS) == []


def test_whatever_is_missing_is_named_with_what_to_do(deployment: Deployment, doctor: CommandLine) -> None:
    deployment.account.get_queue("fleetrun-stops").delete()
    deployment.account.get_topic("fleetrun-events").get_subscription("fleetrun-events").unsubscribe()
    deployment.cloud.sdk.delete_table("quota")

    said = doctor("doctor", "--json")
    found = failed(said.json)

    assert said.code == 1
    assert ("queues", "fleetrun-stops is missing") in found
    assert ("tables", "quota is missing") in found
    assert ("subscription", "fleetrun-events/fleetrun-events is missing: events reach no queue") in found
    assert all(each["advice"] for each in said.json if each["level"] != "OK")


def test_a_topic_that_is_missing_is_named(whole: Deployment, doctor: CommandLine) -> None:
    whole.account.get_topic("fleetrun-events").delete()

    assert ("topic", "fleetrun-events is missing") in failed(doctor("doctor", "--json").json)


def test_a_table_with_another_key_is_named(whole: Deployment, doctor: CommandLine) -> None:
    from tablestore import CapacityUnit, ReservedThroughput, TableMeta, TableOptions

    whole.cloud.sdk.delete_table("recent")
    meta = TableMeta("recent", [("day", "STRING")])
    whole.cloud.sdk.create_table(meta, TableOptions(), ReservedThroughput(CapacityUnit(0, 0)))

    said = doctor("doctor", "--json")

    assert failed(said.json) == [
        ("tables", "recent has the key (day STRING), not (day STRING, position STRING)"),
    ]


def test_a_table_that_forgets_is_named(whole: Deployment, doctor: CommandLine) -> None:
    from tablestore import TableOptions

    whole.cloud.sdk.update_table("runs", TableOptions(time_to_live=86_400 * 7, max_version=1))

    assert failed(doctor("doctor", "--json").json) == [("tables", "runs drops rows after 7 days")]


def test_a_queue_whose_messages_come_back_too_soon_is_named(whole: Deployment, doctor: CommandLine) -> None:
    from mns.queue import QueueMeta

    whole.account.get_queue(REQUESTS).set_attributes(QueueMeta(vis_timeout=30))

    ((area, said),) = failed(doctor("doctor", "--json").json, "WARN")

    assert area == "queues"
    assert "fleetrun-requests: messages come again after 30 s, not 330 s" in said


def test_dead_letters_are_a_warning_and_no_failure(whole: Deployment, doctor: CommandLine) -> None:
    whole.put(DEAD_LETTERS, "{}")

    said = doctor("doctor")

    assert said.code == 0
    assert "WARN  dead letters" in said.out
    assert "fleetrun dlq list" in said.out


def test_messages_that_nobody_takes_are_a_warning(whole: Deployment, doctor: CommandLine) -> None:
    from cli.diagnosis import messages
    from cli.queues import Queues
    from tests.adapters.clients import mns_accounts

    whole.put(REQUESTS, "{}")
    now_ms = whole.cloud.served.call(whole.cloud.served.timeline.clock.now_ms)
    queues = Queues(mns_accounts(whole.cloud.url))

    young = list(messages.check(queues, WANTED, now_ms=now_ms + 60_000))
    old = list(messages.check(queues, WANTED, now_ms=now_ms + 300_000))

    assert [each.area for each in young if each.level != "OK"] == []
    assert [(each.level, each.area) for each in old if each.level != "OK"] == [("WARN", "backlog")]
    assert "the oldest for 300 s" in next(each.said for each in old if each.area == "backlog")


# -- quota ------------------------------------------------------------------------------------------------------------
def test_more_units_than_ecs_allows_are_a_failure(whole: Deployment, doctor: CommandLine) -> None:
    said = doctor.with_(FLEETRUN_DAILY_QUOTA="501")("doctor", "--json")

    assert said.code == 1
    assert failed(said.json)[0][1].startswith("501 units a day are configured here, ECS allows 500")


def test_a_day_that_is_used_up_is_a_warning(whole: Deployment, doctor: CommandLine) -> None:
    from shared.core.days import day_of

    with pytest.MonkeyPatch.context() as patch:
        # The command goes by the machine's clock; the deployment's stands near it, on the same day as the units.
        patch.setattr("shared.adapters.system.SystemClock.now_ms", lambda _self: whole.world.clock.now_ms())
        whole.fleet(30)
        whole.policy = whole.policy.__class__(**{**_fields(whole.policy), "instances_per_chunk": 1, "daily_quota": 32})
        whole.run(invoke_request("deploy-1"))
        few = failed(doctor.with_(FLEETRUN_DAILY_QUOTA="32")("doctor", "--json").json, "WARN")
        whole.ports.quota.close_day("cn-hangzhou", day_of(whole.world.clock.now_ms()))
        closed = failed(doctor.with_(FLEETRUN_DAILY_QUOTA="32")("doctor", "--json").json, "WARN")
        other = failed(doctor.with_(FLEETRUN_DAILY_QUOTA="400")("doctor", "--json").json, "WARN")

    assert [area for area, _ in few] == ["quota"]
    assert "30 of 32 units used" in few[0][1]
    assert "ECS says the day is used up" in closed[0][1]
    assert "the functions keep to 32 units a day, here FLEETRUN_DAILY_QUOTA says 400" in other[0][1]


def _fields(policy: Any) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in policy.__slots__}


def test_the_units_are_told_even_when_ecs_says_nothing(whole: Deployment, doctor: CommandLine) -> None:
    with canned(json_of({"RequestId": "r", "AccountAttributeItems": {"AccountAttributeItem": []}})) as ecs:
        found = doctor.with_(FLEETRUN_ECS_ENDPOINT=ecs.url)("doctor", "--json").json

    told = [(each["level"], each["said"]) for each in found if each["area"] == "quota"]
    assert told[0][0] == "FAIL"
    assert "max-axt-invocation-daily" in told[0][1]
    assert told[1][1].startswith("0 of 500 units used")


# -- runs -------------------------------------------------------------------------------------------------------------
def test_a_run_that_nobody_advances_is_a_failure_that_names_it(whole: Deployment, doctor: CommandLine) -> None:
    now_ms = whole.world.clock.now_ms()
    long_ago_ms = now_ms - 3_600_000
    stuck = Run("run-00000000000000000001", "deploy-1", None, "", "cn-hangzhou", long_ago_ms, due_ms=long_ago_ms)
    tired = Run("run-00000000000000000002", "deploy-2", None, "", "cn-hangzhou", now_ms, due_ms=now_ms, attempts=3)
    for run in (stuck, tired):
        whole.ports.runs.insert_run(run)
        whole.ports.runs.remember(run)

    said = doctor("doctor", "--json")
    ((_, stuck_said),) = failed(said.json)
    ((_, tired_said),) = failed(said.json, "WARN")

    assert said.code == 1
    assert stuck.run_id in stuck_said
    assert tired.run_id not in stuck_said
    assert tired.run_id in tired_said
    assert "sweep_runs" in next(each["advice"] for each in said.json if each["level"] == "FAIL")


def test_a_sweep_that_does_not_come_any_more_is_a_warning(whole: Deployment, doctor: CommandLine) -> None:
    late = replace(whole.ports, clock=ManualClock(now_ms() - 301_000))
    whole.cloud.sdk.delete_row("unfinished", Row([("shard", "sweep"), ("run_id", "last")]), None)
    sweep(late, whole.policy)

    (said,) = (each for each in doctor("doctor", "--json").json if each["area"] == "sweep")

    assert said["level"] == "WARN"
    assert "the last sweep ended 30" in said["said"]
    assert "every-minute" in said["advice"]


def test_a_sweep_that_never_came_is_a_warning(whole: Deployment, doctor: CommandLine) -> None:
    whole.cloud.sdk.delete_row("unfinished", Row([("shard", "sweep"), ("run_id", "last")]), None)

    (said,) = (each for each in doctor("doctor", "--json").json if each["area"] == "sweep")

    assert (said["level"], said["said"]) == ("WARN", "sweep_runs has left no word yet")


def test_a_damaged_run_is_named_and_the_others_are_looked_at(whole: Deployment, doctor: CommandLine) -> None:
    for number in (1, 2):
        run = Run(f"run-0000000000000000000{number}", f"deploy-{number}", None, "", "cn-hangzhou", now_ms())
        whole.ports.runs.insert_run(run)
        whole.ports.runs.remember(run)
    spoilt = Row([("run_id", "run-00000000000000000001"), ("part", "run")], {"PUT": [("body", "{")]})
    whole.cloud.sdk.update_row("runs", spoilt, None)

    said = doctor("doctor", "--json")
    ((_, named),) = failed(said.json)

    assert "run-00000000000000000001/run" in named
    assert any("1 unfinished" in each["said"] for each in said.json)


# -- addresses and clocks ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("ahead_s", "level", "said"),
    [
        (0, "OK", "agrees to the second"),
        (60, "WARN", "behind"),
        (-60, "WARN", "ahead"),
        (3_600, "FAIL", "behind"),
        (-3_600, "FAIL", "requests are refused"),
    ],
)
def test_a_clock_that_is_off_is_told(ahead_s: int, level: str, said: str) -> None:
    with canned(Response(403)) as double:
        _, clock = addresses.check({"ECS": double.url}, now_ms=lambda: now_ms() - ahead_s * 1000)

    assert (clock.level, clock.area) == (level, "clock")
    assert said in clock.said


def test_services_at_one_address_are_asked_once() -> None:
    with canned(Response(404)) as double:
        found = list(addresses.check({"ECS": double.url, "MNS": double.url}, now_ms=now_ms))

        assert len(double.requests) == 1
    assert found[0].said.startswith("ECS, MNS: ")


def test_an_address_that_is_not_encrypted_is_a_warning() -> None:
    found = addresses.check({"MNS": "http://no-such-host.invalid"}, now_ms=now_ms)

    assert areas(found) == [("WARN", "address"), ("FAIL", "address")]


def test_a_cloud_that_is_not_there_ends_with_3(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.cli.command_line import command_line

    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    said = command_line(nowhere)("doctor", "--json")

    assert said.code == 3
    assert any(each["unreachable"] for each in said.json)
    assert {each["area"] for each in said.json if each["level"] == "FAIL"} >= {"address", "queues", "tables", "quota"}


def test_wrong_keys_are_told_by_every_service_and_not_shown(whole: Deployment, doctor: CommandLine) -> None:
    said = doctor.with_(ALIBABA_CLOUD_ACCESS_KEY_SECRET="wrong-secret")("doctor", "--json")

    assert said.code == 1
    assert {area for area, _ in failed(said.json)} == {"queues", "topic", "subscription", "tables", "runs", "quota"}
    assert "wrong-secret" not in said.out + said.err
    assert any("ALIBABA_CLOUD_ACCESS_KEY_SECRET" in each["advice"] for each in said.json)


# -- functions and roles ----------------------------------------------------------------------------------------------
def test_functions_that_are_there_with_their_triggers_are_well() -> None:
    with canned(*FUNCTIONS) as fc:
        found = list(functions.check(fc.url, KEYS, WANTED))

    assert [each.level for each in found] == ["OK"] * len(WANTED.functions)


def test_a_function_is_shown_with_the_triggers_that_are_there() -> None:
    at = 1 + 2 * sorted(WANTED.functions).index("push_events")
    with_webhooks = json_of({"triggers": [{"triggerName": "pushes"}]})
    with canned(*FUNCTIONS[: at + 1], with_webhooks, *FUNCTIONS[at + 2 :]) as fc:
        deployed = {each.said for each in functions.check(fc.url, KEYS, WANTED)}
    with canned(*FUNCTIONS) as fc:
        without = {each.said for each in functions.check(fc.url, KEYS, WANTED)}

    assert "push_events: python3.10, 60 s, triggers: pushes" in deployed
    assert "push_events: python3.10, 60 s, triggers: none" in without


def test_a_function_with_a_sealing_key_must_have_the_trigger_of_webhooks() -> None:
    at = 1 + 2 * sorted(WANTED.functions).index("push_events")
    environment = {"FLEETRUN_SEALING_KEY": "5e" * 32}
    keyed = json_of({"runtime": "python3.10", "timeout": 60, "environmentVariables": environment})
    with canned(*FUNCTIONS[:at], keyed, *FUNCTIONS[at + 1 :]) as fc:
        found = [each for each in functions.check(fc.url, KEYS, WANTED) if each.level != "OK"]

    assert [(each.level, each.said) for each in found] == [
        ("FAIL", "push_events has no trigger pushes: nothing calls it")
    ]
    assert "5e5e" not in repr(found)


def test_where_somebody_subscribed_to_webhooks_what_sends_them_must_be_there(
    whole: Deployment, doctor: CommandLine
) -> None:
    row = SubscriptionRow(name="us", url="https://example.com/", sealed_secret="s", created_ms=1, created_by="boss")
    TableSubscriptionStore(table_calls(whole.cloud.url)).put_subscription(row)

    said = doctor("doctor", "--json")

    assert said.code == 1
    assert set(failed(said.json)) == {
        ("subscription", "fleetrun-events/fleetrun-pushes is missing: events reach no queue"),
        ("functions", "push_events has no trigger pushes: nothing calls it"),
    }


def test_a_subscription_of_webhooks_that_nobody_takes_from_is_no_whole_deployment(
    whole: Deployment, doctor: CommandLine
) -> None:
    from mns.subscription import SubscriptionMeta

    (wanted,) = WANTED.webhook_subscriptions
    endpoint = f"acs:mns:cn-hangzhou:1234567890123456:queues/{wanted.queue}"
    meta = SubscriptionMeta(endpoint, notify_content_format="SIMPLIFIED")
    whole.account.get_topic(wanted.topic).get_subscription(wanted.name).subscribe(meta)

    said = doctor("doctor", "--json")

    assert failed(said.json) == [("functions", "push_events has no trigger pushes: nothing calls it")]


def test_a_function_or_a_trigger_that_is_missing_is_named() -> None:
    missing = json_of({"ErrorCode": "FunctionNotFound", "ErrorMessage": "no"}, 404)
    no_triggers = json_of({"triggers": []})
    with canned(FUNCTIONS[0], missing, FUNCTIONS[3], no_triggers, *FUNCTIONS[5:]) as fc:
        first, second, *rest = functions.check(fc.url, KEYS, WANTED)

    names = sorted(WANTED.functions)
    assert (first.level, first.said) == ("FAIL", f"{names[0]} is missing")
    assert (second.level, second.said) == ("FAIL", f"{names[1]} has no trigger wakeups: nothing calls it")
    assert {each.level for each in rest} == {"OK"}


def test_functions_that_this_api_does_not_show_are_only_a_warning() -> None:
    with canned(json_of({"ErrorCode": "ServiceNotFound", "ErrorMessage": "no"}, 404)) as fc:
        (found,) = functions.check(fc.url, KEYS, WANTED)

    assert found.level == "WARN"
    assert "accept_requests" in found.advice


def policies(*names: str) -> Response:
    listed = [{"PolicyName": name, "PolicyType": "Custom", "DefaultVersion": "v1"} for name in names]
    return json_of({"Policies": {"Policy": listed}})


def policy(*actions: str, effect: str = "Allow") -> Response:
    document = {"Version": "1", "Statement": [{"Effect": effect, "Action": list(actions), "Resource": ["*"]}]}
    return json_of({"PolicyVersion": {"PolicyDocument": json.dumps(document)}})


def only(role: str) -> Expected:
    from dataclasses import replace

    return replace(WANTED, roles={role: WANTED.roles[role]})


def test_a_role_that_allows_everything_it_must_is_well() -> None:
    with canned(json_of({"Role": {}}), policies("p"), policy("ecs:*", "ots:*", "mns:*")) as ram:
        (found,) = roles.check(KEYS, only("fleetrun-runs"), address=ram.url)

    assert found.level == "OK"


def test_an_action_that_a_role_does_not_allow_is_named() -> None:
    allowed = WANTED.roles["fleetrun-runs"] - {"ecs:StopInvocation"}
    answers = (json_of({"Role": {}}), policies("p", "q"), policy(*allowed), policy("ecs:StopInvocation", effect="Deny"))
    with canned(*answers) as ram:
        (found,) = roles.check(KEYS, only("fleetrun-runs"), address=ram.url)

    assert found.level == "FAIL"
    assert "does not allow ecs:StopInvocation" in found.said


@pytest.mark.parametrize(
    ("code", "level"), [("EntityNotExist.Role", "FAIL"), ("NoPermission", "WARN"), ("Forbidden.RAM", "WARN")]
)
def test_a_role_that_is_missing_fails_and_one_that_may_not_be_seen_warns(code: str, level: str) -> None:
    with canned(json_of({"Code": code, "Message": "m", "RequestId": "r", "HostId": "h"}, 404)) as ram:
        (found,) = roles.check(KEYS, only("fleetrun-sweep"), address=ram.url)

    assert found.level == level
    assert found.advice
