"""`make bench-backlog`: thousands of queued requests, drained: at which pace, and with how much memory.

    python -m tests.bench.backlog [COUNT]       default 10,000; each is a run of one simulated instance

Every tenth of the backlog is a line: a pace or a memory that drifts shows in the column. Nothing is asserted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from cli.connection import Connection, connection_of
from cli.local import local_environment
from cli.settings import settings_of
from localcloud.threaded import local_cloud
from tests.bench.main_job import family, pss_kb

COUNT = 10_000
LINES = 10
PAUSE_S = 0.5
PER_CALL = 16
"""Messages of one BatchSendMessage."""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with local_cloud(executor="simulated", instances=100, parameters={"DailyQuota": "1000000"}) as cloud:
        cloud.do(lambda it: it.services.ecs.set_quota(1_000_000))  # ECS has a limit of its own
        environment = local_environment(cloud.url)
        connection = connection_of(settings_of(environment, endpoint=None))
        _say("waiting", "accepted/s", "ended/s", "cloud MB", "functions MB")
        sent_s = _send(environment, count)
        _drain(connection, count, os.getpid())
    sys.stdout.write(f"sent at {count / sent_s:,.0f} a second\n")


def _send(environment: dict[str, str], count: int) -> float:
    from mns.account import Account
    from mns.queue import Message

    keys = environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    queue = Account(environment["FLEETRUN_ENDPOINT"], *keys, "").get_queue("fleetrun-requests")
    started = time.monotonic()
    for start in range(0, count, PER_CALL):
        numbers = range(start, min(start + PER_CALL, count))
        queue.batch_send_message([Message(json.dumps(_request(number))) for number in numbers])
    return time.monotonic() - started


def _request(number: int) -> dict[str, Any]:
    return {
        "kind": "invoke",
        "requestId": f"backlog-{number}",
        "command": {"type": "RunShellScript", "content": "# simulate: duration=1s"},
        "targets": {"name": "web-001"},
        "timeout": 60,
    }


def _drain(connection: Connection, count: int, pid: int) -> None:
    started = last_s = time.monotonic()
    last_left, last_open = count, count
    for line in range(1, LINES + 1):
        wanted = count - count * line // LINES
        while (left := _waiting(connection)) > wanted:
            time.sleep(PAUSE_S)
        now_s = time.monotonic()
        still_open = left + _unfinished(connection)
        cloud, *others = [pss_kb(one) for one in family(pid)]
        span_s = now_s - last_s
        _say(
            f"{left:,}",
            f"{(last_left - left) / span_s:.1f}",
            f"{(last_open - still_open) / span_s:.1f}",
            f"{cloud / 1024:.0f}",
            f"{sum(others) / 1024:.0f}",
        )
        last_s, last_left, last_open = now_s, left, still_open
    while _unfinished(connection):
        time.sleep(PAUSE_S)
    whole_s = time.monotonic() - started
    sys.stdout.write(f"{count:,} runs accepted and ended in {whole_s:,.0f} s: {count / whole_s:.1f} a second\n")


def _waiting(connection: Connection) -> int:
    attributes = connection.queues.attributes("fleetrun-requests")
    return attributes.visible + attributes.hidden


def _unfinished(connection: Connection) -> int:
    return len(connection.runs.unfinished(after="", limit=100_000))


def _say(*columns: str) -> None:
    sys.stdout.write("".join(f"{column:>14}" for column in columns) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
