"""Reading ROS templates: strictly, everything wrong at once, each with its path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.template import Template, TemplateError, read_template

PSEUDO = {"ALIYUN::Region": "cn-hangzhou", "ALIYUN::TenantId": "1234", "ALIYUN::NoValue": "ALIYUN::NoValue"}
HEAD = "ROSTemplateFormatVersion: '2015-09-01'\n"
QUEUE = "Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: q}"


def read(text: str, parameters: Mapping[str, Any] | None = None) -> Template:
    return read_template(HEAD + text, parameters=parameters or {}, pseudo=PSEUDO)


def problems(text: str, parameters: Mapping[str, Any] | None = None) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        read(text, parameters)
    return caught.value.problems


def properties_of(template: Template, name: str, attributes: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    resource = next(resource for resource in template.resources if resource.name == name)
    return template.properties(resource, attributes or {})


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ("{Type: 'ALIYUN::MNS::Queu', Properties: {}}", "Resources.R.Type: unknown type 'ALIYUN::MNS::Queu'"),
        ("{Type: 'ALIYUN::MNS::Queue'}", "Resources.R.Properties.QueueName: is missing"),
        (
            "{Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: q, Visibility: 5}}",
            "Resources.R.Properties.Visibility: unknown property",
        ),
        (
            "{Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: q, VisibilityTimeout: '5'}}",
            "Resources.R.Properties.VisibilityTimeout: is a string ('5'), a number is needed",
        ),
        (
            "{Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: q, DelaySeconds: true}}",
            "Resources.R.Properties.DelaySeconds: is a boolean (True), a number is needed",
        ),
        (
            "{Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: q, DlqPolicy: {Enabled: true, MaxReceiveCount: 3}}}",
            "Resources.R.Properties.DlqPolicy.DeadLetterTargetQueue: is missing",
        ),
        (
            "{Type: 'ALIYUN::OTS::Table', Properties: {InstanceName: i, TableName: t, PrimaryKey: [{Name: a}]}}",
            "Resources.R.Properties.PrimaryKey[0].Type: is missing",
        ),
        (
            "{Type: 'ALIYUN::OTS::Table', Properties: {InstanceName: i, TableName: t, PrimaryKey: {Name: a}}}",
            "Resources.R.Properties.PrimaryKey: is a mapping, a list is needed",
        ),
        ("{Type: 'ALIYUN::MNS::Queue', Properties: [1]}", "Resources.R.Properties: is a list, a mapping is needed"),
        ("{Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: q}, Depends: X}", "Resources.R.Depends: unknown"),
        (f"{{{QUEUE}, DependsOn: [X]}}", "Resources.R.DependsOn: there is no resource 'X'"),
        (f"{{{QUEUE}, Condition: C}}", "Resources.R.Condition: there is no condition 'C'"),
        (
            "{Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: {Ref: Nobody}}}",
            "Resources.R.Properties.QueueName: there is no parameter or resource 'Nobody'",
        ),
        (
            "{Type: 'ALIYUN::MNS::Topic', Properties: {TopicName: {'Fn::GetAtt': [R2, Url]}}}",
            "Resources.R.Properties.TopicName: R2 has no attribute 'Url'; it has ArnWithSlash, QueueName, QueueUrl",
        ),
        (
            "{Type: 'ALIYUN::MNS::Topic', Properties: {TopicName: {'Fn::Sub': 'a-${Nobody}'}}}",
            "Resources.R.Properties.TopicName: there is no parameter or resource 'Nobody'",
        ),
        (
            "{Type: 'ALIYUN::MNS::Topic', Properties: {TopicName: {'Fn::MD5': x}}}",
            "Resources.R.Properties.TopicName: Fn::MD5 is not offered",
        ),
        (
            "{Type: 'ALIYUN::MNS::Topic', Properties: {TopicName: {'Fn::If': [C, a, b]}}}",
            "Resources.R.Properties.TopicName: there is no condition 'C'",
        ),
        ("5", "Resources.R: must be a mapping"),
    ],
)
def test_whatever_is_wrong_with_a_resource_is_said_with_its_path(resource: str, said: str) -> None:
    found = problems(f"Resources:\n  R: {resource}\n  R2: {{{QUEUE}}}\n")

    assert len(found) == 1
    assert found[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Resources: {}\n", "Resources: is missing"),
        (f"Resources: {{R: {{{QUEUE}}}}}\nTransform: x\n", "Transform: unknown section"),
        (f"Resources:\n  R: {{{QUEUE}}}\n  R: {{{QUEUE}}}\n", "R stands here twice"),
        ("Resources: [\n", "while parsing"),
        (f"Resources: {{Yes: {{{QUEUE}}}}}\n", "True is no name; quote it"),
        (f"Resources: {{R: {{{QUEUE}}}}}\nOutputs: {{O: {{Val: 1}}}}\n", "Outputs.O.Value: is missing"),
        (f"Resources: {{R: {{{QUEUE}}}}}\nOutputs: {{O: {{Value: {{Ref: X}}}}}}\n", "Outputs.O.Value: there is no"),
    ],
)
def test_whatever_is_wrong_with_the_document_is_said(text: str, said: str) -> None:
    found = problems(text)

    assert any(said in problem for problem in found)


def test_all_problems_are_listed_at_once() -> None:
    found = problems("Resources:\n  A: {Type: X}\n  B: {Type: 'ALIYUN::MNS::Queue', Properties: {Size: 1}}\n")

    assert len(found) == 3


def test_another_format_version_is_refused() -> None:
    with pytest.raises(TemplateError, match="ROSTemplateFormatVersion: must be"):
        read_template(f"Resources: {{R: {{{QUEUE}}}}}", parameters={}, pseudo=PSEUDO)


PARAMETERS = """
Parameters:
  Size: {Type: Number, Default: 5, MinValue: 1, MaxValue: 9}
  Name: {Type: String, Default: q, AllowedPattern: '[a-z]+', MaxLength: 3}
  Kind: {Type: String, Default: small, AllowedValues: [small, large]}
  Logs: {Type: Boolean, Default: false}
