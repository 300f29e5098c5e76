"""Function Compute over a real socket for the official SDKs, with real worker processes."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import zipfile
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import pytest

from localcloud.acs3 import canonical_request, sha256, sign
from localcloud.clock import SystemClock, Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.fc.api import FcEndpoint
from localcloud.fc.limits import STRICT, Limits
from localcloud.fc.mns_queues import MnsQueues
from localcloud.fc.pool import ProcessWorkers
from localcloud.fc.routes import NEW, Version
from localcloud.fc.service import FcService
from localcloud.http import Request
from localcloud.ids import Ids
from localcloud.journal import Journal, NoJournal
from localcloud.mns.service import MnsService
from tests.contract.fc.worlds import ACCOUNT
from tests.contract.serve import Served, serve

T = TypeVar("T")
WAIT_S_MAX = 20.0


def archive(files: Mapping[str, str]) -> bytes:
    """A ZIP of files, by their place in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        for place, text in files.items():
            content.writestr(place, text)
    return buffer.getvalue()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class FcServer:
    """A served service, with the queues "told" and "q"."""

    fc: FcService
    mns: MnsService
    served: Served

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.served.loop).result(WAIT_S_MAX)

    def client(self, **changes: str) -> Any:
        """An unmodified client of aliyun-fc2."""
        import fc2

        keys = {"accessKeyID": ACCOUNT.access_key_id, "accessKeySecret": ACCOUNT.access_key_secret}
        return fc2.Client(endpoint=self.served.url, **{**keys, **changes})

    def ask(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None, *, signed: bool = True
    ) -> Answer:
        """A request as the current SDKs send it: ACS3-HMAC-SHA256, JSON when `body` is."""
        path, _, query = target.partition("?")
        sent = {"host": self.served.url.removeprefix("http://"), "x-acs-date": signing_date(), **(headers or {})}
        sent["x-acs-content-sha256"] = sha256(body)
        if signed:
            names = sorted(sent)
            request = Request(method, path, query, sent, body, 0)
            signature = sign(canonical_request(request, names, sha256(body)), ACCOUNT.access_key_secret)
            sent["authorization"] = (
                f"ACS3-HMAC-SHA256 Credential={ACCOUNT.access_key_id},SignedHeaders={';'.join(names)},"
                f"Signature={signature}"
            )
        return self.fetch(method, target, body, sent)

    def tell(self, method: str, target: str, value: Any) -> Answer:
        """As `ask`, with a JSON body."""
        return self.ask(method, target, json.dumps(value).encode(), {"content-type": "application/json"})

    def fetch(self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """A plain request."""
        request = UrlRequest(self.served.url + target, data=body or None, headers=headers or {}, method=method)
        try:
            with urlopen(request, timeout=WAIT_S_MAX) as response:
                return Answer(response.status, _lower(response.headers), response.read())
        except HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())

    @staticmethod
    def code_of(files: Mapping[str, str]) -> dict[str, str]:
        """`code` of a request."""
        return {"zipFile": base64.b64encode(archive(files)).decode()}

    def create(self, name: str, code: str, **fields: Any) -> Any:
        """A function of API 2023-03-30."""
        given = {"functionName": name, "runtime": "python3.10", "handler": "index.handler", "timeout": 20, **fields}
        given.setdefault("code", self.code_of({"index.py": code}))
        answer = self.tell("POST", "/2023-03-30/functions", given)
        assert answer.status == 200, answer.body
        return answer.json()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def signing_date(*, hours: int = 0) -> str:
    """For x-acs-date: the machine's time and so many hours."""
    return f"{datetime.now(timezone.utc) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


def told(answer: Answer, version: Version) -> str:
    """The code in the error's document, whose form is checked."""
    document = answer.json()
    names = {"RequestId", "Code", "Message"} if version == NEW else {"ErrorCode", "ErrorMessage"}
    assert set(document) == names, document
    assert answer.headers["content-type"] == "application/json"
    assert document.get("RequestId", answer.headers["x-fc-request-id"]) == answer.headers["x-fc-request-id"] != ""
    assert all(isinstance(value, str) and value for value in document.values()), document
    return str(document["Code" if version == NEW else "ErrorCode"])


@pytest.fixture
def server() -> Iterator[FcServer]:
    with fc_server() as made:
        yield made


@contextmanager
def fc_server(limits: Limits = STRICT, *, journal: Journal | None = None) -> Iterator[FcServer]:
    timeline, ids = Timeline(ControlledClock()), Ids(1)
    mns = MnsService(account=ACCOUNT, timeline=timeline, ids=ids, journal=NoJournal())
    for name in ("q", "told"):
        mns.create_queue(name)
    fc = FcService(
        account=ACCOUNT,
        timeline=timeline,
        ids=ids,
        journal=journal or NoJournal(),
        queues=MnsQueues(mns),
        workers=ProcessWorkers(account=ACCOUNT, timeline=timeline, ids=ids, limits=limits),
        limits=limits,
    )
    endpoint = FcEndpoint(fc, account=ACCOUNT, ids=ids, date_clock=SystemClock())
    with serve(endpoint, timeline=timeline) as served:
        made = FcServer(fc, mns, served)
        made.run(fc.start())
        yield made
        made.run(fc.close())
