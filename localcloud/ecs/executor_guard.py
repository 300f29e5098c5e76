"""Ends what an executor leaves behind, also when the executor was killed with `kill -9`.

    python executor_guard.py MARKER      with a pipe on stdin that only the executor holds open

Every script inherits the variable LOCAL_CLOUD_EXECUTION=<marker>.<number>, and so does everything that it starts, in
whatever session or process group. The guard waits for the end of its stdin, which comes when the executor closes or
dies, and kills all that bear the marker. Why not PR_SET_PDEATHSIG: it does not reach grandchildren. Why not process
groups: a script may leave its own, and a list of them would miss what was begun a moment before the end.

Runs as a file of its own, without this project on its path. Needs /proc; elsewhere the executor's groups must do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

VARIABLE = "LOCAL_CLOUD_EXECUTION"
PASSES_MAX = 200
PAUSE_S = 0.005
"""Ours: a killed process is gone within milliseconds; a second covers what was being started meanwhile."""
QUIET_PASSES = 3
"""Ours: passes in a row without a find, after which there is nothing left; a start in between is seen by the next."""


def marked_by(marker: str) -> dict[str, list[int]]:
    """The processes whose mark begins with `marker`, by mark. Not zombies: their environment is gone."""
    wanted = f"\0{VARIABLE}={marker}".encode()
    found: dict[str, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            mark = _mark(name, wanted) if name.isdigit() else None
            if mark is not None:
                found.setdefault(marker + mark, []).append(int(name))
    return found


def kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def sweep(marker: str, *, quiet_passes: int = 1) -> None:
    """Kills until nothing bears the marker. Blocks; nearly always for two looks at /proc."""
    quiet = 0
    for _ in range(PASSES_MAX):
        pids = [pid for found in marked_by(marker).values() for pid in found]
        kill(pids)
        quiet = 0 if pids else quiet + 1
        if quiet >= quiet_passes:
            return
        time.sleep(PAUSE_S)


def _mark(pid: str, wanted: bytes) -> str | None:
    """What follows `wanted` in the environment of a process."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = b"\0" + file.read()
    except OSError:
        return None
    _, found, rest = environment.partition(wanted)
    return rest.partition(b"\0")[0].decode("ascii", "replace") if found else None


def main() -> None:
    # A Ctrl-C or a hang-up is for the executor; the end of stdin tells us.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 1):
        pass
    sweep(sys.argv[1], quiet_passes=QUIET_PASSES)


if __name__ == "__main__":
    main()
