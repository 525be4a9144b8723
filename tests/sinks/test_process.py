"""The projector as the process it is, with both its sinks on real servers: from the ledger to InfluxDB and the broker."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.projector import rebuild
from gateway.settings import Gateway
from tests.conftest import Influx, Mosquitto, until
from tests.gateway.projecting import House, picture, standing
from tests.gateway.shop import a_shop, commit
from tests.sinks.test_influx import held, told
from tests.sinks.test_views import Edge
from tests.sinks.test_views import told as seen

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path / "data")
    yield opened
    opened.close()


def test_everything_reaches_both_sinks_also_when_the_state_is_deleted_meanwhile(
    house: House, influx: Influx, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    settings = tmp_path / "gateway.toml"
    settings.write_text(
        f'data_dir = "{house.directory}"\n[mqtt]\nport = {mosquitto.port}\n'
        f'[influx]\nurl = "{influx.url}"\ndatabase_prefix = "whole_"\n'
    )
    edge = Edge(mosquitto.port, "plating")
    log = (tmp_path / "log").open("w+b")
    process = subprocess.Popen([sys.executable, "-m", "gateway.projector", "--settings", str(settings)], stderr=log)

    def all_there() -> bool:
        return house.state.cursor() == house.writer.last_position() and house.state.unfinished() == 0

    def sinks_agree() -> bool:
        return (
            bool(standing(house.state))
            and held(influx, "whole_") == told(house.state)
            and edge.views == seen(house, "plating")
        )

    try:
        shop = a_shop(1, orders=3)
        commit(house.writer, shop.lines[:40])
        until(lambda: house.state.cursor() > 0, seconds=20)
        commit(house.writer, shop.lines)
        until(all_there, seconds=20)
        until(sinks_agree, seconds=20, what="InfluxDB and the broker to hold what the state says")
        before = picture(house.state)
        rebuild(Gateway(data_dir=house.directory))
        until(lambda: all_there() and picture(house.state) == before, seconds=20)
        commit(house.writer, a_shop(7, orders=1).lines)
        until(sinks_agree, seconds=20, what="both to follow the new state")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        edge.link.stop()
    log.seek(0)
    lines = [line.split(maxsplit=3)[3] for line in log.read().decode().splitlines()]
    assert "the state was deleted: making it again from the ledger" in lines
    assert lines[-1] == "stopped"
    assert not [line for line in lines if "ERROR" in line], json.dumps(lines, indent=1)
