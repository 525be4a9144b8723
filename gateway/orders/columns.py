"""The columns of an order file and the headings they go by, in Japanese and English. Reading them is `order_file`."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from gateway.settings import Firm


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
    ORIGIN = "origin"
    PARENT = "parent"
    AMOUNT = "amount"
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
    Column.CUSTOMER_NUMBER: Heading(
        "注文番号",
        ("注文番号（客先）", "客先注文番号", "注文No", "注文書番号", "発注番号", "発注No", "po", "po_number"),
    ),
    Column.CUSTOMER: Heading("客先", ("客先名", "得意先", "得意先名", "顧客", "顧客名")),
    Column.PART: Heading("品名", ("部品名", "品名称", "part_name")),
    Column.DRAWING: Heading("図番", ("図面番号", "図面No", "drawing_number")),
    Column.REVISION: Heading("改訂", ("図面改訂", "改訂記号", "版", "rev")),
    Column.MATERIAL: Heading("材質", ("材料",)),
    Column.SIZE: Heading("寸法", ("素材寸法",)),
    Column.QUANTITY: Heading("数量", ("受注数", "注文数", "注文数量", "発注数", "発注数量", "個数", "qty")),
    Column.SPARE: Heading("予備", ("予備数",)),
    Column.LOTS: Heading("枝数", ("分割数", "ロット数", "branches")),
    Column.DUE: Heading("納期", ("納期日", "希望納期", "due_date")),
    Column.COORDINATOR: Heading("幹事会社", ("幹事", "まとめ役", "ハブ企業")),
    Column.SERIES: Heading("試作／量産", ("試作量産", "試作・量産", "prototype_series")),
    Column.SUPPLIED: Heading("支給材", ("支給品",)),
    Column.ORIGIN: Heading("引合い元", ("引合元", "受注元", "紹介元")),
    Column.PARENT: Heading("親受注", ("親番号",)),
    Column.AMOUNT: Heading("金額", ("受注金額", "注文金額", "受注金額（円）")),
    Column.STEP_NO: Heading("工程番号", ("工程no", "no")),
    Column.STEP: Heading("工程", ("工程名", "工程名称", "工程内容", "工程・指示", "step_name")),
    Column.FIRM: Heading("会社", ("会社名", "加工先", "工程会社")),
    Column.KIND: Heading("種別", ("工程種別",)),
    Column.STATION: Heading("設備", ("設備・作業台", "機械", "工程設備")),
    Column.STEP_DUE: Heading("工程納期", ("step_due_date",)),
}

MAYBE: dict[str, Column] = {
    "品番": Column.DRAWING,
    "部番": Column.DRAWING,
    "部品番号": Column.DRAWING,
    "品目コード": Column.DRAWING,
    "品目": Column.PART,
    "名称": Column.PART,
    "件名": Column.PART,
    "納入日": Column.DUE,
    "納入期日": Column.DUE,
    "納品日": Column.DUE,
    "期限": Column.DUE,
    "取引先": Column.CUSTOMER,
    "発注元": Column.CUSTOMER,
    "番号": Column.CUSTOMER_NUMBER,
    "伝票番号": Column.CUSTOMER_NUMBER,
    "受注額": Column.AMOUNT,
    "規格": Column.SIZE,
    "サイズ": Column.SIZE,
    "part_number": Column.DRAWING,
    "part_no": Column.DRAWING,
    "item": Column.PART,
    "delivery_date": Column.DUE,
}
"""What a heading may mean, to be asked: the same word is a drawing at one customer and something else at another."""

REQUIRED = (Column.PART, Column.QUANTITY, Column.COORDINATOR)
"""Without these nobody could make the order, or be asked about it. A drawing does for a part's name."""

OF_THE_STEP = (Column.STEP_NO, Column.STEP, Column.FIRM, Column.KIND, Column.STATION, Column.STEP_DUE)
OF_THE_ORDER = tuple(column for column in Column if column not in OF_THE_STEP)
"""Stated on an order's first line; on its later lines the same again, or blank."""


def plain(text: str) -> str:
    r"""Return text as people mean it: full-width letters and digits made plain, spaces at the ends gone.

    So is what nobody sees: zero-width spaces, which make two drawings of one, and marks that turn the writing round.

    >>> plain("　５０ "), plain("VB-1\u200b\u202e")
    ('50', 'VB-1')
    """
    made = unicodedata.normalize("NFKC", text)
    return (made if made.isprintable() else "".join(filter(_seen, made))).strip()


def _seen(character: str) -> bool:
    return unicodedata.category(character) != "Cf"


@lru_cache(maxsize=20_000)
def folded(text: str) -> str:
    """Return text for comparing names and headings: plain, lower case, without spaces, brackets or joining marks.

    >>> folded("注 文 Ｎｏ．"), folded("試作／量産")
    ('注文no', '試作量産')
    """
    return re.sub(r"[\s()\[\]_・･/*.:#※-]", "", plain(text)).lower()


SUGGESTED: dict[str, Column] = {folded(name): column for name, column in MAYBE.items()}
BY_HEADING: dict[str, Column] = {
    folded(name): column for column, heading in HEADINGS.items() for name in (column.value, heading.ja, *heading.others)
}


def by_name(firms: Sequence[Firm]) -> dict[str, str]:
    """Return firm ids by everything a firm is called."""
    names = {folded(name): firm.id for firm in firms for name in (firm.name, firm.name_en) if name}
    return names | {folded(firm.id): firm.id for firm in firms}
