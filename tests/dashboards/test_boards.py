"""Boards: the committed JSON is what the code makes, and every query returns from a real InfluxDB what the state says."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from broker.events import Action, Work
from dashboards.__main__ import FOLDER, generated
from gateway.settings import Influx as InfluxSettings
from gateway.sinks.influx import InfluxSink
from gateway.state import State
from tests.conftest import ROOT, Influx, until
from tests.gateway.projecting import House, running
from tests.gateway.shop import At, Line, Shop, a_shop, commit

FIRM = "turning"
PREFIX = "boards_"
TO = datetime(2026, 11, 10, tzinfo=UTC)
"""Where the boards' time range ends: some orders of the sample are late by then, some are not."""
PROVISIONING = ROOT / "dashboards" / "provisioning"


PANELS: dict[str, dict[str, Any]] = {
    panel["title"]: panel for content in generated().values() for panel in json.loads(content)["panels"]
}
HISTORY = {
    "設備の状態 Machines",
    "リードタイム 中央値（日） Median lead time, days",
    "時間の内訳（時間） Time by cause, hours",
    "数 Pieces a day",
    "受け渡し Hand-overs",
}
"""Panels that tell of the board's time range; every other one tells what is the case now, however old it is."""


def queries(title: str) -> list[str]:
    return [target["query"] for target in PANELS[title]["targets"]]


def test_the_committed_boards_are_current() -> None:
    for name, content in generated().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == content, f"{name}: run python -m dashboards"


def test_every_query_leaves_void_points_out_and_history_keeps_to_the_boards_time() -> None:
    for title in PANELS:
        for query in queries(title):
            assert '"void" = 0' in query, title
            assert ("$timeFilter" in query) == (title in HISTORY), title


def test_every_panel_reads_the_firm_that_the_board_is_set_to_and_says_so_when_empty() -> None:
    for title, panel in PANELS.items():
        assert panel["datasource"] == {"type": "influxdb", "uid": "${shop}"}, title
        assert all(target["rawQuery"] for target in panel["targets"]), title
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]), title


