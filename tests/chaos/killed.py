"""Processes that die with kill -9: the edge (F1), the gateway (F2), the broker (F3), all of them every evening (F23)."""

import time

from broker.failpoints import Point
from tests.chaos.fault import Outcome
from tests.chaos.floor import Floor

_EDGE = (
    Point.EDGE_COMMITTED,
    Point.EDGE_RECEIPTED,
    Point.EDGE_COMMITTING,
    Point.EDGE_PUBLISHING,
    Point.EDGE_PUBLISHED,
    Point.EDGE_MARKING,
    Point.EDGE_MARKED,
    Point.EDGE_GREETED,
    Point.LINK_PUBLISHED,
    Point.LINK_CONFIRMED,
    Point.EDGE_DELETING,
    Point.EDGE_DELETED,
)
"""The first ones are the short run's."""
_APPENDER = (
    Point.APPENDER_COMMITTING,
    Point.APPENDER_COMMITTED,
    Point.LINK_ACKNOWLEDGED,
    Point.APPENDER_RECEIVED,
    Point.LINK_ACKNOWLEDGING,
    Point.APPENDER_ACKNOWLEDGED,
    Point.LINK_PUBLISHED,
    Point.APPENDER_RECEIPTED,
)
"""Inside the transaction, between commit and acknowledgement, between acknowledgement and receipt; then the others."""
_PROJECTOR = (
    Point.INFLUX_WRITTEN,
    Point.PROJECTOR_COMMITTING,
    Point.PROJECTOR_COMMITTED,
    Point.VIEWS_PUBLISHING,
    Point.VIEWS_PUBLISHED,
    Point.VIEWS_MARKED,
    Point.INFLUX_WRITING,
    Point.INFLUX_MARKED,
)
_USABLE_SECONDS = 40.0


def edge(floor: Floor) -> Outcome:
    """F1: at armed failpoints, then at random instants, while lines keep coming."""
    player = floor.player(start=False, extra="[outbox]\nkept_bytes = 0")  # so that it deletes what is confirmed
    points, instants = _EDGE[: floor.some(2, len(_EDGE))], floor.some(1, 100)
    for point in points:
        player.start(f"{point}=kill@1")
        player.feed(floor.dice.randint(2, 9))
        player.dies()
    player.start().ready()
    for _ in range(instants):
        player.feed(floor.dice.randint(20, 200))
        time.sleep(floor.dice.uniform(0, 0.2))  # the random instant itself
        player.restart()
    floor.healed()
    return Outcome(f"killed at {len(points)} failpoints and {instants} random instants", floor.verify())


def gateway(floor: Floor) -> Outcome:
    """F2: appender and projector, one after the other, at armed failpoints."""
    player = floor.player()
    places = [("appender", point) for point in _APPENDER[: floor.some(3, len(_APPENDER))]]
    places += [("projector", point) for point in _PROJECTOR[: floor.some(1, len(_PROJECTOR))]]
    for part, point in places:
        if part == "projector":
            floor.gateway.start()
        floor.gateway.kill(part)
        floor.gateway.part(part, f"{point}=kill@1")
        player.feed(floor.dice.randint(2, 9))
        floor.nudge()  # its two bundles may be without a receipt: it would wait for its next hello, 60 s at most
        floor.gateway.dies(part)
    floor.gateway.start()
    floor.healed()
    floor.nudge()
    return Outcome(f"killed at {len(places)} failpoints of appender and projector", floor.verify())


def broker(floor: Floor) -> Outcome:
    """F3: killed without persistence, an empty one in its place, in the middle of a stream."""
    players = [floor.player("turning"), *([] if floor.short else [floor.player("plating")])]
    times = floor.some(2, 10)
    for _ in range(times):
        for player in players:
            player.feed(floor.some(20, 300))
        floor.broker.restart()  # while they are answered, sent and confirmed
    floor.healed()
    return Outcome(f"killed and wiped {times} times in mid-stream", floor.verify())


def mains(floor: Floor) -> Outcome:
    """F23: everything loses power at once, every evening, with scans under way; nothing is told to stop."""
    player, slowest = floor.player(), 0.0
    evenings = floor.some(2, 30)
    for _ in range(evenings):
        player.feed(floor.some(5, 40))
        floor.place.cut()
        floor.gateway.kill()
        player.kill()
        floor.broker.kill()
        began = time.monotonic()
        floor.broker.start()
        player.start().ready()
        slowest = max(slowest, time.monotonic() - began)
        floor.place.power_back()
        floor.gateway.start()
    floor.healed()
    return Outcome(
        f"power cut on {evenings} evenings, the edge usable after {slowest:.1f} s at most",
        floor.verify(),
        usable_40_s_after_power=slowest < _USABLE_SECONDS,
    )
