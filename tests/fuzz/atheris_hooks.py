"""Webhooks in: any bytes as a rightly signed body, through several mappings; any text as path, header, secret."""

from __future__ import annotations

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["shared", "msgspec", "jmespath"]):
    from shared.app.hooks import put_hook
    from shared.core.errors import Refused
    from shared.core.signed import secret_bytes
from tests.app.access_cases import ADMIN
from tests.fuzz.calls import MAPPINGS, hook_called, hook_spec, world


def one_input(data: bytes) -> None:
    given = atheris.FuzzedDataProvider(data)
    scheme = given.PickValueInList(["standard", "github"])
    mapping = given.PickValueInList(list(MAPPINGS))
    when = given.PickValueInList(["", "body.*", "event == 'push'"])
    if given.ConsumeProbability() > 0.8:
        path = given.ConsumeUnicode(given.ConsumeIntInRange(0, 60))
        mapping, when = {**mapping, "parameters": {"a": {"from": path}}}, path
    headers = {}
    if given.ConsumeProbability() > 0.9:
        text = given.ConsumeUnicode(given.ConsumeIntInRange(0, 80))
        headers[given.PickValueInList(["webhook-id", "webhook-timestamp", "webhook-signature"])] = text
    body = given.ConsumeBytes(given.remaining_bytes())
    web = world()
    refusal = refused(lambda: put_hook(web.ports, ADMIN, hook_spec(scheme, mapping, when=when), entry_id="hooked"))
    if refusal is not None:
        assert refusal.field, refusal
        return
    found = hook_called(web, scheme, body, headers)
    assert found is None or found.status in (202, 400, 401, 413, 422), found
    assert len(web.world.runs.runs) <= 1
    refusal = refused(lambda: secret_bytes(body[:200].decode("utf-8", "replace")))
    assert refusal is None or refusal.field == "secret"


def refused(act: Callable[[], object]) -> Refused | None:
    try:
        act()
    except Refused as error:
        return error
    return None


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
