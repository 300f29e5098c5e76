"""What somebody may put into a message: broken, deep, long, doubled, not a number, not a character. As strategies."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(), max_size=40) | st.sampled_from(
    [
        "\ud800",
        "\x00",
        "\x1b[31m",
        "<script>",
        "i-1",
        "10%",
        "99999999999999999999",
        "{triggerTime}",
        "a" * 300,
        "🦀" * 50,
    ]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**30), 2**63, 2**64, 1e308, -0.0])
LEAVES = st.none() | st.booleans() | NUMBERS | TEXT
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)

REQUEST_FIELDS = (
    *("kind", "requestId", "region", "command", "parameters", "timeout", "username", "targets", "rateControl"),
    *("schedule", "onUnfit", "onQuotaExhausted", "runId", "instanceIds", "schema"),
)
NAMES = st.sampled_from(REQUEST_FIELDS) | TEXT

GOOD: dict[str, Any] = {
    "kind": "invoke",
    "requestId": "deploy-1",
    "command": {"type": "RunShellScript", "content": "uptime"},
    "targets": {"instanceIds": ["i-1"]},
}
STOP: dict[str, Any] = {"kind": "stop", "requestId": "stop-1", "runId": "r-1"}

BRACES = (b"[" * 65_536, b"{" * 65_536, b'{"a":' * 13_000, b"[[" * 16_000 + b"]]" * 16_000, b'"' + b"\\" * 65_535)
ODD_DOCUMENTS = (
    b"",
    b"null",
    b"NaN",
    b"-Infinity",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b'{"kind":"invoke","kind":"stop"}',
    b'{"kind":"invoke","requestId":"a","requestId":"b","command":{},"targets":{}}',
    b'{"requestId":"\\ud800"}',
    b'{"timeout":1e999}',
    b'{"timeout":' + b"9" * 5_000 + b"}",
    b'{"kind":"invoke"}\x00',
    b"{}{}",
)


def dumps(value: Any) -> bytes:
    """JSON as a careless sender writes it: NaN and lone surrogates stay in."""
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


@st.composite
def twisted(draw: st.DrawFn, base: dict[str, Any]) -> bytes:
    """A good request with some of its fields replaced, added, or left out, on any level."""
    request = json.loads(json.dumps(base))
    for _ in range(draw(st.integers(1, 3))):
        holder = request
        while draw(st.booleans()):
            inner = [value for value in holder.values() if isinstance(value, dict)]
            if not inner:
                break
            holder = draw(st.sampled_from(inner))
        if holder and draw(st.integers(0, 4)) == 0:
            del holder[draw(st.sampled_from(sorted(holder)))]
        else:
            known = st.sampled_from(sorted(holder)) if holder else NAMES
            holder[draw(known | NAMES)] = draw(VALUES)
    return dumps(request)


BODIES = (
    st.binary(max_size=200)
    | VALUES.map(dumps)
    | twisted(GOOD)
    | twisted(STOP)
    | st.sampled_from(ODD_DOCUMENTS)
    | st.sampled_from(BRACES)
)


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """What a trigger, or somebody who plays one, hands to a function."""
    body = draw(BODIES)
    shape = draw(st.integers(0, 7))
    text = body.decode("utf-8", "replace")
    if draw(st.booleans()):
        text = base64.b64encode(body).decode()
    if shape == 0:
        return dumps(
            [{"specversion": "1.0", "id": draw(TEXT), "data": {"messageId": draw(LEAVES), "messageBody": text}}]
        )
    if shape == 1:
        return dumps({"specversion": draw(LEAVES), "data": draw(VALUES)})
    if shape == 2:
        return dumps([{"messageBody": draw(VALUES), "messageId": draw(LEAVES)}, draw(VALUES)])
    if shape == 3:
        return dumps({"TopicName": draw(LEAVES), "Message": draw(VALUES), "MessageId": draw(LEAVES)})
    if shape == 4:
        return dumps({"triggerTime": draw(LEAVES), "triggerName": draw(LEAVES), "payload": draw(VALUES)})
    if shape == 5:
        return dumps({"body": draw(VALUES), "attrs": draw(VALUES)})
    if shape == 6:
        return dumps([text, body.decode("latin-1")])
    return body
