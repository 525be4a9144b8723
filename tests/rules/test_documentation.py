"""docs/rules.md says what the rules do."""

import re
from pathlib import Path

from broker.events import Action, Level
from broker.words import FLAGS
from gateway.rules.order import Cause, Phase, State
from gateway.rules.sessions import PHASES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")


def cell(before: Phase | None, action: Action) -> str:
    after = PHASES[before][action]
    if before is None:
        return {Action.PAUSE: "flag", Action.FINISH: "finished, flag", Action.REPORT: "numbers only"}.get(
            action, str(after)
        )
    opens = before is Phase.FINISHED and action in (Action.SETUP, Action.START)
    return f"new: {after}" if opens else str(after)


def test_the_table_of_phases_is_the_one_in_the_code() -> None:
    for before in (None, *Phase):
        cells = [before or "no session", *(cell(before, action) for action in Action)]
        assert f"| {' | '.join(cells)} |" in DOCUMENT


def test_every_flag_is_explained_and_every_flag_raised_has_its_words() -> None:
    explained = set(re.findall(r"^\| `(\w+)` \| ", DOCUMENT.split("## Flags")[1].split("## Who")[0], re.MULTILINE))
    assert explained == set(FLAGS)
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gateway" / "rules").glob("*.py"))
    raised = set(re.findall(r'(?:flag\(\w+, |append\(\(\S+, |refused\.append\(\(key, |since, )"(\w+)"', source))
    assert raised
    assert raised <= set(FLAGS)


def test_states_causes_and_levels_stand_in_their_order() -> None:
    assert ", ".join(f"`{state}`" for state in State) in DOCUMENT
    for number, cause in enumerate(Cause, 1):
        assert f"| {number} | `{cause}` |" in DOCUMENT
    assert all(f"| `{level}`" in DOCUMENT for level in Level)
