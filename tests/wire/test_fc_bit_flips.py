"""Function Compute under every single flipped bit of valid requests: refused in its words, or taken.

Each request is first seen to be taken as it is. Whatever is signed must then be refused once a bit of it differs.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from localcloud.fc.api import FcEndpoint
from localcloud.fc.code import CodeFolders
from localcloud.fc.errors import STATUS, FcError
from localcloud.fc.limits import STRICT
from localcloud.fc.values import TriggerSpec
from localcloud.http import Request, Response
from localcloud.mns.errors import MnsError
from localcloud.mns.values import Outgoing
from tests.contract.fc.worlds import ACCOUNT, FcWorld, queue_trigger, spec
from tests.wire import fc_captured as captured

FORGIVING = replace(STRICT, refuses_repeated_nonces=False)
"""So that flips that change nothing are taken again and again."""
NEW = "/2023-03-30/functions"
OLD = "/2016-08-15/services/fleetrun/functions"


@dataclass(frozen=True)
class Flip:
    """Where, and the request with that bit turned."""

    part: str
    request: Request


def flipped(data: bytes) -> Iterator[bytes]:
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            yield bytes(changed)


def flipped_text(text: str) -> Iterator[str]:
    for data in flipped(text.encode("latin-1")):
        yield data.decode("latin-1")


def flips_of_head(request: Request) -> Iterator[Flip]:
    for part in ("method", "path", "query"):
        for text in flipped_text(getattr(request, part)):
            yield Flip(part, replace(request, **{part: text}))  # type: ignore[arg-type]
    for name, value in request.headers.items():
        for text in flipped_text(value):
            yield Flip(name, replace(request, headers={**request.headers, name: text}))
        for text in flipped_text(name):
            headers = {key: one for key, one in request.headers.items() if key != name}
            yield Flip(f"name of {name}", replace(request, headers={**headers, text: value}))


def flips_of_body(request: Request) -> Iterator[Flip]:
    for body in flipped(request.body):
        yield Flip("body", replace(request, body=body))


def world_with_functions() -> FcWorld:
    """The functions of the captured calls, "g" without a trigger; versions 1 and 2 and the alias "prod"."""
    world = FcWorld(limits=FORGIVING)
    world.fc.create_function(spec("f3"))
    world.fc.create_trigger(TriggerSpec("f", "web", "http", {"authType": "function", "methods": ["GET", "POST"]}))
    for owner in ("services/fleetrun", "functions/f"):
        for description in ("first", "second"):
            functions = {record.key: record.function for record in world.fc.functions.all()}
            world.fc.versions.publish(owner, functions, description)
        world.fc.versions.create_alias(owner, "prod", "1", description="", weights={})
    return world


def answers_of(
    flips: Iterator[Flip], *, first: Request, signed: bool, renew: Callable[[FcWorld], None] = lambda _: None
) -> list[tuple[Flip, Response]]:
    """The answer to each flip; `first`, unflipped, is taken. `renew`: makes room again after each."""
    found: list[tuple[Flip, Response]] = []

    async def story(world: FcWorld) -> None:
        endpoint = FcEndpoint(world.fc, account=ACCOUNT, ids=world.ids, checks_signature=signed)
        answer = await endpoint.handle(first)
        assert answer.status in (200, 202), answer.body
        renew(world)
        for flip in flips:
            assert endpoint.operation(flip.request)
            found.append((flip, await endpoint.handle(flip.request)))
            renew(world)

    world_with_functions().play(story)
    return found


def check(found: list[tuple[Flip, Response]]) -> Counter[str]:
    """Each answer is a success or a known refusal of the caller, in the form that SDKs read. Counts them by code."""
    counts: Counter[str] = Counter()
    for flip, answer in found:
        assert dict(answer.headers)["X-Fc-Request-Id"], flip
        if answer.status < 300:
            counts["taken"] += 1
            continue
        told = json.loads(answer.body)
        code = told.get("ErrorCode") or told.get("Code")
        assert told.get("ErrorMessage") or told.get("Message"), flip
        assert answer.status == STATUS[code], flip
        assert answer.status < 500 or code == "NotImplemented", (flip, answer)
        counts[code] += 1
    return counts


# -- signatures and heads ---------------------------------------------------------------------------------------------
SIGNED = {
    "fc2 invokes": captured.OLD_INVOKE,
    "fc2 calls a trigger": captured.OLD_PROXY,
    "fc20230330 lists": captured.NEW_LIST,
    "fc20230330 invokes": captured.NEW_INVOKE,
}


def is_the_same(flip: Flip, first: Request) -> bool:
    """May this flip be taken? What is not signed, or means the same in other letters."""
    request = flip.request
    headers = {name: text for name, text in first.headers.items() if request.headers.get(name) != text}
    if flip.part == "authorization":
        # Hexadecimal digits in the other case; blanks, which a no-break space counts among.
        now = request.headers["authorization"].lower().replace("\xa0", " ")
        return now == first.headers["authorization"].lower()
    if flip.part in ("method", "body"):
        return flip.part == "body" and "x-acs-date" not in first.headers  # FC's own signature leaves the body out
    if flip.part == "path":
        return unquote(request.path) == unquote(first.path)
    if flip.part == "query":
        return unquote(request.query) == unquote(first.query)
    return bool(headers) and all(name in UNSIGNED or name not in first.headers for name in headers)


UNSIGNED = {"host", "accept", "user-agent", "connection", "accept-encoding", "content-length"}


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_no_flipped_bit_of_what_is_signed_is_let_in_and_none_breaks_the_door(name: str) -> None:
    first = SIGNED[name]

    found = answers_of(iter([*flips_of_head(first), *flips_of_body(first)]), first=first, signed=True)

    check(found)
    let_in = [flip for flip, answer in found if answer.status < 300 and not is_the_same(flip, first)]
    assert not let_in, [(flip.part, flip.request) for flip in let_in[:3]]


# -- documents --------------------------------------------------------------------------------------------------------
def archive(compression: int) -> str:
    """In Base64."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as content:
        content.writestr("index.py", "def handler(e, c):\n    return e\n")
    return base64.b64encode(buffer.getvalue()).decode()


