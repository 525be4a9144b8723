"""MTConnect agents: what is ever asked, any bytes in any cutting, a real day through both MTConnect drivers, its troubles."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.events import MachineState
from edge.drivers.mtconnect.document import DEVICES_MOST, OBSERVATIONS_MOST, read
from edge.drivers.mtconnect.frames import DOCUMENT_BYTES_MOST, Frames
from edge.drivers.mtconnect.heard import Heard
from edge.drivers.mtconnect.observed import FIELDS
from edge.drivers.mtconnect.parser import HASTE_MOST, PATIENCE_MS, RETRY_MS, Parser, Plan
from edge.drivers.readings import Alarm, Gap, Reading, State, Tally, Total
from edge.drivers.shdr.parser import Parser as Shdr
from edge.installer.trial import Trial
from gateway.demo.machines.mtconnect import STREAM_HEAD, USUAL, Agent, Item, answer, chunk, part
from tests.conftest import DATA

DEVICES = sorted([*(DATA / "mtconnect").glob("*.xml"), *(DATA / "nist_sms").glob("*.xml")])
DAYS = sorted((DATA / "nist_sms").glob("*.txt"))
needs_data = pytest.mark.skipif(not DAYS, reason="the folder of real data, ../shared/data, is not here")

OVER = 24 * 3600 * 1000
HEAD = (
    rb"Host: [A-Za-z0-9.:_-]+\r\nAccept: text/xml, application/xml, multipart/x-mixed-replace\r\n"
    rb"User-Agent: mawashi-edge\r\n(Connection: close\r\n)?\r\n"
)
ASKED = re.compile(
    rb"GET (/[A-Za-z0-9_.~%-]+)?/(current|sample\?from=\d+&count=1000(&interval=\d+&heartbeat=\d+)?) HTTP/1\.1\r\n"
    + HEAD
)
"""Every byte that may ever be sent to an agent."""


def states(found: list[Reading]) -> list[MachineState]:
    return [one.state for one in found if isinstance(one, State)]


def totals(found: list[Reading]) -> list[int]:
    return [one.value for one in found if isinstance(one, Total)]


def gaps(found: list[Reading]) -> list[str]:
    return [one.why for one in found if isinstance(one, Gap)]


class Line:
    """A parser with its line to an agent, without a socket: questions go to the agent's documents, time is ours."""

    def __init__(self, agent: Agent, **plan: object) -> None:
        self.agent, self.ms, self.asked = agent, 0, b""
        self.parser = Parser(Plan(host="shop:5000", **plan))  # type: ignore[arg-type]
        self.parser.opened(0)

    def ask(self) -> bytes | None:
        """Wait until the driver asks; return the target, None if it hangs up."""
        for _ in range(1000):
            question = self.parser.to_send(self.ms)
            if question != b"":
                break
            self.ms += 100
        if question is None:
            return None
        assert ASKED.fullmatch(question)
        return question.split(b" ")[1]

    def hear(self, data: bytes) -> list[Reading]:
        return self.parser.feed(data, self.ms)

    def reopened(self) -> None:
        self.ms += 400
        self.parser.opened(self.ms)

    def turn(self) -> list[Reading]:
        """Ask once, and hear the agent's own answer."""
        target = self.ask()
        assert target
        if target.endswith(b"/current"):
            return self.hear(answer(self.agent.current()))
        document = self.agent.sample(int(re.findall(rb"from=(\d+)", target)[0]), 1000)
        return self.hear(answer(document, status="404 Not Found" if b"MTConnectError" in document else "200 OK"))


@pytest.fixture
def agent() -> Agent:
    agent = Agent()
    agent.say(avail="AVAILABLE", execution="READY", mode="AUTOMATIC", estop="ARMED", PartCountAct=40)
    return agent


