"""Stage 6 of 8: a chunk + what DescribeInvocations says of it -> the chunk with its targets' new statuses.

Strategy: statuses may be seen in any order and results may be missing; a target ends once, with the first terminal
status that comes together with its output, or with Unknown at its deadline. What ended never changes again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.core import limits
from shared.core.model import Chunk, Result, Target
from shared.core.transitions import CHUNK, ENDS_OF_ECS, IN_FLIGHT, TARGET, check, is_allowed


def deadline_of(*, invoked_ms: int, timeout_s: int) -> int:
    """When targets without an outcome become Unknown: delivery + timeout + slack."""
    return invoked_ms + limits.DELIVERY_MS_MAX + timeout_s * 1000 + limits.RESULT_SLACK_MS


def is_over(chunk: Chunk, *, now_ms: int) -> bool:
    """Whether its deadline has come. What repeats has none until it is stopped."""
    return 0 < chunk.deadline_ms <= now_ms


def see(chunk: Chunk, results: Sequence[Result]) -> Chunk:
    """The chunk with the non-terminal statuses that were seen."""
    by_id = {result.instance_id: result for result in results}

    def seen(target: Target) -> Target:
        result = by_id.get(target.instance_id)
        if result is None or target.ended_no or result.status not in IN_FLIGHT:
            return target
        return replace(target, status=check(TARGET, target.status, result.status))

    return replace(chunk, targets=tuple(seen(target) for target in chunk.targets))


def ended_now(chunk: Chunk, results: Sequence[Result]) -> list[str]:
    """Instances that have ended in ECS and not yet in the chunk, in the chunk's order."""
    ended = {result.instance_id for result in results if result.status in ENDS_OF_ECS}
    return [target.instance_id for target in chunk.targets if not target.ended_no and target.instance_id in ended]


def is_worth_fetching(chunk: Chunk, ended: int, *, now_ms: int, outcome_ms: int) -> bool:
    """Whether to fetch the outputs now. At least half of those that are left, or they have waited long enough, or the
    deadline has come: a chunk's outputs are then fetched about log2(50) times at most, not once per target."""
    left = sum(1 for target in chunk.targets if not target.ended_no)
    since_ms = max(chunk.invoked_ms, outcome_ms)
    has_waited = now_ms - since_ms >= limits.OUTPUT_WAIT_MS_MAX or is_over(chunk, now_ms=now_ms)
    return ended > 0 and (ended * 2 >= left or has_waited)


def record(chunk: Chunk, results: Sequence[Result]) -> tuple[Chunk, dict[int, bytes]]:
    """The chunk with every target ended whose result is terminal, and the outputs by index of the target."""
    by_id = {result.instance_id: result for result in results if result.status in ENDS_OF_ECS}
    ended_no = max((target.ended_no for target in chunk.targets), default=0)
    targets, outputs = list(chunk.targets), {}
    for index, target in enumerate(targets):
        result = by_id.get(target.instance_id)
        if result is None or target.ended_no:
            continue
        ended_no += 1
        targets[index] = _ended(target, result, ended_no=ended_no)
        if result.output:
            outputs[index] = result.output
    return closed_if_ended(replace(chunk, targets=tuple(targets))), outputs


def without_outputs(results: Sequence[Result]) -> list[Result]:
    """Each says that its output is missing, if it says nothing else."""
    return [replace(each, error_info=each.error_info or "its output could not be fetched") for each in results]


def _ended(target: Target, result: Result, *, ended_no: int) -> Target:
    head = (result.output or b"")[: limits.OUTPUT_CHARS_PER_EVENT * 4].decode("utf-8", "replace")
    return replace(
        target,
        status=check(TARGET, target.status, result.status),
        ended_no=ended_no,
        exit_code=result.exit_code,
        error_code=result.error_code,
        error_info=result.error_info[:256],
        dropped=result.dropped,
        start_time=result.start_time,
        finish_time=result.finish_time,
        output_head=head[: limits.OUTPUT_CHARS_PER_EVENT],
    )


def end_all(
    chunk: Chunk, status: str, *, only: frozenset[str] | None = None, why: Mapping[str, str] | None = None
) -> Chunk:
    """The chunk with every target that has not ended (of `only`, if given) ended as `status`.

    `why`: error_info by instance id.
    """
    ended_no = max((target.ended_no for target in chunk.targets), default=0)
    targets = []
    for target in chunk.targets:
        each = target
        wanted = only is None or target.instance_id in only
        if not target.ended_no and wanted and is_allowed(TARGET, target.status, status):
            ended_no += 1
            info = (why or {}).get(target.instance_id, "")
            each = replace(target, status=status, ended_no=ended_no, error_info=info)
        targets.append(each)
    return closed_if_ended(replace(chunk, targets=tuple(targets)))


def closed_if_ended(chunk: Chunk) -> Chunk:
    """Finished, once every target has ended."""
    if all(target.ended_no for target in chunk.targets):
        return replace(chunk, status=check(CHUNK, chunk.status, "Finished"))
    return chunk


def next_poll_ms(poll_ms: int, *, progressed: bool) -> int:
    """The pause before the next poll: from about a second, growing while nothing happens."""
    if progressed or poll_ms == 0:
        return limits.POLL_MS_FIRST
    return min(limits.POLL_MS_MAX, int(poll_ms * limits.POLL_GROWTH))


def next_backoff_ms(backoff_ms: int) -> int:
    """The pause after a throttled or unavailable call: doubling."""
    return min(limits.BACKOFF_MS_MAX, max(limits.BACKOFF_MS_FIRST, backoff_ms * 2))
