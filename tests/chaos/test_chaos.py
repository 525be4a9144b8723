"""Some faults in their short form, on one floor of real processes and servers. The whole table: `make chaos`."""

import re
from collections.abc import Iterator

import pytest

from broker.failpoints import Point
from tests.chaos.__main__ import line, play
from tests.chaos.floor import Floor, running
from tests.chaos.table import ALL, FAULTS
from tests.conftest import ROOT, until

pytestmark = pytest.mark.slow
SAY = ";".join(f"{point}=say@1" for point in Point)


@pytest.fixture(scope="module")
def floor() -> Iterator[Floor]:
    with running(seed=1, short=True) as floor:
        yield floor


def test_every_failpoint_is_hit_by_an_edge_and_a_gateway_at_work(floor: Floor) -> None:
    floor.gateway.kill()
    floor.gateway.part("appender", SAY)
    floor.gateway.part("projector", SAY)
    player = floor.player(start=False, extra="[outbox]\nkept_bytes = 0")  # so that it deletes what is confirmed
    player.start(SAY).ready()
    player.feed(5)
    player.wait_confirmed()

    def unhit() -> set[str]:
        return set(Point) - set(re.findall(r"failpoint (\S+) ", player.said() + floor.gateway.log()))

    until(lambda: not unhit(), seconds=60, what=f"{unhit()} to be hit")
    floor.rest()


@pytest.mark.parametrize("number", [number for number, fault in FAULTS.items() if fault.in_tests])
def test_nothing_is_lost_or_doubled_and_a_fresh_event_passes(floor: Floor, number: str) -> None:
    outcome = play(floor, FAULTS[number])
    print(line(number, FAULTS[number], outcome))  # shown if it failed
    assert outcome.verdict.wrong == [], floor.gateway.log()[-5000:]


def test_every_fault_of_the_table_is_played_in_its_order() -> None:
    assert tuple(FAULTS) == ALL


def test_the_document_names_every_fault_and_every_failpoint() -> None:
    text = (ROOT / "docs" / "chaos.md").read_text()
    assert [number for number in FAULTS if f"| {number} |" not in text] == []
    assert [point for point in Point if f"`{point}`" not in text] == []
