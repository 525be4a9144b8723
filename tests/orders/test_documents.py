"""What is written about order files and mappings is what the code reads."""

import re
from pathlib import Path

from gateway.orders.columns import HEADINGS, REQUIRED
from gateway.replay.mapping import Columns, History

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_column_of_an_order_file_is_described():
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (required)? ?\|", (DOCS / "orders.md").read_text(), re.MULTILINE)
    assert {(column, ja, bool(required)) for column, ja, required in rows} == {
        (column.value, heading.ja, column in REQUIRED) for column, heading in HEADINGS.items()
    }


def test_every_key_of_a_mapping_is_described_with_its_default():
    text = (DOCS / "replay.md").read_text()
    rows = dict(re.findall(r"^\| `(?:\[+)?(\w+)(?:\]+)?` \|.*\| (.+) \|$", text, re.MULTILINE))
    assert rows.keys() == History.model_fields.keys()
    for name in ("encoding", "delimiter", "timestamp", "time_zone"):
        default = History.model_fields[name].default
        assert rows[name] == (f"`{default}`" if default else "found out")
    assert all(f"`{name}`" in text for name in Columns.model_fields)


def test_the_picture_of_the_ticket_is_small_enough_for_a_page():
    assert (DOCS / "images" / "ticket.png").stat().st_size < 250_000
