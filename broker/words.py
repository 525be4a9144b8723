"""The floor's words, Japanese and English, in one place: screens, paper and panels take them from here."""

from typing import NamedTuple

from broker.codes import Card


class Word(NamedTuple):
    """One word or sentence in both languages."""

    ja: str
    en: str

    def filled(self, **values: object) -> "Word":
        """Fill a sentence in both languages; a value that is a Word is said in each.

        >>> Word("{n}本の{what}", "{n} {what}").filled(n=2, what=Word("軸", "shafts"))
        Word(ja='2本の軸', en='2 shafts')
        """
        ja = {name: value.ja if isinstance(value, Word) else value for name, value in values.items()}
        en = {name: value.en if isinstance(value, Word) else value for name, value in values.items()}
        return Word(self.ja.format(**ja), self.en.format(**en))


STATES: dict[str, Word] = {
    "cancelled": Word("取消", "Cancelled"),
    "running": Word("作業中", "Running"),
    "setup": Word("段取り中", "Set-up"),
    "paused": Word("中断中", "Paused"),
    "done": Word("完了", "Done"),
    "ready": Word("着手待ち", "Ready"),
    "in_transit": Word("移動中", "In transit"),
    "waiting": Word("前工程待ち", "Waiting"),
}

CAUSES: dict[str, Word] = {
    "run": Word("加工", "Running"),
    "setup": Word("段取り", "Set-up"),
    "paused": Word("中断", "Paused"),
    "wait_external": Word("他社・客先待ち", "Waiting for others"),
    "transit": Word("運搬", "Transport"),
    "wait_ship": Word("引取・出荷待ち", "Waiting to ship"),
    "queue": Word("着手待ち", "Queue"),
}

REASONS: dict[str, Word] = {
    "MATERIAL": Word("材料待ち", "No material"),
    "DRAWING": Word("図面確認", "Drawing query"),
    "CUSTOMER": Word("客先確認", "Customer query"),
    "TOOL": Word("工具", "Tool"),
    "MACHINE": Word("機械故障", "Machine down"),
    "QUALITY": Word("品質確認", "Quality check"),
    "MEETING": Word("打合せ", "Meeting"),
    "SHIFT_END": Word("終業", "End of shift"),
    "OTHER": Word("その他", "Other"),
    "DIMENSION": Word("寸法", "Dimension"),
    "SCRATCH": Word("キズ", "Scratch"),
    "APPEARANCE": Word("外観", "Appearance"),
    "PARTWAY": Word("途中まで", "Part way"),
}

CARDS: dict[Card, Word] = {
    Card.START: Word("着手", "START"),
    Card.FINISH: Word("完了", "FINISH"),
    Card.SETUP: Word("段取り", "SET-UP"),
    Card.RESUME: Word("再開", "RESUME"),
    Card.PAUSE: Word("中断", "PAUSE"),
    Card.PARTWAY: Word("途中まで", "PART WAY"),
    Card.ALL_GOOD: Word("全部良品", "ALL GOOD"),
    Card.SCRAP: Word("不良", "SCRAP"),
    Card.REWORK: Word("手直し", "REWORK"),
    Card.HOLD: Word("保留", "HOLD"),
    Card.SPLIT: Word("分割", "SPLIT"),
    Card.SHIP: Word("出荷", "SHIP"),
    Card.RECEIVE: Word("受入", "RECEIVE"),
    Card.CALL: Word("呼出", "CALL"),
    Card.NONWORK: Word("作業以外", "NON-WORK"),
    Card.UNDO: Word("元に戻す", "UNDO"),
    Card.DIGIT: Word("数字", "DIGIT"),
    Card.ENTER: Word("確定", "ENTER"),
}
"""How the cards are called, on the panel and on the paper alike; in the order in which they are printed."""

KINDS: dict[str, Word] = {
    "machining": Word("加工", "Machining"),
    "inspection": Word("検査", "Inspection"),
    "special": Word("特殊工程", "Special process"),
    "subcontract": Word("外注", "Subcontract"),
}

MACHINE_STATES: dict[str, Word] = {
    "running": Word("運転", "Running"),
    "idle": Word("停止", "Idle"),
    "setup": Word("段取り", "Set-up"),
    "hold": Word("一時停止", "Hold"),
    "alarm": Word("アラーム", "Alarm"),
    "off": Word("電源断", "Off"),
    "unknown": Word("不明", "Unknown"),
}

DEVICE_STATES: dict[str, Word] = {
    "heard": Word("受信中", "Heard"),
    "waiting": Word("まだ何も届かない", "Nothing yet"),
    "silent": Word("返事なし", "No answer"),
    "garbage": Word("読めない信号", "Unreadable"),
    "lost": Word("つながらない", "Not connected"),
}
"""How a scanner or machine is heard: the words of `broker.messages.DeviceState`."""

FLAGS: dict[str, Word] = {
    "unknown_number": Word("番号不明：事務所で受注に結び付けてください", "Unknown number: the office should name it"),
    "finish_without_start": Word("着手のない完了", "Finish without a start"),
    "over_quantity": Word("数が受け入れ数より多い", "More pieces than were available"),
    "assumed_cut": Word("未確認数を残数に合わせました", "An assumed quantity was cut to what remained"),
    "shortfall": Word("数が足りないまま完了", "Finished short of the quantity"),
    "counts_differ": Word("出荷数と受入数が違う", "Shipped and received counts differ"),
    "implied_receipt": Word("受入 推定：受け取りの読み取りがない", "Arrival assumed: nobody scanned it"),
    "other_firms_operation": Word(
        "他社の工程を読み取り：自社の工程・経路変更・破棄のどれかを決めてください",
        "Another firm's operation was scanned: own step, reroute, or discard?",
    ),
    "no_operation": Word("この会社の工程が残っていない", "This firm has no open operation here"),
    "old_issue": Word("旧版の票で作業", "Work on an old issue of the ticket"),
    "before_start": Word("着手より前の時刻が申告された", "The stated time is before the start"),
    "target_missing": Word("取り消す記録がまだ届いていない", "The event to void has not arrived"),
    "not_allowed": Word(
        "他社の記録の取消・他社の票の分割は数えません：事務所で確認してください",
        "Another firm's event or ticket cannot be voided or split: the office should ask",
    ),
    "split_uncounted": Word(
        "分割した数が入っていない：枝ごとの数を現場に聞いてください",
        "Split without a count: ask the floor how many each lot has",
    ),
    "blank_twice": Word(
        "同じ白票が二度使われました：新しい白票で分け直してください",
        "A blank was used twice: split again with a fresh one",
    ),
    "split_over": Word("元の票の数より多く分けました", "More was split off than the ticket had"),
    "time_not_believed": Word(
        "申告された時刻が信じられない：受け取った時計の時刻にしました",
        "The stated time cannot be right: the clock's was taken",
    ),
    "forgotten_finish": Word(
        "前の勤務からの作業：終業で中断にしました", "Running since an earlier shift: paused at its end"
    ),
    "two_open": Word("二つの設備で作業中：設備札を読んでください", "Open at two stations: scan the machine"),
    "cancelled_work": Word("取消後の作業", "Work after cancellation"),
}
