"""The protobuf messages, from the .proto files that Alibaba publishes in the `tablestore` package.

Importing `tablestore.protobuf` would run the whole SDK's `__init__` (a third of a second). The generated modules need
nothing of it, so they are loaded by their path. Protobuf makes one class per message and process: should the SDK be
imported, too, both have the same classes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from localcloud.tablestore.errors import invalid


class Messages:
    """The modules `table` (requests, replies) and `filter`."""

    def __init__(self) -> None:
        # Late: it is most of the 35 ms, and the local cloud shall be ready soon.
        from google.protobuf.message import DecodeError

        self.table = _load("table_store_pb2")
        self.filter = _load("table_store_filter_pb2")
        self.decode_error: type[Exception] = DecodeError


@lru_cache(maxsize=1)
def messages() -> Messages:
    """Loads them once; takes about 35 ms, most of it protobuf itself."""
    return Messages()


def parsed(kind: Any, data: bytes, *, failure: str) -> Any:
    """A message of class `kind` with all its required fields. Raises OTSParameterInvalid with the text `failure`."""
    try:
        message = kind.FromString(data)
    except messages().decode_error:
        raise invalid(failure) from None
    if not message.IsInitialized():
        raise invalid(failure)
    return message


def text(value: Any) -> str:
    """A text field. Protobuf hands out bytes where it is not UTF-8: raises OTSParameterInvalid."""
    if not isinstance(value, str):
        raise invalid("Parse PBMessage from RawString failed.")
    return value


def texts(values: Iterable[Any]) -> tuple[str, ...]:
    """As `text`, for a repeated field."""
    return tuple([text(value) for value in values])


def _load(name: str) -> Any:
    package = importlib.util.find_spec("tablestore")  # finds, does not import
    assert package is not None, "the package tablestore is not installed"
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0]) / "protobuf" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
