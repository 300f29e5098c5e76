"""Makes events/schema/*.json out of the types. Run it after a change of a message: `python -m cli.schemas`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from cli.event_types import Event
from shared.core.requests import Request

FOLDER = Path(__file__).resolve().parent.parent / "events" / "schema"
_TYPES: dict[str, tuple[Any, str]] = {
    "request.json": (Request, "What callers send to the queues fleetrun-requests and fleetrun-stops"),
    "event.json": (Event, "What fleetrun publishes to the topic fleetrun-events"),
}


def schemas() -> dict[str, bytes]:
    """The files by name."""
    return {name: _schema(kind, title) for name, (kind, title) in sorted(_TYPES.items())}


def _schema(kind: Any, title: str) -> bytes:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    encoded = msgspec.json.encode({**head, **msgspec.json.schema(kind)})
    return msgspec.json.format(encoded, indent=2) + b"\n"


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in schemas().items():
        (FOLDER / name).write_bytes(content)
        sys.stdout.write(f"{FOLDER.name}/{name}: {len(content)} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
