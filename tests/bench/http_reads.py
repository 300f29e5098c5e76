"""The HTTP API under load: mixed reads at a fixed rate, against a local cloud in a process of its own.

What is looked at: that every answer is 200, how long the slowest take, and that memory stays where it was once the
instances of the function are there. As many connections as clients wait on; fewer than the function has instances
reserved, because Function Compute answers 429 to the next one.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import urllib3

from cli.local import local_environment
from cli.local_process import local_process
from tests.bench.main_job import family, pss_kb

SECONDS = 20
RATE = 200
"""Requests a second."""
CONNECTIONS = 16
WARM_READS = 200
"""Before the clock starts: after them every instance that the load needs is there."""
WARM_S = 5
"""When memory is looked at first."""
TIMEOUT_S = 60
RUN = {"command": {"type": "RunShellScript", "content": "true"}, "targets": {"tags": {"env": "demo"}}}


class _Readers:
    """CONNECTIONS clients; each keeps its connection."""

    def __init__(self, base: str, key: str) -> None:
        self._base = base
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, block=True, headers={"Authorization": f"Bearer {key}"})
        self.statuses: Counter[int] = Counter()
        self.took_ms: list[float] = []

    def read(self, path: str) -> None:
        started = time.perf_counter()
        status = self._pool.request("GET", self._base + path, timeout=TIMEOUT_S).status
        self.took_ms.append((time.perf_counter() - started) * 1000)
        self.statuses[status] += 1

    def start(self, run: dict[str, Any]) -> str:
        """The id of the run, which has ended."""
        answer = self._pool.request("POST", f"{self._base}/v1/runs?wait=45", json=run, timeout=TIMEOUT_S)
        return str(answer.json()["runId"])

    def forget(self) -> None:
        self.took_ms.clear()
        self.statuses.clear()


def measure() -> dict[str, Any]:
    with local_process(["--port", "0", "--instances", "24"]) as local:
        url = local.wait_ready()
        readers = _Readers(f"{url}/api", local_environment(url)["FLEETRUN_API_KEY"])
        run = f"/v1/runs/{readers.start(RUN)}"
        paths = ("/healthz", run, "/v1/runs?limit=5", f"{run}/targets?limit=20", f"{run}/events", "/v1/quota")
        return _load(readers, paths, pid=local.pid)


def _load(readers: _Readers, paths: tuple[str, ...], *, pid: int) -> dict[str, Any]:
    memory: list[int] = []
    calls: list[Future[None]] = []
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        # Instances start first: half a second of a core for each, which is no part of the steady state.
        list(pool.map(readers.read, [paths[number % len(paths)] for number in range(WARM_READS)]))
        readers.forget()
        started = time.perf_counter()
        for number in range(SECONDS * RATE):
            time.sleep(max(0.0, started + number / RATE - time.perf_counter()))
            calls.append(pool.submit(readers.read, paths[number % len(paths)]))
            if number % RATE == 0 and number // RATE in (WARM_S, SECONDS - 1):
                memory.append(_memory_mb(pid))
    failed = [call.exception() for call in calls if call.exception() is not None]
    slowest = statistics.quantiles(readers.took_ms, n=100)
    return {
        "requests": len(calls),
        "perSecond": round(len(calls) / (time.perf_counter() - started)),
        "notAnswered": len(failed),
        "statuses": {str(status): count for status, count in sorted(readers.statuses.items())},
        "medianMs": round(slowest[49]),
        "slowestOfHundredMs": round(slowest[98]),
        "memoryMb": memory,
    }


def _memory_mb(pid: int) -> int:
    return round(sum(pss_kb(each) for each in family(pid)) / 1024)


def told(report: dict[str, Any]) -> str:
    statuses = ", ".join(f"{count:,} x {status}" for status, count in report["statuses"].items())
    before, after = report["memoryMb"]
    return (
        f"  {report['requests']:,} reads at {report['perSecond']} a second: {statuses}, "
        f"{report['notAnswered']} not answered\n"
        f"  median {report['medianMs']} ms, slowest of a hundred {report['slowestOfHundredMs']} ms\n"
        f"  memory of all processes {before:,} MB after {WARM_S} s, {after:,} MB at the end\n"
    )
