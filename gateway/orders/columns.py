"""The columns of an order file and the headings they go by, in Japanese and English. Reading them is `import_csv`."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Column(StrEnum):
    """One column; the value is its English heading."""

    OWN_NUMBER = "own_number"
    CUSTOMER_NUMBER = "customer_number"
    CUSTOMER = "customer"
    PART = "part"
    DRAWING = "drawing"
    REVISION = "revision"
    MATERIAL = "material"
    SIZE = "size"
    QUANTITY = "quantity"
    SPARE = "spare"
    LOTS = "lots"
    DUE = "due"
    COORDINATOR = "coordinator"
    SERIES = "series"
    SUPPLIED = "supplied"
    STEP_NO = "step_no"
    STEP = "step"
    FIRM = "firm"
    KIND = "kind"
    STATION = "station"
    STEP_DUE = "step_due"


@dataclass(frozen=True, slots=True)
class Heading:
    """How a column is headed: the Japanese word we print, and what else we accept."""

    ja: str
    others: tuple[str, ...] = ()


HEADINGS: dict[Column, Heading] = {
    Column.OWN_NUMBER: Heading("製番", ("製番（自社）", "受注番号", "order")),
    Column.CUSTOMER_NUMBER: Heading("注文番号", ("注文番号（客先）", "客先注文番号", "po")),
    Column.CUSTOMER: Heading("客先", ("得意先", "顧客")),
    Column.PART: Heading("品名", ("part_name",)),
    Column.DRAWING: Heading("図番", ("図面番号",)),
    Column.REVISION: Heading("改訂", ("図面改訂", "rev")),
    Column.MATERIAL: Heading("材質", ("材料",)),
    Column.SIZE: Heading("寸法", ("素材寸法",)),
    Column.QUANTITY: Heading("数量", ("受注数", "qty")),
    Column.SPARE: Heading("予備", ("予備数",)),
    Column.LOTS: Heading("枝数", ("分割数", "ロット数", "branches")),
    Column.DUE: Heading("納期", ("due_date",)),
    Column.COORDINATOR: Heading("幹事会社", ("幹事", "まとめ役", "ハブ企業")),
    Column.SERIES: Heading("試作／量産", ("試作量産", "prototype_series")),
    Column.SUPPLIED: Heading("支給材", ("支給品",)),
    Column.STEP_NO: Heading("工程番号", ("工程no", "no")),
    Column.STEP: Heading("工程", ("工程名", "工程・指示", "step_name")),
    Column.FIRM: Heading("会社", ("会社名", "加工先")),
    Column.KIND: Heading("種別", ("工程種別",)),
    Column.STATION: Heading("設備", ("設備・作業台", "機械")),
    Column.STEP_DUE: Heading("工程納期", ("step_due_date",)),
}

REQUIRED = (Column.OWN_NUMBER, Column.PART, Column.QUANTITY, Column.COORDINATOR, Column.STEP, Column.FIRM)
"""Without these nobody could make the order, or be asked about it."""

OF_THE_STEP = (Column.STEP_NO, Column.STEP, Column.FIRM, Column.KIND, Column.STATION, Column.STEP_DUE)
OF_THE_ORDER = tuple(column for column in Column if column not in OF_THE_STEP)
"""Stated on an order's first line; on its later lines the same again, or blank."""


def plain(text: str) -> str:
    """Return text as people mean it: full-width letters and digits made plain, spaces at the ends gone.

    >>> plain("　５０ ")
    '50'
    """
    return unicodedata.normalize("NFKC", text).strip()


def folded(text: str) -> str:
    """Return text for comparing names and headings: plain, lower case, without spaces, brackets or joining marks."""
    return re.sub(r"[\s()\[\]_・･/*-]", "", plain(text)).lower()


BY_HEADING: dict[str, Column] = {
    folded(name): column for column, heading in HEADINGS.items() for name in (column.value, heading.ja, *heading.others)
}
