"""What an installer names on the command line: a device of the settings, a recording, a port, or an address."""

import re
import stat
from dataclasses import dataclass
from pathlib import Path

from broker.words import Word
from edge import raw
from edge.drivers.device import Framing, Keys, Place, Serial, Tcp
from edge.lock import is_held
from edge.settings import Edge

_ADDRESS = re.compile(r"[^\s/:]{1,255}:[0-9]{1,5}|\[[0-9A-Fa-f:]+\]:[0-9]{1,5}")

_CAPTURES = tuple(bytes.fromhex(one) for one in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "0a0d0d0a"))
"""How captures of a network begin. Source: draft-ietf-opsawg-pcap 4, draft-ietf-opsawg-pcapng 4.1."""
_PACKED = tuple(bytes.fromhex(one) for one in ("1f8b", "504b0304", "fd377a58", "28b52ffd"))
"""How packed files begin: gzip (RFC 1952), zip, xz, zstd (RFC 8878)."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording: a file of what a device sent, or what a running agent keeps of it (`growing`)."""

    path: Path
    growing: bool = False
    keys: bool = False
    """Whether the device is a keyboard."""


class PlaceError(Exception):
    """Nothing has this name; the message says what to do, in both languages."""


def named(text: str, settings: Edge | None, *, baud: int = 9600, framing: Framing = "8N1") -> Kept | Place:
    """Return what `text` names. A line that a running agent reads is its recording: nobody else may open it.

    Raises PlaceError.
    """
    if settings is not None:
        for name, place in settings.places.items():
            if text in (name, str(place)):
                if not is_held(settings.data_dir):
                    return place
                return Kept(settings.data_dir / raw.FOLDER / name, growing=True, keys=isinstance(place, Keys))
    path = Path(text)
    if path.is_dir() and not raw.files(path):
        raise PlaceError(_both(_FOLDER, text))
    if path.is_dir() or path.is_file():
        return Kept(path)
    if _is_port(path):
        if path.resolve().is_relative_to("/dev/input"):
            return Keys(path)
        return Serial(path, baud, framing)
    if _ADDRESS.fullmatch(text) and 0 < int(text.rpartition(":")[2]) < 65_536:
        return Tcp(text)
    raise PlaceError(_both(_NOBODY, text))


def refuse_unreadable(path: Path) -> None:
    """Raise PlaceError for a file that no driver can read: a capture of a network, or a packed one. Raises OSError."""
    with path.open("rb") as stream:
        beginning = stream.read(4)
    for beginnings, word in ((_CAPTURES, _CAPTURE), (_PACKED, _UNPACK)):
        if beginning.startswith(beginnings):
            raise PlaceError(_both(word, str(path)))


def _is_port(path: Path) -> bool:
    try:
        return stat.S_ISCHR(path.stat().st_mode)
    except OSError:
        return False


_NOBODY = Word(
    "{name} はファイルでもポートでもアドレスでもありません。mawashi-edge ports で名前を見てください",
    "{name} is no file, port or address. See the names with: mawashi-edge ports",
)


_CAPTURE = Word(
    "{name} はネットワークの記録（pcap）で、装置の言葉だけの記録ではありません。装置につないで "
    "--input HOST:PORT、または mawashi-edge run の残す記録（data_dir/raw）を",
    "{name} is a capture of a network (pcap), not what a device said: give --input HOST:PORT, or what the agent keeps "
    "in data_dir/raw",
)
_UNPACK = Word(
    "{name} は圧縮されています。展開してから指定してください（gunzip、unzip など）",
    "{name} is packed: unpack it first (gunzip, unzip...)",
)
_FOLDER = Word(
    "{name} はフォルダーで、装置の記録ではありません。その中のファイルを一つ書いてください",
    "{name} is a folder, and no recording of a device: name one of the files in it",
)


def _both(word: Word, name: str) -> str:
    return f"{word.ja.format(name=name)} / {word.en.format(name=name)}"