# -- what is ever sent -------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"Content-Length: 20\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Connection: close\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /move\r\n\r\n",
        b"<?xml version='1.0'?>",
        b"<MTConnectStreams><Header instanceId='9' nextSequence='7' firstSequence='1' lastSequence='90'/>",
        b"<Streams><DeviceStream name='a' uuid='b'><ComponentStream component='Path'><Events>",
        b"<Execution dataItemId='e' sequence='3'>ACTIVE</Execution><PartCount>5</PartCount>",
        b"</Events></ComponentStream></DeviceStream></Streams></MTConnectStreams>",
        STREAM_HEAD,
        b"--8f1a2b3c\r\n",
        b"\r\n",
        b"5\r\n",
        answer(Agent().current()),
        answer(Agent().sample(3)),
        answer(Agent().error("OUT_OF_RANGE", "x"), status="404 Not Found"),
        chunk(part(Agent().current())),
    ]
)
BYTES = st.lists(PIECES | st.binary(max_size=60), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(BYTES, st.integers(0, 30_000), st.booleans()), max_size=6),
    st.text(max_size=12),
    st.text(max_size=12),
    st.booleans(),
)
def test_nothing_but_two_questions_is_ever_sent_whatever_an_agent_answers(
    answers: list[tuple[list[bytes], int, bool]], host: str, device: str, stream: bool
):
    parser, ms = Parser(Plan(host=host, device=device, stream=stream)), 0
    parser.opened(ms)
    for chunks, later_ms, cut in answers:
        if question := parser.to_send(ms):
            assert ASKED.fullmatch(question)
        for data in chunks:
            parser.feed(data, ms)
        ms += later_ms
        parser.idle(ms)
        if cut or parser.to_send(ms) is None:
            parser.opened(ms)


# -- any bytes ---------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(BYTES, st.booleans(), st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_any_bytes_however_they_are_cut_give_the_same_and_never_an_error(
    chunks: list[bytes], live: bool, sizes: list[int]
):
    data = b"".join(chunks)
    whole, cut = Parser(), Parser()
    for parser in (whole, cut):
        if live:
            parser.opened(0)
            parser.to_send(0)
    once, pieces, at = whole.feed(data, 0), [], 0
    while at < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[at : at + size])
        at += size
    found = [reading for piece in pieces for reading in cut.feed(piece, 0)]
    assert found + cut.idle(OVER) == once + whole.idle(OVER)
    assert whole.tally == cut.tally


def test_a_document_that_never_ends_is_bounded_and_the_next_good_one_is_read():
    frames = Frames(1000, between=True)
    frames.feed(b"<?xml version='1.0'?><MTConnectStreams>")
    found = [one for _ in range(5000) for one in frames.feed(b"x" * 1000)]
    assert [len(one) for one in found] == [200]
    assert frames.feed(b"<?xml version='1.0'?><MTConnectStreams></MTConnectStreams>")[-1].endswith(b"MTConnectStreams>")
    parser = Parser()
    parser.feed(b"<?xml " + b" " * (DOCUMENT_BYTES_MOST + 1000), 0)
    assert states(parser.feed(Agent().current(), 0)) == [MachineState.UNKNOWN]
    assert (parser.tally.lines, parser.tally.malformed) == (2, 1)


@pytest.mark.parametrize(
    "spoilt",
    [
        b"<!DOCTYPE MTConnectStreams SYSTEM 'file:///etc/passwd'>",
        b"<!DOCTYPE a [<!ENTITY e 'x'>]>",
        b"<a>" * 200,
        b"<html/>",
    ],
)
def test_what_could_fill_a_memory_or_read_a_file_is_refused_before_it_is_looked_at(agent: Agent, spoilt: bytes):
    head, rest = agent.current().split(b"\n", 1)
    assert read(head + rest, FIELDS) is not None
    assert read(head + spoilt + rest, FIELDS) is None


def test_a_document_of_more_machines_or_faults_than_any_agent_has_is_refused():
    begin, end = b"<MTConnectStreams><Streams>", b"</Streams></MTConnectStreams>"
    device, fault = b"<DeviceStream/>", b"<Fault/>"
    assert read(begin + device * DEVICES_MOST + end, FIELDS)
    assert read(begin + device * (DEVICES_MOST + 1) + end, FIELDS) is None
    begin, end = begin + b"<DeviceStream><Condition>", b"</Condition></DeviceStream>" + end
    assert read(begin + fault * OBSERVATIONS_MOST + end, FIELDS)
    assert read(begin + fault * (OBSERVATIONS_MOST + 1) + end, FIELDS) is None


