"""The office at its desk, over a running server: by command and by page, one after the other and both at once."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from typer.testing import CliRunner

from broker.clock import clock
from broker.codes import TicketCode, printed
from broker.events import Action, OrderPart, Work, encode
from gateway.api import Api, ChangedMeanwhile
from gateway.cli import app
from gateway.ledger import Ledger
from gateway.office import command
from gateway.office.desk import Desk
from gateway.office.refusals import Impossible
from gateway.office.wishes import Alter, Hold
from gateway.orders.bring import bring, caught_up, known
from gateway.orders.order_file import parse
from gateway.rules.order import OrderState
from gateway.web.app import create_app
from tests.conftest import until
from tests.office.house import order
from tests.orders.server import Server

pytestmark = pytest.mark.slow

OURS = {"Sec-Fetch-Site": "same-origin"}
SURE = command.How(by="山田", why="客先から電話", yes=True)


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[TestClient]:
    with TestClient(
        create_app(server.settings), base_url="http://127.0.0.1:8471", follow_redirects=False, headers=OURS
    ) as opened:
        until(lambda: opened.app.state.memory.pulse, seconds=30, what="the pages to have read the orders")
        yield opened


def stands(server: Server, key: str) -> OrderState:
    kept = server.caught_up().order(key)
    assert kept
    return kept.state


def ask(client: TestClient, key: str, **fields: str) -> Response:
    return client.post(f"/order/{key}/office", data=fields)


def text(page: Response) -> str:
    """What a person reads of a page's main part."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2]))


# -- by command --------------------------------------------------------------------------------------------------------


