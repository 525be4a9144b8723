"""Facts in a real InfluxDB: every point, bad lines, a server that is away, refuses, hangs, forgets."""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import structlog

from gateway.facts import Fact, index, tag
from gateway.settings import Influx as InfluxSettings
from gateway.sinks import Notes
from gateway.sinks.influx import FROM_RULES, InfluxSink
from gateway.sinks.influx_line import line
from gateway.state import Point, State
from tests.conftest import ROOT, Influx, until
from tests.gateway.projecting import LATER, House, finish, running, standing
from tests.gateway.shop import FIRMS, At, a_shop, commit

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """Databases of this test's own."""
    return re.sub(r"\W+", "_", request.node.name.lower())[-20:] + "_"


def sink_to(house: House, url: str, prefix: str) -> InfluxSink:
    settings = InfluxSettings(url=url, database_prefix=prefix, timeout_seconds=1)
    return InfluxSink(settings, State.open(house.state_url), house.notes, At(LATER))


def drain(house: House, *, seconds: float = 30) -> None:
    """Wait until the sink has noted that it wrote the last point; what it notes is written down as the projector does."""

    def done() -> bool:
        with State.open(house.state_url, write=True) as state, state.turn():
            noted = house.notes.collect()
            state.set_cursors(noted.cursors)
            state.add_refusals(noted.refusals)
        last = max((point.revision for point in house.state.points(0, 1_000_000)), default=0)
        return house.state.cursors().get("influx", 0) >= last

    until(done, seconds=seconds, what="InfluxDB to have every point")


def held(influx: Influx, prefix: str) -> dict[tuple[str, str, str, int], str]:
    """The points that are not void, as the state keeps its facts."""
    found: dict[tuple[str, str, str, int], str] = {}
    for firm in FIRMS:
        for measurement in (*FROM_RULES, "raw.count"):
            name = measurement.removeprefix("raw.")
            source = f'"raw"."{name}"' if name != measurement else f'"{name}"'
            request = urllib.request.Request(
                f"{influx.url}/query",
                urllib.parse.urlencode(
                    {"db": f"{prefix}{firm}", "epoch": "ns", "q": f'SELECT * FROM {source} WHERE "void" = 0 GROUP BY *'}
                ).encode(),
            )
            with urllib.request.urlopen(request, timeout=20) as answer:
                (result,) = json.load(answer)["results"]
            for series in result.get("series", []):
                tags = json.dumps(sorted(map(list, series["tags"].items())), ensure_ascii=False, separators=(",", ":"))
                for values in series["values"]:
                    fields = dict(zip(series["columns"], values, strict=True))
                    at_ns = fields.pop("time")
                    found[firm, name, tags, at_ns] = normal(fields)
    return found


def normal(fields: dict[str, object]) -> str:
    return json.dumps(
        {name: float(v) if isinstance(v, int | float) else v for name, v in fields.items()}, sort_keys=True
    )


def told(state: State) -> dict[tuple[str, str, str, int], str]:
    return {key: normal(json.loads(fields)) for key, fields in standing(state).items()}


def test_influxdb_holds_exactly_the_facts_that_are_not_void(house: House, influx: Influx, prefix: str) -> None:
    shop = a_shop(1, orders=3)
    half = len(shop.lines) // 2
    with running(sink_to(house, influx.url, prefix)):
        commit(house.writer, [one for one in shop.lines if one.author != "gateway"][:half])  # of orders not yet named
        house.project()
        drain(house)
        commit(house.writer, shop.lines)
        house.project()
        drain(house)
    assert held(influx, prefix) == told(house.state)
    assert any(point.void for point in house.state.points(0, 100_000)), "some of it had to be taken back"
    assert house.state.refusals() == []


def test_texts_and_tags_of_every_kind_come_back_as_they_were(house: House, influx: Influx, prefix: str) -> None:
    texts = [
        'a "quote"',
        "back\\slash",
        "two\nlines",
        "comma, and = sign",
        "日本語　全角",
        "'; DROP DATABASE x --",
        "tail\\",
    ]
    with State.open(house.state_url, write=True) as state, state.turn():
        facts = [
            Fact("turning", "order", (("order", tag(text)),), n, {"part": text, "void": 0})
            for n, text in enumerate([*texts, "", " "])
        ]
        state.products.put_facts("o:1", index(facts))
    with running(sink_to(house, influx.url, prefix)):
        drain(house)
    rows = influx.query(f"{prefix}turning", 'SELECT "part", "order" FROM "order"')
    assert [row["part"] for row in rows] == [*[text.replace("\n", " ") for text in texts], "", " "]
    assert {str(row["order"]) for row in rows} >= {"日本語 全角", "comma, and = sign", "tail＼", "-"}
    assert house.state.refusals() == []


