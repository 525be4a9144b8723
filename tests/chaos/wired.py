"""What happens between edge and gateway: full queues (F4), repetition (F8), stale acknowledgements (F9), receipts that
get lost or come from elsewhere (F10, F25), a broker that freezes (F18).
"""

import time
from contextlib import contextmanager

from broker.link import Link
from broker.messages import EpochHeld, EpochReceipt, Receipt, new_ledger, new_nonce
from broker.settings import Mqtt
from broker.topics import Kind, Topic
from tests.appender.parts import SomeEdge, some
from tests.chaos.fault import Outcome
from tests.chaos.floor import Floor
from tests.chaos.wire import Receipts, Repeat, Shuffle
from tests.conftest import until

APPENDER = "gateway.appender"
_QUEUE = 10


def full_queue(floor: Floor) -> Outcome:
    """F4: the gateway is away and the broker keeps ten messages of a hundred."""
    floor.empty_broker(f"max_queued_messages {_QUEUE}")
    floor.gateway.kill("appender")
    players = [floor.player(firm) for firm in ("turning", "grinding", "plating")[: floor.some(1, 3)]]
    for player in players:
        player.feed(floor.some(40, 4000))
    with SomeEdge(floor.wire.port, "turning", f"foreign{floor.seed}") as foreign:
        lines = some(1, 10 * _QUEUE)
        for number, body in enumerate(lines, start=1):
            foreign.send(number, [body])
        for player in players:
            player.wait_answered()
        floor.gateway.start()
        floor.healed()
        floor.nudge()
        foreign.wait_connected()
        foreign.greet(EpochHeld(epoch=foreign.epoch, lowest=1, last=len(lines), receipted=0))
        missing = _absent(foreign, len(lines))
        for number in missing:  # it is told which, and sends them again
            foreign.send(number, [lines[number - 1]])
        foreign.wait_covered(len(lines))
        verdict = floor.verify()
        rows = [row.body for row in sorted(floor.rows(), key=lambda row: row.seq) if row.author == foreign.author]
    floor.empty_broker()
    return Outcome(
        f"{len(lines)} messages of a foreign publisher and {len(players)} edges' at a queue of {_QUEUE}: the broker dropped "
        f"{len(missing)} of the foreign ones, the ledger named them",
        verdict,
        the_broker_dropped_some=bool(missing),
        the_foreign_publishers_events_are_all_there=rows == lines,
    )


def _absent(foreign: SomeEdge, last: int) -> list[int]:
    def answered() -> EpochReceipt | None:
        return next((r.epochs[0] for r in foreign.receipts if r.answers == "hello" and r.epochs), None)

    told = until(answered, seconds=30, what="the hello to be answered")
    return [number for number in range(1, last + 1) if not told.covers(number)]


def repeated(floor: Floor) -> Outcome:
    """F8: every message of everybody comes one to five times, those to the gateway in any order within 1000."""
    shuffle = Shuffle(floor.dice, 1000)
    player = floor.player()
    messages = floor.some(100, 3000)
    with (
        floor.wire.meddled(".e", Repeat(floor.dice)),
        floor.wire.meddled(".x", Repeat(floor.dice)),
        floor.wire.meddled(APPENDER, shuffle),
        SomeEdge(floor.wire.port, "turning", f"x{floor.seed}") as foreign,
    ):
        lines = some(1, messages, mark="x")
        player.feed(floor.some(20, 2000))
        for number, body in enumerate(lines, start=1):
            foreign.send(number, [body])
        foreign.wait_covered(messages, seconds=60)
        player.wait_answered(60)
        until(lambda: floor.keys() >= {(foreign.author, foreign.epoch, n) for n in range(1, messages + 1)}, seconds=60)
    floor.healed()
    floor.nudge()
    verdict = floor.verify()
    rows = [row.body for row in sorted(floor.rows(), key=lambda row: row.seq) if row.author == foreign.author]
    return Outcome(
        f"{messages} single messages and an edge, each 1-5 times, {shuffle.moved} out of their place",
        verdict,
        the_foreign_publishers_events_are_all_there_once=rows == lines,
        something_was_reordered=shuffle.moved > 0,
    )


