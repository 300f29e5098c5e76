"""Stage 6: a target ends once, whatever is reported, in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.core import limits
from shared.core.model import Chunk, Result, Target
from shared.core.track import deadline_of, end_all, ended_now, is_worth_fetching, next_poll_ms, record, see
from shared.core.transitions import ENDS_OF_ECS, IN_FLIGHT, OUTCOMES

IDS = ["i-1", "i-2", "i-3"]


def result(instance_id: str, status: str, output: bytes = b"out") -> Result:
    return Result(instance_id, status, 0, "", "", 0, "", "", output)


def invoked() -> Chunk:
    return Chunk("run-x", 1, 0, tuple(Target(each, status="Pending") for each in IDS), status="Invoked")


reports = st.lists(
    st.lists(
        st.builds(result, st.sampled_from([*IDS, "i-stranger"]), st.sampled_from(sorted(IN_FLIGHT | ENDS_OF_ECS))),
        max_size=4,
    ),
    max_size=8,
)


@given(reports)
def test_the_first_end_stays_and_the_order_of_ending_has_no_gap(story: list[list[Result]]) -> None:
    chunk, ends = invoked(), {}
    for report in story:
        chunk, _ = record(see(chunk, report), report)
        for target in chunk.targets:
            if target.ended_no:
                assert ends.setdefault(target.instance_id, (target.ended_no, target.status)) == (
                    target.ended_no,
                    target.status,
                )

    assert sorted(number for number, _ in ends.values()) == list(range(1, len(ends) + 1))
    assert (chunk.status == "Finished") is (len(ends) == len(IDS))
    assert [target.instance_id for target in chunk.targets] == IDS


def test_only_what_ended_in_ecs_and_not_here_is_news() -> None:
    chunk, _ = record(invoked(), [result("i-1", "Success")])

    news = ended_now(chunk, [result("i-1", "Failed"), result("i-2", "Failed"), result("i-3", "Running")])

    assert news == ["i-2"]


def test_outputs_are_kept_whole_and_their_heads_in_the_target() -> None:
    output = b"\xff" + "ä".encode() * 10_000

    chunk, outputs = record(invoked(), [result("i-2", "Success", output)])

    assert outputs == {1: output}
    assert len(chunk.targets[1].output_head) == limits.OUTPUT_CHARS_PER_EVENT


def test_ending_all_leaves_alone_what_has_ended() -> None:
    chunk, _ = record(invoked(), [result("i-1", "Success")])

    expired = end_all(chunk, "Unknown")

    assert [target.status for target in expired.targets] == ["Success", "Unknown", "Unknown"]
    assert expired.status == "Finished"
    assert {target.status for target in expired.targets} <= OUTCOMES


@given(st.integers(1, 50))
def test_outputs_of_a_chunk_are_fetched_a_logarithmic_number_of_times(size: int) -> None:
    targets = tuple(Target(f"i-{number}", status="Running") for number in range(size))
    chunk, fetches, ended = Chunk("run-x", 1, 0, targets, status="Invoked"), 0, 0
    for number in range(size):
        ended += 1
        if is_worth_fetching(chunk, ended, now_ms=0, outcome_ms=0):
            fetches += 1
            chunk, _ = record(chunk, [result(f"i-{n}", "Success") for n in range(number + 1)])
            ended = 0

    assert chunk.status == "Finished"
    assert fetches <= size.bit_length() + 1


def test_an_ended_target_does_not_wait_for_slow_neighbours_for_ever() -> None:
    chunk = invoked()

    assert not is_worth_fetching(chunk, 1, now_ms=limits.OUTPUT_WAIT_MS_MAX - 1, outcome_ms=0)
    assert is_worth_fetching(chunk, 1, now_ms=limits.OUTPUT_WAIT_MS_MAX, outcome_ms=0)


def test_polls_begin_at_a_second_grow_and_are_bounded() -> None:
    poll_ms, story = 0, []
    for _ in range(12):
        poll_ms = next_poll_ms(poll_ms, progressed=False)
        story.append(poll_ms)

    assert story[0] == 1_000
    assert story == sorted(story)
    assert story[-1] == limits.POLL_MS_MAX


def test_the_deadline_leaves_time_for_delivery_the_script_and_the_report() -> None:
    assert deadline_of(invoked_ms=1_000, timeout_s=60) == 1_000 + 60_000 + 60_000 + 60_000
