"""How long each function takes to be ready: importing its handler, then its initializer (SDKs and clients).

    python tests/bench/import_time.py [--json] [--times 5]

Each measurement is a fresh interpreter; the median of several, after one for warming the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/index.py"))
PROBE = """
import importlib, json, resource, sys, time
from types import SimpleNamespace
context = SimpleNamespace(request_id="r", function=SimpleNamespace(name="f", timeout=60))
start = time.perf_counter()
module = importlib.import_module(sys.argv[1])
imported = time.perf_counter()
module.initializer(context)
ready = time.perf_counter()
rss_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({
    "import_ms": (imported - start) * 1000,
    "initializer_ms": (ready - imported) * 1000,
    "modules": len(sys.modules),
    "rss_mb": rss_kb / 1024,
}))
"""
SETTINGS = {
    "FLEETRUN_REGION": "cn-hangzhou",
    "FLEETRUN_ACCOUNT_ID": "1234567890123456",
    "FLEETRUN_ENDPOINT": "http://127.0.0.1:7150",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret",
}


def measure(function: str, *, times: int) -> dict[str, float]:
    """Medians over `times` fresh interpreters."""
    probes = [_probe(function) for _ in range(times + 1)][1:]
    return {name: round(statistics.median(probe[name] for probe in probes), 1) for name in probes[0]}


def _probe(function: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, f"functions.{function}.index"],
        cwd=ROOT,
        env={**os.environ, **SETTINGS, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description="Time from nothing to ready, for each function.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    report = {function: measure(function, times=options.times) for function in FUNCTIONS}
    sys.stdout.write(json.dumps(report) + "\n" if options.json else told(report))


def told(report: dict[str, dict[str, float]]) -> str:
    lines = [f"  {'function':<16} {'import':>9} {'initializer':>12} {'modules':>8} {'memory':>8}\n"]
    lines += [
        f"  {function:<16} {row['import_ms']:>6.0f} ms {row['initializer_ms']:>9.0f} ms"
        f" {row['modules']:>8.0f} {row['rss_mb']:>5.0f} MB\n"
        for function, row in report.items()
    ]
    return "".join(lines)


if __name__ == "__main__":
    main()
