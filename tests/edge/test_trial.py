"""`try` on what a hostile device says: a terminal that obeys nothing, and memory that does not grow with the file."""

import json

from edge.drivers.messages import Message
from edge.drivers.shdr.parser import Parser
from edge.drivers.table import usual
from edge.installer.trial import Trial, sentences


def test_what_a_device_calls_its_states_and_alarms_never_reaches_the_terminal_as_a_command():
    trial = Trial(Parser())
    trial.feed(
        b"2026-11-22T09:00:00Z|execution|\x1b[2J\xc2\x9b31m\n2026-11-22T09:00:09Z|c|fault|1||h|\x1b]0;x\x07\n", 0
    )
    trial.end()
    said = "".join(sentences(trial))
    assert said.isprintable()
    assert "\\x1b[2J" in said
    assert "\\x1b]0;x" in said
    assert json.dumps(trial.plain(), ensure_ascii=False).isprintable()


def test_half_a_character_in_a_scan_is_printed_as_its_number():
    trial = Trial(usual("mqtt"))
    trial.feed(Message("zigbee2mqtt/x", b'{"action": "\\ud800"}').line, 0)
    json.dumps(trial.plain(), ensure_ascii=False).encode()
    "".join(sentences(trial)).encode()


def test_a_million_different_words_and_alarms_take_the_memory_of_a_thousand():
    trial = Trial(Parser())
    for n in range(3000):
        trial.feed(b"2026-11-22T09:00:00Z|execution|X%d\n|c|fault|%d||h|boom %d\n|c|normal||||\n" % (n, n, n), 0)
    plain = trial.plain()
    assert all(len(plain[name]) <= 1001 for name in ("seconds_raw", "alarms", "gaps"))
    assert plain["alarms"]["…"] == 2000
