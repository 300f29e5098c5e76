"""Stage 8: events carry run and number in their id, have no gap, and fit the topic whatever the scripts printed."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core import emit, limits
from shared.core.emit import Draft, numbered
from shared.core.model import Chunk, Excluded, Run, Target
from shared.core.preflight import exclude


def run_of(**changes: object) -> Run:
    run = Run(run_id="run-x", request_id="x", request=None, body_hash="", region="cn-hangzhou", accepted_ms=0)
    return run.next(**changes)


def bodies(run: Run, *drafts: Draft) -> list[dict[str, object]]:
    events = numbered(run, drafts, account_id="1", now_ms=0)
    return [msgspec.json.decode(event.body) for event in events]


def test_numbers_go_on_where_the_run_stands() -> None:
    first, second = bodies(run_of(event_seq=6), emit.accepted(run_of()), emit.stopping(reason="x"))

    assert (first["id"], first["sequence"]) == ("run-x:00000007", "00000007")
    assert (second["id"], second["sequence"]) == ("run-x:00000008", "00000008")
    assert first["type"] == "fleetrun.run.accepted"
    assert first["subject"] == "run-x"
    assert first["specversion"] == "1.0"


texts = st.text(max_size=limits.OUTPUT_CHARS_PER_EVENT) | st.sampled_from(
    ["\x00" * limits.OUTPUT_CHARS_PER_EVENT, "😀" * limits.OUTPUT_CHARS_PER_EVENT, '"\\' * 256]
)


@settings(max_examples=30)
@given(st.lists(texts, min_size=1, max_size=50))
def test_fifty_outcomes_fit_one_event_whatever_was_printed(outputs: list[str]) -> None:
    targets = tuple(
        Target(f"i-{'x' * 20}{n}", "web" * 30, "Failed", ended_no=n + 1, error_info="e" * 256, output_head=output)
        for n, output in enumerate(outputs)
    )
    chunk = Chunk("run-x", 1, 0, targets, status="Finished")

    (draft,) = emit.targets_finished(chunk, announced=0)
    (event,) = numbered(run_of(), [draft], account_id="1", now_ms=0)

    assert len(event.body) <= limits.EVENT_BYTES_MAX
    told = msgspec.json.decode(event.body)["data"]["targets"]
    assert [each["instanceId"] for each in told] == [target.instance_id for target in targets]
    for each, target in zip(told, targets, strict=True):
        assert target.output_head.startswith(each["output"])


def test_outcomes_are_announced_in_the_order_of_ending_and_only_once() -> None:
    targets = tuple(Target(f"i-{n}", status="Success", ended_no=ended) for n, ended in enumerate([3, 1, 0, 2]))
    chunk = Chunk("run-x", 1, 0, targets)

    (draft,) = emit.targets_finished(chunk, announced=1)

    assert [each["instanceId"] for each in draft.data["targets"]] == ["i-3", "i-0"]
    assert emit.targets_finished(chunk, announced=3) == []


def test_all_excluded_are_counted_and_the_first_are_spelled_out() -> None:
    excluded: list[Excluded] = [exclude(f"i-{n:04d}", "web", "NotFound") for n in range(250)]

    (event,) = bodies(run_of(requested=250), emit.planned(run_of(requested=250), excluded))

    data = event["data"]
    assert isinstance(data, dict)
    assert data["excludedByReason"] == {"NotFound": 250}
    assert len(data["excluded"]) == limits.EXCLUDED_PER_EVENT
