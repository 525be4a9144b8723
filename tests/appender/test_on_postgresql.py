"""F5 with a server: PostgreSQL dies under the appender, and comes back."""

from pathlib import Path

import pytest

from tests.appender.parts import Gate, SomeEdge, some
from tests.conftest import Mosquitto, until
from tests.postgresql import PostgreSql

pytestmark = pytest.mark.slow


def test_while_postgresql_is_away_nothing_is_acknowledged_and_then_it_goes_on_without_a_restart(
    tmp_path: Path, mosquitto: Mosquitto, own_postgresql: PostgreSql
) -> None:
    with (
        Gate(tmp_path / "gateway", mosquitto.port, ledger_url=own_postgresql.database()) as gate,
        SomeEdge(mosquitto.port) as edge,
    ):
        gate.start(connected=False)
        until(lambda: "connected to the broker" in gate.log(), seconds=30, what="the first start, with migrations")
        edge.send(1, some(1, 1))
        edge.wait_covered(1)
        own_postgresql.kill()
        for first in range(2, 102, 10):
            edge.send(first, some(first, first + 9))
        until(lambda: "the ledger cannot be written" in gate.log(), what="it to be said")
        assert not edge.covered(2)
        own_postgresql.start()
        edge.wait_covered(101, seconds=20)
        assert gate.log().count("the ledger cannot be written") == 1
        assert gate.log().count("the ledger can be written again") == 1
        assert gate.bodies() == some(1, 101)
        assert gate.stop() == 0
