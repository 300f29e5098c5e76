"""A bad or missing variable stops the start with its name."""

from __future__ import annotations

import pytest

from shared.runtime.settings import BadSetting, read_settings

ON_FC = {
    "FC_REGION": "cn-hangzhou",
    "FC_ACCOUNT_ID": "1234567890123456",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "STS.id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "token",
}


def test_on_function_compute_the_platforms_own_variables_are_enough() -> None:
    settings = read_settings(ON_FC)

    assert settings.region == "cn-hangzhou"
    assert settings.ecs_endpoint == "https://ecs.{region}.aliyuncs.com"
    assert settings.mns_endpoint == "https://1234567890123456.mns.cn-hangzhou.aliyuncs.com"
    assert settings.tablestore_endpoint == "https://fleetrun.cn-hangzhou.ots.aliyuncs.com"
    assert settings.fc_endpoint == "https://1234567890123456.cn-hangzhou.fc.aliyuncs.com"
    assert (settings.daily_quota, settings.instances_per_chunk, settings.log_level) == (500, 50, "info")
    assert settings.credentials is not None
    assert settings.credentials.security_token == "token"


def test_one_endpoint_serves_all_services_unless_one_has_its_own() -> None:
    settings = read_settings(
        {
            "FLEETRUN_REGION": "cn-hangzhou",
            "FLEETRUN_ENDPOINT": "http://127.0.0.1:7150/",
            "FLEETRUN_ECS_ENDPOINT": "http://127.0.0.1:7151",
        }
    )

    assert settings.mns_endpoint == settings.tablestore_endpoint == settings.fc_endpoint == "http://127.0.0.1:7150"
    assert settings.ecs_endpoint == "http://127.0.0.1:7151"
    assert settings.credentials is None


def test_auto_quota_is_none_and_asks_ecs() -> None:
    assert read_settings(ON_FC | {"FLEETRUN_DAILY_QUOTA": "auto"}).daily_quota is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLEETRUN_REGION", "Hangzhou"),
        ("FLEETRUN_ECS_ENDPOINT", "127.0.0.1:7150"),
        ("FLEETRUN_MNS_ENDPOINT", "http://host/path"),
        ("FLEETRUN_TABLESTORE_INSTANCE", "a"),
        ("FLEETRUN_DAILY_QUOTA", "0"),
        ("FLEETRUN_DAILY_QUOTA", "many"),
        ("FLEETRUN_DAILY_QUOTA", "²"),
        ("FLEETRUN_INSTANCES_PER_CHUNK", "101"),
        ("FLEETRUN_INSTANCES_PER_CHUNK", "0"),
        ("FLEETRUN_LOG_LEVEL", "debug"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", ""),
        ("ALIYUN_ACCESS_KEY_ID", "other"),
    ],
)
def test_a_bad_value_is_refused_with_the_variables_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read_settings(ON_FC | {name: value})

    assert refused.value.name == name
    assert name in str(refused.value)


@pytest.mark.parametrize("value", ["1", "100"])
def test_the_bounds_of_instances_per_chunk_are_allowed(value: str) -> None:
    settings = read_settings(ON_FC | {"FLEETRUN_INSTANCES_PER_CHUNK": value})

    assert settings.instances_per_chunk == int(value)


def test_without_a_region_nothing_starts() -> None:
    with pytest.raises(BadSetting, match="FLEETRUN_REGION is missing"):
        read_settings({})


def test_without_an_account_the_address_of_mns_must_be_given() -> None:
    with pytest.raises(BadSetting, match="FLEETRUN_MNS_ENDPOINT is missing"):
        read_settings({"FLEETRUN_REGION": "cn-hangzhou"})


def test_settings_print_without_secrets() -> None:
    text = repr(read_settings(ON_FC))

    assert "secret" not in text.replace("access_key_secret", "")
    assert "token" not in text