# -- real machines -----------------------------------------------------------------------------------------------------


def camel(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.rpartition(":")[2].split("_"))


def machines_of(file: Path) -> dict[str, tuple[Item, ...]]:
    """The machines of a Devices.xml as the simulator takes them."""
    found: dict[str, tuple[Item, ...]] = {}
    for device in ET.parse(file).iter():
        if not device.tag.endswith("}Device"):
            continue
        items = []
        for component in device.iter():
            for holder in [one for one in component if one.tag.endswith("}DataItems")]:
                for item in holder:
                    category = {"EVENT": "Events", "SAMPLE": "Samples", "CONDITION": "Condition"}[
                        item.get("category", "")
                    ]
                    kind = component.tag.rpartition("}")[2]
                    name = item.get("name", "")
                    items.append(
                        Item(
                            item.get("id", ""),
                            camel(item.get("type", "")),
                            kind,
                            category,
                            item.get("subType", ""),
                            name,
                        )
                    )
        found[device.get("name", "")] = tuple(items)
    return found


@needs_data
@pytest.mark.parametrize("file", DEVICES, ids=lambda file: file.stem)
def test_every_machine_of_the_official_device_files_is_understood_as_an_agent_would_say_it(file: Path):
    saved = Parser()
    assert gaps(saved.feed(file.read_bytes() + b"\n", 0) + saved.idle(OVER))[0].endswith("save /current")
    assert saved.tally.malformed == 0
    machines = machines_of(file)
    assert machines
    for version in ("1.1", "1.3", "2.4"):
        agent = Agent(machines=machines, buffer=100_000, version=version)
        for device, items in machines.items():
            line = Line(agent, device=device)
            assert states(line.turn()) == [MachineState.UNKNOWN]
            running = {item.id: "ACTIVE" for item in items if item.kind == "Execution"}
            agent.say(device, **running)
            assert states(line.turn()) == ([MachineState.RUNNING] if running else [])
            counters = [item.id for item in items if item.kind == "PartCount"]
            for number in (7, 8):
                agent.say(device, **dict.fromkeys(counters, number))
            assert totals(line.turn()) == ([7, 8] if counters else [])
            assert line.parser.tally.malformed == 0


@needs_data
def test_the_official_scenario_is_read_step_by_step():
    agent = Agent(machines=machines_of(DATA / "mtconnect" / "devices_haas.xml"))
    names = {item.name: item.id for item in agent.machines["Haas_1"]}
    line, heard = Line(agent), []
    line.turn()
    for step in (DATA / "mtconnect" / "simple_scenario_1.txt").read_text().split():
        _, *pairs = step.split("|")
        said = {names[key]: value for key, value in zip(pairs[::2], pairs[1::2], strict=True) if key in names}
        agent.say(**said)
        heard += [one.raw for one in line.turn() if isinstance(one, State)]
    assert heard == ["INTERRUPTED", "ACTIVE", "READY", "ACTIVE", "READY", "ACTIVE", "READY"]