def test_panels_do_not_overlap_and_fill_rows_of_24_columns() -> None:
    for content in generated().values():
        cells = Counter(
            (x, y)
            for panel in json.loads(content)["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        )
        assert set(cells.values()) == {1}
        assert max(x for x, _ in cells) == 23


def test_the_provisioned_sources_speak_influxql_to_a_database_a_firm() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources/firms.yaml").read_text())["datasources"]
    assert {source["jsonData"]["version"] for source in sources} == {"InfluxQL"}
    assert {source["jsonData"]["dbName"] for source in sources} == {
        f"{InfluxSettings().database_prefix}{source['uid'].removeprefix('mawashi-')}" for source in sources
    }
    providers = yaml.safe_load((PROVISIONING / "dashboards/boards.yaml").read_text())["providers"]
    assert providers[0]["options"]["path"] == "/var/lib/grafana/dashboards"


class Shown:
    """What a panel's query returns for one firm."""

    def __init__(self, influx: Influx, state: State) -> None:
        self.influx, self.state = influx, state

    def rows(self, title: str) -> list[dict[str, Any]]:
        """The rows of a panel, macros replaced as Grafana does. An empty panel fails."""
        found = []
        for query in queries(title):
            rows = self.asked(query, TO)
            assert rows, f"{title} is empty: {query}"
            found += rows
        return found

    def asked(self, query: str, to: datetime) -> list[dict[str, Any]]:
        to_ms = int(to.timestamp() * 1000)
        asked = query.replace("$timeFilter", f"time >= 0 AND time <= {to_ms}ms").replace("$__to", str(to_ms))
        assert "$" not in asked, f"a macro the test does not know: {asked}"
        rows = self.influx.query(f"{PREFIX}{FIRM}", asked)
        return [row for row in rows if any(value is not None for key, value in row.items() if key != "time")]

    def number(self, title: str) -> float:
        """The one value of a stat panel."""
        ((value,),) = [[v for k, v in row.items() if k != "time"] for row in self.rows(title)]
        return float(value)

    def points(self, measurement: str) -> list[dict[str, Any]]:
        """The state's facts of the firm that are not void, as tags and fields."""
        return [
            {**dict(json.loads(point.tags)), **json.loads(point.fields), "at_ns": point.at_ns}
            for point in self.state.points(0, 1_000_000)
            if point.firm == FIRM and point.measurement == measurement and not point.void
        ]


def right_now(shop: Shop, at: datetime) -> list[Line]:
    """One order that runs at the firm, one that is paused there, one that nobody has begun."""
    before = len(shop.lines)
    edge, said = shop.edges[FIRM], []
    for actions in ((Action.START,), (Action.START, Action.PAUSE), ()):
        _, (ticket,) = shop.order(firms=(FIRM, "grinding"), at=at)
        said.append(shop.office.lines[-1])
        for n, action in enumerate(actions):
            when = at + timedelta(minutes=10 * (n + 1))
            said.append(edge.say(Work, when, action=action, ticket=ticket, operation=10, station="nc-5"))
    assert len(shop.lines) == before + len(said)
    return said


@pytest.fixture(scope="module")
def shown(influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Two weeks of a sample shop through ledger, projector and sink, in the middle of things."""
    house = House(tmp_path_factory.mktemp("boards"))
    shop = a_shop(seed=3, orders=16)
    lines = [line for line in shop.lines if line.at < shop.lines[len(shop.lines) * 2 // 3].at]
    lines += right_now(shop, lines[-1].at)
    commit(house.writer, lines)
    with house.projector(TO) as (projector, _):
        while projector.turn():
            pass
    settings = InfluxSettings(url=influx.url, database_prefix=PREFIX)
    sink = InfluxSink(settings, house.state, house.notes, At(TO))
    with running(sink):
        last = max(point.revision for point in house.state.points(0, 1_000_000))
        until(lambda: house.notes.collect().cursors.get("influx", -1) >= last, seconds=20, what="the sink")
    yield Shown(influx, house.state)
    house.close()


open_orders = ("done", "cancelled")


@pytest.mark.slow
class TestNow:
    """いま."""

    def test_running_and_paused_sessions_are_counted(self, shown: Shown) -> None:
        phases = Counter(point["phase"] for point in shown.points("session") if point["open"])
        assert shown.number("作業中 Running") == phases["running"] > 0
        assert shown.number("中断中 Paused") == phases["paused"] > 0

    def test_open_sessions_are_listed_with_station_order_and_state(self, shown: Shown) -> None:
        said = sorted(
            (p["station"], p["order"], p["operation"], p["phase"]) for p in shown.points("session") if p["open"]
        )
        rows = shown.rows("いまの作業 Sessions now")
        assert sorted((r["station"], r["order"], r["operation"], r["phase"]) for r in rows) == said

    def test_a_machines_changes_are_a_timeline(self, shown: Shown) -> None:
        rows = shown.rows("設備の状態 Machines")
        assert Counter(r["state"] for r in rows) == Counter(p["state"] for p in shown.points("machine"))
        assert {r["station"] for r in rows} == {"nc-1"}

    def test_what_can_be_begun_next_is_listed(self, shown: Shown) -> None:
        said = sorted(
            (p["order"], p["operation"], p["state"], p["remaining"])
            for p in shown.points("operation")
            if p["mine"] and p["state"] in ("ready", "in_transit")
        )
        rows = shown.rows("次の作業 Ready and on the way")
        assert sorted((r["order"], r["operation"], r["state"], r["remaining"]) for r in rows) == said

    def test_terminals_say_what_is_not_sent_yet(self, shown: Shown) -> None:
        latest = {p["edge"]: p for p in sorted(shown.points("edge"), key=lambda p: p["at_ns"])}
        rows = shown.rows("現場端末 Terminals")
        assert {r["edge"]: r["waiting"] for r in rows} == {edge: p["waiting"] for edge, p in latest.items()}
        assert shown.number("未送信 Not sent yet") == sum(p["waiting"] for p in latest.values())


@pytest.mark.slow
class TestDue:
    """納期."""

    def test_open_orders_are_listed_and_counted(self, shown: Shown) -> None:
        said = [p for p in shown.points("order") if p["state"] not in open_orders]
        assert shown.number("進行中 Open orders") == len(said)
        rows = shown.rows("受注 Orders")
        assert sorted((r["order"], r["state"], r["percent"], r["due"]) for r in rows) == sorted(
            (p["order"], p["state"], p["percent"], p["due"]) for p in said
        )

    def test_an_order_is_late_from_the_end_of_its_due_day_in_the_firms_zone(self, shown: Shown) -> None:
        def late(due: str) -> bool:
            day = datetime.fromisoformat(due) + timedelta(days=1)
            return day.replace(tzinfo=ZoneInfo("Asia/Tokyo")) < TO_LATE

        said = [p for p in shown.points("order") if p["state"] not in open_orders and p["due"] and late(p["due"])]
        (query,) = queries("納期遅れ Late")
        (row,) = shown.asked(query, TO_LATE)
        assert row["count"] == len(said) > 0

    def test_the_median_lead_time_is_that_of_done_orders(self, shown: Shown) -> None:
        leads = sorted(p["lead_s"] / 86400 for p in shown.points("order") if p["state"] == "done")
        middle = len(leads) // 2
        median = leads[middle] if len(leads) % 2 else (leads[middle - 1] + leads[middle]) / 2
        assert shown.number("リードタイム 中央値（日） Median lead time, days") == pytest.approx(median)

    def test_hours_by_cause_add_up_to_the_accounts(self, shown: Shown) -> None:
        said: Counter[str] = Counter()
        for point in shown.points("order_time"):
            said[point["cause"]] += point["seconds"] / 3600
        drawn: Counter[str] = Counter()
        for row in shown.rows("時間の内訳（時間） Time by cause, hours"):
            drawn[row["cause"]] += row["sum"] or 0.0
        assert dict(drawn) == pytest.approx(dict(said))

    def test_pieces_a_day_add_up_and_assumed_ones_stand_apart(self, shown: Shown) -> None:
        rows, said = shown.rows("数 Pieces a day"), shown.points("session")

        def drawn(column: str) -> int:
            return sum(row.get(column) or 0 for row in rows)

        assumed = sum(p["good"] for p in said if p["good_quality"] == "assumed")
        assert drawn("良品（未確認） Good, assumed") == assumed > 0
        assert drawn("良品 Good") == sum(p["good"] for p in said) - assumed > 0
        assert drawn("不良 Scrap") == sum(p["scrap"] for p in said)
        assert drawn("保留 Hold") == sum(p["hold"] for p in said)

    def test_hand_overs_show_both_counts(self, shown: Shown) -> None:
        said = sorted(
            (p["order"], p["source"], p["target"], p["sent"], p["received"]) for p in shown.points("handover")
        )
        rows = shown.rows("受け渡し Hand-overs")
        assert sorted((r["order"], r["source"], r["target"], r["sent"], r["received"]) for r in rows) == said


TO_LATE = TO + timedelta(days=7)


def test_every_panel_of_both_boards_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    tested = set(re.findall(r'(?:number|rows)\("([^"]+)"|queries\("([^"]+)"', source))
    assert {first or second for first, second in tested} == set(PANELS)
