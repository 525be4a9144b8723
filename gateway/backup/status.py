"""How the copy on the second disk stands: written by `mawashi backup --follow`, read by `mawashi check`."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from broker.words import Word
from gateway.finding import Finding
from gateway.settings import Gateway

_FRESH = timedelta(seconds=30)
"""A copy that runs well says every five seconds that it is whole."""
_WHAT = Word("控え", "copy")


@dataclass(frozen=True, slots=True)
class Status:
    """How the copy stands. `at`: the moment up to which it is whole; `trouble`: what is wrong now, in both languages.

    `lag_seconds`: no commit of the last turn had been in the ledger for longer when it was on the second disk.
    """

    dir: str
    pid: int
    position: int = 0
    at: datetime | None = None
    lag_seconds: float | None = None
    lag_seconds_max: float | None = None
    trouble: str | None = None
    trouble_ja: str | None = None
    since: datetime | None = None

    def line(self) -> str:
        """Return it as a line of JSON."""
        found = asdict(self)
        plain = {name: one.isoformat() if isinstance(one, datetime) else one for name, one in found.items()}
        return json.dumps(plain, ensure_ascii=False)

    def write(self, path: Path) -> None:
        """Put it in the place of the last one. Raises OSError."""
        new = path.with_suffix(".new")
        new.write_text(self.line(), encoding="utf-8")
        new.replace(path)


def status_path(settings: Gateway) -> Path:
    """Return where it is noted how the copy stands."""
    return settings.data_dir / "backup.json"


def said_of_copy(settings: Gateway, last_position: int, now: datetime) -> Iterator[Finding]:
    """Say how far behind the copy on the second disk is; nothing where none was ever kept."""
    path = status_path(settings)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        folder, position, trouble = str(said["dir"]), int(said["position"]), said["trouble"]
        at = datetime.fromisoformat(said["at"]) if said["at"] else None
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError):
        remedy = Word(
            "消して mawashi backup --follow を起動してください", "Delete it and start: mawashi backup --follow"
        )
        yield Finding(_WHAT, False, Word(f"{path} が読めません", f"{path} cannot be read"), remedy)
        return
    behind = max(0, last_position - position)
    when = f"{at.astimezone():%Y-%m-%d %H:%M:%S}" if at else "-"
    found = Word(f"{folder} は {when} まで、あと {behind}件", f"{folder} is whole up to {when}, {behind} events behind")
    if trouble:
        yield Finding(_WHAT, False, found, Word(f"{said['trouble_ja']}", f"Now {trouble}."))
    elif at is None or now - at > _FRESH:
        yield Finding(
            _WHAT,
            False,
            found,
            Word(
                f"動いていません。起動してください：mawashi backup --follow {folder}（やめるなら {path} を消す）",
                f"It does not run. Start it: mawashi backup --follow {folder}; to do without, delete {path}.",
            ),
        )
    else:
        yield Finding(_WHAT, True, found)
