"""The retained pictures of stations, on a real broker: those that the settings no longer name are taken back."""

from pathlib import Path

import pytest

from broker.topics import Kind, Topic
from tests.conftest import Mosquitto
from tests.edge.shop import EDGE, FIRM, Agent, PtyScanner, Server

pytestmark = pytest.mark.slow


def test_a_station_that_was_taken_out_of_the_settings_leaves_the_board_at_the_next_start(
    tmp_path: Path, mosquitto: Mosquitto, server: Server, scanner: PtyScanner
):
    def picture(station: str) -> bytes | None:
        return server.seen.get(str(Topic(FIRM, EDGE, Kind.STATION, station)))

    agent = Agent(tmp_path, mosquitto.port, scanner)
    try:
        agent.ready()
        agent.until(lambda: picture("lathe-1"), "the lathe's picture")
        agent.kill()
        agent.settings.write_text(agent.settings.read_text().replace('["lathe-1"]', '["mill-1"]'))
        agent.ready()
        agent.until(lambda: picture("mill-1"), "the mill's picture")
        agent.until(lambda: picture("lathe-1") == b"", "the lathe's picture to be taken back")
    finally:
        agent.kill()
