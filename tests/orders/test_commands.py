"""An office imports its orders into a running server and prints their tickets."""

import json
import re

import pytest
from fastapi.testclient import TestClient

from gateway.orders.printing import blanks
from gateway.web.app import create_app
from tests.orders.awful import book
from tests.orders.server import Server, running
from tests.orders.test_order_file import HEAD, SAMPLE

pytestmark = pytest.mark.slow


@pytest.fixture
def server(mosquitto):
    with running(mosquitto.port) as started:
        yield started


def order_file(server: Server, text: str) -> str:
    path = server.folder / "orders.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_orders_are_imported_seen_printed_and_not_imported_twice(server, tmp_path):
    tried = server.mawashi("order", "import", str(SAMPLE), "--dry-run")
    assert tried.returncode == 0
    assert "2 orders, no problems. Nothing has been imported yet." in tried.stdout
    assert server.caught_up().orders() == []

    done = server.mawashi("order", "import", str(SAMPLE))
    assert done.returncode == 0, done.stderr
    first, second = (line.split() for line in done.stdout.splitlines())
    assert first[:2] == ["4471", "A-2611-031"]
    assert len(second) == 3 + 3 + 1, "three lots have three tickets"
    state = server.caught_up()
    kept = state.order(first[-1].removeprefix("http://127.0.0.1:8471/order/"))
    assert kept
    assert kept.state.number == "4471"
    assert [ticket.id for ticket in kept.state.tickets] == [first[3]]
    assert [operation.firm for operation in kept.state.operations] == ["turning", "grinding", "plating", "inspection"]
    assert kept.state.quantity == 48

    again = server.mawashi("order", "import", str(SAMPLE))
    assert again.returncode == 1
    assert "2行目 A列「製番」：もう登録されている（共通番号 4471）。" in again.stderr
    assert "6行目 A列「製番」：もう登録されている（共通番号 4472）。" in again.stderr
    assert server.mawashi("order", "import", str(SAMPLE), "--dry-run").stderr == again.stderr, "it sees them too"
    assert len(server.caught_up().orders()) == 2
    meant = server.mawashi("order", "import", str(SAMPLE), "--again", "--json")
    assert [order["number"] for order in json.loads(meant.stdout)["orders"]] == ["4473", "4474"]

    page = tmp_path / "ticket.html"
    printed = server.mawashi("order", "ticket", "4471", "--out", str(page))
    assert printed.stdout == (
        f"受注 4471 バルブボディ：工程移動票 A4、票 {first[3]}、1ページ → {page}\n"
        f"Order 4471: A4 travellers, tickets {first[3]}, pages 1, in {page}\n"
    )
    assert f"{first[3]}.10-" in page.read_text()
    assert "再発行" not in page.read_text()
    assert (
        server.mawashi("order", "ticket", "4471", "--paper", "a5", "--out", str(page), "--by", "sato").returncode == 0
    )
    assert "再発行 1<i>Reprint 1</i>" in page.read_text()
    assert server.mawashi("order", "ticket", "4471", "--preview", "--out", str(page)).returncode == 0
    assert "見本" in page.read_text()
    (lot,) = server.caught_up().named("4471")[0].state.tickets
    assert [(one.paper, one.by) for one in lot.prints][1:] == [("a5", "sato")], "a preview is not recorded"
    sheets = [blanks(server.settings.socket, 24, by="sato")[0] for _ in range(2)]
    assert len({*sheets[0], *sheets[1], lot.id}) == 49, "no id is minted twice"
    many = server.mawashi("order", "ticket", "A-2611-031", "--out", str(page))
    assert many.returncode == 1
    assert "2 orders are called 'A-2611-031'" in many.stderr
    none = server.mawashi("order", "ticket", "9999", "--out", str(page))
    assert "「9999」という受注はありません" in none.stderr