def as_documents(day: Path, items: dict[str, Item], at_once: int = 1000) -> Iterator[bytes]:
    """A day of an adapter as its agent would hand it out: /sample after /sample."""
    lines, sequence, parts = day.read_text().splitlines(), 1, []
    for number, line in enumerate(lines, start=1):
        stamp, key, value, *more = line.split("|")
        pairs = [(key, value, more)] if len(more) == 4 else []
        if not pairs:
            tokens = [key, value, *more]
            pairs = [(one, said, []) for one, said in zip(tokens[::2], tokens[1::2], strict=False)]
        for one, said, condition in pairs:
            item = items.get(one)
            if item is None:
                continue
            level = item.holder == "Condition"
            kind = said.capitalize() if level else item.kind
            text = condition[3] if level else said
            code = f" nativeCode={quoteattr(condition[0])}" if level else ""
            parts.append(
                f'<{item.holder}><{kind} dataItemId={quoteattr(item.id)} sequence="{sequence}" timestamp="{stamp}"'
                f"{code}>{escape(text)}</{kind}></{item.holder}>"
            )
            sequence += 1
        if len(parts) >= at_once or number == len(lines):
            yield (
                f'<?xml version="1.0"?>\n<MTConnectStreams xmlns="urn:mtconnect.org:MTConnectStreams:1.3"><Header '
                f'instanceId="1" firstSequence="1" lastSequence="{sequence - 1}" nextSequence="{sequence}"/><Streams>'
                f'<DeviceStream name="M" uuid="m"><ComponentStream component="Path" componentId="p">{"".join(parts)}'
                "</ComponentStream></DeviceStream></Streams></MTConnectStreams>\n"
            ).encode()
            parts = []


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.stem)
def test_a_real_day_is_the_same_whether_its_adapter_or_its_agent_is_read(day: Path):
    machine = day.name.partition("-")[0]
    items = {item.name: item for item in machines_of(DATA / "nist_sms" / "Devices.xml")[machine]}
    by_adapter, by_agent = Trial(Shdr()), Trial(Parser())
    by_adapter.feed(day.read_bytes())
    for document in as_documents(day, items):
        by_agent.feed(answer(document))
    for trial in (by_adapter, by_agent):
        trial.end()
    one, other = by_adapter.plain(), by_agent.plain()
    assert other["malformed"] == 0
    for key in ("seconds_raw", "seconds_state"):
        lasted = [{name: seconds for name, seconds in made[key].items() if seconds} for made in (one, other)]  # type: ignore[attr-defined]
        assert lasted[1] == {name: pytest.approx(seconds, abs=0.01) for name, seconds in lasted[0].items()}
    assert (other["count"], other["alarms"]) == (one["count"], one["alarms"])


# -- the conversation --------------------------------------------------------------------------------------------------


def test_first_what_is_now_then_what_is_new_and_at_once_while_it_is_behind(agent: Agent):
    line = Line(agent)
    assert line.ask() == b"/current"
    found = line.hear(answer(agent.current()))
    assert (states(found), totals(found)) == ([MachineState.IDLE], [40])
    assert (line.ask(), line.ms) == (b"/sample?from=13&count=1000", 0)
    for number in range(1200 - 176):
        agent.say(Xact=number)
    agent.say(execution="ACTIVE", PartCountAct=41)
    line.hear(answer(agent.sample(agent._seen[0].sequence, 5)))
    assert gaps(line.turn()) == []
    assert line.ask()
    line = Line(agent)
    line.turn()
    for number in range(30):
        agent.say(Xact=number)
    agent.say(execution="READY")
    target = line.ask()
    assert target
    line.hear(answer(agent.sample(int(target.split(b"from=")[1].split(b"&")[0]), 10)))
    before = line.ms
    assert states(line.turn()) == [MachineState.IDLE], "the rest is asked for at once"
    assert line.ms == before
    line.ask()
    assert line.ms == before + 2_000, "and then at its pace"


def test_an_agent_that_always_claims_to_have_more_is_asked_at_its_pace_in_the_end(agent: Agent):
    line = Line(agent)
    line.turn()
    for number in range(HASTE_MOST + 5):
        agent.say(Xact=number)
    for _ in range(HASTE_MOST + 1):
        target = line.ask()
        assert target
        line.hear(answer(agent.sample(int(target.split(b"from=")[1].split(b"&")[0]), 1)))
    before = line.ms
    line.ask()
    assert line.ms == before + 2_000


