"""Every number that is not what the file says is named, with where it was found."""

from gateway.replay.lanes import lay
from gateway.replay.verify import Totals, compare, of_file
from tests.replay.test_lanes import row

FILE = of_file(
    lay([row(8, 10, good=5, scrap=1), row(9, 10, good=7, hold=2), row(11, 12, operation="grind", good=4)]),
)


def test_the_file_is_summed_by_order_and_operation():
    assert FILE["J1", 10] == Totals(2, 12, 1, 2, 3 * 3600.0)
    assert FILE["J1", 20] == Totals(1, 4, 0, 0, 3600.0)
    assert len(FILE) == 2


def test_what_is_the_same_has_no_difference():
    assert compare("state", FILE, dict(FILE)) == []


def test_every_wrong_number_is_a_difference_in_words():
    found = {("J1", 10): Totals(1, 12, 1, 0, 3 * 3600.0, assumed=2), ("J1", 20): Totals(1, 4, 0, 0, 3599.0)}
    assert [str(difference) for difference in compare("state", FILE, found)] == [
        "J1 工程 10: sessions: ファイル / file 2, state 1",
        "J1 工程 10: hold: ファイル / file 2, state 0",
        "J1 工程 10: assumed: ファイル / file 0, state 2",
        "J1 工程 20: seconds: ファイル / file 3600, state 3599",
    ]


def test_what_is_missing_or_too_much_differs():
    assert len(compare("state", FILE, {})) == 5 + 3
    extra = {**FILE, ("J9", 10): Totals(1, 1, 0, 0, 1.0)}
    assert {difference.place for difference in compare("state", FILE, extra)} == {("J9", 10)}


def test_hours_that_were_not_asked_are_not_compared():
    found = {
        place: Totals(totals.sessions, totals.good, totals.scrap, totals.hold, None) for place, totals in FILE.items()
    }
    assert compare("InfluxDB operation", FILE, found) == []
