"""Every fault in its short form, on one floor of real processes and servers. The whole table at length: `make chaos`."""

from collections.abc import Iterator

import pytest

from tests.chaos.__main__ import line, play
from tests.chaos.floor import Floor, running
from tests.chaos.table import ALL, FAULTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def floor() -> Iterator[Floor]:
    with running(seed=1, short=True) as floor:
        yield floor


@pytest.mark.parametrize("number", FAULTS)
def test_nothing_is_lost_or_doubled_and_a_fresh_event_passes(floor: Floor, number: str) -> None:
    outcome = play(floor, FAULTS[number])
    print(line(number, FAULTS[number], outcome))  # shown if it failed
    assert outcome.verdict.wrong == [], floor.gateway.log()[-5000:]


def test_every_fault_of_the_table_is_played_in_its_order() -> None:
    assert list(FAULTS) == [number for number in ALL if number in FAULTS]
