"""The conversation with an MTConnect agent: what is asked when, and what its answers mean. Sans-io.

First /current, then /sample from the next sequence number on, again and again or as one stream. Only these two are
ever asked. What the agent cannot give any more (it was started anew, its buffer ran over) is a named gap, and /current
is read again. A saved answer or document, without any question, is read alike.

Source: MTConnect Part 1 (request and response, header, errors); cppagent, sink/rest_sink.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from broker.events import MachineState
from edge.drivers.execution import UNAVAILABLE
from edge.drivers.mtconnect.document import ASSETS, DEVICES, ERROR, DeviceStream, Document, read
from edge.drivers.mtconnect.exchange import Broken, End, Exchange, Head
from edge.drivers.mtconnect.frames import Frames
from edge.drivers.mtconnect.observed import FIELDS, Observed, is_history
from edge.drivers.readings import Gap, Reading, State, Tally

COUNT = 1000
"""Observations asked for at once: some 250 KB."""
PATIENCE_MS = 10_000
"""So long an agent may take for an answer; after it the machine is unknown and the line is made anew."""
RETRY_MS = 5_000
"""After an answer that says nothing."""
_OVER_MS = 3600 * 1000
"""After so long a recording goes on no more."""
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class Plan:
    """How an agent is asked. `device`: a name or uuid; empty for its only one. `chosen`: ids or names by field."""

    host: str = ""
    device: str = ""
    stream: bool = False
    interval_ms: int = 2_000
    heartbeat_ms: int = 10_000
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def patience_ms(self) -> int:
        """How long nothing may be heard."""
        return 2 * self.heartbeat_ms + PATIENCE_MS if self.stream else PATIENCE_MS


class Parser:
    """Holds the answer that is arriving, the sequence number that comes next, and the machine's last values."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.tally = Tally()
        self._plan = plan or Plan()
        ids = {one for chosen in self._plan.chosen.values() for one in chosen}
        self._wanted = frozenset(FIELDS) | ids
        self._machine = Observed(self._plan.chosen)
        self._instance, self._next, self._device = "", 0, ""
        """The agent's, the next sequence number (0: /current comes first), and the machine chosen there."""
        self._trouble = ""
        """What was said of it last: once lost is once logged."""
        self._known = False
        """Whether what was said of the machine holds until it is taken back."""
        # the line
        self._live = self._hang_up = self._closes = False
        self._answers = 0
        """Complete ones on this line."""
        self._asked_ms = self._good_ms = self._due_ms = 0
        # the answer that is arriving
        self._exchange: Exchange | None = None
        self._frames: Frames | None = None
        self._head: Head | None = None
        self._lead = b""
        self._asked_sample = self._useful = self._behind = self._explained = False

    # -- the line ------------------------------------------------------------------------------------------------------

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`. What the agent still has is asked from where it was left."""
        if self._answers and self._exchange is None and not self._hang_up:
            self._closes = True  # it cuts a line on which nothing is asked: it is asked to, then, and no loss
        if not self._hang_up:  # the line was lost, and with it what was said
            self._known, self._machine.said, self._good_ms = False, None, mono_ms
        self._live, self._hang_up, self._answers = True, False, 0
        self._exchange = self._frames = self._head = None

    def to_send(self, mono_ms: int) -> bytes | None:
        """Return the next question when it is due; None: hang up and connect again. Only ever these two GETs."""
        if self._hang_up:
            return None
        if self._exchange is not None or mono_ms < self._due_ms:
            return b""
        self._exchange = Exchange(self._target(), self._plan.host, close=self._closes)
        self._asked_ms, self._asked_sample = mono_ms, bool(self._next)
        return self._exchange.question

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first; a state only when it changed."""
        if not self._live:
            self._asked_ms = mono_ms
            return self._saved(data)
        found = self._answer(data, mono_ms)
        return found + self.idle(mono_ms)

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that nothing has arrived. An agent that says nothing good for too long makes the machine unknown."""
        if not self._live:
            return self._end_of_saved() if mono_ms - self._asked_ms > _OVER_MS else []
        found: list[Reading] = []
        patience = self._plan.patience_ms
        if self._exchange is not None and mono_ms - max(self._asked_ms, self._good_ms) > patience:
            self._hang_up, self._exchange = True, None
            found += self._say("エージェントが答えません", "the agent does not answer")
        if self._known and mono_ms - self._good_ms > patience:
            self._known, self._machine.said = False, None
            found.append(State(MachineState.UNKNOWN, UNAVAILABLE))
        return found

    def _target(self) -> str:
        device = f"/{quote(self._plan.device, safe='')}" if self._plan.device else ""
        if not self._next:
            return f"{device}/current"
        stream = f"&interval={self._plan.interval_ms}&heartbeat={self._plan.heartbeat_ms}" if self._plan.stream else ""
        return f"{device}/sample?from={self._next}&count={COUNT}{stream}"

    # -- an answer -----------------------------------------------------------------------------------------------------

    def _answer(self, data: bytes, mono_ms: int) -> list[Reading]:
        found: list[Reading] = []
        if self._exchange is None:
            self._hang_up = True  # nothing was asked
            return found
        for part in self._exchange.feed(data):
            if self._hang_up:
                break
            match part:
                case Head():
                    found += self._begin(part)
                case End(rest, keeps):
                    found += self._ended(mono_ms)
                    self._hang_up |= bool(rest) or not keeps
                case Broken():
                    self._reject(_HTTP)
                    self._hang_up = True
                    found += self._say("HTTP ではない返事です", "what answers there does not speak HTTP")
                case bytes():
                    found += self._body(part, mono_ms)
        if self._hang_up:
            self._due_ms = max(self._due_ms, mono_ms + (0 if self._useful else RETRY_MS))
        return found

    def _begin(self, head: Head) -> list[Reading]:
        self._head, self._frames = head, None
        self._useful = self._behind = self._explained = False
        elsewhere = _ELSEWHERE <= head.status < _REFUSED
        if not elsewhere and not head.encoded:
            self._frames = Frames(between=head.ends and not head.multipart and head.status < _REFUSED)
            return []
        self._explained, self._hang_up = True, self._live
        self._reject(f"HTTP {head.status}".encode())
        if elsewhere:
            return self._say(
                "別のアドレスへ回されました。エージェントのアドレスを書いてください",
                f"it answers {head.status}, look elsewhere: write the agent's own address",
            )
        return self._say("圧縮された返事は読みません", "the agent sends packed answers, which were not asked for")

    def _body(self, data: bytes, mono_ms: int) -> list[Reading]:
        assert self._head
        found: list[Reading] = []
        for frame in self._frames.feed(data) if self._frames else []:
            found += self._document(frame, mono_ms)
            if not self._head.ends and not self._head.multipart:
                self._hang_up = self._live  # its end is where the line is cut, and its document is complete
        return found

    def _ended(self, mono_ms: int) -> list[Reading]:
        found: list[Reading] = []
        for frame in self._frames.end() if self._frames else []:
            found += self._document(frame, mono_ms)
        if self._head and self._head.status >= _REFUSED and not self._explained:
            self._reject(f"HTTP {self._head.status}".encode())
            status = self._head.status
            found += self._say(f"エージェントが断りました（{status}）", f"the agent refuses: it answers {status}")
        at_once = self._behind or (self._next and not self._asked_sample)
        wait = (0 if at_once else self._plan.interval_ms) if self._useful else RETRY_MS
        self._due_ms = max(mono_ms, self._asked_ms + wait)
        self._exchange = self._frames = self._head = None
        self._answers += 1
        return found

    # -- a saved answer ------------------------------------------------------------------------------------------------

    def _saved(self, data: bytes) -> list[Reading]:
        """Read what was saved without its questions: answers with their heads, or bare documents."""
        found: list[Reading] = []
        while data:
            if self._exchange is not None:
                data = self._saved_answer(data, found)
            elif self._frames is not None:
                for frame in self._frames.feed(data):
                    found += self._document(frame, 0)
                data = b""
            else:
                self._lead = (self._lead + data).lstrip()
                data = b""
                if not _HTTP.startswith(self._lead[: len(_HTTP)]):
                    self._frames = Frames(between=True)
                elif len(self._lead) >= len(_HTTP):
                    self._exchange = Exchange("/current", "")
                if self._lead and (self._frames or self._exchange):
                    data, self._lead = self._lead, b""
        return found

    def _saved_answer(self, data: bytes, found: list[Reading]) -> bytes:
        """Take what belongs to an answer; return what follows it."""
        assert self._exchange
        for part in self._exchange.feed(data):
            match part:
                case Head():
                    found += self._begin(part)
                case End(rest, _):
                    found += self._ended(0)
                    return rest
                case Broken(rest):
                    self._reject(_HTTP)
                    self._exchange, self._frames = None, Frames(between=False)
                    return rest
                case bytes():
                    found += self._body(part, 0)
        return b""

    def _end_of_saved(self) -> list[Reading]:
        found: list[Reading] = []
        for frame in self._frames.end() if self._frames else []:
            found += self._document(frame, 0)
        if self._lead or (self._exchange is not None and self._frames is None):
            self._reject(self._lead or _HTTP)
        self._exchange = self._frames = self._head = None
        self._lead = b""
        return found

    # -- a document ----------------------------------------------------------------------------------------------------

    def _document(self, frame: bytes, mono_ms: int) -> list[Reading]:
        document, self._explained = read(frame, self._wanted), True
        if document is None:
            self._reject(frame)
            if b"MTConnect" in frame:
                return self._say("返事が壊れています", "a document of the agent is damaged")
            return self._say(
                "MTConnect の返事ではありません。エージェントのアドレスですか",
                "what answers there is no MTConnect document: is it the agent's address?",
            )
        self.tally.lines += 1
        if document.root == ERROR:
            return self._refused(document)
        if document.root == DEVICES:
            return self._say(
                "/probe（項目の一覧）です。値はありません。/current を保存してください",
                "this is /probe, the list of what there is, without values: save /current",
            )
        return [] if document.root == ASSETS else self._streams(document, mono_ms)

    def _streams(self, document: Document, mono_ms: int) -> list[Reading]:
        found: list[Reading] = []
        if lost := self._lost(document):
            found += self._forget(*lost)
            if self._live:
                self._useful, self._hang_up = True, self._hang_up or self._plan.stream
                return found
        device, trouble = self._choose(document)
        if trouble:
            found += self._say(*trouble)
        if device is None and not self._next:
            return found
        self._useful = self._known = True
        self._good_ms = mono_ms
        if not trouble:
            self._trouble = ""
        since = self._next
        self._instance, self._next = document.instance, document.next or 0
        self._behind = since < self._next <= (document.last or 0)
        observations = [one for one in device.observations if (one.sequence or since) >= since] if device else []
        observations.sort(key=lambda one: one.sequence or 0)
        if device:
            self._device = device.uuid or device.name
            self.tally.last_at = device.newest_at or self.tally.last_at
        found += self._machine.take(observations, whole=not since and not is_history(observations))
        return found if self._machine.said else found + self._machine.state(None)

    def _lost(self, document: Document) -> tuple[str, str] | None:
        """Return what is lost between the last document and this one, if something is."""
        if not self._next:
            return None
        if document.instance != self._instance:
            return _RESTARTED
        if document.first is not None and document.first > self._next:
            lost = document.first - self._next
            return _OVERRUN[0], f"{_OVERRUN[1]}: {lost} observations are lost"
        if document.next is not None and document.next < self._next:
            return "エージェントの番号が戻りました", "the agent's sequence numbers went back"
        return None

    def _forget(self, japanese: str, english: str) -> list[Reading]:
        """Say what is lost; /current is read next."""
        self._instance, self._next, self._device = "", 0, ""
        ended, self._machine = self._machine.ended(), Observed(self._plan.chosen)
        return [*ended, Gap(f"{japanese} / {english}")]

    def _choose(self, document: Document) -> tuple[DeviceStream | None, tuple[str, str] | None]:
        """Return the machine's part of a document, and what is wrong if it cannot be told which that is."""
        machines = [one for one in document.devices if not one.of_agent]
        names = "、".join((one.name or one.uuid)[:40] for one in machines[:_NAMES_SHOWN])
        if wished := self._device or self._plan.device:
            mine = next((one for one in machines if wished.lower() in (one.uuid.lower(), one.name.lower())), None)
            if mine is None and not self._next:
                return None, _no_such(wished, names)
            return mine, None
        if len(machines) > 1:
            return None if self._live else machines[0], (
                f"機械が {len(machines)} 台あります（{names}）。device に名前を書いてください",
                f"the agent has {len(machines)} machines: write the name of one as device",
            )
        if not machines and not self._next:
            return None, ("エージェントに機械がありません", "the agent has no machine")
        return next(iter(machines), None), None

    def _refused(self, document: Document) -> list[Reading]:
        """Understand an agent's refusal: what it has no more is a gap, anything else needs a person."""
        codes = {code.upper() for code, _ in document.errors}
        if "OUT_OF_RANGE" in codes and self._next:
            self._useful, self._hang_up = True, self._hang_up or (self._live and self._plan.stream)
            return self._forget(*(_OVERRUN if document.instance in ("", self._instance) else _RESTARTED))
        if "NO_DEVICE" in codes and self._plan.device:
            return self._say(*_no_such(self._plan.device, ""))
        said = "; ".join(f"{code} {text}".strip() for code, text in document.errors[:3])
        return self._say("エージェントが断りました", f"the agent refuses: {said}")

    # -- for people ----------------------------------------------------------------------------------------------------

    def _say(self, japanese: str, english: str) -> list[Reading]:
        """Say a trouble once, until it is another or over."""
        why = f"{japanese} / {english}"
        if why == self._trouble:
            return []
        self._trouble = why
        return [Gap(why)]

    def _reject(self, frame: bytes) -> None:
        self.tally.lines += 1
        self.tally.reject(frame)


_HTTP = b"HTTP/"
_ELSEWHERE, _REFUSED = 300, 400
"""Where the statuses begin that send to another address, and those that refuse."""
_RESTARTED = ("エージェントが起動し直しました。その間は分かりません", "the agent was started anew")
_OVERRUN = ("エージェントの記憶があふれました。その間は分かりません", "the agent's buffer ran over")


def _no_such(name: str, names: str) -> tuple[str, str]:
    there = f" ({names})" if names else ""
    return (
        f"{name} という機械はエージェントにありません{there}。device を直してください",
        f"the agent has no machine {name}: mend device",
    )
