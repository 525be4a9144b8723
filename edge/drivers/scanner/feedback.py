"""The bytes that make a scanner itself beep or blink, by model; only what its maker's manual states.

Source: the manuals named beside each model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from edge.rules import Tone

_ESC = b"\x1b"


class Model(StrEnum):
    """The command set a scanner understands."""

    NONE = "none"
    DATALOGIC = "datalogic"
    HONEYWELL = "honeywell"
    ZEBRA_SSI = "zebra-ssi"


@dataclass(frozen=True, slots=True)
class Signals:
    """What to send: `acknowledge` after every frame, then `tones` with the answer. Empty: nothing."""

    tones: Mapping[Tone, bytes]
    acknowledge: bytes = b""


def _esc(*commands: bytes) -> bytes:
    return b"".join(_ESC + command for command in commands)


_GOOD, _BAD, _WAIT = b"[3q", b"[4q", b"[5q"
_GREEN_ON, _GREEN_OFF, _RED_ON, _RED_OFF = b"[6q", b"[7q", b"[8q", b"[9q"
_SSI_ACK = bytes.fromhex("04 D0 04 00 FF 28")
_SSI_BEEP = bytes.fromhex("05 E6 04 00 00 FF 11")

MODELS: Mapping[Model, Signals] = {
    Model.NONE: Signals(dict.fromkeys(Tone, b"")),
    # PowerScan PD96xx reference manual, page 304: tones, LEDs and a wait of 100 ms. Letters are commands too
    # (E and D enable and disable scanning): never send it text.
    Model.DATALOGIC: Signals(
        {
            Tone.START: _esc(_GREEN_ON, _GOOD, _WAIT, _GREEN_OFF),
            Tone.FINISH: _esc(_GREEN_ON, _GOOD, _WAIT, _GOOD, _WAIT, _GREEN_OFF),
            Tone.NOTHING: _esc(_GREEN_ON, _WAIT, _WAIT, _GREEN_OFF),
            Tone.STOP: _esc(_RED_ON, _BAD, _WAIT, _WAIT, _WAIT, _RED_OFF),
        }
    ),
    # Xenon 1900 user's guide, page 98 ("Host ACK", off by default). One command an answer, because whether several
    # need a comma at the end differs by generation.
    Model.HONEYWELL: Signals(
        {
            Tone.START: _esc(b"6"),  # high beep
            Tone.FINISH: _esc(b"4"),  # low beep
            Tone.NOTHING: _esc(b"1"),  # green LED for 135 ms
            Tone.STOP: _esc(b"8"),  # error razz
        }
    ),
    # DS9908 product reference guide, page 245: packets of length, opcode, source, status, data, checksum. Beep code 0
    # alone, since the other codes differ from guide to guide: once, twice, not at all, three times.
    Model.ZEBRA_SSI: Signals(
        {Tone.START: _SSI_BEEP, Tone.FINISH: _SSI_BEEP * 2, Tone.NOTHING: b"", Tone.STOP: _SSI_BEEP * 3},
        acknowledge=_SSI_ACK,
    ),
}
"""Every model has an entry for every tone."""
