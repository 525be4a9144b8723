"""What a replay understood and what it will do, as sentences for a person, before it does anything. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from broker.words import Word
from gateway.replay.lanes import Plan, Session
from gateway.replay.mapping import History
from gateway.replay.mapping_file import SAID
from gateway.replay.reading import ONE_STATION, REASONS, LeftOut, Reading

_SENTENCES = 3
_EXAMPLES = 3
_NAMES = 8


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
        setup=tuple(value for one in history.setup for value in one.values),
        uncounted=sum(row.good is None for row in reading.rows),
        day_starts=history.day_starts if history.columns.start == history.columns.end == history.columns.at else None,
    )


def understood(history: History, persons: Sequence[str] = ()) -> Iterator[str]:
    """Yield which column was taken for what."""
    yield "列の読み方 / Columns"
    for role, heading in history.columns.model_dump(exclude_none=True).items():
        yield f"  {heading}  →  {SAID[role]}"
    if persons:
        names = "、".join(persons)
        yield f"  人の列は読みません：{names} / Columns of people are not read: {', '.join(persons)}"


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
        for one in examples[:_EXAMPLES]:
            yield f"      {one}"
    else:
        yield f"  {found.lines:,}行すべてを読みました / All {found.lines:,} lines were read"
    if found.setups:
        names = "、".join(found.setup[:_NAMES])
        yield f"  段取り {found.setups:,}件（{names}） / {found.setups:,} of the sessions are set-up ({names})"
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
    renamed = [f"{name} = {station}" for name, station in stations.items() if name.lower() != station]
    if renamed:
        more = f" …（{len(renamed):,}）" if len(renamed) > _NAMES else ""
        yield f"  設備の記号 / Stations: {'、'.join(renamed[:_NAMES])}{more}"


def _sentence(session: Session, zone: ZoneInfo) -> Word:
    row = session.row
    start, end = row.start.astimezone(zone), row.end.astimezone(zone)
    to = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    good = Word("良品は数えていない", "good pieces not counted")
    if row.setup and not row.good:
        good = Word("段取り", "set-up")
    elif row.good is not None:
        good = Word(f"良品 {row.good}", f"{row.good} good")
    rest = "".join(f"・{name} {n}" for name, n in (("不良", row.scrap), ("保留", row.hold)) if n)
    rest_en = "".join(f", {n} {name}" for name, n in (("scrap", row.scrap), ("on hold", row.hold)) if n)
    part = f"（{row.part}）" if row.part else ""
    place = Word("", "") if row.resource == ONE_STATION else Word(f" {row.resource} で", f" at {row.resource}")
    return Word(
        f"{row.line}行目：受注 {row.order}{part} の工程「{row.operation}」を{place.ja} {start:%Y-%m-%d %H:%M} から "
        f"{to} まで、{good.ja}{rest}",
        f"line {row.line}: order {row.order}, {row.operation}{place.en}, {start:%Y-%m-%d %H:%M} to {to}, "
        f"{good.en}{rest_en}",
    )
