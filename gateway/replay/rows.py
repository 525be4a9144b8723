"""What a history's lines become: rows of work, or lines left out for a reason. Values only."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from broker.words import Word

COUNT_LIMIT = 999_999
"""What a ten-key pad can key at an edge: six digits."""
ONE_STATION = "station"
"""Where a history without machines was made."""

REASONS: dict[str, Word] = {
    "dropped": Word("作業ではない行（drop）", "no work (drop)"),
    "totals": Word("合計の行", "a row of totals"),
    "duplicate": Word("前の行とまったく同じ", "the very same as a row before"),
    "no_order": Word("受注の番号がないか、200文字より長い", "no order, or longer than 200 characters"),
    "no_operation": Word("工程がないか、200文字より長い", "no operation, or longer than 200 characters"),
    "no_resource": Word("設備の名前が200文字より長い", "the machine's name is longer than 200 characters"),
    "no_start": Word("開始が空", "no start"),
    "no_end": Word("終了が空（まだ終わっていない作業）", "no end: not finished yet"),
    "no_time": Word("日付か時刻と読めない", "is no date or time"),
    "no_day": Word(
        "時刻だけで、何日か分からない（日の列があれば --set date=見出し）",
        "is a time without a day (if there is a column of days: --set date=HEADING)",
    ),
    "no_length": Word("長さと読めない", "is no length of time"),
    "years": Word("1970年から2100年の外", "is not in the years 1970 to 2100"),
    "backwards": Word("終了が開始より前", "ends before it begins"),
    "no_number": Word(f"0から{COUNT_LIMIT:,}の整数ではない", f"is no whole number from 0 to {COUNT_LIMIT:,}"),
    "no_event": Word("着手とも完了とも読めない", "neither a start nor a finish"),
    "unfinished": Word("着手のまま、完了の行がない", "started, and no row says finished"),
    "unstarted": Word("完了の行だけで、着手の行がない", "finished, and no row says started"),
    "pause_unstarted": Word("中断の行だけで、着手の行がない", "paused, and no row says started"),
    "pause_again": Word("もう中断している", "was paused already"),
    "resume_running": Word("再開だが、中断していない", "resumed, and was not paused"),
}
"""Why a line is no row, to a person."""

Counts = tuple[int | None, int, int]
"""Good pieces (None: nobody counted), scrap, and those on hold."""


@dataclass(frozen=True, slots=True)
class Pause:
    """An interruption within a row, and what was counted as it began.

    `resumed` False: the row was finished straight out of it.
    """

    start: datetime
    end: datetime
    counts: Counts
    resumed: bool = True


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One session; times in UTC. `line` counts from 1 as a text editor does; `good` None: nobody counted.

    `good`, `scrap` and `hold` were counted at its end, those of `pauses` before.
    """

    start: datetime
    end: datetime
    line: int
    order: str
    operation: str
    resource: str
    good: int | None
    scrap: int
    hold: int
    part: str = field(default="", compare=False)
    setup: bool = field(default=False, compare=False)
    """Whether it is set-up, which makes no pieces unless they were counted."""
    pauses: tuple[Pause, ...] = field(default=(), compare=False)
    paused: bool = field(default=False, compare=False)
    """Whether it ends in a pause out of which it was neither resumed nor finished."""
    moved: bool = field(default=False, compare=False)
    """Whether it ended out of a pause because the work went on at another machine."""

    @property
    def counts(self) -> Counts:
        """What was counted in all of it; good None if nobody counted at its finish."""
        good = (self.good or 0) if self.paused else self.good
        said = [one.counts for one in self.pauses]
        return (
            None if good is None else good + sum(one[0] or 0 for one in said),
            self.scrap + sum(one[1] for one in said),
            self.hold + sum(one[2] for one in said),
        )

    @property
    def worked(self) -> timedelta:
        """How long somebody was at it: from start to end without its pauses."""
        return self.end - self.start - sum((one.end - one.start for one in self.pauses), timedelta())


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that is no row: why (a key of `REASONS`), and the cell that says so."""

    line: int
    why: str
    column: str = ""
    text: str = ""

    def __str__(self) -> str:
        word = REASONS[self.why]
        cell = (f" {self.column}「{self.text}」", f", {self.column} {self.text!r}") if self.column else ("", "")
        return f"{self.line}行目{cell[0]}：{word.ja} / line {self.line}{cell[1]}: {word.en}"
