"""`mawashi-edge ports`: what is plugged in, under its lasting names, what it looks like, and who reads it already.

Read from /dev, /sys and /proc, each of which a test may put elsewhere. Nothing is opened.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from broker.words import Word

_NOT_HERE = Path("/")

LOOKS: Mapping[str, Word] = {
    "scanner": Word("バーコードスキャナ", "bar code scanner"),
    "arduino": Word("Arduino などの基板（counter）", "Arduino or another board (counter)"),
    "cable": Word(
        "USB シリアル線：先に何があるかは listen で", "USB-serial cable: what is behind it, listen will show"
    ),
    "keyboard-scanner": Word("キーボード式のスキャナ", "keyboard-mode scanner"),
    "keypad": Word("テンキー", "ten-key pad"),
    "keyboard": Word(
        "キーボードか、キーボード式のスキャナ。読ませて文字が出れば後者です",
        "a keyboard, or a scanner in keyboard mode: if a scan types, it is one",
    ),
    "onboard": Word("基板上のシリアル", "serial port of the board itself"),
    "unknown": Word("不明：listen で調べてください", "unknown: try listen"),
}

_SCANNERS = frozenset({"05e0", "0c2e", "0536", "05f9", "1eab", "065a", "0745"})
"""Symbol/Zebra, Metrologic and Hand Held (both Honeywell), PSC/Datalogic, Newland, Opticon, Denso. Source: usb.ids."""
_BOARDS = frozenset({"2341", "2a03", "1b4f", "303a", "2e8a", "16c0"})
"""Arduino (two), SparkFun, Espressif, Raspberry Pi Pico, Teensy. Source: usb.ids."""
_CABLES = frozenset({"0403", "067b", "10c4", "1a86", "04e2", "0557"})
"""FTDI, Prolific, Silicon Labs, QinHeng (CH340), Exar, ATEN: also on boards and in some scanners. Source: usb.ids."""
_SCANNER_WORDS = (
    "scan",
    "barcode",
    "bar code",
    "symbol",
    "honeywell",
    "datalogic",
    "zebra",
    "newland",
    "netum",
    "tera",
)
_SAYS = ("idVendor", "idProduct", "manufacturer", "product", "serial")
_KEYPAD_WORDS = ("keypad", "numeric", "ten key", "tenkey", "10key", "numpad")


@dataclass(frozen=True, slots=True)
class Plugged:
    """One device. `name`: what to write in the settings; `readers`: programs that have it open, if we may see them."""

    name: str
    device: str
    kind: str
    looks: str
    by_id: str | None = None
    by_path: str | None = None
    maker: str = ""
    product: str = ""
    usb: str = ""
    serial: str = ""
    """The serial number it states; empty: two alike cannot be told apart by id."""
    readers: tuple[str, ...] = ()
    settings: str | None = None
    """The scanner or machine of the settings that this is."""

    def plain(self) -> dict[str, object]:
        """Return it for programs."""
        return asdict(self)


def ports(root: Path = _NOT_HERE, known: Mapping[str, str] | None = None) -> list[Plugged]:
    """Return what is plugged in, serial ports first. `known`: the settings' devices by the path they are at."""
    readers = _readers(root)
    by_device = {str(_real(root, Path(path))): name for path, name in (known or {}).items()}
    found = []
    for kind, device in [*(("serial", one) for one in _serial(root)), *(("input", one) for one in _inputs(root))]:
        by_id, by_path = (_link(root, kind, way, device) for way in ("by-id", "by-path"))
        usb = _usb(root, kind, device)
        code = f"{usb.get('idVendor', '')}:{usb.get('idProduct', '')}" if usb else ""
        maker, product = usb.get("manufacturer", ""), usb.get("product", "") or _own_name(root, device)
        found.append(
            Plugged(
                name=by_id or by_path or device,
                device=device,
                kind=kind,
                looks=_looks(kind, usb, f"{maker} {product}".lower()),
                by_id=by_id,
                by_path=by_path,
                maker=maker,
                product=product,
                usb=code,
                serial=usb.get("serial", ""),
                readers=readers.get(device, ()),
                settings=by_device.get(device),
            )
        )
    alike = Counter((one.kind, one.usb, one.product) for one in found if one.usb)
    return [_by_place(one) if alike[one.kind, one.usb, one.product] > 1 else one for one in found]


def _by_place(one: Plugged) -> Plugged:
    """Name one of several alike by where it is plugged in: without serial numbers they would share one name by id."""
    return one if one.serial or not one.by_path else replace(one, name=one.by_path)


