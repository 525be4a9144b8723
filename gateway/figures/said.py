"""What is said of a station's figures, in both languages: names, formulas, and what each was computed from. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import TypeVar

from broker.events import MachineState
from broker.words import CAUSES, MACHINE_STATES, Word
from gateway.rules.order import Cause
from gateway.rules.work_unit import TIMES, UNKNOWN_MOST, Figure, Measured, Symbol, Why
from gateway.web import words

E = TypeVar("E", bound=StrEnum)

NAMES: dict[Symbol, Word] = {
    Symbol.AUST: Word("実段取り時間", "Actual unit set-up time"),
    Symbol.APT: Word("実生産時間", "Actual production time"),
    Symbol.AUPT: Word("実処理時間", "Actual unit processing time"),
    Symbol.ADET: Word("実遅れ時間", "Actual unit delay time"),
    Symbol.AUBT: Word("実占有時間", "Actual unit busy time"),
    Symbol.SETUP_RATIO: Word("段取り比率", "Set-up ratio"),
    Symbol.TECHNICAL: Word("技術効率", "Technical efficiency"),
    Symbol.UTILIZATION: Word("利用効率", "Utilization efficiency"),
    Symbol.QUALITY: Word("良品率", "Quality ratio"),
    Symbol.AVAILABILITY: Word("時間稼働率", "Availability"),
    Symbol.EFFECTIVENESS: Word("性能稼働率", "Effectiveness"),
    Symbol.OEE: Word("総合設備効率", "Overall equipment effectiveness"),
}
FORMULAS: dict[Symbol, str] = {
    Symbol.AUPT: "AUST + APT",
    Symbol.AUBT: "AUPT + ADET",
    Symbol.SETUP_RATIO: "AUST ÷ AUPT",
    Symbol.TECHNICAL: "APT ÷ (APT + ADET)",
    Symbol.UTILIZATION: "APT ÷ AUBT",
    Symbol.QUALITY: "GQ ÷ PQ",
    Symbol.AVAILABILITY: "APT ÷ PBT",
    Symbol.EFFECTIVENESS: "PRI × PQ ÷ APT",
    Symbol.OEE: "Availability × Effectiveness × Quality ratio",
}
_FROM_PARTS = Word("上の時間から", "From the times above")
_SETUP_SCANNED = Word("段取りを読んだ作業 {n}件から", "From {n} pieces of work whose set-up was scanned")
_SETUP_TOLD = Word(
    "作業中に機械が「段取り」だった時間 {told} から", "From {told} of work in which the machine said set-up"
)
_AND = Word("、", "; ")
_RUN = Word(
    "作業 {n}件の間に、機械が運転していた時間から（機械の記録 {heard}、分からない時間 {unknown}）",
    "From the machine running while work was under way: {n} sessions, machine heard {heard}, unknown {unknown}",
)
_STOOD = Word(
    "作業 {n}件の間に、機械が止まっていた時間から（機械の記録 {heard}、分からない時間 {unknown}）",
    "From the machine standing while work was under way: {n} sessions, machine heard {heard}, unknown {unknown}",
)
_SCANS = Word(
    "着手と完了の読み取りだけから：作業 {n}件。途中で止まった時間は見えません",
    "From scans alone: {n} sessions. Stops within them cannot be seen",
)
_NUMBERS = Word(
    "人が入れた数から：終わった作業 {n}件のうち {told}件、良品 {good}、不良 {scrap}、手直し {rework}",
    "From people's numbers: {told} of {n} sessions that ended; good {good}, scrap {scrap}, rework {rework}",
)
_APPROXIMATE = Word("。うち {n}件は時計が合っていないときの時刻です", ". {n} of them by a clock nobody had set")
_WHY: dict[Why, Word] = {
    Why.NO_WORK: Word(
        "この間、ここで作業の読み取りがありません", "No work was under way here by any scan in this time"
    ),
    Why.NO_SETUP: Word(
        "段取りの読み取りがなく、機械も段取りと言っていません。0ではなく、分かりません",
        "Nobody scanned set-up and the machine never said so: not 0, but not known",
    ),
    Why.NO_MACHINE: Word(
        "機械がつながっていないので、作業中に止まった時間は分かりません",
        "No machine is connected, so nobody knows when it stood during the work",
    ),
    Why.UNKNOWN: Word(
        "作業中の {unknown} で機械の様子が分かりません（{most} までなら出します）",
        "During {unknown} of the work nobody knows what the machine did; up to {most} this would be shown",
    ),
    Why.NEVER_RAN: Word(
        "機械は一度も「運転」と言っていません。信号のつなぎ方を確かめてください",
        "The machine never said that it was running. Check how its signal is connected",
    ),
    Why.NO_NUMBERS: Word(
        "人が良品・不良の数を入れて終えた作業がありません。機械の数や未確認の数からは出しません",
        "No work ended with numbers that a person gave; a machine's or unconfirmed ones are not used",
    ),
    Why.NO_CALENDAR: Word(
        "稼働日と勤務時間の登録がまだできないので、計画の稼働時間（PBT）がありません",
        "There is no calendar of shifts and holidays yet, so no planned busy time (PBT)",
    ),
    Why.NO_PLANNED_RUN: Word(
        "受注に 1個あたりの計画時間（PRI）がありません",
        "Orders do not state a planned run time per item (PRI)",
    ),
    Why.PARTS: Word("{missing} が出ないので、出せません", "Cannot be told without {missing}"),
}
_COUNTED = Word(
    "機械のカウンターは {n}個進みました。人の数と見比べるためで、どの割合にも使いません",
    "The machine's counter advanced by {n}. For comparing with people's numbers; no ratio uses it",
)
_DEAD = Word(
    "機械は {ran} 運転しましたが、カウンターは一度も進んでいません。数として使いません",
    "The machine ran for {ran} and its counter never moved. It is not used as a number",
)
_STILL = Word("機械のカウンターは進んでいません", "The machine's counter did not move")
_LOOSE = Word(
    "作業の読み取りがないか、中断のままで {ran} 運転しました。どの数字にも入れていません",
    "The machine ran for {ran} with no work scanned, or with it paused. That is in no figure",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One figure as people read it: `value` is None where there is none; `of` is what it was computed from, or why."""

    symbol: str
    name: Word
    formula: str
    value: Word | None
    of: Word


