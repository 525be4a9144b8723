"""Scanners that are not plain serial ones on a real agent: Zebra's SSI packets, keyboard scanners, a ten-key pad."""

from pathlib import Path

import pytest

from broker.codes import TicketCode, printed
from tests.conftest import Mosquitto
from tests.edge.shop import FINISH, TICKET, Agent, PtyScanner, Server
from tests.machines import ssi
from tests.machines.keyboard import JIS, Keyboard, typed
from tests.machines.ssi import BEEP, CMD_ACK, CMD_NAK, SsiScanner

pytestmark = pytest.mark.slow

NEXT = printed(TicketCode("7K3Q9F", 30))


def agent_with(tmp_path: Path, mosquitto: Mosquitto, *tables: str) -> Agent:
    agent = Agent(tmp_path, mosquitto.port)
    agent.settings.write_text("\n".join([agent.settings.read_text(), *tables]))
    return agent


def test_a_zebra_scanner_is_acknowledged_sends_a_garbled_code_again_and_beeps_once_it_is_recorded(
    tmp_path: Path, mosquitto: Mosquitto, server: Server
):
    zebra = SsiScanner(tmp_path)
    agent = agent_with(
        tmp_path,
        mosquitto,
        f'[[scanner]]\nid = "s1"\nport = "{zebra.port}"\nstations = ["lathe-1"]\nfeedback = "zebra-ssi"\n',
    )
    try:
        agent.start()
        agent.says("scanner s1 is read")
        garbled = bytearray(ssi.decoded(TICKET.encode()))
        garbled[6] ^= 0x04
        zebra.send(bytes(garbled))
        agent.until(lambda: zebra.opcodes() == [CMD_NAK], "it to be asked for the code again")
        zebra.scan(TICKET)
        agent.until(lambda: zebra.opcodes() == [CMD_NAK, CMD_ACK, BEEP], "taken, then recorded")
        zebra.send(ssi.decoded(TICKET.encode(), status=1))  # our acknowledgement was lost on the way
        agent.until(lambda: zebra.opcodes()[3:] == [CMD_ACK], "the repetition to be taken and mean nothing")
        agent.until(lambda: server.kinds() == ["start"], "one start")
        agent.until(lambda: "cut short" in agent.command("status").stdout, "the garbled one to be counted")
        assert max(after for after, _ in zebra.heard) < 2.0, "it would send again after its own timeout"
    finally:
        agent.kill()
        zebra.stop()


def test_a_keyboard_scanner_and_the_ten_key_pad_beside_it_are_one_hand_through_being_unplugged(
    tmp_path: Path, mosquitto: Mosquitto, server: Server
):
    scanner, pad = Keyboard(tmp_path), Keyboard(tmp_path, "usb-Keypad-event-kbd")
    other = PtyScanner(tmp_path)
    agent = agent_with(
        tmp_path,
        mosquitto,
        f'[[scanner]]\nid = "k1"\ndriver = "hid"\nport = "{scanner.port}"\nlayout = "jis"\nstations = ["lathe-1"]\n',
        f'[[scanner]]\nid = "pad"\ndriver = "hid"\nport = "{pad.port}"\nbeside = "k1"\n',
        f'[[scanner]]\nid = "s2"\nport = "{other.port}"\nstations = ["mill-1"]\n',
    )
    try:
        agent.start()
        for name in ("k1", "pad", "s2"):
            agent.says(f"scanner {name} is read")
        scanner.scan(TICKET, others=JIS)
        agent.until(lambda: server.kinds() == ["start"], "the start")
        other.scan(TICKET)  # another hand at another station meanwhile: the number is not for it
        agent.until(lambda: server.kinds() == ["start", "start"], "the other's start")
        scanner.scan(FINISH, TICKET, others=JIS)
        agent.until(lambda: "finish" in server.kinds(), "the finish")
        pad.pad("47")
        agent.until(lambda: (server.events[-1].get("good") or {}).get("n") == 47, "the number from the pad")
        assert server.events[-1]["station"] == "lathe-1"
        scanner.send(typed(TICKET[:4], JIS))
        scanner.unplug()
        agent.says("scanner k1 cannot be read")
        scanner.plug()
        agent.says("scanner k1 is read", times=2)
        scanner.scan(NEXT, others=JIS)
        agent.until(lambda: server.events[-1].get("operation") == 30, "the next scan, without the half of the last one")
        assert server.events[-1]["action"] == "start"
    finally:
        agent.kill()
        for one in (scanner, pad, other):
            one.unplug()
