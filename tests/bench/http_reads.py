"""The HTTP API under load: mixed reads at a fixed rate, against a local cloud in a process of its own.

What is looked at: that every answer is 200, how long the slowest take, and that memory stays where it was once the
instances of the function are there. As many connections as clients wait on; fewer than the function has instances
reserved, because Function Compute answers 429 to the next one.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import requests

from cli.local import local_environment
from cli.local_process import local_process
from tests.bench.main_job import family, pss_kb

SECONDS = 20
RATE = 200
"""Requests a second."""
CONNECTIONS = 16
WARM_S = 5
"""After which every instance that the load needs is there."""
TIMEOUT_S = 60
RUN = {"command": {"type": "RunShellScript", "content": "true"}, "targets": {"tags": {"env": "demo"}}}


class _Readers:
    """CONNECTIONS clients; each keeps its connection."""

    def __init__(self, base: str, key: str) -> None:
        self._base, self._key = base, key
        self._here = threading.local()
        self.statuses: Counter[int] = Counter()
        self.took_ms: list[float] = []

    def session(self) -> requests.Session:
        if not hasattr(self._here, "session"):
            self._here.session = requests.Session()
            self._here.session.headers["Authorization"] = f"Bearer {self._key}"
        session: requests.Session = self._here.session
        return session

    def read(self, path: str) -> None:
        started = time.perf_counter()
        status = self.session().get(self._base + path, timeout=TIMEOUT_S).status_code
        self.took_ms.append((time.perf_counter() - started) * 1000)
        self.statuses[status] += 1


def measure() -> dict[str, Any]:
    with local_process(["--port", "0", "--instances", "24"]) as local:
        url = local.wait_ready()
        readers = _Readers(f"{url}/api", local_environment(url)["FLEETRUN_API_KEY"])
        answer = readers.session().post(f"{url}/api/v1/runs?wait=45", json=RUN, timeout=TIMEOUT_S)
        run = f"/v1/runs/{answer.json()['runId']}"
        paths = ("/healthz", run, "/v1/runs?limit=5", f"{run}/targets?limit=20", f"{run}/events", "/v1/quota")
        return _load(readers, paths, pid=local.pid)


def _load(readers: _Readers, paths: tuple[str, ...], *, pid: int) -> dict[str, Any]:
    memory: list[int] = []
    calls: list[Future[None]] = []
    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
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
