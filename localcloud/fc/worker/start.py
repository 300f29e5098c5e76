"""The script of a worker process: `python -I -S start.py CONTROL_FD LIFELINE_FD`.

Strategy: `-I` keeps this folder off the path, because its modules' names must not shadow the function's; `-S` keeps the
local cloud's own packages off it, so that a function sees its layers and what its runtime has, no more. The folder is
made importable under its own name through stand-ins for the packages above it, which are taken away before any code of
the function is imported.
"""

import sys
import types
from pathlib import Path

PACKAGE = "localcloud.fc.worker"


def main() -> None:
    """Serves one parent until it goes away."""
    parts = PACKAGE.split(".")
    for depth in range(1, len(parts) + 1):
        stand_in = types.ModuleType(".".join(parts[:depth]))
        stand_in.__path__ = [str(Path(__file__).resolve().parent)] if depth == len(parts) else []
        sys.modules[stand_in.__name__] = stand_in
    from localcloud.fc.worker.serve import serve

    for name in [name for name in sys.modules if name.partition(".")[0] == parts[0]]:
        del sys.modules[name]
    serve(int(sys.argv[1]), int(sys.argv[2]))


if __name__ == "__main__":
    main()
