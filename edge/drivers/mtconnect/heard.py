"""What an agent's documents come to, one after another: readings, and named gaps where they do not join. Sans-io.

How they are asked for is not known here (see `edge.drivers.mtconnect.parser`).

Source: MTConnect Part 1 (header: instanceId, firstSequence, nextSequence; errors).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.events import MachineState
from edge.drivers.execution import UNAVAILABLE
from edge.drivers.mtconnect.document import ASSETS, DEVICES, ERROR, DeviceStream, Document, read
from edge.drivers.mtconnect.observed import FIELDS, Observed, is_history
from edge.drivers.readings import Gap, Reading, State, Tally

Words = tuple[str, str]
"""A sentence in Japanese and in English."""
_NAMES_SHOWN = 5

DOES_NOT_ANSWER = ("エージェントが答えません", "the agent does not answer")
NOT_HTTP = ("HTTP ではない返事です", "what answers there does not speak HTTP")
PACKED = ("圧縮された返事は読みません", "the agent sends packed answers, which were not asked for")
_NOT_MTCONNECT = (
    "MTConnect の返事ではありません。エージェントのアドレスですか",
    "what answers there is no MTConnect document: is it the agent's address?",
)
_DAMAGED = ("返事が壊れています", "a document of the agent is damaged")
_PROBE = (
    "/probe（項目の一覧）です。値はありません。/current を保存してください",
    "this is /probe, the list of what there is, without values: save /current",
)
_NO_MACHINE = ("エージェントに機械がありません", "the agent has no machine")
_RESTARTED = ("エージェントが起動し直しました。その間は分かりません", "the agent was started anew")
_OVERRUN = ("エージェントの記憶があふれました。その間は分かりません", "the agent's buffer ran over")
_WENT_BACK = ("エージェントの番号が戻りました。その間は分かりません", "the agent's sequence numbers went back")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a document was good for. `helps`: it was the answer that was wanted; `lost`: it names a gap instead."""

    readings: list[Reading] = field(default_factory=list)
    helps: bool = False
    lost: bool = False


