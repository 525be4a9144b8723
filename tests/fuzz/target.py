"""One driver under atheris, in a process of its own: `python -m tests.fuzz.target DRIVER [libFuzzer options] [CORPUS]`.

An input is bytes as from the device, cut where its first byte says. What must hold is in `one`.
"""

import json
import pickle
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["edge.drivers"]):
    from edge.drivers.table import usual

CASES = Path(__file__).parents[1] / "drivers"
LARGEST_BYTES = 512 * 1024
"""What a parser may hold, pickled: its buffers are capped, and so is everything that it remembers of a device."""


def chunks(data: bytes) -> list[bytes]:
    """Cut the input into pieces as long as its first byte says; 0: whole."""
    size = data[0] if data and data[0] else len(data) or 1
    return [data[start : start + size] for start in range(1, len(data), size)]


def main() -> None:
    """Fuzz until libFuzzer's options say stop; an exception of ours ends the process with its input written down."""
    driver = sys.argv.pop(1)
    good = min(
        (
            (case / "input.bin").read_bytes()
            for case in (CASES / driver).iterdir()
            if not json.loads((case / "expected.json").read_text())["malformed"]
        ),
        key=len,
    )
    alone = usual(driver)
    alone.opened(0)
    alone.feed(good, 0)
    wanted = alone.tally.lines - alone.tally.malformed

    def one(data: bytes) -> None:
        parser = usual(driver)
        parser.opened(0)
        now_ms = 0
        for chunk in chunks(data):
            parser.feed(chunk, now_ms)
            parser.to_send(now_ms)
            now_ms += 300
            parser.idle(now_ms)
        assert len(pickle.dumps(parser)) < LARGEST_BYTES, "it holds too much"
        parser.opened(now_ms)
        understood = parser.tally.lines - parser.tally.malformed
        parser.feed(good, now_ms)
        assert parser.tally.lines - parser.tally.malformed - understood >= wanted, "good records are read again"

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