Resources:
  R:
    Type: 'ALIYUN::MNS::Queue'
    Properties: {QueueName: {Ref: Name}, VisibilityTimeout: {Ref: Size}, LoggingEnabled: {Ref: Logs}}
"""


def test_parameters_have_their_defaults_and_can_be_overridden_by_text() -> None:
    plain = properties_of(read(PARAMETERS), "R")
    given_ = properties_of(read(PARAMETERS, {"Size": "7", "Name": "abc", "Logs": "true"}), "R")

    assert plain == {"QueueName": "q", "VisibilityTimeout": 5, "LoggingEnabled": False}
    assert given_ == {"QueueName": "abc", "VisibilityTimeout": 7, "LoggingEnabled": True}


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"Size": "many"}, "Parameters.Size: 'many' is not a Number"),
        ({"Size": 0}, "Parameters.Size: 0 does not lie from 1 to 9"),
        ({"Size": 10}, "Parameters.Size: 10 does not lie from 1 to 9"),
        ({"Name": "UP"}, "Parameters.Name: 'UP' does not match"),
        ({"Name": "abcd"}, "Parameters.Name: 'abcd' has 4 characters"),
        ({"Kind": "medium"}, "Parameters.Kind: 'medium' is not one of small, large"),
        ({"Logs": "perhaps"}, "Parameters.Logs: 'perhaps' is not a Boolean"),
        ({"Sise": 5}, "Parameters.Sise: was given, but the template has no such parameter"),
    ],
)
def test_a_parameter_out_of_bounds_is_named(given_: dict[str, Any], said: str) -> None:
    found = problems(PARAMETERS, given_)

    assert len(found) == 1
    assert found[0].startswith(said)


def test_a_parameter_without_default_needs_a_value() -> None:
    text = f"Parameters: {{Bucket: {{Type: String}}}}\nResources: {{R: {{{QUEUE}}}}}\n"

    found = problems(text)

    assert found == ["Parameters.Bucket: has no default and no value was given"]


def test_functions_come_to_their_values_at_deployment() -> None:
    template = read(
        """
Conditions: {Here: {'Fn::Equals': [{Ref: 'ALIYUN::Region'}, cn-hangzhou]}, There: {'Fn::Not': [{Condition: Here}]}}
Resources:
  Q: {Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: jobs}}
  F:
    Type: 'ALIYUN::FC3::Function'
    Properties:
      FunctionName: {'Fn::Join': ['-', [f, !Ref 'ALIYUN::Region']]}
      Handler: {'Fn::Select': [1, [a, b.c]]}
      Runtime: {'Fn::If': [Here, python3.10, python3.12]}
      Description: {'Fn::If': [There, x, {Ref: 'ALIYUN::NoValue'}]}
      EnvironmentVariables:
        QUEUE: !GetAtt Q.QueueName
        URL: {'Fn::Sub': ['${!x}/${Q.QueueName}/${own}/${ALIYUN::TenantId}', {own: mine}]}
"""
    )

    properties = properties_of(template, "F", {"Q": {"Ref": "jobs", "QueueName": "jobs"}})

    assert properties == {
        "FunctionName": "f-cn-hangzhou",
        "Handler": "b.c",
        "Runtime": "python3.10",
        "EnvironmentVariables": {"QUEUE": "jobs", "URL": "${x}/jobs/mine/1234"},
    }


def test_a_resource_whose_condition_fails_is_left_out_and_cannot_be_spoken_of() -> None:
    text = """
