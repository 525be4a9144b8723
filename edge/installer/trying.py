"""`mawashi-edge try` on a recording or on the device itself: the driver's questions asked, what it understands shown.

What is added up is `edge.installer.trial`'s. Nothing is recorded.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from broker.clock import monotonic_ms
from edge import raw
from edge.drivers.device import Place
from edge.drivers.readings import Asking, Parser, Reading
from edge.installer.places import Kept
from edge.installer.trial import Trial
from edge.wire import open_wire

_READ_SECONDS = 0.25
_SILENCE_SECONDS_MOST = 120


def replay(kept: Kept, parser: Parser) -> Trial:
    """Return what a driver makes of a recording; one of ours has times of arrival, a plain file has none.

    Raises OSError.
    """
    trial = Trial(parser)
    if raw.is_raw(kept.path):
        began = before = None
        for chunk in raw.read(kept.path):
            began, before = began or chunk.at, before or chunk.at
            for moment in _silence(before, chunk.at):
                trial.idle(_since_ms(began, moment), arrived=moment)
            if chunk.sent and isinstance(parser, Asking):
                parser.asked(chunk.data)
            if not chunk.sent:
                trial.feed(chunk.data, _since_ms(began, chunk.at), arrived=chunk.at)
                before = chunk.at
    else:
        with kept.path.open("rb") as stream:
            while data := stream.read(65_536):
                trial.feed(data)
        trial.feed(b"\n")  # the last line of a file may lack its end
    trial.end()
    return trial


def live(place: Place, trial: Trial, seconds: float) -> Iterator[tuple[Reading, ...]]:
    """Hear a device for so long and yield what it says as it comes; empty when a moment has brought nothing.

    Raises one of `edge.wire.FAILURES`.
    """
    wire = open_wire(place)
    parser, deadline = trial.parser, time.monotonic() + seconds
    try:
        parser.opened(monotonic_ms())
        while time.monotonic() < deadline:
            question = parser.to_send(monotonic_ms())
            if question is None:
                wire.close()
                time.sleep(_READ_SECONDS)
                wire = open_wire(place)
                parser.opened(monotonic_ms())
                continue
            if question:
                wire.write(question)
            data, now = wire.read(_READ_SECONDS), datetime.now(UTC)
            found = trial.feed(data, monotonic_ms(), arrived=now) if data else trial.idle(monotonic_ms(), arrived=now)
            yield tuple(found)
    finally:
        trial.end()
        wire.close()


def _silence(begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the seconds of a pause, as the driver would have been told of them; after two minutes it knows."""
    for second in range(1, _SILENCE_SECONDS_MOST):
        if (moment := begin + timedelta(seconds=second)) >= end:
            return
        yield moment


def _since_ms(began: datetime, moment: datetime) -> int:
    return max(0, int((moment - began).total_seconds() * 1000))
