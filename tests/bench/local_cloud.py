"""`make bench-local`: the local cloud beside `moto_server`, on this machine, in one run.

    python -m tests.bench.local_cloud [--json] [--without-moto]

One client asks one thing after the other through the vendor's own SDK: MNS beside SQS, Tablestore beside DynamoDB,
Cloud Assistant beside SSM. Two ratios are told: of what the client sees, in which the SDK's own time counts, and of the
processor time that the server takes for one operation. `SDK alone` is the same calls against a server that only repeats
bytes (tests/bench/floor.py): what no server can beat, and which part of it ours reaches. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench import local_side
from tests.bench.rates import ROOT

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
MOTO_S_MAX = 300
SIDE_BY_SIDE = {
    "queue": "send, receive, delete (MNS, SQS)",
    "long queue": "the same in a long queue",
    "counter": "conditional counter (Tablestore, DynamoDB)",
    "invoke": "a command on 50 instances (ECS, SSM)",
}
ALONE = {
    "queue, kept on disk": "send, receive, delete, with --data",
    "counter, kept on disk": "conditional counter, with --data",
    "invoke, scripts that run": "a command on 50 instances that really run it",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-local")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--without-moto", action="store_true")
    options = parser.parse_args()
    moto = {} if options.without_moto else _moto()
    report = {"local": local_side.measure(), "moto": moto}
    sys.stdout.write(json.dumps(report) + "\n" if options.json else told(report["local"], moto))


def _moto() -> dict[str, Any]:
    """Figures of the other side, measured with its own packages in its own environment."""
    if not Path(PYTHON).exists():
        raise SystemExit(f"{PYTHON.relative_to(ROOT)} is missing: make bench-local makes it")
    command = [str(PYTHON), "-m", "tests.bench.moto_side"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=MOTO_S_MAX, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def told(local: dict[str, Any], moto: dict[str, Any]) -> str:
    lines = [f"{'':46}{'local cloud':>25}{'moto':>25}{'ratio':>18}{'SDK alone':>20}"]
    lines += [f"{'a second; server ms':>71}{'a second; server ms':>25}{'client; server':>18}{'a second; reached':>20}"]
    for name, text in {**SIDE_BY_SIDE, **ALONE}.items():
        ours, theirs = local[name], moto.get(name)
        figures = f"{_pair(ours)}{_pair(theirs)}{_ratios(ours, theirs):18}{_of_the_possible(ours)}"
        lines.append(f"{_with_length(text, ours, theirs):46}{figures}".rstrip())
    start, many = local["start"], local["many instances"]
    empty = f"{moto['start']['seconds']:.2f} s" if moto else ""
    lines.append(f"{'start to ready (ours: with warm functions)':46}{start['seconds']:>23.2f} s{empty:>25}")
    memory = f"{many['mb']:.0f} MB, ready in {many['seconds']:.1f} s"
    lines.append(f"{many['instances']:,} simulated instances".ljust(46) + f"{memory:>25}")
    return "\n".join(lines) + "\n"


def _with_length(text: str, ours: dict[str, float], theirs: dict[str, float] | None) -> str:
    if "queued" not in ours:
        return text
    return f"{text}: {ours['queued']:,.0f}" + (f"; {theirs['queued']:,.0f}" if theirs else "")


def _pair(figure: dict[str, float] | None) -> str:
    return f"{figure['per_s']:>14.0f}; {figure['server_ms']:>9.2f}" if figure else " " * 25


def _ratios(ours: dict[str, float], theirs: dict[str, float] | None) -> str:
    if theirs is None:
        return ""
    return f"{ours['per_s'] / theirs['per_s']:>10.1f}; {theirs['server_ms'] / ours['server_ms']:>6.1f}"


def _of_the_possible(ours: dict[str, float]) -> str:
    most = ours.get("sdk_per_s")
    return f"{most:>10.0f}; {ours['per_s'] / most:>8.0%}" if most else ""


if __name__ == "__main__":
    main()