def sentences(found: list[Plugged]) -> Iterator[str]:
    """Say it for people."""
    if not found:
        yield (
            "何も差さっていません。差しても出なければ線を替えてください（充電専用の線があります） / "
            "nothing is plugged in. If it stays so, change the cable: some only charge"
        )
    for one in found:
        looks = LOOKS[one.looks]
        yield one.name
        about = " ".join(part for part in (one.maker, one.product, f"({one.usb})" if one.usb else "") if part)
        yield f"  {looks.ja} / {looks.en}{f': {about}' if about else ''}"
        if one.by_path and not one.serial and one.name != one.by_path:
            yield f"  同じ物が 2 台なら / if you have two alike: {one.by_path}"
        if one.settings:
            yield f"  設定では / in the settings: {one.settings}"
        for reader in one.readers:
            yield f"  使用中 / in use by: {reader}"


def _serial(root: Path) -> list[str]:
    folder = root / "sys/class/tty"
    names = sorted(one.name for one in folder.iterdir() if (one / "device").exists()) if folder.is_dir() else []
    usual = ("ttyUSB", "ttyACM", "ttyAMA", "ttyS")
    return [f"/dev/{name}" for name in names if name.startswith(usual) and _is_there(root, name)]


def _is_there(root: Path, name: str) -> bool:
    """Say whether a port exists: of a PC's 8250 ports most are names only (their I/O port is 0)."""
    io = root / "sys/class/tty" / name / "port"
    return (root / "dev" / name).exists() and not (name.startswith("ttyS") and _text(io) in ("0x0", ""))


def _inputs(root: Path) -> list[str]:
    folder = root / "dev/input/by-id"
    links = sorted(folder.iterdir()) if folder.is_dir() else []
    return list(dict.fromkeys(str(_device(root, one)) for one in links if one.name.endswith("-event-kbd")))


def _link(root: Path, kind: str, way: str, device: str) -> str | None:
    folder = root / "dev" / kind / way
    for one in sorted(folder.iterdir()) if folder.is_dir() else []:
        if str(_device(root, one)) == device:
            return f"/dev/{kind}/{way}/{one.name}"
    return None


def _device(root: Path, link: Path) -> Path:
    """Return what a link in /dev means, as a path of the real /dev."""
    return Path("/") / link.resolve().relative_to(root.resolve())


def _real(root: Path, path: Path) -> Path:
    inside = root / path.relative_to("/") if path.is_absolute() else path
    return _device(root, inside) if inside.resolve().is_relative_to(root.resolve()) else path


def _usb(root: Path, kind: str, device: str) -> dict[str, str]:
    """Return what the USB device says of itself; nothing for what hangs on no USB."""
    group = "tty" if kind == "serial" else "input"
    place = (root / "sys/class" / group / Path(device).name / "device").resolve()
    for folder in (place, *place.parents):
        if (folder / "idVendor").exists():
            return {name: _text(folder / name) for name in _SAYS}
    return {}


def _own_name(root: Path, device: str) -> str:
    return _text(root / "sys/class/input" / Path(device).name / "device/name")


def _looks(kind: str, usb: Mapping[str, str], words: str) -> str:
    vendor = usb.get("idVendor", "")
    scanner = vendor in _SCANNERS or any(word in words for word in _SCANNER_WORDS)
    if kind == "input":
        if scanner:
            return "keyboard-scanner"
        return "keypad" if any(word in words for word in _KEYPAD_WORDS) else "keyboard"
    if scanner:
        return "scanner"
    if vendor in _BOARDS or "arduino" in words:
        return "arduino"
    if vendor in _CABLES:
        return "cable"
    return "unknown" if vendor else "onboard"


def _readers(root: Path) -> dict[str, tuple[str, ...]]:
    """Return which programs have which device open; those of other users only root can see."""
    found: dict[str, list[str]] = {}
    for process in (root / "proc").glob("[0-9]*"):
        for file in {file for file in _open_files(process) if file.startswith("/dev/")}:
            found.setdefault(file, []).append(f"{_text(process / 'comm') or '?'} ({process.name})")
    return {device: tuple(sorted(names)) for device, names in found.items()}


def _open_files(process: Path) -> Iterator[str]:
    """Yield what a process has open; nothing if it has ended, or is another user's."""
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                yield str(link.readlink())


def _text(file: Path) -> str:
    """Return the first line of a small file of the kernel, cut and printable; empty if there is none."""
    try:
        with file.open(errors="replace") as stream:
            line = stream.readline(200).strip()
    except OSError:
        return ""
    return "".join(character for character in line if character.isprintable())[:80]
