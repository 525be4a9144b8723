"""What an unknown line sounds like: speed, bits and driver by the bytes alone; and nothing where nothing can be said."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.codes import TicketCode, printed
from edge.drivers.counter.record import crc8
from edge.installer.listening import SETTINGS, Listening
from edge.installer.sounding import best, sound
from gateway.demo.machines.dprnt import printed as printed_by_dprnt
from tests.machines.uart import received, wave

TICKET = printed(TicketCode("7K3Q9F", 20)).encode() + b"\r"
FRAMINGS = ("8N1", "7E1", "7E2", "7O1", "8E1")


def records(count: int) -> bytes:
    """What a pulse counter says in so many seconds."""
    lines = (b"C,%d,%d,%d" % (n, 100 + n, 1000 * n) for n in range(1, count + 1))
    return b"".join(line + b"*%02X\r\n" % crc8(line) for line in lines)


def found(data: bytes, baud: int, framing: str) -> Listening:
    """Listen to a device that goes on speaking, until the speed is not changed any more."""
    at = [9600, "8N1"]
    listening = Listening(lambda baud, framing: at.__setitem__(slice(0, 2), [baud, framing]), 9600)
    for _ in range(len(SETTINGS) + 3):
        heard = received(wave(data, framing), baud, int(at[0]), int(str(at[1])[0]), str(at[1])[1] != "N")
        before = list(at)
        for start in range(0, len(heard), 32):
            if at == before:  # else what was under way at the old speed is forgotten
                listening.take(heard[start : start + 32])
    return listening


@pytest.mark.parametrize("baud", [2400, 9600, 115_200])
def test_a_counter_is_found_at_its_speed_and_by_its_own_driver(baud: int):
    proposal = found(records(3), baud, "8N1").proposal
    assert proposal
    assert (proposal.baud, proposal.framing, proposal.hits[0].driver) == (baud, "8N1", "counter")


@pytest.mark.parametrize(("framing", "shown"), [("7E1", "7E1"), ("7E2", "7E1"), ("7O1", "7O1")])
def test_seven_bits_with_parity_show_themselves_in_the_eighth(framing: str, shown: str):
    proposal = found(b"DPRNT 4471 20 PARTS 47 CYCLE 125.0\r\n", 4800, framing).proposal
    assert proposal
    assert (proposal.baud, proposal.framing) == (4800, shown)


@pytest.mark.parametrize("framing", ["8N1", "7E2", "7O1"])
def test_the_leader_of_a_punch_hides_neither_its_speed_nor_its_parity(framing: str):
    record = printed_by_dprnt("S/   17 EV/START") + printed_by_dprnt("S/   18 EV/END N/   12")
    proposal = found(record, 4800, framing).proposal
    assert proposal
    assert (proposal.baud, proposal.framing) == (4800, framing.replace("2", "1"))
    assert (proposal.hits[0].driver, proposal.hits[0].malformed) == ("dprnt", 0)


def test_a_scanners_single_code_is_enough_and_is_known_as_ours():
    proposal = found(TICKET, 9600, "8N1").proposal
    assert proposal
    assert [hit.driver for hit in proposal.hits] == ["scanner"]


def test_noise_and_a_binary_protocol_are_never_proposed():
    noise = random.Random(4471).randbytes(400)
    assert found(noise, 9600, "8N1").proposal is None
    assert best([sound(b"\x01\x03\x04\x00\x2f\x00\x00\x7b\xfc" * 20, 19_200, "8E1")]) is None


def test_too_little_proves_nothing():
    assert best([sound(b"\r\n", 9600)]) is None
    assert best([]) is None


@given(st.binary(max_size=600))
def test_any_bytes_are_judged_without_a_mistake_of_ours(data: bytes):
    judged = sound(data, 9600)
    assert 0.0 <= judged.text_share <= 1.0
    assert not (judged.good and judged.bad)
