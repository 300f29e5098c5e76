"""A process of its own that serves Function Compute and keeps its state in DIR, to be killed: says its address, waits.

python -m tests.contract.fc.on_disk DIR [PROJECT]

With the template of PROJECT, or empty.
"""

from __future__ import annotations

import sys
from pathlib import Path

from localcloud.cloud import run_foreground
from localcloud.options import Options

if __name__ == "__main__":
    data, *projects = map(Path, sys.argv[1:])
    if projects:
        run_foreground(Options(data=data, project=projects[0]))
    else:
        run_foreground(Options(data=data, deploys=False))
