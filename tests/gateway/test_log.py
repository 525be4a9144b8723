"""One line a change, the sentence first, key=value at the end, foreign text quoted."""

import re

import pytest
import structlog

from gateway import log


def test_a_line_says_when_how_bad_who_and_what_and_foreign_text_stays_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.setup("appender")
    structlog.get_logger().warning("a message was set aside", topic="mw/1/a/b/events", detail='x\n"図"', times=3)
    line = capsys.readouterr().err
    structlog.reset_defaults()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:.]+ WARNING appender: a message was set aside "
        r'topic=mw/1/a/b/events detail="x\\n\\"図\\"" times=3\n',
        line,
    )
