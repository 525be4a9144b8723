"""設備の数字 from events to page and command: off until a firm turns it on, and the same after a rebuild."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from broker.events import CountReading, Machine, MachineState
from gateway.cli import app
from gateway.figures.reading import Stores, measured
from gateway.ledger import Ledger
from gateway.projector import rebuild
from gateway.rules.order import Cause
from gateway.rules.work_unit import Measured
from gateway.state import State
from tests.gateway.projecting import House
from tests.gateway.shop import BEGIN, Author, Shop, commit, counted

DAY = BEGIN + timedelta(hours=24)
RUNNING, IDLE, UNKNOWN = MachineState.RUNNING, MachineState.IDLE, MachineState.UNKNOWN


@pytest.fixture
def shop() -> Shop:
    """An hour's work at nc-1; its machine runs from minute 10, its terminal is off from minute 40 to minute 300."""
    made = Shop()
    _, (ticket,) = made.order(firms=("turning",))
    before, after = made.edges["turning"], Author("turning/pi-1", "00000000000000ff")
    before.say(Machine, minute(0), station="nc-1", state=IDLE, since=minute(0))
    made.session(ticket, 10, "turning", minute(5), minutes=34, good=counted(50))
    before.say(Machine, minute(10), station="nc-1", state=RUNNING, since=minute(10))
    before.lines.sort(key=lambda line: line.at)
    before.lines[:] = [replace(line, seq=n + 1) for n, line in enumerate(before.lines)]
    before.say(CountReading, minute(40), station="nc-1", signal="parts", total=12)
    after.say(Machine, minute(300), station="nc-1", state=IDLE, since=minute(300))
    made.edges["again"] = after
    return made


def minute(n: float):
    return BEGIN + timedelta(minutes=n)


def look(house: House) -> Measured:
    with State.open(house.state_url) as state, Ledger.open(house.ledger_url) as ledger:
        orders = [kept.state for kept in state.orders()]
        return measured(("turning", "nc-1"), BEGIN, DAY, orders, Stores(state, ledger))


def test_what_a_terminal_said_before_it_was_switched_off_does_not_hold_and_a_rebuild_changes_nothing(tmp_path, shop):
    house = House(tmp_path / "data")
    commit(house.writer, shop.lines)
    house.project()
    found = look(house)
    assert found.seconds([None, *Cause], [RUNNING]) == 30 * 60
    assert (
        found.seconds([None], [IDLE]) == 5 * 60 + 2
    )  # its last event arrived two seconds later: until then it was heard
    assert found.seconds([Cause.RUN], [RUNNING]) == 29 * 60
    assert (found.counted, found.pieces.good) == (12, 50)
    rebuild(house.settings)
    house.project()
    assert look(house) == found
    house.close()


@pytest.fixture
def asked(tmp_path: Path, shop: Shop):
    house = House(tmp_path / "data")
    commit(house.writer, shop.lines)
    house.project()
    house.close()

    def ask(*arguments: str, on: str = "true"):
        file = tmp_path / "gateway.toml"
        file.write_text(f'data_dir = "data"\n[[firms]]\nid = "turning"\nname = "旋削"\nmachine_figures = {on}\n')
        return CliRunner().invoke(app, ["figures", *arguments, "--day", "2026-11-03", "--settings", str(file)])

    return ask


def test_the_command_says_each_figure_with_its_source_for_people_and_as_json(asked):
    lines = asked("turning", "nc-1").stdout
    assert "実生産時間 / Actual production time (APT): 29分 / 29 min" in lines
    assert "総合設備効率 / Overall equipment effectiveness (OEE): —" in lines
    told = json.loads(asked("turning", "nc-1", "--json").stdout)
    (quality,) = [one for one in told["figures"] if one["symbol"] == "Quality ratio"]
    assert (quality["value"], quality["why"], quality["unit"]) == (1.0, None, "share")
    assert told["machine_counted"] == 12
    assert {one["why"] for one in told["figures"] if one["value"] is None} == {
        "no_setup",
        "parts",
        "no_calendar",
        "no_planned_run",
    }


def test_off_it_computes_nothing_and_says_how_to_turn_it_on(asked):
    refused = asked("turning", "nc-1", on="false")
    assert refused.exit_code == 1
    assert not refused.stdout
    assert "machine_figures = true" in refused.stderr


def test_a_station_that_nobody_knows_is_refused_in_a_sentence(asked):
    refused = asked("turning", "nc-7")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("nc-7 にはこの間の記録がありません")
