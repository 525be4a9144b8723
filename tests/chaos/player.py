"""An edge of the chaos floor: `mawashi-edge play` as a process, fed line by line like a scripted scanner."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.codes import CROCKFORD, Card, CardCode, StationCode, TicketCode, printed
from broker.failpoints import VARIABLE
from gateway.demo.tally import Key, keys, outbox
from tests.conftest import until
from tests.edge.shop import COMMAND

_BEGIN = datetime(2026, 3, 1, 23, tzinfo=UTC)
_STATION = printed(StationCode("lathe"))
_CARDS = (printed(CardCode(Card.START)), printed(CardCode(Card.FINISH)))


TWINS_PATIENCE = "10"
"""`reconnect_seconds_max` of two that push each other off: the one that is off leaves the other the time to be heard."""


@dataclass
class Player:
    """One edge. Each line of its history is one event, and its time (`as_of`) names the line."""

    firm: str
    edge: str
    folder: Path
    port: int
    seed: int
    extra: str = ""
    mqtt: str = ""
    patience: str = "0.5"
    """`reconnect_seconds_max`: a shop has 30; here nobody should wait for that."""
    target: int = 0
    answered: int = 0
    begin: datetime = _BEGIN
    """A line a minute from here on; edges of one name must not share their minutes."""
    told: dict[datetime, int] = field(default_factory=dict)
    """The lines that were answered, by their time: what the machinist believes is recorded, and how many events."""
    gone: set[Key] = field(default_factory=set)
    """Keys accepted on a card that this edge has no more."""
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = self.folder / "edge.toml"
        self.data_dir = self.folder / "data"
        self.log = self.folder / "log"
        self.configure()
        self._resumed = threading.Event()
        self._guard = threading.Lock()

    def configure(self) -> None:
        """Write the settings, which a restart reads."""
        self.settings.write_text(
            f'firm = "{self.firm}"\nedge = "{self.edge}"\ndata_dir = "{self.data_dir}"\n'
            f"[mqtt]\nport = {self.port}\nreconnect_seconds_max = {self.patience}\n{self.mqtt}\n{self.extra}\n"
        )

    @property
    def author(self) -> str:
        return f"{self.firm}/{self.edge}"

    @property
    def outbox(self) -> Path:
        return self.data_dir / "outbox.sqlite"

    # -- the process ---------------------------------------------------------------------------------------------------

    def start(self, failpoints: str = "", **environment: str) -> "Player":
        """Start it, and give it every line that it has not answered."""
        self._resumed = threading.Event()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "play", "--settings", str(self.settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, VARIABLE: failpoints, **environment},
            )
        threading.Thread(target=self._listen, args=(self.process, self._resumed), daemon=True).start()
        return self

    def ready(self) -> "Player":
        until(self._resumed.is_set, seconds=20, what=f"{self.author} to play\n{self.said()}")
        return self

    def _listen(self, process: subprocess.Popen[str], resumed: threading.Event) -> None:
        assert process.stdout
        with suppress(ValueError):  # half a line: it was killed while it wrote
            for text in process.stdout:
                answer = json.loads(text)
                if "resume_after" in answer:
                    # on a restored card it is less than was answered; nobody scans that again
                    first = max(answer["resume_after"], self.answered) + 1
                    threading.Thread(target=self._resume, args=(process, resumed, first), daemon=True).start()
                elif "n" in answer:
                    self.told[self._at(answer["n"])] = answer["events"]
                    self.answered = answer["n"]

    def _resume(self, process: subprocess.Popen[str], resumed: threading.Event, first: int) -> None:
        """Write what it has not played; its answers are read meanwhile, for both pipes are small."""
        with self._guard:
            resumed.set()
            self._write(process, first, self.target)

    def feed(self, lines: int = 1, *, wait: bool = False) -> None:
        """Give it more lines; with `wait`, return when all are answered."""
        with self._guard:
            first, self.target = self.target + 1, self.target + lines
            if self.process and self._resumed.is_set():
                self._write(self.process, first, self.target)
        if wait:
            self.wait_answered()

    def idle(self) -> bool:
        """Whether everything it was given is answered."""
        return self.answered >= self.target

    def wait_answered(self, seconds: float = 30) -> None:
        until(self.idle, seconds=seconds, what=f"{self.author} to answer\n{self.said()}")

    def wait_confirmed(self, seconds: float = 60) -> None:
        """Wait until everything is answered and the ledger's receipts have come."""
        self.wait_answered(seconds)
        until(self.confirmed, seconds=seconds, what=f"{self.author} to be confirmed\n{self.said()}")

    def _write(self, process: subprocess.Popen[str], first: int, last: int) -> None:
        assert process.stdin
        with suppress(BrokenPipeError, ValueError):
            process.stdin.write("".join(self._line(n) for n in range(first, last + 1)))
            process.stdin.flush()

    def dies(self, seconds: float = 30) -> None:
        """Wait until it has killed itself."""
        assert self.process
        until(lambda: self.process.poll() is not None, seconds=seconds, what=f"{self.author} to die at its failpoint")

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait(10)

    def restart(self, failpoints: str = "") -> "Player":
        """Kill it and start it again; ready when this returns."""
        self.kill()
        return self.start(failpoints).ready()

    def end(self) -> int:
        """Close its input; it ends once everything is confirmed."""
        if not self.process:
            return 0
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        return self.process.wait(60)

    def signal(self, sign: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(sign)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    # -- what it has ---------------------------------------------------------------------------------------------------

    def accepted(self) -> set[Key]:
        """The key of every event that was ever accepted here."""
        return self.gone | keys(outbox(self.outbox, self.firm, self.edge))

    def confirmed(self) -> bool:
        """Whether everything on its disk is confirmed."""
        return all(one.safe for one in outbox(self.outbox, self.firm, self.edge))

    def bodies(self) -> dict[tuple[str, int], bytes]:
        """What its outbox still holds, by epoch and number."""
        with closing(sqlite3.connect(f"{self.outbox.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            rows = db.execute("SELECT epoch, id, body FROM event").fetchall()
        return {(bytes(epoch).hex(), key % 2**40): bytes(body) for epoch, key, body in rows}

    # -- its history ---------------------------------------------------------------------------------------------------

    def _at(self, n: int) -> datetime:
        return self.begin + timedelta(minutes=n)

    def _line(self, n: int) -> str:
        ticket, card = divmod(n - 1, 2)
        code = "".join(random.Random(f"{self.seed} {self.author} {ticket}").choices(CROCKFORD, k=6))
        reads = [_STATION, _CARDS[card], printed(TicketCode(code, 10))]
        return json.dumps({"n": n, "at": self._at(n).isoformat(), "reads": reads}) + "\n"
