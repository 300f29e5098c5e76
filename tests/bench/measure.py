"""`make bench`: what a run costs. Nothing here is asserted; figures are printed, beside what is least possible.

    python -m tests.bench.measure [--json] [main] [calls] [imports] [http]

main     `make run` after set-up: wall time from message to run.finished and in all, most memory of all its processes
calls    requests that one run makes of ECS, MNS and Tablestore, for 50, 500 and 5,000 targets
imports  time from a fresh interpreter to a ready function
http     200 reads a second of the HTTP API for 20 seconds: answers, waits, memory
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tests.bench import calls, http_reads, import_time, main_job

SECTIONS = ("main", "calls", "imports", "http")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], default=list(SECTIONS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report: dict[str, Any] = {}
    for section in options.sections or SECTIONS:
        report[section] = MEASURES[section]()
        if not options.json:
            sys.stdout.write(f"\n{section}\n" + TOLD[section](report[section]))
            sys.stdout.flush()
    if options.json:
        sys.stdout.write(json.dumps(report) + "\n")


MEASURES = {
    "main": main_job.measure,
    "calls": calls.measure,
    "imports": lambda: {name: import_time.measure(name, times=3) for name in import_time.FUNCTIONS},
    "http": http_reads.measure,
}
TOLD = {"main": main_job.told, "calls": calls.told, "imports": import_time.told, "http": http_reads.told}

if __name__ == "__main__":
    main()