def test_a_bad_line_is_set_aside_with_its_reason_and_the_others_are_written(
    house: House, influx: Influx, prefix: str
) -> None:
    with State.open(house.state_url, write=True) as state, state.turn():
        points = {
            ("turning", "order", f'[["order","{n}"]]', n): '{"percent":"many","void":0}'
            if n in (300, 301)
            else '{"percent":40,"void":0}'
            for n in range(700)
        }
        state.products.put_facts("o:1", points)
    with running(sink_to(house, influx.url, prefix)):
        drain(house)
    assert influx.query(f"{prefix}turning", 'SELECT count("percent") FROM "order"')[0]["count"] == 698
    refused = house.state.refusals()
    assert {one.line for one in refused} == {f'order,order={n} percent="many",void=0i {n}' for n in (300, 301)}
    assert all("field type conflict" in one.reason and one.firm == "turning" for one in refused)


def test_a_database_that_was_dropped_is_filled_again(house: House, influx: Influx, prefix: str) -> None:
    commit(house.writer, a_shop(1, orders=2).lines)
    house.project()
    with running(sink_to(house, influx.url, prefix)):
        drain(house)
        influx.query("", f'DROP DATABASE "{prefix}grinding"')
        shop = a_shop(2, orders=1)
        commit(house.writer, shop.lines)
        house.project()
        drain(house)
        until(lambda: held(influx, prefix) == told(house.state), seconds=10)


def test_influxdb_away_and_back_loses_nothing_and_is_said_once(house: House, own_influx: Influx, prefix: str) -> None:
    own_influx.stop()
    commit(house.writer, a_shop(1, orders=2).lines)
    house.project()
    with structlog.testing.capture_logs() as logged, running(sink_to(house, own_influx.url, prefix)):
        until(lambda: logged)
        time.sleep(1.5)  # it tries again several times meanwhile
        assert len(logged) == 1
        own_influx.start()
        drain(house)
    assert held(own_influx, prefix) == told(house.state)
    assert [one["event"] for one in logged][1:] == ["InfluxDB takes points again"]
    assert "does not answer" in logged[0]["event"]


