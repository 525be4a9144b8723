"""What a replay understood and what it will do, as sentences for a person, before it does anything. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from broker.words import Word
from gateway.replay.lanes import Plan, Session
from gateway.replay.mapping import Events, History
from gateway.replay.mapping_file import SAID
from gateway.replay.reading import Reading
from gateway.replay.rows import ONE_STATION, REASONS, LeftOut

_SENTENCES = 3
_EXAMPLES = 6
"""Lines named for each reason why lines are left out."""
_NAMES = 8
_NO_EVENTS = Events(start=(), finish=())
UNITS: Mapping[str, Word] = {
    "minutes": Word("分", "minutes"),
    "hours": Word("時間", "hours"),
    "seconds": Word("秒", "seconds"),
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What will be done, in numbers; `first` and `last` in the history's own time zone."""

    firm: str
    orders: int
    operations: int
    sessions: int
    stations: int
    first: datetime
    last: datetime
    lines: int
    left_out: Mapping[str, int]
    dropped: tuple[str, ...]
    """What stands in the rows that are no work."""
    duplicates: int
    setups: int
    """Sessions that are set-up; `setup` is what their rows say."""
    setup: tuple[str, ...]
    uncounted: int
    """Sessions whose pieces nobody counted."""
    day_starts: str | None
    """When every row begins, if the history names days and no times."""
    paused: int
    """Sessions that were interrupted; `still_paused` of them for good, `moved` to be resumed at another machine."""
    still_paused: int
    moved: int
    unit: str | None
    """The unit lengths of time were read in, where cells have none; `lengths` is their column."""
    lengths: str | None
    days_above: int
    """Lines whose day stands only above them."""


def preview(plan: Plan, reading: Reading, history: History) -> Preview:
    """Return what playing this plan will do."""
    zone = ZoneInfo(history.time_zone)
    return Preview(
        firm=history.firm,
        orders=len(plan.cases),
        operations=sum(len(case.steps) for case in plan.cases),
        sessions=len(plan.sessions),
        stations=len({session.station for session in plan.sessions}),
        first=min(row.start for row in reading.rows).astimezone(zone),
        last=max(row.end for row in reading.rows).astimezone(zone),
        lines=reading.lines,
        left_out=reading.reasons,
        dropped=tuple(value for drop in history.drop for value in drop.values),
        duplicates=reading.duplicates if history.duplicates == "keep" else 0,
        setups=sum(row.setup for row in reading.rows),
        setup=(*(value for one in history.setup for value in one.values), *(history.events or _NO_EVENTS).setup),
        uncounted=sum(row.counts[0] is None for row in reading.rows),
        day_starts=history.day_starts if history.columns.start == history.columns.end == history.columns.at else None,
        paused=sum(bool(row.pauses or row.paused) for row in reading.rows),
        still_paused=sum(row.paused for row in reading.rows),
        moved=sum(row.moved for row in reading.rows),
        unit=history.duration_unit if history.columns.duration else None,
        lengths=history.columns.duration,
        days_above=reading.days_above,
    )


def understood(history: History, persons: Sequence[str] = (), sheets: Sequence[str] = ()) -> Iterator[str]:
    """Yield which column was taken for what."""
    yield "列の読み方 / Columns"
    for role, heading in history.columns.model_dump(exclude_none=True).items():
        yield f"  {heading}  →  {SAID[role]}"
    if persons:
        names = "、".join(persons)
        yield f"  人の列は読みません：{names} / Columns of people are not read: {', '.join(persons)}"
    if sheets:
        names, some = "、".join(sheets[:_NAMES]), ", ".join(sheets[:_NAMES])
        yield (
            f"  シート「{history.sheet}」だけを読みます。ほかに {names}：読むなら1枚のシートにまとめてください"
            "（別のシートだけなら --set sheet=名前）"
        )
        yield (
            f"    Only the sheet {history.sheet!r} is read. There are also {some}: to read them too, put all rows on "
            "one sheet (for another one alone: --set sheet=NAME)"
        )


def sentences(plan: Plan, history: History) -> Iterator[str]:
    """Yield the file's first rows as what they say."""
    yield "はじめの行はこう読みました / The first rows say"
    zone = ZoneInfo(history.time_zone)
    for session in sorted(plan.sessions, key=lambda one: one.row.line)[:_SENTENCES]:
        word = _sentence(session, zone)
        yield f"  {word.ja}"
        yield f"    {word.en}"


