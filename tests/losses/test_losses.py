"""The harness of the loss table can find what is lost and what is doubled, and its document says what it measures."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT, Mosquitto
from tests.losses import peers
from tests.losses.__main__ import markdown
from tests.losses.entries import ENTRIES
from tests.losses.faults import FAULTS, Fault, Scene, Side, offline
from tests.losses.trial import Count, counted, send, trial

DOCUMENT = (ROOT / "docs" / "loss-table.md").read_text()


class Forgetful:
    """Says that it takes everything but every tenth event; loses the first ten and repeats the next twenty."""

    def __init__(self) -> None:
        self._got: Counter[int] = Counter()

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def close(self) -> None: ...

    def send(self, number: int) -> bool:
        self._got[number] += 0 if 1 <= number <= 10 or (number and number % 10 == 0) else 2 if 10 < number <= 30 else 1
        return number == 0 or number % 10 != 0

    def stored(self) -> "Counter[int]":
        return +self._got


def test_lost_are_those_accepted_that_did_not_come_and_doubled_those_that_came_again(tmp_path: Path) -> None:
    nothing = Fault(Side.SENDING, "nothing", lambda one, scene: None)
    scene = Scene(Mosquitto(tmp_path), tmp_path, 0.0, random.Random(1))
    one = Forgetful()
    send(one, nothing, scene, events=100, rate=10_000)
    count = counted(one, scene.answers, quiet_seconds=0.1)
    assert (count.sent, count.accepted, count.lost, count.doubled) == (100, 90, 9, 18)


@pytest.mark.slow
def test_a_sender_killed_while_offline_loses_what_it_kept_in_memory() -> None:
    keeping_in_memory = ENTRIES[Side.SENDING]["paho"].make
    fault = Fault(Side.SENDING, "offline", offline)
    count = trial(keeping_in_memory, fault, events=150, rate=150.0, chance=random.Random(1), quiet_seconds=0.5)
    assert 10 < count.lost < count.accepted
    assert count.doubled == 0


def test_the_table_has_a_block_a_side_and_leaves_out_who_was_not_there() -> None:
    rows = {
        ("queue full", "paho"): Count(2000, 2000, 400, 0, 0.5),
        ("queue full", "mawashi"): Count(2000, 2000, 0, 0, 0.5),
        ("disk full", "mawashi"): Count(2000, 1490, 0, 0, 0.5),
    }
    receiving, sending = markdown(rows).split("\n\n")
    assert receiving.splitlines()[2:] == [
        f"| {FAULTS['queue full'].title} | paho, automatic acknowledgements | 2,000 | 400 | 0 |",
        "|  | Mawashi | 2,000 | 0 | 0 |",
    ]
    assert sending.splitlines()[2:] == [f"| {FAULTS['disk full'].title} | Mawashi | 1,490 | 0 | 0 |"]


def test_the_document_holds_every_row_and_the_versions_that_are_installed() -> None:
    rows = re.findall(r"^\| (.*?) \| (.*?) \| [\d,]+ \| ([\d,]+) \| ([\d,]+) \|$", DOCUMENT, re.MULTILINE)
    wanted = [
        (fault.title if first else "", entry.title)
        for side in Side
        for fault in FAULTS.values()
        if fault.side is side
        for first, entry in zip([True, *[False] * 9], ENTRIES[side].values(), strict=False)
    ]
    assert [(title.strip(), who) for title, who, *_ in rows] == wanted
    assert {(lost, doubled) for _, who, lost, doubled in rows if who == "Mawashi"} == {("0", "0")}
    for version in (peers.NODE_RED, peers.NODE_RED_INFLUXDB, peers.THINGSBOARD_GATEWAY):
        assert version in DOCUMENT
