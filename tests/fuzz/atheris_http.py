"""The HTTP API: any bytes as Function Compute's event; any query, cursor, header and body of any route."""

from __future__ import annotations

import base64
import json
import sys

import atheris

with atheris.instrument_imports(include=["shared", "msgspec"]):
    from shared.web.routes import ROUTES
from tests.fuzz.calls import NAMES, admin_key, call_event, dumped, judged, served, world, world_with_run

HEADERS = ("Idempotency-Key", "Accept", "If-None-Match", "Content-Type", "Authorization", "X-Other")


def one_input(data: bytes) -> None:
    given = atheris.FuzzedDataProvider(data)
    if given.ConsumeProbability() > 0.9:
        judged(served(given.ConsumeBytes(given.remaining_bytes()), world()))
        return
    route = given.PickValueInList(list(ROUTES))
    known = list(route.query.__struct_encode_fields__)
    query, headers, path = {}, {"Content-Type": "application/json", "Authorization": admin_key()}, route.path
    for name, value in NAMES.items():
        other = given.ConsumeProbability() > 0.95
        path = path.replace(f"{{{name}}}", _text(given, 30) if other else value)
    for _ in range(given.ConsumeIntInRange(0, 3)):
        name = given.PickValueInList(known) if known and given.ConsumeBool() else _text(given, 10)
        query[name] = _cursor(given) if name == "cursor" and given.ConsumeBool() else _text(given, 40)
    for _ in range(given.ConsumeIntInRange(0, 2)):
        headers[given.PickValueInList(list(HEADERS))] = _text(given, 60)
    body = given.ConsumeBytes(given.remaining_bytes())
    web = world_with_run() if "runId" in route.path else world()
    judged(served(dumped(call_event(route.method, path, query=query, headers=headers, body=body)), web))


def _text(given: atheris.FuzzedDataProvider, longest: int) -> str:
    text: str = given.ConsumeUnicodeNoSurrogates(given.ConsumeIntInRange(0, longest))
    return text


def _cursor(given: atheris.FuzzedDataProvider) -> str:
    kind = given.ConsumeIntInRange(0, 2)
    if kind == 0:
        raw = given.ConsumeBytes(given.ConsumeIntInRange(0, 60))
    elif kind == 1:
        raw = json.dumps([_text(given, 12), _text(given, 12)]).encode()
    else:
        raw = json.dumps([given.ConsumeInt(2), given.ConsumeInt(2)]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