def test_after_a_cut_it_goes_on_where_it_was_and_counts_nothing_twice(agent: Agent):
    line = Line(agent)
    line.turn()
    agent.say(PartCountAct=41)
    assert totals(line.turn()) == [41]
    line.ask()
    agent.say(PartCountAct=42, execution="ACTIVE")
    line.reopened()
    found = line.turn()
    assert (totals(found), states(found)[-1], gaps(found)) == ([42], MachineState.RUNNING, [])
    line.ask()
    line.reopened()
    assert states(line.turn()) == [MachineState.RUNNING], "after a cut it was unknown, so it is said anew"


def test_an_agent_that_was_started_anew_is_a_named_gap_and_what_is_now_is_read_again(agent: Agent):
    line = Line(agent)
    line.turn()
    agent.restart()
    agent.say(execution="ACTIVE", PartCountAct=41)
    found = line.turn()
    assert gaps(found)[0].endswith("the agent was started anew")
    assert line.ask() == b"/current"
    found = line.hear(answer(agent.current()))
    assert (states(found), totals(found)) == ([MachineState.RUNNING], [41])


def test_an_agent_that_begins_anew_at_each_answer_is_asked_no_faster_for_what_it_had():
    agent, heard = Agent(), Heard("", {}, Tally())
    agent.say(execution="ACTIVE")
    for _ in range(3):
        assert heard.take(agent.sample(1, count=4), live=True).helps
        assert heard.behind
        agent.restart()
        agent.say(execution="ACTIVE")
        assert heard.take(agent.sample(1, count=4), live=True).lost
        assert not heard.behind


@pytest.mark.parametrize("refuses", [True, False])
def test_a_buffer_that_ran_over_is_a_named_gap(refuses: bool):
    agent = Agent(buffer=20)
    agent.say(execution="READY", logic=("Fault", "E1"))
    line = Line(agent)
    line.turn()
    for number in range(50):
        agent.say(Xact=number)
    agent.say(execution="ACTIVE", PartCountAct=3, logic=("Normal", ""))
    target = line.ask()
    assert target
    lost = answer(agent.sample(1), status="404 Not Found") if refuses else answer(agent.sample(agent._next - 5))
    found = line.hear(lost)
    assert len(gaps(found)) == 1
    assert [one.active for one in found if isinstance(one, Alarm)] == [False]
    assert line.ask() == b"/current"
    assert states(line.hear(answer(agent.current()))) == [MachineState.RUNNING]


def test_silence_is_unknown_and_the_line_is_made_anew_and_said_once(agent: Agent):
    line = Line(agent)
    line.turn()
    line.ask()
    assert line.parser.idle(line.ms + PATIENCE_MS) == []
    line.ms += PATIENCE_MS + 1
    found = line.parser.idle(line.ms)
    assert gaps(found)[0].endswith("the agent does not answer")
    assert states(found) == [MachineState.UNKNOWN]
    assert line.ask() is None
    line.reopened()
    line.ask()
    line.ms += PATIENCE_MS + 1
    assert line.parser.idle(line.ms) == []
    line.reopened()
    assert states(line.turn()) == [MachineState.IDLE]


def test_an_answer_that_trickles_or_a_stream_without_a_heartbeat_is_given_up(agent: Agent):
    line = Line(agent, stream=True, heartbeat_ms=5_000)
    line.turn()
    line.ask()
    line.hear(STREAM_HEAD + chunk(part(agent.sample(13))))
    for _ in range(25):
        line.ms += 1_000
        line.hear(chunk(b" "))
    assert line.ask() is None


def test_in_a_stream_every_part_and_every_heartbeat_counts(agent: Agent):
    line = Line(agent, stream=True, interval_ms=500)
    line.turn()
    assert line.ask() == b"/sample?from=13&count=1000&interval=500&heartbeat=10000"
    assert line.hear(STREAM_HEAD + chunk(part(agent.sample(13)))) == []
    for since in range(8):
        line.ms += 9_000
        assert line.hear(chunk(part(agent.sample(13)))) == [], since
    agent.say(execution="ACTIVE")
    assert states(line.hear(chunk(part(agent.sample(13))))) == [MachineState.RUNNING]
    agent.restart()
    assert gaps(line.hear(chunk(part(agent.sample(1)))))
    assert line.ask() is None, "what is now is asked on a line of its own"
    line.reopened()
    assert line.ask() == b"/current"


