"""The bytes that make a scanner itself beep or blink, by model; only what its maker's manual states.

Source: the manuals named beside each model.
"""

from collections.abc import Mapping
from enum import StrEnum

from edge.drivers.scanner import ssi
from edge.rules import Tone

_ESC = b"\x1b"


class Model(StrEnum):
    """The command set a scanner understands."""

    NONE = "none"
    DATALOGIC = "datalogic"
    HONEYWELL = "honeywell"
    ZEBRA_SSI = "zebra-ssi"


def _esc(*commands: bytes) -> bytes:
    return b"".join(_ESC + command for command in commands)


_GOOD, _BAD, _WAIT = b"[3q", b"[4q", b"[5q"
_GREEN_ON, _GREEN_OFF, _RED_ON, _RED_OFF = b"[6q", b"[7q", b"[8q", b"[9q"
_ONE_HIGH, _TWO_HIGH, _ONE_LOW, _ONE_LONG_LOW = 0x00, 0x01, 0x05, 0x0F

MODELS: Mapping[Model, Mapping[Tone, bytes]] = {
    Model.NONE: dict.fromkeys(Tone, b""),
    # PowerScan PD96xx reference manual, page 304: tones, LEDs and a wait of 100 ms. Letters are commands too
    # (E and D enable and disable scanning): never send it text.
    Model.DATALOGIC: {
        Tone.START: _esc(_GREEN_ON, _GOOD, _WAIT, _GREEN_OFF),
        Tone.FINISH: _esc(_GREEN_ON, _GOOD, _WAIT, _GOOD, _WAIT, _GREEN_OFF),
        Tone.NOTHING: _esc(_GREEN_ON, _WAIT, _WAIT, _GREEN_OFF),
        Tone.STOP: _esc(_RED_ON, _BAD, _WAIT, _WAIT, _WAIT, _RED_OFF),
    },
    # Xenon 1900 user's guide, page 98 ("Host ACK", off by default). One command an answer, because whether several
    # need a comma at the end differs by generation.
    Model.HONEYWELL: {
        Tone.START: _esc(b"6"),  # high beep
        Tone.FINISH: _esc(b"4"),  # low beep
        Tone.NOTHING: _esc(b"1"),  # green LED for 135 ms
        Tone.STOP: _esc(b"8"),  # error razz
    },
    # The beep codes of Zebra's SDK for SSI scanners (SBT_BEEPCODE_...), sent in the packets of `ssi`. Who acknowledges
    # codes is the parser, not this table.
    Model.ZEBRA_SSI: {
        Tone.START: ssi.packet(ssi.BEEP, bytes([_ONE_HIGH])),
        Tone.FINISH: ssi.packet(ssi.BEEP, bytes([_TWO_HIGH])),
        Tone.NOTHING: ssi.packet(ssi.BEEP, bytes([_ONE_LOW])),
        Tone.STOP: ssi.packet(ssi.BEEP, bytes([_ONE_LONG_LOW])),
    },
}
"""What to send with an answer; empty: nothing. Every model has an entry for every tone."""
