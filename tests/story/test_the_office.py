"""The office changes what is printed while the floor works by it: old papers, walk-ins and splits, with a real edge."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.codes import Card, CardCode, TicketCode, printed
from broker.messages import OrderView
from gateway.api import Api
from gateway.office.desk import Desk
from gateway.office.wishes import Give, Reroute, Wish
from gateway.rules.order import OrderState, State
from tests.conftest import Mosquitto, until
from tests.edge.shop import FIRM, Agent, PtyScanner
from tests.office.house import order
from tests.orders.server import Server, running

pytestmark = pytest.mark.slow

VIEWS = "views.sqlite"
SPLIT, FINISH, ENTER = (printed(CardCode(card)) for card in (Card.SPLIT, Card.FINISH, Card.ENTER))


def digits(text: str) -> list[str]:
    return [*(printed(CardCode(Card.DIGIT, digit)) for digit in text), ENTER]


@pytest.fixture
def server(mosquitto: Mosquitto) -> Iterator[Server]:
    with running(mosquitto.port, influx="") as started:
        yield started


@pytest.fixture
def floor(server: Server, mosquitto: Mosquitto, tmp_path: Path) -> Iterator["Floor"]:
    opened = Floor(tmp_path / "edge", mosquitto.port)
    yield opened
    opened.agent.kill()
    print(opened.agent.text())  # shown if the test failed


class Floor:
    """The grinding shop's terminal and its scanner."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        folder.mkdir()
        self.scanner = PtyScanner(folder)
        self.agent = Agent(folder, broker_port, self.scanner)
        self.agent.settings.write_text(self.agent.settings.read_text().replace(f'firm = "{FIRM}"', 'firm = "grinding"'))
        self.agent.ready()
        self.agent.says("Online")

    def scan(self, *codes: str, says: str) -> None:
        """Scan, and wait until the terminal has said this once more."""
        before = self.agent.text().count(says)
        self.scanner.scan(*codes)
        self.agent.says(says, times=before + 1)

    def knows(self, ticket: str, what: Callable[[OrderView], bool]) -> None:
        """Wait until the terminal has heard this of the order that a ticket belongs to."""
        kept = sqlite3.connect(f"file:{self.agent.data_dir / VIEWS}?mode=ro", uri=True)

        def heard() -> bool:
            rows = kept.execute("SELECT body FROM ticket JOIN view USING (key) WHERE ticket=?", (ticket,)).fetchall()
            return any(what(OrderView.decode(row[0])) for row in rows)

        until(heard, seconds=30, what=f"the terminal to hear of {ticket}")
        kept.close()


def test_papers_grow_old_walk_ins_get_a_name_and_splits_by_scan_hold_on_and_off_the_line(
    server: Server, floor: Floor, mosquitto: Mosquitto
) -> None:
    key, number, ticket = order(server, firms=("grinding", "turning"))
    walk_in, child, late_child = Api.connect(server.settings.socket).mint(tickets=3).tickets

    def said(wish: Wish, *, of: str = key) -> OrderState:
        with Desk(server.settings) as desk:
            looked = desk.look(of)
            written = desk.write(looked, desk.plan(looked, wish), by="山田", why="試験")
            assert written.shown
            return desk.look(written.key).kept.state

    def stands(of: str = key) -> OrderState:
        kept = server.caught_up().order(of)
        assert kept
        return kept.state

    # a step goes to another firm: the paper at this bench is old, although the firm has nothing more to do with it
    moved = said(Reroute(10, "plating"))
    assert moved.former == ("grinding",)
    floor.knows(ticket, lambda view: view.tickets[0].old)
    floor.scan(printed(TicketCode(ticket, 10)), says="旧版です 止めて幹事へ / Old issue")
    until(lambda: "old_issue" in {flag.code for flag in stands().flags}, what="the scan of an old paper to be flagged")

    # back again, on a new paper: a split by scan, counted
    paper = next(one.id for one in said(Reroute(10, "grinding")).tickets if not one.old)
    floor.knows(paper, lambda view: bool(view.operations))
    floor.scan(printed(TicketCode(paper, 10)), says=f"着手 {number}-10")
    floor.scan(SPLIT, printed(TicketCode(paper)), printed(TicketCode(child)), says=f"→ {child} / Split")
    floor.scan(*digits("20"), says="20")
    until(
        lambda: {one.id: one.quantity for one in stands().tickets if not one.old} == {paper: 30, child: 20},
        what="the split with its pieces",
    )
    floor.knows(child, lambda view: len(view.tickets) > 2)

    # off the line: a walk-in, a further split, and work on both; nothing is refused
    mosquitto.kill()
    floor.agent.says("offline: scans are kept here")
    floor.scan(printed(TicketCode(walk_in)), says=f"着手 {walk_in} / Started")
    floor.scan(SPLIT, printed(TicketCode(paper)), printed(TicketCode(late_child)), says=f"→ {late_child} / Split")
    floor.scan(printed(TicketCode(child)), says=f"着手 {number}-10")
    mosquitto.start()
    unknown = f"u-{walk_in.lower()}"
    until(lambda: server.caught_up().order(unknown), seconds=30, what="the walk-in at the office")
    assert [flag.code for flag in stands(unknown).flags] == ["unknown_number"]
    lots = {one.id: one.parent for one in stands().tickets if not one.old}
    assert lots == {paper: None, child: paper, late_child: paper}

    # the office names it, and the terminal calls it by its number
    named = said(Give(key, 7), of=unknown)
    assert [(one.id, one.quantity) for one in named.tickets if one.id == walk_in] == [(walk_in, 7)]
    assert named.history[-1].by == "山田"
    assert server.caught_up().order(unknown) is None
    assert named.operation(10) is not None
    assert {one.ticket for one in named.operations[0].sessions} == {paper, walk_in, child}
    floor.knows(walk_in, lambda view: view.number == number)
    floor.scan(FINISH, printed(TicketCode(walk_in)), says=f"完了 {number}")
    until(lambda: stands().operations[0].state is State.RUNNING, what="the other lots to be at work still")
