"""Writes every page that is made, and the made parts of the pages that are written."""

from __future__ import annotations

import sys

from cli.reference.pages import ROOT, pages


def main() -> int:
    for name, text in pages().items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}: made anew\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
