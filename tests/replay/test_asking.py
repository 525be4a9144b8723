"""At a terminal a person is asked, one question at a time, and shown what their answers came to."""

import os
import pty
import sys
import time
from pathlib import Path

import pytest

TALK = (
    ("number or name: ", "7"),
    ("number or name: ", "2"),
    ("number or name: ", "番号X"),
    ("number or name: ", "2"),
)
"""A number that is none; the second firm; a column by its name; the second unit."""


def talked(command: list[str], talk: tuple[tuple[str, str], ...]) -> tuple[int, str]:
    """Run a command at a terminal of its own, answer when it asks, and return its status and all that it said."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    said, pending, deadline = b"", list(talk), time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the command has ended
            break
        if not part:
            break
        said += part
        if pending and said.decode(errors="ignore").endswith(pending[0][0]):
            os.write(terminal, pending.pop(0)[1].encode() + b"\n")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), said.decode()


@pytest.mark.slow
def test_a_person_answers_by_number_or_name_and_sees_the_first_rows_as_sentences(tmp_path):
    settings, past = tmp_path / "gateway.toml", tmp_path / "日報.csv"
    firms = "".join(f'[[firms]]\nid = "{name}"\nname = "{name}"\n' for name in ("turning", "grinding"))
    settings.write_text(f'data_dir = "{tmp_path}"\n{firms}')
    past.write_text("番号X,作業日,工程,作業時間,数量\n4471,R7.3.4,旋削,2,10\n", encoding="cp932")
    program = Path(sys.executable).with_name("mawashi")
    command = [str(program), "replay", str(past), "--dry-run", "--settings", str(settings)]
    status, said = talked(command, TALK)
    assert status == 0, said
    assert "Choose one of the above" in said
    assert "どの列が受注（製番）ですか" in said
    assert "2行目：受注 4471 の工程「旋削」を 2025-03-04 08:00 から 10:00 まで、良品 10" in said
    assert "会社 grinding：受注 1件" in said
    assert "--set day_starts=8:30" in said
    assert "Nothing was put in" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gateway.toml", "日報.csv"]