def test_one_bad_line_imports_nothing(server):
    text = HEAD + "A,軸,5,,,,turning,,旋削,turning,,,\nB,軸,five,,,,turning,,旋削,welding,,,\n"
    done = server.mawashi("order", "import", order_file(server, text))
    assert done.returncode == 1
    assert "3行目 C列「数量」：「five」は" in done.stderr
    assert "3行目 J列「会社」：会社「welding」は登録されていない" in done.stderr
    assert done.stderr.endswith(
        "orders.csv：2か所を直してください。何も登録していません / Mend 2. Nothing was imported.\n"
    )
    as_json = server.mawashi("order", "import", order_file(server, text), "--json")
    assert [(found["line"], found["column"]) for found in json.loads(as_json.stdout)["problems"]] == [
        (3, "quantity"),
        (3, "firm"),
    ]
    assert server.caught_up().orders() == []


def test_without_a_server_the_command_says_what_to_do(mosquitto):
    server = Server(mosquitto.port)
    try:
        done = server.mawashi("order", "import", str(SAMPLE))
        assert done.returncode == 1
        assert "mawashi gateway を起動してください" in done.stderr
        assert server.mawashi("order", "import", "/nowhere.csv").stderr.startswith("/nowhere.csv を読めません。")
    finally:
        server.end()


def test_a_hundred_orders_are_one_import(server):
    lines = "".join(f"N{n},軸{n},5,,2,,turning,,旋削,turning,,,\n,,,,,,,,研削,grinding,,,\n" for n in range(100))
    done = server.mawashi("order", "import", order_file(server, HEAD + lines), "--json")
    orders = json.loads(done.stdout)["orders"]
    assert len({ticket for order in orders for ticket in order["tickets"]}) == 200
    assert len(server.caught_up().orders()) == 100


def test_a_customers_workbook_is_asked_about_once_and_the_next_one_comes_in_on_the_page(server):
    first = server.folder / "first.xlsx"
    first.write_bytes(book(["PO-1", "VB-1", "軸", "A", "５０個", "R8.12.18", 10, "旋削"]))
    asked = server.mawashi("order", "import", str(first), "--json", "--dry-run")
    assert asked.returncode == 1
    unknown = {
        one["heading"]: one["maybe"] for one in json.loads(asked.stdout)["columns"] if one["known_by"] == "unknown"
    }
    assert unknown == {"型番": "drawing"}

    said = ["--customer", "サンプル精機", "--map", "型番=drawing"]
    given = ["--set", "coordinator=turning", "--set", "会社=turning", "--by", "西"]
    done = server.mawashi("order", "import", str(first), *said, *given, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["kept"].endswith("order-files/サンプル精機.toml")

    with TestClient(create_app(server.settings), base_url="http://127.0.0.1:8471", follow_redirects=False) as office:
        second = book(["PO-2", "VB-1", "軸", "B", 20, "R9.1.15"], titles=False)
        page = office.post("/orders/import", files={"file": ("second.xlsx", second)}).headers["location"]
        said_there = office.get(page).text
        assert "1件、問題なし。まだ何も登録していません。" in said_there
        assert "図番は同じでも改訂 B は初めて。改訂 A（4471）の工程を使います：旋削。" in said_there
        form = {"customer": "サンプル精機", "sheet": "注文一覧", "sheet_before": "注文一覧", "do": "import", "by": "東"}
        (seen,) = re.findall('name="seen" value="([0-9a-f]{64})"', said_there)
        office.post(page, data={**form, "seen": "0" * 64})
        assert "登録する内容が変わりました。まだ何も登録していません" in office.get(page).text, (
            "other orders were shown"
        )
        office.post(page, data={**form, "seen": seen})
        office.post(page, data={**form, "seen": seen})
        assert "1件を登録しました。" in office.get(page).text

    listed = server.mawashi("order", "parts", "vb-1", "--json")
    assert [(one["revision"], one["number"], one["made"]) for one in json.loads(listed.stdout)["parts"]] == [
        ("A", "4471", 1),
        ("B", "4472", 1),
    ]
    kept = server.caught_up().named("4472")[0].state
    assert [(one.name, one.firm) for one in kept.operations] == [("旋削", "turning")]
    assert kept.history[0].by == "東 import second.xlsx"