def test_a_command_says_what_will_happen_and_then_does_it(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    key, number, ticket = order(server)
    wish = command.alter({"quantity": "６０", "due": "R81.12.31"}, [])
    assert command.carry_out(server.settings, number, wish, command.How(dry_run=True)) == 0
    said = capsys.readouterr().out
    assert "数量：50 → 60 / Quantity: 50 → 60" in said
    assert "納期：2099-12-25 → 2099-12-31" in said
    assert f"Ticket {ticket} of lot 1 becomes old: print the new one (60 pcs) and exchange it" in said
    assert said.endswith("まだ何も変えていません / Nothing has been changed yet\n")
    assert stands(server, key).quantity == 50

    assert command.carry_out(server.settings, ticket, wish, SURE) == 0
    state = stands(server, key)
    (new,) = (one for one in state.tickets if not one.old)
    assert (state.quantity, new.quantity, new.issue) == (60, 60, 2)
    assert f"{new.id}  http://127.0.0.1:8471/papers/order/{key}" in capsys.readouterr().out
    assert (state.history[-1].by, state.history[-1].why) == ("山田", "客先から電話")


def test_a_program_is_answered_in_json_and_a_refusal_is_one_sentence(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    key, number, ticket = order(server)
    how = command.How(by="Sato", why="test", yes=True, as_json=True, version=1)
    assert (
        command.carry_out(server.settings, number, command.alter({"revision": "B", "amount": "120,000円"}, []), how)
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["order"], found["version"], found["action"], found["dry_run"]) == (key, 2, "changed", False)
    assert [change["what"] for change in found["changes"]] == ["revision", "amount"]
    assert "120" not in json.dumps(found["changes"])
    assert [paper["old"] for paper in found["papers"]] == [ticket]
    assert found["print"].endswith(f"/papers/order/{key}")

    assert command.carry_out(server.settings, number, command.alter({"revision": "C"}, []), how) == 1
    refused = json.loads(capsys.readouterr().out)["refused"]
    assert refused.endswith(
        "After you opened it, Sato changed this order (Changed). See how it stands now, then enter it again"
    )
    assert stands(server, key).revision == "B"
    assert command.show(server.settings, number, viewer="turning", as_json=True) == 0
    assert "120000" not in capsys.readouterr().out
    assert command.show(server.settings, number, viewer="inspection", as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["order"]["amount"] == 120_000
    assert command.show(server.settings, number, viewer=None, as_json=False) == 0
    shown = capsys.readouterr().out
    assert "Changed  " in shown
    assert "120" not in shown


@pytest.mark.parametrize(
    ("texts", "cleared", "sentence"),
    [
        ({"quantity": "many"}, [], "Quantity: many cannot be used. Give a number, 0 or more"),
        ({"quantity": "99999999999"}, [], "Quantity: 99999999999 cannot be used."),
        ({"due": "11/12/26"}, [], "Due: 11/12/26 cannot be used. Write it as 2026-12-25"),
        ({"part": "x" * 201}, [], "At most 200 characters"),
        ({"series": "twice"}, [], "Use prototype or series"),
        ({"coordinator": "nobody"}, [], "There is no firm nobody."),
        ({"parent": "99999"}, [], "There is no order 99999."),
        ({}, ["quantity"], "There is no field quantity: own_number,"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_to_do(
    server: Server, capsys: pytest.CaptureFixture[str], texts: dict[str, str], cleared: list[str], sentence: str
) -> None:
    _, number, _ = order(server)
    assert command.carry_out(server.settings, number, command.alter(texts, cleared), SURE) == 1
    assert sentence in capsys.readouterr().err


def test_the_commands_ask_who_why_and_whether_to_do_it(server: Server) -> None:
    key, number, _ = order(server)

    def typed(*words: str, answers: str = "") -> str:
        done = CliRunner().invoke(app, ["order", *words, "--settings", str(server.settings_path)], input=answers)
        return done.output

    assert "だれが / Who" in typed("hold", number, "--pieces", "5", answers="山田\n検査待ち\ny\n")
    assert stands(server, key).held_pieces == 5
    typed("release", number, answers="山田\n合格\nn\n")
    assert stands(server, key).held, "no is no"
    typed("release", number, "--by", "山田", "--why", "合格", "--yes")
    typed("reroute", number, "20", "表面処理の会社", "--by", "山田", "--why", "機械故障", "--yes")
    typed("split", number, "20", "--by", "山田", "--why", "先に20個", "--yes")
    typed("cancel", number, "--by", "山田", "--why", "中止", "--yes")
    assert [(change.action, change.why) for change in stands(server, key).history[1:]] == [
        ("held", "検査待ち"),
        ("released", "合格"),
        ("rerouted", "機械故障"),
        ("split", "先に20個"),
        ("cancelled", "中止"),
    ]
    assert "中止" in typed("show", number)
    assert "give --into or --part" in typed("adopt", "7K3Q9F")


# -- two at once -------------------------------------------------------------------------------------------------------


def test_of_two_who_looked_at_the_same_moment_only_one_writes(server: Server) -> None:
    key, _, _ = order(server)
    with Desk(server.settings) as first, Desk(server.settings) as second:
        seen, too = first.look(key), second.look(key)
        mine, theirs = first.plan(seen, Alter(OrderPart(quantity=60))), second.plan(too, Hold())
        first.write(seen, mine, by="A", why="first")
        with pytest.raises(ChangedMeanwhile):
            second.write(too, theirs, by="B", why="second")
        with pytest.raises(Impossible, match="A changed this order"):
            second.plan(second.look(key), Hold(), version=too.version)
    state = stands(server, key)
    assert (state.quantity, state.held, len(state.history)) == (60, False, 2)


def test_of_two_tabs_that_import_one_file_at_the_same_moment_one_is_refused(server: Server) -> None:
    file = '注文番号,図番,数量,工程,会社,幹事会社\n同時-1,"12"" 軸",5,旋削,turning,turning\n'.encode()
    api = Api.connect(server.settings.socket)
    with server.caught_up() as state, Ledger.open(server.settings.ledger_url) as ledger:
        seen = [(caught_up(state, ledger), parse(file, known(server.settings, state))) for _tab in range(2)]
        (since, first), (_, second) = seen
        (made,) = bring(api, first.proposals, by="一", since=since)
        with pytest.raises(ChangedMeanwhile, match="同じ番号の受注をほかの人が登録しました"):
            bring(api, second.proposals, by="二", since=since)
        (problem,) = parse(file, known(server.settings, server.caught_up())).problems
        assert made.part
        assert made.part.number
        assert made.part.number in problem.reason.ja
        (meant,) = bring(api, second.proposals, by="二", since=caught_up(state, ledger))
    assert meant.order != made.order


def test_nobody_writes_without_who_and_why(server: Server) -> None:
    key, _, _ = order(server)
    with Desk(server.settings) as desk:
        looked = desk.look(key)
        for by, why in (("", "x"), ("x", " "), ("x" * 201, "x")):
            with pytest.raises(Impossible):
                desk.write(looked, desk.plan(looked, Hold()), by=by, why=why)
    assert not stands(server, key).held


# -- by page -----------------------------------------------------------------------------------------------------------


def test_the_page_says_what_will_happen_asks_who_and_why_and_goes_to_the_papers(
    server: Server, client: TestClient
) -> None:
    key, _, ticket = order(server)
    form = client.get(f"/order/{key}/office?lang=ja")
    assert 'name="version" value="1"' in form.text
    assert "http-equiv" not in form.text, "a form that is being filled in is not loaded again"
    edit = {"do": "edit", "version": "1", "quantity": "７０", "was-quantity": "50"}
    confirm = ask(client, key, **edit)
    assert confirm.status_code == 200
    assert "数量：50 → 70" in text(confirm)
    assert f"票 {ticket} は旧版になります" in text(confirm)
    assert stands(server, key).quantity == 50

    unsaid = ask(client, key, **edit, confirm="1", by="", why="")
    assert (unsaid.status_code, "だれが、なぜ変えるのか" in text(unsaid)) == (422, True)
    done = ask(client, key, **edit, confirm="1", by="山田", why="追加")
    assert (done.status_code, done.headers["location"]) == (303, f"/order/{key}#tickets")
    until(lambda: "追加" in client.get(f"/order/{key}?lang=ja").text, what="the page to show the history")
    page = text(client.get(f"/order/{key}?lang=ja"))
    assert "新しい票を印刷して、前の票と取り替えてください" in page
    assert "変更 Changed 山田" in page
    assert "山田" in client.get(f"/order/{key}/office").text or "山田" in ask(client, key, do="hold").text
    english = text(client.get(f"/order/{key}?lang=en"))
    assert "Print the new tickets and exchange them" in english


def test_the_second_of_two_pages_is_told_and_undoes_nothing_of_the_first(server: Server, client: TestClient) -> None:
    key, _, _ = order(server)
    first = {"do": "edit", "version": "1", "due": "2099-11-30", "was-due": "2099-12-25", "confirm": "1"}
    assert ask(client, key, **first, by="A", why="first").status_code == 303
    second = {
        "do": "edit",
        "version": "1",
        "due": "2099-12-25",
        "was-due": "2099-12-25",
        "spare": "3",
        "was-spare": "0",
    }
    told = ask(client, key, **second, confirm="1", by="B", why="second")
    assert told.status_code == 422
    assert "A changed this order" in text(told)
    assert 'name="spare" value="3"' in told.text, "what was typed stays"
    assert 'name="due" value="2099-11-30"' in told.text, "what only stood there is as it is now"
    assert 'name="version" value="2"' in told.text
    again = {**second, "version": "2", "was-due": "2099-11-30", "due": "2099-11-30"}
    assert ask(client, key, **again, confirm="1", by="B", why="second").status_code == 303
    state = stands(server, key)
    assert (state.due and state.due.isoformat(), state.spare) == ("2099-11-30", 3)


def test_every_form_of_the_page_does_what_it_says(server: Server, client: TestClient) -> None:
    key, _, ticket = order(server)
    who = {"confirm": "1", "by": "A", "why": "test"}
    assert ask(client, key, do="reroute", step="20", firm="plating", due="2099-12-01", **who).status_code == 303
    assert [one.firm for one in stands(server, key).operations] == ["turning", "plating"]
    lot = next(one.id for one in stands(server, key).tickets if not one.old)
    assert ask(client, key, do="split", ticket=lot, pieces="20", **who).status_code == 303
    assert [one.quantity for one in stands(server, key).tickets if not one.old] == [30, 20]
    assert client.get(f"/order/{key}?lang=ja").text.count("未印刷") == 2
    assert ask(client, key, do="hold", pieces="5", **who).status_code == 303
    assert stands(server, key).held_pieces == 5
    assert "保留を解除" in client.get(f"/order/{key}/office?lang=ja").text
    assert ask(client, key, do="release", **who).status_code == 303
    assert ask(client, key, do="cancel", **who).status_code == 303
    assert "取消を解除" in client.get(f"/order/{key}/office?lang=ja").text
    assert ask(client, key, do="release", **who).status_code == 303
    assert stands(server, key).state.value == "ready"
    assert [change.action for change in stands(server, key).history] == [
        "created", "rerouted", "split", "held", "released", "cancelled", "released",
    ]  # fmt: skip
    assert ask(client, key, do="split", ticket=ticket, pieces="1").status_code == 422
    assert ask(client, key, do="reroute", step="20", firm="nobody").status_code == 422
    assert ask(client, key, do="something else").status_code == 422


def test_what_is_typed_is_escaped_bounded_and_only_from_our_own_pages(server: Server, client: TestClient) -> None:
    key, _, _ = order(server)
    nasty = "<script>alert(1)</script>"
    confirm = ask(client, key, do="edit", part=nasty, **{"was-part": "軸"}, by=nasty, why=nasty)
    assert confirm.status_code == 200
    assert nasty not in confirm.text
    assert "&lt;script&gt;" in confirm.text
    url = f"/order/{key}/office"
    assert client.post(url, data={"do": "cancel"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(url, content=b"do=" + b"x" * 70_000, headers={"Content-Type": FORM}).status_code == 413
    assert client.post(url, content=b"do=" + b"\xff", headers={"Content-Type": FORM}).status_code in (200, 422)
    assert client.post(url, json={"do": "cancel"}).status_code == 422
    assert ask(client, key, do="hold", version="9" * 5000).status_code == 200, "Python reads no such number"
    assert (
        client.post(url, content="&".join(f"f{n}=1" for n in range(200)), headers={"Content-Type": FORM}).status_code
        == 422
    )
    assert client.get("/order/none/office").status_code == 404
    assert stands(server, key).history[-1].action == "created"


FORM = "application/x-www-form-urlencoded"


def test_the_samples_in_the_document_are_commands_that_exist() -> None:
    document = (Path(__file__).parents[2] / "docs" / "orders.md").read_text(encoding="utf-8")
    for name in ("show", "edit", "hold", "release", "cancel", "reroute", "split", "adopt"):
        assert f"mawashi order {name} " in document


def test_whoever_asks_for_an_old_paper_is_told_that_it_is_old_and_which_is_in_force(
    server: Server, client: TestClient
) -> None:
    key, _, ticket = order(server)
    who = {"confirm": "1", "by": "A", "why": "test"}
    assert ask(client, key, do="edit", revision="B", **{"was-revision": ""}, **who).status_code == 303
    new = next(one.id for one in stands(server, key).tickets if not one.old)
    for asked in (ticket, printed(TicketCode(ticket, 20)), f"HTTPS://SHOP.EXAMPLE/T/{printed(TicketCode(ticket))}"):
        found = client.get("/where", params={"q": asked})
        assert found.headers["location"] == f"/order/{key}?ticket={ticket}"
    page = client.get(f"/order/{key}?ticket={ticket}&lang=ja").text
    assert f"票 {ticket} は旧版です" in page
    assert f"いまの票は {new}" in page
    assert f"&amp;ticket={ticket}" in page, "and it stays so when the page is brought up to date"
    assert f"票 {new} は旧版です" not in client.get(f"/order/{key}?ticket={new}&lang=ja").text
    assert client.get("/where", params={"q": new}).headers["location"] == f"/order/{key}"


def test_what_the_customer_pays_is_on_no_page_of_the_office(server: Server, client: TestClient) -> None:
    key, number, _ = order(server)
    wish = command.alter({"amount": "987654321", "customer": "客先A"}, [])
    assert command.carry_out(server.settings, number, wish, SURE) == 0
    assert stands(server, key).amount == 987_654_321
    until(lambda: "金額が変わりました" in client.get(f"/order/{key}?lang=ja").text, what="the page to show the history")
    for path in (f"/order/{key}", f"/order/{key}/office", f"/api/orders/{key}", "/", "/api/orders"):
        page = client.get(path).text
        assert not re.search(r"987[,.]?654[,.]?321", page), path
        assert "客先A" not in page, path


def test_a_walk_in_is_named_on_its_page(server: Server, client: TestClient) -> None:
    target, number, _ = order(server)
    api = Api.connect(server.settings.socket)
    walk_in, other = api.mint(tickets=2).tickets
    now = clock().read()
    clocks = {"at": now.at, "mono_ms": now.mono_ms, "boot": now.boot, "clock": now.clock}
    api.append(
        [
            encode(Work(**clocks, action=Action.START, ticket=one, station="nc-1", firm="turning", told_by="test"))
            for one in (walk_in, other)
        ]
    )
    page = client.get(f"/order/u-{walk_in.lower()}") if server.caught_up() else None
    assert page is not None
    assert "番号不明の票に名前を付ける" in page.text
    form = client.get(f"/order/u-{walk_in.lower()}/office?lang=ja").text
    assert "新しい受注にする" in form
    assert "取消" not in text(client.get(f"/order/u-{walk_in.lower()}/office?lang=ja"))
    who = {"confirm": "1", "by": "A", "why": "walk-in"}
    given = ask(client, f"u-{walk_in.lower()}", do="give", into=number, pieces="7", **who)
    assert given.headers["location"] == f"/order/{target}#history"
    assert [one.quantity for one in stands(server, target).tickets] == [50, 7]
    assert ask(client, f"u-{walk_in.lower()}", do="give", into=number, **who).status_code == 404
    named = ask(
        client, f"u-{other.lower()}", do="name", part="治具", quantity="2", due="", coordinator="", drawing="", **who
    )
    assert named.status_code == 303
    made = stands(server, named.headers["location"].partition("/order/")[2].partition("#")[0])
    assert (made.part, made.quantity, made.coordinator, made.state.value) == ("治具", 2, "turning", "running")

    blank = text(client.get(f"/order/{made.key}/office?lang=ja"))
    assert "工程がまだありません。作業の順に入れてください。" in blank
    assert "工程を他社へ" not in blank
    half = ask(client, made.key, **{"do": "restep", "no-0": "10", "name-0": "", "firm-0": "turning", **who})
    assert "加える工程には、工程名と会社が要ります" in text(half)
    steps = {"no-0": "10", "name-0": "旋削", "firm-0": "turning", "name-1": "研削", "firm-1": "grinding"}
    assert ask(client, made.key, do="restep", **steps, **who).status_code == 303
    assert [(one.no, one.name, one.state.value) for one in stands(server, made.key).operations] == [
        (10, "旋削", "running"),
        (20, "研削", "waiting"),
    ]
    assert [one.old for one in stands(server, made.key).tickets] == [False]


def test_steps_are_added_and_left_out_by_command_and_page(
    server: Server, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    key, number, _ = order(server)
    way = command.restep(["15 = 洗浄 @ 表面処理の会社", "検査@inspection"], [20])
    assert command.carry_out(server.settings, number, way, SURE) == 0
    said = capsys.readouterr().out
    assert "工程を足す・なくす / Add steps or leave some out" in said
    assert "工程15 を足す：洗浄（表面処理の会社） / step 15 is added: 洗浄 (表面処理の会社)" in said
    assert (
        ask(client, key, **{"do": "restep", "drop-15": "1", "confirm": "1", "by": "A", "why": "x"}).status_code == 303
    )
    assert [(one.no, one.firm) for one in stands(server, key).operations] == [(10, "turning"), (20, "inspection")]
    assert command.carry_out(server.settings, number, command.restep(["洗浄"], []), SURE) == 1
    assert "番号=工程名@会社 と書いてください" in capsys.readouterr().err
    ran = CliRunner().invoke(app, ["order", "reroute", number, "20", "--settings", str(server.settings_path)])
    assert "give STEP and FIRM, or --add and --drop" in " ".join(ran.output.replace("│", " ").split())
