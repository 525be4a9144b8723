"""A case folder of a scanner or keyboard, played: bytes in any pieces, with the pauses and openings the case asks for."""

import json
import os
from pathlib import Path
from typing import Any

from edge.drivers.readings import Alarm, Gap, Parser, Reading, Text

HERE = Path(__file__).parent
END_MS = 70
"""After the last byte: time for what might have begun a packet, and too little for a pause to end a code."""


def cases(driver: str) -> list[Path]:
    return sorted(path.parent for path in HERE.glob(f"{driver}/*/input.bin"))


def plain(reading: Reading) -> Any:
    match reading:
        case Text(text, symbology):
            return [text, symbology] if symbology else text
        case Alarm(key, text, _):
            return {"alarm": key, "text": text}
        case Gap(why):
            return {"gap": why}
        case _:
            raise AssertionError(reading)


def play(parser: Parser, data: bytes, expected: dict[str, Any], at_once: int) -> dict[str, Any]:
    """Return what the parser made of it and what it wanted sent."""
    pauses = {int(offset): ms for offset, ms in expected.get("pauses", {}).items()}
    opened = set(expected.get("opened", []))
    breaks = sorted({0, len(data), *pauses, *opened, *range(0, len(data), at_once)})
    now, readings, sent = 1000, list[Reading](), b""
    parser.opened(now)
    for start, end in zip(breaks, [*breaks[1:], len(data)], strict=True):
        if start in opened:
            parser.opened(now)
        now += pauses.get(start, 0)
        readings += parser.idle(now)
        readings += parser.feed(data[start:end], now)
        sent += parser.to_send(now) or b""
    readings += parser.idle(now + END_MS)
    return {
        "readings": [plain(reading) for reading in readings],
        "lines": parser.tally.lines,
        "malformed": parser.tally.malformed,
        "sent": (sent + (parser.to_send(now) or b"")).hex(" "),
    }


def check(case: Path, parsers: Any) -> None:
    """Compare a case with what is made of it, byte by byte, by sevens and at once; `parsers` makes one by settings."""
    expected, data = json.loads((case / "expected.json").read_text()), (case / "input.bin").read_bytes()
    assert (case / "note.txt").read_text().strip()
    made = play(parsers(expected.get("settings", {})), data, expected, 1)
    if os.environ.get("MAWASHI_WRITE_CASES"):
        expected |= made
        (case / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
    assert made == {name: expected[name] for name in made}
    for at_once in (7, len(data)):
        again = play(parsers(expected.get("settings", {})), data, expected, at_once)
        assert {**again, "sent": ""} == {**made, "sent": ""}
