"""The application over real stores: pages in both languages, escaping, refusals, JSON, and what its document says."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from broker.clock import Reading
from broker.codes import TicketCode, printed
from broker.events import Action, ClockQuality, Work
from gateway.rules.order import Ticket
from gateway.rules.stamp import stamp
from gateway.web import look, words
from gateway.web.guard import BODY_BYTES
from gateway.web.look import HERE
from tests.conftest import until
from tests.rules.floor import KEY, Floor, T, row
from tests.rules.floor import at as minute
from tests.web import sample
from tests.web.conftest import House, client_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "/",
    "/?wall=1",
    "/?show=done",
    "/firm/grinding",
    "/order/k4471",
    "/order/unknown1",
    "/where?q=zzz",
    "/lead-times",
    "/nothing",
)


def test_the_board_lists_every_open_order_with_who_has_it(client: TestClient) -> None:
    page = client.get("/?lang=ja").text
    for text in ("4471", "研削工場", "作業中", "8:06から", "2日遅れ", "要確認 1", "番号不明", "32（未確認） / 48"):
        assert text in page
    assert "k4455" not in page  # delivered
    assert page.index("k4465") < page.index("k4471") < page.index("unknown1")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_works_in_both_languages_and_says_where_it_can_be_seen(client: TestClient, path: str) -> None:
    japanese = client.get(path, headers={"Accept-Language": "ja"}).text
    english = client.get(path, headers={"Accept-Language": "en"}).text
    assert '<html lang="ja"' in japanese
    assert '<html lang="en"' in english
    for page in (japanese, english):
        assert "この機械の中だけ" in page
        assert "on this machine only" in page
        assert page.count('name="q"') == 1
        assert "9:28" in page
    assert "時点" in japanese
    assert "As of" in english


def test_the_language_asked_for_is_remembered(client: TestClient) -> None:
    assert "All orders<small>" in client.get("/?lang=en").text
    assert "All orders<small>" in client.get("/").text
    assert "全社の受注<small>" in client.get("/?lang=ja").text


@pytest.mark.parametrize("due", [date.max, date.min])
@pytest.mark.parametrize("stated", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00Z"])
def test_no_date_and_no_stated_time_breaks_a_page(house: House, due: date, stated: str) -> None:
    floor = Floor("10:turning 20:grinding", due=due)
    floor.promise(1, 10, asked=due, answered=due)
    began = floor.start("turning", 10, 5, as_of=datetime.fromisoformat(stated))
    floor.finish("turning", 10, 9, closes=began, as_of=datetime.fromisoformat(stated), good=50)
    house.put(floor.state)
    with client_of(house) as client:
        until(lambda: client.app.state.memory.pulse)
        for path in ("/", "/?wall=1", "/firm/turning", f"/order/{KEY}", f"/orders/{KEY}/tickets"):
            assert client.get(path).status_code == 200, path


def test_a_time_by_a_clock_that_was_not_set_says_so_wherever_it_is_shown(house: House) -> None:
    floor = Floor("10:turning 20:grinding", created=-700)
    floor.start("turning", 10, -660)
    floor.finish("turning", 10, -630, good=50)
    event = Work(
        at=datetime(1970, 1, 1, tzinfo=UTC), mono_ms=9, boot="b7", clock=ClockQuality.UNSYNCED,
        action=Action.START, ticket=T, operation=20, station="grinder-1",
    )  # fmt: skip
    floor.rows.append(stamp(row(event, "grinding/e1", 9, received_at=minute(-600)), event))
    house.put(floor.state)
    with client_of(house) as client:
        until(lambda: client.app.state.memory.pulse)
        page = client.get(f"/order/{KEY}?lang=ja").text
        assert "作業中 約7:00から" in page
        assert ">約7:00<" in page, "beside the operation it started"
        assert ">6:00<" in page, "and what is certain says nothing"
        assert re.search(r"リードタイム 約\d", page)
        assert words.ABOUT_NOTE.ja in page
        assert words.ABOUT_NOTE.en in page, "in both languages"
        for path in ("/?lang=ja", "/firm/grinding?lang=ja"):
            assert "約7:00から" in client.get(path).text, path
        assert "≈ 7:00" in client.get(f"/order/{KEY}?lang=en").text


def test_nothing_in_an_order_is_markup(house: House) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    order = replace(
        sample.running(),
        key="kevil",
        number=evil,
        part=evil,
        drawing=evil,
        material=evil,
        own_number=evil,
        operations=tuple(replace(one, name=evil, station="x") for one in sample.running().operations),
        tickets=(Ticket("7K3Q9F", 1, 5, parent="B2M8XR"),),
    )
    house.put(order)
    with client_of(house) as client:
        until(lambda: client.app.state.memory.pulse)
        paths = (
            *("/", "/firm/grinding", "/order/kevil", "/fragments/rows?keys=kevil", "/where?q=7K3Q9F"),
            "/where?q=%3Cscript%3Ealert(1)%3C/script%3E",
        )
        for path in paths:
            text = client.get(path, follow_redirects=True).text
            assert "<script>alert" not in text
            assert "<img" not in text
            assert 'onerror=alert(2)>"' not in text


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_a_script_or_style_inside_it_or_anything_from_elsewhere(client: TestClient, path: str) -> None:
    answer = client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)
    assert not re.search(r'(?:src|href)="(?!/|#)', answer.text)


def test_what_is_sent_states_its_length_and_is_bounded(client: TestClient) -> None:
    assert client.post("/", content=iter([b"x"])).status_code == 411
    both = {"Content-Length": "1", "Transfer-Encoding": "chunked"}  # the server goes by the second and reads on
    assert client.post("/", headers=both, content=b"x").status_code == 411
    assert client.post("/", headers={"Content-Length": str(BODY_BYTES + 1)}, content=b"").status_code == 413


def test_a_foreign_host_name_is_refused(client: TestClient) -> None:
    for host in ("evil.example", "evil.example:8471", "127.0.0.1.evil.example", ""):
        assert client.get("/", headers={"Host": host}).status_code == 421
    for host in ("localhost:8471", "127.0.0.1:8471", "[::1]:8471"):
        assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8471"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
    ],
)
def test_nothing_is_changed_from_another_sites_page(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/", headers=headers)
    assert answer.status_code == 403
    assert answer.text.startswith("ほかのページからは登録できません。")


def test_what_our_own_pages_send_passes(client: TestClient) -> None:
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://127.0.0.1:8471"}, {}):
        assert client.post("/", headers=headers).status_code == 405


def test_a_blank_that_nobody_has_used_is_said_to_be_one(house: House, client: TestClient) -> None:
    (blank,) = house.ledger.mint(0, 1, Reading(sample.NOW, 1, "b0", ClockQuality.SYNCED)).tickets
    for asked in (blank, blank.lower(), f"HTTPS://MAWASHI.EXAMPLE/T/{printed(TicketCode(blank))}"):
        page = client.get("/where", params={"q": asked, "lang": "ja"}).text
        assert f"票「{blank}」は、まだ使われていない白票です。" in page


def test_one_hit_goes_to_the_order_which_answers_in_a_sentence(client: TestClient) -> None:
    for asked in ("4471", "４４７１", "26-4471", "MS-4471"):
        answer = client.get("/where", params={"q": asked})
        assert answer.status_code == 303, asked
        assert answer.headers["location"] == "/order/k4471"
    for asked in ("where is 4471?", "4471はいまどこ？", "Where is MS-4471"):
        assert client.get("/where", params={"q": asked}).headers["location"] == "/order/k4471", asked
    for asked in ("00AAZZ", "００ＡＡＺＺ はどこですか"):
        old = client.get("/where", params={"q": asked})
        assert old.headers["location"] == "/order/k4471?ticket=00AAZZ", "an old issue: the page says so"
    assert client.get("/where", params={"q": "4471-20"}).headers["location"] == "/order/k4471#op20"
    assert "いま: 研削工場 工程20 作業中 8:06から" in client.get("/order/k4471?lang=ja").text
    assert "Now at Grinding, operation 20, running, since 8:06" in client.get("/order/k4471?lang=en").text


def test_no_hit_and_many_hits_are_one_clear_sentence(client: TestClient) -> None:
    assert "「9999」は見つかりません" in client.get("/where?q=9999&lang=ja").text
    assert "Nothing is called “9999”" in client.get("/where?q=9999&lang=en").text
    many = client.get("/where?q=447&lang=ja").text
    assert re.search(r"「447」は \d件あります。", many)
    assert "いま: 研削工場 工程20 作業中 8:06から" in many
    assert "入れてください" in client.get("/where?q=&lang=ja").text


def test_what_is_too_long_is_refused_with_what_to_do(client: TestClient) -> None:
    long = client.get("/where", params={"q": "4" * 65, "lang": "ja"})
    assert (long.status_code, "64文字まで" in long.text) == (422, True)
    assert client.get("/where", params={"q": "4" * 5000}).status_code == 414
    assert client.get("/" + "x" * 300).status_code == 414
    assert client.get("/?page=0").status_code == 422
    assert client.get("/?show=everything").status_code == 422
    assert client.get("/api/orders?limit=100000").status_code == 422


def test_what_is_not_there_says_so_in_both_languages(client: TestClient) -> None:
    assert "この受注はありません" in client.get("/order/none", headers={"Accept-Language": "ja"}).text
    assert "There is no such firm" in client.get("/firm/none", headers={"Accept-Language": "en"}).text
    assert client.get("/api/orders/none").json() == {
        "ja": "この受注はありません。番号でさがしてください。",
        "en": "There is no such order. Look for it by its number.",
    }


def test_a_parked_order_is_shown_as_last_known(house: House) -> None:
    house.put(sample.running(), parked="Traceback ...")
    with client_of(house) as client:
        until(lambda: client.app.state.memory.ready)
        assert "表示が古いままです" in client.get("/?lang=ja").text
        assert "Traceback" not in client.get("/order/k4471").text
        assert client.get("/api/orders/k4471").json()["current"] is False


def test_before_there_is_anything_the_board_says_that_it_is_coming(house: House) -> None:
    house.state.close()
    for file in house.settings.data_dir.glob("state.sqlite*"):
        file.unlink()
    with client_of(house) as client:
        assert "準備しています" in client.get("/?lang=ja").text
        assert client.get("/api/orders").json()["orders"] == []


def test_the_json_says_what_the_pages_say(client: TestClient) -> None:
    one = client.get("/api/orders/k4471").json()
    assert one["where"] == {
        "stand": "active",
        "operations": [20],
        "ja": "いま: 研削工場 工程20 作業中 8:06から",
        "en": "Now at Grinding, operation 20, running, since 8:06",
    }
    assert one["order"]["operations"][1]["good"] == {"counted": 20, "machine": 0, "assumed": 12}
    seen, after = [], ""
    while True:
        page = client.get("/api/orders", params={"limit": 4, "after": after}).json()
        seen += [answer["key"] for answer in page["orders"]]
        if not (after := page["next"] or ""):
            break
    assert seen == sorted(order.key for order in sample.orders())
    assert [one["key"] for one in client.get("/api/orders?show=late").json()["orders"]] == ["k4465"]


def test_the_json_names_neither_customer_nor_amount_nor_people(house: House) -> None:
    state = sample.running()
    first, second, *rest = state.operations
    worked = replace(second, sessions=tuple(replace(one, badges=("B-0777",)) for one in second.sessions))
    house.put(replace(state, customer="客先A", amount=987_654_321, operations=(first, worked, *rest)))
    with client_of(house) as client:
        until(lambda: client.app.state.memory.ready, what="the pages to have read the order")
        for address in ("/api/orders", "/api/orders/k4471"):
            text = client.get(address).text
            assert "円筒研削" in text
            for secret in ("客先A", 'customer"', "amount", "987654321", "badges", "B-0777"):
                assert secret not in text


def test_an_order_done_long_ago_is_in_no_list_but_is_found_and_has_its_page(house: House) -> None:
    done = next(one for one in sample.orders() if one.delivered_at)
    long_ago = replace(done, key="kold", number="3001", delivered_at=sample.NOW - timedelta(days=31))
    house.put(*sample.orders(), long_ago)
    with client_of(house) as client:
        memory = client.app.state.memory
        until(lambda: memory.pulse, what="the pages to have read the orders")
        assert "kold" not in memory.orders
        assert "k4455" in memory.orders
        assert "3001" not in client.get("/?show=done").text
        assert client.get("/where?q=3001").headers["location"] == "/order/kold"
        for address in ("/order/kold", "/orders/kold/tickets", "/api/orders/kold"):
            assert client.get(address).status_code == 200

        pulse = memory.pulse
        memory.beat(replace(pulse, as_of=pulse.as_of + timedelta(days=31)))
        assert "k4455" not in memory.orders, "it has become old"
        assert "k4471" in memory.orders


def test_rendered_rows_are_bounded(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "ROWS_KEPT", 5)
    assert 'id="o-k4471"' in client.get("/?lang=ja").text
    assert len(client.app.state.rows) == 5


def test_a_row_that_left_the_list_comes_back_as_nothing(client: TestClient) -> None:
    answer = client.get("/fragments/rows?keys=k4471,k4455,none&show=open").json()
    assert answer["rows"]["k4455"] is None
    assert answer["rows"]["none"] is None
    assert answer["rows"]["k4471"].lstrip().startswith('<li class="lane" id="o-k4471"')
    assert answer["tabs"] == {"open": 10, "late": 1, "check": 3, "done": 1}


def test_the_tickets_and_cards_can_be_printed_from_the_pages(client: TestClient) -> None:
    assert 'href="/papers/order/k4471"' in client.get("/order/k4471").text
    tickets = client.get("/orders/k4471/tickets")
    assert tickets.status_code == 200
    assert "7K3Q9F" in tickets.text
    assert (
        "style-src 'unsafe-inline'" in tickets.headers["content-security-policy"]
    )  # it stands alone, by its own policy
    assert client.get("/papers/cards?firm=turning").status_code == 200


def test_the_document_names_every_address_and_every_event() -> None:
    document = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*.py"))]
    for source in sources:
        prefix = "".join(re.findall(r'APIRouter\(prefix="([^"]+)"\)', source))
        for address in re.findall(r'@router\.get\("([^"]*)"', source):
            assert f"`{prefix}{address}`" in document, prefix + address
    source = "\n".join(sources)
    for event in re.findall(r'_event\("(\w+)"|event="(\w+)"', source):
        assert f"`{''.join(event)}`" in document, event


def test_no_screen_says_a_word_of_the_machinery(client: TestClient) -> None:
    for path in PAGES:
        text = re.sub(r"<[^>]+>", " ", client.get(path, headers={"Accept-Language": "en"}).text).lower()
        for word in ("ledger", "receipt", "quarantine", "outbox", "broker", "p99"):
            assert word not in text, (path, word)


def test_no_page_and_no_paper_says_what_the_customer_pays(house: House) -> None:
    state = next(one for one in sample.orders() if one.key == "k4471")
    house.put(replace(state, amount=987_654_321))
    with client_of(house) as client:
        until(lambda: client.app.state.memory.pulse, what="the pages to have read the orders")
        for path in (
            "/",
            "/?wall=1",
            "/firm/turning",
            "/firm/grinding",
            "/order/k4471",
            "/orders/k4471/tickets?customer=1",
        ):
            page = client.get(path)
            assert page.status_code == 200
            assert not re.search(r"987[,.]?654[,.]?321", page.text), path
