"""Files as offices save them become rows; what is none is refused with a sentence."""

import io
import struct
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import openpyxl
import pytest

from gateway.sheets import COLUMN_LIMIT, ROW_LIMIT, SIZE_LIMIT_BYTES, Row, UnreadableError, letter, read
from gateway.sheets.hidden import hidden_columns, hidden_rows


def workbook(fill: Callable[[openpyxl.Workbook], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def refused(data: bytes) -> UnreadableError:
    with pytest.raises(UnreadableError) as caught:
        read(data)
    assert caught.value.reason.ja
    assert caught.value.remedy.en
    return caught.value


NOON = datetime.fromisoformat("2026-11-26 12:00")
TEXT = "製番,品名\r\nA-1,軸\r\n"
ROWS = (Row(1, ("製番", "品名")), Row(2, ("A-1", "軸")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_what_programs_save_as_csv_is_read_alike(encoding, separator):
    book = read(TEXT.replace(",", separator).encode(encoding))
    assert book.sheets[0].rows == ROWS
    assert book.separator == separator
    assert book.sheets[0].name is None


def test_rows_are_numbered_as_a_spreadsheet_shows_them():
    (sheet,) = read(b'a,b\n\n"two\nlines",c\n,,\nd,e\n').sheets
    assert [row.number for row in sheet.rows] == [1, 3, 5]


def test_what_nobody_sees_of_a_sheet_is_read_and_known_by_row_and_column():
    def fill(book):
        sheet = book.active
        for n in range(1, 8):
            sheet.append([f"A-{n}", n, None, "x"])
        sheet.row_dimensions[3].hidden = True
        sheet.row_dimensions.group(6, 7, hidden=True)
        sheet.column_dimensions.group("B", "C", hidden=True)

    (sheet,) = read(workbook(fill)).sheets
    assert [row.number for row in sheet.rows] == [1, 2, 3, 4, 5, 6, 7]
    assert sheet.hidden_rows == {3, 6, 7}
    assert sheet.hidden_columns >= {1, 2}


def test_a_row_that_other_programs_do_not_number_follows_the_one_above():
    text = b"<x:row r='4'/><x:row hidden='true'><x:c/></x:row><x:row ht=\"0.0\" customHeight='1'/><x:row ht='10'/>"
    assert hidden_rows(text) == {5, 6}
    assert hidden_columns(b'<col min="3" max="16384" width="9" hidden="1"/>') == frozenset(range(2, COLUMN_LIMIT))


def test_columns_have_letters():
    assert [letter(n) for n in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_a_workbook_keeps_numbers_dates_and_texts_apart_and_hides_what_is_hidden():
    def fill(book):
        sheet = book.active
        sheet.title = "注文"
        sheet["A2"], sheet["B2"], sheet["C2"] = "00123", 123, NOON
        sheet["D2"] = "#REF!"
        sheet["D2"].data_type = "e"
        book.create_sheet("内部").sheet_state = "hidden"

    (sheet,) = read(workbook(fill)).sheets
    assert sheet.name == "注文"
    assert sheet.rows == (Row(2, ("00123", 123, NOON, "#REF!")),)
    assert sheet.day_zero == date(1899, 12, 30)


def test_a_formula_is_its_last_value_and_one_never_worked_out_is_named():
    def fill(book):
        book.active["A1"], book.active["B1"] = 5, "=A1*2"
        book.active["A3"] = "=A1"

    data = workbook(fill)
    (sheet,) = read(data).sheets
    assert [row.number for row in sheet.rows] == [1, 3]
    assert sheet.uncounted == {(1, 1), (3, 0)}

    calculated = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(calculated, "w") as new:
        for part in old.infolist():
            text = old.read(part).replace(b"<f>A1*2</f><v></v>", b"<f>A1*2</f><v>10</v>")
            new.writestr(part, text.replace(b"<f>A1*2</f><v />", b"<f>A1*2</f><v>10</v>"))
    (sheet,) = read(calculated.getvalue()).sheets
    assert sheet.rows[0].cells[:2] == (5, 10)
    assert sheet.uncounted == {(3, 0)}


def test_merged_cells_all_say_what_a_person_sees_and_make_no_rows_of_their_own():
    def fill(book):
        for row in (["注文", "工程", None], [None, "番号", "名称"], ["PO-1", "10", "旋削"], [None, "20", "研削"]):
            book.active.append(row)
        for merged in ("A1:A2", "B1:C1", "A3:A9"):
            book.active.merge_cells(merged)

    (sheet,) = read(workbook(fill)).sheets
    assert sheet.rows == (
        Row(1, ("注文", "工程", "工程")),
        Row(2, ("注文", "番号", "名称")),
        Row(3, ("PO-1", "10", "旋削")),
        Row(4, ("PO-1", "20", "研削")),
    )


def test_a_workbook_of_a_macintosh_counts_its_days_from_1904():
    def fill(book):
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        book.active["A1"] = 44888

    assert read(workbook(fill)).sheets[0].day_zero == date(1904, 1, 1)


def lying_zip() -> bytes:
    """A workbook whose sheet says that it is small and unpacks to 9 MB."""
    good = workbook(lambda book: book.active.append(["a"]))
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            big = part.filename == "xl/worksheets/sheet1.xml"
            new.writestr(part.filename, b" " * 9_000_000 if big else old.read(part))
    return file.getvalue().replace(struct.pack("<L", 9_000_000), struct.pack("<L", 1000))


def replaced(name: str, old: bytes, new: bytes) -> bytes:
    file = io.BytesIO()
    good = workbook(lambda book: book.active.append(["a"]))
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            data = source.read(part)
            target.writestr(part.filename, data.replace(old, new) if part.filename == name else data)
    return file.getvalue()


def repeated() -> bytes:
    """A workbook of a few kilobytes whose 200 cells all show one long text: 6 million characters."""

    def fill(book: openpyxl.Workbook) -> None:
        for _ in range(5):
            book.active.append(["漢" * 32_000] * 40)

    return workbook(fill)


def unpackable(compression: int) -> bytes:
    """A workbook with a part that cannot be unpacked, in a compression that Excel never uses."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr(SHEET, bytes(range(256)) * 9)
    data = bytearray(file.getvalue())
    data[80:90] = bytes(one ^ 0x5A for one in data[80:90])
    return bytes(data)


WIDE = b"".join(b'<row r="%d"><c r="XFD%d"/></row>' % (number, number) for number in range(2, 90_000))
MERGED = b"<mergeCells>" + b'<mergeCell ref="A1:XFD1048576"/>' * 1001 + b"</mergeCells>"
MANY_RANGES = b"<mergeCells>" + b'<mergeCell ref="A1:A1"/>' * 100_001 + b"</mergeCells>"
SHEET = "xl/worksheets/sheet1.xml"
BEGINNINGS = b"<!--" + b"<mergeCell " * 50_000 + b"-->"
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet '


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"x" * (SIZE_LIMIT_BYTES + 1), "上限の"),
        (b'a,b\n"c,d\n', "引用符"),
        (b"\xff\x81,b\n", "UTF-8 でも Shift_JIS"),
        (b"a\n" * (ROW_LIMIT + 1), "行より多い"),
        (b"a" + b"," * COLUMN_LIMIT + b"b\n", "列より多い"),
        (b"<html><table><tr><td>a</td></tr></table></html>", "HTML"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), ".xls"),
        (b"PK\x03\x04 and then nothing", "Excel のブック"),
        (replaced(SHEET, b"<worksheet ", ENTITIES), "Excel のブック"),
        (replaced(SHEET, b"</sheetData>", b" " * 40_000_000 + b"</sheetData>"), "開くと"),
        (replaced(SHEET, b'<row r="1">', b'<row r="99999999999999">'), "下まで続く"),
        (replaced(SHEET, b'r="A1"', b'r="ZZZ1"'), "列より多い"),
        (replaced(SHEET, b"</sheetData>", WIDE + b"</sheetData>"), "列より多い"),
        (replaced(SHEET, b"</sheetData>", b"</sheetData>" + MERGED), "結合されたセル"),
        (replaced(SHEET, b"</sheetData>", b"</sheetData>" + MANY_RANGES), "結合されたセル"),
        (replaced("[Content_Types].xml", b"sheet.main", b"sheet.none"), "Excel のブック"),
        (unpackable(zipfile.ZIP_LZMA), "Excel のブック"),
        (unpackable(zipfile.ZIP_BZIP2), "Excel のブック"),
        (replaced("xl/workbook.xml", b"</workbook>", b""), "Excel のブック"),
        (lying_zip(), "Excel のブック"),
        (repeated(), "上限の4,194,304文字"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_or_too_much_is_refused_at_once_with_a_sentence(data, words):
    begun = time.monotonic()
    assert words in refused(data).reason.ja + refused(data).remedy.ja
    assert time.monotonic() - begun < 20, "no file keeps the server busy"


def test_a_comment_full_of_beginnings_is_searched_once():
    begun = time.process_time()
    (sheet,) = read(replaced(SHEET, b"</sheetData>", b"</sheetData>" + BEGINNINGS)).sheets
    assert sheet.rows == (Row(1, ("a",)),)
    assert time.process_time() - begun < 10, "searched from each beginning to the end it took minutes"
