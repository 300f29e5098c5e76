"""A process of its own that serves Function Compute and keeps its state in DIR, to be killed: says its address, waits.

python -m tests.contract.fc.on_disk DIR
"""

from __future__ import annotations

import sys
from pathlib import Path

from localcloud.cloud import run_foreground
from localcloud.options import Options

if __name__ == "__main__":
    run_foreground(Options(data=Path(sys.argv[1]), deploys=False))
