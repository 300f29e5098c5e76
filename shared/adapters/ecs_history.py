"""The history of a cloud schedule: DescribeInvocationResults with IncludeHistory, page after page.

Its paging stands inside `Invocation`, and its end time is called FinishedTime. In which order the rows come is not
documented, so pages are read until everything that is wanted was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.adapters import limits
from shared.adapters.ecs_calls import EcsCalls, new_request
from shared.core.model import Result
from shared.core.transitions import ENDS_OF_ECS


def read_history(
    calls: EcsCalls,
    region: str,
    invoke_id: str,
    wanted: Mapping[str, range],
    result_of: Callable[[dict[str, Any]], Result],
) -> list[Result]:
    """Raises Refused, Unavailable."""
    found: dict[tuple[str, int], Result] = {}
    count = sum(len(repeats) for repeats in wanted.values())
    for page in _pages(calls, region, invoke_id):
        for row in page:
            result = result_of({**row, "FinishTime": row.get("FinishedTime")})
            is_wanted = result.repeats in wanted.get(result.instance_id, range(0))
            if is_wanted and result.status in ENDS_OF_ECS:
                found[result.instance_id, result.repeats] = result
        if len(found) == count:
            break
    return [found[key] for key in sorted(found)]


def _pages(calls: EcsCalls, region: str, invoke_id: str) -> Iterator[list[dict[str, Any]]]:
    token = ""
    for _ in range(limits.HISTORY_PAGES_MAX):
        request = new_request("DescribeInvocationResults")
        request.set_InvokeId(invoke_id)
        request.set_IncludeHistory("true")
        request.set_ContentEncoding("Base64")
        request.set_MaxResults(limits.INVOCATIONS_PER_PAGE_MAX)
        if token:
            request.set_NextToken(token)
        invocation = calls.read(region, request).get("Invocation") or {}
        yield (invocation.get("InvocationResults") or {}).get("InvocationResult") or []
        token = invocation.get("NextToken") or ""
        if not token:
            return
