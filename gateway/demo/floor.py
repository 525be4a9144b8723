"""The demo's firms: who has which machines, on which scanner, and how long its work takes."""

from dataclasses import dataclass

from broker.events import OperationKind


@dataclass(frozen=True, slots=True)
class Bench:
    """One scanner and the machines it serves; the first is meant when no label was read."""

    scanner: str
    stations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm of the demo. `minutes` is the median of a lot's work there, `steps` what its operations are called."""

    id: str
    name: str
    name_en: str
    kind: OperationKind
    steps: tuple[str, ...]
    minutes: float
    benches: tuple[Bench, ...]

    @property
    def edge(self) -> str:
        """The id of its one edge."""
        return "pi-1"


def _benches(machine: str, scanners: int, each: int) -> tuple[Bench, ...]:
    """Return benches with `each` machines a scanner: one man, three machines."""
    return tuple(
        Bench(f"s{n + 1}", tuple(f"{machine}-{n * each + k + 1}" for k in range(each))) for n in range(scanners)
    )


FIRMS = (
    Firm(
        "turning",
        "旋削工場",
        "Turning",
        OperationKind.MACHINING,
        ("旋削", "旋削 2次", "ねじ切り"),
        18.0,
        _benches("nc", 4, 3),
    ),
    Firm(
        "grinding",
        "研削工場",
        "Grinding",
        OperationKind.MACHINING,
        ("円筒研削", "平面研削", "仕上げ研削"),
        16.0,
        _benches("gr", 3, 3),
    ),
    Firm(
        "plating",
        "めっき工場",
        "Plating",
        OperationKind.SPECIAL,
        ("無電解ニッケル", "アルマイト", "硬質クロム"),
        22.0,
        _benches("tank", 3, 3),
    ),
    Firm(
        "inspection",
        "検査工場",
        "Inspection",
        OperationKind.INSPECTION,
        ("寸法検査", "寸法・外観検査"),
        9.0,
        _benches("bench", 3, 2),
    ),
)
"""Turning, grinding, plating, inspection: the chain that the sample orders name."""

ROUTINGS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (26, ("turning", "grinding", "plating", "inspection")),
    (14, ("turning", "turning", "grinding", "inspection")),
    (12, ("turning", "plating", "inspection")),
    (8, ("turning", "grinding", "plating", "grinding", "inspection")),
    (14, ("grinding", "plating", "inspection")),
    (10, ("grinding", "turning", "inspection")),
    (10, ("plating", "grinding", "inspection")),
    (6, ("inspection", "turning", "plating", "inspection")),
)
"""How orders go through the firms, and how often each way is taken."""

COORDINATORS = ("turning", "grinding", "turning")
"""幹事会社: who answers for an order, by turns."""
