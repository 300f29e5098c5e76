"""A Tablestore to test: in the process, and served over a socket."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from localcloud.account import Account
from localcloud.clock import ManualClock, SystemClock, Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.http import Request, Response
from localcloud.ids import Ids
from localcloud.journal import Journal, NoJournal
from localcloud.tablestore.api import TablestoreEndpoint
from localcloud.tablestore.limits import STRICT, Limits
from localcloud.tablestore.messages import messages
from localcloud.tablestore.schema import DefinedColumn, IndexMeta, KeyColumn, TableMeta, TableOptions
from localcloud.tablestore.service import TablestoreService
from tests.contract.serve import Served, serve

ACCOUNT = Account()
ONE_KEY = TableMeta("t", (KeyColumn("id", "STRING"),))
TWO_KEYS = TableMeta("t", (KeyColumn("part", "STRING"), KeyColumn("number", "INTEGER")))


@dataclass
class TablestoreWorld:
    """A service whose clock stands still until `advance`."""

    limits: Limits = STRICT
    journal: Journal = field(default_factory=NoJournal)

    def __post_init__(self) -> None:
        self.clock = ManualClock()
        self.timeline = Timeline(self.clock)
        ids = Ids(1)
        self.service = TablestoreService(
            account=ACCOUNT, timeline=self.timeline, ids=ids, journal=self.journal, limits=self.limits
        )
        self.endpoint = TablestoreEndpoint(self.service, account=ACCOUNT, ids=ids)

    def advance(self, ms: int) -> None:
        self.timeline.advance_to(self.clock.now_ms() + ms)

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def request(self, operation: str, body: bytes, **headers: str) -> Request:
        """As an SDK would sign it with V2, with `headers` on top ("_" for "-"; a value of "" takes a header away)."""
        moment = datetime.fromtimestamp(self.now_ms / 1000, timezone.utc)
        sent = {
            "x-ots-date": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "x-ots-apiversion": "2015-12-31",
            "x-ots-accesskeyid": ACCOUNT.access_key_id,
            "x-ots-instancename": ACCOUNT.tablestore_instance,
            "x-ots-contentmd5": base64.b64encode(hashlib.md5(body).digest()).decode(),
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        lines = "\n".join(sorted(f"{name}:{value}" for name, value in sent.items()))
        signed = f"/{operation}\nPOST\n\n{lines}\n"
        digest = hmac.digest(ACCOUNT.access_key_secret.encode(), signed.encode(), "sha1")
        sent.setdefault("x-ots-signature", base64.b64encode(digest).decode())
        return Request("POST", f"/{operation}", "", sent, body, self.now_ms)

    def handle(self, request: Request) -> Response:
        """The endpoint's answer, without a socket."""
        return asyncio.run(self.endpoint.handle(request))

    def ask(self, operation: str, message: Any) -> Any:
        """The answer to a protobuf message: `<operation>Response`, or an `Error` where it was refused."""
        response = self.handle(self.request(operation, message.SerializeToString()))
        known = messages().table
        kind = getattr(known, f"{operation}Response") if response.status == 200 else known.Error
        return kind.FromString(response.body)

    def table(self, meta: TableMeta = ONE_KEY, *indexes: IndexMeta, **options: Any) -> TablestoreService:
        self.service.create_table(meta, TableOptions(**options), indexes=indexes)
        return self.service


def indexed_table(name: str = "t") -> TableMeta:
    return TableMeta(
        name,
        (KeyColumn("part", "STRING"), KeyColumn("number", "INTEGER")),
        (DefinedColumn("status", "STRING"), DefinedColumn("size", "INTEGER"), DefinedColumn("note", "STRING")),
    )


@dataclass(frozen=True)
class TablestoreServer:
    """A served service. Its clock goes until `served.call(clock.freeze)`."""

    service: TablestoreService
    served: Served
    clock: ControlledClock

    def client(self, **changes: Any) -> Any:
        """An unmodified client of the SDK that repeats nothing."""
        from tablestore import OTSClient
        from tablestore.retry import NoRetryPolicy

        values = {
            "endpoint": self.served.url,
            "id": ACCOUNT.access_key_id,
            "secret": ACCOUNT.access_key_secret,
            "instance": ACCOUNT.tablestore_instance,
            "retry_policy": NoRetryPolicy(),
            "socket_timeout": 10,
        } | changes
        names = ("endpoint", "id", "secret", "instance")
        return OTSClient(*(values.pop(name) for name in names), **values)


@contextmanager
def running(limits: Limits = STRICT, journal: Journal | None = None) -> Iterator[TablestoreServer]:
    clock, ids = ControlledClock(), Ids(1)
    timeline = Timeline(clock)
    journal = journal or NoJournal()
    service = TablestoreService(account=ACCOUNT, timeline=timeline, ids=ids, journal=journal, limits=limits)
    # The SDK's dates are the machine's, whatever a test does to our clock.
    endpoint = TablestoreEndpoint(service, account=ACCOUNT, ids=ids, date_clock=SystemClock())
    with serve(endpoint, timeline=timeline, journal=journal) as served:
        yield TablestoreServer(service, served, clock)
