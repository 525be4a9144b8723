"""The scan rules as a page, drawn from the table: `python -m edge.rules.chart > docs/scan-rules.md`."""

import sys
from collections.abc import Iterable

from broker.codes import Card
from broker.words import CARDS, Word
from edge.rules import ages
from edge.rules.say import REFUSED
from edge.rules.table import RULES, Found, Outcome, Read

FOUND: dict[Found, Word] = {
    Found.NONE: Word("作業なし", "No session"),
    Found.SETUP: Word("段取り中", "Set-up"),
    Found.JUST_STARTED: Word("着手 3分未満", "Started < 3 min ago"),
    Found.RUNNING: Word("作業中", "Running"),
    Found.EARLIER_SHIFT: Word("前の勤務から作業中", "Running since an earlier shift"),
    Found.PAUSED: Word("中断中", "Paused"),
    Found.JUST_FINISHED: Word("完了 60秒未満", "Finished < 60 s ago"),
    Found.FINISHED: Word("完了", "Finished"),
    Found.TWO_OPEN: Word("2台で作業中", "Open at two stations"),
}

OUTCOMES: dict[Outcome, tuple[Word, Word]] = {
    Outcome.START: (Word("着手", "Start"), Word("着手を記録", "`start`")),
    Outcome.CONTINUE: (
        Word("続き", "Continue"),
        Word(
            "前の勤務の終わりで中断（終業）、今から着手",
            "`pause` as of that shift's end, reason SHIFT_END, and `start`",
        ),
    ),
    Outcome.SETUP: (Word("段取り", "Set up"), Word("段取りを記録", "`setup`")),
    Outcome.SETUP_AFTER_SHIFT: (
        Word("終業＋段取り", "Shift end, set up"),
        Word("前の勤務の終わりで中断、今から段取り", "`pause` as of that shift's end, and `setup`"),
    ),
    Outcome.FINISH: (
        Word("完了", "Finish"),
        Word("完了を記録。数は入れるまで未確認", "`finish`; its pieces are assumed until a number is keyed"),
    ),
    Outcome.FINISH_AFTER_SHIFT: (
        Word("終業＋完了", "Shift end, finish"),
        Word("前の勤務の終わりで中断、今 完了", "`pause` as of that shift's end, and `finish` now"),
    ),
    Outcome.FINISH_UNSTARTED: (
        Word("着手なし完了", "Finish, no start"),
        Word("完了を記録し 事務所に確認を出す", "`finish` that names no start; the office is asked"),
    ),
    Outcome.PAUSE: (Word("中断", "Pause"), Word("理由つきの中断を記録", "`pause` with the card's reason")),
    Outcome.PAUSE_AT_SHIFT_END: (
        Word("終業で中断", "Pause at shift end"),
        Word("前の勤務の終わりからの中断", "`pause` as of that shift's end"),
    ),
    Outcome.PAUSE_AGAIN: (
        Word("理由を変更", "New reason"),
        Word("理由が違えば中断を記録、同じなら変えない", "`pause` if the reason is another, else nothing changes"),
    ),
    Outcome.REPORT: (
        Word("数を報告", "Report"),
        Word("不良・手直し・保留を記録。続けて数", "`report` of scrap, rework or hold; a number may follow"),
    ),
    Outcome.SPLIT: (Word("分割", "Split"), Word("次に白票、あれば数", "next the blank ticket, then perhaps a number")),
    Outcome.SHIP: (
        Word("出荷", "Ship"),
        Word("出荷を記録。続けて読んだ票は同じ受け渡し", "`ship`; tickets read next share the hand-over"),
    ),
    Outcome.RECEIVE: (
        Word("受入", "Receive"),
        Word("受入を記録。続けて読んだ票は同じ受け渡し", "`receive`; tickets read next share the hand-over"),
    ),
    Outcome.ALREADY_STARTED: (Word("着手済み", "Already started"), Word("何も変えない", "nothing changes: `scan`")),
    Outcome.ALREADY_SETUP: (Word("段取り済み", "Already set-up"), Word("何も変えない", "nothing changes: `scan`")),
    Outcome.ALREADY_FINISHED: (Word("完了済み", "Already finished"), Word("何も変えない", "nothing changes: `scan`")),
    Outcome.NOT_STARTED: (Word("着手なし", "Not started"), Word("何も変えない", "nothing changes: `scan`")),
    Outcome.ASK_STATION: (
        Word("設備札を", "Scan the machine"),
        Word("何も変えず 設備札を求める。札は持ったまま", "nothing changes: `scan`, flagged; the card stays in hand"),
    ),
    Outcome.OLD_ISSUE: (
        Word("旧版", "Old issue"),
        Word("新しい作業は始めない", "nothing changes: `scan`; an old issue opens no work"),
    ),
}

