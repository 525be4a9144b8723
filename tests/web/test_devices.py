"""How devices are heard, on a firm's floor: over a real broker, within 5 s, with its age, on a phone and on the wall."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from queue import SimpleQueue

import pytest
from playwright.sync_api import Browser, expect

from broker.link import Link
from broker.messages import DeviceView, Loose, MessageError, Presence, StationView
from broker.settings import Mqtt
from broker.topics import Kind, Topic
from gateway.web.devices import StationSigns, signs
from gateway.web.floor import MachineNow, floor
from gateway.web.pictures import STATIONS_MOST, Pictured, Pictures
from gateway.web.reader import Names, Reader
from tests.conftest import Mosquitto, until
from tests.web import sample
from tests.web.conftest import Server, morning
from tests.web.test_browser import browser

__all__ = ["browser"]

NOW = sample.NOW.astimezone(UTC)


def reader(language: str = "ja") -> Reader:
    return Reader(language, sample.ZONE, sample.NOW, Names({}, {}))  # type: ignore[arg-type]


def view(station: str, *devices: tuple[str, str, float], loose: Loose | None = None) -> StationView:
    """A picture: each device with its state and for how many seconds it has been so."""
    return StationView(
        station=station,
        at=NOW,
        devices=tuple(
            DeviceView.model_validate(
                {"id": name, "driver": "shdr", "state": state, "since": NOW - timedelta(seconds=seconds)}
            )
            for name, state, seconds in devices
        ),
        loose=loose,
    )


def told(*views: StationView, offline: frozenset[str] = frozenset()) -> dict[str, StationSigns]:
    return dict(signs([Pictured("turning", "pi1", one) for one in views], offline, reader()))


def test_only_what_needs_a_person_is_said_with_since_when_and_for_how_long():
    picture = view("lathe-1", ("m1", "lost", 12), ("s1", "heard", 900), ("m2", "garbage", 300), ("m3", "waiting", 9))
    devices = told(picture)["lathe-1"].devices
    assert [(one.name, one.word.ja, one.age) for one in devices] == [
        ("m1", "つながらない", "12秒"),
        ("m2", "読めない信号", "5分"),
    ]
    assert devices[1].since == "9:23から"


def test_of_an_edge_that_is_away_nothing_is_known_and_its_machine_is_not_said_to_run():
    pictured = told(view("lathe-9", ("m1", "heard", 60)), offline=frozenset({"pi1"}))
    machines = [MachineNow("lathe-9", "running", sample.at(20, 9, 0))]
    tile = floor("turning", [], machines, reader(), pictured=pictured).tiles[0]
    assert tile.machine
    assert tile.machine.state == "unknown"
    assert [one.state for one in tile.devices] == ["away"]


@pytest.mark.parametrize(
    ("minutes", "ago", "line"),
    [(35, 0, "8:53–9:28　12個（機械）"), (9, 0, None), (60, 17 * 60, None)],
)
def test_a_machine_that_ran_without_a_ticket_is_flagged_after_ten_minutes_until_the_office_has_looked(
    minutes: int, ago: int, line: str | None
):
    end = NOW - timedelta(minutes=ago)
    pictured = told(view("saw", loose=Loose(since=end - timedelta(minutes=minutes), until=end, pieces=12)))
    (tile,) = floor("turning", [], (), reader(), pictured=pictured).tiles
    assert (tile.loose.line if tile.loose else None) == line


def test_work_that_a_phone_or_another_edge_scanned_there_is_a_ticket_too():
    working = next(one for one in floor("turning", sample.orders(), (), reader()).tiles if one.slips).station
    pictured = told(view(working, loose=Loose(since=NOW - timedelta(hours=1), until=NOW)))
    tiles = floor("turning", sample.orders(), (), reader(), pictured=pictured).tiles
    assert [tile.loose for tile in tiles if tile.station == working] == [None]


def test_nobody_fills_the_memory_with_stations_and_what_is_no_picture_is_refused():
    pictures = Pictures()
    for number in range(STATIONS_MOST):
        assert pictures.take(Topic("a", "e", Kind.STATION, f"s{number}"), view(f"s{number}").encode())
    with pytest.raises(MessageError):
        pictures.take(Topic("a", "e", Kind.STATION, "one-more"), view("one-more").encode())
    with pytest.raises(MessageError):
        pictures.take(Topic("a", "e", Kind.STATION, "s1"), b'{"station": "s1", "x": 1}')
    assert pictures.take(Topic("b", "e", Kind.STATION, "s1"), view("s1").encode())
    assert pictures.take(Topic("a", "e", Kind.STATION, "s1"), b"")
    assert pictures.take(Topic("a", "e", Kind.PRESENCE), Presence(online=False).encode())
    assert pictures.offline("a") == {"e"}
    assert pictures.clear() == {"a", "b"}


class Edge:
    """An edge's link, for pictures only."""

    def __init__(self, port: int) -> None:
        self._up: SimpleQueue[bool] = SimpleQueue()
        self.link = Link(Mqtt(port=port), "an-edge", listener=self)
        self.link.start()
        assert self._up.get(timeout=10)

    def on_up(self, *, session_present: bool) -> None:
        self._up.put(True)

    def on_down(self, reason: str) -> None:
        pass

    def on_message(self, delivery: object) -> None:
        pass

    def shows(self, picture: StationView) -> None:
        self.link.publish(str(Topic("turning", "pi1", Kind.STATION, picture.station)), picture.encode(), retain=True)

    def is_online(self, *, online: bool) -> None:
        self.link.publish(str(Topic("turning", "pi1", Kind.PRESENCE)), Presence(online=online).encode(), retain=True)