STORED = archive(zipfile.ZIP_STORED)


def document(method: str, path: str, value: Any) -> Request:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Request(method, path, "", {"host": "fc", "content-type": "application/json"}, body, 0)


def function(**fields: Any) -> dict[str, Any]:
    return {"functionName": "h", "runtime": "python3.10", "handler": "index.handler", "timeout": 20, **fields}


def trigger(kind: str, config: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"triggerName": "t", "triggerType": kind, "triggerConfig": json.dumps(config), **fields}


TOPIC_ARN = f"acs:mns:cn-hangzhou:{ACCOUNT.account_id}:/topics/t"
ASYNC = {
    "maxAsyncRetryAttempts": 2,
    "maxAsyncEventAgeInSeconds": 3600,
    "destinationConfig": {"onFailure": {"destination": "acs:mns:::/queues/told/messages"}},
}
DOCUMENTS = {
    "CreateFunction": document(
        "POST",
        NEW,
        function(
            memorySize=512,
            environmentVariables={"A": "ü"},
            instanceLifecycleConfig={"initializer": {"handler": "index.handler", "timeout": 9}},
            code={"zipFile": archive(zipfile.ZIP_DEFLATED)},
        ),
    ),
    "CreateFunction, 2016-08-15": document(
        "POST", OLD, function(initializer="index.handler", code={"zipFile": STORED})
    ),
    "UpdateFunction": document("PUT", f"{NEW}/f", {"timeout": 30, "environmentVariables": {"B": "2"}}),
    "CreateService": document("POST", "/2016-08-15/services", {"serviceName": "s", "description": None}),
    "CreateTrigger timer": document(
        "POST", f"{NEW}/f/triggers", trigger("timer", {"cronExpression": "@every 5m", "enable": True, "payload": "p"})
    ),
    "CreateTrigger cron": document(
        "POST", f"{NEW}/f/triggers", trigger("timer", {"cronExpression": "CRON_TZ=Asia/Shanghai 0 30 4 1-5,7 * MON"})
    ),
    "CreateTrigger eventbridge": document(
        "POST",
        f"{NEW}/f/triggers",
        trigger(
            "eventbridge",
            {
                **queue_trigger().config,
                "runOptions": {
                    "mode": "event-streaming",
                    "errorsTolerance": "ALL",
                    "retryStrategy": {"PushRetryStrategy": "BACKOFF_RETRY", "MaximumRetryAttempts": 3},
                    "deadLetterQueue": {"Arn": f"acs:mns:cn-hangzhou:{ACCOUNT.account_id}:/queues/dlq"},
                    "batchWindow": {"CountBasedWindow": 10, "TimeBasedWindow": 1},
                },
            },
        ),
    ),
    "CreateTrigger mns_topic": document(
        "POST",
        f"{NEW}/f/triggers",
        trigger("mns_topic", {"notifyContentFormat": "JSON", "filterTag": "x"}, sourceArn=TOPIC_ARN),
    ),
    "CreateTrigger http": document(
        "POST", f"{NEW}/g/triggers", trigger("http", {"authType": "anonymous", "methods": ["GET"]})
    ),
    "PutAsyncInvokeConfig": document("PUT", f"{NEW}/f/async-invoke-config", ASYNC),
    "PutConcurrencyConfig": document("PUT", f"{NEW}/f/concurrency", {"reservedConcurrency": 3}),
    "PutProvisionConfig": document("PUT", f"{NEW}/f/provision-config", {"target": 1}),
    "PutScalingConfig": document("PUT", f"{NEW}/f/scaling-config", {"minInstances": 1}),
    "CreateLayerVersion": document(
        "POST",
        "/2023-03-30/layers/l/versions",
        {"compatibleRuntime": ["python3.10"], "description": "d", "code": {"zipFile": STORED}},
    ),
    "PublishFunctionVersion": document("POST", f"{NEW}/f/versions", {"description": "first"}),
    "CreateAlias": document(
        "POST", f"{NEW}/f/aliases", {"aliasName": "a", "versionId": "1", "additionalVersionWeight": {"2": 0.5}}
    ),
}


