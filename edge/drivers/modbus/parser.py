"""A Modbus unit, asked one question at a time: totals out of its counters, a state out of its bits and lamps. Sans-io.

An answer is waited for as long as the settings say; one that comes later is nobody's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from broker.events import MachineState
from edge.drivers.modbus.frames import Frame, Framing, Noise
from edge.drivers.modbus.lamps import COLOURS
from edge.drivers.modbus.meaning import Meaning
from edge.drivers.modbus.reads import Question
from edge.drivers.modbus.signals import Signal, Type, covers, questions, values
from edge.drivers.readings import Gap, Reading, State, Tally

LAMP_MS = 200
"""A lamp that is one bit is looked at so often: flashing is seen by its changes."""
FAILURES = 3
BACK_OFF_MS = 10_000
"""After 3 questions without an answer a unit is asked this seldom, so that it takes nobody else's time; a place that it
refuses too: a PLC that starts up refuses at first."""
_SOON_MS = 1_000
_NOT_NOW = (5, 6, 10, 11)
"""Exceptions that are no answer: the unit is busy, or a gateway does not reach it."""
_SILENT = -1
_REFUSALS_MOST = 100

_REFUSALS = {
    _SILENT: ("答えません。table と address を確かめてください", "does not answer: check table and address"),
    1: ("この読み方を知りません。table を確かめてください", "does not know this function: check table"),
    2: (
        "この番地を持っていません。address、addresses、table を確かめてください",
        "has nothing there: check address, addresses and table",
    ),
    3: ("この読み方を断りました。type と address を確かめてください", "refuses it so: check type and address"),
    4: ("自身の故障を知らせています。装置の表示を見てください", "reports a fault of its own: look at its display"),
}


@dataclass(frozen=True, slots=True)
class Watched:
    """What of a unit is read, and what it means. `tower` has the colours, and each with `_flashing`."""

    unit: int = 1
    signals: tuple[Signal, ...] = ()
    tower: Mapping[str, MachineState] = field(default_factory=dict)
    nothing_on: MachineState | None = None
    """What it means that no bit is on and no lamp lit. None: standing still, if something would say running."""
    poll_ms: int = 1000
    answer_ms: int = 500


@dataclass(slots=True)
class _Asking:
    """A question that is asked again and again."""

    question: Question
    every_ms: int
    due_ms: int = 0
    failures: int = 0
    """How often it went without an answer since it last had one."""


class Parser:
    """Asks in turn, holds what is arriving, and the last value of every signal."""

    def __init__(self, watched: Watched, framing: Framing) -> None:
        self.tally = Tally()
        self.unit = watched.unit
        self.answering: bool | None = None
        """Whether the unit answers; None until that is known."""
        self.quiet_until_ms = 0
        """Until then an answer to the last question may still come, and nobody asks this unit anything."""
        self._watched, self._framing = watched, framing
        self._askings = [_Asking(one, self._every_ms(one)) for one in questions(watched.unit, watched.signals)]
        self._asked: _Asking | None = None
        self._asked_ms = self._rest_until_ms = self._failures = self._tag = 0
        self._silence_said = False
        self._sent = b""
        self._heard: tuple[Question, int] | None = None
        self._refusals: dict[Question, int] = {}
        """The code with which each was refused last, so that it is said once."""
        self._meaning = Meaning(watched.signals, watched.tower, watched.nothing_on)

    @property
    def waiting(self) -> bool:
        """Whether an answer is waited for: then the line is this unit's."""
        return self._asked is not None

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`."""
        self._framing.drop()
        self._meaning.forget()
        self._asked = self._heard = self.answering = None
        self._failures = self.quiet_until_ms = self._rest_until_ms = 0
        for one in self._askings:
            one.due_ms, one.failures = mono_ms, 0

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first; totals and states only when they changed."""
        found: list[Reading] = []
        for piece in self._framing.feed(data):
            if isinstance(piece, Noise):
                self.tally.lines += 1
                self.tally.reject(piece.raw)
            elif not (self._asked and piece.raw == self._sent):  # else a two-wire adapter hears itself
                found += self._frame(piece, mono_ms)
        return found + self.idle(mono_ms)

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that time has passed: after 3 questions without an answer the unit's state is unknown."""
        if self._asked is None or mono_ms - self._asked_ms < self._watched.answer_ms:
            return []
        return list(self._unanswered(self._asked, mono_ms))

    def to_send(self, mono_ms: int) -> bytes:
        """Return the next question that is due, one at a time: a read of bits or registers, and never anything else."""
        if self._asked or not self._askings or mono_ms < self.next_ms:
            return b""
        if not self._framing.numbered:  # else a late answer may be half here
            self._reject(self._framing.lull())
        self._asked, self._asked_ms = min(self._askings, key=lambda one: one.due_ms), mono_ms
        self._tag = self._tag % 0xFFFF + 1 if self._framing.numbered else 0
        self._sent = self._framing.ask(self._asked.question, self._tag)
        return self._sent

    def asked(self, question: bytes) -> None:
        """See `Asking` in `edge.drivers.readings`."""
        for piece in self._framing.feed(question):
            if isinstance(piece, Frame):
                self._overhear(piece)

    @property
    def next_ms(self) -> int:
        """When something is to be done next: a question is due, or its answer is overdue."""
        if self._asked:
            return self._asked_ms + self._watched.answer_ms
        due_ms = min((one.due_ms for one in self._askings), default=0)
        return max(due_ms, self.quiet_until_ms, self._rest_until_ms)

    # -- answers -------------------------------------------------------------------------------------------------------

    def _frame(self, frame: Frame, mono_ms: int) -> Iterator[Reading]:
        self.tally.lines += 1
        asked = (self._asked.question, self._tag) if self._asked else self._heard
        if asked and _answers(frame, *asked):
            yield from self._answered(frame, asked[0], mono_ms)
        elif not frame.fits:
            self.tally.reject(frame.raw)
        elif not self._sent:
            self._overhear(frame)

    def _overhear(self, frame: Frame) -> None:
        """Take a question in a recording of both ways as if we had asked it."""
        if frame.question and frame.question.unit == self.unit:
            self._heard = (frame.question, frame.tag)

    def _answered(self, frame: Frame, question: Question, mono_ms: int) -> Iterator[Reading]:
        found = self._framing.values(frame, question)
        asking, self._asked, self._heard = self._asked, None, None
        if asking and found in _NOT_NOW:
            yield from self._unanswered(asking, mono_ms)
            return
        self.answering, self._failures, self._silence_said = True, 0, False
        if asking:
            asking.failures = 0
            asking.due_ms = max(mono_ms, self._asked_ms + asking.every_ms)
        if isinstance(found, list):
            self._refusals.pop(question, None)
            yield from self._meaning.take(values(question, found, self._watched.signals), mono_ms)
        else:
            if asking:
                asking.due_ms = mono_ms + BACK_OFF_MS
            yield from self._refused(question, found)
        yield from self._meaning.state()

    def _refused(self, question: Question, code: int) -> Iterator[Reading]:
        """Say once why the unit does not tell something. What it told before is over."""
        signals = [one for one in self._watched.signals if covers(question, one)]
        self._meaning.refused(one.name for one in signals)
        if signals and self._refusals.get(question) != code:
            self._refusals = dict(list(self._refusals.items())[-_REFUSALS_MOST:]) | {question: code}
            ja, en = _REFUSALS.get(code, ("断りました", f"refuses it (exception {code})"))
            shown = ", ".join(one.shown for one in signals)
            yield Gap(f"局番 {self.unit}：{shown}：{ja} / unit {self.unit}, {shown}: it {en}")

    def _unanswered(self, asking: _Asking, mono_ms: int) -> Iterator[Reading]:
        """Ask once more at once, then after a second, then seldom; a unit that answers nothing, seldom at all."""
        self._reject(self._framing.lull())
        self._asked = None
        self._failures += 1
        asking.failures += 1
        self.quiet_until_ms = mono_ms + (0 if self._framing.numbered else self._watched.answer_ms)
        match asking.failures:
            case 1:
                asking.due_ms = min(one.due_ms for one in self._askings) - 1
            case 2:
                asking.due_ms = mono_ms + min(asking.every_ms, _SOON_MS)
            case _:
                asking.due_ms = mono_ms + BACK_OFF_MS
        if self._failures >= FAILURES:
            self._rest_until_ms = mono_ms + BACK_OFF_MS
            if self.answering is not False:
                self.answering = False
                self._meaning.forget()
            if not self._silence_said:
                self._silence_said = True
                yield Gap(f"局番 {self.unit} が答えません / unit {self.unit} does not answer")
                yield State(MachineState.UNKNOWN, "SILENT")
        elif asking.failures >= FAILURES:
            yield from self._refused(asking.question, _SILENT)
            yield from self._meaning.state()

    def _reject(self, left: bytes) -> None:
        if left:
            self.tally.lines += 1
            self.tally.reject(left)

    def _every_ms(self, question: Question) -> int:
        lamps = [
            one
            for one in self._watched.signals
            if one.name in COLOURS and one.type is Type.BIT and covers(question, one)
        ]
        return min(LAMP_MS, self._watched.poll_ms) if lamps else self._watched.poll_ms


def _answers(frame: Frame, question: Question, tag: int) -> bool:
    """Return whether a frame is the answer to a question: of the same function and length, or an exception."""
    if not frame.fits:
        return False
    if frame.tag != tag or (not tag and frame.unit != question.unit):  # gateways on TCP change the unit
        return False
    if frame.pdu[0] == question.read | 0x80:
        return True
    return frame.pdu[0] == question.read and len(frame.pdu) == 2 + question.answer_bytes == 2 + frame.pdu[1]
