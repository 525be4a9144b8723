"""Modbus on captures of real sessions that others published, as TCP and, with a CRC, as RTU over a pty with noise."""

import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.drivers.modbus.frames import Rtu, Tcp
from edge.drivers.modbus.parser import Parser, Watched
from edge.wire import SerialWire
from gateway.demo.machines.modbus import Unit, crc16
from tests.conftest import DATA
from tests.drivers.test_modbus import Play, machine

CAPTURES = sorted((DATA / "modbus").glob("*.pcap"))
MODBUS_PORT = 502

pytestmark = pytest.mark.skipif(not CAPTURES, reason="the folder of real data, ../shared/data, is not here")


def payloads(capture: Path) -> Iterator[tuple[bool, bytes]]:
    """Each TCP segment with data on port 502 of a little-endian Ethernet capture: whether the device sent it, and it."""
    data, at = capture.read_bytes(), 24
    while at < len(data):
        size = int.from_bytes(data[at + 8 : at + 12], "little")
        ip = data[at + 16 + 14 : at + 16 + size]
        at += 16 + size
        if ip[9] != 6:
            continue
        tcp = ip[(ip[0] & 15) * 4 : int.from_bytes(ip[2:4], "big")]
        ports = int.from_bytes(tcp[:2], "big"), int.from_bytes(tcp[2:4], "big")
        if (said := tcp[(tcp[12] >> 4) * 4 :]) and MODBUS_PORT in ports:
            yield ports[0] == MODBUS_PORT, said


FRAMES = {
    "fuzz-1011": (3, 1),  # one whose byte count is not its length
    "fuzz-72": (12, 4),  # a length of 0, and three of another protocol
    "modbusSmall": (16, 0),
    "modbus_test_data_part1": (29, 1),  # three bytes behind a frame's end
    "modbus_test_data_part2": (140, 0),
}
"""Of the answers in each capture: frames and pieces of noise, and how many are malformed. Counted by hand."""


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.stem)
def test_a_captured_session_is_read_frame_by_frame_however_it_is_cut(capture: Path):
    stream = b"".join(said for from_device, said in payloads(capture) if from_device)
    for cut in (1, 7, len(stream)):
        parser = Parser(Watched(), Tcp())
        parser.opened(0)
        for at in range(0, len(stream), cut):
            assert parser.feed(stream[at : at + cut], 0) == []
        assert (parser.tally.lines, parser.tally.malformed) == FRAMES[capture.stem]


def exchanges(capture: Path) -> list[tuple[bytes, bytes]]:
    """Questions and answers, unit and PDU each, of a capture in which they alternate."""
    said = [data[6:] for _, data in payloads(capture)]
    return list(zip(said[::2], said[1::2], strict=True))


@pytest.mark.parametrize("over", [{}, {"address": "10.0.0.1:502"}])
def test_the_captured_answers_to_our_questions_are_the_states_they_are(over: dict[str, str]):
    read = [(question, answer) for question, answer in exchanges(DATA / "modbus/modbusSmall.pcap") if question[1] == 1]
    assert {question for question, _ in read} == {bytes.fromhex("010100000003")}
    coils = [{"name": name, "table": "coil", "address": n} for n, name in enumerate(("running", "hold", "alarm"), 1)]
    unit = Unit(1)
    play = Play(machine(*coils, **over), units=(unit,))
    for question, answer in read:
        unit.said[question[1:]] = answer[1:]
        play.run(1_000)
    bits = [answer[3] for _, answer in read]
    said = ["alarm" if bit & 4 else "running" if bit & 1 else "hold" if bit & 2 else "idle" for bit in bits]
    changes = [state for n, state in enumerate(said) if n == 0 or state != said[n - 1]]
    assert play.states() == changes
    assert play.parsers[0].tally.malformed == 0


def test_the_captured_frames_are_read_as_rtu_over_a_pty_with_noise_between_them():
    said = [frame for question, answer in exchanges(DATA / "modbus/modbusSmall.pcap") for frame in (question, answer)]
    ours = [frame for frame in said if frame[1] == 1]
    master, other = pty.openpty()
    tty.setraw(other)
    parser = Parser(Watched(), Rtu())
    wire = SerialWire(Path(os.ttyname(other)), 9600)
    try:
        for n, frame in enumerate(ours):
            os.write(master, bytes([0xFF, n, 0x00]) + frame + crc16(frame))
        while data := wire.read(0.2):
            assert parser.feed(data, 0) == []
    finally:
        wire.close()
        os.close(master)
        os.close(other)
    assert (parser.tally.lines, parser.tally.malformed) == (2 * len(ours), len(ours))
