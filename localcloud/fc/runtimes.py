"""Runtimes: which there are, and which of them the local cloud runs.

Sources: runtime pages of FC 2.0 and FC 3.0, 2026-08; the retired ones as the vendor's SDKs still name them.
"""

from __future__ import annotations

from localcloud.fc.errors import FcError, invalid, invalid_value

PYTHON = ("python2.7", "python3", "python3.9", "python3.10", "python3.12")
"""All run on the Python that the local cloud has, the retired python2.7 too."""
OTHERS = (
    *("nodejs4.4", "nodejs6", "nodejs8", "nodejs10", "nodejs12", "nodejs14", "nodejs16", "nodejs18", "nodejs20"),
    *("java8", "java11", "php7.2", "dotnetcore2.1", "dotnetcore3.1", "go1"),
    *("custom", "custom.debian10", "custom.debian11", "custom.debian12"),
)
"""Kept and shown; who calls such a function is told that it is not offered."""
CONCURRENCY = range(1, 201)


def check_runtime(runtime: str, handler: str) -> None:
    """Raises FcError: NotImplemented for a container, InvalidArgument naming the field."""
    if runtime == "custom-container":
        raise FcError("NotImplemented", "the local cloud does not offer the runtime 'custom-container'")
    if runtime not in (*PYTHON, *OTHERS):
        raise invalid_value("Runtime", runtime, (*PYTHON, *OTHERS))
    if not handler or (runtime in PYTHON and "." not in handler.strip(".")):
        raise invalid(f"handler is {handler!r}, it must be <file>.<function>")


def check_concurrency(concurrency: int | None, runtime: str) -> None:
    """instanceConcurrency; None or 0: the service chooses. Raises FcError InvalidArgument."""
    if concurrency in (None, 0, 1):
        return
    if runtime in PYTHON:
        raise invalid(f"instanceConcurrency is {concurrency!r}, Python runtimes take one request at a time")
    if concurrency not in CONCURRENCY:
        raise invalid(f"instanceConcurrency is {concurrency!r}, it must lie from 1 to {CONCURRENCY.stop - 1}")


def check_runs(runtime: str) -> None:
    """Raises FcError NotImplemented."""
    if runtime not in PYTHON:
        raise FcError("NotImplemented", f"the local cloud runs functions of Python, none of the runtime '{runtime}'")
