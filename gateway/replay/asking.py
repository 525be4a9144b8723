"""Asking a person at a terminal, one question at a time; without a terminal, saying what to pass instead."""

import sys

import typer

from gateway.replay.propose import Question


class NotAnswered(Exception):  # noqa: N818 - what is the case
    """Nobody is there to answer, or the answer is none; the message says what to pass."""


def terminal() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask(question: Question) -> str:
    """Ask until there is an answer. Raises NotAnswered at the end of input."""
    typer.echo(f"{question.word.ja}\n{question.word.en}")
    for place, (value, word) in enumerate(question.choices, start=1):
        said = " / ".join(part for part in (word.ja, word.en) if part)
        typer.echo(f"  {place:>2}  {value}{f'（{said}）' if said and said != value else ''}")
    values = [value for value, _ in question.choices]
    while True:
        said = _line("番号か名前 / number or name: " if values else "> ")
        if said.isdecimal() and 0 < int(said) <= len(values) and said not in values:
            return values[int(said) - 1]
        free = not values or (question.key == "firm" and not said.isdecimal())
        if said and (free or said in values):
            return said
        typer.echo("上のどれかを選んでください / Choose one of the above")


def confirm(sentence: str) -> bool:
    """Ask for a yes; anything else, and the end of input, is a no."""
    try:
        return _line(f"{sentence} [y/N]: ").lower() in ("y", "yes", "はい", "ｙ")
    except NotAnswered:
        return False


def unanswered(questions: tuple[Question, ...]) -> NotAnswered:
    """Return the sentence that says what to pass, for every question."""
    lines = []
    for question in questions:
        values = "、".join(value for value, _ in question.choices[:8])
        some = (f"（{values} など）", f" ({values}...)") if values else ("", "")
        lines.append(
            f"{question.word.ja}{some[0]} --set {question.key}=… で指定してください / "
            f"{question.word.en}{some[1]} Pass --set {question.key}=..."
        )
    return NotAnswered("\n".join(lines))


def _line(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError:
        raise NotAnswered("答えがありません。何も入れていません / No answer. Nothing was put in") from None