def renewed(world: FcWorld) -> None:
    """As before the request: what it made is gone."""
    for record in world.fc.functions.all():
        if record.key not in ("f", "f3", "g"):
            world.fc.delete_function(record.key)
    for key in ("f", "g"):
        for made in world.fc.triggers.of(key):
            if (key, made.spec.name) != ("f", "web"):
                world.fc.triggers.delete(key, made.spec.name)
    for alias in world.fc.versions.aliases("functions/f"):
        if alias.name != "prod":
            world.fc.versions.delete_alias("functions/f", alias.name)


@pytest.mark.parametrize("operation", sorted(DOCUMENTS))
def test_no_flipped_bit_of_a_document_breaks_its_operation(operation: str) -> None:
    first = DOCUMENTS[operation]
    flips = list(flips_of_body(first))

    found = answers_of(iter(flips), first=first, signed=False, renew=renewed)

    counts = check(found)
    assert counts["InvalidArgument"] > len(flips) // 20, counts


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_with_a_flipped_bit_in_its_packed_file_is_refused_and_leaves_no_folder(
    compression: int, tmp_path: Path
) -> None:
    whole = base64.b64decode(archive(compression))
    start, end = len("index.py") + 30, whole.index(b"PK\x01\x02")
    folders = CodeFolders(tmp_path)
    codes = []

    for packed in flipped(whole[start:end]):
        with contextlib.suppress(FcError):
            folders.unpack(whole[:start] + packed + whole[end:])
            codes.append("taken")

    left = [path for root in tmp_path.iterdir() for path in root.iterdir()]
    assert len(left) == len(codes) < 8 * (end - start) // 4


# -- events -----------------------------------------------------------------------------------------------------------
def test_no_flipped_bit_of_an_http_call_breaks_the_event_that_is_made_of_it() -> None:
    first = Request(
        "POST",
        "/2016-08-15/proxy/fleetrun/g/a%20b/%C3%BC",
        "k=%C3%A4+1&k=2&e=",
        {"host": "fc", "content-type": "application/json; charset=utf-8", "x-mine": "1"},
        '{"ü": 1}'.encode(),
        0,
    )
    taken: list[bytes] = []

    async def story(world: FcWorld) -> None:
        world.fc.create_trigger(TriggerSpec("g", "open", "http", {"authType": "anonymous", "methods": ["POST"]}))
        endpoint = FcEndpoint(world.fc, account=ACCOUNT, ids=world.ids)
        found = [(flip, await endpoint.handle(flip.request)) for flip in [*flips_of_head(first), *flips_of_body(first)]]
        check(found)
        taken.extend(world.functions.events("g"))
        assert len(taken) == sum(answer.status == 200 for _, answer in found)

    world_with_functions().play(story)

    # Headers and body are the function's affair: none of their flips is refused.
    assert len(taken) >= len(list(flips_of_body(first)))
    for event in taken:
        assert json.loads(event)["version"] == "v1"


@pytest.mark.parametrize("schema", ["CloudEvents", "RawData"])
@pytest.mark.parametrize("decodes", [True, False])
def test_no_flipped_bit_of_a_queued_message_stops_its_trigger(schema: str, decodes: bool) -> None:
    bodies = list(flipped_text(base64.b64encode("héllo\n".encode()).decode()))
    world = FcWorld()
    made = queue_trigger(config={"eventSinkConfig": {"deliveryOption": {"eventSchema": schema}}})
    made.config["eventSourceConfig"]["eventSourceParameters"]["sourceMNSParameters"]["IsBase64Decode"] = decodes
    world.fc.create_trigger(made)
    sent: list[str] = []

    async def story(world: FcWorld) -> None:
        for body in bodies:
            with contextlib.suppress(MnsError):  # what XML cannot carry
                world.mns.send("q", Outgoing(body))
                sent.append(body)
        for _ in bodies:
            await world.settle()

        assert world.waiting("q") == 0

    world.play(story)

    events = [one for event in world.functions.events("f") for one in json.loads(event)]
    shown = [(one["data"] if schema == "CloudEvents" else one)["messageBody"] for one in events]
    assert len(shown) == len(sent) > len(bodies) * 3 // 4
    assert decodes or sorted(shown) == sorted(sent)
