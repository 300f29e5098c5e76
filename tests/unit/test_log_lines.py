"""One JSON object per line, and nothing in it that a script was told or said."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.credentials import Credentials
from shared.runtime.log import SECRET_FIELDS, JsonLog, quieten_sdks
from tests.app.memory import ManualClock


def lines_of(*, level: str = "info") -> tuple[JsonLog, list[str]]:
    lines: list[str] = []
    return JsonLog(ManualClock(), write=lines.append, level=level), lines


def test_a_line_has_time_level_event_bound_fields_and_its_own() -> None:
    log, lines = lines_of()

    log.bind(request_id="r-1")("chunk.invoked", chunk_id="run-1-00001-1", targets=50, width=None)

    assert json.loads(lines[0]) == {
        "time": "2026-01-05T00:00:00.000Z",
        "level": "info",
        "event": "chunk.invoked",
        "request_id": "r-1",
        "chunk_id": "run-1-00001-1",
        "targets": 50,
        "width": None,
    }
    assert lines[0].endswith("}\n")


@pytest.mark.parametrize("name", sorted(SECRET_FIELDS))
def test_a_secret_field_shows_length_and_hash_only(name: str) -> None:
    log, lines = lines_of()

    log("command.created", **{name: "rm -rf /tmp/hidden"})

    assert "hidden" not in lines[0]
    assert "18 bytes, sha256 " in lines[0]


@given(st.sampled_from(sorted(SECRET_FIELDS)), st.text(min_size=1))
def test_a_secret_field_stays_hidden_however_deep_it_stands(name: str, tail: str) -> None:
    log, lines = lines_of()

    log("x.y", outer={"inner": [{name: "hidden" + tail}]}, raw=b"hidden")

    assert "hidden" not in lines[0]


def test_values_of_unknown_type_show_their_type_only() -> None:
    log, lines = lines_of()

    log("x.y", keys=Credentials("id", "hidden", "hidden"))

    assert json.loads(lines[0])["keys"] == "<Credentials>"


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    log, lines = lines_of()

    log("x.y", reason="x" * 2001)

    assert json.loads(lines[0])["reason"] == "x" * 2000 + "… (2001 characters)"


def test_text_that_is_no_utf8_does_not_stop_the_line() -> None:
    log, lines = lines_of()

    log("x.y", name="web-\ud800", output="\ud800")

    assert json.loads(lines[0])["name"] == "web-?"


def test_level_error_leaves_out_what_is_no_error() -> None:
    log, lines = lines_of(level="error")

    log("run.planned")
    log.error("message.crashed")

    assert [json.loads(line)["event"] for line in lines] == ["message.crashed"]


def test_the_sdks_failed_conditions_and_urls_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    quieten_sdks()

    with caplog.at_level(logging.DEBUG):
        logging.getLogger("tablestore-client").error("condition failed")
        logging.getLogger("aliyunsdkcore.client").error("https://…?AccessKeyId=…")

    assert caplog.records == []
