"""F11 with real processes: yesterday's backup restored, and what a real edge's outbox gives again.

The same after a bare file copy is a fault of `make chaos`.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from broker.ranges import size
from gateway.backup.copying import read_only
from gateway.backup.restore import Wanted, restore
from tests.appender.parts import Gate
from tests.backup.parts import LEDGER
from tests.chaos.player import Player
from tests.conftest import Mosquitto, until
from tests.gateway.test_commands import mawashi

pytestmark = pytest.mark.slow
Key = tuple[str, str, int]


@pytest.fixture
def gate(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Gate]:
    with Gate(tmp_path / "gate", mosquitto.port) as gate:
        yield gate


def rows(gate: Gate) -> dict[Key, bytes]:
    """Every event in the ledger; each once, or the test fails."""
    with gate.ledger() as ledger:
        found = ledger.rows(0, 100_000)
    assert max(Counter(row.key for row in found).values(), default=1) == 1
    return {row.key: row.body for row in found}


def gaps(gate: Gate) -> set[Key]:
    """Every number that is named as gone."""
    with gate.ledger() as ledger:
        return {
            (one.author, one.epoch, seq)
            for one in ledger.authors()
            for first, last in one.gaps
            for seq in range(first, last + 1)
        }


def here_or_named(gate: Gate) -> int:
    with closing(read_only(gate.settings.data_dir / LEDGER)) as db:
        here = db.execute("SELECT count(*) FROM rows").fetchone()[0]
        return int(here + db.execute("SELECT coalesce(sum(last - first + 1), 0) FROM gaps").fetchone()[0])


def worked(gate: Gate, player: Player, lines: int) -> dict[Key, bytes]:
    """Have it record some lines, in a new epoch; return everything once the ledger has it."""
    player.restart()
    player.feed(lines, wait=True)
    player.wait_confirmed()
    return rows(gate)


def test_what_the_edge_still_holds_comes_again_and_what_it_deleted_is_named_by_number(
    gate: Gate, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    gate.start()
    keeps = Player("turning", "keeps", tmp_path / "keeps", mosquitto.port, 1)
    deletes = Player("turning", "deletes", tmp_path / "deletes", mosquitto.port, 2, extra="[outbox]\nkept_bytes = 0")
    try:
        worked(gate, keeps, 30)
        worked(gate, deletes, 30)
        backup = tmp_path / "yesterday.sqlite"
        said = mawashi("backup", str(backup), "--settings", str(gate.path))
        assert said.exit_code == 0, said.stderr
        worked(gate, keeps, 30)
        worked(gate, deletes, 30)
        before = worked(gate, deletes, 20)
        until(lambda: not deletes.bodies(), seconds=20, what="the second edge to delete what is safe")
        gate.stop()
        restore(gate.settings, Wanted(backup, replace=True))
        assert len(rows(gate)) < len(before)
        gate.start()
        mosquitto.restart()  # else an edge says its next hello within 15 minutes
        until(lambda: here_or_named(gate) == len(before), seconds=60, what="all to be here or named")
        after, named = rows(gate), gaps(gate)
        assert before.items() >= after.items(), "the very bytes"
        assert {key for key in before if key[0] == "turning/keeps"} <= after.keys(), "0 of what was kept is lost"
        assert named == before.keys() - after.keys(), "what was deleted is listed, also of an epoch nobody knew of"
        assert len({epoch for author, epoch, _ in named if author == "turning/deletes"}) >= 2
        with gate.ledger() as ledger:
            assert len(ledger.lineage) == 1, "and no hello made it take another name"
            assert sum(size(one.missing) for one in ledger.authors()) == 0
        keeps.feed(5, wait=True)
        keeps.wait_confirmed()
    finally:
        keeps.kill()
        deletes.kill()
