"""`python -m localcloud [PORT]`: this project's local cloud in the foreground. `fleetrun local` has the options."""

from __future__ import annotations

import sys

from localcloud.cloud import run_foreground
from localcloud.options import PORT_DEFAULT, Options

if __name__ == "__main__":
    run_foreground(Options(port=int(sys.argv[1]) if len(sys.argv) > 1 else PORT_DEFAULT))
