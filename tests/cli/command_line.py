"""The command `fleetrun` as an operator has it: words in; exit code, standard output and standard error out."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.local import local_environment
from cli.main import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """Runs commands in this process, with an environment of their own."""

    environment: Mapping[str, str]

    def __call__(self, *words: str, stdin: bytes = b"") -> Said:
        out, err = io.StringIO(), io.StringIO()
        streams = (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err))
        with _environment(self.environment), _standard_input(stdin), streams[0], streams[1]:
            try:
                main(list(words))
            except SystemExit as end:
                code = end.code
        assert isinstance(code, int)
        return Said(code, out.getvalue(), err.getvalue())

    def with_(self, **changes: str) -> CommandLine:
        return CommandLine({**self.environment, **changes})

    def without(self, *names: str) -> CommandLine:
        return CommandLine({name: value for name, value in self.environment.items() if name not in names})


def command_line(url: str) -> CommandLine:
    return CommandLine(local_environment(url))


@contextlib.contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Nothing of FLEETRUN_* and ALIBABA_CLOUD_* but what is `wanted`."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("FLEETRUN_", "ALIBABA_CLOUD_", "ALIYUN_", "FC_")):
            del os.environ[name]
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _standard_input(content: bytes) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(content))
    try:
        yield
    finally:
        sys.stdin = before
