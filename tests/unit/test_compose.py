"""The composition: built once, and anew when the keys change."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from shared.runtime.compose import Composer
from shared.runtime.context import credentials_in
from shared.runtime.settings import BadSetting, Settings, read_settings

ENVIRON = {"FLEETRUN_REGION": "cn-hangzhou", "FLEETRUN_ENDPOINT": "http://127.0.0.1:7150"}
KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "env", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"}


def context(key_id: str = "", *, timeout: object = 60, request_id: str = "r-1") -> SimpleNamespace:
    """As Python 3.10's runtime makes it; without a key as Python 3.12's, which has no credentials at all."""
    made = SimpleNamespace(request_id=request_id, function=SimpleNamespace(name="advance_runs", timeout=timeout))
    if key_id:
        made.credentials = SimpleNamespace(access_key_id=key_id, access_key_secret="s", security_token="t")
    return made


def composer(environ: dict[str, str]) -> Composer:
    def settings() -> Settings:
        return read_settings(environ)

    return Composer(settings)


def test_adapters_are_kept_from_call_to_call() -> None:
    it = composer(ENVIRON)

    assert it.compose(context("a")).adapters is it.compose(context("a", request_id="r-2")).adapters


def test_new_keys_in_the_context_make_new_adapters() -> None:
    it = composer(ENVIRON)

    assert it.compose(context("a")).adapters is not it.compose(context("b")).adapters


def test_new_keys_in_the_environment_make_new_adapters() -> None:
    environ = ENVIRON | KEYS
    it = composer(environ)
    before = it.compose(context()).adapters
    environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = "renewed"

    assert it.compose(context()).adapters is not before


def test_the_contexts_keys_come_before_those_of_the_environment() -> None:
    found = credentials_in(context("role"))

    assert found is not None
    assert (found.access_key_id, found.security_token) == ("role", "t")
    assert credentials_in(context()) is None


def test_a_context_without_a_role_is_no_credentials() -> None:
    made = context()
    made.credentials = SimpleNamespace(access_key_id=None, access_key_secret=None, security_token=None)

    assert credentials_in(made) is None


def test_without_keys_anywhere_nothing_starts() -> None:
    with pytest.raises(BadSetting, match="ALIBABA_CLOUD_ACCESS_KEY_ID"):
        composer(ENVIRON).compose(context())


@pytest.mark.parametrize("timeout", [60, "60"])
def test_the_lease_outlives_the_functions_timeout_by_the_margin(timeout: object) -> None:
    policy = composer(ENVIRON | KEYS).compose(context(timeout=timeout)).policy

    assert policy.lease_ms == 65_000
