"""A process of its own that serves Tablestore from a directory, to be killed: says its address, then waits."""

from __future__ import annotations

import sys
from pathlib import Path

from localcloud.file_journal import FileJournal
from tests.contract.tablestore.worlds import running


def main(folder: str) -> None:
    with running(journal=FileJournal(Path(folder))) as server:
        sys.stdout.write(f"{server.served.url}\n")
        sys.stdout.flush()
        sys.stdin.read()  # ends when whoever started us is gone


if __name__ == "__main__":
    main(sys.argv[1])