@pytest.fixture
def served(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Server]:
    with morning(tmp_path) as house:
        house.put(*sample.orders())
        server = Server(house, tmp_path, f"[mqtt]\nport = {mosquitto.port}")
        yield server
        server.kill()


@pytest.mark.slow
def test_a_device_that_is_lost_or_talks_garbage_is_on_the_floor_within_five_seconds(
    served: Server, mosquitto: Mosquitto, browser: Browser, tmp_path: Path
):
    edge = Edge(mosquitto.port)
    edge.is_online(online=True)
    edge.shows(view("lathe-1", ("nc-1-mtconnect", "heard", 60)))
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="ja-JP")
    page = context.new_page()
    page.goto(f"{served.url}/firm/turning")
    tile = page.locator(".tile", has_text="lathe-1").first
    expect(tile.locator(".device")).to_have_count(0)
    edge.shows(view("lathe-1", ("nc-1-mtconnect", "lost", 2), ("scanner-1", "garbage", 75)))
    expect(tile.locator(".d-lost")).to_contain_text("nc-1-mtconnect つながらない", timeout=5000)
    expect(tile.locator(".d-garbage")).to_contain_text("読めない信号")
    first = tile.locator(".d-lost [data-age]").inner_text()
    until(lambda: tile.locator(".d-lost [data-age]").inner_text() != first, what="its age to grow")
    edge.shows(view("lathe-2", loose=Loose(since=NOW - timedelta(minutes=40), until=NOW, pieces=12)))
    edge.shows(view("saw-7", loose=Loose(since=NOW - timedelta(minutes=40), until=NOW, pieces=12)))
    expect(page.locator(".d-loose")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    wall = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="en-GB").new_page()
    wall.goto(f"{served.url}/firm/turning?wall=1&lang=en")
    expect(wall.locator(".d-lost")).to_contain_text("Not connected")
    wall.screenshot(path=tmp_path / "wall.png")
    edge.is_online(online=False)
    expect(page.locator(".d-away").first).to_contain_text("端末がつながらない", timeout=5000)
    mosquitto.kill()
    expect(page.locator(".device")).to_have_count(0, timeout=5000)
    edge.link.stop()
