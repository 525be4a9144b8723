"""Two witnesses of a demo: one sees rows come into the ledger, one sees orders change on a page's live stream."""

import http.client
import json
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from gateway.ledger import Ledger
from gateway.store import StoreError

if TYPE_CHECKING:
    from gateway.rules.row import Row

_LOOK_SECONDS = 0.004
_ROWS = 2000
_SIGN_LOOK_SECONDS = 0.1
_SIGN_SECONDS = 20.0


class Commits(threading.Thread):
    """Notes when each row could first be read from the ledger; up to 4 ms late."""

    def __init__(self, ledger_url: str) -> None:
        super().__init__(name="commits", daemon=True)
        self.seen: list[tuple[Row, int]] = []
        self._url = ledger_url
        self._stopping = threading.Event()

    def run(self) -> None:
        """Look until stopped."""
        with Ledger.open(self._url) as ledger:
            version, position = -1, 0
            while not self._stopping.wait(_LOOK_SECONDS):
                if (now := ledger.data_version()) == version:
                    continue
                version = now
                while rows := ledger.rows(position, _ROWS):
                    at = time.monotonic_ns()
                    self.seen.extend((row, at) for row in rows)
                    position = rows[-1].position

    def stop(self) -> None:
        """End, and wait for it."""
        self._stopping.set()
        self.join(5.0)


class Board(threading.Thread):
    """Listens to /live as an open page does, and notes up to which row each order was shown when."""

    def __init__(self, port: int) -> None:
        super().__init__(name="board", daemon=True)
        self.shown: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        """By order: (position, monotonic ns), as they came."""
        self.listening = threading.Event()
        self._port = port
        self._stopping = threading.Event()

    def run(self) -> None:
        """Listen until stopped; if the stream breaks off, as a browser does, ask for what was missed."""
        last = ""
        while not self._stopping.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            try:
                connection.request("GET", "/live", headers={"Last-Event-ID": last} if last else {})
                for name, data, number in events(connection.getresponse()):
                    self.listening.set()
                    last = number or last
                    if name == "order":
                        told = json.loads(data)
                        self.shown[told["order"]].append((int(told["position"]), time.monotonic_ns()))
                    if self._stopping.is_set():
                        break
            except (OSError, http.client.HTTPException):
                self._stopping.wait(0.1)
            finally:
                connection.close()

    def stop(self) -> None:
        """End with the next event; the thread is a daemon."""
        self._stopping.set()

    def when(self, order: str, position: int) -> int | None:
        """Return when the stream first told of `order` with this row in it, or None."""
        told = self.shown.get(order, [])
        index = bisect_left(told, (position, 0))
        return told[index][1] if index < len(told) else None


@dataclass(slots=True)
class Sign:
    """Looks at a firm's page until it says of a device what it should, and notes after how long (up to 0.1 s late)."""

    port: int
    firm: str
    device: str
    state: str | None
    """As in `broker.messages.DeviceState`; None: that nothing is said of it any more."""
    seconds: float | None = None

    def start(self) -> "Sign":
        """Begin to look; what it should say is brought about now."""
        threading.Thread(target=self._look, name=f"sign {self.device}", daemon=True).start()
        return self

    def _look(self) -> None:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < _SIGN_SECONDS:
            if self._said() == self.state:
                self.seconds = round(time.monotonic() - began, 2)
                return
            time.sleep(min(_SIGN_LOOK_SECONDS, _SIGN_SECONDS - passed))

    def _said(self) -> str | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", f"/firm/{self.firm}?part=true")
            answer = connection.getresponse()
            page = answer.read().decode()
            if answer.status != http.client.OK:
                return "away"
        except (OSError, http.client.HTTPException):
            return "away"
        finally:
            connection.close()
        for sign in page.split('<p class="device d-')[1:]:
            if f"<b>{self.device}</b>" in sign.partition("</p>")[0]:
                return sign.partition('"')[0]
        return None


def events(stream: IO[bytes]) -> Iterator[tuple[str, str, str]]:
    """Return name, data and id of each server-sent event (HTML standard, 9.2.6)."""
    name, data, number = "message", "", ""
    for line in stream:
        field, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if not field and not value:
            if data:
                yield name, data, number
            name, data, number = "message", "", ""
        elif field == "event":
            name = value
        elif field == "data":
            data += value
        elif field == "id":
            number = value


def ledger_exists(url: str, path: Path) -> bool:
    """Say whether the appender has made the ledger."""
    if not path.exists():
        return False
    try:
        Ledger.open(url).close()
    except StoreError:
        return False
    return True