Conditions: {Never: {'Fn::Equals': [1, 2]}}
Resources:
  Q: {Type: 'ALIYUN::MNS::Queue', Condition: Never, Properties: {QueueName: q}}
  T: {Type: 'ALIYUN::MNS::Topic', Properties: {TopicName: %s}}
"""

    template = read(text % "t")
    found = problems(text % "{Ref: Q}")

    assert [resource.name for resource in template.resources] == ["T"]
    assert found == ["Resources.T.Properties.TopicName: there is no parameter or resource 'Q'"]


def test_resources_that_need_each_other_are_named() -> None:
    found = problems(f"Resources:\n  A: {{{QUEUE}, DependsOn: B}}\n  B: {{{QUEUE}, DependsOn: A}}\n  C: {{{QUEUE}}}\n")

    assert found == ["Resources: these need each other in a circle: A, B"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_every_resource_comes_after_what_it_needs(pairs: list[tuple[int, int]]) -> None:
    needs: dict[int, set[int]] = {number: set() for number in range(10)}
    for low, high in pairs:
        if low != high:
            needs[max(low, high)].add(min(low, high))
    # Written in reverse, so that the template's own order never helps.
    lines = [
        f"  R{number}: {{{QUEUE}, DependsOn: [{', '.join(f'R{other}' for other in sorted(needs[number]))}]}}"
        for number in reversed(range(10))
    ]

    order = [resource.name for resource in read("Resources:\n" + "\n".join(lines)).resources]

    assert sorted(order) == sorted(f"R{number}" for number in range(10))
    assert all(order.index(f"R{other}") < order.index(f"R{number}") for number in needs for other in needs[number])


def test_an_unquoted_date_stays_text() -> None:
    template = read_template(
        f"ROSTemplateFormatVersion: 2015-09-01\nResources: {{R: {{{QUEUE}}}}}", parameters={}, pseudo=PSEUDO
    )

    assert len(template.resources) == 1


def project_template(**parameters: Any) -> Template:
    text = Path("template.yml").read_text(encoding="utf-8")
    return read_template(text, parameters=parameters, pseudo=PSEUDO)


def test_the_projects_template_names_its_queues_tables_and_functions() -> None:
    template = project_template()

    def names(type_name: str, key: str) -> list[str]:
        return sorted(resource.properties[key] for resource in template.of_type(type_name))

    assert names("ALIYUN::MNS::Queue", "QueueName") == [
        "fleetrun-dead-letters",
        "fleetrun-events",
        "fleetrun-firings",
        "fleetrun-pushes",
        "fleetrun-requests",
        "fleetrun-stops",
        "fleetrun-wakeups",
    ]
    assert names("ALIYUN::OTS::Table", "TableName") == [
        "api_keys",
        "audit",
        "due",
        "hooks",
        "quota",
        "recent",
        "runs",
        "schedules",
        "subscriptions",
        "unfinished",
        "usage",
    ]
    assert names("ALIYUN::FC3::Function", "FunctionName") == [
        "accept_requests",
        "advance_runs",
        "fire_schedules",
        "push_events",
        "serve_http",
        "stop_runs",
        "sweep_runs",
    ]
    assert template.of_type("ALIYUN::FC3::ProvisionConfig") == ()


def test_in_the_cloud_the_functions_get_the_regions_endpoints() -> None:
    template = project_template()
    made = {"Layer": {"LayerVersionArn": "layer"}, "RunsRole": {"Arn": "role"}}

    environment = properties_of(template, "AdvanceRuns", made)["EnvironmentVariables"]

    assert environment["FLEETRUN_ECS_ENDPOINT"] == "https://ecs.cn-hangzhou.aliyuncs.com"
    assert environment["FLEETRUN_MNS_ENDPOINT"] == "https://1234.mns.cn-hangzhou.aliyuncs.com"
    assert environment["FLEETRUN_TABLESTORE_ENDPOINT"] == "https://fleetrun.cn-hangzhou.ots.aliyuncs.com"
    assert all(isinstance(value, str) for value in environment.values())


def test_a_queue_hides_its_messages_for_longer_than_its_function_may_take() -> None:
    template = project_template()
    timeouts = {r.name: r.properties["Timeout"] for r in template.of_type("ALIYUN::FC3::Function")}
    hidden = {r.name: r.properties.get("VisibilityTimeout", 30) for r in template.of_type("ALIYUN::MNS::Queue")}

    slower = []
    for trigger in template.of_type("ALIYUN::FC3::Trigger"):
        source = trigger.properties["TriggerConfig"].get("eventSourceConfig")
        if source is not None:
            queue = source["eventSourceParameters"]["sourceMNSParameters"]["QueueName"]["Fn::GetAtt"][0]
            function = trigger.properties["FunctionName"]["Fn::GetAtt"][0]
            slower.append(hidden[queue] - timeouts[function])

    assert len(slower) == 4
    assert all(margin >= 15 for margin in slower)
