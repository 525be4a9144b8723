"""What a machine's events and an edge's standing say: points that belong to no order."""

from datetime import datetime

from gateway.facts import Fact, milliseconds, nanoseconds, tag, tags_text


def machine_fact(firm: str, edge: str, station: str, *, state: str, since: datetime, at: datetime, seq: int) -> Fact:
    """Return a machine's change of state, at the moment it began. `seq` keeps changes of one instant apart."""
    return Fact(
        firm,
        "machine",
        _machine_tags(edge, station),
        nanoseconds(since) + seq % 1000,
        {"state": state, "at_ms": milliseconds(at), "void": 0},
    )


def count_fact(firm: str, edge: str, station: str, *, signal: str, total: int, at: datetime, seq: int) -> Fact:
    """Return one reading of a cumulative counter."""
    return Fact(
        firm,
        "count",
        _count_tags(edge, station, signal),
        nanoseconds(at) + seq % 1000,
        {"total": total, "void": 0},
    )


def station_owner(firm: str, edge: str, station: str) -> str:
    """Return who owns what a station's machine says, in the state."""
    return f"s:{firm}/{edge}/{station}"


def machine_series(firm: str, edge: str, station: str) -> tuple[str, str, str]:
    """Return where a machine's changes of state stand: firm, measurement, tags."""
    return firm, "machine", tags_text(_machine_tags(edge, station))


def count_series(firm: str, edge: str, station: str, signal: str) -> tuple[str, str, str]:
    """Return where one counter's readings stand: firm, measurement, tags."""
    return firm, "count", tags_text(_count_tags(edge, station, signal))


def _machine_tags(edge: str, station: str) -> tuple[tuple[str, str], ...]:
    return ("edge", edge), ("station", station)


def _count_tags(edge: str, station: str, signal: str) -> tuple[tuple[str, str], ...]:
    return (*_machine_tags(edge, station), ("signal", tag(signal)))


def edge_fact(firm: str, edge: str, at: datetime, *, committed: int, waiting: int, missing: int, lost: int) -> Fact:
    """Return how one edge stands: what it announced and has not sent, what is missing, what is lost for good."""
    return Fact(
        firm,
        "edge",
        (("edge", edge),),
        nanoseconds(at),
        {"committed": committed, "waiting": waiting, "missing": missing, "lost": lost, "void": 0},
    )
