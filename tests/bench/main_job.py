"""`make run`, measured from outside: its own figures, and the memory of all its processes together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_S = 0.05
TIMES = 3


def measure() -> dict[str, Any]:
    """The fastest of TIMES runs, with the memory of the largest."""
    runs = [_once() for _ in range(TIMES)]
    fastest = min(runs, key=lambda run: run["fromMessageMs"])
    return {**fastest, "memoryMb": max(run["memoryMb"] for run in runs), "times": TIMES}


def _once() -> dict[str, Any]:
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", "--port", "0", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as demo:
        most = 0
        while demo.poll() is None:
            most = max(most, sum(pss_kb(pid) for pid in family(demo.pid)))
            time.sleep(SAMPLE_S)
        assert demo.stdout is not None
        told = json.loads(demo.stdout.read())
    return {
        "fromMessageMs": told["fromMessageMs"],
        "totalMs": told["totalMs"],
        "wallMs": round((time.monotonic() - started) * 1000),
        "memoryMb": round(most / 1024),
        "exitCode": demo.returncode,
        "counts": told["counts"],
    }


def family(pid: int) -> list[int]:
    """The process and all that descend from it, as far as /proc tells now."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                waiting += map(int, Path(f"/proc/{one}/task/{task}/children").read_text().split())
        except (OSError, ValueError):
            continue
    return found


def pss_kb(pid: int) -> int:
    """Its share of memory: pages that several processes have are divided among them."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def told(figures: dict[str, Any]) -> str:
    return (
        f"  message → run.finished  {figures['fromMessageMs'] / 1000:6.2f} s   (aim: under 3 s, 120 instances)\n"
        f"  start to stop           {figures['totalMs'] / 1000:6.2f} s\n"
        f"  command in all          {figures['wallMs'] / 1000:6.2f} s\n"
        f"  memory, all processes   {figures['memoryMb']:6d} MB\n"
    )
