"""The process that makes what arrives safe: from the broker into the ledger, then acknowledged, then receipted.

It never parses an event and never runs a rule. Run by `mawashi gateway` as `python -m gateway.appender`.
"""

import random
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import FrameType

import structlog

from broker.clock import Clock, clock
from broker.failpoints import Point, hit
from broker.link import Delivery, Link
from broker.messages import LINEAGE, Hello, Receipt
from broker.topics import Kind, Topic, client_id, subscription
from gateway.api import (
    CHANGED_MEANWHILE,
    Again,
    Answer,
    ApiServer,
    Append,
    ChangedMeanwhile,
    Close,
    Discard,
    Done,
    GatewayAway,
    Mint,
    Request,
)
from gateway.ledger import Ledger
from gateway.ledger.given import WrittenMeanwhile
from gateway.ledger.intake import Batch, Greeting, Refusal, Taken, take
from gateway.ledger.writer import Committed, WritableLedger
from gateway.opening import once_there
from gateway.process import settings_from
from gateway.settings import Gateway
from gateway.store import StoreError, Unwritable, reason
from gateway.waiting import GROUP_EVENTS, Group, Waiting

log = structlog.get_logger()

CLIENT_ID = client_id("gateway", "appender")
_RETRY_SECONDS_FIRST, _RETRY_SECONDS_MAX = 0.1, 5.0


class Appender:
    """Three threads: the link reads, the writer (`run`) commits, acknowledges and answers, the API asks."""

    def __init__(self, settings: Gateway, ledger: WritableLedger, now: Clock) -> None:
        self._settings, self._ledger, self._now = settings, ledger, now
        self._stopping = False
        self._link = Link(
            settings.mqtt,
            CLIENT_ID,
            listener=_Listener(self._arrived),
            subscriptions=(subscription(Kind.HELLO), subscription(Kind.EVENTS)),
            keep_session=True,
            manual_ack=True,
            window=GROUP_EVENTS,
        )
        self._waiting = Waiting(hold_back=self._link.pause, go_on=self._link.resume)
        self._logged: set[tuple[str | None, str]] = set()

    def run(self) -> None:
        """Serve until `stop`. Raises OSError if the API's socket cannot be made."""
        api = ApiServer(self._settings.socket, self._serve)
        self._link.start()
        try:
            while not self._stopping:
                self._write(self._waiting.take())
        finally:
            api.close()
            self._link.stop()

    def stop(self) -> None:
        """End after the group in hand; what has not been committed was not acknowledged, and comes again.

        Takes no lock, so that a signal handler may call it.
        """
        self._stopping = True

    # -- network thread ------------------------------------------------------------------------------------------------

    def _arrived(self, delivery: Delivery) -> None:
        hit(Point.APPENDER_RECEIVED)
        self._waiting.put(delivery)

    # -- writer --------------------------------------------------------------------------------------------------------

    def _write(self, group: Group) -> None:
        if group.held:
            received_at = self._now.read().at
            taken = [take(one.delivery.topic, one.delivery.payload, received_at) for one in group.held]
            if (committed := self._commit(taken)) is None:
                return
            hit(Point.APPENDER_COMMITTED)
            self._link.acknowledge([one for one in self._waiting.committed(group.held) if one.mid])
            hit(Point.APPENDER_ACKNOWLEDGED)
            self._tell(taken)
            hit(Point.APPENDER_RECEIPTED)
            self._note(taken, committed)
        for task in group.tasks:
            task()

    def _commit(self, taken: Sequence[Taken]) -> Committed | None:
        """Commit, trying until it works; None if told to stop before. Meanwhile nothing is acknowledged."""
        wait, failed = _RETRY_SECONDS_FIRST, False
        while True:
            try:
                committed = self._ledger.commit(taken)
            except Unwritable as error:
                if not failed:
                    log.error(  # noqa: TRY400 - for a person, who needs no traceback
                        "the ledger cannot be written; nothing is acknowledged and the edges keep everything. "
                        "Free the disk, end whatever locks the file, or start PostgreSQL; retrying",
                        reason=reason(error),
                    )
                failed = True
                if not self._rest(wait * random.uniform(0.5, 1.0)):  # noqa: S311 - jitter, no secret
                    return None
                wait = min(wait * 2, _RETRY_SECONDS_MAX)
            else:
                if failed:
                    log.info("the ledger can be written again")
                return committed

    def _rest(self, seconds: float) -> bool:
        """Sleep, and say whether to go on."""
        deadline = time.monotonic() + seconds
        while not self._stopping and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        return not self._stopping

    def _tell(self, taken: Sequence[Taken]) -> None:
        """Send receipts: one for each hello, one for all bundles of an edge in this group."""
        epochs: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for one in taken:
            match one:
                case Batch():
                    epochs[one.author, one.nonce][one.epoch] = None
                case Greeting():
                    self._receipt(one.author, one.hello.nonce, [held.epoch for held in one.hello.epochs], one.hello)
        for (author, nonce), some in epochs.items():
            self._receipt(author, nonce, some)

    def _receipt(
        self, author: str, nonce: str, epochs: Sequence[str] | dict[str, None], hello: Hello | None = None
    ) -> None:
        firm, edge = author.split("/")
        ledger, *lineage = self._ledger.identity
        if hello and hello.ledger in lineage[LINEAGE:]:  # it slept through very many restores
            lineage.insert(0, hello.ledger)
        receipt = Receipt(
            nonce=nonce,
            ledger=ledger,
            lineage=tuple(lineage[:LINEAGE]),
            answers="hello" if hello else "events",
            epochs=tuple(self._ledger.receipt(author, epoch) for epoch in epochs),
        )
        self._link.publish(str(Topic(firm, edge, Kind.RECEIPT)), receipt.encode())

    def _note(self, taken: Sequence[Taken], committed: Committed) -> None:
        if back := committed.went_back:
            log.error(
                "this ledger is an older copy of itself; it has a new id, and the edges send again what they hold. "
                "See what stays missing: mawashi check",
                told_by=back.author,
                epoch=back.epoch,
                absent=back.absent[0][0],
                old=back.old,
                new=back.new,
            )
        for one in taken:
            if isinstance(one, Refusal) and (one.author, one.reason) not in self._logged:
                self._logged.add((one.author, one.reason))
                log.warning(
                    "a message was set aside; further ones of its kind are only counted. See: mawashi set-aside list",
                    topic=one.topic[:200],
                    reason=one.reason.value,
                    detail=one.detail[:200],
                )
        if committed.used_twice:
            log.warning(
                "a number was used twice: a card was cloned or restored. Both are kept. See: mawashi set-aside list",
                events=committed.used_twice,
            )

    # -- the API -------------------------------------------------------------------------------------------------------

    def _serve(self, request: Request) -> "Future[Answer]":
        future: Future[Answer] = Future()

        def task() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(self._carry_out(request))
            except WrittenMeanwhile:
                future.set_exception(ChangedMeanwhile(CHANGED_MEANWHILE))
            except Unwritable as error:
                done = "See whether it was done" if error.connection_invalidated else "Nothing was done"
                future.set_exception(GatewayAway(f"The ledger cannot be written ({reason(error)}). {done}."))

        self._waiting.ask(task)
        return future

    def _carry_out(self, request: Request) -> Answer:
        now = self._now.read()
        match request:
            case Append(events=events, unless=unless):
                return self._ledger.append([event.encode() for event in events], now, unless=unless)
            case Mint(numbers=numbers, tickets=tickets):
                return self._ledger.mint(numbers, tickets, now, first_number=self._settings.first_number)
            case Discard(id=number, by=by, why=why):
                return Done(done=self._ledger.discard(number, now, by=by, why=why))
            case Again(id=number, by=by):
                return self._ledger.read_again(number, now, by=by)
            case Close(author=author, epoch=epoch, ranges=ranges, by=by, why=why):
                return self._ledger.close_numbers(author, epoch, ranges, now, by=by, why=why)


