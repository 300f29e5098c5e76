"""`fleetrun call`: one function with one file, as its trigger would call it. `fleetrun package`: what is deployed."""

from __future__ import annotations

from pathlib import Path

import click

from cli import exits, options

ROOT = Path(__file__).resolve().parent.parent


@click.command()
@click.argument("name", metavar="FUNCTION")
@click.argument("event", metavar="EVENT", type=click.Path(path_type=Path))
@click.option("--async", "is_async", is_flag=True, help="Leave it there; do not wait for the answer.")
@options.endpoint
def call(*, name: str, event: Path, is_async: bool, endpoint: str | None) -> None:
    """Call a function with a file's bytes, over Function Compute's API; print its answer."""
    from cli import show
    from cli.settings import settings
    from shared.adapters.fc import FunctionCalls, FunctionFailed
    from shared.core.errors import Refused

    try:
        payload = event.read_bytes()
    except OSError as error:
        raise Refused(f"{event}: {error.strerror}", code="NoFile") from None
    found = settings(endpoint)
    assert found.credentials is not None, "settings() names missing keys"
    calls = FunctionCalls(found.fc_endpoint, found.credentials)
    try:
        answer = calls.invoke_async(name, payload) if is_async else calls.invoke(name, payload)
    except FunctionFailed as error:
        show.err().print(show.harmless(error.message))
        options.leave(exits.NOT_ALL)
    show.out().print(show.harmless(answer.body.decode("utf-8", "replace")))


@click.command(hidden=True)
@click.option("--version", default="0.1.0")
def package(*, version: str) -> None:
    """Build dist/fleetrun/<version>/*.zip for the template."""
    from cli import show
    from localcloud.build import package as build_package

    names = sorted(path.parent.name for path in (ROOT / "functions").glob("*/index.py"))
    target = build_package(ROOT, names, version=version)
    for archive in sorted(target.iterdir()):
        show.out().print(f"{archive.relative_to(ROOT)}  {archive.stat().st_size:,} bytes")
