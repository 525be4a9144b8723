"""設備の数字 as a page: one machine's day with its figures, only for the firm that turned them on."""

import pytest
from fastapi.testclient import TestClient

from tests.web.conftest import House
from tests.web.machine_day import PAGE, put_machine

pytestmark = pytest.mark.slow


def test_a_machines_day_is_shown_with_each_figure_or_why_there_is_none(client: TestClient, house: House) -> None:
    put_machine(house)
    page = client.get(f"{PAGE}?lang=ja").text
    for said in ("実段取り時間", "Actual unit set-up time", "16分", "カウンターは一度も進んでいません", "PBT"):
        assert said in page
    assert 'class="k-alarm"' in page
    assert "アラーム 7:20–7:25" in page
    english = client.get(f"{PAGE}?lang=en").text
    assert "From 16 min of work in which the machine said set-up" in english
    assert f'href="{PAGE}"' in client.get("/firm/grinding?lang=ja").text


def test_a_firm_that_did_not_turn_them_on_has_no_such_page_and_no_link(client: TestClient, house: House) -> None:
    put_machine(house)
    refused = client.get("/firm/turning/machine/lathe-1?lang=ja")
    assert refused.status_code == 404
    assert "machine_figures" in refused.text
    assert client.get("/firm/turning/machine/grinder-1").status_code == 404
    assert client.get("/firm/nobody/machine/grinder-1").status_code == 404
    assert "/machine/" not in client.get("/firm/turning").text


def test_a_station_of_another_firm_and_a_day_too_long_ago_show_nothing(client: TestClient, house: House) -> None:
    put_machine(house)
    other = client.get("/firm/grinding/machine/lathe-1?lang=ja")
    assert "この日、この設備の記録はありません" in other.text
    assert client.get(f"{PAGE}?day=2026-01-01").status_code == 404
    assert client.get(f"{PAGE}?day=never").status_code == 422