class _Listener:
    """Hears of the connection: hands messages on, and logs its beginning and end once each."""

    def __init__(self, arrived: Callable[[Delivery], None]) -> None:
        self.on_message = arrived
        self._said_down = False

    def on_up(self, *, session_present: bool) -> None:
        self._said_down = False
        log.info("connected to the broker", session="kept" if session_present else "new")

    def on_down(self, reason: str) -> None:
        if not self._said_down:
            log.warning("no broker; the edges keep everything until it is back", reason=reason)
        self._said_down = True


def main(arguments: Sequence[str]) -> int:
    """Run the appender until SIGTERM; the exit status is 2 for settings, 1 if the ledger cannot be opened."""
    settings = settings_from(arguments, "appender")
    try:
        ledger = once_there(lambda: Ledger.open(settings.ledger_url, write=True), threading.Event())
    except (StoreError, Unwritable) as error:
        log.error("the ledger cannot be opened", reason=error)  # noqa: TRY400 - for a person, who needs no traceback
        return 1
    assert ledger, "nothing stops the wait: SIGTERM still ends the process at once"
    with ledger:
        appender = Appender(settings, ledger, clock())

        def end(_signal: int, _frame: FrameType | None) -> None:
            appender.stop()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        log.info("appending", ledger=ledger.ledger_id, last_position=ledger.last_position())
        appender.run()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
