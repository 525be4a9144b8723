"""Which column of a history is what: the mapping file's shape. What it is written by is `mapping_file`."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from broker.events import Id
from broker.settings import Mqtt, Settings, TimeZone
from gateway.replay.moments import Dates, Decimal, Unit

Column = Annotated[str, Field(min_length=1)]
_A_MOMENT = datetime(2026, 11, 25, 13, 45, tzinfo=UTC)
Clock = Annotated[str, Field(pattern=r"^([01]?\d|2[0-3]):[0-5]\d$")]


class Columns(Settings):
    """Headings of the history's columns. What it does not have is left out.

    A row is a session (two of `start`, `end`, `duration`; or `date` and `duration`), or an event (`at`, `event`).
    `date` and `end_date` are the days of times that stand alone.
    """

    order: Column
    operation: Column
    resource: Column | None = None
    part: Column | None = None
    date: Column | None = None
    start: Column | None = None
    end_date: Column | None = None
    end: Column | None = None
    duration: Column | None = None
    at: Column | None = None
    event: Column | None = None
    good: Column | None = None
    scrap: Column | None = None
    hold: Column | None = None

    @model_validator(mode="after")
    def _a_row_is_a_session_or_an_event(self) -> Self:
        lengths = sum(one is not None for one in (self.start, self.end, self.duration))
        session = lengths == 2 or (lengths == 1 and bool(self.duration and self.date))
        if (self.at is None) != (self.event is None) or (session == (self.at is not None)) or (lengths and self.at):
            raise ValueError(
                "start・end・duration のうち二つ（日報なら date と duration）か、at と event を書いてください / "
                "give two of start, end and duration (a day's report: date and duration), or at and event"
            )
        return self


class Events(Settings):
    """What stands in the `event` column: words for each thing that happened."""

    start: tuple[str, ...]
    finish: tuple[str, ...]
    pause: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()


class Where(Settings):
    """Rows whose `column` holds one of `values`."""

    column: Column
    values: tuple[str, ...]


class History(Settings):
    """The whole mapping file. What is None is found out from the file itself."""

    firm: Id
    sheet: str | None = None
    heading_line: Annotated[int, Field(ge=1)] | None = None
    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    timestamp: str | None = None
    """A strptime format; without it every way of writing that `moments` knows."""
    dates: Dates = "ymd"
    decimal: Decimal = "."
    duration_unit: Unit | None = None
    day_starts: Clock = "8:00"
    """When a row begins that names a day and no time."""
    time_zone: TimeZone = "UTC"
    duplicates: Literal["keep", "leave_out"] = "keep"
    blank_days: Literal["above", "leave_out"] = "leave_out"
    """A row without a day (merged cells, 〃) has that of the row above it, or is left out."""
    pauses: Literal["pause", "finish"] = "pause"
    """What a word for pausing does to a row of events: interrupt it, or end it."""
    columns: Columns
    events: Events | None = None
    drop: tuple[Where, ...] = ()
    """Rows that are none."""
    setup: tuple[Where, ...] = ()
    """Rows that are set-up, not work on pieces."""
    mqtt: Mqtt | None = None
    """How the played edge reaches the broker, if not as the gateway does."""

    @field_validator("firm")
    @classmethod
    def _a_firm(cls, firm: str) -> str:
        if firm == "gateway":
            raise ValueError(
                "gateway は共有サーバーの名前です。別の id にしてください / gateway is reserved: choose another firm id"
            )
        return firm

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        try:
            "a".encode(encoding or "utf-8")
        except (LookupError, UnicodeError, ValueError):  # none, one that is not for text (base64), a NUL in its name
            raise ValueError(
                f"{encoding!r} という文字コードはありません。utf-8-sig か cp932 などにしてください / "
                f"{encoding!r} is no encoding: use utf-8-sig, cp932..."
            ) from None
        return encoding

    @field_validator("timestamp")
    @classmethod
    def _reads_what_it_writes(cls, timestamp: str | None) -> str | None:
        try:
            said = timestamp or "%Y"
            datetime.strptime(_A_MOMENT.strftime(said), said).replace(tzinfo=UTC)
        except (ValueError, re.error):
            raise ValueError(
                f"{timestamp!r} では日時を読めません。%Y/%m/%d %H:%M のように書いてください / "
                f"{timestamp!r} reads no time: write it as in %Y/%m/%d %H:%M"
            ) from None
        return timestamp

    @property
    def has_pauses(self) -> bool:
        """Whether words of its events say that work was interrupted or taken up again."""
        return self.events is not None and bool(self.events.pause or self.events.resume)

    @model_validator(mode="after")
    def _words_for_events(self) -> Self:
        if (self.columns.event is None) != (self.events is None):
            raise ValueError(
                "columns.event と [events] は両方書くか、両方なくしてください / "
                "columns.event and the table [events] go together: give both or neither"
            )
        return self
