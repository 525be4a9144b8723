"""What is plugged in: folders as Linux lays them out, made here as they were seen; and this machine's own."""

import os
import pty
from pathlib import Path

from edge.installer.ports import Plugged, ports, sentences


class Machine:
    """A /dev and a /sys of a test's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc").mkdir()

    def usb(self, place: str, code: str, maker: str, name: str, *, serial: str = "") -> Path:
        vendor, _, product = code.partition(":")
        folder = self.root / "sys/devices/pci0000:00/usb1" / place
        folder.mkdir(parents=True)
        words = {"idVendor": vendor, "idProduct": product, "manufacturer": maker, "product": name, "serial": serial}
        for file, text in words.items():
            if text:
                (folder / file).write_text(f"{text}\n")
        return folder

    def serial(self, name: str, behind: Path, *, by_id: str = "", by_path: str = "") -> None:
        interface = behind / f"{behind.name}:1.0" / name
        interface.mkdir(parents=True)
        self._node(f"tty/{name}", interface, f"dev/{name}")
        self._names("serial", f"../../{name}", by_id, by_path)

    def keyboard(self, event: str, behind: Path, name: str, by_id: str) -> None:
        interface = behind / f"{behind.name}:1.0/input/input9"
        interface.mkdir(parents=True)
        (interface / "name").write_text(f"{name}\n")
        self._node(f"input/{event}", interface, f"dev/input/{event}")
        self._names("input", f"../{event}", by_id, "")

    def reads(self, process: int, name: str, device: str) -> None:
        folder = self.root / "proc" / str(process)
        (folder / "fd").mkdir(parents=True)
        (folder / "comm").write_text(f"{name}\n")
        (folder / "fd/3").symlink_to(device)

    def _node(self, sys_name: str, device: Path, dev_name: str) -> None:
        sys_class = self.root / "sys/class" / sys_name
        sys_class.mkdir(parents=True)
        (sys_class / "device").symlink_to(device)
        node = self.root / dev_name
        node.parent.mkdir(parents=True, exist_ok=True)
        node.touch()

    def _names(self, kind: str, target: str, by_id: str, by_path: str) -> None:
        for way, name in (("by-id", by_id), ("by-path", by_path)):
            if name:
                folder = self.root / "dev" / kind / way
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).symlink_to(target)


def shop(root: Path) -> dict[str, Plugged]:
    """A scanner, an Arduino, a cable, a keyboard scanner and a ten-key pad; the scanner is being read."""
    here = Machine(root)
    scanner = here.usb("1-1", "05f9:4204", "Datalogic", "Gryphon", serial="S1")
    here.serial("ttyACM0", scanner, by_id="usb-Datalogic_Gryphon_S1-if00", by_path="pci-0:1-1")
    here.serial("ttyACM1", here.usb("1-2", "2341:0043", "Arduino", "Uno", serial="A1"), by_id="usb-Arduino_Uno_A1-if00")
    here.serial("ttyUSB0", here.usb("1-3", "1a86:7523", "", "USB Serial"), by_id="usb-1a86-if00", by_path="pci-0:1-3")
    wedge = here.usb("1-4", "ffff:0035", "Netum", "NT-1228BL Scanner")
    here.keyboard("event3", wedge, "Netum Scanner", "usb-Netum_Scanner-event-kbd")
    here.keyboard("event4", here.usb("1-5", "04d9:a02a", "Elecom", "USB Keypad"), "USB Keypad", "usb-pad-event-kbd")
    here.reads(4471, "mawashi-edge", "/dev/ttyACM0")
    found = ports(root, {"/dev/serial/by-id/usb-Datalogic_Gryphon_S1-if00": "scanner-1"})
    return {one.device: one for one in found}


def test_each_thing_is_called_by_the_name_that_lasts_and_by_what_it_looks_like(tmp_path: Path):
    found = shop(tmp_path)
    assert {device: one.looks for device, one in found.items()} == {
        "/dev/ttyACM0": "scanner",
        "/dev/ttyACM1": "arduino",
        "/dev/ttyUSB0": "cable",
        "/dev/input/event3": "keyboard-scanner",
        "/dev/input/event4": "keypad",
    }
    scanner = found["/dev/ttyACM0"]
    assert scanner.name == "/dev/serial/by-id/usb-Datalogic_Gryphon_S1-if00"
    assert (scanner.maker, scanner.product, scanner.usb) == ("Datalogic", "Gryphon", "05f9:4204")
    assert (scanner.readers, scanner.settings) == (("mawashi-edge (4471)",), "scanner-1")
    assert found["/dev/input/event3"].name == "/dev/input/by-id/usb-Netum_Scanner-event-kbd"


def test_it_is_said_in_both_languages_with_what_is_in_use(tmp_path: Path):
    said = "\n".join(sentences(list(shop(tmp_path).values())))
    assert "  バーコードスキャナ / bar code scanner: Datalogic Gryphon (05f9:4204)" in said
    assert "  使用中 / in use by: mawashi-edge (4471)" in said
    assert "  設定では / in the settings: scanner-1" in said
    assert "  同じ物が 2 台なら / if you have two alike: /dev/serial/by-path/pci-0:1-3" in said


def test_two_alike_without_serial_numbers_are_called_by_where_they_are_plugged_in(tmp_path: Path):
    here = Machine(tmp_path)
    for place, name, by_id in (("1-1", "ttyUSB0", ""), ("1-2", "ttyUSB1", "usb-1a86-if00")):
        here.serial(name, here.usb(place, "1a86:7523", "", "USB Serial"), by_id=by_id, by_path=f"pci-0:{place}")
    assert [one.name for one in ports(tmp_path)] == ["/dev/serial/by-path/pci-0:1-1", "/dev/serial/by-path/pci-0:1-2"]


def test_a_board_without_anything_plugged_in_says_what_to_do(tmp_path: Path):
    assert ports(tmp_path) == []
    assert "充電専用の線" in next(sentences([]))


def test_who_reads_a_device_is_seen_on_this_very_machine():
    ours, other = pty.openpty()
    try:
        from edge.installer.ports import _readers

        assert any(f"({os.getpid()})" in one for one in _readers(Path("/"))[os.ttyname(other)])
        assert isinstance(ports(), list)
    finally:
        os.close(ours)
        os.close(other)
