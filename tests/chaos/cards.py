"""The edge's card: full (F7), re-imaged, restored and cloned (F12), cut off from power in a write (F19), damaged (F20),
gone (F26).
"""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from broker.failpoints import Point
from edge.outbox import Keeping, Outbox
from gateway.demo.tally import Key  # noqa: TC001
from tests.appender.parts import SomeEdge, some
from tests.broker.test_failpoints import state
from tests.chaos.fault import Outcome
from tests.chaos.floor import Floor
from tests.chaos.player import TWINS_PATIENCE, Player
from tests.chaos.wire import Line, Way, puback, topic
from tests.conftest import until

_CARD_BYTES = 2 * 1024 * 1024


@contextmanager
def small_card(folder: Path, *, size_bytes: int = _CARD_BYTES) -> Iterator[str]:
    """A small disk at this folder, and what it is; empty without root, who alone may mount one."""
    folder.mkdir(parents=True)
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", folder], capture_output=True, check=False
        ).returncode
    )
    try:
        yield f"tmpfs of {size_bytes // 1024**2} MB" if mounted else ""
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=True)


def full(floor: Floor) -> Outcome:
    """F7: no room at the edge, then none at the gateway; then the card is read-only."""
    player = floor.player(start=False)
    with small_card(player.data_dir, size_bytes=floor.some(_CARD_BYTES, 8 * _CARD_BYTES)) as disk:
        ballast = player.data_dir / "ballast"
        player.start().ready()
        player.feed(3)
        player.wait_confirmed()
        if disk:
            with suppress_full(), ballast.open("wb") as file:
                while True:
                    file.write(b"\0" * 4096)
        else:
            _limit(player, player.outbox.stat().st_size)
        player.feed(floor.some(200, 4000))
        player.dies()  # `play` ends with its sentence; what was answered until then is recorded
        refused = "記録できません" in player.said() or "disk" in player.said()
        ballast.unlink(missing_ok=True)
        read_only = _read_only(player) if disk else True
        _gateway_full(floor, player)
        player.wait_confirmed()
        floor.healed()
        verdict = floor.verify()
        player.end()
        kept = player.accepted()
        player.gone |= kept
    return Outcome(
        f"{disk or 'a limit on file sizes'} at the edge, a limit on file sizes at the gateway, a read-only card",
        verdict,
        refused_aloud=refused,
        a_read_only_card_is_said=read_only,
    )


@contextmanager
def suppress_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != 28:  # ENOSPC
            raise


def _limit(player: Player, size: int) -> None:
    assert player.process
    resource.prlimit(player.process.pid, resource.RLIMIT_FSIZE, (size, size))


def _read_only(player: Player) -> bool:
    """Remount it read-only: it does not start, and says so; then writable again."""
    subprocess.run(["mount", "-o", "remount,ro", player.data_dir], check=True)
    player.start()
    player.dies()
    said = "Make room there, and give this user the right to write" in player.said()
    subprocess.run(["mount", "-o", "remount,rw", player.data_dir], check=True)
    return said


