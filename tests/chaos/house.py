"""The gateway's house: a ledger that is locked or gone back (F5, F11), InfluxDB (F6), a slow ledger (F17), a huge backlog
(F21), two of everything (F22), rules that fail (F24).
"""

import json
import time
from contextlib import closing, suppress

import psutil

from broker.clock import clock
from broker.failpoints import Point
from edge.outbox import Keeping, Outbox
from gateway.demo.tally import Key  # noqa: TC001
from gateway.ledger import Ledger
from gateway.projector import rebuild
from gateway.state import State
from gateway.store import StoreAwayError
from tests.appender.parts import Gate
from tests.chaos.fault import Outcome
from tests.chaos.floor import Floor
from tests.chaos.player import TWINS_PATIENCE, Player
from tests.conftest import until

_FLAT_BYTES = 30_000_000
_POISONED = """
import sys
from gateway import folding
real = folding.fold
def fold(key, events):
    if any(getattr(one.event, "ticket", "") == {ticket!r} for one in events):
        raise ZeroDivisionError("a bug in the rules")
    return real(key, events)
folding.fold = fold
from gateway.projector import main
sys.exit(main(sys.argv[1:]))
"""


def ledger_locked(floor: Floor) -> Outcome:
    """F5: somebody holds the ledger's lock, or its server is away; meanwhile and afterwards the state is deleted."""
    player, nothing = floor.player(), True
    seconds = floor.some(1, 20)
    for injury in floor.place.unwritable.values():
        said = floor.gateway.log().count("the ledger cannot be written")
        with injury(floor.gateway):
            player.feed(floor.some(20, 1000), wait=True)
            until(
                lambda before=said: floor.gateway.log().count("the ledger cannot be written") > before,
                seconds=30,
                what="it to be said",
            )
            time.sleep(seconds)  # how long
            nothing = nothing and not player.confirmed()
            with suppress(StoreAwayError):  # then it cannot be deleted either
                rebuild(floor.gateway.settings)
        floor.wait_committed()
    for _ in range(floor.some(0, 3)):
        player.feed(50)
        player.wait_confirmed()
        rebuild(floor.gateway.settings)
    floor.healed()
    return Outcome(
        f"ledger {', '.join(floor.place.unwritable)}, for over {seconds} s; the state deleted while running",
        floor.verify(),
        nothing_confirmed=nothing,
    )


def influx(floor: Floor) -> Outcome:
    """F6: down, then every way in which a server can misbehave."""
    player = floor.player()
    floor.influx.stop()
    player.feed(4)
    player.wait_confirmed()  # the promise does not wait for a board
    floor.influx.start()
    until(floor.sinks_agree_quietly, seconds=180, what="InfluxDB to be filled")
    moods = ["partial", "drop after apply", "413"] if floor.short else [
        "partial", "drop after apply", "401", "413", "429", "hang", "500", "503", "400"
    ]  # fmt: skip
    for mood in moods:
        floor.moods.append(mood)
        player.feed(2)
        until(lambda: not floor.moods, seconds=60, what=f"InfluxDB to answer {mood}")
    floor.healed()
    return Outcome(f"InfluxDB down, then: {', '.join(moods)}", floor.verify())


def gone_back(floor: Floor) -> Outcome:
    """F11: yesterday's ledger, by `mawashi restore` and by a bare file copy; one edge has deleted what is lacking."""
    keeps, forgets = floor.player(), floor.player("grinding", extra="[outbox]\nkept_bytes = 0")
    lost: set[Key] = set()
    for number, way in enumerate(floor.place.ways_back):
        for player in (keeps, forgets):
            player.feed(5)
            player.wait_confirmed()
        copy = floor.folder / f"yesterday{number}"
        way.keep(floor.gateway, copy)
        before = forgets.accepted()
        for player in (keeps, forgets):
            player.feed(floor.some(6, 500))
            player.wait_confirmed()
        until(lambda: not forgets.bodies(), seconds=60, what="the forgetful edge to delete what is confirmed")
        lost |= forgets.accepted() - before
        floor.gateway.stop()
        way.put_back(floor.gateway, copy)
        floor.gateway.start()
        floor.wire.cut(".e")  # they greet when they connect, else within 15 minutes
        until(lambda: floor.has(keeps.accepted()), seconds=60, what="everything that is held to be sent again")
    said = floor.gateway.log().count("an older copy of itself; it has a new id")
    floor.healed()
    verdict = floor.verify(allowed=lost)
    return Outcome(
        f"yesterday's ledger by {', then by '.join(way.what for way in floor.place.ways_back)}: all that edges hold is "
        "sent again, what one had deleted is listed",
        verdict,
        an_older_copy_is_found_out=said == sum(way.found_out for way in floor.place.ways_back),
        every_event_beyond_the_edges_keeping_is_listed=verdict.named == len(lost),
    )


def slow(floor: Floor) -> Outcome:
    """F17: the ledger takes a group in a third of a second while edges send as fast as they can."""
    floor.gateway.kill("appender")
    appender = floor.gateway.part("appender", f"{Point.APPENDER_COMMITTING}=delay:3")
    players = [floor.player(firm) for firm in ("turning", "grinding", "plating")[: floor.some(1, 3)]]
    players[0].feed(1)
    players[0].wait_confirmed()
    before = _rss(appender.pid)
    for player in players:
        player.feed(floor.some(2500, 20_000))
    waits = 0
    for player in players:
        player.wait_answered(120)
        waits += not player.confirmed()
    grown = _rss(appender.pid) - before
    floor.gateway.kill("appender")
    floor.gateway.start()
    floor.healed()
    floor.nudge()
    return Outcome(
        f"3 s a commit: the gateway grew by {grown / 1e6:.0f} MB, the backlog waited at {waits} of {len(players)} edges",
        floor.verify(),
        the_gateways_memory_is_flat=grown < _FLAT_BYTES,
        the_backlog_waits_at_the_edges=waits == len(players),
    )


