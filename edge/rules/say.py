"""What the scanner's panel says: two lines of at most 40 characters, Japanese and English, and one of four tones."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from broker.words import REASONS, Word

LINE = 40
LABEL = 11
"""`7K3Q9F-1234`: every sentence here fits in a line with a label of this length."""


class Tone(StrEnum):
    """Four different sounds and colours."""

    START = "start"
    FINISH = "finish"
    NOTHING = "nothing"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Feedback:
    """The answer to a read: the fact, and what to do next."""

    tone: Tone
    line1: str
    line2: str = ""


class Why(StrEnum):
    """Why a read changed nothing: the `why` of a `scan` event."""

    ALREADY_STARTED = "already_started"
    ALREADY_SETUP = "already_setup"
    ALREADY_PAUSED = "already_paused"
    ALREADY_FINISHED = "already_finished"
    NOT_STARTED = "not_started"
    TWO_OPEN = "two_open"
    OLD_ISSUE = "old_issue"
    NOT_BLANK = "not_blank"
    OTHER_STATION = "other_station"
    NOT_OURS = "not_ours"
    CHECK_CHARACTER = "check_character"
    UNKNOWN_CARD = "unknown_card"
    CARD_LAPSED = "card_lapsed"
    STATION_LAPSED = "station_lapsed"
    BADGE_LAPSED = "badge_lapsed"
    DIGITS_LAPSED = "digits_lapsed"
    NUMBER_ALONE = "number_alone"
    NO_DIGITS = "no_digits"
    TOO_MANY_DIGITS = "too_many_digits"
    NOT_KNOWN_HERE = "not_known_here"
    NO_FINISH = "no_finish"
    NOTHING_TO_UNDO = "nothing_to_undo"
    CHANGED_SINCE = "changed_since"


AGAIN = Word("終わったら もう一度", "Scan again when done")
THEN_TICKET = Word("次に工程移動票", "Now the ticket")
ASK = Word("幹事・事務所へ", "Ask the office")
NUMBER_NEXT = Word("数があれば 今", "Key the count now")

REFUSED: dict[Why, tuple[Tone, Word, Word]] = {
    Why.ALREADY_STARTED: (Tone.NOTHING, Word("{label} もう着手しています {time}", "Already started|Started"), AGAIN),
    Why.ALREADY_SETUP: (Tone.NOTHING, Word("{label} もう段取り中 {time}", "Already set-up|Set-up"), AGAIN),
    Why.ALREADY_PAUSED: (
        Tone.NOTHING,
        Word("{label} もう中断中 {time}", "Already paused"),
        Word("再開は票だけ", "Ticket alone resumes"),
    ),
    Why.ALREADY_FINISHED: (
        Tone.NOTHING,
        Word("{label} もう完了しています", "Already finished|Finished"),
        Word("やり直しは着手の札", "Rework: START card"),
    ),
    Why.NOT_STARTED: (Tone.STOP, Word("{label} 着手がありません", "Not started"), Word("先に着手を", "Start it first")),
    Why.TWO_OPEN: (
        Tone.STOP,
        Word("設備札を読んでください", "Scan the machine"),
        Word("{label} 2台で作業中", "Open at two"),
    ),
    Why.OLD_ISSUE: (
        Tone.STOP,
        Word("旧版です 止めて幹事へ", "Old issue"),
        Word("{label} 記録していません", "Not recorded"),
    ),
    Why.NOT_BLANK: (
        Tone.STOP,
        Word("白票ではありません", "Not a blank ticket"),
        Word("新しい白票を", "Scan a blank one"),
    ),
    Why.OTHER_STATION: (
        Tone.STOP,
        Word("別の端末の設備です", "Another scanner's machine"),
        Word("近くの端末で", "Use its scanner"),
    ),
    Why.NOT_OURS: (
        Tone.STOP,
        Word("工程移動票ではありません", "Not a ticket"),
        Word("票のコードを", "Scan the ticket"),
    ),
    Why.CHECK_CHARACTER: (Tone.STOP, Word("読み取り不良", "Misread"), Word("もう一度 読んでください", "Scan it again")),
    Why.UNKNOWN_CARD: (Tone.STOP, Word("知らない札です", "Unknown card"), ASK),
    Why.CARD_LAPSED: (
        Tone.STOP,
        Word("札 時間切れ {card}", "Card lapsed"),
        Word("札のあと すぐ票を", "Card, then ticket"),
    ),
    Why.STATION_LAPSED: (
        Tone.STOP,
        Word("設備札 時間切れ", "Machine lapsed"),
        Word("設備札のあと すぐ票を", "Then the ticket"),
    ),
    Why.BADGE_LAPSED: (
        Tone.STOP,
        Word("名札 時間切れ", "Badge lapsed"),
        Word("名札のあと すぐ票を", "Badge, then ticket"),
    ),
    Why.DIGITS_LAPSED: (
        Tone.STOP,
        Word("数は記録していません", "Count dropped"),
        Word("数のあと 確定を", "Digits, then ENTER"),
    ),
    Why.NUMBER_ALONE: (
        Tone.STOP,
        Word("どの票の数ですか", "Count of what?"),
        Word("票を読んでから数を", "Ticket, then count"),
    ),
    Why.NO_DIGITS: (
        Tone.NOTHING,
        Word("数がありません", "No digits"),
        Word("数を読んでから確定", "Digits, then ENTER"),
    ),
    Why.TOO_MANY_DIGITS: (
        Tone.STOP,
        Word("数は6けたまで", "Six digits at most"),
        Word("初めから数を", "Key it afresh"),
    ),
    Why.NOT_KNOWN_HERE: (
        Tone.STOP,
        Word("{label} 残数が分かりません", "Not known"),
        Word("数を入れてください", "Key the count"),
    ),
    Why.NO_FINISH: (
        Tone.STOP,
        Word("直前の完了がありません", "No finish to change"),
        Word("票と完了を先に", "Finish it first"),
    ),
    Why.NOTHING_TO_UNDO: (Tone.NOTHING, Word("元に戻す読み取りなし", "Nothing to undo"), ASK),
    Why.CHANGED_SINCE: (
        Tone.STOP,
        Word("{label} あとで変わりました", "Changed since"),
        Word("直しは事務所で", "Ask the office"),
    ),
}
"""Tone and lines of every read that changes nothing. English after `|` is for lines that are too long otherwise."""


def line(words: Word, **values: str) -> str:
    """Fill in and join both languages, at most 40 characters; the first English form that fits is taken."""
    japanese = words.ja.format(**values).strip()
    forms = [f"{japanese} / {english.format(**values).strip()}" for english in words.en.split("|")]
    return next((form for form in forms if len(form) <= LINE), forms[-1][:LINE])


def refused(why: Why, *, label: str = "", time: str = "", card: str = "") -> Feedback:
    """Return the feedback for a read that changed nothing."""
    tone, first, second = REFUSED[why]
    values = {"label": label, "time": time, "card": card}
    return Feedback(tone, line(first, **values), line(second, **values))


def said(tone: Tone, first: Word, second: Word | None = None, **values: str) -> Feedback:
    """Return the feedback for a read that was recorded or is waited for."""
    return Feedback(tone, line(first, **values), line(second, **values) if second else "")


def from_machine(pieces: int | None, stopped: datetime | None, now: datetime, zone: ZoneInfo) -> Word | None:
    """Return what a machine says at a finish: the person's number and time are the record all the same. None: nothing.

    `stopped`: what 確定 would take for the finish's time.
    """
    if stopped is None:
        return Word(f"機械は{pieces}個", f"machine counted {pieces}") if pieces else None
    at = clock_time(stopped, zone)
    if now - stopped >= timedelta(days=1):
        local = stopped.astimezone(zone)
        at = f"{local.month}/{local.day} {at}"
    if pieces:
        return Word(f"機械は{pieces}個 停止{at} 確定でその時刻", f"{pieces}, {at}: ENTER|{at}: ENTER|ENTER")
    return Word(f"機械停止 {at} 確定の札でその時刻に", f"ENTER: {at}|ENTER takes it|ENTER")


def label(name: str, operation: int | None) -> str:
    """Return how to call an operation: `4471-20`; a name that is too long keeps its end."""
    tail = f"-{operation}" if operation is not None else ""
    room = LABEL - len(tail)
    return (name if len(name) <= room else f"…{name[1 - room :]}") + tail


def clock_time(at: datetime, zone: ZoneInfo) -> str:
    """Return local hours and minutes as on the panel: `8:06`."""
    local = at.astimezone(zone)
    return f"{local.hour}:{local.minute:02d}"


def reason(word: str | None) -> Word:
    """Return a reason in both languages; one we do not know stands for itself."""
    return REASONS.get(word, Word(word[:8], word[:8])) if word else Word("", "")
