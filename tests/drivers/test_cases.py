"""Every folder `tests/drivers/DRIVER/CASE`: what a device sent, and what the driver must make of it. A report is a folder.

A driver that nobody can use without settings has them in `machine.toml` (else `sample.toml`'s defaults are meant).
`MAWASHI_WRITE_CASES=1` writes what is made now, to be read before it is committed.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from broker.settings import load
from edge.drivers.readings import Parser
from edge.drivers.table import DRIVERS, model, usual
from edge.installer.trial import Trial

HERE = Path(__file__).parent
CASES = sorted(file.parent for driver in DRIVERS for file in (HERE / driver).glob("*/input.bin"))


def parser(case: Path) -> Parser:
    settings = case / "machine.toml"
    return load(model(case.parent.name), settings).parser() if settings.exists() else usual(case.parent.name)


def tried(case: Path, data: bytes, *, at_once: int) -> dict[str, Any]:
    trial = Trial(parser(case))
    for start in range(0, len(data), at_once):
        trial.feed(data[start : start + at_once])
    trial.feed(b"\n")
    trial.end()
    return json.loads(json.dumps(trial.plain()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name} {case.name}")
def test_a_device_is_read_as_its_case_says_however_its_bytes_are_cut(case: Path):
    data, expected = (case / "input.bin").read_bytes(), case / "expected.json"
    made = tried(case, data, at_once=len(data))
    if os.environ.get("MAWASHI_WRITE_CASES"):
        expected.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    assert made == json.loads(expected.read_text())
    for at_once in (1, 2, 7):
        assert tried(case, data, at_once=at_once) == made


def test_every_driver_has_cases_and_each_case_says_what_it_is_for():
    assert {case.parent.name for case in CASES} == set(DRIVERS)
    assert all((case / "note.txt").read_text().strip() for case in CASES)
