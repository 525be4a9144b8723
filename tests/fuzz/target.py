"""One driver under atheris, in a process of its own: `python -m tests.fuzz.target DRIVER [libFuzzer options] [CORPUS]`.

An input is bytes as from the device, cut where its first byte says. What must hold is in `one`.
"""

import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import atheris

DRIVER = sys.argv.pop(1)
with atheris.instrument_imports(include=["edge.drivers"]):
    from edge.drivers.readings import Parser
    from edge.drivers.table import usual

    usual(DRIVER)  # a driver is loaded when it is first wanted: here, or nobody sees which of its lines were reached

CASES = Path(__file__).parents[1] / "drivers"
LATER_MS = 60_000
"""Longer than any driver waits before it asks again."""
LARGEST_BYTES = 512 * 1024
"""What a parser may hold, pickled: its buffers are capped, and so is everything that it remembers of a device."""


def chunks(data: bytes) -> list[bytes]:
    """Cut the input into pieces as long as its first byte says; 0: whole."""
    size = data[0] if data and data[0] else len(data) or 1
    return [data[start : start + size] for start in range(1, len(data), size)]


def _opened(parser: Parser, now_ms: int) -> Parser:
    """Make its line, anew if it wants that, and let it ask its question."""
    parser.opened(now_ms)
    if parser.to_send(now_ms) is None:
        parser.opened(now_ms)
        parser.to_send(now_ms)
    return parser


def _understood(parser: Parser, data: bytes, now_ms: int) -> int:
    before = parser.tally.lines - parser.tally.malformed
    parser.feed(data, now_ms)
    return parser.tally.lines - parser.tally.malformed - before


def _good(driver: str) -> Iterator[bytes]:
    """Yield the cases that a device on a line could have sent, without a line that is malformed."""
    for case in (CASES / driver).iterdir():
        data = (case / "input.bin").read_bytes()
        whole = not json.loads((case / "expected.json").read_text())["malformed"]
        if whole and _understood(_opened(usual(driver), 0), data, 0):
            yield data


def main() -> None:
    """Fuzz until libFuzzer's options say stop; an exception of ours ends the process with its input written down."""
    good = min(_good(DRIVER), key=len)
    wanted = _understood(_opened(usual(DRIVER), 0), good, 0)

    def one(data: bytes) -> None:
        parser, now_ms = _opened(usual(DRIVER), 0), 0
        for chunk in chunks(data):
            parser.feed(chunk, now_ms)
            now_ms += 300
            parser.idle(now_ms)
            if parser.to_send(now_ms) is None:
                parser.opened(now_ms)
        assert len(pickle.dumps(parser)) < LARGEST_BYTES, "it holds too much"
        now_ms += LATER_MS
        assert _understood(_opened(parser, now_ms), good, now_ms) >= wanted, "good records are read again"

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
