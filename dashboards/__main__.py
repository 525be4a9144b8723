"""Write the boards' JSON: `python -m dashboards`. A test says that what is committed is current."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.boards import due_board, now_board

FOLDER = Path(__file__).parent / "json"


def generated() -> dict[str, str]:
    """Return file name -> content."""
    boards = {"now.json": now_board(), "due.json": due_board()}
    return {
        name: json.dumps(board.build(), cls=JSONEncoder, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        for name, board in boards.items()
    }


if __name__ == "__main__":
    for name, content in generated().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
