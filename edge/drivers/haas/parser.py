"""Haas Machine Data Collection: answers in, states and totals out, and which question is to be sent. Sans-io.

One parser reads both framings: `>NAME, value CR LF` (Ethernet) and `STX NAME, value ETB CR LF >` (RS-232).
Source: Haas, Next Generation Control, Machine Data Collection; MTConnect.NET, HaasDataSource (its machine's words, and
`STATUS BUSY` without a comma). No capture of a real control was at hand: the tests read the documents' answers.
"""

import re
from collections.abc import Iterator

from broker.events import MachineState
from edge.drivers.haas.questions import MISSED_MOST, STATE, Code, Questions
from edge.drivers.lines import Lines
from edge.drivers.readings import Gap, Reading, State, Tally, Total
from edge.drivers.seven_bits import seven_bits

_LINE_BYTES = 512
_COUNT = re.compile(r"\d{1,10}", re.ASCII)
_COUNT_MOST = 10_000_000
_STX, _ETB = b"\x02", b"\x17"
_DROPPED = b"\x00\x11\x13"
"""Fill characters, XON and XOFF: they may stand anywhere."""
_FRAMED = re.compile(rb"\x02([^\x02\x17]*)\x17")
_CLEAN = re.compile(rb"[ -~]+")
_ECHO = re.compile(rb"\?[A-Z]\d*( \d+)?")

_STATES = {
    "BUSY": MachineState.RUNNING,
    "IDLE": MachineState.IDLE,
    "FEED HOLD": MachineState.HOLD,
    "ALARM ON": MachineState.ALARM,
}
_BY_HAND = frozenset({"MDI", "JOG", "HANDLE JOG"})
_COUNTERS: dict[str, Code] = {"M30 #1": "Q402", "M30 #2": "Q403"}


class Parser:
    """Holds the answer that is arriving and what the control said last.

    `parts` is the question whose count is told. `ask_mode`: whether to ask for the mode, which tells set-up from idle.
    """

    def __init__(self, *, poll_ms: int = 2_000, parts: Code = "Q402", ask_mode: bool = True) -> None:
        self.tally = Tally()
        self._parts = parts
        optional: list[Code] = ["Q104"] if ask_mode else []
        self._questions = Questions([*optional, parts] if parts != STATE else optional, poll_ms)
        self._lines = Lines(limit_bytes=_LINE_BYTES)
        self._said: State | None = None
        self._shown: int | None = None
        self._forget()

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`."""
        _ = mono_ms
        self._lines.drop()
        self._questions.begin()
        self._forget()

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first; states and totals only when they changed."""
        text, parity = seven_bits(data, dropped=_DROPPED)
        self.tally.parity_bytes += parity
        lines = self._lines.feed(text.replace(_ETB, _ETB + b"\n"))
        found = [reading for line in lines for reading in self._line(line)]
        return found + self.idle(mono_ms)

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that time has passed: a control that leaves three questions unanswered is unknown."""
        late = self._questions.given_up(mono_ms)
        if late is None:
            return []
        self._lines.drop()
        if late == "Q104":
            self._mode = ""
        if self._questions.missed != MISSED_MOST:
            return []
        self._forget()
        unknown = State(MachineState.UNKNOWN, "NO ANSWER")
        self._said = unknown
        return [
            Gap(
                "制御が答えません。電源と設定 143 を確かめてください / "
                "the control does not answer: is it on, is its setting 143?"
            ),
            unknown,
        ]

    def to_send(self, mono_ms: int) -> bytes:
        """Return the question that is due: only ever one of `questions.NAMES`."""
        return self._questions.next(mono_ms)

    def _forget(self) -> None:
        self._word = self._mode = self._program = ""
        self._counter_heard = False
        self._said = self._shown = None

    def _line(self, line: bytes) -> Iterator[Reading]:
        answers = answers_in(line)
        if answers is None:
            self.tally.lines += 1
            self.tally.reject(line)
            return
        for answer in answers:
            self.tally.lines += 1
            fields = fields_of(answer)
            if fields is None:
                self.tally.reject(line)
            elif fields[0].startswith("UNKNOWN"):
                self._questions.refused()
            else:
                self._questions.answered(fields[0])
                yield from self._answer(fields[0], fields[1:])

    def _answer(self, name: str, values: list[str]) -> Iterator[Reading]:
        """Take an answer, to our question or to another client's: the control sends each to everybody."""
        if name == "MODE":
            self._mode = values[0].strip("() ")
            yield from self._state()
        elif name == "STATUS":
            self._word = values[0]
            yield from self._state()
        elif name == "PROGRAM":
            self._program, *rest = values
            self._word = next((word for word in rest if word in _STATES), rest[0])
            yield from self._state()
            if "PARTS" in rest[:-1] and self._is_counted_here():
                yield from self._total(rest[rest.index("PARTS") + 1])
        elif _COUNTERS.get(name) == self._parts:
            self._counter_heard = True
            yield from self._total(values[0])

    def _state(self) -> Iterator[Reading]:
        """Return the state if it changed. A program that runs carries neither its name nor its count: they stay."""
        if not self._word:
            return
        state = _STATES.get(self._word, MachineState.UNKNOWN)
        if state is MachineState.IDLE and (self._mode or self._program) in _BY_HAND:
            state = MachineState.SETUP
        found = State(state, self._word[:40])
        if found != self._said:
            self._said = found
            yield found

    def _is_counted_here(self) -> bool:
        """Whether PARTS is the count: asked for, or for want of the counter that was. Two counters are never mixed."""
        return self._parts == STATE or not (self._counter_heard or self._questions.is_asked(self._parts))

    def _total(self, shown: str) -> Iterator[Reading]:
        """Return a count if it changed; what is no number is absent, not zero."""
        if _COUNT.fullmatch(shown) and int(shown) <= _COUNT_MOST and int(shown) != self._shown:
            self._shown = int(shown)
            yield Total("parts", self._shown)


def answers_in(line: bytes) -> list[bytes] | None:
    r"""Return the answers in a line; empty: a prompt alone, or a question sent back; None: no answer in it is whole.

    >>> answers_in(b">\x02MODE, MEM\x17"), answers_in(b">>MODE, MEM"), answers_in(b">?Q500"), answers_in(b"DE, MEM\x17")
    ([b'MODE, MEM'], [b'MODE, MEM'], [], None)
    """
    if _STX in line or _ETB in line:
        return _FRAMED.findall(line) or None
    before, prompt, text = line.rpartition(b">")
    text = text.strip()
    if _ECHO.fullmatch(text) or not (text or before.strip(b"> ")):
        return []
    return [text] if prompt and text else None


def fields_of(answer: bytes) -> list[str] | None:
    """Return an answer's name and values; None if it is garbled or lacks the value that it is for.

    >>> fields_of(b"PROGRAM, O00123, IDLE, PARTS, 380"), fields_of(b"STATUS BUSY"), fields_of(b"PROGRAM, O00123")
    (['PROGRAM', 'O00123', 'IDLE', 'PARTS', '380'], ['STATUS', 'BUSY'], None)
    """
    if _CLEAN.fullmatch(answer) is None:
        return None
    name, *values = (field.strip() for field in answer.decode("ascii").upper().split(","))
    if name.startswith("STATUS "):
        name, values = "STATUS", [name.removeprefix("STATUS ").strip()]
    wanted = 1 if name == "PROGRAM" else 0
    whole = len(values) > wanted and values[wanted]
    return [name, *values] if name.startswith("UNKNOWN") or (name and whole) else None
