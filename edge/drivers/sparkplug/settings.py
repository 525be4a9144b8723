"""The settings of an edge node or device that speaks Sparkplug B."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from broker.events import MachineState
from edge.drivers.device import TopicDevice
from edge.drivers.sparkplug.parser import COUNT_NAMES, NAMESPACE, STATE_NAMES, STATES, Parser, Wanted
from edge.drivers.values import word


def _one_level(name: str) -> str:
    if any(sign in name for sign in "+#/") or min(name) < " ":
        raise ValueError(
            f"{name!r} に + # / は使えません。トピック spBv1.0/GROUP/…/NODE/DEVICE の一つの段です / "
            f"{name!r} must be without + # and /: it is one level of spBv1.0/GROUP/.../NODE/DEVICE"
        )
    return name


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_level)]
Metrics = tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]


class Sparkplug(TopicDevice):
    """One device of an edge node, or the node itself if no `device` is given; and its two metrics by name."""

    answers: ClassVar[bool] = False

    driver: Literal["sparkplug"]
    group: Name
    node: Name
    device: Name | None = None
    state: Metrics = STATE_NAMES
    count: Metrics = COUNT_NAMES
    words: dict[str, MachineState] = Field(default_factory=dict)
    silent_seconds: Annotated[float, Field(ge=130, le=86_400)] = 600.0
    """After half of it the node is asked whether it lives, at most once a minute."""

    @property
    def filters(self) -> tuple[str, ...]:
        """See `TopicDevice`: all of the node's messages, because they share one sequence."""
        return (f"{NAMESPACE}/{self.group}/+/{self.node}/#",)

    def parser(self) -> Parser:
        """See `Device`. Without any settings: the first node heard, and nothing is asked of it."""
        if not hasattr(self, "group"):
            return Parser()
        words = {word(name): state for name, state in self.words.items()}
        return Parser(
            Wanted(
                self.group,
                self.node,
                self.device or "",
                self.state,
                self.count,
                {**STATES, **words},
                int(self.silent_seconds * 1000),
            )
        )