_INTRO = f"""# 読み取りの決まり / Scan rules

<!-- Made by `python -m edge.rules.chart > docs/scan-rules.md` from the edge's own table; a test says it is current. -->

票を読んだとき、その票の作業がどうなっているか（列）と、何を読んだか（行）で決まります。
What comes of a ticket depends on how its session stands (columns) and on what was read (rows).

- 同じコードを {ages.REREAD_MS // 1000} 秒以内にもう一度読んでも 1 回です。
  数字の札だけは 読んだ数だけ効きます（100 の 0 と 0）。
  The same code again within {ages.REREAD_MS // 1000} s is one read;
  only digit cards count each time (the two zeros of 100).
- 札・設備札・名札・数字の札は {ages.LAPSE_MS // 1000} 秒で時間切れになり、音で知らせます。
  Cards, machine labels, badges and digits lapse aloud after {ages.LAPSE_MS // 1000} s.
- 設備札は次の票だけに効きます。なければ その端末で作業中の 1 台、どこにもなければ端末の最初の設備です。
  A machine label holds for the next ticket only; without it a ticket means its one open session
  at this scanner, else the scanner's first machine.
- 作業は（票・工程・設備）ごとに一つです。新しく始めても、ほかの作業は終わりません。
  There is one session per ticket, operation and station; opening one never closes another.
- 数は直前の完了・中断・不良・出荷などの数です（{ages.NUMBER_MS // 60000} 分以内）。もう一度入れると入れ替わります。
  A number counts what was recorded last (within {ages.NUMBER_MS // 60000} minutes); keyed again it replaces the first.
- 元に戻すは この端末の直前の 3 回まで、勤務が終わるまでです。消さずに取り消しを記録します。
  UNDO reaches this scanner's last three scans until the shift ends; it voids, it never deletes.
- 旧版の票では新しい作業を始めません。進んでいる作業を終えることはできます。
  An old issue of a ticket opens no work; what is under way on it can still be ended.
- 時計が信用できず、端末が再起動していたときは、前の勤務の作業とみなします。
  After a restart with a clock that cannot be trusted, a session counts as from an earlier shift.
"""


def page() -> str:
    """Return the whole page, Markdown."""
    return "\n".join(
        [
            _INTRO,
            "## 表 / The table",
            "",
            _table(),
            "",
            "## 結果 / What comes of it",
            "",
            "| 結果 | Outcome | 記録 | Recorded |",
            "|---|---|---|---|",
            *(_row([name.ja, name.en, what.ja, what.en]) for name, what in OUTCOMES.values()),
            "",
            "## 何も変わらない読み取り / Reads that change nothing",
            "",
            "どれも `scan` として残ります。 Each is kept as a `scan` event with this `why`.",
            "",
            "| why | 1 行目 / line 1 | 2 行目 / line 2 | 音 / tone |",
            "|---|---|---|---|",
            *(_row([f"`{why}`", _both(one), _both(two), tone.value]) for why, (tone, one, two) in REFUSED.items()),
            "",
        ]
    )


def _table() -> str:
    heads = ["読み取り / Read", *(f"{FOUND[found].ja}<br>{FOUND[found].en}" for found in Found)]
    rows = [[_read(read), *(_outcome(RULES[found][read]) for found in Found)] for read in Read]
    return "\n".join([_row(heads), _row("---" for _ in heads).replace(" ", ""), *map(_row, rows)])


def _read(read: Read) -> str:
    if read is Read.TICKET:
        return "票だけ<br>ticket alone"
    name = CARDS[Card(read.name)]
    return f"{name.ja}＋票<br>{name.en} + ticket"


def _outcome(outcome: Outcome) -> str:
    name, _ = OUTCOMES[outcome]
    return f"{name.ja}<br>{name.en}"


def _both(words: Word) -> str:
    return f"{words.ja} / {words.en.split('|')[0]}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
