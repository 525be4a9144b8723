"""A machine's morning for the pages: what the grinder of the sample did, with a counter that never moved."""

from datetime import UTC

from broker.events import ClockQuality, Machine, MachineState, encode
from gateway import facts
from gateway.facts import stations
from gateway.ledger.intake import Batch, Sent, hashes
from gateway.state import StationRow
from tests.web import sample
from tests.web.conftest import House

PAGE = "/firm/grinding/machine/grinder-1"
PLACE = ("grinding", "pi1", "grinder-1")
MORNING = (
    ((0, 0), MachineState.OFF),
    ((5, 50), MachineState.IDLE),
    ((6, 10), MachineState.RUNNING),
    ((7, 20), MachineState.ALARM),
    ((7, 25), MachineState.RUNNING),
    ((7, 50), MachineState.SETUP),
    ((8, 6), MachineState.RUNNING),
    ((8, 40), MachineState.UNKNOWN),
    ((8, 44), MachineState.RUNNING),
    ((9, 2), MachineState.HOLD),
    ((9, 10), MachineState.RUNNING),
)


def put_machine(house: House) -> None:
    """Commit the morning, as an edge that is heard until now, and what the projector makes of it."""
    begun = [(sample.at(20, *clock).astimezone(UTC), state) for clock, state in MORNING]
    for seq, (at, state) in enumerate([*begun, (sample.NOW.astimezone(UTC), MachineState.RUNNING)], 1):
        body = encode(
            Machine(at=at, mono_ms=seq, boot="b0", clock=ClockQuality.SYNCED, station=PLACE[2], state=state, since=at)
        )
        sent = Sent(at, seq, "b0", ClockQuality.SYNCED, at)
        batch = Batch("mw/1/grinding/pi1/events", "grinding/pi1", "0" * 15 + "9", seq, (body,), hashes([body]), sent)
        house.ledger.commit([batch])
    with house.state.turn():
        made = [stations.machine_fact(*PLACE, state=state.value, since=at, at=at, seq=1) for at, state in begun]
        for key, fields in facts.index(made).items():
            house.state.products.put_fact(stations.station_owner(*PLACE), key, fields)
        last, state = begun[-1]
        house.state.products.put_station(StationRow(*PLACE, state, last, last))
