"""How a history's file is to be read: by the mapping that is there, or by a proposed one that is then kept."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from broker.settings import load
from broker.words import Word
from gateway.replay.asking import ask, terminal, unanswered
from gateway.replay.grid import Unreadable, grids
from gateway.replay.issued import as_begun, folder
from gateway.replay.lanes import sayable, station_id
from gateway.replay.mapping import History
from gateway.replay.mapping_file import written
from gateway.replay.propose import propose
from gateway.replay.reading import HistoryError, Reading, read
from gateway.settings import Gateway
from gateway.sheets import HISTORY

_ENDING = ".replay.toml"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file, its mapping and what it then says. `persons` are columns that were seen and are not read."""

    name: str
    data: bytes
    history: History
    reading: Reading
    path: Path
    text: str | None = None
    """The mapping as proposed, to be kept; None: it is there."""
    persons: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    """Names of sheets that are not read."""

    def keep(self, *, say: bool) -> None:
        """Write the proposed mapping. Raises HistoryError if it cannot be."""
        if self.text is None:
            return
        try:
            self.path.write_text(self.text, encoding="utf-8")
        except OSError as error:
            sentence = (
                f"{self.path} に書けません。--map で書ける場所を指定してください / "
                f"cannot be written ({error.strerror or error}). Name another place with --map"
            )
            raise HistoryError([sentence]) from None
        if say:
            typer.echo(
                f"この読み方を {self.path} に書きました。直すときはこれを書き換えます / "
                f"This mapping is kept in {self.path}; change it there\n"
            )


def choose(settings: Gateway, file: Path, mapping: Path | None, answers: Mapping[str, str], *, json: bool) -> Chosen:
    """Read a file by its mapping; where there is none, propose one, and ask what the file does not say.

    Raises SettingsError, HistoryError, NotAnswered.
    """
    data = _read(file)
    path = mapping or file.with_name(file.stem + _ENDING)
    name = name_of(path)
    if path.exists() and not (answers and mapping is None):
        if answers:
            sentence = (
                f"{path} があるので --set は使えません。そのファイルを直してください / "
                f"{path} is there already: change it instead of passing --set"
            )
            raise HistoryError([sentence])
        history = as_begun(folder(settings.data_dir, name), data, load(History, path))
        return Chosen(name, data, history, read(data, history), path)
    try:
        found = grids(data, encoding=answers.get("encoding"), delimiter=answers.get("delimiter"))
    except (Unreadable, LookupError, TypeError) as error:
        word = error.word if isinstance(error, Unreadable) else Word("文字コードか区切りが違います", str(error))
        raise HistoryError([f"{file.name}：{word.ja} / {file.name}: {word.en}"]) from None
    firms = [(firm.id, Word(firm.name, firm.name_en)) for firm in settings.firms]
    said = dict(answers)
    while True:
        proposal = propose(found, firms=firms, time_zone=settings.time_zone, answers=said)
        if not proposal.questions:
            break
        if json or not terminal():
            raise unanswered(proposal.questions)
        question = proposal.questions[0]
        said[question.key] = ask(question)
    assert proposal.history
    assert proposal.reading
    history, reading = as_begun(folder(settings.data_dir, name), data, proposal.history), proposal.reading
    if history != proposal.history:
        reading = read(data, history)
    return Chosen(name, data, history, reading, path, written(history, file.name), proposal.persons, proposal.sheets)


def name_of(path: Path) -> str:
    """Return the replay's name, which is also its edge's: the mapping file's, or a digest of what no id can say.

    >>> name_of(Path("a/Production.replay.toml")), name_of(Path("4tu.toml")), name_of(Path("日報.replay.toml"))
    ('production', '4tu', 'history-aabb91')
    """
    stem = path.name.removesuffix(".toml").removesuffix(".replay")
    if sayable(stem):
        return station_id(stem)
    return f"history-{hashlib.sha256(stem.encode()).hexdigest()[:6]}"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HISTORY.size_bytes + 1)
    except OSError as error:
        raise HistoryError([f"{path} を読めません / cannot be read: {error.strerror or error}. See its name"]) from None
