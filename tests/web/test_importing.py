"""Orders come in on a page: chosen, looked at with every problem beside its cell, answered, never twice, never half."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import sync_playwright

from gateway.orders.layout import Answers
from gateway.web.uploads import KEPT, Uploads
from tests.orders.awful import awful, book
from tests.web.conftest import Server

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GOOD = ["PO-1", "VB-1", "軸", "A", 5, "R8.12.18", 10, "旋削"]
ANSWERS = {
    **{
        f"c{place}": column
        for place, column in enumerate(("customer_number", "drawing", "part", "revision", "quantity"))
    },
    "c5": "due",
    "c6": "step_no",
    "c7": "step",
    "c8": "step_due",
    "c9": "amount",
    "c10": "-",
    "sheet": "注文一覧",
    "sheet_before": "注文一覧",
    "customer": "サンプル精機",
    "given_coordinator": "turning",
    "given_firm": "turning",
}


def send(client: TestClient, data: bytes, name: str = "注文書.xlsx") -> str:
    """Choose a file and return the address of what is in it."""
    taken = client.post("/orders/import", files={"file": (name, data, XLSX)}, data={"customer": ""})
    assert taken.status_code == 303
    return str(taken.headers["location"])


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_file_is_chosen_looked_at_and_answered_without_a_script(client: TestClient) -> None:
    assert 'enctype="multipart/form-data"' in client.get("/orders/import").text
    address = send(client, awful())
    asked = client.get(address)
    assert "3か所を直すと登録できます。まだ何も登録していません。" in asked.text
    assert '<option value="drawing">図番？</option>' in asked.text
    assert "--map" not in asked.text, "a page has no command line"

    assert client.post(address, data={**ANSWERS, "do": "look"}).headers["location"] == address
    said = words(client.get(address).text)
    assert "「サンプル精機」のファイルの読み方を覚えました。" in said
    assert "#REF! Excel のエラー #REF!（参照していたセルがなくなっている）。" in said
    assert "125 と 00123 が混ざっている。Excel が先頭の 0 を消したかもしれない。" in said
    english = words(client.get(f"{address}?lang=en").text)
    assert "It holds Excel&#39;s error #REF! (the cell it refers to is gone)." in english
    client.cookies.clear()

    known = words(client.get(send(client, book(GOOD))).text)
    assert "1件、問題なし。まだ何も登録していません。" in known
    assert "「サンプル精機」のファイルとして、覚えている読み方で読みました。" in known


def test_a_file_of_one_sheet_keeps_the_answers_that_were_given_too(client: TestClient) -> None:
    text = "注文番号,図番,品名,数量,希望日,会社,工程,幹事\nPO-7,VB-7,軸,5,2099/12/18,turning,旋削,turning\n"
    address = send(client, text.encode(), "注文.csv")
    assert "か所を直すと登録できます" in client.get(address).text
    answers = {**{f"c{place}": "?" for place in range(8)}, "c4": "due", "customer": "乙", "do": "look"}
    client.post(address, data=answers)
    assert "1件、問題なし。" in words(client.get(address).text)


def test_nothing_is_imported_while_anything_is_wrong_or_nobody_takes_it(client: TestClient) -> None:
    address = send(client, awful())
    client.post(address, data={**ANSWERS, "do": "import"})
    assert "か所を直すと登録できます" in client.get(address).text
    address = send(client, book(GOOD))
    client.post(address, data={**ANSWERS, "do": "import"})
    assert "mawashi gateway を起動してください" in client.get(address).text


def test_what_is_no_table_is_answered_with_a_sentence(client: TestClient) -> None:
    assert "PDF で、表ではない" in client.get(send(client, b"%PDF-1.7", "a.pdf")).text
    assert client.post("/orders/import", files={"file": ("", b"", XLSX)}).status_code == 422
    assert "ファイルを選んでください" in client.post("/orders/import", data={"customer": "a"}).text
    assert "もう一度選んでください" in client.get("/orders/import/nothing").text


def test_what_a_stranger_put_into_a_file_is_only_text(client: TestClient) -> None:
    html = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    data = f"図番,品名,数量,納期,{html}\n{html},軸,5,{html},{html}\n".encode()
    page = client.get(send(client, data, f"../../{html}.csv")).text
    assert "<script>alert" not in page
    assert "<img" not in page


def test_another_sites_form_is_refused(client: TestClient) -> None:
    address = send(client, book(GOOD))
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert client.post(address, data=ANSWERS, headers=headers).status_code == 403
        assert client.post("/orders/import", data={"customer": "a"}, headers=headers).status_code == 403


def test_few_files_are_kept_and_the_oldest_goes_first() -> None:
    uploads = Uploads()
    addresses = [uploads.put(str(n), b"", Answers()) for n in range(KEPT + 2)]
    assert [uploads.get(one) is None for one in addresses] == [True, True] + [False] * KEPT


@pytest.fixture
def small_screen(running: Server) -> Iterator[tuple[str, object]]:
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield running.url, chromium.new_page(java_script_enabled=False)
        chromium.close()


@pytest.mark.slow
def test_a_real_browser_sends_it_from_our_own_page_and_no_page_is_wider_than_its_screen(small_screen, tmp_path) -> None:
    url, page = small_screen
    file = tmp_path / "注文書.xlsx"
    file.write_bytes(awful())
    page.goto(f"{url}/orders/import")
    page.set_input_files("input[type=file]", file)
    page.click("button.go")
    assert "3か所を直すと" in page.inner_text(".verdict")
    page.select_option("select[name=c1]", "drawing")
    page.select_option("select[name=c10]", "-")
    page.select_option("select[name=given_coordinator]", "turning")
    page.select_option("select[name=given_firm]", "turning")
    page.click("button[value=look]")
    page.wait_for_load_state("load")
    assert page.locator("td.wrong").count() == 11
    assert page.inner_text("tbody:has(small.unseen) th").split() == ["12", "Hidden"]
    for width in (390, 820, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        widest = page.locator("body").bounding_box()["width"]
        assert widest <= width
        assert page.locator("main").bounding_box()["width"] <= width
