"""Every standing of a session x every read, against the table; and the page drawn from it."""

import itertools
import re
from pathlib import Path

import pytest

from broker.codes import Card
from broker.words import CARDS
from edge.rules import RULES, Found, Outcome, Read, Why, chart
from edge.rules.outcomes import OUTCOMES
from edge.rules.say import LABEL, LINE, REFUSED, line
from tests.edge.rules.bench import Bench, card, station, ticket

RECORDS: dict[Outcome, list[str]] = {
    Outcome.START: ["start"],
    Outcome.CONTINUE: ["pause", "start"],
    Outcome.SETUP: ["setup"],
    Outcome.SETUP_AFTER_SHIFT: ["pause", "setup"],
    Outcome.FINISH: ["finish"],
    Outcome.FINISH_AFTER_SHIFT: ["pause", "finish"],
    Outcome.FINISH_UNSTARTED: ["finish"],
    Outcome.PAUSE: ["pause"],
    Outcome.PAUSE_AT_SHIFT_END: ["pause"],
    Outcome.PAUSE_AGAIN: ["already_paused"],
    Outcome.REPORT: ["report"],
    Outcome.SPLIT: [],
    Outcome.SHIP: ["ship"],
    Outcome.RECEIVE: ["receive"],
    Outcome.ALREADY_STARTED: ["already_started"],
    Outcome.ALREADY_SETUP: ["already_setup"],
    Outcome.ALREADY_FINISHED: ["already_finished"],
    Outcome.NOT_STARTED: ["not_started"],
    Outcome.ASK_STATION: ["two_open"],
}
"""What each outcome records; PAUSE_AGAIN with the reason it has already."""

LEAVES: dict[Outcome, str] = {
    Outcome.START: "running",
    Outcome.CONTINUE: "running",
    Outcome.SETUP: "setup",
    Outcome.SETUP_AFTER_SHIFT: "setup",
    Outcome.FINISH: "finished",
    Outcome.FINISH_AFTER_SHIFT: "finished",
    Outcome.FINISH_UNSTARTED: "finished",
    Outcome.PAUSE: "paused",
    Outcome.PAUSE_AT_SHIFT_END: "paused",
}
"""The phase in which the session is afterwards; the other outcomes leave it as it was."""


def standing(found: Found) -> Bench:
    """A bench at which ticket A, operation 20, stands like this."""
    bench = Bench()
    match found:
        case Found.NONE:
            pass
        case Found.SETUP:
            bench.scan(card(Card.SETUP), ticket())
        case Found.JUST_STARTED:
            bench.scan(ticket())
        case Found.RUNNING:
            bench.scan(ticket()).wait(minutes=10)
        case Found.EARLIER_SHIFT:
            bench.scan(ticket()).wait(hours=24)
        case Found.PAUSED:
            bench.scan(ticket(), card(Card.PAUSE), ticket())
        case Found.JUST_FINISHED:
            bench.scan(ticket(), card(Card.FINISH), ticket())
        case Found.FINISHED:
            bench.scan(ticket(), card(Card.FINISH), ticket()).wait(minutes=10)
        case Found.TWO_OPEN:
            bench.scan(ticket(), station("lathe-2"), ticket())
    return bench


@pytest.mark.parametrize(("found", "read"), list(itertools.product(Found, Read)), ids=lambda item: item.name)
def test_a_read_comes_to_what_the_table_says(found: Found, read: Read) -> None:
    bench = standing(found)
    phases = {key: session.phase.value for key, session in bench.memory.sessions.items()}
    cards = [] if read is Read.TICKET else [card(Card(read.name), "OTHER" if found is Found.PAUSED else None)]
    if found is Found.PAUSED and read in (Read.PAUSE, Read.NONWORK):
        bench.scan(card(Card.PAUSE, "OTHER"), ticket())
    bench.scan(*cards, ticket())
    outcome = RULES[found][read]
    assert bench.kinds == RECORDS[outcome]
    assert bench.feedback
    after = {key: session.phase.value for key, session in bench.memory.sessions.items()}
    expected = dict(phases)
    if outcome in LEAVES:
        expected[("7K3Q9F", 20, "lathe-1")] = LEAVES[outcome]
    assert after == expected


@pytest.mark.parametrize(("found", "read"), list(itertools.product(Found, Read)), ids=lambda item: item.name)
def test_whatever_was_recorded_can_be_undone_to_the_very_same_sessions(found: Found, read: Read) -> None:
    bench = standing(found)
    before, live = dict(bench.memory.sessions), bench.live()
    cards = [] if read is Read.TICKET else [card(Card(read.name), "TOOL")]
    bench.scan(*cards, ticket())
    if bench.live() != live:
        bench.scan(card(Card.UNDO))
        assert bench.live() == live
    assert dict(bench.memory.sessions) == before


def test_the_table_says_something_for_every_standing_and_every_read() -> None:
    assert set(RULES) == set(Found)
    assert all(set(row) == set(Read) for row in RULES.values())
    assert set(OUTCOMES) == set(Outcome) == set(chart.OUTCOMES)
    assert set(REFUSED) == set(Why)
    assert set(CARDS) == set(Card)


def test_the_page_of_the_rules_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "scan-rules.md"
    assert page.read_text() == chart.page(), "run: python -m edge.rules.chart > docs/scan-rules.md"


@pytest.mark.parametrize("why", Why)
def test_every_refusal_fits_two_bilingual_lines_and_names_nothing_of_ours(why: Why) -> None:
    _, *lines = REFUSED[why]
    values = {"label": "W" * LABEL, "time": "10:06", "card": "作業以外"}
    for words in lines:
        japanese = words.ja.format(**values)
        text = line(words, **values)
        assert len(text) <= LINE
        assert text.startswith(japanese)
        assert text.removeprefix(japanese + " / ") in words.en.split("|"), "no English form fits"
        assert not re.search(r"_|http|error", text, re.IGNORECASE)