def said(figure: Figure, found: Measured, zone: tzinfo) -> Said:
    """Say one figure."""
    symbol = figure.symbol
    value = None
    if figure.value is not None:
        value = length(figure.value) if symbol in TIMES else Word(*(percent(figure.value),) * 2)
    of = _why(figure, found) if figure.value is None else _of(figure, found, zone)
    return Said(symbol.value, NAMES[symbol], FORMULAS.get(symbol, ""), value, of)


def notes(found: Measured) -> tuple[Word, ...]:
    """Return what is to be known besides: the machine's own count, and what it did without a ticket."""
    if not found.machine:
        return ()
    ran = found.seconds([None, *Cause], [MachineState.RUNNING])
    counter = _COUNTED.filled(n=found.counted) if found.counted else _DEAD.filled(ran=length(ran)) if ran else _STILL
    alone = found.seconds({None, *Cause} - {Cause.RUN, Cause.SETUP}, [MachineState.RUNNING])
    return (counter, _LOOSE.filled(ran=length(alone))) if alone >= 60 else (counter,)


def state_lengths(found: Measured) -> list[tuple[MachineState, Word, Word]]:
    """Return how long the machine was in each state that it was in at all, with the state's name."""
    return _lengths(MACHINE_STATES, ((state, found.seconds([None, *Cause], [state])) for state in MachineState))


def cause_lengths(found: Measured) -> list[tuple[Cause, Word, Word]]:
    """Return how long the work was in each cause that it was in at all, with the cause's name."""
    return _lengths(CAUSES, ((cause, found.seconds([cause])) for cause in Cause))


def _lengths(names: Mapping[str, Word], spent: Iterable[tuple[E, float]]) -> list[tuple[E, Word, Word]]:
    return [(one, names[one.value], length(seconds)) for one, seconds in spent if seconds]


def length(seconds: float) -> Word:
    """Return a duration in minutes or hours; in seconds where it is less than a minute.

    >>> length(12_000).ja, length(12_000).en, length(12).ja
    ('3時間20分', '3 h 20 min', '12秒')
    """
    minutes = round(seconds / 60)
    if not minutes:
        return words.SECONDS.filled(s=round(seconds))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return words.MINUTES.filled(m=rest)
    return words.HOURS.filled(h=hours, m=rest) if rest else words.WHOLE_HOURS.filled(h=hours)


def percent(share: float) -> str:
    """Return a share with one digit where whole percents would hide something.

    >>> percent(0.5), percent(0.978), percent(1.0), percent(0.0004)
    ('50%', '97.8%', '100%', '<0.1%')
    """
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def _why(figure: Figure, found: Measured) -> Word:
    assert figure.why, "a figure without a value says why"
    missing = Word("、".join(map(_called, figure.missing)), ", ".join(figure.missing))
    return _WHY[figure.why].filled(unknown=percent(found.unknown), most=percent(UNKNOWN_MOST), missing=missing)


def _called(symbol: Symbol) -> str:
    return symbol.value if symbol in TIMES else NAMES[symbol].ja


def _of(figure: Figure, found: Measured, zone: tzinfo) -> Word:
    match figure.symbol:
        case Symbol.AUST:
            scanned, told = found.setups, found.seconds([Cause.RUN], [MachineState.SETUP])
            parts = [_SETUP_SCANNED.filled(n=scanned)] if scanned else []
            parts += [_SETUP_TOLD.filled(told=length(told))] if told else []
            return Word(_AND.ja.join(one.ja for one in parts), _AND.en.join(one.en for one in parts))
        case Symbol.APT | Symbol.ADET:
            word = _SCANS if not found.machine else _RUN if figure.symbol is Symbol.APT else _STOOD
            of = word.filled(n=found.sessions, heard=_heard(found, zone), unknown=percent(found.unknown))
            late = _APPROXIMATE.filled(n=found.approximate) if found.approximate else Word("", "")
            return Word(of.ja + late.ja, of.en + late.en)
        case Symbol.QUALITY:
            made = found.pieces
            told = made.sessions - made.left_out
            return _NUMBERS.filled(n=made.sessions, told=told, good=made.good, scrap=made.scrap, rework=made.rework)
        case _:
            return _FROM_PARTS


def _heard(found: Measured, zone: tzinfo) -> str:
    if found.heard is None:
        return "–"
    return "–".join(_clock(at, zone) for at in found.heard)


def _clock(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.hour}:{local.minute:02d}"