def _rss(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def backlog(floor: Floor) -> Outcome:
    """F21: an outage's worth of events waits at one edge; what it holds is kept raw, so that only the way is measured."""
    events = floor.some(3000, 200_000)
    player = floor.player(start=False, extra="[outbox]\nkept_bytes = 0")
    player.data_dir.mkdir(parents=True)
    with closing(Outbox(player.outbox, player.author, Keeping())) as outbox:
        for first in range(0, events, 1000):
            lines = [
                json.dumps({"kind": "noise", "n": n, "text": "x" * 200}).encode() for n in range(first, first + 1000)
            ]
            outbox.accept(lines, at=clock().read().at)
    peak = player.outbox.stat().st_size
    appender = floor.gateway.parts["appender"].pid
    before = _rss(appender)
    player.start().ready()
    process = player.process
    assert process
    sizes: list[int] = []
    until(lambda: sizes.append(_rss(process.pid)) or player.confirmed(), seconds=600, what="the backlog to drain")
    grown_edge, grown_gateway = max(sizes) - sizes[0], _rss(appender) - before
    if not floor.short:  # it gives back a few pages every five seconds
        until(lambda: player.outbox.stat().st_size < peak * 0.95, seconds=300, what="the file to shrink")
    floor.healed()
    return Outcome(
        f"{events} events waited: the edge grew by {grown_edge / 1e6:.0f} MB, the gateway by {grown_gateway / 1e6:.0f} MB"
        + ("" if floor.short else "; the outbox shrinks"),
        floor.verify(seconds=600),
        the_edges_memory_is_flat=grown_edge < _FLAT_BYTES,
        the_gateways_memory_is_flat=grown_gateway < 2 * _FLAT_BYTES,
    )


def two(floor: Floor) -> Outcome:
    """F22: a second gateway with a ledger of its own, and a second edge with the name of the first."""
    player = floor.player(patience=TWINS_PATIENCE)
    player.feed(3)
    player.wait_confirmed()
    with Gate(floor.folder / "second", floor.wire.port) as second:
        second.start(connected=False)
        until(lambda: "connected to the broker" in second.log(), seconds=60, what="the second gateway to connect")
        for _ in range(floor.some(3, 30)):
            player.feed(2, wait=True)
            time.sleep(0.2)  # both take what comes, in turns
        until(
            lambda: "does another program connect as mw.gateway.appender?" in second.log() + floor.gateway.log(),
            seconds=30,
            what="the takeover to be said",
        )
        second.stop()
        with Ledger.open(second.settings.ledger_url) as ledger:
            taken, other = ledger.last_position(), ledger.ledger_id
        obeyed = other in player.said()
    twin = Player(
        player.firm, player.edge, player.folder / "twin", floor.wire.port, floor.seed + 1,
        patience=TWINS_PATIENCE, begin=player.begin.replace(year=2025),
    )  # fmt: skip
    floor.adopt(twin).start().ready()
    for _ in range(floor.some(3, 30)):
        player.feed(2)
        twin.feed(2, wait=True)
    until(
        lambda: "does another program connect as mw." in player.said() + twin.said(),
        seconds=30,
        what="one of the two edges to say so",
    )
    twin.wait_confirmed()
    twin.end()
    floor.healed()
    floor.nudge()
    return Outcome(
        f"two gateways (the other took {taken} events into its own ledger, none of them lost to ours), two edges of one name",
        floor.verify(),
        the_other_ledger_was_never_joined=not obeyed or "another server" in player.said(),
    )


def rules_raise(floor: Floor) -> Outcome:
    """F24: the rules raise on one order; the others move on, and so does what arrives."""
    player = floor.player()
    player.feed(2)
    player.wait_confirmed()
    ticket = json.loads(next(row.body for row in floor.rows() if row.author == player.author))["ticket"]
    floor.gateway.kill("projector")
    floor.gateway.run("projector", "-c", _POISONED.format(ticket=ticket))
    rebuild(floor.gateway.settings)
    player.feed(4)
    player.wait_confirmed()
    with State.open(floor.gateway.settings.state_url) as state:
        until(floor.parked, seconds=100 + floor.folding_seconds(), what="the order to be parked")
        parked = floor.parked()
        with floor.ledger() as ledger:
            until(
                lambda: state.cursor() == ledger.last_position() and not state.unfinished(),
                seconds=60 + floor.folding_seconds(),
                what="the others",
            )
        player.feed(1)
        began = time.monotonic()
        player.wait_confirmed()
        with floor.ledger() as ledger:
            until(
                lambda: state.cursor() == ledger.last_position() and not state.unfinished(),
                seconds=20 + floor.folding_seconds(),
                what="a fresh one",
            )
        moved = time.monotonic() - began
    shown = floor.gateway.mawashi("audit", "--json").stdout
    floor.gateway.kill("projector")
    floor.gateway.start()
    floor.healed()
    return Outcome(
        f"one order parked and shown, every other moved on in {moved:.2f} s, the fresh one scanned and folded",
        floor.verify(),
        one_order_is_parked=len(parked) == 1,
        audit_shows_it=json.loads(shown)["parked"] == parked,
    )