def _gateway_full(floor: Floor, player: Player) -> None:
    """The ledger's disk takes nothing more for a while: the edge keeps everything."""
    appender = floor.gateway.parts["appender"]
    said = floor.gateway.log().count("the ledger cannot be written")
    resource.prlimit(appender.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    player.start().ready()
    before = len(player.accepted())
    player.feed(5)
    until(lambda: len(player.accepted()) >= before + 5, seconds=30, what="five more to be accepted")
    until(
        lambda: floor.gateway.log().count("the ledger cannot be written") > said,
        seconds=30,
        what="the gateway to say that its disk is full",
    )
    assert not player.confirmed(), "confirmed without being written"
    resource.prlimit(appender.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def moved(floor: Floor) -> Outcome:
    """F12: a card that is re-imaged, one restored from a copy, and one cloned with both running."""
    player = floor.player(patience=TWINS_PATIENCE)
    player.feed(5)
    player.wait_confirmed()
    player.kill()
    copy = player.folder / "copy"
    shutil.copytree(player.data_dir, copy)
    player.start().ready()
    player.feed(5)
    player.wait_confirmed()
    player.kill()
    _put(player, copy)  # restored: the outbox rolled back after publishing
    player.start().ready()
    player.feed(5)
    player.wait_confirmed()
    player.kill()
    _put(player, None)  # re-imaged
    player.start().ready()
    player.feed(5)
    player.wait_confirmed()
    shutil.copytree(copy, player.folder / "clone" / "data")
    clone = Player(
        player.firm,
        player.edge,
        player.folder / "clone",
        floor.wire.port,
        floor.seed + 1,
        begin=player.begin.replace(year=2025),
        patience=TWINS_PATIENCE,
    )
    clone.target = clone.answered = 5  # lines that its original has played
    floor.adopt(clone).start().ready()
    for _ in range(floor.some(2, 20)):
        player.feed(2)
        clone.feed(2)
    clone.wait_confirmed()
    player.wait_confirmed()
    clone.end()
    with SomeEdge(floor.wire.port, "turning", f"twice{floor.seed}") as foreign:
        foreign.send(1, some(1, 3, mark="one"))
        foreign.send(1, some(1, 3, mark="other"))
        foreign.wait_covered(3)
    with floor.ledger() as ledger:
        twice = [
            one for one in ledger.set_aside() if one.reason == "number used twice" and one.author == foreign.author
        ]
        bodies = [one.body for each in twice if (one := ledger.set_aside_one(each.id))]
    floor.healed()
    return Outcome(
        "one card restored, re-imaged and cloned with both running; a number used twice is shown and both are kept",
        floor.verify(),
        both_histories_are_kept=bodies == some(1, 3, mark="other"),
    )


def _put(player: Player, copy: Path | None) -> None:
    """Put an old copy in the place of the card, or an empty one."""
    player.gone |= player.accepted()
    shutil.rmtree(player.data_dir)
    if copy:
        shutil.copytree(copy, player.data_dir)


def power(floor: Floor) -> Outcome:
    """F19: what is on the disk at each moment a commit has returned, and every torn end of the log in between."""
    player = floor.player(start=False)
    player.start(f"{Point.EDGE_COMMITTED}=stop").ready()
    assert player.process
    tried, wrong, before, log_bytes = 0, 0, 0, 0
    for _ in range(floor.some(4, 60)):
        player.feed(floor.dice.randint(1, 4))
        until(lambda: state(player.process.pid) == "T", what="it to stop right after a commit")
        accepted = len(player.accepted())
        now = player.outbox.with_name("outbox.sqlite-wal").stat().st_size
        ends = [floor.dice.randint(min(log_bytes, now), now) for _ in range(floor.some(2, 10))]
        for end in (now, *ends):
            least = accepted if end == now else before
            tried += 1
            wrong += not least <= _recovered(player, floor.folder / f"cut{tried}", end) <= accepted
        before, log_bytes = accepted, now
        player.signal(signal.SIGCONT)
        player.wait_answered()
    player.restart()
    floor.healed()
    return Outcome(
        f"{tried} copies of the disk at {before} accepted events, the log cut off anywhere within a commit",
        floor.verify(),
        every_copy_held_what_was_accepted=wrong == 0,
    )


def _recovered(player: Player, folder: Path, log_bytes: int) -> int:
    """Open a copy of the card whose log ends here; return how many events it can send."""
    shutil.copytree(player.data_dir, folder, ignore=shutil.ignore_patterns("*-shm", "*.lock", "lock"))
    os.truncate(folder / "outbox.sqlite-wal", log_bytes)
    with closing(Outbox(folder / "outbox.sqlite", player.author, Keeping())) as outbox:
        count = 0
        for held in outbox.held():
            first = held.lowest
            while first <= held.last:
                lines, lost = outbox.read(held.epoch, first, events=500, size_bytes=10**6)
                if lost:
                    return -1
                first += len(lines)
                count += len(lines)
    shutil.rmtree(folder)
    return count


def flipped(floor: Floor) -> Outcome:
    """F20: bits of the outbox flip while events wait in it."""
    floor.gateway.kill("appender")
    player = floor.player()
    with floor.wire.down():  # what the broker kept from before would be whole
        player.feed(floor.some(30, 3000), wait=True)
        player.kill()
    with closing(sqlite3.connect(player.outbox)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    bodies = player.bodies()
    chosen = floor.dice.sample(sorted(bodies), floor.some(2, 20))
    data = bytearray(player.outbox.read_bytes())
    for key in chosen:
        data[data.index(bodies[key]) + floor.dice.randrange(len(bodies[key]))] ^= 1 << floor.dice.randrange(8)
    player.outbox.write_bytes(data)
    player.start().ready()
    floor.gateway.start()
    floor.nudge()
    until(lambda: "are damaged and lost: replace the card" in player.said(), seconds=60, what="the damage to be said")
    lost: set[Key] = {(player.author, *key) for key in chosen}
    floor.healed()
    verdict = floor.verify(allowed=lost)
    return Outcome(f"{len(chosen)} events' bits flipped", verdict, each_is_named=verdict.named == len(chosen))


def gone(floor: Floor) -> Outcome:
    """F26: the edge dies after accepting 120 and sending 100, and its card is gone."""
    player = floor.player()
    player.feed(100)
    player.wait_confirmed()
    greeted: list[bytes] = []

    def swallow(packet: bytes, way: Way, line: Line) -> list[bytes]:
        if way is Way.UP and topic(packet).endswith("/events"):
            line.answer(puback(packet), way)
            return []
        if way is Way.UP and topic(packet).endswith("/hello"):
            greeted.append(packet)
        return [packet]

    with floor.wire.meddled(f"{player.firm}.{player.edge}", swallow):
        player.feed(20, wait=True)
        floor.wire.cut(f"{player.firm}.{player.edge}")
        until(lambda: b'"last":120' in b"".join(greeted), seconds=30, what="a hello that announces 120")
        player.kill()
    keys = player.accepted()
    player.gone |= keys
    shutil.rmtree(player.data_dir)
    lost = {key for key in keys if key[2] > 100}
    until(lambda: lost <= floor.listed(), seconds=30, what="mawashi audit to name 101 to 120")
    status = floor.gateway.mawashi("audit", "--author", player.author)
    floor.healed()
    return Outcome(
        "120 accepted, 100 sent, the card gone: mawashi audit names 101 to 120",
        floor.verify(allowed=lost),
        audit_ends_with_status_1=status.returncode == 1,
        audit_says_101_to_120="101" in status.stdout and "120" in status.stdout,
    )
