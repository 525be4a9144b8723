"""The conversation with an MTConnect agent: what is asked when, over which line. Sans-io.

First /current, then /sample from the next sequence number on, again and again or as one stream. Only these two are
ever asked. What the answers mean is decided in `edge.drivers.mtconnect.heard`. A recording of answers, or a document
saved from a browser, is read alike as long as no line was opened.

Source: MTConnect Part 1 (request and response); cppagent, sink/rest_sink.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from edge.drivers.mtconnect.exchange import Broken, End, Exchange, Head
from edge.drivers.mtconnect.frames import Frames
from edge.drivers.mtconnect.heard import DOES_NOT_ANSWER, NOT_HTTP, PACKED, Heard
from edge.drivers.readings import Reading, Tally

COUNT = 1000
"""Observations asked for at once: some 250 KB."""
PATIENCE_MS = 10_000
"""So long an agent may take for an answer; after it the machine is unknown and the line is made anew."""
RETRY_MS = 5_000
"""After an answer that says nothing."""
HASTE_MOST = 200
"""So many questions one after the other empty the largest buffer of an agent (131,072 observations); one that still
claims to have more is asked at its pace, as a machine's control may serve it."""
_OVER_MS = 3600 * 1000
"""After so long a recording goes on no more."""
_HTTP = b"HTTP/"
_ELSEWHERE, _REFUSED = 300, 400
"""Where the statuses begin that send to another address, and those that refuse."""


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
    """Holds the answer that is arriving, and when the next question is due."""

    def __init__(self, plan: Plan | None = None) -> None:
        self._plan = plan or Plan()
        self.tally = Tally()
        """A line of it is a document."""
        self._heard = Heard(self._plan.device, self._plan.chosen, self.tally)
        # the line
        self._live = self._hang_up = False
        self._answered = self._closes = False
        """Whether this line brought an answer; whether the agent cuts a line on which nothing is asked."""
        self._asked_ms = self._good_ms = self._due_ms = 0
        self._hasty = 0
        """Questions that were asked at once, one after the other, because the agent had more."""
        # the answer that is arriving
        self._exchange: Exchange | None = None
        self._head: Head | None = None
        self._frames: Frames | None = None
        self._lead = b""
        self._asked_sample = self._helps = self._explained = False

    # -- the line ------------------------------------------------------------------------------------------------------

    def opened(self, mono_ms: int) -> None:
        """See `Parser` in `edge.drivers.readings`. What the agent still has is asked from where it was left."""
        if self._answered and self._exchange is None and not self._hang_up:
            self._closes = True  # it is asked to, then, and we hang up first: no loss
        if not self._hang_up:
            self._heard.line_lost()
            self._good_ms = mono_ms
        self._live, self._hang_up, self._answered = True, False, False
        self._exchange = self._head = self._frames = None

    def to_send(self, mono_ms: int) -> bytes | None:
        """Return the next question when it is due; None: hang up and connect again. Only ever these two GETs."""
        if self._hang_up:
            return None
        if self._exchange is not None or mono_ms < self._due_ms:
            return b""
        self._exchange = Exchange(self._target(), self._plan.host, close=self._closes)
        self._asked_ms, self._asked_sample = mono_ms, bool(self._heard.next)
        return self._exchange.question

    def feed(self, data: bytes, mono_ms: int) -> list[Reading]:
        """Take bytes and return what they say, oldest first; a state only when it changed."""
        if not self._live:
            self._asked_ms = mono_ms
            return self._recorded(data)
        return self._answer(data, mono_ms) + self.idle(mono_ms)

    def idle(self, mono_ms: int) -> list[Reading]:
        """Say that nothing has arrived. An agent that says nothing good for too long makes the machine unknown."""
        if not self._live:
            return self._end_of_recording() if mono_ms - self._asked_ms > _OVER_MS else []
        found: list[Reading] = []
        if self._exchange is not None and mono_ms - max(self._asked_ms, self._good_ms) > self._plan.patience_ms:
            self._hang_up, self._exchange = True, None
            found += self._heard.say(DOES_NOT_ANSWER)
        if mono_ms - self._good_ms > self._plan.patience_ms:
            found += self._heard.silent()
        return found

    def _target(self) -> str:
        device = f"/{quote(self._plan.device, safe='')}" if self._plan.device else ""
        if not self._heard.next:
            return f"{device}/current"
        stream = f"&interval={self._plan.interval_ms}&heartbeat={self._plan.heartbeat_ms}" if self._plan.stream else ""
        return f"{device}/sample?from={self._heard.next}&count={COUNT}{stream}"

    # -- an answer -----------------------------------------------------------------------------------------------------

    def _answer(self, data: bytes, mono_ms: int) -> list[Reading]:
        found: list[Reading] = []
        parts = self._exchange.feed(data) if self._exchange and not self._hang_up else []
        self._hang_up |= self._exchange is None  # nothing was asked
        for part in parts:
            match part:
                case Head():
                    found += self._begin(part)
                case End(rest, keeps):
                    found += self._end(mono_ms)
                    self._hang_up |= bool(rest) or not keeps
                case Broken():
                    self._heard.reject(_HTTP)
                    self._hang_up = True
                    found += self._heard.say(NOT_HTTP)
                case bytes():
                    found += self._body(part, mono_ms)
            if self._hang_up:
                break
        if self._hang_up:
            self._due_ms = max(self._due_ms, mono_ms + (0 if self._helps else RETRY_MS))
        return found

    def _begin(self, head: Head) -> list[Reading]:
        self._head, self._frames = head, None
        self._helps = self._explained = False
        elsewhere = _ELSEWHERE <= head.status < _REFUSED
        if not elsewhere and not head.encoded:
            self._frames = Frames(between=head.ends and not head.multipart and head.status < _REFUSED)
            return []
        self._explained, self._hang_up = True, self._live
        self._heard.reject(f"HTTP {head.status}".encode())
        if not elsewhere:
            return self._heard.say(PACKED)
        return self._heard.say(
            (
                "別のアドレスへ回されました。エージェントのアドレスを書いてください",
                f"it answers {head.status}, look elsewhere: write the agent's own address",
            )
        )

    def _body(self, data: bytes, mono_ms: int) -> list[Reading]:
        found: list[Reading] = []
        for frame in self._frames.feed(data) if self._frames else []:
            found += self._document(frame, mono_ms)
            if self._live and self._head and not self._head.ends and not self._head.multipart:
                self._hang_up = True  # its end is where the line is cut, and its document is complete
            if self._hang_up:
                break
        return found

    def _end(self, mono_ms: int) -> list[Reading]:
        found = self._rest(mono_ms)
        if self._head and self._head.status >= _REFUSED and not self._explained:
            status = self._head.status
            self._heard.reject(f"HTTP {status}".encode())
            words = f"エージェントが断りました（{status}）", f"the agent refuses: it answers {status}"
            found += self._heard.say(words)
        self._hasty = self._hasty + 1 if self._heard.behind else 0
        at_once = 0 < self._hasty <= HASTE_MOST or (self._heard.next and not self._asked_sample)
        wait = (0 if at_once else self._plan.interval_ms) if self._helps else RETRY_MS
        self._due_ms = max(mono_ms, self._asked_ms + wait)
        self._exchange = self._head = self._frames = None
        self._answered = True
        return found

    def _rest(self, mono_ms: int) -> list[Reading]:
        return [one for frame in (self._frames.end() if self._frames else []) for one in self._document(frame, mono_ms)]

    def _document(self, frame: bytes, mono_ms: int) -> list[Reading]:
        taken = self._heard.take(frame, live=self._live)
        self._explained = True
        self._helps |= taken.helps
        if taken.helps and not taken.lost:
            self._good_ms = mono_ms
        if taken.lost and self._live and self._plan.stream:
            self._hang_up = True  # /current is asked on a line of its own
        return taken.readings

    # -- a recording ---------------------------------------------------------------------------------------------------

    def _recorded(self, data: bytes) -> list[Reading]:
        """Read what was kept without its questions: answers with their heads, or bare documents."""
        found: list[Reading] = []
        while data:
            if self._exchange is not None:
                data = self._recorded_answer(self._exchange, data, found)
            elif self._frames is not None:
                found += [one for frame in self._frames.feed(data) for one in self._document(frame, 0)]
                data = b""
            else:
                data = self._recognised(data)
        return found

    def _recognised(self, data: bytes) -> bytes:
        """Decide by the first bytes what follows; return them once it is decided."""
        self._lead = (self._lead + data).lstrip()
        if not _HTTP.startswith(self._lead[: len(_HTTP)]):
            self._frames = Frames(between=True)
        elif len(self._lead) >= len(_HTTP):
            self._exchange = Exchange("/current", "")
        else:
            return b""
        lead, self._lead = self._lead, b""
        return lead

    def _recorded_answer(self, exchange: Exchange, data: bytes, found: list[Reading]) -> bytes:
        """Take what belongs to an answer; return what follows it."""
        for part in exchange.feed(data):
            match part:
                case Head():
                    found += self._begin(part)
                case End(rest, _):
                    found += self._end(0)
                    return rest
                case Broken(rest):
                    self._heard.reject(_HTTP)
                    self._exchange, self._frames = None, Frames(between=False)
                    return rest
                case bytes():
                    found += self._body(part, 0)
        return b""

    def _end_of_recording(self) -> list[Reading]:
        found = self._rest(0)
        if self._lead or (self._exchange is not None and self._head is None):
            self._heard.reject(self._lead or _HTTP)
        self._exchange = self._head = self._frames = None
        self._lead = b""
        return found
