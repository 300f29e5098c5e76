"""Each test has a deployment of its own and a command line that is pointed at it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.adapters.doubles import Doubles, doubles
from tests.cli.command_line import CommandLine, command_line
from tests.cli.deployment import Deployment, deployment_on


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with doubles() as cloud:
        yield deployment_on(cloud)


@pytest.fixture
def fleetrun(deployment: Deployment) -> CommandLine:
    return command_line(deployment.cloud.url)


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens, and nobody can begin to while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def cloud_of(deployment: Deployment) -> Doubles:
    return deployment.cloud
