"""The settings of a device that publishes to a broker beside it."""

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from broker.events import Id, MachineState
from broker.settings import Connection, Settings
from broker.words import Word
from edge.drivers.device import TopicDevice, Topics
from edge.drivers.messages import is_filter, widest
from edge.drivers.mqtt.parser import Parser
from edge.drivers.mqtt.sources import PRESETS, Counting, Source, Sources, of_any_firmware, preset
from edge.drivers.reader import Reader
from edge.drivers.values import WORDS, word
from edge.rules import Tone


def _subscribable(topic: str) -> str:
    if not is_filter(topic):
        raise ValueError(
            f"{topic!r} はトピックではありません。+ と # は / の間に一つだけ、# は最後だけです / "
            f"{topic!r} is no topic: + and # stand alone between slashes, # only at the end"
        )
    return topic


Topic = Annotated[str, AfterValidator(_subscribable)]
Path = Annotated[str, Field(max_length=200)]


class Value(Settings):
    """One value: the topic of its messages, and its path in their JSON; without a path it is the whole message."""

    topic: Topic
    path: Path = ""

    def source(self) -> Source:
        """Return it for the parser."""
        return Source(self.topic, self.path)


class StateValue(Value):
    """A state in words. `words` says what the device's own mean, beside those everybody uses."""

    words: dict[str, MachineState] = Field(default_factory=dict)


class CountValue(Value):
    """A number of pieces, and what is meant by it."""

    kind: Counting = Counting.TOTAL


class Mqtt(TopicDevice):
    """One device: a preset with the name that the device has in its topics, or each value by its topic and path."""

    answers: ClassVar[bool] = False

    driver: Literal["mqtt"]
    preset: Literal["tasmota", "shelly-gen1", "shelly-gen2", "zigbee2mqtt", "esp32"] | None = None
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    running_watts: Annotated[float, Field(gt=0)] | None = None
    idle_watts: Annotated[float, Field(ge=0)] = 0.0
    state: StateValue | None = None
    watts: Value | None = None
    count: CountValue | None = None
    scan: Value | None = None
    available: Value | None = None
    silent_seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None

    @model_validator(mode="after")
    def _a_preset_with_its_name(self) -> Self:
        if (self.preset is None) != (self.name is None):
            raise ValueError(
                "preset と name（トピックの中の機器の名前）は両方書くか、両方なくしてください / "
                "preset and name (what the device is called in its topics) go together: give both or neither"
            )
        if self.name and re.search(r"[+#\x00-\x1f]", self.name):
            raise ValueError(
                f"name の {self.name!r} に + や # は使えません。一台の名前を書いてください / "
                f"{self.name!r} is no name: without + and #, the name of one device"
            )
        return self

    @model_validator(mode="after")
    def _something_to_hear(self) -> Self:
        found = self._sources()
        if self.state and self.running_watts:
            raise ValueError(
                "state と running_watts は、どちらか一つにしてください / "
                "the state is told by state or by running_watts, not by both"
            )
        if (self.running_watts and not found.watts) or (self.watts and not self.running_watts):
            raise ValueError(
                "電力で見るには running_watts（これ以上で運転）と、電力のある preset か watts が要ります / "
                "power needs running_watts (from there on it runs) and a preset that has it, or watts"
            )
        if self.running_watts and self.idle_watts >= self.running_watts:
            raise ValueError(
                "idle_watts は running_watts より小さくしてください / idle_watts must be less than running_watts"
            )
        if not (found.state or found.watts or found.count or found.scan):
            raise ValueError(
                "読むものがありません。running_watts、state、count、scan のどれかを書いてください / "
                "nothing to read: give running_watts, state, count or scan"
            )
        return self

    @property
    def filters(self) -> tuple[str, ...]:
        """See `TopicDevice`."""
        return widest(self._sources().topics)

    @property
    def scans(self) -> bool:
        """See `Device`."""
        return bool(self._sources().scan)

    @property
    def left_out(self) -> Word | None:
        """See `Device`. A plug's counter may be all that is wanted; that its state stays unknown has to be said."""
        if self.preset and PRESETS[self.preset].watts and not (self.running_watts or self.state):
            return Word(
                "数だけを読みます。状態も見るには running_watts", "counts only; for its state write running_watts"
            )
        return None

    def parser(self) -> Parser:
        """See `Device`. Without any settings it knows every preset, for trying a recording."""
        nothing = not (self.preset or self.state or self.watts or self.count or self.scan)
        return Parser(of_any_firmware() if nothing else self._sources())

    def _sources(self) -> Sources:
        """Return what is read: the preset's, each thing replaced by what is written for it."""
        known = preset(self.preset, self.name) if self.preset and self.name else Sources()
        words = {word(name): state for name, state in self.state.words.items()} if self.state else {}
        watts = _instead(self.watts, known.watts)
        return Sources(
            state=_instead(self.state, () if self.running_watts else known.state),
            watts=watts if self.running_watts else (),
            count=_instead(self.count, known.count),
            scan=_instead(self.scan, known.scan),
            available=_instead(self.available, known.available),
            words={**WORDS, **words},
            counting=self.count.kind if self.count else known.counting,
            running_watts=self.running_watts or 0.0,
            idle_watts=self.idle_watts,
            silent_ms=int(self.silent_seconds * 1000) if self.silent_seconds else known.silent_ms,
        )


class PublishedScans(Reader, Connection):
    """A scanner that publishes what it reads: one on an ESP32, or one that another program hears."""

    driver: Literal["mqtt"]
    topic: Topic
    path: Path = ""
    stations: Annotated[tuple[Id, ...], Field(min_length=1)]

    @property
    def place(self) -> Topics:
        """See `Reader`."""
        return Topics(self, (self.topic,))

    def parser(self) -> Parser:
        """See `Reader`."""
        return Parser(Sources(scan=(Source(self.topic, self.path),)))

    def sound(self, tone: Tone) -> bytes:
        """Return nothing: nothing is ever published. Who scanned sees the panel, or the lamp."""
        _ = tone
        return b""


def _instead(given: Value | None, known: tuple[Source, ...]) -> tuple[Source, ...]:
    return (given.source(),) if given else known