def stale_ack(floor: Floor) -> Outcome:
    """F9: the broker is wiped while a commit is slow; old packet ids now name other messages."""
    player = floor.player()
    rounds = floor.some(1, 10)
    for _ in range(rounds):
        with floor.place.locked(floor.gateway):
            said = floor.gateway.log().count("the ledger cannot be written")
            player.feed(5)
            until(
                lambda before=said: floor.gateway.log().count("the ledger cannot be written") > before,
                seconds=20,
                what="the commit to be slow",
            )
            floor.empty_broker()
            player.feed(5, wait=True)
        until(lambda: floor.has(floor.accepted()), seconds=90, what="the ledger to have everything")
    floor.healed()
    return Outcome(f"broker wiped during a slow commit, {rounds} times", floor.verify())


def receipts(floor: Floor) -> Outcome:
    """F10: receipts are lost by halves, repeated, and come late; confirmed events are deleted at once."""
    meddle = Receipts(floor.dice, 0.5)
    player = floor.player(extra="[outbox]\nkept_bytes = 0")
    with floor.wire.meddled(".e", meddle):
        for _ in range(floor.some(4, 40)):  # two bundles without a receipt, and it waits for the next hello
            player.feed(floor.dice.randint(1, 3), wait=True)
            player.feed(floor.dice.randint(1, 3), wait=True)
            floor.wire.cut(f"{player.firm}.{player.edge}")
        while not (meddle.dropped and meddle.repeated):
            player.feed(wait=True)
            floor.wire.cut(f"{player.firm}.{player.edge}")
            time.sleep(0.5)  # until it has connected again
    floor.healed()
    floor.nudge()
    return Outcome(f"{meddle.dropped} receipts lost, {meddle.repeated} repeated or late", floor.verify())


def old_receipt(floor: Floor) -> Outcome:
    """F25: receipts that are not for us: another ledger's, an old nonce, retained by a proxy."""
    player = floor.player()
    player.feed(3)
    player.wait_confirmed()
    floor.gateway.kill("appender")
    player.feed(7, wait=True)
    epochs = {epoch for _, epoch, _ in player.accepted()}
    lie = tuple(EpochReceipt(epoch=epoch, upto=1000) for epoch in epochs)
    topic = str(Topic(player.firm, player.edge, Kind.RECEIPT))
    with _publisher(floor) as link, floor.ledger() as ledger:
        link.publish(topic, Receipt(nonce=new_nonce(), ledger=new_ledger(), epochs=lie).encode(), retain=True)
        link.publish(topic, Receipt(nonce=new_nonce(), ledger=ledger.ledger_id, epochs=lie).encode())
        until(lambda: "another server is answering" in player.said(), seconds=20, what="it to be said")
        floor.wire.cut(f"{player.firm}.{player.edge}")
        held_back = not player.confirmed()
        cleared: list[bool] = []
        link.publish(topic, b"", retain=True, done=lambda: cleared.append(True))
        until(lambda: cleared, what="the retained receipt to be cleared")
    floor.gateway.start()
    floor.healed()
    floor.nudge()
    return Outcome(
        "receipts of another ledger, with an old nonce, and retained: ignored and said",
        floor.verify(),
        nothing_was_marked_on_a_lie=held_back,
        said_once=player.said().count("another server is answering") == 1,
    )


class _Quiet:
    def on_up(self, *, session_present: bool) -> None: ...

    def on_down(self, reason: str) -> None: ...

    def on_message(self, delivery: object) -> None: ...


@contextmanager
def _publisher(floor: Floor):
    link = Link(Mqtt(port=floor.broker.port), "somebody-else", listener=_Quiet())
    link.start()
    until(lambda: link.connected, what="somebody else to connect")
    try:
        yield link
    finally:
        link.stop()


def frozen(floor: Floor) -> Outcome:
    """F18: the broker stops with its sockets open; then the line flaps every two seconds."""
    player = floor.player()
    seconds, flaps = floor.some(1, 30), floor.some(2, 10)
    player.feed(floor.some(10, 500))
    floor.broker.freeze()
    player.feed(floor.some(10, 500), wait=True)
    time.sleep(seconds)  # how long it is frozen
    floor.broker.thaw()
    for _ in range(flaps):
        player.feed(floor.some(10, 100))
        time.sleep(floor.some(0, 2))  # how long it is up
        with floor.wire.down():
            time.sleep(floor.some(0, 2))  # and down
    floor.healed()
    return Outcome(f"frozen for {seconds} s, then {flaps} times away", floor.verify())