class Heard:
    """One machine of an agent: the number that comes next, and its last values.

    `device` is a name or uuid, empty for the agent's only machine; `chosen` are ids or names of data items by field.
    """

    def __init__(self, device: str, chosen: Mapping[str, tuple[str, ...]], tally: Tally) -> None:
        self._tally = tally
        self.next = 0
        """The sequence number that comes next; 0 before /current was read."""
        self.behind = False
        """Whether the agent has more already."""
        self._device, self._chosen = device, chosen
        self._wanted = frozenset(FIELDS).union(*chosen.values())
        self._machine = Observed(chosen)
        self._known = False
        """Whether what was said of the machine holds until it is taken back."""
        self._instance = self._found = ""
        self._trouble = ""

    def take(self, frame: bytes, *, live: bool) -> Taken:
        """Take one document. `live`: of two machines none is guessed, after a gap nothing is believed but /current."""
        document = read(frame, self._wanted)
        if document is None:
            self.reject(frame)
            return Taken(self.say(_DAMAGED if b"MTConnect" in frame else _NOT_MTCONNECT))
        self._tally.lines += 1
        if document.root == ERROR:
            return self._refused(document)
        if document.root == DEVICES:
            return Taken(self.say(_PROBE))
        if document.root == ASSETS:
            return Taken()
        lost = self._lost(document)
        readings = self._forget(lost) if lost else []
        if lost and live:
            return Taken(readings, helps=True, lost=True)
        taken = self._streams(document, live=live)
        return Taken(readings + taken.readings, helps=taken.helps, lost=lost is not None)

    def say(self, words: Words) -> list[Reading]:
        """Say a trouble once, until it is another or over."""
        why = " / ".join(words)
        if why == self._trouble:
            return []
        self._trouble = why
        return [Gap(why)]

    def reject(self, frame: bytes) -> None:
        """Count something that is no document."""
        self._tally.lines += 1
        self._tally.reject(frame)

    def line_lost(self) -> None:
        """Take note that everybody knows already that nothing is known; the state is said anew when it is."""
        self._known, self._machine.said = False, None

    def silent(self) -> list[Reading]:
        """Say that what was said holds no more."""
        if not self._known:
            return []
        self.line_lost()
        return [State(MachineState.UNKNOWN, UNAVAILABLE)]

    def _streams(self, document: Document, *, live: bool) -> Taken:
        device, trouble = self._choose(document, live=live)
        said = self.say(trouble) if trouble else []
        if device is None and not self.next:
            return Taken(said)
        if not trouble:
            self._trouble = ""
        since, self._known = self.next, True
        self._instance, self.next = document.instance, document.next or 0
        self.behind = since < self.next <= (document.last or 0)
        observations = [one for one in device.observations if (one.sequence or since) >= since] if device else []
        observations.sort(key=lambda one: one.sequence or 0)
        if device:
            self._found = device.uuid or device.name
            self._tally.last_at = device.newest_at or self._tally.last_at
        readings = said + self._machine.take(observations, whole=not since and not is_history(observations))
        return Taken(readings if self._machine.said else readings + self._machine.state(None), helps=True)

    def _lost(self, document: Document) -> Words | None:
        """Return what is lost between the last document and this one, if something is."""
        if not self.next:
            return None
        if document.instance != self._instance:
            return _RESTARTED
        if document.first is not None and document.first > self.next:
            lost = document.first - self.next
            return f"{_OVERRUN[0]}（{lost} 件）", f"{_OVERRUN[1]}: {lost} observations are lost"
        return _WENT_BACK if document.next is not None and document.next < self.next else None

    def _forget(self, why: Words) -> list[Reading]:
        """Say what is lost; what was known before is not what is."""
        ended, self._machine = self._machine.ended(), Observed(self._chosen)
        self._instance, self._found, self.next, self.behind = "", "", 0, False
        return [*ended, Gap(" / ".join(why))]

    def _choose(self, document: Document, *, live: bool) -> tuple[DeviceStream | None, Words | None]:
        """Return the machine's part of a document, and what is wrong if it cannot be told which that is."""
        machines = [one for one in document.devices if not one.of_agent]
        if wished := (self._found or self._device).lower():
            mine = next((one for one in machines if wished in (one.uuid.lower(), one.name.lower())), None)
            return mine, None if mine or self.next else _no_such(self._device, machines)
        if len(machines) > 1:
            return None if live else machines[0], (
                f"機械が {len(machines)} 台あります（{_names(machines)}）。device に名前を書いてください",
                f"the agent has {len(machines)} machines: write the name of one as device",
            )
        return next(iter(machines), None), None if machines or self.next else _NO_MACHINE

    def _refused(self, document: Document) -> Taken:
        """Understand an agent's refusal: what it has no more is a gap, anything else needs a person."""
        codes = {code.upper() for code, _ in document.errors}
        if "OUT_OF_RANGE" in codes and self.next:
            why = _OVERRUN if document.instance in ("", self._instance) else _RESTARTED
            return Taken(self._forget(why), helps=True, lost=True)
        if "NO_DEVICE" in codes and self._device:
            return Taken(self.say(_no_such(self._device, [])))
        said = "; ".join(f"{code} {text}".strip() for code, text in document.errors[:3])
        return Taken(self.say((f"エージェントが断りました（{said}）", f"the agent refuses: {said}")))


def _names(machines: list[DeviceStream]) -> str:
    return "、".join((one.name or one.uuid)[:40] for one in machines[:_NAMES_SHOWN])


def _no_such(name: str, machines: list[DeviceStream]) -> Words:
    there = f"（あるのは {_names(machines)}）" if machines else ""
    return (
        f"{name} という機械はエージェントにありません{there}。device を直してください",
        f"the agent has no machine {name}: mend device",
    )
