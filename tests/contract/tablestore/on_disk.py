"""A process of its own that serves Tablestore, to be killed or measured: says its address, then waits.

python -m tests.contract.tablestore.on_disk [DIR]        with DIR its state is kept there
"""

from __future__ import annotations

import sys
from pathlib import Path

from localcloud.file_journal import FileJournal
from tests.contract.tablestore.worlds import running


def main(*folders: str) -> None:
    journal = FileJournal(Path(folders[0])) if folders else None
    with running(journal=journal) as server:
        sys.stdout.write(f"{server.served.url}\n")
        sys.stdout.flush()
        sys.stdin.read()  # ends when whoever started us is gone


if __name__ == "__main__":
    main(*sys.argv[1:])