def effect(found: Preview, examples: Sequence[LeftOut], stations: Mapping[str, str]) -> Iterator[str]:
    """Yield what will be done and what is left out."""
    first, last = f"{found.first:%Y-%m-%d}", f"{found.last:%Y-%m-%d}"
    yield "これから入れるもの / What will be put in"
    yield (
        f"  会社 {found.firm}：受注 {found.orders:,}件、工程 {found.operations:,}、作業 {found.sessions:,}件、"
        f"{first} 〜 {last}"
    )
    yield (
        f"    firm {found.firm}: {found.orders:,} orders, {found.operations:,} operations, "
        f"{found.sessions:,} sessions, {first} to {last}"
    )
    if found.left_out:
        total = sum(found.left_out.values())
        yield f"  読まない行 {total:,}（{found.lines:,}行のうち） / {total:,} of {found.lines:,} lines are left out"
        for why, count in found.left_out.items():
            which = f"（{'、'.join(found.dropped)}）" if why == "dropped" else ""
            yield f"    {count:,}：{REASONS[why].ja}{which} / {REASONS[why].en}"
            yield from _where([one for one in examples if one.why == why])
    else:
        yield f"  {found.lines:,}行すべてを読みました / All {found.lines:,} lines were read"
    if found.setups:
        names = "、".join(found.setup[:_NAMES])
        ja, en = (f"（{names}）", f" ({names})") if names else ("", "")
        yield f"  段取り {found.setups:,}件{ja} / {found.setups:,} of the sessions are set-up{en}"
    yield from _pauses(found)
    if found.days_above:
        yield (
            f"  日付が空の{found.days_above:,}行は、上の行の日付としました（読まないなら --set blank_days=leave_out）"
            f" / {found.days_above:,} lines without a day have that of the line above (else --set blank_days=leave_out)"
        )
    if found.unit:
        unit = UNITS[found.unit]
        yield (
            f"  「{found.lengths}」の数は{unit.ja}として読みました（違うなら --set duration_unit=hours か minutes） / "
            f"Numbers under {found.lengths!r} were read as {unit.en} (else --set duration_unit=hours or minutes)"
        )
    if found.duplicates:
        yield (
            f"  まったく同じ行が{found.duplicates:,}あり、別の作業とします（読まないなら --set duplicates=leave_out）"
            f" / {found.duplicates:,} rows repeat another and count as work of their own "
            "(to leave them out: --set duplicates=leave_out)"
        )
    if found.uncounted:
        yield (
            f"  良品の数がない作業 {found.uncounted:,}件は、数えていないものとします / "
            f"{found.uncounted:,} sessions have no count of good pieces and stay uncounted"
        )
    if found.day_starts:
        yield (
            f"  時刻がないので、どの作業も {found.day_starts} に始まったとします（変えるなら --set day_starts=8:30） / "
            f"There are no times: every session begins at {found.day_starts} (else --set day_starts=8:30)"
        )
    if renamed := {station: name for name, station in stations.items() if name.lower() != station}:
        table = ", ".join(f"{station} = {json.dumps(name, ensure_ascii=False)}" for station, name in renamed.items())
        yield (
            f"  設備の記号です。画面に名前で出すには、設定ファイルの会社 {found.firm} にこの行を足してください / "
            f"Stations; to see their names on the pages, add this line to the firm {found.firm} in the settings:"
        )
        yield f"    stations = {{ {table} }}"


def _where(examples: Sequence[LeftOut]) -> Iterator[str]:
    """Yield the first line left out for a reason as it stands, and the numbers of those that follow."""
    if examples:
        yield f"      {examples[0]}"
    if more := [f"{one.line:,}" for one in examples[1:_EXAMPLES]]:
        end = ("、…", "...") if len(examples) > _EXAMPLES else ("", "")
        yield f"      ほか {'、'.join(more)}{end[0]}行目 / also lines {', '.join(more)}{end[1]}"


def _pauses(found: Preview) -> Iterator[str]:
    if found.paused:
        yield (
            f"  中断のある作業 {found.paused:,}件は、再開までの時間を「中断」として数えます / "
            f"{found.paused:,} sessions were interrupted: the time until they are resumed counts as paused"
        )
    if found.still_paused:
        yield (
            f"  うち{found.still_paused:,}件は再開も完了もないので、中断中のままにします / "
            f"{found.still_paused:,} of them are neither resumed nor finished and stay paused"
        )
    if found.moved:
        yield (
            f"  うち{found.moved:,}件は別の設備で再開したので、元の設備の作業はそのとき終わったとします / "
            f"{found.moved:,} of them are resumed at another machine: work at the first one ends then"
        )


def _sentence(session: Session, zone: ZoneInfo) -> Word:
    row = session.row
    start, end = row.start.astimezone(zone), row.end.astimezone(zone)
    to = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    pieces, scrap, hold = row.counts
    good = Word("良品は数えていない", "good pieces not counted")
    if row.setup and not pieces:
        good = Word("段取り", "set-up")
    elif pieces is not None:
        good = Word(f"良品 {pieces}", f"{pieces} good")
    rest = "".join(f"・{name} {n}" for name, n in (("不良", scrap), ("保留", hold)) if n)
    rest_en = "".join(f", {n} {name}" for name, n in (("scrap", scrap), ("on hold", hold)) if n)
    if row.paused:
        rest, rest_en = f"{rest}、中断したまま", f"{rest_en}, then paused"
    elif row.pauses:
        rest, rest_en = f"{rest}（中断 {len(row.pauses)}回）", f"{rest_en} (paused {len(row.pauses)}x)"
    part = f"（{row.part}）" if row.part else ""
    place = Word("", "") if row.resource == ONE_STATION else Word(f" {row.resource} で", f" at {row.resource}")
    return Word(
        f"{row.line}行目：受注 {row.order}{part} の工程「{row.operation}」を{place.ja} {start:%Y-%m-%d %H:%M} から "
        f"{to} まで、{good.ja}{rest}",
        f"line {row.line}: order {row.order}, {row.operation}{place.en}, {start:%Y-%m-%d %H:%M} to {to}, "
        f"{good.en}{rest_en}",
    )
