"""How fast a server answers a client that asks one thing after the other. Standard library alone, for both sides."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 2.0
"""How long each figure is measured."""
WARM_UP = 20
START_S_MAX = 60.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def rate(act: Callable[[], Any], *, server: int, seconds: float = SECONDS) -> dict[str, float]:
    """How often a second `act` can be done, and how much of the server's processor time each takes."""
    for _ in range(WARM_UP):
        act()
    times: list[float] = []
    busy, began = cpu_s(server), time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        act()
        times.append(time.perf_counter() - now)
    total = time.perf_counter() - began
    return {
        "per_s": len(times) / total,
        "median_ms": statistics.median(times) * 1000,
        "server_ms": (cpu_s(server) - busy) / len(times) * 1000,
    }


def cpu_s(pid: int) -> float:
    """Processor time that the process has used, its threads' too, its children's not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def memory_mb(pid: int) -> float:
    """Of one process: what it has, and its share of what it has together with others."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel tells no Pss")


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def running(command: Sequence[str], is_ready: Callable[[subprocess.Popen[str]], bool]) -> Iterator[tuple[int, float]]:
    """A server: its process id, and the seconds from its start until it was ready. Stopped at the end of the block."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        while not is_ready(process):
            assert process.poll() is None, f"{command[0]} ended"
            assert time.perf_counter() - began < START_S_MAX, f"{command[0]} does not answer"
            time.sleep(0.005)
        yield process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.communicate(timeout=START_S_MAX)