@pytest.mark.parametrize(
    ("head", "says", "hangs_up"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", "302", True),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", "packed", True),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP", True),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy", "503", False),
        (answer(Agent().error("INVALID_XPATH", "no\x9b such")), "INVALID_XPATH no such", False),
        (answer(b"<!DOCTYPE html><html></html>"), "no MTConnect document", False),
        (answer(b"<MTConnectStreams><Streams></MTConnectStreams>"), "damaged", False),
        (answer(b"<MTConnectStreams><Streams/></MTConnectStreams>"), "has no machine", False),
    ],
)
def test_an_answer_that_helps_nobody_is_said_once_and_asked_again_later(
    agent: Agent, head: bytes, says: str, hangs_up: bool
):
    line = Line(agent)
    line.ask()
    found = line.hear(head)
    assert says in gaps(found)[0]
    assert (line.ask() is None) is hangs_up
    if hangs_up:
        line.reopened()
        assert line.ask()
    assert line.ms >= RETRY_MS
    assert gaps(line.hear(head)) == []
    if hangs_up:
        line.reopened()
    assert states(line.turn()) == [MachineState.IDLE]


def test_troubles_one_after_another_make_it_unknown_though_somebody_answers(agent: Agent):
    line = Line(agent)
    line.turn()
    found: list[Reading] = []
    for _ in range(4):
        line.ask()
        found += line.hear(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        assert line.ask() is None
        line.reopened()
    assert states(found) == [MachineState.UNKNOWN]
    assert states(line.turn()) == [MachineState.IDLE]


def test_an_agent_that_cuts_the_line_after_each_answer_is_met_by_hanging_up_first(agent: Agent):
    line = Line(agent)
    line.ask()
    line.hear(answer(agent.current(), keeps=False))
    assert line.ask() is None
    line.reopened()
    line.turn()
    line.reopened()  # it said that it keeps the line, and cut it
    assert line.ask()
    line.reopened()
    question = line.parser.to_send(line.ms)
    assert question
    assert b"Connection: close" in question


def test_an_agent_with_several_machines_needs_a_name_and_then_hears_only_that_one():
    agent = Agent(machines={"VMC-1": USUAL, "LATHE 2": USUAL})
    agent.say("VMC-1", execution="ACTIVE")
    agent.say("LATHE 2", execution="READY")
    assert "2 machines" in gaps(Line(agent).turn())[0]
    assert "no machine LATHE" in gaps(Line(agent, device="LATHE").turn())[0]
    line = Line(agent, device="LATHE 2")
    assert line.ask() == b"/LATHE%202/current"
    assert states(line.hear(answer(agent.current()))) == [MachineState.IDLE]
    agent.say("VMC-1", execution="INTERRUPTED")
    assert line.turn() == []
    by_uuid = Line(agent, device="UUID-lathe 2")
    assert states(by_uuid.turn()) == [MachineState.IDLE]


def test_an_item_that_is_named_in_the_settings_counts_instead_of_all_of_its_type():
    twin = (Item("e1", "Execution", "Path1"), Item("e2", "Execution", "Path2", name="second"), Item("c9", "ToolId"))
    agent = Agent(machines={"TWIN": twin})
    agent.say(e1="ACTIVE", e2="READY", c9=12)
    found = Line(agent, chosen={"execution": ("second",), "parts": ("c9",)}).turn()
    assert (states(found), totals(found)) == ([MachineState.IDLE], [12])


def test_availability_that_was_never_there_is_left_out_and_one_that_goes_is_heeded(agent: Agent):
    quiet = Agent()
    quiet.say(execution="ACTIVE")
    assert states(Line(quiet).turn()) == [MachineState.RUNNING], "some adapters never say that they are there"
    line = Line(agent)
    line.turn()
    agent.say(avail="UNAVAILABLE")
    assert states(line.turn()) == [MachineState.UNKNOWN]
