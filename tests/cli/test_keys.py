"""`fleetrun keys` and `fleetrun audit` over the tables: made, shown once, listed, revoked; and what the trail says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.signing import signed_message
from shared.core.errors import Refused
from shared.core.keys import bootstrap_row, is_secret_of, parse_key
from shared.core.signed import decode_envelope
from tests.app.driving import invoke_request
from tests.cli.command_line import CommandLine

KEY = "frk_0123456789ab_" + "0f" * 32


def test_a_key_is_printed_once_and_never_again(fleetrun: CommandLine) -> None:
    made = fleetrun("keys", "add", "ci", "--no-scripts", "--tag", "env=prod", "--targets-max", "5", "--region", "cn-x1")
    listed = fleetrun("keys", "list", "--json")

    parsed = parse_key(made.out.strip())
    assert made.code == 0
    assert parsed is not None
    (row,) = listed.json
    assert row["keyId"] == parsed[0]
    assert row["grant"] == {
        "name": "ci",
        "inlineScripts": False,
        "tags": {"env": "prod"},
        "targetsMax": 5,
        "regions": ["cn-x1"],
    }
    assert parsed[1] not in listed.out + fleetrun("keys", "list").out + fleetrun("audit", "--json").out


def test_a_revoked_key_is_listed_as_such_and_the_trail_has_both(fleetrun: CommandLine) -> None:
    key_id = str(parse_key(fleetrun("keys", "add", "ops", "--role", "admin").out.strip())).split("'")[1]

    said = fleetrun("keys", "revoke", key_id)

    assert said.code == 0
    assert "revoked" in fleetrun("keys", "list").out
    trail = fleetrun("audit", "--subject", key_id, "--json").json
    assert [(line["caller"], line["action"], line["via"]) for line in trail] == [
        ("operator", "keys.write", "tables")
    ] * 2
    assert fleetrun("audit", "--caller", "somebody").err.startswith("Nothing")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("keys", "add", "Ops"), "name"),
        (("keys", "add", "ops", "--role", "admin", "--targets-max", "5"), "role"),
        (("keys", "add", "ops", "--tag", "env"), "--tag"),
        (("keys", "revoke", "ffffffffffff"), "no such key"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(
    fleetrun: CommandLine, words: tuple[str, ...], told: str
) -> None:
    said = fleetrun(*words)

    assert said.code == 2
    assert told in said.err


def test_the_first_key_needs_no_cloud_and_comes_with_its_parameter(fleetrun: CommandLine) -> None:
    said = fleetrun.without("FLEETRUN_ENDPOINT")("keys", "new")

    words = said.out.split()
    parsed = parse_key(words[1])
    assert parsed is not None
    assert is_secret_of(parsed[1], bootstrap_row(words[3]))


def test_a_request_is_signed_for_the_queue(fleetrun: CommandLine) -> None:
    request = json.dumps(invoke_request("deploy-1")).encode()

    said = fleetrun.with_(FLEETRUN_API_KEY=KEY)("keys", "sign", "-", stdin=request)

    envelope = decode_envelope(said.out.encode())
    assert envelope.key_id == "0123456789ab"
    assert envelope.request.encode() == request
    assert "0f0f0f" not in said.out


def test_a_signed_request_goes_into_the_queue_to_the_byte(fleetrun: CommandLine, tmp_path: Path) -> None:
    key = fleetrun("keys", "add", "ci").out.strip()
    request = json.dumps(invoke_request("signed-1")).encode()
    signed = tmp_path / "signed.json"
    signed.write_text(fleetrun.with_(FLEETRUN_API_KEY=key)("keys", "sign", "-", stdin=request).out)

    sent = fleetrun("invoke", str(signed), "--json")
    changed = fleetrun("invoke", str(signed), "--request-id", "other")

    assert (sent.code, sent.json["requestId"]) == (0, "signed-1")
    assert (changed.code, "cannot be changed" in changed.err) == (2, True)


def test_a_wrong_request_or_key_is_not_signed() -> None:
    with pytest.raises(Refused):
        signed_message(KEY, b"{}")
    with pytest.raises(Refused, match="FLEETRUN_API_KEY"):
        signed_message("secret", b"{}")
