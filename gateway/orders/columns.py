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
        (
            *("注文番号（客先）", "客先注文番号", "貴社注文番号", "注番", "注文No", "客先注番", "客注番号", "客注No"),
            *("注文書番号", "注文書No", "発注番号", "発注No", "発注書番号", "発注書No", "po", "po_number", "po_no"),
        ),
    ),
    Column.CUSTOMER: Heading(
        "客先",
        (
            *("客先名", "得意先", "得意先名", "顧客", "顧客名", "お客様", "お客様名", "お客さま", "お客先", "お得意先"),
            *("ご注文主", "注文主", "発注者", "発注者名"),
        ),
    ),
    Column.PART: Heading("品名", ("部品名", "部品名称", "品名称", "品目名", "製品名", "商品名", "part_name")),
    Column.DRAWING: Heading(
        "図番", ("図面番号", "図面No", "図No", "図番号", "図面図番", "drawing_number", "drawing_no")
    ),
    Column.REVISION: Heading("改訂", ("図面改訂", "改訂記号", "改訂番号", "版", "rev", "図面rev")),
    Column.MATERIAL: Heading("材質", ("材料", "材種")),
    Column.SIZE: Heading("寸法", ("素材寸法", "材料寸法")),
    Column.QUANTITY: Heading(
        "数量",
        (
            *("受注数", "受注数量", "注文数", "注文数量", "発注数", "発注数量", "依頼数", "依頼数量", "必要数"),
            *("個数", "ご注文数", "qty"),
        ),
    ),
    Column.SPARE: Heading("予備", ("予備数",)),
    Column.LOTS: Heading("枝数", ("分割数", "ロット数", "branches")),
    Column.DUE: Heading(
        "納期",
        (
            *("納期日", "希望納期", "納期希望", "納期希望日", "ご希望納期", "指定納期", "要求納期", "客先納期"),
            *("納入希望日", "希望納入日", "納入期限", "due_date"),
        ),
    ),
    Column.COORDINATOR: Heading("幹事会社", ("幹事", "まとめ役", "ハブ企業")),
    Column.SERIES: Heading("試作／量産", ("試作量産", "試作・量産", "prototype_series")),
    Column.SUPPLIED: Heading("支給材", ("支給品",)),
    Column.ORIGIN: Heading("引合い元", ("引合元", "受注元", "紹介元")),
    Column.PARENT: Heading("親受注", ("親番号",)),
    Column.AMOUNT: Heading("金額", ("受注金額", "注文金額", "発注金額")),
    Column.STEP_NO: Heading("工程番号", ("工程no",)),
    Column.STEP: Heading("工程", ("工程名", "工程名称", "工程内容", "工程・指示", "step_name")),
    Column.FIRM: Heading("会社", ("会社名", "加工先", "工程会社")),
    Column.KIND: Heading("種別", ("工程種別",)),
    Column.STATION: Heading("設備", ("設備・作業台", "機械", "工程設備")),
    Column.STEP_DUE: Heading("工程納期", ("step_due_date",)),
}

MAYBE: dict[str, Column] = {
    "品目コード": Column.DRAWING,
    "型番": Column.DRAWING,
    "型式": Column.DRAWING,
    "品目": Column.PART,
    "件名": Column.PART,
    "納入日": Column.DUE,
    "納入期日": Column.DUE,
    "納品日": Column.DUE,
    "回答納期": Column.DUE,
    "期限": Column.DUE,
    "取引先": Column.CUSTOMER,
    "納入先": Column.CUSTOMER,
    "番号": Column.CUSTOMER_NUMBER,
    "伝票番号": Column.CUSTOMER_NUMBER,
    "オーダー番号": Column.CUSTOMER_NUMBER,
    "オーダーNo": Column.CUSTOMER_NUMBER,
    "手配番号": Column.CUSTOMER_NUMBER,
    "手配No": Column.CUSTOMER_NUMBER,
    "製造番号": Column.OWN_NUMBER,
    "受注額": Column.AMOUNT,
    "規格": Column.SIZE,
    "サイズ": Column.SIZE,
    "item": Column.PART,
    "delivery_date": Column.DUE,
}
"""What a heading may mean, to be asked: the same word is a drawing at one customer and something else at another."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What a heading means where no other column claims it; `beside`: only in a file that has this column too."""

    column: Column
    beside: Column | None = None


USUAL: dict[str, Usual] = {
    **dict.fromkeys(
        ("品番", "部番", "部品番号", "部品No", "品目番号", "part_number", "part_no"), Usual(Column.DRAWING, Column.PART)
    ),
    **dict.fromkeys(("名称", "部品"), Usual(Column.PART)),
    **dict.fromkeys(("員数", "数", "手配数"), Usual(Column.QUANTITY)),
    **dict.fromkeys(("工番", "作番", "製番No"), Usual(Column.OWN_NUMBER)),
    **dict.fromkeys(("合計金額", "税抜金額"), Usual(Column.AMOUNT)),
    **dict.fromkeys(("発注元", "注文元"), Usual(Column.CUSTOMER)),
    **dict.fromkeys(("外注先", "外注先名", "外注会社", "協力会社"), Usual(Column.FIRM, Column.STEP)),
}
"""What these are without the columns named, or beside a second of their sort, is asked: 品番 alone may be a name."""

UNKEPT: tuple[str, ...] = (
    *("備考", "備考欄", "摘要", "特記事項", "コメント", "メモ", "remarks", "note", "notes"),
    *("単価", "単位", "税", "税率", "消費税", "消費税額", "税額", "税込金額", "通貨", "税込合計", "unit", "unit_price"),
    *("No", "番", "行", "行番", "行番号", "行No", "項", "項番", "項目No", "明細", "明細番号", "明細No", "通番", "連番"),
    *("注文日", "発注日", "受注日", "発行日", "依頼日", "order_date"),
    *("担当", "担当者", "担当者名", "御担当", "ご担当者", "発注担当", "部署", "検印", "承認", "印"),
)
"""Headings of what an order here does not keep: their columns are left unread, which is told, and may be changed."""

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


_UNIT = re.compile(
    r"[(（\[【](?:個|本|枚|台|ケ|ヶ|コ|pcs?|ea|円|千?円|税抜き?|税込み?|税別|mm|㎜|西暦|和暦|年月日)[)）\]】]\s*$"
)


def meaning(heading: str) -> str:
    """Return a heading folded and without the unit that stands in brackets behind it.

    >>> meaning("数　量（個）"), meaning("金額(税抜)"), meaning("注文番号（客先）")
    ('数量', '金額', '注文番号客先')
    """
    return folded(_UNIT.sub("", plain(heading), count=1))


SUGGESTED: dict[str, Column] = {folded(name): column for name, column in MAYBE.items()}
LIKELY: dict[str, Usual] = {folded(name): usual for name, usual in USUAL.items()}
LEFT_UNREAD = frozenset(map(folded, UNKEPT))
BY_HEADING: dict[str, Column] = {
    folded(name): column for column, heading in HEADINGS.items() for name in (column.value, heading.ja, *heading.others)
}
WORDS = frozenset(BY_HEADING) | frozenset(SUGGESTED) | frozenset(LIKELY) | LEFT_UNREAD
"""Every heading that says something, folded."""


def by_name(firms: Sequence[Firm]) -> dict[str, str]:
    """Return firm ids by everything a firm is called."""
    names = {folded(name): firm.id for firm in firms for name in (firm.name, firm.name_en) if name}
    return names | {folded(firm.id): firm.id for firm in firms}
