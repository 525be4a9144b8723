"""What every test of a whole agent begins with: a server that speaks the contract, and a scanner on a pty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Mosquitto
from tests.edge.shop import PtyScanner, Server


@pytest.fixture
def server(mosquitto: Mosquitto) -> Iterator[Server]:
    server = Server(mosquitto.port)
    yield server
    server.close()


@pytest.fixture
def scanner(tmp_path: Path) -> PtyScanner:
    return PtyScanner(tmp_path)
