"""`fleetrun call`: one function with one file, as its trigger would call it. `fleetrun package`: what is deployed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from cli import exits, options

ROOT = Path(__file__).resolve().parent.parent
_VERSION = re.compile(r"^[0-9A-Za-z][0-9A-Za-z.+-]*$")


@click.command(short_help="Call one function with a file, as its trigger would.")
@click.argument("name", metavar="FUNCTION")
@click.argument("event", metavar="EVENT", type=click.Path(path_type=Path))
@click.option("--async", "is_async", is_flag=True, help="Leave it there; do not wait for the answer.")
@options.as_json
@options.endpoint
def call(*, name: str, event: Path, is_async: bool, as_json: bool, endpoint: str | None) -> None:
    """Call a function with a file's bytes, over Function Compute's API; print its answer.

    Exit code 1: the function itself failed.
    """
    from cli import show
    from cli.connection import quieten
    from cli.settings import settings
    from shared.adapters.fc import FunctionCalls, FunctionFailed
    from shared.core.errors import Refused

    try:
        payload = event.read_bytes()
    except OSError as error:
        raise Refused(f"{event}: {error.strerror}", code="NoFile") from None
    found = settings(endpoint)
    assert found.credentials is not None, "settings() names missing keys"
    quieten()
    calls = FunctionCalls(found.fc_endpoint, found.credentials)
    try:
        answer = calls.invoke_async(name, payload) if is_async else calls.invoke(name, payload)
    except FunctionFailed as error:
        if as_json:
            show.as_json({"function": name, "requestId": error.request_id, "error": error.code})
        show.err().print(show.harmless(error.message))
        options.leave(exits.NOT_ALL)
    text = answer.body.decode("utf-8", "replace")
    if as_json:
        show.as_json({"function": name, "requestId": answer.request_id, "answer": _json_or_text(text)})
    elif text:
        show.out().print(show.harmless(text))


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@click.command()
@click.option("--version", default="0.1.0", help="Folder below dist/fleetrun; default 0.1.0.")
@click.option("--python", type=click.Choice(["3.10", "3.12"]), default="3.10", help="The template's Runtime.")
@options.as_json
def package(*, version: str, python: str, as_json: bool) -> None:
    """Build dist/fleetrun/<version>/*.zip, which the template deploys. Installs the layer's packages with pip."""
    from cli import show
    from localcloud.build import BuildError
    from localcloud.build import package as build_package
    from shared.core.errors import Refused

    if not _VERSION.match(version):
        raise Refused(f"--version {version!r}: letters, digits and .+- as in 0.1.0", code="BadUsage")
    names = sorted(path.parent.name for path in (ROOT / "functions").glob("*/index.py"))
    try:
        target = build_package(ROOT, names, version=version, python=python)
    except BuildError as error:
        raise Refused(str(error), code="NotBuilt") from None
    built = [(str(archive.relative_to(ROOT)), archive.stat().st_size) for archive in sorted(target.iterdir())]
    if as_json:
        show.as_json([{"file": file, "bytes": size} for file, size in built])
        return
    for file, size in built:
        show.out().print(f"{file}  {size:,} bytes")
