"""One running server for all tests of the office; each makes orders of its own in it."""

from collections.abc import Iterator

import pytest

from tests.conftest import Mosquitto
from tests.orders.server import Server, running


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    broker = Mosquitto(tmp_path_factory.mktemp("broker"))
    broker.start()
    with running(broker.port) as started:
        yield started
    broker.kill()