class Misbehaving(BaseHTTPRequestHandler):
    """Stands before a real server; does what is on its list first, then hands requests on."""

    moods: list[str]
    upstream: str
    sweep_seconds: float

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"chunked=true" in body:
            time.sleep(self.sweep_seconds)
        mood = self.moods.pop(0) if self.path.startswith("/write") and self.moods else ""
        if mood == "hang":
            time.sleep(1.5)
            return
        if mood.isdigit():
            self.answer(int(mood), json.dumps({"error": f"mood {mood}"}).encode())
            return
        request = urllib.request.Request(self.upstream + self.path, body, dict(self.headers))
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        if mood == "partial":  # as when a line of the request is bad: the good ones stay
            status, text = 400, b'{"error":"partial write: field type conflict dropped=1"}'
        if mood == "drop after apply":
            self.connection.close()
            return
        self.answer(status, text)

    def answer(self, status: int, text: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A connection that is dropped on purpose is no error."""


@contextmanager
def misbehaving(upstream: str, moods: list[str], sweep_seconds: float = 0.0) -> Iterator[str]:
    handler = type("Handler", (Misbehaving,), {"moods": moods, "upstream": upstream, "sweep_seconds": sweep_seconds})
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("mood", ["401", "413", "429", "500", "503", "400", "hang", "partial", "drop after apply"])
def test_a_server_that_misbehaves_loses_no_point_and_writes_none_twice(house: House, influx: Influx, mood: str) -> None:
    prefix = f"mood{re.sub('[^a-z0-9]', '', mood)}_"
    commit(house.writer, a_shop(1, orders=1).lines)
    house.project()
    moods = [mood]
    with misbehaving(influx.url, moods) as url, running(sink_to(house, url, prefix)):
        drain(house)
    assert moods == []
    assert held(influx, prefix) == told(house.state)
    assert house.state.refusals() == []


def test_a_wrong_user_is_said_with_what_to_do(house: House, influx: Influx, prefix: str, tmp_path: Path) -> None:
    commit(house.writer, a_shop(1, orders=1).lines)
    house.project()
    moods = ["401"]
    with misbehaving(influx.url, moods) as url, structlog.testing.capture_logs() as logged:
        with running(sink_to(house, url, prefix)):
            drain(house)
        assert logged[0]["event"] == (
            f"InfluxDB at {url} refuses our user (401: mood 401). Check username and password_file in [influx]; the user "
            "must be an admin, since it makes a database for each firm."
        )


def test_after_a_rebuild_what_the_rules_no_longer_say_is_void_also_if_the_server_takes_its_time_to_look(
    house: House, influx: Influx, prefix: str
) -> None:
    shop = a_shop(1, orders=2)
    commit(house.writer, shop.lines)
    house.project()
    with running(sink_to(house, influx.url, prefix)):
        drain(house)
    stale = 'session,order=9999,operation=10,station=nc-1 void=0i,phase="running" 1000'
    urllib.request.urlopen(f"{influx.url}/write?db={prefix}turning", stale.encode(), timeout=10).close()
    assert len(held(influx, prefix)) == len(told(house.state)) + 1
    (house.directory / "state.sqlite").unlink()
    house.notes = Notes()
    house.project()
    with misbehaving(influx.url, [], sweep_seconds=1.5) as url, running(sink_to(house, url, prefix)):
        until(lambda: held(influx, prefix) == told(house.state), seconds=60)


def test_a_new_ledger_on_an_influxdb_that_holds_the_same_firms_points_makes_the_old_ones_void(
    house: House, influx: Influx, prefix: str, tmp_path: Path
) -> None:
    commit(house.writer, a_shop(1, orders=2).lines)
    house.project()
    with running(sink_to(house, influx.url, prefix)):
        drain(house)
    assert held(influx, prefix) == told(house.state)
    fresh = House(tmp_path / "fresh")
    fresh.project()  # an empty state, caught up: no firm has facts yet
    with running(sink_to(fresh, influx.url, prefix)):
        time.sleep(1.5)  # it has looked, and found nothing to write or to sweep
        commit(fresh.writer, a_shop(2, orders=1).lines)
        fresh.project()
        until(lambda: of_orders(held(influx, prefix)) == of_orders(told(fresh.state)), seconds=20)
    fresh.close()


def of_orders(points: dict[tuple[str, str, str, int], str]) -> dict[tuple[str, str, str, int], str]:
    """Without readings: those are what a machine said, whatever ledger it is in, and end after 90 days."""
    return {key: fields for key, fields in points.items() if key[1] != "count"}


DOCUMENT = (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^## (\w+)$.*?```sql\n(.*?)\n```", DOCUMENT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, influx: Influx) -> Iterator[tuple[House, Influx]]:
    """A shop's facts in the databases of the document."""
    house = House(tmp_path_factory.mktemp("filled"))
    shop = a_shop(1, orders=6)
    _, (ticket,) = shop.order()
    late = shop.session(ticket, 10, "turning", shop.at + timedelta(days=20))
    shop.hand_over(ticket, 10, ("turning", "grinding"), late, received=False)
    with house.projector() as (projector, _):
        commit(house.writer, shop.lines)
        finish(projector)
    with running(sink_to(house, influx.url, "document_")):
        drain(house)
    yield house, influx
    house.close()


@pytest.mark.parametrize(("measurement", "query"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_example_of_the_document_returns_rows(filled: tuple[House, Influx], measurement: str, query: str) -> None:
    database = "document_grinding" if measurement == "handover" else "document_turning"
    assert filled[1].query(database, query)


def test_the_document_names_every_field_of_every_measurement(filled: tuple[House, Influx]) -> None:
    written: dict[str, set[str]] = {}
    for point in filled[0].state.points(0, 1_000_000):
        names = {*json.loads(point.fields), *dict(json.loads(point.tags))}
        assert written.setdefault(point.measurement, names) == names, "every point has every field"
    sections = dict(re.findall(r"^## (\w+)$(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL))
    assert written.keys() == sections.keys()
    for measurement, text in sections.items():
        rows = [row.split("|")[1] for row in re.findall(r"^\|.*\|$", text, re.MULTILINE)][2:]
        fields = {name.strip() for row in rows for name in row.split(",")}
        tags = set(re.findall(r"`(\w+)`", re.search(r"Tags? [^.]*\.", text)[0]))  # type: ignore[index]
        assert fields | tags == written[measurement], measurement


def test_a_line_is_escaped_as_influxdb_wants_it() -> None:
    point = Point("turning", "order", '[["order","a b,c=d"]]', 5, '{"part":"x\\"y\\\\","n":1,"s":1.5}', True, 1)
    assert line(point) == 'order,order=a\\ b\\,c\\=d part="x\\"y\\\\",n=1i,s=1.5,void=1i 5'
